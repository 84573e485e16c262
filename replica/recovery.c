/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/recovery.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "replica/configuration.h"
#include "replica/join.h"
#include "replica/roll.h"

enum {
	RECOVERY_CONFIG_BYTES_MAX = 1 << 20,
	RECOVERY_NOTE_BYTES = 20, /* index, term, checksum */
};

/* ---- opening ---- */

/* A first start: one of a new cluster, or one that asks to be let into one that is there. */
static enum err recovery_new_identity(struct replica *replica, const struct identity *derived)
{
	const struct replica_options *options = &replica->options;
	enum err err = ERR_OK;
	replica->identity = *derived;
	if (options->join_url != NULL)
		err = join_cluster(options, &replica->arena, &replica->identity);
	else
		err = join_check_none(options->data_directory);
	if (err == ERR_OK)
		err = identity_save(options->data_directory, &replica->identity);
	return err;
}

static enum err recovery_identity(struct replica *replica)
{
	const struct replica_options *options = &replica->options;
	const char *directory = options->data_directory;
	struct identity derived = {0}, stored = {0};
	enum err err = identity_derive(options, &replica->arena, &derived);
	if (err == ERR_OK)
		err = identity_lock(directory, &replica->lock);
	if (err != ERR_OK)
		return err;
	err = identity_load(directory, &replica->arena, &stored);
	if (err == ERR_NOT_FOUND) {
		err = recovery_new_identity(replica, &derived);
		return err == ERR_OK ? join_forget_claim(directory) : err;
	}
	if (err == ERR_OK)
		err = identity_check(directory, &stored, &derived);
	if (err != ERR_OK)
		return err;
	replica->identity = stored;
	if (options->join_url != NULL)
		log_info("join_ignored", "path=%s url=%s reason=\"the data directory is of a member already\"",
		         directory, options->join_url);
	return join_forget_claim(directory);
}

/* Does the directory hold anything of a log? One that is there and empty is what a disk that was not mounted leaves. */
static bool recovery_log_exists(const char *log_directory)
{
	DIR *directory = opendir(log_directory);
	bool found = false;
	struct dirent *entry;
	while (directory != NULL && !found && (entry = readdir(directory)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');
		found = strcmp(entry->d_name, "identity") == 0 || (dot != NULL && strcmp(dot, ".log") == 0);
	}
	if (directory != NULL)
		closedir(directory);
	return found;
}

/* A node that lost its vote could vote twice in a term: thesis §3.8. */
static enum err recovery_check_log_exists(const struct replica *replica, const char *log_directory)
{
	if (!replica->identity.formed || recovery_log_exists(log_directory))
		return ERR_OK;
	log_error(
	    "log_missing",
	    "path=%s remedy=\"put the directory back, or replace this member by one with an empty data directory\"",
	    log_directory);
	return ERR_DAMAGED;
}

static enum err recovery_open_log(struct replica *replica, struct raftlog_state *ret_state)
{
	AUTO_FREE char *directory = memory_format("%s/log", replica->options.data_directory);
	enum err err = recovery_check_log_exists(replica, directory);
	if (err != ERR_OK)
		return err;
	struct raftlog_options options = {
	    .directory = directory, .cluster_id = replica->identity.cluster, .member_id = replica->identity.member};
	return raftlog_open(&options, &replica->log, ret_state);
}

static enum err recovery_open_store(struct replica *replica)
{
	AUTO_FREE char *directory = memory_format("%s/store", replica->options.data_directory);
	struct store_options options = {
	    .directory = directory,
	    .memory_bytes = replica->options.memory_bytes,
	    .initial_members = replica->identity.members,
	    .initial_member_count = replica->identity.member_count,
	};
	return store_open(&options, &replica->store);
}

/* The configuration that a new cluster begins with: all initial members vote. */
static enum err recovery_begin_config(struct replica *replica)
{
	struct raft_config config;
	raft_config_init(&config);
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < replica->identity.member_count; i++)
		err = raft_config_set(&config,
		                      (struct raft_member){.id = replica->identity.members[i].id, .voter = true});
	AUTO_BUFFER struct buffer payload;
	buffer_init(&payload, RECOVERY_CONFIG_BYTES_MAX);
	if (err == ERR_OK) {
		raft_config_encode(&config, &payload);
		err = store_config_begin(replica->store, buffer_bytes(&payload));
	}
	raft_config_fini(&config);
	return err;
}

/* ---- the note of an installation ---- */

enum err recovery_note_install(struct replica *replica, uint64_t index, uint64_t term)
{
	AUTO_FREE char *path = memory_format("%s/installing", replica->options.data_directory);
	AUTO_BUFFER struct buffer note;
	buffer_init(&note, RECOVERY_NOTE_BYTES);
	buffer_put_u64(&note, index);
	buffer_put_u64(&note, term);
	buffer_put_u32(&note, crc32c(0, buffer_bytes(&note)));
	return file_replace(path, buffer_bytes(&note), 0600);
}

enum err recovery_forget_install(struct replica *replica)
{
	AUTO_FREE char *path = memory_format("%s/installing", replica->options.data_directory);
	return file_remove_tree(path);
}

/* Does the log hold that entry, or begin after it? What it holds else at that index was never committed. */
static bool recovery_log_has(struct replica *replica, const struct raftlog_state *state, uint64_t index, uint64_t term)
{
	if (state->damaged || index + 1 < state->first_index || index > state->last_index)
		return false;
	if (index + 1 == state->first_index)
		return state->start_term == term;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct raftlog_entry *entry = NULL;
	size_t count = 0;
	enum err err = raftlog_read(replica->log, index, 1, SIZE_MAX, &arena, &entry, &count);
	return err == ERR_OK && count == 1 && entry->term == term; /* what cannot be read was logged */
}

/* The state stands at a snapshot, and the log was to be emptied when the process ended: it is done now. A log that is longer may
 * be one of entries that another leader's have replaced. */
static enum err recovery_finish_install(struct replica *replica, struct raftlog_state *state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	AUTO_FREE char *path = memory_format("%s/installing", replica->options.data_directory);
	struct bytes note = BYTES_NONE;
	enum err err = file_read(path, RECOVERY_NOTE_BYTES, &arena, &note);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	if (err != ERR_OK && err != ERR_TOO_LARGE)
		return err;
	struct cursor cursor = cursor_over(note);
	uint64_t index = cursor_u64(&cursor), term = cursor_u64(&cursor);
	uint32_t crc = cursor_u32(&cursor);
	bool whole = cursor_is_done(&cursor) && crc == crc32c(0, bytes_of(note.data, note.size - sizeof crc));
	bool stands = whole && store_applied(replica->store) == index && store_applied_term(replica->store) == term;
	if (stands && !recovery_log_has(replica, state, index, term)) {
		log_info("install_finished", "index=%" PRIu64 " term=%" PRIu64, index, term);
		raftlog_reset(replica->log, index, term);
		state->damaged = false;
		state->first_index = index + 1;
		state->last_index = index;
		state->start_term = term;
	}
	return recovery_forget_install(replica);
}

enum err recovery_open(struct replica *replica, struct raftlog_state *ret_state)
{
	enum err err = recovery_identity(replica);
	if (err == ERR_OK)
		err = roll_open(replica->options.data_directory, &replica->roll);
	if (err == ERR_OK)
		err = recovery_open_log(replica, ret_state);
	if (err == ERR_OK)
		err = recovery_open_store(replica);
	if (err == ERR_OK && store_applied(replica->store) == 0)
		err = recovery_begin_config(replica);
	if (err == ERR_OK)
		err = recovery_finish_install(replica, ret_state);
	if (err != ERR_OK)
		return err;
	/* A shorter timeout than at the last start does not shorten what was promised then. */
	if (replica->identity.promised_ms < replica->options.election_timeout_ms)
		replica->identity.promised_ms = replica->options.election_timeout_ms;
	replica->identity.formed = true;
	replica->identity.boot++;
	return identity_save(replica->options.data_directory, &replica->identity);
}

void recovery_close(struct replica *replica)
{
	if (replica->store != NULL)
		store_close(replica->store);
	if (replica->log != NULL)
		raftlog_close(replica->log);
	roll_close(replica->roll);
	if (replica->lock >= 0)
		close(replica->lock);
}

/* ---- the start of the core ---- */

/* Log and state cannot have come from each other by any crash: the state is flushed only from what is durable in the log, and
 * the log trimmed only below what is flushed. */
static bool recovery_is_damaged(struct replica *replica, const struct raftlog_state *state)
{
	const char *what = NULL;
	uint64_t applied = store_applied(replica->store);
	if (state->damaged)
		what = raftlog_damage(replica->log);
	else if (state->last_index < applied)
		what = "entries that were applied are missing from the log";
	else if (state->first_index > applied + 1)
		what = "the applied state is older than the log begins";
	else if (!recovery_log_has(replica, state, applied, store_applied_term(replica->store)))
		what = "the log holds another entry where the applied state stands";
	if (what == NULL)
		return false;
	log_error(
	    "damaged",
	    "path=%s reason=\"%s\" log_first=%" PRIu64 " log_last=%" PRIu64 " applied=%" PRIu64
	    " remedy=\"it is repaired from the other members by itself; without a majority of them, restore a backup\"",
	    replica->options.data_directory, what, state->first_index, state->last_index, applied);
	return true;
}

struct recovery_scan {
	struct arena *arena;
	struct raft_entry *entries;
	size_t count, count_max;
};

static void recovery_entry(void *argument, const struct raftlog_entry *entry)
{
	struct recovery_scan *scan = argument;
	check(scan->count < scan->count_max);
	struct raft_entry *to = &scan->entries[scan->count++];
	*to = (struct raft_entry){.term = entry->term,
	                          .size_bytes = (uint32_t)entry->payload.size,
	                          .kind = (enum raft_entry_kind)entry->kind};
	if (to->kind == RAFT_ENTRY_CONFIG)
		to->config_payload = arena_dup(scan->arena, entry->payload);
}

static enum err recovery_entries(struct replica *replica, const struct raftlog_state *state, struct arena *arena,
                                 struct raft_start *start)
{
	struct recovery_scan scan = {.arena = arena, .count_max = (size_t)(state->last_index + 1 - state->first_index)};
	scan.entries = arena_zero(arena, scan.count_max, sizeof *scan.entries);
	enum err err = raftlog_scan(replica->log, recovery_entry, &scan);
	if (err != ERR_OK)
		return err;
	start->entries = scan.entries;
	start->count = scan.count;
	start->snapshot_index = state->first_index - 1;
	start->snapshot_term = state->start_term;
	return ERR_OK;
}

static void recovery_hear_of(struct kv_member_list *members, const struct kv_member *fact)
{
	if (fact->peer_urls == NULL)
		return; /* nothing is said of its address */
	size_t at = 0;
	while (at < members->count && members->members[at].id != fact->id)
		at++;
	if (at == LIMIT_MEMBERS)
		return;
	members->members[at] = *fact;
	members->count += at == members->count;
}

/* Nothing is applied before a majority can be reached, and where it is reached may only be said by what is to be applied: all
 * members of a cluster that was of one before may have stopped at once. */
static enum err recovery_members(struct replica *replica, const struct raft_start *start)
{
	struct kv_member_list members = {.members =
	                                     arena_zero(&replica->arena, LIMIT_MEMBERS, sizeof *members.members)};
	for (size_t i = 0; i < start->count; i++) {
		uint64_t index = start->snapshot_index + 1 + i;
		const struct raft_entry *entry = &start->entries[i];
		if (entry->kind != RAFT_ENTRY_CONFIG || index <= start->applied)
			continue;
		struct configuration configuration;
		struct bytes payload = arena_dup(&replica->arena, entry->config_payload);
		enum err err = configuration_decode(payload, &replica->arena, &configuration);
		if (err != ERR_OK)
			return err;
		for (size_t j = 0; j < configuration.fact_count; j++)
			recovery_hear_of(&members, &configuration.facts[j]);
		replica->log_members_index = index;
	}
	replica->log_members = members;
	return ERR_OK;
}

enum err recovery_start(struct replica *replica, const struct raftlog_state *state, struct arena *arena,
                        struct raft_start *ret_start)
{
	struct raft_start start = {
	    .now_ms = clock_steady_ms(),
	    .term = state->term,
	    .vote = state->vote,
	    .promised_ms = replica->identity.promised_ms,
	    .applied = store_applied(replica->store),
	    .damaged = recovery_is_damaged(replica, state),
	};
	/* As of the applied index; later configurations in the log come after it, earlier ones do not outlive it. */
	enum err err = store_config(replica->store, arena, &start.config_payload);
	if (err == ERR_OK && start.damaged) {
		start.snapshot_index = start.applied;
		start.snapshot_term = store_applied_term(replica->store);
	} else if (err == ERR_OK) {
		err = recovery_entries(replica, state, arena, &start);
	}
	if (err == ERR_OK)
		err = recovery_members(replica, &start);
	if (err == ERR_OK)
		*ret_start = start;
	return err;
}

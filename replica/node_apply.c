/* SPDX-License-Identifier: Apache-2.0 */
/* The apply role: applies what was committed, in order, and answers who waited for it. */
#include "replica/node.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "replica/configuration.h"
#include "replica/recovery.h"

void node_apply_later(struct replica *replica, struct apply_job *job)
{
	pthread_mutex_lock(&replica->jobs_mutex);
	STAILQ_INSERT_TAIL(&replica->applies, job, next);
	pthread_mutex_unlock(&replica->jobs_mutex);
	crew_want(replica->crew, CREW_APPLY);
}

static struct apply_job *node_next_apply(struct replica *replica)
{
	pthread_mutex_lock(&replica->jobs_mutex);
	struct apply_job *job = STAILQ_FIRST(&replica->applies);
	if (job != NULL)
		STAILQ_REMOVE_HEAD(&replica->applies, next);
	pthread_mutex_unlock(&replica->jobs_mutex);
	return job;
}

static void node_open_configuration(struct store_entry *entry, struct arena *arena)
{
	struct configuration configuration = {0};
	if (configuration_decode(entry->payload, arena, &configuration) != ERR_OK)
		log_fatal("entry_unreadable",
		          "index=%" PRIu64 " remedy=\"it was written by a newer version: update this node\"",
		          entry->index);
	entry->members = configuration.members;
	entry->member_count = configuration.member_count;
	entry->facts = configuration.facts;
	entry->fact_count = configuration.fact_count;
}

/* What a configuration says lives in the arena. */
static struct store_entry node_store_entry(const struct raftlog_entry *from, struct arena *arena)
{
	struct store_entry entry = {.index = from->index,
	                            .term = from->term,
	                            .is_config = from->kind == RAFT_ENTRY_CONFIG,
	                            .is_noop = from->kind == RAFT_ENTRY_NOOP,
	                            .time_ns = from->time_ns,
	                            .payload = from->payload};
	if (entry.is_config)
		node_open_configuration(&entry, arena);
	return entry;
}

/* Whose waits for this entry's result here; 0: nobody. */
static uint64_t node_waiter(struct replica *replica, const struct store_entry *entry, struct arena *arena)
{
	struct kv_origin origin;
	if (entry->is_config || entry->is_noop || kv_command_origin(entry->payload, &origin) != ERR_OK ||
	    origin.proposer != replica->identity.member)
		return 0;
	if (origin.kind != KV_COMMAND_SESSION)
		return pending_match(replica->pending, origin.session, origin.sequence);
	struct kv_command command;
	if (kv_command_decode(entry->payload, arena, &command) != ERR_OK)
		return 0;
	return pending_match_session(replica->pending, command.session_open.nonce);
}

/* Applies a run of entries, and answers. */
static void node_apply_entries(struct replica *replica, const struct store_entry *entries, size_t count,
                               struct arena *arena)
{
	uint64_t *waiters = arena_zero(arena, count, sizeof *waiters);
	bool *wanted = arena_zero(arena, count, sizeof *wanted);
	struct kv_result **results = arena_zero(arena, count, sizeof(struct kv_result *));
	bool somebody = false;
	if (!pending_is_empty(replica->pending)) {
		for (size_t i = 0; i < count; i++) {
			waiters[i] = node_waiter(replica, &entries[i], arena);
			wanted[i] = waiters[i] != 0;
			somebody = somebody || wanted[i];
		}
	}
	store_apply(replica->store, entries, count, somebody ? wanted : NULL, somebody ? results : NULL);
	node_mark(replica, entries[0].index, entries[count - 1].index);
	for (size_t i = 0; i < count && somebody; i++)
		if (waiters[i] != 0)
			pending_finish(replica->pending, waiters[i], results[i]);
	uint64_t applied = entries[count - 1].index;
	barriers_applied(replica->barriers, applied);
	atomic_store(&replica->applied, applied);
}

static void node_apply_from_memory(struct replica *replica, const struct apply_job *job, struct arena *arena)
{
	struct store_entry *entries = arena_zero(arena, job->count, sizeof *entries);
	for (size_t i = 0; i < job->count; i++) {
		const struct entry *entry = &job->entries[i];
		const struct raftlog_entry from = {.index = entry->index,
		                                   .term = entry->term,
		                                   .kind = (uint8_t)entry->kind,
		                                   .time_ns = entry->time_ns,
		                                   .payload = entry_payload(entry)};
		entries[i] = node_store_entry(&from, arena);
	}
	node_apply_entries(replica, entries, job->count, arena);
}

static void node_apply_from_log(struct replica *replica, const struct apply_job *job, struct arena *arena)
{
	for (uint64_t index = job->first; index <= job->last;) {
		struct raftlog_entry *read = NULL;
		size_t count = 0;
		arena_reset(arena);
		enum err err = raftlog_read(replica->log, index, (size_t)(job->last - index + 1), LOOP_APPLY_BYTES_MAX,
		                            arena, &read, &count);
		if (err != ERR_OK)
			log_fatal("apply_failed",
			          "index=%" PRIu64 " reason=\"a committed entry cannot be read from the log: %s\" "
			          "remedy=\"start again; if it stays so, replace this member\"",
			          index, err_text(err));
		check(count > 0);
		struct store_entry *entries = arena_zero(arena, count, sizeof *entries);
		for (size_t i = 0; i < count; i++)
			entries[i] = node_store_entry(&read[i], arena);
		node_apply_entries(replica, entries, count, arena);
		index += count;
	}
}

/* ---- snapshots ---- */

static enum err node_outcome(void *argument, uint64_t session, uint64_t sequence, struct kv_result **ret_result)
{
	struct replica *replica = argument;
	return store_session_outcome(replica->store, session, sequence, ret_result);
}

/* The state is replaced, then the log emptied, then the core told. A crash between the first two is mended at the start by
 * the note that recovery_note_install() leaves. */
static void node_install(struct replica *replica, struct apply_job *job)
{
	struct letter *letter = job->install;
	job->install = NULL;
	enum err err =
	    HAS_BUG(INSTALL_NOT_NOTED) ? ERR_OK : recovery_note_install(replica, letter->index, letter->term);
	if (err == ERR_OK)
		err = store_snapshot_install(replica->store, job->directory);
	if (err != ERR_OK) {
		/* The note would else speak of a state that the log may come to by itself. */
		enum err ignored = recovery_forget_install(replica);
		ignored = file_remove_tree(job->directory);
		(void)ignored; /* logged */
		letter->kind = LETTER_SNAPSHOT_FAILED;
		letter->peer = 0;
		node_post(replica, letter);
		return;
	}
	/* The state is replaced, so there is no way back: the note has the next start go on. */
	err = store_config(replica->store, &letter->arena, &letter->config);
	if (err != ERR_OK)
		log_fatal("install_failed",
		          "path=%s index=%" PRIu64 " reason=\"the configuration cannot be read: %s\" "
		          "remedy=\"start again; if it stays so, replace this member\"",
		          replica->options.data_directory, letter->index, err_text(err));
	check(store_applied(replica->store) == letter->index);
	pending_skipped(replica->pending, node_outcome, replica);
	barriers_applied(replica->barriers, letter->index);
	struct write_job *reset = write_job_new(0);
	reset->reset_to = letter;
	node_write(replica, reset);
}

void node_apply(void *argument)
{
	struct replica *replica = argument;
	crew_check(replica->crew, CREW_APPLY);
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct apply_job *job;
	while ((job = node_next_apply(replica)) != NULL) {
		arena_reset(&arena);
		if (job->install != NULL)
			node_install(replica, job);
		else if (job->count != 0)
			node_apply_from_memory(replica, job, &arena);
		else
			node_apply_from_log(replica, job, &arena);
		apply_job_free(job);
		crew_want(replica->crew, CREW_RAFT);
	}
	/* Those who began to wait for what had just been applied. */
	barriers_applied(replica->barriers, store_applied(replica->store));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries to state. Each entry is applied to the batch; a batch is written when it is large, when an entry must see all of
 * what came before in the database, and at the end. Where a batch ends has no influence on any result.
 */
#include "store/core.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/role.h"
#include "store/alarm.h"
#include "store/claims.h"
#include "store/lease.h"
#include "store/member.h"
#include "store/txn.h"

enum { BATCH_BYTES_MAX = 8 << 20 }; /* written earlier when it holds more */

/* ---- results ---- */

static struct kv_result *result_new(void)
{
	struct kv_result *result = memory_new(sizeof *result);
	arena_init(&result->arena);
	return result;
}

void kv_result_free(struct kv_result *result)
{
	if (result == NULL)
		return;
	arena_fini(&result->arena);
	free(result);
}

static void result_take_outcome(struct kv_result *result, const struct row_outcome *outcome)
{
	result->err = outcome->err;
	result->revision = outcome->revision;
	result->index = outcome->index;
	result->time_ns = outcome->time_ns;
	result->succeeded = outcome->succeeded;
	result->lease = outcome->lease;
	result->lease_ttl_s = outcome->lease_ttl_s;
}

struct kv_result *result_of_outcome(const struct row_outcome *outcome)
{
	struct kv_result *result = result_new();
	result_take_outcome(result, outcome);
	return result;
}

/* ---- writing ---- */

static void store_keep_change(struct store *store, const struct kv_change *change)
{
	if (store->change_count == store->change_capacity) {
		store->change_capacity = store->change_capacity != 0 ? store->change_capacity * 2 : 64;
		store->changes = memory_resize(store->changes, store->change_capacity, sizeof *store->changes);
	}
	store->changes[store->change_count++] = *change;
}

static void store_keep_lease_event(struct store *store, enum kv_lease_event_type type, const struct kv_lease *lease)
{
	if (store->lease_event_count == store->lease_event_capacity) {
		store->lease_event_capacity = store->lease_event_capacity != 0 ? store->lease_event_capacity * 2 : 64;
		store->lease_events =
		    memory_resize(store->lease_events, store->lease_event_capacity, sizeof *store->lease_events);
	}
	store->lease_events[store->lease_event_count++] =
	    (struct kv_lease_event){.type = type, .index = store->batch.state.index, .lease = *lease};
}

static void store_publish(struct store *store, struct kv_view *view)
{
	kv_publish(&store->kv, view);
	atomic_store(&store->applied_term, view->state.term);
	atomic_store(&store->applied, view->state.index);
}

static void store_tell(struct store *store)
{
	for (size_t j = 0; j < store->observer_count; j++) {
		const struct kv_observer *observer = &store->observers[j];
		for (size_t i = 0; i < store->change_count; i++)
			observer->changed(observer->argument, &store->changes[i]);
		for (size_t i = 0; i < store->lease_event_count && observer->leased != NULL; i++)
			observer->leased(observer->argument, &store->lease_events[i]);
	}
	store->change_count = store->lease_event_count = 0;
}

void store_write(struct store *store)
{
	struct batch *batch = &store->batch;
	store->write_next = false;
	if (batch->state.index == batch->base->state.index)
		return;
	bool compacted = batch->state.compacted != batch->base->state.compacted;
	sessions_write(&store->sessions, batch);
	batch_write(batch);
	store_publish(store, view_new(batch->base->database, &store->memory, &batch->state));
	store_tell(store); /* its records are in the batch's arena */
	batch_reset(batch, kv_view_open(&store->kv));
	if (compacted)
		keeper_sweep(&store->keeper);
}

enum err store_stand_on(struct store *store, struct database *database)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	rocksdb_readoptions_t *reads = rocksdb_readoptions_create();
	struct bytes row;
	enum err err = database_get(database, reads, FAMILY_META, layout_state(), &arena, &row);
	rocksdb_readoptions_destroy(reads);
	struct state state = state_first();
	if (err == ERR_OK)
		err = row_state_decode(row, &state);
	else if (err == ERR_NOT_FOUND)
		err = ERR_OK; /* no entry was ever applied */
	if (err != ERR_OK) {
		log_error("state_unreadable", "path=%s condition=%s", database->path, err_name(err));
		database_unref(database);
		return err;
	}
	struct kv_view *view = view_new(database, &store->memory, &state);
	database_unref(database); /* the view has its own reference */
	err = HAS_BUG(SESSION_NOT_LOADED) ? ERR_OK : sessions_load(&store->sessions, view);
	store_publish(store, view);
	batch_reset(&store->batch, kv_view_open(&store->kv));
	return err;
}

/* ---- commands ---- */

static struct kv_change change_of(const struct store *store, const struct kv_command *command)
{
	return (struct kv_change){
	    .index = store->batch.state.index,
	    .proposer = command->proposer,
	    .session = command->session,
	    .sequence = command->sequence,
	};
}

static enum err apply_txn(struct store *store, const struct kv_command *command, struct kv_result *result)
{
	enum err err = txn_check(&command->txn);
	if (err != ERR_OK)
		return err;
	struct edit edit;
	edit_begin(&edit, &store->batch);
	err = txn_execute(&edit, &command->txn, store->results, result);
	if (err == ERR_OK)
		err = alarm_room(&edit, command, &store->write_next);
	if (err != ERR_OK) {
		edit_undo(&edit);
		return err;
	}
	struct kv_change change = change_of(store, command);
	change.note = command->txn.note;
	if (edit_settle(&edit, &change))
		store_keep_change(store, &change);
	return ERR_OK;
}

static enum err apply_lease_grant(struct store *store, const struct kv_command *command, struct kv_result *result)
{
	int64_t id = command->lease_grant.id, ttl_s = command->lease_grant.ttl_s;
	result->lease = id;
	result->lease_ttl_s = ttl_s;
	enum err err = lease_grant(&store->batch, id, ttl_s);
	if (err != ERR_OK)
		return err;
	struct kv_lease lease = lease_now(&store->batch, id);
	store_keep_lease_event(store, KV_LEASE_GRANTED, &lease);
	return ERR_OK;
}

static enum err apply_lease_revoke(struct store *store, const struct kv_command *command, int64_t id,
                                   struct kv_result *result)
{
	struct kv_change change = change_of(store, command);
	bool changed = false;
	result->lease = id;
	enum err err = lease_revoke(&store->batch, id, &change, &changed);
	if (err == ERR_OK)
		store_keep_lease_event(store, KV_LEASE_ENDED, &(struct kv_lease){.id = id});
	if (changed)
		store_keep_change(store, &change);
	return err;
}

static enum err apply_lease_expire(struct store *store, const struct kv_command *command, struct kv_result *result)
{
	if (command->lease_expire.term != store->batch.state.term)
		return ERR_NOT_LEADER;
	return apply_lease_revoke(store, command, command->lease_expire.id, result);
}

static enum err apply_lease_checkpoint(struct store *store, const struct kv_command *command)
{
	if (command->lease_checkpoint.term != store->batch.state.term)
		return ERR_NOT_LEADER;
	for (size_t i = 0; i < command->lease_checkpoint.count; i++) {
		const struct kv_lease_left *left = &command->lease_checkpoint.lefts[i];
		if (lease_checkpoint(&store->batch, left) != ERR_OK)
			continue;
		struct kv_lease lease = lease_now(&store->batch, left->id);
		store_keep_lease_event(store, KV_LEASE_CHECKPOINTED, &lease);
	}
	return ERR_OK;
}

/* Source: etcd mvcc/kvstore.go Compact(). */
static enum err apply_compact(struct store *store, int64_t revision)
{
	struct state *state = &store->batch.state;
	if (revision <= state->compacted)
		return ERR_COMPACTED;
	if (revision > state->revision)
		return ERR_FUTURE;
	state->compacted = revision;
	return ERR_OK;
}

static enum err apply_kind(struct store *store, const struct kv_command *command, struct kv_result *result)
{
	struct batch *batch = &store->batch;
	switch (command->kind) {
	case KV_COMMAND_TXN:
		return apply_txn(store, command, result);
	case KV_COMMAND_COMPACT:
		return apply_compact(store, command->compact.revision);
	case KV_COMMAND_SESSION:
		result->session =
		    sessions_open(&store->sessions, batch, command->session_open.member, command->session_open.nonce);
		return ERR_OK;
	case KV_COMMAND_LEASE_GRANT:
		return apply_lease_grant(store, command, result);
	case KV_COMMAND_LEASE_REVOKE:
		return apply_lease_revoke(store, command, command->lease_revoke.id, result);
	case KV_COMMAND_LEASE_EXPIRE:
		return apply_lease_expire(store, command, result);
	case KV_COMMAND_LEASE_CHECKPOINT:
		return apply_lease_checkpoint(store, command);
	case KV_COMMAND_MEMBER:
		return member_publish(batch, &command->member);
	case KV_COMMAND_ALARM:
		return alarm_apply(batch, command, &result->succeeded, &store->write_next);
	}
	return ERR_INVALID;
}

/* Must the database hold all that came before, so that the command can scan it? */
static bool command_looks_back(const struct kv_command *command)
{
	switch (command->kind) {
	case KV_COMMAND_TXN:
		return txn_scans(&command->txn);
	case KV_COMMAND_LEASE_REVOKE:
	case KV_COMMAND_LEASE_EXPIRE:
		return true;
	case KV_COMMAND_COMPACT:
	case KV_COMMAND_SESSION:
	case KV_COMMAND_LEASE_GRANT:
	case KV_COMMAND_LEASE_CHECKPOINT:
	case KV_COMMAND_MEMBER:
	case KV_COMMAND_ALARM: /* the rows of alarms are always written: write_next */
		return false;
	}
	return false;
}

static void apply_note(struct store *store, const struct kv_command *command, const struct kv_result *result)
{
	sessions_note(&store->sessions, &(struct row_outcome){
	                                    .session = command->session,
	                                    .sequence = command->sequence,
	                                    .done_below = command->done_below,
	                                    .index = result->index,
	                                    .revision = result->revision,
	                                    .time_ns = result->time_ns,
	                                    .lease = result->lease,
	                                    .lease_ttl_s = result->lease_ttl_s,
	                                    .err = result->err,
	                                    .succeeded = result->succeeded,
	                                });
}

static void apply_command(struct store *store, const struct kv_command *command, struct kv_result *result)
{
	struct row_outcome outcome;
	enum session_answer answer = SESSION_NEW;
	if (command->session != 0)
		answer = sessions_ask(&store->sessions, command->session, command->sequence, &outcome);
	if (answer == SESSION_REPEATED) {
		result_take_outcome(result, &outcome);
		return;
	}
	result->err = answer == SESSION_STALE ? ERR_STALE_SESSION : alarm_refuses(&store->batch.state, command);
	if (result->err == ERR_OK)
		result->err = apply_kind(store, command, result);
	if (result->err == ERR_OK && command->kind != KV_COMMAND_ALARM)
		alarm_settle(&store->batch, &store->write_next);
	result->revision = store->batch.state.revision;
	if (result->err != ERR_OK) {
		result->succeeded = false;
		result->responses = NULL;
		result->response_count = 0;
	}
	if (command->session != 0 && answer == SESSION_NEW && !HAS_BUG(SESSION_FORGOTTEN))
		apply_note(store, command, result);
	uint32_t verdict[] = {row_err_code(result->err), result->succeeded ? 1 : 0};
	state_mix(&store->batch.state, crc32c(0, bytes_of(verdict, sizeof verdict)));
}

/* ---- entries ---- */

static bool batch_is_large(const struct batch *batch)
{
	size_t size = 0;
	rocksdb_writebatch_data(batch->writes, &size);
	return size + arena_size_bytes(&batch->arena) > BATCH_BYTES_MAX;
}

static bool batch_is_empty(const struct batch *batch)
{
	return batch->state.index == batch->base->state.index;
}

static void entry_decode(struct store *store, const struct store_entry *entry, struct kv_command *ret_command)
{
	if (kv_command_decode(entry->payload, &store->batch.arena, ret_command) != ERR_OK)
		log_fatal("entry_unreadable",
		          "index=%" PRIu64 " remedy=\"it was written by a newer version: update this node\"",
		          entry->index);
}

/* What it decodes lives as long as the batch. */
static void apply_prepare(struct store *store, const struct store_entry *entry, struct kv_command *ret_command)
{
	if (store->write_next || batch_is_large(&store->batch))
		store_write(store);
	/* A configuration looks at the rows of members, which are found in the database alone. */
	if (entry->is_config && !batch_is_empty(&store->batch))
		store_write(store);
	if (entry->is_noop || entry->is_config)
		return;
	entry_decode(store, entry, ret_command);
	if (command_looks_back(ret_command) && !batch_is_empty(&store->batch)) {
		store_write(store);
		entry_decode(store, entry, ret_command);
	}
}

static void state_advance(struct state *state, const struct store_entry *entry)
{
	check(entry->index == state->index + 1);
	state->index = entry->index;
	state->term = entry->term;
	if (entry->time_ns > state->time_ns)
		state->time_ns = entry->time_ns;
	uint64_t place[] = {entry->index, entry->term};
	state_mix(state, crc32c(0, bytes_of(place, sizeof place)));
}

static void apply_config(struct batch *batch, const struct store_entry *entry)
{
	state_mix(&batch->state, crc32c(0, entry->payload));
	buffer_put(&batch->scratch, entry->payload);
	batch_put_row(batch, FAMILY_META, layout_config());
	members_follow(batch, entry);
}

static void apply_entry(struct store *store, const struct store_entry *entry, struct kv_result *result)
{
	struct state *state = &store->batch.state;
	struct kv_command command = {0};
	apply_prepare(store, entry, &command);
	state_advance(state, entry);
	*result = (struct kv_result){
	    .index = state->index, .time_ns = state->time_ns, .revision = state->revision, .arena = result->arena};
	if (entry->is_config) {
		apply_config(&store->batch, entry);
		store->write_next = true;
	} else if (!entry->is_noop) {
		apply_command(store, &command, result);
	}
	if (entry->index % CHECKSUM_EVERY == 0) {
		state->mark_index = entry->index;
		state->mark_checksum = state->checksum;
	}
}

void store_apply(struct store *store, const struct store_entry *entries, size_t count, const bool *wanted,
                 struct kv_result **ret_results)
{
	role_check(&role_apply);
	for (size_t i = 0; i < count; i++) {
		struct kv_result *result = wanted != NULL && wanted[i] ? result_new() : NULL;
		struct kv_result unwanted = {0};
		store->results = result != NULL ? &result->arena : NULL;
		apply_entry(store, &entries[i], result != NULL ? result : &unwanted);
		if (ret_results != NULL)
			ret_results[i] = result;
	}
	store_write(store);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/core.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/alarm.h"
#include "store/claims.h"
#include "store/member.h"
#include "store/place.h"

static void store_free(struct store *store)
{
	batch_fini(&store->batch);
	kv_fini(&store->kv);
	sessions_fini(&store->sessions);
	database_memory_fini(&store->memory);
	free(store->changes);
	free(store->lease_events);
	free(store->directory);
	free(store);
}

/* Writes what is there before the first entry, and makes it visible. */
static void store_write_first(struct store *store)
{
	struct batch *batch = &store->batch;
	check(batch->state.index == 0);
	batch_write(batch);
	kv_publish(&store->kv, view_new(batch->base->database, &store->memory, &batch->state));
	batch_reset(batch, kv_view_open(&store->kv));
}

/* A new cluster begins with its members, on each of them alike. */
static void store_add_members(struct store *store, const struct store_options *options)
{
	if (store->batch.state.index != 0 || options->initial_member_count == 0)
		return;
	for (size_t i = 0; i < options->initial_member_count; i++)
		member_begin(&store->batch, &options->initial_members[i]);
	store_write_first(store);
}

enum err store_open(const struct store_options *options, struct store **ret_store)
{
	struct store *store = memory_new(sizeof *store);
	store->directory = memory_dup_string(options->directory);
	database_memory_init(&store->memory, options->memory_bytes);
	kv_init(&store->kv);
	batch_init(&store->batch);
	sessions_init(&store->sessions);
	struct database *database = NULL;
	enum err err = place_open(options->directory, &store->memory, &database);
	if (err == ERR_OK)
		err = store_stand_on(store, database);
	if (err != ERR_OK) {
		store_free(store);
		return err;
	}
	store_add_members(store, options);
	keeper_start(&store->keeper, &store->kv);
	*ret_store = store;
	return ERR_OK;
}

void store_close(struct store *store)
{
	keeper_stop(&store->keeper);
	database_flush(store->batch.base->database);
	store_free(store);
}

struct kv *store_kv(struct store *store)
{
	return &store->kv;
}

void store_observe(struct store *store, const struct kv_observer *observer)
{
	check(store->observer_count < OBSERVERS_MAX);
	store->observers[store->observer_count++] = *observer;
}

uint64_t store_applied(struct store *store)
{
	return atomic_load(&store->applied);
}

uint64_t store_applied_term(struct store *store)
{
	return atomic_load(&store->applied_term);
}

uint64_t store_flushed(struct store *store)
{
	return atomic_load(&store->keeper.flushed);
}

void store_flush(struct store *store)
{
	keeper_flush(&store->keeper);
}

/* ---- configuration ---- */

enum err store_config(struct store *store, struct arena *arena, struct bytes *ret_payload)
{
	struct kv_view *view = kv_view_open(&store->kv);
	struct bytes payload = BYTES_NONE;
	enum err err = view_get(view, FAMILY_META, layout_config(), arena, &payload);
	kv_view_close(view);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	*ret_payload = payload;
	return ERR_OK;
}

enum err store_config_begin(struct store *store, struct bytes payload)
{
	struct batch *batch = &store->batch;
	buffer_put(&batch->scratch, payload);
	batch_put_row(batch, FAMILY_META, layout_config());
	store_write_first(store);
	return ERR_OK;
}

/* ---- proposals ---- */

enum err store_admit(struct store *store, const struct kv_command *command)
{
	enum err err = command->kind == KV_COMMAND_TXN ? txn_check(&command->txn) : ERR_OK;
	if (err != ERR_OK)
		return err;
	struct kv_view *view = kv_view_open(&store->kv);
	err = alarm_refuses(&view->state, command);
	if (err == ERR_OK && command->kind == KV_COMMAND_TXN)
		err = alarm_admits(view, &command->txn);
	kv_view_close(view);
	return err;
}

enum err store_session_outcome(struct store *store, uint64_t session, uint64_t sequence, struct kv_result **ret_result)
{
	struct row_outcome outcome;
	switch (sessions_ask(&store->sessions, session, sequence, &outcome)) {
	case SESSION_NEW:
		return ERR_NOT_FOUND;
	case SESSION_STALE:
		return ERR_STALE_SESSION;
	case SESSION_REPEATED:
		break;
	}
	*ret_result = result_of_outcome(&outcome);
	return ERR_OK;
}

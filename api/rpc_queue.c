/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rpc_queue.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>

#include "api/rpc_answer.h"
#include "api/rpc_lease.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

void queue_fail(struct rpc_call *call, enum err err)
{
	struct rpc_status status = rpc_status_of(err);
	/* What may go well when it is tried again keeps its code, which clients go by. */
	if (status.code == RPC_UNAVAILABLE || status.code == RPC_DATA_LOSS || status.code == RPC_RESOURCE_EXHAUSTED)
		rpc_fail(call, err);
	else
		rpc_finish(call, RPC_UNKNOWN, status.message);
}

void queue_changed(struct rpc_call *call, enum err err, struct kv_result *result)
{
	if (err != ERR_OK)
		queue_fail(call, err);
	else
		rpc_reply(call, rpc_answer(call, result->revision));
}

/* ---- names ---- */

struct bytes queue_prefix(struct bytes name, struct arena *arena)
{
	uint8_t *prefix = arena_take(arena, name.size + 1);
	if (name.size != 0)
		memcpy(prefix, name.data, name.size);
	prefix[name.size] = '/';
	return bytes_of(prefix, name.size + 1);
}

struct kv_range queue_range(struct bytes prefix, struct arena *arena)
{
	return kv_prefix(prefix, arena);
}

/* As Go's "%x": a sign, and the digits. */
static struct bytes queue_key(struct bytes prefix, int64_t lease, struct arena *arena)
{
	uint64_t digits = lease < 0 ? -(uint64_t)lease : (uint64_t)lease;
	const char *end = arena_format(arena, "%s%" PRIx64, lease < 0 ? "-" : "", digits);
	size_t size = strlen(end);
	uint8_t *key = arena_take(arena, prefix.size + size);
	memcpy(key, prefix.data, prefix.size);
	memcpy(key + prefix.size, end, size);
	return bytes_of(key, prefix.size + size);
}

/* ---- who is where ---- */

static enum err queue_one(struct kv_view *view, const struct kv_range_request *request, struct arena *arena,
                          struct kv_record *ret_record)
{
	struct kv_response response = {0};
	enum err err = kv_range(view, request, arena, &response);
	if (err != ERR_OK)
		return err;
	if (response.record_count == 0)
		return ERR_NOT_FOUND;
	*ret_record = response.records[0];
	return ERR_OK;
}

enum err queue_head(struct kv_view *view, struct bytes prefix, int64_t revision, struct arena *arena,
                    struct kv_record *ret_record)
{
	const struct kv_range_request request = {.range = queue_range(prefix, arena),
	                                         .revision = revision,
	                                         .order = KV_ASCEND,
	                                         .sort = KV_SORT_CREATE,
	                                         .limit = 1};
	return queue_one(view, &request, arena, ret_record);
}

static enum err queue_before(struct kv_view *view, const struct queue_place *place, struct arena *arena,
                             struct kv_record *ret_record)
{
	const struct kv_range_request request = {.range = queue_range(place->prefix, arena),
	                                         .order = KV_DESCEND,
	                                         .sort = KV_SORT_CREATE,
	                                         .limit = 1,
	                                         .keys_only = true,
	                                         .max_create_revision = place->revision - 1};
	return queue_one(view, &request, arena, ret_record);
}

/* ---- the end ---- */

static void queue_unwatch(struct queue_place *place)
{
	struct events *events = place->call->service->events;
	if (place->watches_before)
		events_remove(events, &place->before);
	if (place->watches_own)
		events_remove(events, &place->own);
	place->watches_before = place->watches_own = false;
}

static void queue_gave_back(void *argument, enum err err, struct kv_result *result)
{
	kv_result_free(result);
}

/* Nobody waits for it: if it fails, the lease ends it. */
static void queue_give_back(const struct queue_place *place)
{
	const struct service *service = place->call->service;
	const struct kv_compare same = {
	    .target = KV_CREATE, .result = KV_EQUAL, .range = {.start = place->key}, .number = place->revision};
	const struct kv_op op = {.kind = KV_DELETE, .del = {.range = {.start = place->key}}};
	const struct kv_command command = {
	    .kind = KV_COMMAND_TXN, .txn = {.compares = &same, .compare_count = 1, .success = &op, .success_count = 1}};
	uint64_t deadline_ns = clock_steady_ns() + service->request_timeout_ms * CLOCK_NS_PER_MS;
	enum err ignored = replica_propose(service->replica, &command, deadline_ns, queue_gave_back, NULL);
	(void)ignored;
}

void queue_ended(struct rpc_call *call)
{
	struct queue_place *place = call->state;
	queue_unwatch(place);
	if (place->made && !place->is_first)
		queue_give_back(place);
	free(place);
}

static void queue_lost(struct queue_place *place)
{
	rpc_finish(place->call, RPC_UNKNOWN, place->options.lost);
}

static void queue_first(struct queue_place *place, int64_t revision)
{
	queue_unwatch(place);
	place->is_first = true;
	place->options.first(place->call, place, revision);
}

/* ---- waiting ---- */

/* It waited: is it still there? */
static void queue_looked_again(struct rpc_call *call, enum err err)
{
	struct queue_place *place = call->state;
	struct kv_record record = {0};
	if (err != ERR_OK) {
		queue_fail(call, err);
		return;
	}
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t revision = kv_view_revision(view);
	err = kv_get(view, place->key, &call->arena, &record);
	kv_view_close(view);
	if (err == ERR_OK && record.create_revision == place->revision)
		queue_first(place, revision);
	else if (err == ERR_OK || err == ERR_NOT_FOUND)
		queue_lost(place);
	else
		queue_fail(call, err);
}

static void queue_wait(struct queue_place *place);

static bool queue_is_gone(const struct events_batch *batch)
{
	bool gone = false;
	for (size_t at = 0; at < batch->count; at++)
		gone = gone || batch->events[at]->type == KV_EVENT_DELETE;
	return gone;
}

/* A key that came back is behind: it was created later. */
static enum err queue_before_changed(struct events_watch *watch, const struct events_batch *batch)
{
	struct queue_place *place = (struct queue_place *)((char *)watch - offsetof(struct queue_place, before));
	if (queue_is_gone(batch))
		queue_wait(place);
	return ERR_OK;
}

static enum err queue_own_changed(struct events_watch *watch, const struct events_batch *batch)
{
	struct queue_place *place = (struct queue_place *)((char *)watch - offsetof(struct queue_place, own));
	if (queue_is_gone(batch))
		queue_lost(place);
	return ERR_OK;
}

static void queue_overtaken(struct queue_place *place, enum err err)
{
	if (err == ERR_COMPACTED)
		queue_wait(place); /* whatever came meanwhile */
	else
		queue_fail(place->call, err);
}

static void queue_before_lost(struct events_watch *watch, enum err err, int64_t compacted)
{
	struct queue_place *place = (struct queue_place *)((char *)watch - offsetof(struct queue_place, before));
	place->watches_before = false;
	queue_overtaken(place, err);
}

static void queue_own_lost(struct events_watch *watch, enum err err, int64_t compacted)
{
	struct queue_place *place = (struct queue_place *)((char *)watch - offsetof(struct queue_place, own));
	place->watches_own = false;
	queue_overtaken(place, err);
}

static void queue_watch(struct queue_place *place, struct bytes before, int64_t revision)
{
	struct events *events = place->call->service->events;
	place->before.changed = queue_before_changed;
	place->before.lost = queue_before_lost;
	events_add(events, &place->before, &(struct kv_range){.start = before}, revision + 1);
	place->watches_before = true;
	place->own.changed = queue_own_changed;
	place->own.lost = queue_own_lost;
	events_add(events, &place->own, &(struct kv_range){.start = place->key}, revision + 1);
	place->watches_own = true;
}

/* Is anybody before it? In the state as it is here, which has its key: whoever is not before it then never will be. */
static void queue_wait(struct queue_place *place)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_record before, own;
	queue_unwatch(place);
	struct kv_view *view = kv_view_open(replica_kv(place->call->service->replica));
	int64_t revision = kv_view_revision(view);
	enum err err = kv_get(view, place->key, &arena, &own);
	bool lost = err == ERR_NOT_FOUND || (err == ERR_OK && own.create_revision != place->revision);
	if (err == ERR_OK)
		err = queue_before(view, place, &arena, &before);
	kv_view_close(view);
	if (lost)
		queue_lost(place);
	else if (err == ERR_NOT_FOUND)
		rpc_barrier(place->call, queue_looked_again);
	else if (err != ERR_OK)
		queue_fail(place->call, err);
	else
		queue_watch(place, before.key, revision);
}

/* ---- taking a place ---- */

static void queue_placed(struct queue_place *place)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_record head;
	struct kv_view *view = kv_view_open(replica_kv(place->call->service->replica));
	enum err err = queue_head(view, place->prefix, place->put_revision, &arena, &head);
	kv_view_close(view);
	if (err == ERR_OK && head.create_revision == place->revision)
		queue_first(place, place->put_revision); /* at that very revision, which is not over */
	else
		queue_wait(place);
}

static void queue_value_set(struct rpc_call *call, enum err err, struct kv_result *result)
{
	struct queue_place *place = call->state;
	if (err != ERR_OK)
		queue_fail(call, err);
	else if (!result->succeeded)
		queue_lost(place);
	else
		queue_placed(place);
}

static void queue_set_value(struct queue_place *place)
{
	const struct kv_compare same = {
	    .target = KV_CREATE, .result = KV_EQUAL, .range = {.start = place->key}, .number = place->revision};
	const struct kv_op op = {
	    .kind = KV_PUT,
	    .put = {.key = place->key, .value = place->options.value, .lease = place->lease, .keep_attr = true}};
	const struct kv_command command = {
	    .kind = KV_COMMAND_TXN, .txn = {.compares = &same, .compare_count = 1, .success = &op, .success_count = 1}};
	rpc_propose(place->call, &command, queue_value_set);
}

/* What the key held before; of a proposal that was answered before nobody knows any more: as it is now. */
static enum err queue_found(const struct queue_place *place, const struct kv_result *result, struct kv_record *ret_own)
{
	if (result->response_count != 0 && result->responses[0].record_count != 0) {
		*ret_own = result->responses[0].records[0];
		return ERR_OK;
	}
	struct kv_view *view = kv_view_open(replica_kv(place->call->service->replica));
	enum err err = kv_get(view, place->key, &place->call->arena, ret_own);
	kv_view_close(view);
	return err;
}

static void queue_put_done(struct rpc_call *call, enum err err, struct kv_result *result)
{
	struct queue_place *place = call->state;
	struct kv_record own = {0};
	if (err != ERR_OK) {
		queue_fail(call, err);
		return;
	}
	place->put_revision = place->revision = result->revision;
	place->made = result->succeeded;
	if (place->made) {
		queue_placed(place);
		return;
	}
	err = queue_found(place, result, &own);
	place->revision = own.create_revision;
	if (err == ERR_NOT_FOUND)
		queue_lost(place);
	else if (err != ERR_OK)
		queue_fail(call, err);
	else if (place->options.sets_value && !bytes_equal(own.value, place->options.value))
		queue_set_value(place);
	else
		queue_placed(place);
}

static void queue_put(struct queue_place *place)
{
	place->key = queue_key(place->prefix, place->lease, &place->call->arena);
	const struct kv_compare absent = {.target = KV_CREATE, .result = KV_EQUAL, .range = {.start = place->key}};
	const struct kv_op put = {
	    .kind = KV_PUT,
	    .put = {.key = place->key, .value = place->options.value, .lease = place->lease, .keep_attr = true}};
	const struct kv_op read = {.kind = KV_RANGE, .range = {.range = {.start = place->key}}};
	const struct kv_command command = {.kind = KV_COMMAND_TXN,
	                                   .txn = {.compares = &absent,
	                                           .compare_count = 1,
	                                           .success = &put,
	                                           .success_count = 1,
	                                           .failure = &read,
	                                           .failure_count = 1}};
	rpc_propose(place->call, &command, queue_put_done);
}

static void queue_granted(struct rpc_call *call, enum err err, struct kv_result *result)
{
	struct queue_place *place = call->state;
	if (err != ERR_OK) {
		queue_fail(call, err);
		return;
	}
	place->lease = result->lease;
	queue_put(place);
}

void queue_begin(struct rpc_call *call, const struct queue_options *options)
{
	struct queue_place *place = memory_new(sizeof *place);
	place->call = call;
	place->options = *options;
	place->prefix = queue_prefix(options->name, &call->arena);
	place->lease = options->lease;
	call->state = place;
	if (place->lease != 0) {
		queue_put(place);
		return;
	}
	const struct kv_command command = {.kind = KV_COMMAND_LEASE_GRANT,
	                                   .lease_grant = {.id = rpc_lease_new_id(), .ttl_s = QUEUE_TTL_S}};
	rpc_propose(call, &command, queue_granted);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The methods that follow changes: forwards as they come, and backwards from the newest. */
#include "api/method.h"

#include "api/scope.h"
#include "api/shape.h"
#include "api/watch.h"
#include "base/proto.h"

enum {
	CHANGES_SCANNED_MAX = 2000, /* in one call, so that a rare path does not hold the loop */
	CHANGES_EVENTS_MAX = 100,   /* of one change: a log tells what happened, not all of it */
};

enum err method_watch(struct call *call, ProtobufCMessage **ret_response)
{
	const Etcfs__Control__WatchRequest *request = (const Etcfs__Control__WatchRequest *)call->request;
	if (request->path.len > LIMIT_KEY_BYTES)
		return call_fail(call, ERR_TOO_LARGE, "a key has at most %d bytes", LIMIT_KEY_BYTES);
	return watch_begin(call, proto_bytes(request->path), request->start_revision);
}

/* The part of a change that concerns the path, copied into the call's arena; NULL: none does. */
static Etcfs__Control__Change *log_change(struct call *call, struct kv_view *view, const struct kv_change *change,
                                          struct bytes path)
{
	struct arena *arena = &call->arena;
	Etcfs__Control__Event *events[CHANGES_EVENTS_MAX];
	size_t count = 0;
	for (size_t at = 0; at < change->event_count && count < CHANGES_EVENTS_MAX; at++) {
		struct kv_event event = change->events[at];
		if (!scope_holds(path, event.record.key))
			continue;
		event.record.key = arena_dup(arena, event.record.key);
		events[count++] = shape_event(&event, SHAPE_WITHOUT_VALUES, arena);
	}
	if (count == 0)
		return NULL;
	Etcfs__Control__Change *message = shape_change(view, change, arena);
	message->events = arena_take(arena, count * sizeof *events);
	memcpy(message->events, events, count * sizeof *events);
	message->n_events = count;
	return message;
}

/* Backwards from the revision; *ret_next is where to go on. */
static enum err log_gather(struct call *call, struct kv_view *view, int64_t revision, size_t max,
                           Etcfs__Control__LogResponse *response)
{
	const Etcfs__Control__LogRequest *request = (const Etcfs__Control__LogRequest *)call->request;
	struct arena scratch; /* a change brings its values along */
	arena_init(&scratch);
	enum err err = ERR_OK;
	for (int turn = 0; turn < CHANGES_SCANNED_MAX && response->n_changes < max && err == ERR_OK; turn++) {
		struct kv_change change;
		arena_reset(&scratch);
		err = revision > 0 ? kv_change_until(view, revision, &scratch, &change) : ERR_NOT_FOUND;
		if (err != ERR_OK)
			break;
		revision = change.revision - 1;
		Etcfs__Control__Change *message = log_change(call, view, &change, proto_bytes(request->path));
		if (message != NULL)
			response->changes[response->n_changes++] = message;
	}
	arena_fini(&scratch);
	response->next = err == ERR_OK ? revision + 1 : 0;
	return err == ERR_NOT_FOUND || err == ERR_COMPACTED ? ERR_OK : err; /* that was the oldest */
}

enum err method_log(struct call *call, ProtobufCMessage **ret_response)
{
	const Etcfs__Control__LogRequest *request = (const Etcfs__Control__LogRequest *)call->request;
	if (request->path.len > LIMIT_KEY_BYTES)
		return call_fail(call, ERR_TOO_LARGE, "a key has at most %d bytes", LIMIT_KEY_BYTES);
	size_t max = request->limit > 0 && request->limit < CONTROL_PAGE_MAX ? request->limit : CONTROL_PAGE_MAX;
	Etcfs__Control__LogResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__log_response__init(response);
	response->changes = arena_take(&call->arena, max * sizeof *response->changes);
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t newest = kv_view_revision(view);
	int64_t from = request->before > 0 && request->before <= newest ? request->before - 1 : newest;
	enum err err = log_gather(call, view, from, max, response);
	kv_view_close(view);
	if (err == ERR_OK)
		*ret_response = &response->base;
	return err;
}

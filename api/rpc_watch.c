/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service Watch: etcd's api/v3rpc/watch.go. A stream of a client has any number of watches; what they see is the engine's
 * (api/events.h).
 *
 * Where we do better than etcd, and nobody can mind: prev_kv comes from the change log itself; what is said to be created at a
 * revision is offered nothing up to it; the revision in the header of events is that of the last of them; and each request for
 * progress is answered, once all watches of its stream have had what there is.
 */
#include <stddef.h>
#include <stdlib.h>

#include "api/events.h"
#include "api/rpc_op.h"
#include "api/rpc_rows.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/proto.h"

enum {
	WATCH_COUNT_MAX = 1000000, /* on a node; each takes some 300 bytes and its key */
	WATCH_EVENT_BYTES = 64,    /* around the keys and values of an event */
	WATCH_ID_NONE = -1,        /* of what is about no watch, or about the whole stream */
};

#define WATCH_IS_EMPTY "mvcc: watcher range is empty"
#define WATCH_IS_DUPLICATE "mvcc: duplicate watch ID provided on the WatchStream"
#define WATCH_IS_COMPACTED "etcdserver: mvcc: required revision has been compacted"
#define WATCH_ARE_TOO_MANY "etcdserver: too many watches on this member: cancel some, or ask another member"

struct watch_stream {
	struct rpc_call *call;
	struct map watches; /* by watch_key() */
	int64_t next_id;
	bool asked;          /* for progress, and not answered yet */
	uint64_t notices_ns; /* when the next notices are due */
	struct tick tick;
	struct arena arena; /* of one answer */
};

struct watch {
	struct events_watch events;
	struct watch_stream *stream;
	int64_t id;
	bool no_put, no_delete, wants_prev, fragments, wants_notices;
	bool told; /* of events, since the last notices */
};

static uint64_t watch_key(int64_t id)
{
	return (uint64_t)id + 1; /* a map has no key 0: see watch_is_taken() */
}

/* ---- answers ---- */

static Etcdserverpb__WatchResponse *watch_answer(struct watch_stream *stream, int64_t id, int64_t revision)
{
	arena_reset(&stream->arena);
	Etcdserverpb__WatchResponse *answer = arena_take(&stream->arena, sizeof *answer);
	etcdserverpb__watch_response__init(answer);
	answer->header = arena_take(&stream->arena, sizeof *answer->header);
	rpc_header_set(stream->call, revision, answer->header);
	answer->watch_id = id;
	return answer;
}

/* Of what the client asked for. False: the stream is over. */
static bool watch_reply(struct watch_stream *stream, const Etcdserverpb__WatchResponse *answer)
{
	return rpc_send_asked(stream->call, &answer->base);
}

static int64_t watch_revision(const struct watch_stream *stream)
{
	const struct service *service = stream->call->service;
	if (events_count(service->events) != 0)
		return events_revision(service->events);
	struct kv_view *view = kv_view_open(replica_kv(service->replica));
	int64_t revision = kv_view_revision(view);
	kv_view_close(view);
	return revision;
}

/* ---- events ---- */

static Mvccpb__Event *watch_event(const struct watch *watch, const struct kv_event *event, struct arena *arena)
{
	Mvccpb__Event *message = arena_take(arena, sizeof *message);
	mvccpb__event__init(message);
	if (event->type == KV_EVENT_PUT) {
		message->kv = rpc_key_value(&event->record, arena);
	} else {
		const struct kv_record bare = {.key = event->record.key, .mod_revision = event->record.mod_revision};
		message->type = MVCCPB__EVENT__EVENT_TYPE__DELETE;
		message->kv = rpc_key_value(&bare, arena);
	}
	if (watch->wants_prev && event->has_prev)
		message->prev_kv = rpc_key_value(&event->prev, arena);
	return message;
}

static bool watch_wants(const struct watch *watch, const struct kv_event *event)
{
	return event->type == KV_EVENT_PUT ? !watch->no_put : !watch->no_delete;
}

static size_t watch_event_bytes(const struct watch *watch, const struct kv_event *event)
{
	size_t bytes = event->record.key.size + event->record.value.size;
	return bytes + (watch->wants_prev && event->has_prev ? event->prev.key.size + event->prev.value.size : 0);
}

/* From one of the batch on, as many as a message may hold. Returns how many of the batch it took. */
static size_t watch_gather(const struct watch *watch, const struct events_batch *batch, size_t from,
                           Etcdserverpb__WatchResponse *answer)
{
	struct watch_stream *stream = watch->stream;
	size_t bytes = 0, bytes_max = watch->fragments ? stream->call->service->request_bytes_max : SIZE_MAX, at = from;
	answer->events = arena_take(&stream->arena, (batch->count - from) * sizeof(Mvccpb__Event *));
	for (; at < batch->count; at++) {
		if (!watch_wants(watch, batch->events[at]))
			continue;
		bytes += WATCH_EVENT_BYTES + watch_event_bytes(watch, batch->events[at]);
		if (answer->n_events != 0 && bytes > bytes_max)
			break;
		answer->events[answer->n_events++] = watch_event(watch, batch->events[at], &stream->arena);
	}
	return at;
}

static enum err watch_changed(struct events_watch *events, const struct events_batch *batch)
{
	struct watch *watch = (struct watch *)events;
	struct watch_stream *stream = watch->stream;
	if (!rpc_has_room(stream->call))
		return ERR_BUSY;
	for (size_t at = 0; at < batch->count;) {
		Etcdserverpb__WatchResponse *answer = watch_answer(stream, watch->id, batch->revision);
		at = watch_gather(watch, batch, at, answer);
		answer->fragment = at < batch->count;
		if (answer->n_events == 0)
			break;
		watch->told = true;
		if (rpc_send_anyway(stream->call, &answer->base) != ERR_OK) {
			rpc_finish(
			    stream->call, RPC_RESOURCE_EXHAUSTED,
			    "etcdserver: the changes of one revision are more than a message holds: ask for fragments");
			break;
		}
	}
	return ERR_OK;
}

/* ---- progress ---- */

static bool watch_all_current(const struct watch_stream *stream)
{
	uint64_t key;
	void *watch;
	for (size_t at = 0; map_next(&stream->watches, &at, &key, &watch);)
		if (!events_is_current(stream->call->service->events, &((struct watch *)watch)->events))
			return false;
	return true;
}

/* False: the stream is over. */
static bool watch_answer_progress(struct watch_stream *stream)
{
	if (!stream->asked || !watch_all_current(stream))
		return true;
	stream->asked = false;
	return watch_reply(stream, watch_answer(stream, WATCH_ID_NONE, watch_revision(stream)));
}

static void watch_caught_up(struct events_watch *events)
{
	watch_answer_progress(((struct watch *)events)->stream);
}

/* To those that asked for it, and have heard nothing since the last time. */
static void watch_notify(struct watch_stream *stream)
{
	uint64_t key;
	void *value;
	for (size_t at = 0; map_next(&stream->watches, &at, &key, &value);) {
		struct watch *watch = value;
		bool due = watch->wants_notices && !watch->told &&
		           events_is_current(stream->call->service->events, &watch->events) &&
		           rpc_has_room(stream->call);
		watch->told = false;
		if (!due)
			continue;
		enum err err =
		    rpc_send_anyway(stream->call, &watch_answer(stream, watch->id, watch_revision(stream))->base);
		check(err == ERR_OK); /* it is small, and there is room */
	}
}

static void watch_tick(struct tick *tick, uint64_t now_ns)
{
	struct watch_stream *stream = (struct watch_stream *)((char *)tick - offsetof(struct watch_stream, tick));
	if (!watch_answer_progress(stream) || now_ns < stream->notices_ns)
		return;
	stream->notices_ns = now_ns + stream->call->service->watch_progress_ms * CLOCK_NS_PER_MS;
	watch_notify(stream);
}

/* ---- the end of one ---- */

static void watch_forget(struct watch *watch)
{
	map_remove(&watch->stream->watches, watch_key(watch->id));
	free(watch);
}

static void watch_lost(struct events_watch *events, enum err err, int64_t compacted)
{
	struct watch *watch = (struct watch *)events;
	struct watch_stream *stream = watch->stream;
	int64_t id = watch->id;
	watch_forget(watch);
	if (err != ERR_COMPACTED) {
		rpc_fail(stream->call, err);
		return;
	}
	Etcdserverpb__WatchResponse *answer = watch_answer(stream, id, 0);
	answer->canceled = true;
	answer->compact_revision = compacted;
	watch_reply(stream, answer);
}

static void watch_cancel(struct watch_stream *stream, const Etcdserverpb__WatchCancelRequest *request)
{
	struct watch *watch = map_find(&stream->watches, watch_key(request->watch_id));
	if (watch == NULL || request->watch_id == WATCH_ID_NONE)
		return;
	events_remove(stream->call->service->events, &watch->events);
	watch_forget(watch);
	Etcdserverpb__WatchResponse *answer = watch_answer(stream, request->watch_id, watch_revision(stream));
	answer->canceled = true;
	if (watch_reply(stream, answer))
		watch_answer_progress(stream); /* it may have been the one that was waited for */
}

/* ---- creation ---- */

static bool watch_is_taken(const struct watch_stream *stream, int64_t id)
{
	return id == WATCH_ID_NONE || map_find(&stream->watches, watch_key(id)) != NULL;
}

static struct kv_range watch_range(const Etcdserverpb__WatchCreateRequest *request)
{
	struct kv_range range = {proto_bytes(request->key), proto_bytes(request->range_end)};
	if (range.start.size == 0)
		range.start = bytes_of("", 1); /* the first key there can be */
	return range;
}

static bool watch_range_is_empty(const struct kv_range *range)
{
	bool is_open = range->end.size == 1 && range->end.data[0] == 0;
	return range->end.size != 0 && !is_open && bytes_compare(range->start, range->end) >= 0;
}

/* NULL: nothing is against it. */
static const char *watch_objection(const struct watch_stream *stream, const Etcdserverpb__WatchCreateRequest *request)
{
	const struct kv_range range = watch_range(request);
	if (watch_range_is_empty(&range))
		return WATCH_IS_EMPTY;
	if (request->start_revision < 0)
		return WATCH_IS_COMPACTED;
	if (request->watch_id != 0 && watch_is_taken(stream, request->watch_id))
		return WATCH_IS_DUPLICATE;
	return events_count(stream->call->service->events) < WATCH_COUNT_MAX ? NULL : WATCH_ARE_TOO_MANY;
}

static void watch_refuse(struct watch_stream *stream, const char *why)
{
	Etcdserverpb__WatchResponse *answer = watch_answer(stream, WATCH_ID_NONE, watch_revision(stream));
	answer->created = answer->canceled = true;
	answer->cancel_reason = (char *)why;
	watch_reply(stream, answer);
}

static int64_t watch_next_id(struct watch_stream *stream)
{
	while (watch_is_taken(stream, stream->next_id))
		stream->next_id++;
	return stream->next_id++;
}

static struct watch *watch_new(struct watch_stream *stream, const Etcdserverpb__WatchCreateRequest *request)
{
	struct watch *watch = memory_new(sizeof *watch);
	watch->events.changed = watch_changed;
	watch->events.caught_up = watch_caught_up;
	watch->events.lost = watch_lost;
	watch->stream = stream;
	watch->id = request->watch_id != 0 ? request->watch_id : watch_next_id(stream);
	watch->wants_prev = request->prev_kv;
	watch->fragments = request->fragment;
	watch->wants_notices = request->progress_notify;
	for (size_t at = 0; at < request->n_filters; at++) {
		watch->no_put |= request->filters[at] == ETCDSERVERPB__WATCH_CREATE_REQUEST__FILTER_TYPE__NOPUT;
		watch->no_delete |= request->filters[at] == ETCDSERVERPB__WATCH_CREATE_REQUEST__FILTER_TYPE__NODELETE;
	}
	return watch;
}

static void watch_create(struct watch_stream *stream, const Etcdserverpb__WatchCreateRequest *request)
{
	const char *why = watch_objection(stream, request);
	if (why != NULL) {
		watch_refuse(stream, why);
		return;
	}
	struct watch *watch = watch_new(stream, request);
	const struct kv_range range = watch_range(request);
	map_set(&stream->watches, watch_key(watch->id), watch);
	int64_t now = events_add(stream->call->service->events, &watch->events, &range, request->start_revision);
	Etcdserverpb__WatchResponse *answer = watch_answer(stream, watch->id, now);
	answer->created = true;
	watch_reply(stream, answer);
}

/* ---- the stream ---- */

static void watch_begin(struct rpc_call *call)
{
	struct watch_stream *stream = memory_new(sizeof *stream);
	stream->call = call;
	stream->tick.run = watch_tick;
	stream->notices_ns = clock_steady_ns() + call->service->watch_progress_ms * CLOCK_NS_PER_MS;
	arena_init(&stream->arena);
	map_init(&stream->watches);
	ticks_add(call->service->ticks, &stream->tick);
	call->state = stream;
}

static void watch_received(struct rpc_call *call, const ProtobufCMessage *message)
{
	const Etcdserverpb__WatchRequest *request = (const Etcdserverpb__WatchRequest *)message;
	struct watch_stream *stream = call->state;
	switch (request->request_union_case) {
	case ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CREATE_REQUEST:
		watch_create(stream, request->create_request);
		return;
	case ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CANCEL_REQUEST:
		watch_cancel(stream, request->cancel_request);
		return;
	case ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_PROGRESS_REQUEST:
		stream->asked = true;
		watch_answer_progress(stream);
		return;
	case ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION__NOT_SET:
	case _ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION__CASE_IS_INT_SIZE:
		return; /* of a newer client: etcd passes over it, too */
	}
}

/* etcd goes on telling one that has nothing more to ask. */
static void watch_half_closed(struct rpc_call *call)
{
}

static void watch_drained(struct rpc_call *call)
{
	struct watch_stream *stream = call->state;
	uint64_t key;
	void *watch;
	for (size_t at = 0; map_next(&stream->watches, &at, &key, &watch);)
		events_resume(call->service->events, &((struct watch *)watch)->events);
}

static void watch_ended(struct rpc_call *call)
{
	struct watch_stream *stream = call->state;
	uint64_t key;
	void *watch;
	for (size_t at = 0; map_next(&stream->watches, &at, &key, &watch);) {
		events_remove(call->service->events, &((struct watch *)watch)->events);
		free(watch);
	}
	ticks_remove(call->service->ticks, &stream->tick);
	map_fini(&stream->watches);
	arena_fini(&stream->arena);
	free(stream);
}

const struct rpc_method rpc_watch_methods[] = {
    {
        .service = &etcdserverpb__watch__descriptor,
        .name = "Watch",
        .kind = RPC_BIDI,
        .gateway = "/v3/watch",
        .begin = watch_begin,
        .received = watch_received,
        .half_closed = watch_half_closed,
        .drained = watch_drained,
        .ended = watch_ended,
    },
};
const size_t rpc_watch_count = sizeof rpc_watch_methods / sizeof *rpc_watch_methods;

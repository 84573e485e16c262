/* SPDX-License-Identifier: Apache-2.0 */
#include "api/watch.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "api/scope.h"
#include "api/shape.h"
#include "base/check.h"
#include "base/memory.h"

enum {
	WATCH_COUNT_MAX = 1000,
	WATCH_BACKLOG_BYTES_MAX = 1 << 20, /* above it a watch waits for its client */
	WATCH_CHANGES_MAX = 256,           /* in one turn, so that the others get theirs */
	WATCH_ANSWER_BYTES = 256 << 10,    /* events are gathered up to this, or one event that is larger */
};

struct watch {
	struct watch *next, *previous;
	struct watch_hub *hub;
	struct call *call;
	struct bytes path; /* in the call's arena */
	int64_t next_revision;
	size_t next_event;  /* of the change at next_revision */
	struct arena arena; /* of one change */
};

struct watch_hub {
	struct reactor_task task;
	atomic_bool posted; /* the task is on its way */
	atomic_size_t count;
	struct reactor *reactor;
	struct replica *replica;
	struct watch *first;
};

/* ---- the hub ---- */

static void watch_hub_run(struct reactor_task *task)
{
	struct watch_hub *hub = (struct watch_hub *)task;
	atomic_store(&hub->posted, false); /* before the reading: a change after it wakes again */
	for (struct watch *watch = hub->first, *next; watch != NULL; watch = next) {
		next = watch->next;
		watch_go_on(watch);
	}
}

static void watch_hub_wake(struct watch_hub *hub)
{
	if (atomic_load(&hub->count) > 0 && !atomic_exchange(&hub->posted, true))
		reactor_post(hub->reactor, &hub->task);
}

static void watch_hub_changed(void *argument, const struct kv_change *change)
{
	watch_hub_wake(argument);
}

static void watch_hub_replaced(void *argument, int64_t revision)
{
	watch_hub_wake(argument);
}

struct watch_hub *watch_hub_new(struct reactor *reactor, struct replica *replica)
{
	struct watch_hub *hub = memory_new(sizeof *hub);
	hub->task.run = watch_hub_run;
	hub->reactor = reactor;
	hub->replica = replica;
	return hub;
}

void watch_hub_free(struct watch_hub *hub)
{
	check(hub->first == NULL);
	free(hub);
}

struct kv_observer watch_hub_observer(struct watch_hub *hub)
{
	return (struct kv_observer){.changed = watch_hub_changed, .replaced = watch_hub_replaced, .argument = hub};
}

/* ---- one watch ---- */

enum err watch_begin(struct call *call, struct bytes path, int64_t revision)
{
	struct watch_hub *hub = call->service->watches;
	if (atomic_load(&hub->count) >= WATCH_COUNT_MAX)
		return call_fail(call, ERR_LIMIT, "%d watches are open", WATCH_COUNT_MAX);
	/* Counted before the state is looked at, so that no change falls between. */
	atomic_fetch_add(&hub->count, 1);
	struct kv_view *view = kv_view_open(replica_kv(hub->replica));
	int64_t now = kv_view_revision(view);
	kv_view_close(view);
	struct watch *watch = memory_new(sizeof *watch);
	*watch =
	    (struct watch){.hub = hub, .call = call, .path = path, .next_revision = revision > 0 ? revision : now + 1};
	watch->next = hub->first;
	if (hub->first != NULL)
		hub->first->previous = watch;
	hub->first = watch;
	call->watch = watch;
	Etcfs__Control__WatchResponse begun = ETCFS__CONTROL__WATCH_RESPONSE__INIT;
	begun.revision = watch->next_revision - 1;
	enum err err = call_send(call, &begun.base, &call->arena);
	check(err == ERR_OK); /* the output is empty when a call begins */
	return ERR_OK;
}

void watch_free(struct watch *watch)
{
	if (watch->previous != NULL)
		watch->previous->next = watch->next;
	else
		watch->hub->first = watch->next;
	if (watch->next != NULL)
		watch->next->previous = watch->previous;
	atomic_fetch_sub(&watch->hub->count, 1);
	arena_fini(&watch->arena);
	free(watch);
}

static size_t watch_event_bytes(const struct kv_event *event)
{
	return event->record.key.size + event->record.value.size;
}

/* The events from next_event on that concern the watch, as many as one answer takes. True: the change is done with. */
static bool watch_gather(struct watch *watch, const struct kv_change *change, Etcfs__Control__Change *message)
{
	size_t bytes = 0;
	message->events = arena_take(&watch->arena, change->event_count * sizeof *message->events);
	for (; watch->next_event < change->event_count; watch->next_event++) {
		const struct kv_event *event = &change->events[watch->next_event];
		if (!scope_holds(watch->path, event->record.key))
			continue;
		bytes += watch_event_bytes(event);
		if (message->n_events > 0 && bytes > WATCH_ANSWER_BYTES)
			return false;
		message->events[message->n_events++] = shape_event(event, SHAPE_WITH_VALUES, &watch->arena);
	}
	return true;
}

/* Sends the rest of a change, or a part of it. */
static enum err watch_send(struct watch *watch, struct kv_view *view, const struct kv_change *change)
{
	Etcfs__Control__WatchResponse response = ETCFS__CONTROL__WATCH_RESPONSE__INIT;
	response.change = shape_change(view, change, &watch->arena);
	response.revision = change->revision;
	if (change->revision > watch->next_revision)
		watch->next_event = 0;
	bool done = watch_gather(watch, change, response.change);
	watch->next_revision = done ? change->revision + 1 : change->revision;
	watch->next_event = done ? 0 : watch->next_event;
	return response.change->n_events > 0 ? call_send(watch->call, &response.base, &watch->arena) : ERR_OK;
}

/* One change. ERR_NOT_FOUND: it has caught up. */
static enum err watch_step(struct watch *watch, struct kv_view *view)
{
	struct kv_change change;
	arena_reset(&watch->arena);
	enum err err = kv_change_from(view, watch->next_revision, &watch->arena, &change);
	return err == ERR_OK ? watch_send(watch, view, &change) : err;
}

static bool watch_has_room(const struct connection *connection)
{
	return connection_backlog_bytes(connection) < WATCH_BACKLOG_BYTES_MAX;
}

static void watch_stop(struct watch *watch, enum err err)
{
	struct call *call = watch->call;
	if (err == ERR_COMPACTED)
		err = call_fail(call, err, "the changes from revision %lld on are not kept any more",
		                (long long)watch->next_revision);
	watch_free(watch);
	call_end(call, err);
}

void watch_go_on(struct watch *watch)
{
	struct connection *connection = watch->call->connection;
	struct watch_hub *hub = watch->hub;
	struct kv_view *view = kv_view_open(replica_kv(hub->replica));
	enum err err = ERR_OK;
	for (int turn = 0; err == ERR_OK && turn < WATCH_CHANGES_MAX && watch_has_room(connection); turn++)
		err = watch_step(watch, view);
	kv_view_close(view);
	arena_fini(&watch->arena);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		watch_stop(watch, err);
		return;
	}
	connection_flush(connection); /* may find that the client is gone, and free the watch */
	if (err == ERR_OK && !connection->closed && watch_has_room(connection))
		watch_hub_wake(hub); /* else the next change, or the drained output, goes on */
}

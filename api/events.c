/* SPDX-License-Identifier: Apache-2.0 */
#include "api/events.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/memory.h"
#include "replica/replica.h"

enum {
	EVENTS_QUEUE_BYTES_MAX =
	    32 << 20, /* of changes that were applied and not offered yet; above it they are read from the disk */
	/* In one turn of the loop, so that the other clients get theirs; or one change that is larger. */
	EVENTS_TURN_CHANGES = 256,
	EVENTS_TURN_BYTES = 256 << 10,
};

/* A copy of what was applied, without what is of no use here: one block of memory, so that the smallest costs little. */
struct events_change {
	STAILQ_ENTRY(events_change) next;
	struct kv_change change;
	size_t bytes;
	struct kv_event events[]; /* and the bytes of their keys and values */
};
STAILQ_HEAD(events_queue, events_change);

struct events {
	struct reactor_task task;
	struct reactor *reactor;
	struct replica *replica;
	atomic_bool posted;  /* the task is on its way */
	atomic_size_t count; /* of watches: nothing is copied for nobody */
	int64_t revision;    /* up to which was offered */
	struct events_index index;
	TAILQ_HEAD(events_list, events_watch) in[EVENTS_STATES], hit;
	struct events_queue turn; /* taken off the queue, and not offered yet */

	pthread_mutex_t lock; /* of what follows: the observer's and the loop's */
	struct events_queue queue;
	size_t queued_bytes; /* in the queue and in the turn */
	bool dropped;        /* changes that are not in the queue */
};

/* ---- the observer: on the apply thread ---- */

static void events_wake(struct events *events)
{
	if (!atomic_exchange(&events->posted, true))
		reactor_post(events->reactor, &events->task);
}

static size_t events_record_bytes(const struct kv_record *record)
{
	return record->key.size + record->value.size;
}

static size_t events_change_bytes(const struct kv_change *change)
{
	size_t bytes = sizeof(struct events_change) + change->event_count * sizeof *change->events;
	for (size_t at = 0; at < change->event_count; at++) {
		const struct kv_event *event = &change->events[at];
		bytes +=
		    events_record_bytes(&event->record) + (event->has_prev ? events_record_bytes(&event->prev) : 0);
	}
	return bytes;
}

static struct bytes events_bytes_copy(struct bytes bytes, uint8_t **at)
{
	struct bytes copy = bytes_of(*at, bytes.size);
	if (bytes.size != 0)
		memcpy(*at, bytes.data, bytes.size);
	*at += bytes.size;
	return copy;
}

static struct kv_record events_record_copy(const struct kv_record *record, uint8_t **at)
{
	struct kv_record copy = *record;
	copy.key = events_bytes_copy(record->key, at);
	copy.value = events_bytes_copy(record->value, at);
	copy.attr = BYTES_NONE;
	return copy;
}

static struct events_change *events_change_copy(const struct kv_change *change, size_t bytes)
{
	struct events_change *copy = memory_resize(NULL, 1, bytes);
	uint8_t *end = (uint8_t *)&copy->events[change->event_count];
	copy->change = *change;
	copy->change.events = copy->events;
	copy->change.note = BYTES_NONE;
	copy->bytes = bytes;
	for (size_t at = 0; at < change->event_count; at++) {
		struct kv_event *event = &copy->events[at];
		*event = change->events[at];
		event->record = events_record_copy(&event->record, &end);
		if (event->has_prev)
			event->prev = events_record_copy(&event->prev, &end);
	}
	check(end == (uint8_t *)copy + bytes);
	return copy;
}

static void events_changed(void *argument, const struct kv_change *change)
{
	struct events *events = argument;
	if (atomic_load(&events->count) == 0)
		return;
	size_t bytes = events_change_bytes(change);
	pthread_mutex_lock(&events->lock);
	bool fits =
	    !events->dropped && (events->queued_bytes == 0 || events->queued_bytes + bytes <= EVENTS_QUEUE_BYTES_MAX);
	events->queued_bytes += fits ? bytes : 0;
	events->dropped = !fits;
	pthread_mutex_unlock(&events->lock);
	if (fits) {
		struct events_change *copy = events_change_copy(change, bytes);
		pthread_mutex_lock(&events->lock);
		STAILQ_INSERT_TAIL(&events->queue, copy, next);
		pthread_mutex_unlock(&events->lock);
	}
	events_wake(events);
}

static void events_replaced(void *argument, int64_t revision)
{
	struct events *events = argument;
	pthread_mutex_lock(&events->lock);
	events->dropped = true;
	pthread_mutex_unlock(&events->lock);
	events_wake(events);
}

struct kv_observer events_observer(struct events *events)
{
	return (struct kv_observer){.changed = events_changed, .replaced = events_replaced, .argument = events};
}

/* ---- states ---- */

static void events_move(struct events *events, struct events_watch *watch, enum events_state state)
{
	static const bool allowed[EVENTS_STATES][EVENTS_STATES] = {
	    [EVENTS_CURRENT] = {[EVENTS_BEHIND] = true, [EVENTS_BLOCKED] = true},
	    [EVENTS_BEHIND] = {[EVENTS_READING] = true},
	    [EVENTS_READING] = {[EVENTS_CURRENT] = true, [EVENTS_BEHIND] = true, [EVENTS_BLOCKED] = true},
	    [EVENTS_BLOCKED] = {[EVENTS_BEHIND] = true},
	};
	check(allowed[watch->state][state]);
	TAILQ_REMOVE(&events->in[watch->state], watch, alike);
	TAILQ_INSERT_TAIL(&events->in[state], watch, alike);
	watch->state = state;
}

static void events_lose(struct events *events, struct events_watch *watch, enum err err, int64_t compacted)
{
	events_remove(events, watch);
	watch->lost(watch, err, compacted);
}

/* ---- offering ---- */

struct events_offer {
	struct events *events;
	enum events_state to;
	const struct kv_event *event;
};

static void events_hit(struct events_span *span, void *argument)
{
	struct events_offer *offer = argument;
	struct events_watch *watch = (struct events_watch *)span; /* its first member */
	if (watch->state != offer->to || offer->event->record.mod_revision < watch->next_revision)
		return;
	if (watch->hit_count == watch->hit_capacity) {
		watch->hit_capacity = watch->hit_capacity != 0 ? 2 * watch->hit_capacity : 4;
		watch->hits = memory_resize(watch->hits, watch->hit_capacity, sizeof *watch->hits);
	}
	watch->hits[watch->hit_count++] = offer->event;
	if (!watch->is_hit)
		TAILQ_INSERT_TAIL(&offer->events->hit, watch, hit);
	watch->is_hit = true;
}

static void events_match(struct events *events, enum events_state to, const struct kv_change *change)
{
	struct events_offer offer = {.events = events, .to = to};
	for (size_t at = 0; at < change->event_count; at++) {
		offer.event = &change->events[at];
		events_index_visit(&events->index, offer.event->record.key, events_hit, &offer);
	}
}

static void events_unhit(struct events *events, struct events_watch *watch)
{
	if (watch->is_hit)
		TAILQ_REMOVE(&events->hit, watch, hit);
	watch->is_hit = false;
	watch->hits = NULL;
	watch->hit_count = watch->hit_capacity = 0;
}

/* To each that was hit, what it was hit by. */
static void events_deliver(struct events *events)
{
	struct events_watch *watch;
	while ((watch = TAILQ_FIRST(&events->hit)) != NULL) {
		const struct kv_event **hits = watch->hits;
		const struct events_batch batch = {.events = hits,
		                                   .count = watch->hit_count,
		                                   .revision = hits[watch->hit_count - 1]->record.mod_revision};
		int64_t first = hits[0]->record.mod_revision;
		events_unhit(events, watch);
		watch->next_revision = batch.revision + 1; /* ahead of the call, after which it may be gone */
		if (watch->changed(watch, &batch) == ERR_BUSY) {
			watch->next_revision = first;
			events_move(events, watch, EVENTS_BLOCKED);
		}
		free(hits);
	}
}

/* ---- what was just applied ---- */

static void events_free_all(struct events *events, struct events_queue *queue)
{
	struct events_change *change;
	size_t bytes = 0;
	while ((change = STAILQ_FIRST(queue)) != NULL) {
		STAILQ_REMOVE_HEAD(queue, next);
		bytes += change->bytes;
		free(change);
	}
	pthread_mutex_lock(&events->lock);
	events->queued_bytes -= bytes;
	pthread_mutex_unlock(&events->lock);
}

/* Whoever was current reads the change log from here on. */
static void events_fall_behind(struct events *events)
{
	struct events_watch *watch, *following;
	struct kv_view *view = kv_view_open(replica_kv(events->replica));
	int64_t revision = kv_view_revision(view);
	kv_view_close(view);
	for (watch = TAILQ_FIRST(&events->in[EVENTS_CURRENT]); watch != NULL; watch = following) {
		following = TAILQ_NEXT(watch, alike);
		if (watch->next_revision <= events->revision)
			watch->next_revision = events->revision + 1;
		if (watch->next_revision <= revision)
			events_move(events, watch, EVENTS_BEHIND);
	}
	if (revision > events->revision)
		events->revision = revision;
}

static void events_take(struct events *events)
{
	pthread_mutex_lock(&events->lock);
	bool dropped = events->dropped;
	events->dropped = false;
	STAILQ_CONCAT(&events->turn, &events->queue);
	pthread_mutex_unlock(&events->lock);
	if (!dropped)
		return;
	events_free_all(events, &events->turn);
	events_fall_behind(events);
}

static void events_offer_new(struct events *events)
{
	struct events_queue offered = STAILQ_HEAD_INITIALIZER(offered);
	struct events_change *change;
	size_t bytes = 0;
	for (int turn = 0; turn < EVENTS_TURN_CHANGES && bytes < EVENTS_TURN_BYTES; turn++) {
		if ((change = STAILQ_FIRST(&events->turn)) == NULL)
			break;
		STAILQ_REMOVE_HEAD(&events->turn, next);
		STAILQ_INSERT_TAIL(&offered, change, next);
		bytes += change->bytes;
		if (change->change.revision <= events->revision)
			continue; /* from before they began to watch, or fell behind */
		events_match(events, EVENTS_CURRENT, &change->change);
		events->revision = change->change.revision;
	}
	events_deliver(events);
	events_free_all(events, &offered);
}

/* ---- what was applied before ---- */

/* Some changes from a revision on, none after events->revision, and up to where that is all there was. */
struct events_window {
	struct arena arena;
	struct kv_change changes[EVENTS_TURN_CHANGES];
	size_t count;
	int64_t from, until;
};

static enum err events_window_fill(const struct events *events, struct kv_view *view, struct events_window *window)
{
	window->until = window->from - 1;
	while (window->until < events->revision && window->count < EVENTS_TURN_CHANGES &&
	       arena_size_bytes(&window->arena) < EVENTS_TURN_BYTES) {
		struct kv_change *change = &window->changes[window->count];
		enum err err = kv_change_from(view, window->until + 1, &window->arena, change);
		if (err != ERR_OK && err != ERR_NOT_FOUND)
			return err;
		if (err == ERR_NOT_FOUND || change->revision > events->revision) {
			window->until = events->revision;
			break;
		}
		window->until = change->revision;
		window->count++;
	}
	return ERR_OK;
}

/* All whose place is in the window read it together. */
static void events_window_offer(struct events *events, const struct events_window *window)
{
	struct events_watch *watch, *following;
	for (watch = TAILQ_FIRST(&events->in[EVENTS_BEHIND]); watch != NULL; watch = following) {
		following = TAILQ_NEXT(watch, alike);
		if (watch->next_revision >= window->from && watch->next_revision <= window->until + 1)
			events_move(events, watch, EVENTS_READING);
	}
	for (size_t at = 0; at < window->count; at++)
		events_match(events, EVENTS_READING, &window->changes[at]);
	events_deliver(events);
	while ((watch = TAILQ_FIRST(&events->in[EVENTS_READING])) != NULL) {
		watch->next_revision = window->until + 1;
		bool done = watch->next_revision > events->revision;
		events_move(events, watch, done ? EVENTS_CURRENT : EVENTS_BEHIND);
		if (done && watch->caught_up != NULL)
			watch->caught_up(watch);
	}
}

static void events_read(struct events *events)
{
	struct events_watch *first = TAILQ_FIRST(&events->in[EVENTS_BEHIND]);
	if (first == NULL)
		return;
	struct kv_view *view = kv_view_open(replica_kv(events->replica));
	struct events_window *window = memory_new(sizeof *window);
	arena_init(&window->arena);
	window->from = first->next_revision;
	enum err err = events_window_fill(events, view, window);
	if (err == ERR_OK)
		events_window_offer(events, window);
	else
		events_lose(events, first, err, kv_view_compacted(view));
	arena_fini(&window->arena);
	free(window);
	kv_view_close(view);
}

static void events_run(struct reactor_task *task)
{
	struct events *events = (struct events *)task;
	atomic_store(&events->posted, false); /* before the looking: a change after it wakes again */
	events_take(events);
	events_offer_new(events);
	events_read(events);
	if (!STAILQ_EMPTY(&events->turn) || !TAILQ_EMPTY(&events->in[EVENTS_BEHIND]))
		events_wake(events);
}

/* ---- watches ---- */

int64_t events_add(struct events *events, struct events_watch *watch, const struct kv_range *range, int64_t revision)
{
	/* Counted before the state is looked at, so that no change falls between. */
	bool is_first = atomic_fetch_add(&events->count, 1) == 0;
	struct kv_view *view = kv_view_open(replica_kv(events->replica));
	int64_t now = kv_view_revision(view);
	kv_view_close(view);
	if (is_first && now > events->revision)
		events->revision = now; /* nothing was copied for a while */
	watch->next_revision = revision > 0 ? revision : now + 1;
	watch->state = watch->next_revision <= events->revision ? EVENTS_BEHIND : EVENTS_CURRENT;
	watch->is_hit = false;
	watch->hits = NULL;
	watch->hit_count = watch->hit_capacity = 0;
	TAILQ_INSERT_TAIL(&events->in[watch->state], watch, alike);
	events_index_add(&events->index, &watch->span, range);
	if (watch->state == EVENTS_BEHIND)
		events_wake(events);
	return now;
}

void events_remove(struct events *events, struct events_watch *watch)
{
	free(watch->hits);
	events_unhit(events, watch);
	events_index_remove(&events->index, &watch->span);
	TAILQ_REMOVE(&events->in[watch->state], watch, alike);
	atomic_fetch_sub(&events->count, 1);
}

void events_resume(struct events *events, struct events_watch *watch)
{
	if (watch->state != EVENTS_BLOCKED)
		return;
	events_move(events, watch, EVENTS_BEHIND);
	events_wake(events);
}

int64_t events_revision(const struct events *events)
{
	return events->revision;
}

bool events_is_current(const struct events *events, const struct events_watch *watch)
{
	return watch->state == EVENTS_CURRENT && !watch->is_hit && watch->next_revision <= events->revision + 1;
}

size_t events_count(const struct events *events)
{
	return atomic_load(&events->count);
}

/* ---- life ---- */

struct events *events_new(struct reactor *reactor, struct replica *replica)
{
	struct events *events = memory_new(sizeof *events);
	events->task.run = events_run;
	events->reactor = reactor;
	events->replica = replica;
	for (int state = 0; state < EVENTS_STATES; state++)
		TAILQ_INIT(&events->in[state]);
	TAILQ_INIT(&events->hit);
	STAILQ_INIT(&events->turn);
	STAILQ_INIT(&events->queue);
	events_index_init(&events->index);
	int failed = pthread_mutex_init(&events->lock, NULL);
	check(failed == 0);
	return events;
}

void events_free(struct events *events)
{
	check(atomic_load(&events->count) == 0);
	events_free_all(events, &events->turn);
	events_free_all(events, &events->queue);
	events_index_fini(&events->index);
	pthread_mutex_destroy(&events->lock);
	free(events);
}

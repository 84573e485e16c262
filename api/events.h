/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changes of the store, for those who wait for changes of some keys: each has a cursor into one change log that all share.
 *
 *     added --> CURRENT --- changes were dropped ---> BEHIND <--- events_resume() --- BLOCKED
 *       |         | ^                               ^ |  ^                             ^ ^
 *       '---------|-|-------------------------------' |  | more is left                | |
 *                 | '--- has read all --- READING <---'  |                             | |
 *                 |                          | '---------'                             | |
 *                 |                          '---------- changed() says ERR_BUSY ------' |
 *                 '------------------------------------- changed() says ERR_BUSY --------'
 *
 * A change is copied once, as it is applied, and offered to all that are CURRENT and hold one of its keys. Those that are BEHIND read
 * the change log on the disk, a piece in each turn of the loop, those at one place together. So a slow one costs its cursor, delays
 * nobody, and once it is so slow that its place was compacted, it is told so.
 *
 * Invariants:
 *  1. A watch is offered each event of its keys from its first revision on exactly once, in the order of revisions, and all of one
 *     revision in one batch.
 *  2. A CURRENT one has been offered all up to events_revision().
 *  3. events_revision() never goes back.
 *
 * On the api role, but for the observer.
 */
#pragma once

#include <sys/queue.h>

#include "api/events_index.h"
#include "api/reactor.h"

struct events;

enum events_state { EVENTS_CURRENT, EVENTS_BEHIND, EVENTS_READING, EVENTS_BLOCKED, EVENTS_STATES };

/* Of the keys of one watch; lent. */
struct events_batch {
	const struct kv_event *const *events; /* their attrs may be missing */
	size_t count;                         /* at least 1 */
	int64_t revision;                     /* of the last one */
};

/* A member of what it belongs to. */
struct events_watch {
	struct events_span span;
	enum events_state state;
	int64_t
	    next_revision; /* of the first change that it wants; a CURRENT one has had all before the engine's, too */
	/* ERR_BUSY: it took nothing, and is offered the same again after events_resume(); else ERR_OK. May add and remove any watch. */
	enum err (*changed)(struct events_watch *watch, const struct events_batch *batch);
	/* It has had what there was, after it was behind. May be NULL. May add and remove any watch. */
	void (*caught_up)(struct events_watch *watch);
	/* It was removed. ERR_COMPACTED: what it wants next is not kept any more, `compacted` says from where on; others: this node's disk. */
	void (*lost)(struct events_watch *watch, enum err err, int64_t compacted);

	TAILQ_ENTRY(events_watch) alike, hit; /* in the same state; to be offered something */
	bool is_hit;
	const struct kv_event **hits;
	size_t hit_count, hit_capacity;
};

struct replica;
struct events *events_new(struct reactor *reactor, struct replica *replica);
void events_free(struct events *events); /* no watch is left, and the replica has stopped */
/* For replica_observe(). */
struct kv_observer events_observer(struct events *events);

/* watch->changed, caught_up and lost are set. From a revision on, which may be to come; 0: what changes after now. Returns the revision that the store
 * has now: what a watch from now on is not offered any more. Nothing is offered from within the call. */
int64_t events_add(struct events *events, struct events_watch *watch, const struct kv_range *range, int64_t revision);
/* At any time between events_add() and lost(), also from within its own callbacks. */
void events_remove(struct events *events, struct events_watch *watch);
/* There is room again; of one that is not BLOCKED: nothing. */
void events_resume(struct events *events, struct events_watch *watch);

/* Up to where all CURRENT watches were offered what they watch. */
int64_t events_revision(const struct events *events);
/* It was offered all up to events_revision(), and waits for what follows. */
bool events_is_current(const struct events *events, const struct events_watch *watch);
size_t events_count(const struct events *events);

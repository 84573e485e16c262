/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps that wait, in the order of their changes. Not thread-safe; knows nothing of nodes but their ids; owns no step.
 *
 * Invariants:
 *  1. Of two steps that share a directory the earlier is taken first; steps of other directories may overtake.
 *  2. While a local call is in flight in a directory its steps are parked, but only until the calls that were in flight when the step was
 *     first looked at have ended, so that a stream of local calls cannot hold them back for ever.
 *  3. At most STEP_QUEUE_MAX steps wait. When there are more, step_queue_collapse() makes one step of all those of one name, which tells the
 *     difference between what watchers know and what is there when its turn comes; what finds no room even then is dropped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "fs/step.h"

enum {
	STEP_QUEUE_MAX = 65536, /* four times what inotify itself keeps for a watcher (fs.inotify.max_queued_events) */
	/* A collapse that frees less than this would be repeated for every push. */
	STEP_QUEUE_ROOM_MIN = STEP_QUEUE_MAX / 8,
	STEP_SCAN_MAX = 1024, /* parked steps that are passed over to find one of another directory */
};

struct step_queue {
	struct step *first, **end;
	size_t count;
	struct step *running; /* taken, and not yet done: its name and links still count */
	struct map lanes;     /* directory id → struct step_lane */
	struct map names;     /* hash of directory id and name → struct step_name */
	struct map links;     /* node id → how many links are still to be removed */
	uint64_t pass;
	size_t count_max; /* STEP_QUEUE_MAX, and less in tests */
};

void step_queue_init(struct step_queue *queue);
/* Steps that are still in it are the caller's. */
void step_queue_fini(struct step_queue *queue);

enum step_pushed {
	STEP_ADDED,
	STEP_COALESCED, /* a queued one says the same, or will: the caller frees the step */
	STEP_FULL,      /* the caller collapses, and tries again once */
};
enum step_pushed step_queue_push(struct step_queue *queue, struct step *step);
/* Returns the steps that are no longer needed, a list for the caller to free. */
struct step *step_queue_collapse(struct step_queue *queue);

/* The next that may run, or NULL: none, or all parked. */
struct step *step_queue_take(struct step_queue *queue);
void step_queue_done(struct step_queue *queue, struct step *step);
/* All of them, without their turn. */
struct step *step_queue_clear(struct step_queue *queue);

void step_queue_park(struct step_queue *queue, uint64_t directory);
void step_queue_unpark(struct step_queue *queue, uint64_t directory);

bool step_queue_is_pending(const struct step_queue *queue, uint64_t directory, const char *name);
uint32_t step_queue_links(const struct step_queue *queue, uint64_t node);
/* The kernel is about to take the link of what this step removes off its own count. */
void step_queue_unlinked(struct step_queue *queue, struct step *step);

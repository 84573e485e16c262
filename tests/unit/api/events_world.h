/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event engine over a replica of one, whose loop turns when the test says so: this file stands in for api/reactor.h, so that a
 * seed gives the same run again.
 */
#pragma once

#include "api/events.h"

struct world {
	char directory[32];
	struct replica *replica;
	struct events *events;
	struct kv_observer observer; /* the engine's */
};

/* One at a time. */
void world_open(struct world *world);
void world_close(struct world *world); /* no watch is left */

/* What the loop has to do, once. False: nothing was to be done. */
bool world_turn(struct world *world);
/* Until nothing is to be done. Returns the number of turns. */
size_t world_settle(struct world *world);

/* As another member: the engine has been told when it returns. Returns the revision after it. */
int64_t world_apply(struct world *world, const struct kv_op *ops, size_t count);
int64_t world_put(struct world *world, const char *key, struct bytes value);
void world_compact(struct world *world, int64_t revision);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches: each follows the changes from a revision on, at the pace of its client. Nothing is queued for it: it reads the
 * change log when its output has been fetched, so a slow client costs a number, not memory.
 *
 * Invariants:
 *  1. A watch sends the changes after its first revision in order, each event once, and none before it.
 *  2. It never stops short: when it has caught up, the next change wakes it (the hub's observer).
 */
#pragma once

#include "api/call.h"

struct watch_hub;
struct watch_hub *watch_hub_new(struct reactor *reactor, struct replica *replica);
void watch_hub_free(struct watch_hub *hub); /* no watch is left, and the replica has stopped */
/* For replica_observe(). */
struct kv_observer watch_hub_observer(struct watch_hub *hub);

/* Begins with the first change at or after the revision; call->watch is set. ERR_LIMIT, ERR_COMPACTED. */
enum err watch_begin(struct call *call, struct bytes path, int64_t revision) MUST_USE;
/* Sends what there is, as far as the output takes it. May end the call. */
void watch_go_on(struct watch *watch);
void watch_free(struct watch *watch);

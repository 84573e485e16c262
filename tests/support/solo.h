/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replica of one: replica/replica.h over a store alone, without a log, peers or elections. For tests of what stands on a
 * replica, and for a mount without a cluster. What was applied is on disk after replica_close(), not before.
 *
 * Each switch here has taken effect when it returns. ON_ANY_THREAD but the apply role.
 */
#pragma once

#include <stdint.h>

#include "replica/replica.h"
#include "store/kv.h"

enum { SOLO_MEMBER = 1, SOLO_OTHER_MEMBER = 2 };

enum solo_weather {
	SOLO_FAIR,
	/* Proposals end in ERR_TIMEOUT at their deadline, certainly not applied; so do barriers. */
	SOLO_NO_QUORUM,
	/* Proposals are applied, and end in ERR_UNKNOWN_OUTCOME at their deadline; barriers as above. */
	SOLO_ANSWERS_LOST,
};
void solo_set_weather(struct replica *replica, enum solo_weather weather);

/* The cluster does not know any more who and where this member is. */
void solo_unpublish(struct replica *replica);

/* From hold to release nothing is applied, and barriers wait: what was proposed meanwhile follows in its order. Deadlines
 * still count. */
void solo_hold(struct replica *replica);
void solo_release(struct replica *replica);

/* Applies a command as if another member had proposed it; also while held. NULL is never returned. */
struct kv_result *solo_apply_remote(struct replica *replica, const struct kv_command *command);
/* As solo_apply_remote(), but just before the next proposal of this node is applied: somebody else was first. At most one at
 * a time. */
void solo_precede_next(struct replica *replica, const struct kv_command *command);
/* What comes of a change of the members, asked where it is asked for; of leadership if its kind is 0. */
typedef struct replica_change_outcome (*solo_decides)(const struct replica_change *change);
/* Before the first change. */
void solo_decide(struct replica *replica, solo_decides decides);
/* Proposals of this node that were applied so far. */
uint64_t solo_proposals(struct replica *replica);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults to plant in store/ and replica/, so that the simulator of whole nodes can be shown to find them: a build with
 * PLANT_BUGS has the one that bug_planted names. The libraries that are used have none, and the conditions fold to false in
 * them. (The core's own are in raft/bug.h.)
 */
#pragma once

#include <stdbool.h>

enum bug {
	BUG_NONE,
	BUG_NO_SYNC,                 /* the log does not sync what it calls durable */
	BUG_WRITTEN_BEFORE_SYNC,     /* the core is told that a write is durable before it is */
	BUG_SENT_BEFORE_DURABLE,     /* messages do not wait for their write */
	BUG_TRIM_BEYOND_FLUSHED,     /* the log is trimmed to what is applied, not to what is flushed */
	BUG_INSTALL_KEEPS_LOG,       /* the log is not emptied for an installed snapshot */
	BUG_INSTALL_NOT_NOTED,       /* nor is it noted that it is to be */
	BUG_APPLIED_APART,           /* the applied index is not always in the batch of the effects */
	BUG_SESSION_FORGOTTEN,       /* outcomes are not remembered */
	BUG_SESSION_NOT_LOADED,      /* nor read again at the start, or of a snapshot */
	BUG_NEVER_IN_DOUBT,          /* a try without an answer counts as refused */
	BUG_BARRIER_IGNORES_APPLIED, /* readers go on before the state has what they must see */
	BUG_BARRIER_JOINS_ROUND,     /* readers join a round that is under way */
	BUG_LEASE_WITHOUT_CLOCK,     /* a lease counts without a look at the clock */
	BUG_COUNT,
};

#ifdef PLANT_BUGS
extern enum bug bug_planted;
#define HAS_BUG(name) (bug_planted == BUG_##name)
#else
#define HAS_BUG(name) false
#endif

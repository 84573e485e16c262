/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults to plant, so that the simulator can be shown to find them: a build with RAFT_PLANT_BUGS has the one that
 * raft_bug_planted names. The library that is used has none, and the conditions fold to false in it.
 */
#pragma once

#include <stdbool.h>

enum raft_bug {
	RAFT_BUG_NONE,
	RAFT_BUG_COMMIT_OLD_TERM,        /* entries of older terms are committed by counting */
	RAFT_BUG_VOTE_TWICE,             /* the vote is forgotten on stepping down within a term */
	RAFT_BUG_ACK_BEFORE_DURABLE,     /* a follower acknowledges entries before they are durable */
	RAFT_BUG_TRUNCATE_ALWAYS,        /* every append cuts the log where its entries begin */
	RAFT_BUG_READ_OLD_ROUND,         /* an acknowledgement confirms reads that are younger than its round */
	RAFT_BUG_LEASE_FROM_ACK,         /* the lease runs from the time of the acknowledgement */
	RAFT_BUG_WRITE_ABA,              /* a write of a truncated log counts for the entries that replaced it */
	RAFT_BUG_HEARTBEAT_COMMIT,       /* heartbeats tell to commit what the member is not known to have */
	RAFT_BUG_LEADER_NOT_DURABLE,     /* the leader counts its own entries before they are durable */
	RAFT_BUG_CONFIG_NOT_ROLLED_BACK, /* a truncated configuration stays in force */
	RAFT_BUG_VOTE_NOT_DURABLE,       /* votes are answered before they are durable */
	RAFT_BUG_DISLOYAL,               /* a restarted node votes although it may have answered a leader just before */
	RAFT_BUG_COUNT,
};

#ifdef RAFT_PLANT_BUGS
extern enum raft_bug raft_bug_planted;
#define RAFT_HAS_BUG(bug) (raft_bug_planted == RAFT_BUG_##bug)
#else
#define RAFT_HAS_BUG(bug) false
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults to plant: a build with -DRAFT_BUG=n has the n-th, and the simulator must find it. The library that is shipped
 * has none, and the conditions below fold to false in it.
 */
#pragma once

#ifndef RAFT_BUG
#define RAFT_BUG 0
#endif

enum raft_bug {
	RAFT_BUG_COMMIT_OLD_TERM = 1,    /* entries of older terms are committed by counting */
	RAFT_BUG_VOTE_TWICE,             /* the vote is forgotten on stepping down within a term */
	RAFT_BUG_ACK_BEFORE_DURABLE,     /* a follower acknowledges entries before they are durable */
	RAFT_BUG_TRUNCATE_ALWAYS,        /* every append cuts the log after its first entry's place */
	RAFT_BUG_READ_OLD_ROUND,         /* an acknowledgement confirms reads that are younger than its round */
	RAFT_BUG_LEASE_FROM_ACK,         /* the lease runs from the time of the acknowledgement */
	RAFT_BUG_WRITE_ABA,              /* a write of a truncated log counts for the entries that replaced it */
	RAFT_BUG_COMMIT_UNVERIFIED,      /* a follower commits what the message has not verified */
	RAFT_BUG_LEADER_NOT_DURABLE,     /* the leader counts its own entries before they are durable */
	RAFT_BUG_CONFIG_NOT_ROLLED_BACK, /* a truncated configuration stays in force */
};

#define RAFT_HAS_BUG(bug) (RAFT_BUG == RAFT_BUG_##bug)

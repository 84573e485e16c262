/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults to plant, so that the simulator can be shown to find them: a build with RAFT_PLANT_BUGS has the one that
 * raft_bug_planted names. The library that is used has none, and the conditions fold to false in it. Most were shipped by
 * somebody once.
 */
#pragma once

#include <stdbool.h>

/* clang-format off */
#define RAFT_BUGS(each) \
	each(NONE, "") \
	/* elections */ \
	each(VOTE_TWICE, "the vote is forgotten on stepping down within a term") \
	each(VOTE_NOT_DURABLE, "votes are answered before they are durable") \
	each(VOTE_STALE, "votes of an earlier term are counted") \
	each(LOG_COMPARED_BY_EITHER, "a candidate's log is good enough by its term or by its length") \
	each(LEARNER_CAMPAIGNS, "a member without a vote campaigns") \
	each(DAMAGED_VOTES, "a node votes that does not know what it has lost") \
	each(DISLOYAL, "a restarted node votes although it may have answered a leader just before") \
	each(NO_STEP_DOWN, "a higher term in an answer is not adopted") \
	each(PRE_VOTE_ADOPTED, "a pre-vote raises the term") \
	each(STRANGER_HEARD, "the answer of who is no member raises the term") \
	each(NO_CHECK_QUORUM, "a leader without a quorum leads on") \
	/* replication */ \
	each(COMMIT_OLD_TERM, "entries of older terms are committed by counting") \
	each(COMMIT_UNVERIFIED, "a follower commits up to the end of its log, whatever the message has shown to match") \
	each(QUORUM_HALF, "half of an even number is a quorum") \
	each(LEARNER_COUNTS, "what a learner has counts for a quorum") \
	each(ACK_BEFORE_DURABLE, "a follower acknowledges entries before they are durable") \
	each(LEADER_NOT_DURABLE, "the leader counts its own entries before they are durable") \
	each(WRITE_ABA, "a write of a truncated log counts for the entries that replaced it") \
	each(TRUNCATE_ALWAYS, "every append cuts the log where its entries begin") \
	each(HEARTBEAT_COMMIT, "heartbeats tell to commit what the member is not known to have") \
	each(MATCH_FALLS, "an old answer takes back what a newer one has told") \
	each(GAP_MATCHES, "an entry that is missing matches") \
	each(WINDOW_LEAKS, "what was lost in flight fills the window for ever") \
	/* members */ \
	each(CONFIG_NOT_ROLLED_BACK, "a truncated configuration stays in force") \
	each(CONFIG_UNSETTLED, "a leader changes members before it has committed anything") \
	each(CONFIG_TWICE, "a change of members begins before the one before is committed") \
	each(LEAVE_EARLY, "the joint configuration is left before it is committed") \
	each(REMOVED_LEADS, "a leader that is removed leads on") \
	each(COMMIT_NOT_LOOKED_AT, "nobody looks what a smaller quorum has already") \
	/* snapshots */ \
	each(SNAPSHOT_DISCARDS, "a snapshot replaces a log that holds it, and more") \
	each(INSTALL_ACKED_EARLY, "a snapshot is acknowledged before it is installed") \
	each(REPAIR_BY_ANY, "a damaged node is content with any snapshot") \
	/* reads, transfers */ \
	each(READ_OLD_ROUND, "an acknowledgement confirms reads that are younger than its round") \
	each(READ_UNSETTLED, "a new leader answers with the commit index that it happens to know") \
	each(LEASE_FROM_ACK, "the lease runs from the time of the acknowledgement") \
	each(LEASE_UNSETTLED, "a new leader has a lease before it knows what is committed") \
	each(READS_SURVIVE, "reads wait on over a change of role") \
	each(TRANSFER_BY_NEXT, "who was sent everything is taken for who has it") \
	each(TRANSFER_STUCK, "a transfer that fails never ends")
/* clang-format on */

#define RAFT_BUGS_ENUM(name, text) RAFT_BUG_##name,
enum raft_bug { RAFT_BUGS(RAFT_BUGS_ENUM) RAFT_BUG_COUNT };
#undef RAFT_BUGS_ENUM

#ifdef RAFT_PLANT_BUGS
extern enum raft_bug raft_bug_planted;
#define RAFT_HAS_BUG(bug) (raft_bug_planted == RAFT_BUG_##bug)
#else
#define RAFT_HAS_BUG(bug) false
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each fault and each rare path of the core was reached, over all seeds of a run and all its processes. A standard run
 * in which one stays zero fails: what is not reached is not tested. Most are counted by what the cores say.
 */
#pragma once

#include <stdbool.h>

/* clang-format off */
#define COVERAGE(each) \
	each(CRASH, "crashes") \
	each(CRASH_ALL, "crashes of all at once") \
	each(LOST_WRITE, "crashes that lose writes") \
	each(TORN_WRITE, "crashes that tear a write") \
	each(DAMAGE, "damaged logs") \
	each(ISOLATE, "isolations") \
	each(HALVES, "partitions into halves") \
	each(ISLANDS, "partitions with one node in both") \
	each(ONE_WAY, "one-way cuts") \
	each(DEAF, "nodes that hear nobody") \
	each(MUTE, "nodes that nobody hears") \
	each(BRIDGE, "cuts between two") \
	each(FLAP, "links that come and go") \
	each(HEAL, "healings") \
	each(PAUSE_SHORT, "pauses within an election timeout") \
	each(PAUSE_LONG, "pauses of one to ten") \
	each(PAUSE_HUGE, "pauses of ten to a hundred") \
	each(SLOW_DISK, "slow disks") \
	each(STORM, "changes of the weather") \
	each(TRIM, "trims asked for") \
	each(TRANSFER_ASKED, "transfers asked for") \
	each(DISCONNECT, "connections reported broken") \
	each(ROUT, "leaders cut off while their leases run") \
	each(OVERTAKE, "members overtaken by a trim while their answers are lost") \
	each(AMNESIA, "logs damaged when few others have what they held") \
	each(REGROUP, "regroupings") \
	each(HURRY, "changes asked of a leader just elected") \
	each(AMBUSH_ELECTED, "ambushes on a new leader") \
	each(AMBUSH_OFFERED, "ambushes on an offer of a snapshot") \
	each(AMBUSH_FETCHING, "ambushes on a fetch") \
	each(AMBUSH_INSTALLED, "ambushes on an installed snapshot") \
	each(AMBUSH_CONFIG, "ambushes on a configuration") \
	each(AMBUSH_TRANSFER, "ambushes on a transfer") \
	each(AMBUSH_TRUNCATED, "ambushes on a truncation") \
	each(SLOW_LINK, "slow links") \
	each(MODEST, "rejections that say less than they could") \
	each(DROPPED, "messages dropped") \
	each(REPEATED, "messages repeated") \
	each(LATE, "messages later than an election timeout") \
	each(MINUTES_LATE, "messages later than a minute") \
	each(EARLIER_LIFE, "messages of a sender's earlier life") \
	each(VOTER_ADDED, "simple changes that add a voter") \
	each(VOTER_REMOVED, "simple changes that remove a voter") \
	each(VOTER_DEMOTED, "simple changes that demote a voter") \
	each(LEARNER_PROMOTED, "simple changes that promote a learner") \
	each(LEARNER_ADDED, "simple changes that add a learner") \
	each(JOINT, "joint changes") \
	each(JOINT_BY_HAND, "joint changes that are left by hand") \
	each(CONFIG_BUSY, "changes refused: another, or not settled") \
	each(CONFIG_ROLLED_BACK, "configurations rolled back") \
	each(PRE_CAMPAIGN, "pre-votes asked for") \
	each(CAMPAIGN, "votes asked for") \
	each(LEAD, "elections won") \
	each(PRE_VOTE_REFUSED, "pre-votes refused") \
	each(VOTE_REFUSED, "votes refused") \
	each(VOTE_IGNORED, "votes refused out of loyalty") \
	each(NEEDED_VOTER, "candidacies of a voter that is on its way out") \
	each(QUORUM_LOST, "leaders that hear no quorum") \
	each(DISK_STALLED, "stalled disks told") \
	each(STALE, "messages of older terms") \
	each(STRANGER, "messages of strangers refused") \
	each(REJECTED, "appends rejected") \
	each(TRUNCATED, "logs truncated") \
	each(TRUNCATED_IN_FLIGHT, "logs truncated while being written") \
	each(BACK_TO, "members gone back to") \
	each(BACK_BY_TERM, "steps back of more than one entry") \
	each(LOST_ACKNOWLEDGED, "members that lost what they acknowledged") \
	each(FULL_WINDOW, "full windows") \
	each(OLD_ENTRY_WAITS, "entries of older terms that wait for one of this") \
	each(QUORUM_BEFORE_DISK, "commits before the leader's own disk") \
	each(BUSY, "proposals refused: too much uncommitted, or a transfer") \
	each(NEEDS_SNAPSHOT, "members that need a snapshot") \
	each(SNAPSHOT_DONE, "members done with it") \
	each(SNAPSHOT_MOVED_ON, "members that went on from the log instead") \
	each(FETCH, "fetches") \
	each(FETCH_SUPERSEDED, "fetches superseded") \
	each(FETCH_FAILED, "fetches failed") \
	each(INSTALLED, "snapshots installed") \
	each(INSTALLED_OLDER, "snapshots installed after a newer one was wanted") \
	each(SNAPSHOT_KNOWN, "offers of what is in the midst of the log, and not known to be committed") \
	each(OFFER_TOO_OLD, "snapshots made too early to be offered") \
	each(REPAIR, "repairs begun") \
	each(REPAIRED, "repairs done") \
	each(LEAVE_JOINT, "joint configurations left") \
	each(LEAVE_JOINT_LATER, "joint configurations left by a later leader") \
	each(REMOVED_LEADER, "leaders that remove themselves") \
	each(TRANSFER_TOLD, "transfers that reach the end") \
	each(TRANSFER_TAKEN, "candidacies by transfer") \
	each(TRANSFER_FAILED, "transfers given up") \
	each(READ_LEASE, "reads by lease") \
	each(READ_ROUND, "reads by a round") \
	each(READ_FOLLOWER, "reads through the leader") \
	each(READ_FAILED, "reads to be asked again") \
	each(ONLY_VOTER, "elections by the only voter")
/* clang-format on */

#define COVERAGE_ENUM(name, text) COVERAGE_##name,
enum coverage { COVERAGE(COVERAGE_ENUM) COVERAGE_COUNT };
#undef COVERAGE_ENUM

void coverage_share(void); /* before processes are forked; otherwise each counts for itself */
void coverage_add(enum coverage what);
void coverage_line(const char *line); /* what a core says */
void coverage_print(void);
/* False, and says which, if one is zero. */
bool coverage_is_complete(void);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who should vote: what a leader makes of its members by itself, and whether a change would leave enough voters that are alive
 * to agree on anything after it. Pure: all that it knows is handed in.
 *
 * A member begins as a learner. Once it has caught up it takes the place of the one that it was added for, or is promoted while
 * fewer than voters_max vote: to the largest odd number that there are voters and ready learners for, since an even one bears
 * no more failures than the odd one below it (thesis §4.2.1, §4.3). Several are promoted in one joint change, so that one voter
 * becomes three without being two. Nobody is demoted or removed by itself but the one that is replaced.
 */
#pragma once

#include "base/limits.h"
#include "raft/raft.h"
#include "store/kv.h"

enum {
	ROSTER_VOTERS_DEFAULT = 5,
	/* A learner that lacks fewer entries has them within a second or so. */
	ROSTER_LAG_ENTRIES_MAX = 1000,
	ROSTER_FACTS_MAX = 4, /* members of which one change says something */
	ROSTER_WHY_BYTES = 384,
};

struct roster_member {
	struct kv_member known; /* as the state has it; its strings are borrowed */
	bool voter;
	/* Within an election timeout, and in this term: the leader itself is. */
	bool heard;
	/* A snapshot brings it up: until it is installed it acknowledges nothing, and does not vote if its log is damaged. */
	bool fetches;
	uint64_t lag; /* entries that it is not known to have; UINT64_MAX: nothing is known of it in this term */
};

struct roster {
	struct roster_member *members; /* those of the present configuration, which is not joint */
	size_t count;
	uint32_t voters_max;
};

/* One configuration entry, or a joint configuration. */
struct roster_step {
	struct raft_change changes[LIMIT_MEMBERS];
	size_t change_count; /* may be 0: only something is said */
	struct kv_member facts[ROSTER_FACTS_MAX];
	size_t fact_count;
};

const struct roster_member *roster_find(const struct roster *roster, uint64_t id); /* or NULL */
/* Heard, and not far behind: it could vote. */
bool roster_member_is_ready(const struct roster_member *member);

/* What is said of a member now, to be changed; of names and addresses it says nothing. */
struct kv_member roster_fact(const struct roster_member *member);
void roster_step_change(struct roster_step *step, enum raft_change_op op, uint64_t id);
void roster_step_say(struct roster_step *step, const struct kv_member *fact);

/* After the step a quorum of the voters has been heard lately, and there is one now. Else why not, for people. */
bool roster_is_safe(const struct roster *roster, const struct roster_step *step, char ret_why[ROSTER_WHY_BYTES]);
size_t roster_voters_after(const struct roster *roster, const struct roster_step *step);

/* The member takes the place of the one that it was added for: its vote, or that it shall have none. */
void roster_replace(const struct roster *roster, const struct roster_member *member, struct roster_step *ret_step);

/* The change that is due by itself; false: none, or none that is safe. */
bool roster_next(const struct roster *roster, struct roster_step *ret_step);

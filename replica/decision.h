/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a leader makes of a change of the members that somebody asks for: a step to take, or an answer. Pure.
 *
 * Every change that was made already is answered as done, so that whoever lost the answer may ask again: a joiner is known by
 * its claim, the others by what they want to be so. Ids are never given twice.
 */
#pragma once

#include "replica/replica.h"
#include "replica/roster.h"

struct decision {
	/* ERR_OK with `take`: take the step, then it is done. ERR_OK: it is so already. ERR_BUSY: not now, ask again. ERR_NOT_FOUND,
	 * ERR_EXISTS, ERR_INVALID: refused. */
	enum err err;
	bool take;
	bool transfer; /* with ERR_BUSY: hand leadership to the member; whoever leads then finds it done */
	uint64_t id;   /* of the member */
	char why[ROSTER_WHY_BYTES];
	struct roster_step step;
};

struct decision_question {
	const struct roster *roster;
	const struct kv_member_list *removed;
	const struct replica_change *change; /* no string is NULL */
	uint64_t leader;                     /* who decides */
	uint64_t new_id;                     /* of nobody, now or before */
};
void decision_make(const struct decision_question *question, struct decision *ret_decision);

/* Is it a change at all? ERR_INVALID. Of any caller, before it goes anywhere. */
enum err decision_check(const struct replica_change *change) MUST_USE;

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/roster.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

const struct roster_member *roster_find(const struct roster *roster, uint64_t id)
{
	for (size_t i = 0; i < roster->count; i++)
		if (roster->members[i].known.id == id)
			return &roster->members[i];
	return NULL;
}

bool roster_member_is_ready(const struct roster_member *member)
{
	return member->heard && member->lag <= ROSTER_LAG_ENTRIES_MAX;
}

/* ---- steps ---- */

struct kv_member roster_fact(const struct roster_member *member)
{
	struct kv_member fact = member->known;
	fact.name = fact.peer_urls = fact.client_urls = NULL;
	return fact;
}

void roster_step_change(struct roster_step *step, enum raft_change_op op, uint64_t id)
{
	check(step->change_count < LIMIT_MEMBERS);
	step->changes[step->change_count++] = (struct raft_change){.op = op, .id = id};
}

void roster_step_say(struct roster_step *step, const struct kv_member *fact)
{
	check(step->fact_count < ROSTER_FACTS_MAX);
	step->facts[step->fact_count++] = *fact;
}

/* ---- would it be safe? ---- */

static bool step_makes_voter(const struct roster_step *step, const struct roster_member *member)
{
	bool voter = member->voter;
	for (size_t i = 0; i < step->change_count; i++)
		if (step->changes[i].id == member->known.id)
			voter = step->changes[i].op == RAFT_CHANGE_VOTER;
	return voter;
}

struct roster_tally {
	size_t voters, heard;
	const struct roster_member *silent; /* one of them that would not answer */
};

static struct roster_tally roster_tally(const struct roster *roster, const struct roster_step *step)
{
	struct roster_tally tally = {0};
	for (size_t i = 0; i < roster->count; i++) {
		const struct roster_member *member = &roster->members[i];
		if (!step_makes_voter(step, member))
			continue;
		tally.voters++;
		bool answers = member->heard && !member->fetches;
		tally.heard += answers;
		if (!answers)
			tally.silent = member;
	}
	return tally;
}

static bool tally_is_quorum(const struct roster_tally *tally)
{
	return tally->heard > tally->voters / 2;
}

size_t roster_voters_after(const struct roster *roster, const struct roster_step *step)
{
	return roster_tally(roster, step).voters;
}

bool roster_is_safe(const struct roster *roster, const struct roster_step *step, char ret_why[ROSTER_WHY_BYTES])
{
	static const struct roster_step nothing = {0};
	struct roster_tally now = roster_tally(roster, &nothing), after = roster_tally(roster, step);
	const struct roster_tally *worse = tally_is_quorum(&now) ? &after : &now;
	if (after.voters == 0) {
		snprintf(ret_why, ROSTER_WHY_BYTES, "no voter would be left: promote another member first");
		return false;
	}
	if (tally_is_quorum(worse))
		return true;
	snprintf(ret_why, ROSTER_WHY_BYTES,
	         "of %zu voters only %zu would answer, too few to agree on anything: start %.128s (%016" PRIx64
	         ") again or let it catch up, or remove it first",
	         worse->voters, worse->heard, worse->silent->known.name, worse->silent->known.id);
	return false;
}

/* ---- what is due ---- */

void roster_replace(const struct roster *roster, const struct roster_member *member, struct roster_step *ret_step)
{
	struct roster_step *step = ret_step;
	const struct roster_member *old = roster_find(roster, member->known.replaces);
	struct kv_member fact = roster_fact(member);
	*step = (struct roster_step){0};
	fact.replaces = 0;
	if (old != NULL) {
		fact.wants_no_vote = fact.wants_no_vote || old->known.wants_no_vote;
		if (old->voter)
			roster_step_change(step, RAFT_CHANGE_VOTER, member->known.id);
		roster_step_change(step, RAFT_CHANGE_REMOVE, old->known.id);
	}
	roster_step_say(step, &fact);
}

static bool roster_next_replacement(const struct roster *roster, struct roster_step *step)
{
	char why[ROSTER_WHY_BYTES];
	for (size_t i = 0; i < roster->count; i++) {
		const struct roster_member *member = &roster->members[i];
		if (member->known.replaces == 0 || member->voter || !roster_member_is_ready(member))
			continue;
		roster_replace(roster, member, step);
		if (roster_is_safe(roster, step, why))
			return true;
	}
	return false;
}

static bool roster_may_promote(const struct roster_member *member)
{
	return !member->voter && !member->known.wants_no_vote && member->known.replaces == 0 &&
	       roster_member_is_ready(member);
}

static size_t roster_wanted(const struct roster *roster)
{
	size_t voters = 0, ready = 0, max = roster->voters_max != 0 ? roster->voters_max : ROSTER_VOTERS_DEFAULT;
	for (size_t i = 0; i < roster->count; i++) {
		voters += roster->members[i].voter;
		ready += roster_may_promote(&roster->members[i]);
	}
	size_t wanted = voters + ready < max ? voters + ready : max;
	wanted -= wanted % 2 == 0 && wanted > 0;
	return wanted > voters ? wanted - voters : 0;
}

static bool roster_next_promotion(const struct roster *roster, struct roster_step *step)
{
	char why[ROSTER_WHY_BYTES];
	size_t wanted = roster_wanted(roster);
	*step = (struct roster_step){0};
	for (size_t i = 0; i < roster->count && step->change_count < wanted; i++)
		if (roster_may_promote(&roster->members[i]))
			roster_step_change(step, RAFT_CHANGE_VOTER, roster->members[i].known.id);
	return step->change_count != 0 && roster_is_safe(roster, step, why);
}

bool roster_next(const struct roster *roster, struct roster_step *ret_step)
{
	struct roster_step step;
	bool due = roster_next_replacement(roster, &step) || roster_next_promotion(roster, &step);
	if (due)
		*ret_step = step;
	return due;
}

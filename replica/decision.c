/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/decision.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"

static bool decision_string_is_good(const char *string)
{
	return string == NULL || strlen(string) <= LIMIT_MEMBER_STRING_BYTES;
}

static bool decision_is_empty(const char *string)
{
	return string == NULL || string[0] == 0;
}

enum err decision_check(const struct replica_change *change)
{
	bool good = decision_string_is_good(change->name) && decision_string_is_good(change->peer_urls) &&
	            decision_string_is_good(change->client_urls);
	switch (change->kind) {
	case REPLICA_ADD:
		good =
		    good && change->id == 0 && !decision_is_empty(change->peer_urls) && change->claim != KV_CLAIM_OPEN;
		break;
	case REPLICA_UPDATE:
		good = good && change->id != 0 && !decision_is_empty(change->peer_urls);
		break;
	case REPLICA_REMOVE:
	case REPLICA_PROMOTE:
	case REPLICA_DEMOTE:
	case REPLICA_LEAD:
		good = good && change->id != 0;
		break;
	default:
		good = false;
	}
	return good ? ERR_OK : ERR_INVALID;
}

__attribute__((format(printf, 3, 4))) static void decision_refuse(struct decision *decision, enum err err,
                                                                  const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(decision->why, sizeof decision->why, format, arguments);
	va_end(arguments);
	decision->err = err;
	decision->take = false;
}

/* The step stands: it is taken if it leaves a quorum that is alive. */
static void decision_take(const struct roster *roster, struct decision *decision)
{
	char why[ROSTER_WHY_BYTES];
	decision->take = roster_is_safe(roster, &decision->step, why);
	if (!decision->take)
		decision_refuse(decision, ERR_INVALID, "%s", why);
}

/* ---- names and addresses ---- */

/* Do two comma-separated lists have an element in common? */
static bool urls_meet(const char *one, const char *other)
{
	for (const char *at = one; *at != 0;) {
		size_t size = strcspn(at, ",");
		for (const char *with = other; *with != 0;) {
			size_t other_size = strcspn(with, ",");
			if (size != 0 && size == other_size && memcmp(at, with, size) == 0)
				return true;
			with += other_size + (with[other_size] == ',');
		}
		at += size + (at[size] == ',');
	}
	return false;
}

/* False: another member has the name or one of the URLs. */
static bool decision_is_free(const struct roster *roster, const struct replica_change *change,
                             struct decision *decision)
{
	for (size_t i = 0; i < roster->count; i++) {
		const struct kv_member *known = &roster->members[i].known;
		if (known->id == change->id)
			continue;
		if (change->kind == REPLICA_ADD && change->name[0] != 0 && strcmp(change->name, known->name) == 0) {
			decision_refuse(decision, ERR_EXISTS,
			                "the name %.128s is that of member %016" PRIx64
			                ": take another, or add it with that member to be replaced",
			                known->name, known->id);
			return false;
		}
		if (urls_meet(change->peer_urls, known->peer_urls)) {
			decision_refuse(decision, ERR_EXISTS,
			                "member %.128s (%016" PRIx64
			                ") has that peer URL: take another, or remove it first",
			                known->name, known->id);
			return false;
		}
	}
	return true;
}

/* ---- adding ---- */

static const struct kv_member *decision_claimed(const struct roster *roster, uint64_t claim)
{
	for (size_t i = 0; i < roster->count && claim != 0; i++)
		if (roster->members[i].known.claim == claim)
			return &roster->members[i].known;
	return NULL;
}

static bool decision_claim_was_removed(const struct kv_member_list *removed, uint64_t claim)
{
	for (size_t i = 0; i < removed->count && claim != 0; i++)
		if (removed->members[i].claim == claim)
			return true;
	return false;
}

/* One that was added for whoever comes under this name and address, and to whom nobody came yet. */
static const struct roster_member *decision_open(const struct roster *roster, const struct replica_change *change)
{
	for (size_t i = 0; i < roster->count; i++) {
		const struct kv_member *known = &roster->members[i].known;
		bool named = known->name[0] == 0 || strcmp(known->name, change->name) == 0;
		if (known->claim == KV_CLAIM_OPEN && named && strcmp(known->peer_urls, change->peer_urls) == 0)
			return &roster->members[i];
	}
	return NULL;
}

static void decision_adopt(const struct roster *roster, const struct roster_member *member,
                           const struct replica_change *change, struct decision *decision)
{
	struct kv_member fact = roster_fact(member);
	decision->id = fact.id;
	if (change->claim == 0)
		return; /* it is asked for once more */
	fact.claim = change->claim;
	fact.name = change->name;
	fact.client_urls = change->client_urls;
	roster_step_say(&decision->step, &fact);
	decision_take(roster, decision);
}

/* False: the one to be replaced is nobody, or is being replaced already. */
static bool decision_may_replace(const struct roster *roster, uint64_t id, struct decision *decision)
{
	if (id == 0)
		return true;
	if (roster_find(roster, id) == NULL) {
		decision_refuse(decision, ERR_NOT_FOUND, "there is no member %016" PRIx64 " to be replaced", id);
		return false;
	}
	for (size_t i = 0; i < roster->count; i++)
		if (roster->members[i].known.replaces == id) {
			decision_refuse(decision, ERR_EXISTS,
			                "member %.128s (%016" PRIx64 ") replaces it already: remove that one first",
			                roster->members[i].known.name, roster->members[i].known.id);
			return false;
		}
	return true;
}

/* The one that it replaces keeps its name until then, and its machine may have the same address. */
static bool decision_may_add(const struct roster *roster, const struct replica_change *change,
                             struct decision *decision)
{
	if (!decision_may_replace(roster, change->replaces, decision))
		return false;
	struct replica_change but_replaced = *change;
	but_replaced.id = change->replaces;
	if (!decision_is_free(roster, &but_replaced, decision))
		return false;
	if (roster->count >= LIMIT_MEMBERS) {
		decision_refuse(decision, ERR_INVALID, "there are %zu members, as many as can be: remove one first",
		                roster->count);
		return false;
	}
	return true;
}

static void decision_add(const struct decision_question *question, struct decision *decision)
{
	const struct roster *roster = question->roster;
	const struct replica_change *change = question->change;
	const struct kv_member *claimed = decision_claimed(roster, change->claim);
	const struct roster_member *open = decision_open(roster, change);
	if (claimed != NULL) {
		decision->id = claimed->id;
	} else if (decision_claim_was_removed(question->removed, change->claim)) {
		decision_refuse(decision, ERR_INVALID,
		                "this member was removed from the cluster: join again with an empty data directory");
	} else if (open != NULL) {
		decision_adopt(roster, open, change, decision);
	} else if (decision_may_add(roster, change, decision)) {
		decision->id = question->new_id;
		roster_step_change(&decision->step, RAFT_CHANGE_LEARNER, question->new_id);
		roster_step_say(&decision->step,
		                &(struct kv_member){.id = question->new_id,
		                                    .name = change->name,
		                                    .peer_urls = change->peer_urls,
		                                    .client_urls = change->client_urls,
		                                    .claim = change->claim != 0 ? change->claim : KV_CLAIM_OPEN,
		                                    .replaces = change->replaces,
		                                    .wants_no_vote = change->wants_no_vote});
		decision_take(roster, decision);
	}
}

/* ---- the others ---- */

static void decision_remove(const struct roster *roster, uint64_t id, struct decision *decision)
{
	roster_step_change(&decision->step, RAFT_CHANGE_REMOVE, id);
	decision_take(roster, decision);
}

static void decision_promote(const struct roster *roster, const struct roster_member *member, struct decision *decision)
{
	if (member->voter)
		return;
	bool ready = roster_member_is_ready(member);
	if (!ready && !member->known.wants_no_vote) {
		decision_refuse(decision, ERR_INVALID,
		                member->heard ? "%.128s has not caught up yet: it is promoted by itself when it has"
		                              : "%.128s was not heard from lately: start it first",
		                member->known.name);
		return;
	}
	struct kv_member fact = roster_fact(member);
	if (ready && fact.replaces != 0) {
		roster_replace(roster, member, &decision->step);
		fact = decision->step.facts[--decision->step.fact_count];
	}
	fact.wants_no_vote = false;
	roster_step_say(&decision->step, &fact);
	if (ready)
		roster_step_change(&decision->step, RAFT_CHANGE_VOTER, fact.id);
	decision_take(roster, decision);
	if (decision->take && !ready)
		snprintf(decision->why, sizeof decision->why, "%.128s votes once it has caught up", member->known.name);
}

static void decision_demote(const struct roster *roster, const struct roster_member *member, struct decision *decision)
{
	if (!member->voter && member->known.wants_no_vote)
		return;
	struct kv_member fact = roster_fact(member);
	fact.wants_no_vote = true;
	roster_step_say(&decision->step, &fact);
	if (member->voter)
		roster_step_change(&decision->step, RAFT_CHANGE_LEARNER, fact.id);
	decision_take(roster, decision);
}

static void decision_update(const struct roster *roster, const struct roster_member *member,
                            const struct replica_change *change, struct decision *decision)
{
	if (strcmp(member->known.peer_urls, change->peer_urls) == 0 || !decision_is_free(roster, change, decision))
		return;
	struct kv_member fact = roster_fact(member);
	fact.peer_urls = change->peer_urls;
	roster_step_say(&decision->step, &fact);
	decision_take(roster, decision);
}

static void decision_lead(const struct roster_member *member, uint64_t leader, struct decision *decision)
{
	if (member->known.id == leader)
		return;
	if (!member->voter)
		decision_refuse(decision, ERR_INVALID, "%.128s does not vote, so it cannot lead: promote it first",
		                member->known.name);
	else if (!member->heard)
		decision_refuse(decision, ERR_INVALID, "%.128s was not heard from lately: start it first",
		                member->known.name);
	else {
		decision_refuse(decision, ERR_BUSY, "%.128s is about to lead", member->known.name);
		decision->transfer = true;
	}
}

static void decision_of_member(const struct decision_question *question, const struct roster_member *member,
                               struct decision *decision)
{
	const struct roster *roster = question->roster;
	const struct replica_change *change = question->change;
	switch (change->kind) {
	case REPLICA_REMOVE:
		decision_remove(roster, change->id, decision);
		break;
	case REPLICA_PROMOTE:
		decision_promote(roster, member, decision);
		break;
	case REPLICA_DEMOTE:
		decision_demote(roster, member, decision);
		break;
	case REPLICA_UPDATE:
		decision_update(roster, member, change, decision);
		break;
	case REPLICA_LEAD:
		decision_lead(member, question->leader, decision);
		break;
	case REPLICA_ADD:
		break;
	}
}

static bool decision_was_removed(const struct kv_member_list *removed, uint64_t id)
{
	for (size_t i = 0; i < removed->count; i++)
		if (removed->members[i].id == id)
			return true;
	return false;
}

void decision_make(const struct decision_question *question, struct decision *ret_decision)
{
	const struct replica_change *change = question->change;
	struct decision *decision = ret_decision;
	*decision = (struct decision){.err = ERR_OK, .id = change->id};
	if (change->kind == REPLICA_ADD) {
		decision_add(question, decision);
		return;
	}
	const struct roster_member *member = roster_find(question->roster, change->id);
	if (member != NULL)
		decision_of_member(question, member, decision);
	else if (change->kind != REPLICA_REMOVE || !decision_was_removed(question->removed, change->id))
		decision_refuse(decision, ERR_NOT_FOUND, "there is no member %016" PRIx64 ": see `etcfs member list`",
		                change->id);
}

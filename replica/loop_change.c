/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the members. Asks of this node go to the leader; the leader decides on its own and on those of others (decision.h),
 * makes by itself what is due (roster.h), proposes one configuration at a time, and answers when it is done.
 */
#include "replica/loop_private.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proto.h"
#include "replica/configuration.h"

/* ---- answers ---- */

/* How an answer ends, by its number on the wire. */
static const enum err change_outcomes[] = {ERR_OK, ERR_NOT_LEADER, ERR_BUSY, ERR_NOT_FOUND, ERR_EXISTS, ERR_INVALID};
enum { CHANGE_OUTCOMES = sizeof change_outcomes / sizeof change_outcomes[0] };

static uint32_t change_outcome_code(enum err err)
{
	uint32_t code = 0;
	while (code < CHANGE_OUTCOMES && change_outcomes[code] != err)
		code++;
	check(code < CHANGE_OUTCOMES);
	return code;
}

static void loop_answer_change(struct loop *loop, const struct asker *asker,
                               const struct replica_change_outcome *outcome)
{
	if (asker->from == loop->member) {
		asks_answered(loop->asks, asker->attempt, outcome, loop->now_ns);
		return;
	}
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__ChangeReply reply = PEER__CHANGE_REPLY__INIT;
	reply.attempt = asker->attempt;
	reply.nonce = asker->nonce;
	reply.outcome = change_outcome_code(outcome->err);
	reply.id = outcome->id;
	reply.why = (char *)outcome->why;
	envelope.body_case = PEER__ENVELOPE__BODY_CHANGE_REPLY;
	envelope.change_reply = &reply;
	loop_send(loop, asker->from, &envelope, 0); /* what is lost is asked for again */
}

void loop_on_change_reply(struct loop *loop, const Peer__ChangeReply *reply)
{
	if (reply->nonce != loop->nonce)
		return; /* to an earlier start of this node */
	/* What a later version might say, it says for people. */
	enum err err = reply->outcome < CHANGE_OUTCOMES ? change_outcomes[reply->outcome] : ERR_INVALID;
	asks_answered(loop->asks, reply->attempt,
	              &(struct replica_change_outcome){.err = err, .why = reply->why, .id = reply->id}, loop->now_ns);
}

/* ---- the one under way ---- */

static void reform_answer(struct loop *loop, enum err err)
{
	struct reform *reform = &loop->reform;
	struct replica_change_outcome outcome = {.err = err, .why = err == ERR_OK ? reform->why : "", .id = reform->id};
	reform->under_way = false;
	for (size_t i = 0; i < reform->asker_count; i++)
		loop_answer_change(loop, &reform->askers[i], &outcome);
}

/* True: it waits for the answer as well, now under its newest attempt. */
static bool reform_join(struct reform *reform, const struct asker *asker)
{
	for (size_t i = 0; i < reform->asker_count; i++) {
		struct asker *other = &reform->askers[i];
		if (other->from == asker->from && other->nonce == asker->nonce &&
		    other->attempt >> ASKS_TRIES_BITS == asker->attempt >> ASKS_TRIES_BITS) {
			*other = *asker;
			return true;
		}
	}
	return false;
}

/* Does somebody else ask for what is being done? */
static bool reform_is_same(const struct reform *reform, const struct replica_change *change)
{
	if (reform->kind != change->kind)
		return false;
	if (change->kind == REPLICA_ADD)
		return change->claim != 0 && change->claim == reform->claim;
	return change->kind != REPLICA_UPDATE && change->id == reform->id;
}

/* Is the asker answered when the one under way is done? */
static bool reform_takes(struct reform *reform, const struct replica_change *change, const struct asker *asker)
{
	if (!reform->under_way)
		return false;
	if (reform_join(reform, asker))
		return true;
	if (!reform_is_same(reform, change) || reform->asker_count == REFORM_ASKERS_MAX)
		return false;
	reform->askers[reform->asker_count++] = *asker;
	return true;
}

/* It outlives this node's leading: the next leader leaves a joint configuration, or had it overwritten. */
static void reform_follow(struct loop *loop, const struct raft_status *status)
{
	struct reform *reform = &loop->reform;
	if (!reform->under_way)
		return;
	if (!reform->committed && raft_term_at(loop->core, reform->index) != reform->term) {
		log_warn("members_unchanged",
		         "index=%" PRIu64 " reason=\"another leader came before it was committed\"", reform->index);
		reform_answer(loop, ERR_NOT_LEADER);
		return;
	}
	reform->committed = reform->committed || status->commit >= reform->index;
	bool settled = status->config_index <= loop->applied && !raft_config_is_joint(raft_config_now(loop->core));
	if (!reform->committed || !settled)
		return;
	log_info("members_changed", "index=%" PRIu64, reform->index);
	reform_answer(loop, ERR_OK);
}

/* ---- proposing ---- */

/* The present configuration, changed: in one step if at most one voter differs, else through a joint one (thesis §4.3). */
static enum err loop_changed_config(const struct loop *loop, const struct roster_step *step, struct raft_config *config)
{
	raft_config_copy(config, raft_config_now(loop->core));
	enum err err = raft_config_change(config, step->changes, step->change_count);
	if (err != ERR_INVALID)
		return err;
	err = raft_config_enter_joint(config, step->changes, step->change_count);
	if (err == ERR_OK)
		config->auto_leave = true;
	return err;
}

static enum err loop_propose_config(struct loop *loop, struct bytes payload, uint64_t *ret_index)
{
	struct pending_try try = {.command = blob_new(payload)};
	struct raft_entry entry = {
	    .kind = RAFT_ENTRY_CONFIG, .size_bytes = (uint32_t)payload.size, .config_payload = payload};
	struct loop_source source = {.count = 1, .entries = &entry, .tries = &try};
	struct raft_event event = loop_event(loop, RAFT_EVENT_PROPOSE);
	event.entries = &entry;
	event.count = 1;
	uint64_t index = loop->window.next;
	enum err err = loop_step(loop, &event, &source);
	blob_unref(try.command);
	if (err == ERR_OK)
		*ret_index = index;
	return err;
}

/* ERR_OK: it is under way, and nobody waits for it yet. ERR_BUSY, ERR_NOT_LEADER, ERR_NO_LEADER: not now. ERR_INVALID: there is no
 * such step from the present configuration. */
static enum err loop_reconfigure(struct loop *loop, const struct roster_step *step)
{
	struct raft_config config;
	AUTO_BUFFER struct buffer payload;
	uint64_t index = 0, term = atomic_load(&loop->shown->term);
	check(!loop->reform.under_way);
	buffer_init(&payload, CONFIGURATION_BYTES_MAX);
	raft_config_init(&config);
	enum err err = loop_changed_config(loop, step, &config);
	if (err == ERR_OK)
		configuration_encode(&config, step->facts, step->fact_count, &payload);
	raft_config_fini(&config);
	if (err == ERR_OK)
		err = loop_propose_config(loop, buffer_bytes(&payload), &index);
	if (err == ERR_OK)
		loop->reform = (struct reform){.under_way = true, .index = index, .term = term};
	return err;
}

/* ---- what is known of the members ---- */

static void roster_see(struct roster_member *member, const struct raft_peer_status *peer, const struct loop *loop,
                       uint64_t last)
{
	bool self = peer->id == loop->member;
	/* In a new term a member is only known to be alive, and how far it is, once it has acknowledged something. */
	member->heard = self || (peer->recent_active && peer->match != 0);
	member->fetches = !self && peer->snapshot;
	if (self)
		member->lag = 0;
	else if (peer->match != 0 && !peer->snapshot)
		member->lag = last - peer->match;
}

static struct kv_member roster_known(const struct kv_member_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->members[i].id == id)
			return list->members[i];
	return (struct kv_member){.id = id, .name = "", .peer_urls = "", .client_urls = ""};
}

static enum err loop_roster(struct loop *loop, struct arena *arena, struct roster *ret_roster,
                            struct kv_member_list *ret_removed)
{
	const struct raft_config *config = raft_config_now(loop->core);
	struct kv_member_list list = {0};
	struct raft_peer_status *peers = arena_zero(arena, LIMIT_MEMBERS, sizeof *peers);
	size_t peer_count = raft_peers(loop->core, peers, LIMIT_MEMBERS);
	struct raft_status status;
	raft_status(loop->core, &status);
	enum err err = loop->world.members(loop->world.argument, arena, &list, ret_removed);
	if (err != ERR_OK)
		return err;
	struct roster_member *members = arena_zero(arena, config->count, sizeof *members);
	for (size_t i = 0; i < config->count; i++) {
		members[i].known = roster_known(&list, config->members[i].id);
		members[i].voter = config->members[i].voter;
		members[i].lag = UINT64_MAX;
		for (size_t j = 0; j < peer_count; j++)
			if (peers[j].id == config->members[i].id)
				roster_see(&members[i], &peers[j], loop, status.last_index);
	}
	*ret_roster = (struct roster){.members = members, .count = config->count, .voters_max = loop->voters_max};
	return ERR_OK;
}

/* The state knows of the present configuration, so it says who is a member, and another may follow. */
static bool loop_may_reform(const struct loop *loop, const struct raft_status *status)
{
	return status->settled && status->config_index <= loop->applied && !loop->reform.under_way &&
	       !raft_config_is_joint(raft_config_now(loop->core));
}

/* ---- by hand ---- */

static uint64_t loop_new_id(struct loop *loop, const struct kv_member_list *removed)
{
	for (;;) {
		uint64_t id = random_next(&loop->random);
		bool taken = id == 0 || raft_config_find(raft_config_now(loop->core), id) != NULL;
		for (size_t i = 0; i < removed->count && !taken; i++)
			taken = removed->members[i].id == id;
		if (!taken)
			return id;
	}
}

static const char *change_kind_name(enum replica_change_kind kind)
{
	static const char *const names[] = {"", "add", "remove", "promote", "demote", "update", "lead"};
	return names[kind];
}

static void loop_log_change(const struct replica_change *change, const struct decision *decision,
                            const struct roster *roster, uint64_t index)
{
	const struct roster_member *member = roster_find(roster, decision->id);
	size_t voters = roster_voters_after(roster, &decision->step);
	log_info("member_change", "what=%s member=%016" PRIx64 " name=%.128s index=%" PRIu64 " voters=%zu",
	         change_kind_name(change->kind), decision->id, member != NULL ? member->known.name : change->name,
	         index, voters);
	if (change->kind != REPLICA_ADD && change->kind != REPLICA_UPDATE && voters % 2 == 0)
		log_warn("voters_even",
		         "voters=%zu reason=\"they bear no more failures than one less\" remedy=\"promote or demote "
		         "another\"",
		         voters);
}

/* What the decision becomes. ERR_OK with `take`: it is under way. */
static void loop_carry_out(struct loop *loop, const struct roster *roster, const struct replica_change *change,
                           struct decision *decision)
{
	uint64_t settling_ns = loop->led_since_ns + (uint64_t)loop->election_timeout_ms * CLOCK_NS_PER_MS;
	/* A leader that is new has not heard from all that are alive. */
	if (decision->err == ERR_INVALID && loop->now_ns < settling_ns)
		decision->err = ERR_BUSY;
	if (decision->transfer)
		loop_transfer(loop, decision->id); /* asked again meanwhile, it changes nothing */
	if (!decision->take)
		return;
	enum err err = loop_reconfigure(loop, &decision->step);
	if (err != ERR_OK) {
		decision->err = err == ERR_INVALID ? ERR_INVALID : ERR_BUSY;
		decision->take = false;
		return;
	}
	loop->reform.kind = change->kind;
	loop->reform.id = decision->id;
	loop->reform.claim = change->claim;
	memcpy(loop->reform.why, decision->why, sizeof loop->reform.why);
	loop_log_change(change, decision, roster, loop->reform.index);
}

static enum err loop_decide(struct loop *loop, const struct replica_change *change, struct decision *ret_decision)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct roster roster;
	struct kv_member_list removed = {0};
	enum err err = loop_roster(loop, &arena, &roster, &removed);
	if (err != ERR_OK)
		return err;
	struct decision_question question = {
	    .roster = &roster, .removed = &removed, .change = change, .leader = loop->member};
	if (change->kind == REPLICA_ADD)
		question.new_id = loop_new_id(loop, &removed);
	decision_make(&question, ret_decision);
	loop_carry_out(loop, &roster, change, ret_decision);
	return ERR_OK;
}

/* At whoever was asked: the leader decides, anybody else says that it is not. */
static void loop_consider(struct loop *loop, const struct replica_change *change, const struct asker *asker)
{
	struct raft_status status;
	struct decision decision = {.err = ERR_NOT_LEADER, .id = change->id};
	raft_status(loop->core, &status);
	if (reform_takes(&loop->reform, change, asker))
		return;
	if (status.settled)
		decision.err = ERR_BUSY;
	/* ERR_CORRUPT, ERR_IO: this node's disk is damaged, and it was logged. */
	if (loop_may_reform(loop, &status) && loop_decide(loop, change, &decision) != ERR_OK)
		decision.err = ERR_BUSY;
	if (decision.err == ERR_OK && decision.take) {
		loop->reform.askers[loop->reform.asker_count++] = *asker;
		return;
	}
	loop_answer_change(
	    loop, asker, &(struct replica_change_outcome){.err = decision.err, .why = decision.why, .id = decision.id});
}

void loop_on_change(struct loop *loop, uint64_t from, const Peer__Change *change)
{
	const struct asker asker = {.from = from, .nonce = change->nonce, .attempt = change->attempt};
	const struct replica_change asked = {.kind = (enum replica_change_kind)change->kind,
	                                     .id = change->id,
	                                     .name = change->name,
	                                     .peer_urls = change->peer_urls,
	                                     .client_urls = change->client_urls,
	                                     .claim = change->claim,
	                                     .replaces = change->replaces,
	                                     .wants_no_vote = change->wants_no_vote};
	if (decision_check(&asked) != ERR_OK) {
		loop_answer_change(loop, &asker,
		                   &(struct replica_change_outcome){.err = ERR_INVALID,
		                                                    .why = "the leader does not know such a change"});
		return;
	}
	loop_consider(loop, &asked, &asker);
}

/* ---- by itself ---- */

static bool loop_has_learner(const struct loop *loop)
{
	const struct raft_config *config = raft_config_now(loop->core);
	for (size_t i = 0; i < config->count; i++)
		if (!config->members[i].voter)
			return true;
	return false;
}

static void loop_log_due(const struct roster_step *step, uint64_t index)
{
	for (size_t i = 0; i < step->change_count; i++)
		log_info("member_change", "what=%s member=%016" PRIx64 " index=%" PRIu64 " by=itself",
		         step->changes[i].op == RAFT_CHANGE_VOTER ? "promote" : "remove", step->changes[i].id, index);
}

static void loop_make_due(struct loop *loop, const struct raft_status *status)
{
	if (loop->now_ns < loop->roster_at_ns || !loop_may_reform(loop, status) || !loop_has_learner(loop))
		return;
	loop->roster_at_ns = loop->now_ns + REFORM_LOOK_MS * CLOCK_NS_PER_MS;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct roster roster;
	struct roster_step step;
	if (loop_roster(loop, &arena, &roster, NULL) != ERR_OK || !roster_next(&roster, &step))
		return;
	if (loop_reconfigure(loop, &step) == ERR_OK)
		loop_log_due(&step, loop->reform.index);
}

/* ---- asking ---- */

static void loop_ask(struct loop *loop, uint64_t leader, const struct asks_try *try)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Change change = PEER__CHANGE__INIT;
	change.attempt = try->attempt;
	change.nonce = loop->nonce;
	change.kind = try->change->kind;
	change.id = try->change->id;
	change.name = (char *)try->change->name;
	change.peer_urls = (char *)try->change->peer_urls;
	change.client_urls = (char *)try->change->client_urls;
	change.claim = try->change->claim;
	change.replaces = try->change->replaces;
	change.wants_no_vote = try->change->wants_no_vote;
	envelope.body_case = PEER__ENVELOPE__BODY_CHANGE;
	envelope.change = &change;
	if (!loop_send(loop, leader, &envelope, 0))
		asks_dropped(loop->asks, try->attempt, loop->now_ns);
}

static void loop_ask_some(struct loop *loop)
{
	uint64_t leader = atomic_load(&loop->shown->leader);
	struct asks_try try;
	while (leader != 0 && asks_next(loop->asks, loop->now_ns, &try)) {
		if (leader == loop->member)
			loop_consider(
			    loop, try.change,
			    &(struct asker){.from = loop->member, .nonce = loop->nonce, .attempt = try.attempt});
		else
			loop_ask(loop, leader, &try);
		leader = atomic_load(&loop->shown->leader);
	}
}

/* Named once, so that whoever leads by then is not asked for yet another one. */
static bool loop_name_furthest(struct loop *loop, struct ask *ask)
{
	uint64_t furthest = loop_furthest_peer(loop);
	if (furthest == 0)
		ask_refuse(ask, ERR_NOT_FOUND, "no other member that votes was heard from lately: start one first");
	else
		ask_name_member(ask, furthest);
	return furthest != 0;
}

void loop_change(struct loop *loop, struct ask *ask)
{
	if (ask_lacks_member(ask) && !loop_name_furthest(loop, ask))
		return;
	asks_add(loop->asks, ask);
	loop->review_at_ns = 0;
}

void loop_stop(struct loop *loop)
{
	loop->reform.asker_count = 0;
	asks_stop(loop->asks);
	inquiries_stop(loop->leases.inquiries);
}

void loop_changes(struct loop *loop)
{
	struct raft_status status;
	raft_status(loop->core, &status);
	reform_follow(loop, &status);
	loop_ask_some(loop);
	raft_status(loop->core, &status);
	loop_make_due(loop, &status);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/decision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "tests/unit/unit.h"

enum { NEW = 99, CLAIM = 555, REMOVED = 7, REMOVED_CLAIM = 777 };

static struct roster_member members[LIMIT_MEMBERS];
static struct roster roster;
static struct kv_member gone = {.id = REMOVED, .claim = REMOVED_CLAIM};
static const struct kv_member_list removed = {.members = &gone, .count = 1};
static struct decision decision;

static struct roster_member member_of(uint64_t id, const char *name, const char *urls)
{
	return (struct roster_member){.known = {.id = id, .name = name, .peer_urls = urls, .client_urls = ""},
	                              .heard = true};
}

/* n1, n2 and n3 vote, n4 learns, and one without a name was added for whoever comes to tcp://e:1. All are alive. */
static int setup(void **state)
{
	members[0] = member_of(1, "n1", "tcp://a:1");
	members[1] = member_of(2, "n2", "tcp://b:1,tcp://b:2");
	members[2] = member_of(3, "n3", "tcp://c:1");
	members[3] = member_of(4, "n4", "tcp://d:1");
	members[4] = member_of(5, "", "tcp://e:1");
	members[0].voter = members[1].voter = members[2].voter = true;
	members[3].known.claim = CLAIM;
	members[4].known.claim = KV_CLAIM_OPEN;
	members[4].heard = false;
	members[4].lag = UINT64_MAX;
	roster = (struct roster){.members = members, .count = 5, .voters_max = 3};
	return 0;
}

static enum err make(struct replica_change change)
{
	change.name = change.name != NULL ? change.name : "";
	change.peer_urls = change.peer_urls != NULL ? change.peer_urls : "";
	change.client_urls = change.client_urls != NULL ? change.client_urls : "";
	struct decision_question question = {
	    .roster = &roster, .removed = &removed, .change = &change, .new_id = NEW, .leader = 1};
	decision_make(&question, &decision);
	/* A refusal says why, and takes nothing. */
	if (decision.err != ERR_OK) {
		assert_false(decision.take);
		assert_string_not_equal(decision.why, "");
	}
	return decision.err;
}

static enum err make_of(enum replica_change_kind kind, uint64_t id)
{
	return make((struct replica_change){.kind = kind, .id = id});
}

static void assert_nothing_to_do(uint64_t id)
{
	assert_int_equal(decision.err, ERR_OK);
	assert_false(decision.take);
	assert_int_equal(decision.id, id);
}

static void assert_change(enum raft_change_op op, uint64_t id)
{
	assert_true(decision.take);
	assert_int_equal(decision.step.change_count, 1);
	assert_int_equal(decision.step.changes[0].op, op);
	assert_int_equal(decision.step.changes[0].id, id);
}

/* ---- adding ---- */

static void a_new_member_begins_as_a_learner_with_all_that_is_said_of_it(void **state)
{
	assert_int_equal(make((struct replica_change){.kind = REPLICA_ADD,
	                                              .name = "n6",
	                                              .peer_urls = "tcp://f:1",
	                                              .client_urls = "http://f:2",
	                                              .claim = 600,
	                                              .replaces = 3}),
	                 ERR_OK);
	assert_int_equal(decision.id, NEW);
	assert_change(RAFT_CHANGE_LEARNER, NEW);
	const struct kv_member *fact = &decision.step.facts[0];
	assert_int_equal(decision.step.fact_count, 1);
	assert_int_equal(fact->id, NEW);
	assert_string_equal(fact->name, "n6");
	assert_string_equal(fact->peer_urls, "tcp://f:1");
	assert_string_equal(fact->client_urls, "http://f:2");
	assert_int_equal(fact->claim, 600);
	assert_int_equal(fact->replaces, 3);
	assert_false(fact->wants_no_vote);
}

static void a_new_member_may_want_no_vote(void **state)
{
	assert_int_equal(
	    make((struct replica_change){
	        .kind = REPLICA_ADD, .name = "", .peer_urls = "tcp://f:1", .client_urls = "", .wants_no_vote = true}),
	    ERR_OK);
	assert_change(RAFT_CHANGE_LEARNER, NEW);
	assert_true(decision.step.facts[0].wants_no_vote);
}

static void a_joiner_that_asks_again_is_the_same_one(void **state)
{
	make((struct replica_change){.kind = REPLICA_ADD, .name = "n4", .peer_urls = "tcp://d:1", .claim = CLAIM});
	assert_nothing_to_do(4);
	/* It is known by its claim, wherever it may have moved. */
	make((struct replica_change){.kind = REPLICA_ADD, .name = "x", .peer_urls = "tcp://x:1", .claim = CLAIM});
	assert_nothing_to_do(4);
}

static void a_joiner_that_was_removed_is_told_so(void **state)
{
	assert_int_equal(make((struct replica_change){
	                     .kind = REPLICA_ADD, .name = "n7", .peer_urls = "tcp://g:1", .claim = REMOVED_CLAIM}),
	                 ERR_INVALID);
	assert_non_null(strstr(decision.why, "removed"));
}

static void names_and_addresses_are_of_one_member(void **state)
{
	assert_int_equal(
	    make((struct replica_change){.kind = REPLICA_ADD, .name = "n2", .peer_urls = "tcp://f:1", .claim = 600}),
	    ERR_EXISTS);
	assert_non_null(strstr(decision.why, "n2"));
	assert_int_equal(make((struct replica_change){
	                     .kind = REPLICA_ADD, .name = "n6", .peer_urls = "tcp://f:1,tcp://b:2", .claim = 600}),
	                 ERR_EXISTS);
	/* A part of an address is another one. */
	assert_int_equal(
	    make((struct replica_change){.kind = REPLICA_ADD, .name = "n6", .peer_urls = "tcp://b:22", .claim = 600}),
	    ERR_OK);
	/* A fresh disk under the name and address of one that has voted is not that member. */
	assert_int_equal(
	    make((struct replica_change){.kind = REPLICA_ADD, .name = "n3", .peer_urls = "tcp://c:1", .claim = 600}),
	    ERR_EXISTS);
}

static void a_replacement_may_have_the_name_and_address_of_the_old_one(void **state)
{
	assert_int_equal(make((struct replica_change){
	                     .kind = REPLICA_ADD, .name = "n3", .peer_urls = "tcp://c:1", .claim = 600, .replaces = 3}),
	                 ERR_OK);
	assert_change(RAFT_CHANGE_LEARNER, NEW);
	assert_int_equal(make((struct replica_change){
	                     .kind = REPLICA_ADD, .name = "n6", .peer_urls = "tcp://f:1", .replaces = 12345}),
	                 ERR_NOT_FOUND);
	members[3].known.replaces = 3;
	assert_int_equal(
	    make((struct replica_change){.kind = REPLICA_ADD, .name = "n6", .peer_urls = "tcp://f:1", .replaces = 3}),
	    ERR_EXISTS);
}

static void a_member_that_was_added_beforehand_is_whoever_comes_first(void **state)
{
	make((struct replica_change){.kind = REPLICA_ADD, .peer_urls = "tcp://e:1"});
	assert_nothing_to_do(5); /* it is added once */
	assert_int_equal(make((struct replica_change){.kind = REPLICA_ADD,
	                                              .name = "n5",
	                                              .peer_urls = "tcp://e:1",
	                                              .client_urls = "http://e:2",
	                                              .claim = 600}),
	                 ERR_OK);
	assert_int_equal(decision.id, 5);
	assert_true(decision.take);
	assert_int_equal(decision.step.change_count, 0);
	assert_int_equal(decision.step.facts[0].claim, 600);
	assert_string_equal(decision.step.facts[0].name, "n5");
	assert_null(decision.step.facts[0].peer_urls);
	members[4].known.claim = 600;
	assert_int_equal(
	    make((struct replica_change){.kind = REPLICA_ADD, .name = "n5", .peer_urls = "tcp://e:1", .claim = 601}),
	    ERR_EXISTS);
}

static void there_are_no_more_than_can_be(void **state)
{
	char(*urls)[32] = calloc(LIMIT_MEMBERS, sizeof *urls);
	for (size_t i = roster.count; i < LIMIT_MEMBERS; i++) {
		snprintf(urls[i], sizeof urls[i], "tcp://many:%zu", i);
		members[i] = member_of(1000 + i, "", urls[i]);
	}
	roster.count = LIMIT_MEMBERS;
	assert_int_equal(
	    make((struct replica_change){.kind = REPLICA_ADD, .name = "n6", .peer_urls = "tcp://f:1", .claim = 600}),
	    ERR_INVALID);
	free(urls);
}

/* ---- the others ---- */

static void what_is_so_already_is_done(void **state)
{
	assert_int_equal(make_of(REPLICA_REMOVE, REMOVED), ERR_OK);
	assert_nothing_to_do(REMOVED);
	assert_int_equal(make_of(REPLICA_PROMOTE, 2), ERR_OK);
	assert_nothing_to_do(2);
	members[3].known.wants_no_vote = true;
	assert_int_equal(make_of(REPLICA_DEMOTE, 4), ERR_OK);
	assert_nothing_to_do(4);
	make((struct replica_change){.kind = REPLICA_UPDATE, .id = 3, .peer_urls = "tcp://c:1"});
	assert_nothing_to_do(3);
}

static void who_was_never_a_member_is_not_found(void **state)
{
	for (enum replica_change_kind kind = REPLICA_REMOVE; kind <= REPLICA_UPDATE; kind++)
		assert_int_equal(make((struct replica_change){.kind = kind, .id = 12345, .peer_urls = "tcp://x:1"}),
		                 ERR_NOT_FOUND);
	assert_int_equal(make_of(REPLICA_PROMOTE, REMOVED), ERR_NOT_FOUND);
}

static void a_voter_that_is_demoted_stays_a_learner(void **state)
{
	assert_int_equal(make_of(REPLICA_DEMOTE, 2), ERR_OK);
	assert_change(RAFT_CHANGE_LEARNER, 2);
	assert_true(decision.step.facts[0].wants_no_vote);
	assert_int_equal(make_of(REPLICA_DEMOTE, 4), ERR_OK);
	assert_true(decision.take);
	assert_int_equal(decision.step.change_count, 0);
	assert_true(decision.step.facts[0].wants_no_vote);
}

static void a_learner_is_promoted_when_it_has_caught_up(void **state)
{
	members[3].known.wants_no_vote = true;
	assert_int_equal(make_of(REPLICA_PROMOTE, 4), ERR_OK);
	assert_change(RAFT_CHANGE_VOTER, 4); /* even though it is the fourth: it was asked for */
	assert_false(decision.step.facts[0].wants_no_vote);
	assert_int_equal(decision.step.facts[0].claim, CLAIM);
	/* Behind: that it may vote is said, and it votes later. */
	members[3].lag = ROSTER_LAG_ENTRIES_MAX + 1;
	assert_int_equal(make_of(REPLICA_PROMOTE, 4), ERR_OK);
	assert_true(decision.take);
	assert_int_equal(decision.step.change_count, 0);
	assert_string_not_equal(decision.why, "");
	members[3].known.wants_no_vote = false;
	assert_int_equal(make_of(REPLICA_PROMOTE, 4), ERR_INVALID);
	assert_non_null(strstr(decision.why, "caught up"));
	assert_int_equal(make_of(REPLICA_PROMOTE, 5), ERR_INVALID);
	assert_non_null(strstr(decision.why, "start it"));
}

static void a_replacement_that_is_promoted_takes_its_place_at_once(void **state)
{
	members[3].known.replaces = 3;
	assert_int_equal(make_of(REPLICA_PROMOTE, 4), ERR_OK);
	assert_true(decision.take);
	assert_int_equal(roster_voters_after(&roster, &decision.step), 3);
	assert_int_equal(decision.step.fact_count, 1);
	assert_int_equal(decision.step.facts[0].replaces, 0);
}

static void what_would_leave_no_quorum_is_refused(void **state)
{
	members[2].heard = false;
	assert_int_equal(make_of(REPLICA_REMOVE, 2), ERR_INVALID);
	assert_non_null(strstr(decision.why, "n3"));
	assert_int_equal(make_of(REPLICA_DEMOTE, 2), ERR_INVALID);
	assert_int_equal(make_of(REPLICA_REMOVE, 3), ERR_OK);
	assert_change(RAFT_CHANGE_REMOVE, 3);
	/* A learner may always come or go. */
	assert_int_equal(make_of(REPLICA_REMOVE, 4), ERR_OK);
	assert_int_equal(
	    make((struct replica_change){.kind = REPLICA_ADD, .name = "n6", .peer_urls = "tcp://f:1", .claim = 600}),
	    ERR_OK);
	members[1].voter = members[2].voter = false;
	assert_int_equal(make_of(REPLICA_REMOVE, 1), ERR_INVALID);
	assert_int_equal(make_of(REPLICA_DEMOTE, 1), ERR_INVALID);
}

static void who_shall_lead_votes_and_is_there(void **state)
{
	assert_int_equal(make_of(REPLICA_LEAD, 2), ERR_BUSY); /* until it does */
	assert_true(decision.transfer);
	assert_int_equal(decision.id, 2);
	assert_int_equal(make_of(REPLICA_LEAD, 1), ERR_OK);
	assert_nothing_to_do(1);
	assert_false(decision.transfer);
	assert_int_equal(make_of(REPLICA_LEAD, 4), ERR_INVALID);
	assert_non_null(strstr(decision.why, "promote it first"));
	members[1].heard = false;
	assert_int_equal(make_of(REPLICA_LEAD, 2), ERR_INVALID);
	assert_non_null(strstr(decision.why, "start it first"));
	assert_false(decision.transfer);
}

static void an_address_that_is_given_is_all_that_changes(void **state)
{
	assert_int_equal(make((struct replica_change){.kind = REPLICA_UPDATE, .id = 4, .peer_urls = "tcp://z:1"}),
	                 ERR_OK);
	assert_true(decision.take);
	assert_int_equal(decision.step.change_count, 0);
	assert_string_equal(decision.step.facts[0].peer_urls, "tcp://z:1");
	assert_null(decision.step.facts[0].name);
	assert_int_equal(decision.step.facts[0].claim, CLAIM);
	assert_int_equal(make((struct replica_change){.kind = REPLICA_UPDATE, .id = 4, .peer_urls = "tcp://a:1"}),
	                 ERR_EXISTS);
}

static void what_is_no_change_is_refused_before_it_goes_anywhere(void **state)
{
	static char text[LIMIT_MEMBER_STRING_BYTES + 2];
	memset(text, 'x', sizeof text - 1);
	const struct replica_change bad[] = {
	    {.kind = 0, .id = 1},
	    {.kind = 9, .id = 1},
	    {.kind = REPLICA_ADD},
	    {.kind = REPLICA_ADD, .id = 3, .peer_urls = "tcp://f:1"},
	    {.kind = REPLICA_ADD, .peer_urls = "tcp://f:1", .claim = KV_CLAIM_OPEN},
	    {.kind = REPLICA_ADD, .peer_urls = "tcp://f:1", .name = text},
	    {.kind = REPLICA_REMOVE},
	    {.kind = REPLICA_PROMOTE},
	    {.kind = REPLICA_DEMOTE},
	    {.kind = REPLICA_UPDATE, .id = 3},
	    {.kind = REPLICA_UPDATE, .peer_urls = "tcp://f:1"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(decision_check(&bad[i]), ERR_INVALID);
	assert_int_equal(decision_check(&(struct replica_change){.kind = REPLICA_ADD, .peer_urls = "tcp://f:1"}),
	                 ERR_OK);
	assert_int_equal(decision_check(&(struct replica_change){.kind = REPLICA_REMOVE, .id = 3}), ERR_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
	    TEST(a_new_member_begins_as_a_learner_with_all_that_is_said_of_it),
	    TEST(a_new_member_may_want_no_vote),
	    TEST(a_joiner_that_asks_again_is_the_same_one),
	    TEST(a_joiner_that_was_removed_is_told_so),
	    TEST(names_and_addresses_are_of_one_member),
	    TEST(a_replacement_may_have_the_name_and_address_of_the_old_one),
	    TEST(a_member_that_was_added_beforehand_is_whoever_comes_first),
	    TEST(there_are_no_more_than_can_be),
	    TEST(what_is_so_already_is_done),
	    TEST(who_was_never_a_member_is_not_found),
	    TEST(a_voter_that_is_demoted_stays_a_learner),
	    TEST(a_learner_is_promoted_when_it_has_caught_up),
	    TEST(a_replacement_that_is_promoted_takes_its_place_at_once),
	    TEST(what_would_leave_no_quorum_is_refused),
	    TEST(who_shall_lead_votes_and_is_there),
	    TEST(an_address_that_is_given_is_all_that_changes),
	    TEST(what_is_no_change_is_refused_before_it_goes_anywhere),
	};
	return UNIT_RUN(tests);
}

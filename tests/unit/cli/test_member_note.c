/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "cli/member_note.h"

static struct arena arena;
static Etcfs__Control__Member members[2], *pointers[] = {&members[0], &members[1]};
static Etcfs__Control__StatusResponse status;

/* a votes; b is a learner that was heard, 57 entries of 100 behind. */
static int members_begin(void **state)
{
	arena_init(&arena);
	for (int at = 0; at < 2; at++)
		members[at] = (Etcfs__Control__Member)ETCFS__CONTROL__MEMBER__INIT;
	members[0].name = (char *)"a";
	members[0].id = (char *)"1";
	members[0].voter = true;
	members[1].name = (char *)"b";
	members[1].id = (char *)"2";
	members[1].up_since = (char *)"2026-01-31T12:00:00Z";
	members[1].applied = 43;
	members[1].lag = 57;
	status = (Etcfs__Control__StatusResponse)ETCFS__CONTROL__STATUS_RESPONSE__INIT;
	status.members = pointers;
	status.n_members = 2;
	return 0;
}

static int members_end(void **state)
{
	arena_fini(&arena);
	return 0;
}

static void notes_are(const char *first, const char *second)
{
	assert_string_equal(member_note(&status, &members[0], &arena), first);
	assert_string_equal(member_note(&status, &members[1], &arena), second);
}

static void of_a_voter_there_is_nothing_to_say(void **state)
{
	members[1].voter = true;
	notes_are("", "");
}

static void a_learner_is_on_its_way_to_a_vote(void **state)
{
	notes_are("", "catching up: 43 %");
	members[1].caught_up = true;
	notes_are("", "caught up: votes once another vote is wanted");
	members[1].caught_up = false;
	members[1].up_since = (char *)"";
	notes_are("", "not started yet");
}

static void a_snapshot_comes_before_the_log(void **state)
{
	members[1].snapshot_done_bytes = 3;
	members[1].snapshot_total_bytes = 4;
	notes_are("", "gets a snapshot: 75 %");
	members[1].voter = true; /* it may also be a voter that was away */
	notes_are("", "gets a snapshot: 75 %");
}

static void one_that_was_demoted_waits_for_nothing(void **state)
{
	members[1].wants_no_vote = true;
	notes_are("", "demoted: votes when it is promoted");
}

static void both_sides_of_a_replacement_are_told(void **state)
{
	members[1].replaces = (char *)"1";
	notes_are("being replaced by b", "catching up: 43 %; takes the place of a");
	members[1].replaces = (char *)"3"; /* it has left meanwhile */
	notes_are("", "catching up: 43 %; takes the place of 3");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, members_begin, members_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(of_a_voter_there_is_nothing_to_say),   CASE(a_learner_is_on_its_way_to_a_vote),
	    CASE(a_snapshot_comes_before_the_log),      CASE(one_that_was_demoted_waits_for_nothing),
	    CASE(both_sides_of_a_replacement_are_told),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/roster.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "tests/unit/unit.h"

enum { ROUNDS = 50000, MEMBERS_MAX = 9 };

static struct roster_member members[MEMBERS_MAX];
static struct roster roster;

/*
 * A roster in a word for each member, by the number of its id from 1 on: V voter, L learner; behind that:
 * ! silent, @ fetches a snapshot, ~ far behind, - wants no vote, and the number of the one that it replaces.
 */
static void given(const char *text, uint32_t voters_max)
{
	roster = (struct roster){.members = members, .voters_max = voters_max};
	memset(members, 0, sizeof members);
	for (const char *at = text; *at != 0; at++) {
		struct roster_member *member = &members[roster.count != 0 ? roster.count - 1 : 0];
		switch (*at) {
		case 'V':
		case 'L':
			member = &members[roster.count++];
			member->voter = *at == 'V';
			member->heard = true;
			member->known = (struct kv_member){.id = roster.count, .name = "n", .claim = 70 + roster.count};
			break;
		case '!':
			member->heard = false;
			break;
		case '@':
			member->fetches = true;
			break;
		case '~':
			member->lag = ROSTER_LAG_ENTRIES_MAX + 1;
			break;
		case '-':
			member->known.wants_no_vote = true;
			break;
		case ' ':
			break;
		default:
			member->known.replaces = (uint64_t)(*at - '0');
		}
	}
}

/* "+2 -1 2:0" : 2 becomes a voter, 1 is removed, and of 2 it is said that it replaces nobody. */
static const char *step_text(const struct roster_step *step)
{
	static char text[256];
	size_t size = 0;
	text[0] = 0;
	for (size_t i = 0; i < step->change_count; i++)
		size += (size_t)snprintf(text + size, sizeof text - size, "%s%c%d", size != 0 ? " " : "",
		                         step->changes[i].op == RAFT_CHANGE_VOTER     ? '+'
		                         : step->changes[i].op == RAFT_CHANGE_LEARNER ? '*'
		                                                                      : '-',
		                         (int)step->changes[i].id);
	for (size_t i = 0; i < step->fact_count; i++)
		size += (size_t)snprintf(text + size, sizeof text - size, "%s%d:%d%s", size != 0 ? " " : "",
		                         (int)step->facts[i].id, (int)step->facts[i].replaces,
		                         step->facts[i].wants_no_vote ? "-" : "");
	return text;
}

static void assert_next(const char *text, uint32_t voters_max, const char *expected)
{
	struct roster_step step;
	given(text, voters_max);
	assert_string_equal(roster_next(&roster, &step) ? step_text(&step) : "none", expected);
}

static void learners_are_promoted_in_pairs(void **state)
{
	assert_next("V", 3, "none");
	assert_next("V L", 3, "none");
	assert_next("V L L", 3, "+2 +3");
	assert_next("V L L L", 3, "+2 +3");
	assert_next("V L L L L", 5, "+2 +3 +4 +5");
	assert_next("V V V L", 5, "none");
	assert_next("V V V L L L", 5, "+4 +5");
	assert_next("V V V L L", 3, "none");
	assert_next("V L L", 1, "none");
	assert_next("V L L L L L L", 0, "+2 +3 +4 +5"); /* the default */
}

/* An even number is what somebody asked for, or what a removal left. */
static void an_even_number_is_made_odd(void **state)
{
	assert_next("V V", 3, "none");
	assert_next("V V L", 3, "+3");
	assert_next("V V V V L", 5, "+5");
	assert_next("V V V V L", 3, "none");
}

static void only_who_has_caught_up_and_wants_to_is_promoted(void **state)
{
	assert_next("V L~ L", 3, "none");
	assert_next("V L! L", 3, "none");
	assert_next("V L- L", 3, "none");
	assert_next("V L~ L L! L- L", 3, "+3 +6");
}

/* One that is silent for now does not keep others from being promoted, as long as a quorum answers afterwards. */
static void a_promotion_that_would_leave_no_quorum_waits(void **state)
{
	assert_next("V V V! L L", 5, "+4 +5");
	assert_next("V V! L", 3, "none"); /* not even now */
}

static void a_replacement_waits_until_it_has_caught_up(void **state)
{
	assert_next("V V V! L3~", 3, "none");
	assert_next("V V V! L3!", 3, "none");
	assert_next("V V V! L3", 3, "+4 -3 4:0");
	assert_next("V V V L1 L2", 3, "+4 -1 4:0"); /* one at a time */
	assert_next("V L1", 3, "+2 -1 2:0");        /* the leader itself */
}

static void a_replacement_of_a_learner_has_no_vote_either(void **state)
{
	assert_next("V V V L L4", 3, "-4 5:0");
	assert_next("V V V L- L4", 5, "-4 5:0-");
}

static void whoever_replaces_one_that_is_gone_replaces_nobody(void **state)
{
	assert_next("V V V L9", 3, "4:0");
}

/* What is waited for until then takes part in nothing. */
static void one_that_replaces_another_is_not_promoted_for_itself(void **state)
{
	assert_next("V L L!9", 3, "none");
	assert_next("V! V V L1~ L L", 5, "+5 +6");
}

static void why_not_names_who_is_silent(void **state)
{
	char why[ROSTER_WHY_BYTES] = "";
	struct roster_step step = {0};
	given("V V V!", 3);
	members[2].known.name = "n3";
	roster_step_change(&step, RAFT_CHANGE_REMOVE, 2);
	assert_false(roster_is_safe(&roster, &step, why));
	assert_non_null(strstr(why, "n3"));
	step = (struct roster_step){0};
	roster_step_change(&step, RAFT_CHANGE_REMOVE, 3);
	assert_true(roster_is_safe(&roster, &step, why));
	given("V L L", 3);
	step = (struct roster_step){0};
	roster_step_change(&step, RAFT_CHANGE_LEARNER, 1);
	assert_false(roster_is_safe(&roster, &step, why));
	assert_non_null(strstr(why, "no voter would be left"));
}

/* Its log may be damaged: without its vote, and without the one that was removed, nobody could lead again after a restart. */
static void a_voter_that_fetches_a_snapshot_is_not_counted_on(void **state)
{
	char why[ROSTER_WHY_BYTES] = "";
	struct roster_step step = {0};
	given("V V@ V", 3);
	roster_step_change(&step, RAFT_CHANGE_REMOVE, 3);
	assert_false(roster_is_safe(&roster, &step, why));
	step = (struct roster_step){0};
	roster_step_change(&step, RAFT_CHANGE_REMOVE, 2);
	assert_true(roster_is_safe(&roster, &step, why));
}

/* ---- whatever the roster is ---- */

static struct random dice;

static void given_any(void)
{
	static char text[MEMBERS_MAX * 5 + 1];
	char *at = text;
	size_t count = 1 + random_below(&dice, MEMBERS_MAX);
	for (size_t i = 0; i < count; i++) {
		*at++ = random_below(&dice, 2) != 0 ? 'V' : 'L';
		if (random_below(&dice, 5) == 0)
			*at++ = '!';
		if (random_below(&dice, 5) == 0)
			*at++ = '~';
		if (random_below(&dice, 5) == 0)
			*at++ = '-';
		if (random_below(&dice, 5) == 0)
			*at++ = (char)('1' + random_below(&dice, 9));
	}
	*at = 0;
	given(text, (uint32_t)(1 + 2 * random_below(&dice, 4)));
	/* Somebody leads. */
	members[0].voter = members[0].heard = true;
	members[0].lag = 0;
}

static size_t count_voters(bool heard_only)
{
	size_t count = 0;
	for (size_t i = 0; i < roster.count; i++)
		count += members[i].voter && (members[i].heard || !heard_only);
	return count;
}

static void take(const struct roster_step *step)
{
	for (size_t i = 0; i < step->change_count; i++)
		for (size_t j = 0; j < roster.count; j++) {
			if (members[j].known.id != step->changes[i].id)
				continue;
			assert_true(step->changes[i].op != RAFT_CHANGE_VOTER || roster_member_is_ready(&members[j]));
			members[j].voter = step->changes[i].op == RAFT_CHANGE_VOTER;
			if (step->changes[i].op == RAFT_CHANGE_REMOVE) {
				memmove(&members[j], &members[j + 1], (roster.count - j - 1) * sizeof members[0]);
				roster.count--;
				break;
			}
		}
	for (size_t i = 0; i < step->fact_count; i++)
		for (size_t j = 0; j < roster.count; j++)
			if (members[j].known.id == step->facts[i].id) {
				assert_int_equal(step->facts[i].claim, members[j].known.claim);
				members[j].known.replaces = step->facts[i].replaces;
				members[j].known.wants_no_vote = step->facts[i].wants_no_vote;
			}
}

static void it_comes_to_rest_with_a_quorum_and_never_loses_voters(void **state)
{
	random_init(&dice, 17);
	for (int round = 0; round < ROUNDS; round++) {
		given_any();
		size_t voters = count_voters(false);
		struct roster_step step;
		int steps = 0;
		while (roster_next(&roster, &step)) {
			bool promotes = step.fact_count == 0;
			take(&step);
			assert_in_range(++steps, 1, 2 * MEMBERS_MAX);
			assert_true(count_voters(true) > count_voters(false) / 2);
			assert_true(count_voters(false) >= voters);
			if (promotes) {
				assert_true(count_voters(false) % 2 == 1);
				assert_true(count_voters(false) <= roster.voters_max);
			}
			voters = count_voters(false);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(learners_are_promoted_in_pairs),
	    cmocka_unit_test(an_even_number_is_made_odd),
	    cmocka_unit_test(only_who_has_caught_up_and_wants_to_is_promoted),
	    cmocka_unit_test(a_promotion_that_would_leave_no_quorum_waits),
	    cmocka_unit_test(a_replacement_waits_until_it_has_caught_up),
	    cmocka_unit_test(a_replacement_of_a_learner_has_no_vote_either),
	    cmocka_unit_test(whoever_replaces_one_that_is_gone_replaces_nobody),
	    cmocka_unit_test(one_that_replaces_another_is_not_promoted_for_itself),
	    cmocka_unit_test(why_not_names_who_is_silent),
	    cmocka_unit_test(a_voter_that_fetches_a_snapshot_is_not_counted_on),
	    cmocka_unit_test(it_comes_to_rest_with_a_quorum_and_never_loses_voters),
	};
	return UNIT_RUN(tests);
}

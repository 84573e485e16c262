/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/barriers.h"

#include "tests/unit/unit.h"

struct answer {
	int count;
	enum err err;
};

static void answered(void *argument, enum err err)
{
	struct answer *answer = argument;
	answer->count++;
	answer->err = err;
}

static void wait_for_round(struct barriers *barriers, struct answer *answer, uint64_t deadline_ns)
{
	struct barriers_waiter waiter = {.deadline_ns = deadline_ns, .ready = answered, .argument = answer};
	*answer = (struct answer){0};
	assert_int_equal(barriers_add(barriers, &waiter), ERR_OK);
}

static void a_round_is_shared_by_those_who_came_before_it(void **state)
{
	struct barriers *barriers = barriers_new();
	struct answer before[2], after;
	wait_for_round(barriers, &before[0], 100);
	wait_for_round(barriers, &before[1], 100);
	assert_true(barriers_want_round(barriers, 0));
	barriers_begin(barriers, 1, 0);
	assert_false(barriers_want_round(barriers, 0));
	wait_for_round(barriers, &after, 100);
	barriers_resolved(barriers, 1, ERR_OK, 10);
	barriers_applied(barriers, 9);
	assert_int_equal(before[0].count, 0);
	barriers_applied(barriers, 10);
	assert_int_equal(before[0].count + before[1].count, 2);
	assert_int_equal(before[0].err, ERR_OK);
	assert_int_equal(after.count, 0); /* the round was begun before it came */
	barriers_stop(barriers, ERR_STOPPED);
	assert_int_equal(after.err, ERR_STOPPED);
	barriers_free(barriers);
}

/* The raft role reads the clock, is stopped for longer than its lease lasts, and goes on: by that time it may still answer those who came
 * before it, and nobody else. */
static void who_came_after_the_time_of_a_round_waits_for_the_next(void **state)
{
	struct barriers *barriers = barriers_new();
	struct answer early, late;
	struct barriers_waiter waiter = {.came_ns = 6, .deadline_ns = 100, .ready = answered, .argument = &late};
	late = (struct answer){0};
	assert_int_equal(barriers_add(barriers, &waiter), ERR_OK);
	assert_false(barriers_want_round(barriers, 5));
	wait_for_round(barriers, &early, 100);
	assert_true(barriers_want_round(barriers, 5));
	barriers_begin(barriers, 1, 5);
	barriers_resolved(barriers, 1, ERR_OK, 10);
	barriers_applied(barriers, 10);
	assert_int_equal(early.count, 1);
	assert_int_equal(late.count, 0);
	assert_true(barriers_want_round(barriers, 6));
	barriers_begin(barriers, 2, 6);
	barriers_resolved(barriers, 2, ERR_OK, 10);
	barriers_applied(barriers, 10);
	assert_int_equal(late.count, 1);
	barriers_free(barriers);
}

static void a_round_that_fails_or_stays_away_is_asked_again(void **state)
{
	struct barriers *barriers = barriers_new();
	struct answer answer;
	wait_for_round(barriers, &answer, 100);
	barriers_begin(barriers, 1, 0);
	barriers_resolved(barriers, 1, ERR_NO_LEADER, 0);
	assert_true(barriers_want_round(barriers, 0));
	barriers_begin(barriers, 2, 5);
	barriers_review(barriers, 6, 4);
	assert_false(barriers_want_round(barriers, 0));
	barriers_review(barriers, 7, 5);
	assert_true(barriers_want_round(barriers, 0));
	barriers_begin(barriers, 3, 7);
	barriers_resolved(barriers, 2, ERR_OK, 1); /* it was given up */
	barriers_applied(barriers, 50);
	assert_int_equal(answer.count, 0);
	barriers_resolved(barriers, 3, ERR_OK, 50);
	barriers_applied(barriers, 50);
	assert_int_equal(answer.count, 1);
	barriers_free(barriers);
}

static void deadlines_hold_wherever_one_waits(void **state)
{
	struct barriers *barriers = barriers_new();
	struct answer fresh, asked, indexed;
	struct barriers_waiter waiter = {.deadline_ns = 10, .ready = answered, .argument = &indexed};
	indexed = (struct answer){0};
	wait_for_round(barriers, &asked, 20);
	barriers_begin(barriers, 1, 0);
	wait_for_round(barriers, &fresh, 30);
	assert_int_equal(barriers_add_at(barriers, &waiter, 1000), ERR_OK);
	assert_int_equal(barriers_review(barriers, 9, 0), 10);
	assert_int_equal(barriers_review(barriers, 10, 0), 20);
	assert_int_equal(indexed.err, ERR_TIMEOUT);
	assert_int_equal(barriers_review(barriers, 20, 0), 30);
	assert_int_equal(asked.err, ERR_TIMEOUT);
	assert_int_equal(barriers_review(barriers, 30, 0), UINT64_MAX);
	assert_int_equal(fresh.err, ERR_TIMEOUT);
	assert_int_equal(barriers_count(barriers), 0);
	barriers_free(barriers);
}

static void their_number_and_that_of_rounds_is_bounded(void **state)
{
	struct barriers *barriers = barriers_new();
	struct answer answer = {0};
	struct barriers_waiter waiter = {.deadline_ns = 10, .ready = answered, .argument = &answer};
	for (int i = 0; i < BARRIERS_WAITERS_MAX; i++)
		assert_int_equal(barriers_add(barriers, &waiter), ERR_OK);
	assert_int_equal(barriers_add(barriers, &waiter), ERR_BUSY);
	barriers_stop(barriers, ERR_STOPPED);
	assert_int_equal(answer.count, BARRIERS_WAITERS_MAX);
	assert_int_equal(barriers_add(barriers, &waiter), ERR_STOPPED);
	barriers_free(barriers);

	barriers = barriers_new();
	for (uint64_t i = 1; i <= BARRIERS_ROUNDS_MAX; i++) {
		assert_int_equal(barriers_add(barriers, &waiter), ERR_OK);
		assert_true(barriers_want_round(barriers, 0));
		barriers_begin(barriers, i, 0);
	}
	assert_int_equal(barriers_add(barriers, &waiter), ERR_OK);
	assert_false(barriers_want_round(barriers, 0));
	barriers_stop(barriers, ERR_STOPPED);
	barriers_free(barriers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_round_is_shared_by_those_who_came_before_it),
	    cmocka_unit_test(who_came_after_the_time_of_a_round_waits_for_the_next),
	    cmocka_unit_test(a_round_that_fails_or_stays_away_is_asked_again),
	    cmocka_unit_test(deadlines_hold_wherever_one_waits),
	    cmocka_unit_test(their_number_and_that_of_rounds_is_bounded),
	};
	return UNIT_RUN(tests);
}

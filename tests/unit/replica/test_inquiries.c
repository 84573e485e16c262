/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/inquiries.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#define MS CLOCK_NS_PER_MS
enum { DEADLINE_MS = 1000, PATIENCE_MS = 100 };

struct answer {
	int times;
	struct replica_lease_outcome outcome;
};

static struct inquiries *inquiries;
static struct answer answer;

static int setup(void **state)
{
	(void)state;
	inquiries = inquiries_new();
	answer = (struct answer){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	inquiries_stop(inquiries);
	inquiries_free(inquiries);
	return 0;
}

static void note(void *argument, const struct replica_lease_outcome *outcome)
{
	struct answer *noted = argument;
	noted->times++;
	noted->outcome = *outcome;
}

static void add(void)
{
	inquiries_add(inquiries, inquiry_new(REPLICA_LEASE_LOOK, -5, DEADLINE_MS * MS, note, &answer));
}

static uint64_t next(uint64_t now_ms)
{
	struct inquiry_try tries[INQUIRIES_TAKE_MAX];
	if (inquiries_next(inquiries, now_ms * MS, tries) == 0)
		return 0;
	assert_int_equal(tries[0].kind, REPLICA_LEASE_LOOK);
	assert_int_equal(tries[0].id, -5);
	return tries[0].number;
}

static void say(uint64_t number, enum err err, uint64_t now_ms)
{
	inquiries_answered(inquiries, number, &(struct replica_lease_outcome){.err = err, .ttl_s = 9}, now_ms * MS);
}

static uint64_t review(uint64_t now_ms)
{
	uint64_t since_ms = now_ms > PATIENCE_MS ? now_ms - PATIENCE_MS : 0;
	return inquiries_review(inquiries, now_ms * MS, since_ms * MS, ERR_NO_LEADER);
}

static void assert_answer(enum err err)
{
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, err);
	assert_int_equal(inquiries_count(inquiries), 0);
}

static void the_answer_ends_it(void **state)
{
	(void)state;
	add();
	uint64_t number = next(1);
	assert_int_not_equal(number, 0);
	assert_int_equal(next(1), 0);
	say(number + 1, ERR_OK, 2);
	assert_int_equal(answer.times, 0);
	say(number, ERR_OK, 2);
	assert_answer(ERR_OK);
	assert_int_equal(answer.outcome.ttl_s, 9);
	say(number, ERR_OK, 3);
	assert_answer(ERR_OK);
}

static void what_is_refused_for_now_is_asked_again_after_a_pause(void **state)
{
	(void)state;
	add();
	say(next(1), ERR_NOT_LEADER, 2);
	assert_int_equal(next(3), 0);
	assert_int_equal(review(3), (2 + INQUIRIES_PAUSE_MS) * MS);
	uint64_t number = next(2 + INQUIRIES_PAUSE_MS);
	assert_int_not_equal(number, 0);
	say(number, ERR_LEASE_NOT_FOUND, 30);
	assert_answer(ERR_LEASE_NOT_FOUND);
}

static void silence_and_another_leader_have_it_asked_again(void **state)
{
	(void)state;
	add();
	uint64_t number = next(1);
	review(50);
	assert_int_equal(next(50), 0);
	review(1 + PATIENCE_MS);
	assert_int_equal(next(1 + PATIENCE_MS), number);
	inquiries_leader_changed(inquiries);
	assert_int_equal(next(1 + PATIENCE_MS), number);
	say(number, ERR_OK, 200); /* to whichever try */
	assert_answer(ERR_OK);
}

static void its_deadline_ends_it(void **state)
{
	(void)state;
	add();
	uint64_t number = next(DEADLINE_MS - 1);
	assert_int_equal(review(DEADLINE_MS - 1), DEADLINE_MS * MS);
	assert_int_equal(answer.times, 0);
	assert_int_equal(review(DEADLINE_MS), UINT64_MAX);
	assert_answer(ERR_NO_LEADER);
	say(number, ERR_OK, DEADLINE_MS);
	assert_answer(ERR_NO_LEADER);
}

static void a_stop_answers_all(void **state)
{
	(void)state;
	add();
	inquiries_stop(inquiries);
	assert_answer(ERR_STOPPED);
	answer.times = 0;
	add();
	next(1);
	inquiries_stop(inquiries);
	assert_answer(ERR_STOPPED);
}

static void more_than_the_maximum_are_refused(void **state)
{
	(void)state;
	struct answer others = {0};
	for (int i = 0; i < INQUIRIES_MAX; i++)
		inquiries_add(inquiries, inquiry_new(REPLICA_LEASE_LOOK, 1, DEADLINE_MS * MS, note, &others));
	struct inquiry_try tries[INQUIRIES_TAKE_MAX];
	assert_int_equal(inquiries_next(inquiries, 1, tries), INQUIRIES_TAKE_MAX);
	add();
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, ERR_BUSY);
	inquiries_stop(inquiries);
	assert_int_equal(others.times, INQUIRIES_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_answer_ends_it),
	    TEST(what_is_refused_for_now_is_asked_again_after_a_pause),
	    TEST(silence_and_another_leader_have_it_asked_again),
	    TEST(its_deadline_ends_it),
	    TEST(a_stop_answers_all),
	    TEST(more_than_the_maximum_are_refused),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/asks.h"

#include <string.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

#define MS CLOCK_NS_PER_MS
enum { DEADLINE_MS = 1000, PATIENCE_MS = 100 };

struct answer {
	int times;
	struct replica_change_outcome outcome;
};

static struct asks *asks;
static struct answer answer;

static int setup(void **state)
{
	asks = asks_new();
	answer = (struct answer){0};
	return 0;
}

static int teardown(void **state)
{
	asks_stop(asks);
	asks_free(asks);
	return 0;
}

static void note(void *argument, const struct replica_change_outcome *outcome)
{
	struct answer *noted = argument;
	noted->times++;
	noted->outcome = *outcome;
	noted->outcome.why = "";
}

static void add(void)
{
	char url[] = "tcp://f:1";
	struct replica_change change = {.kind = REPLICA_ADD, .peer_urls = url};
	asks_add(asks, ask_new(&change, DEADLINE_MS * MS, note, &answer));
	url[0] = 'x'; /* it has its own */
}

static uint64_t next(uint64_t now_ms)
{
	struct asks_try try;
	if (!asks_next(asks, now_ms * MS, &try))
		return 0;
	assert_string_equal(try.change->peer_urls, "tcp://f:1");
	assert_string_equal(try.change->name, "");
	return try.attempt;
}

static void say(uint64_t attempt, enum err err, uint64_t now_ms)
{
	asks_answered(asks, attempt, &(struct replica_change_outcome){.err = err, .why = "", .id = 3}, now_ms * MS);
}

static void review(uint64_t now_ms)
{
	uint64_t since_ms = now_ms > PATIENCE_MS ? now_ms - PATIENCE_MS : 0;
	asks_review(asks, now_ms * MS, since_ms * MS, ERR_TIMEOUT);
}

static void assert_answer(enum err err)
{
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, err);
	assert_int_equal(asks_count(asks), 0);
}

static void the_answer_ends_it(void **state)
{
	add();
	uint64_t attempt = next(10);
	assert_int_not_equal(attempt, 0);
	assert_int_equal(next(10), 0);
	say(attempt, ERR_OK, 20);
	assert_answer(ERR_OK);
	assert_int_equal(answer.outcome.id, 3);
	say(attempt, ERR_OK, 30); /* once more: nobody waits any longer */
	assert_int_equal(answer.times, 1);
}

static void what_is_not_now_is_asked_again_after_a_pause(void **state)
{
	add();
	say(next(10), ERR_BUSY, 20);
	assert_int_equal(next(20 + ASKS_PAUSE_MS - 1), 0);
	assert_int_not_equal(next(20 + ASKS_PAUSE_MS), 0);
	assert_int_equal(answer.times, 0);
}

static void a_deadline_says_what_kept_it(void **state)
{
	add();
	say(next(10), ERR_BUSY, 20);
	review(DEADLINE_MS);
	assert_answer(ERR_BUSY);
}

static void what_was_never_asked_was_not_done(void **state)
{
	add();
	review(DEADLINE_MS - 1);
	assert_int_equal(answer.times, 0);
	review(DEADLINE_MS);
	assert_answer(ERR_TIMEOUT);
}

static void what_could_not_be_sent_was_not_done(void **state)
{
	add();
	asks_dropped(asks, next(10), 10 * MS);
	review(DEADLINE_MS);
	assert_answer(ERR_TIMEOUT);
}

static void silence_is_asked_again_and_leaves_a_doubt(void **state)
{
	add();
	uint64_t first = next(10);
	review(10 + PATIENCE_MS - 1);
	assert_int_equal(next(10 + PATIENCE_MS - 1), 0);
	review(10 + PATIENCE_MS);
	uint64_t second = next(10 + PATIENCE_MS);
	assert_int_not_equal(second, 0);
	assert_int_not_equal(second, first);
	say(second, ERR_BUSY, 200);
	review(DEADLINE_MS);
	assert_answer(ERR_UNKNOWN_OUTCOME); /* the first one may be done yet */
}

static void a_late_answer_counts_if_it_is_done_and_not_if_it_was_refused(void **state)
{
	add();
	uint64_t first = next(10);
	asks_leader_changed(asks);
	uint64_t second = next(20);
	assert_int_not_equal(second, 0);
	say(first, ERR_INVALID, 30); /* of a leader that is none any more */
	say(first, ERR_BUSY, 30);
	assert_int_equal(answer.times, 0);
	assert_int_equal(next(500), 0); /* the second is still under way */
	say(first, ERR_OK, 30);
	assert_answer(ERR_OK);
	say(second, ERR_OK, 40);
	assert_int_equal(answer.times, 1);
}

static void all_are_answered_at_the_end(void **state)
{
	struct answer other = {0};
	struct replica_change change = {.kind = REPLICA_REMOVE, .id = 3};
	add();
	assert_int_not_equal(next(10), 0);
	asks_add(asks, ask_new(&change, DEADLINE_MS * MS, note, &other));
	asks_stop(asks);
	assert_answer(ERR_UNKNOWN_OUTCOME);
	assert_int_equal(other.times, 1);
	assert_int_equal(other.outcome.err, ERR_STOPPED);
}

static void there_are_not_more_than_a_few(void **state)
{
	for (int i = 0; i < ASKS_MAX; i++)
		add();
	assert_int_equal(answer.times, 0);
	add();
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, ERR_BUSY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_answer_ends_it),
	    TEST(what_is_not_now_is_asked_again_after_a_pause),
	    TEST(a_deadline_says_what_kept_it),
	    TEST(what_was_never_asked_was_not_done),
	    TEST(what_could_not_be_sent_was_not_done),
	    TEST(silence_is_asked_again_and_leaves_a_doubt),
	    TEST(a_late_answer_counts_if_it_is_done_and_not_if_it_was_refused),
	    TEST(all_are_answered_at_the_end),
	    TEST(there_are_not_more_than_a_few),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/lessor.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "tests/unit/unit.h"

static struct lessor *lessor;
static uint64_t now_ms, index_now;
static struct lessor_step steps[LESSOR_STEPS_MAX];

static int setup(void **state)
{
	(void)state;
	lessor = lessor_new();
	now_ms = 1000000;
	lessor_begin(lessor, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lessor_free(lessor);
	return 0;
}

static uint64_t now_ns(void)
{
	return now_ms * CLOCK_NS_PER_MS;
}

static void add(int64_t id, int64_t ttl_s, int64_t left_ms)
{
	lessor_add(lessor, &(struct kv_lease){.id = id, .ttl_s = ttl_s, .left_ms = left_ms}, now_ns());
}

static void tell(enum kv_lease_event_type type, int64_t id, int64_t ttl_s, int64_t left_ms)
{
	const struct kv_lease_event event = {
	    .type = type, .index = ++index_now, .lease = {.id = id, .ttl_s = ttl_s, .left_ms = left_ms}};
	lessor_event(lessor, &event, now_ns());
}

static size_t next(void)
{
	return lessor_next(lessor, now_ns(), steps);
}

static enum lessor_answer keep(int64_t id)
{
	struct lessor_time time;
	return lessor_keep_alive(lessor, id, now_ns(), &time);
}

static int64_t left_ms(int64_t id)
{
	struct lessor_time time;
	assert_int_equal(lessor_look(lessor, id, now_ns(), &time), LESSOR_ALIVE);
	return time.left_ms;
}

/* Passes the time until something is due, or `ms`. */
static size_t pass(uint64_t ms)
{
	for (uint64_t end_ms = now_ms + ms; now_ms < end_ms; now_ms++) {
		size_t count = next();
		if (count != 0)
			return count;
	}
	return 0;
}

static void a_lease_ends_when_its_time_has_passed_and_not_before(void **state)
{
	(void)state;
	uint64_t began_ms = now_ms;
	add(5, 2, 2000);
	assert_int_equal(pass(1500), 1); /* a checkpoint */
	assert_false(steps[0].ends);
	assert_int_equal(steps[0].left_ms, 1000);
	tell(KV_LEASE_CHECKPOINTED, 5, 2, 1000);
	assert_int_equal(pass(1500), 1);
	assert_true(steps[0].ends);
	assert_int_equal(steps[0].id, 5);
	assert_int_equal(now_ms - began_ms, 2000);
	assert_int_equal(next(), 0); /* once */
	assert_int_equal(keep(5), LESSOR_LATER);
	assert_int_equal(left_ms(5), 0);
	tell(KV_LEASE_ENDED, 5, 0, 0);
	assert_int_equal(keep(5), LESSOR_GONE);
	assert_int_equal(lessor_wake_ns(lessor), UINT64_MAX);
}

static void there_is_never_a_lease_of_no_id(void **state)
{
	(void)state;
	struct lessor_time time;
	assert_int_equal(keep(0), LESSOR_GONE);
	assert_int_equal(lessor_look(lessor, 0, now_ns(), &time), LESSOR_GONE);
}

static void a_client_that_is_in_time_costs_nothing(void **state)
{
	(void)state;
	add(-7, 60, 60000);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(keep(-7), LESSOR_ALIVE);
		assert_int_equal(left_ms(-7), 60000);
		assert_int_equal(pass(20000), 0);
	}
	assert_int_equal(pass(20000), 1);
	assert_int_equal(steps[0].left_ms, 30000);
}

static void a_lease_with_a_checkpoint_is_kept_once_that_is_cleared(void **state)
{
	(void)state;
	add(5, 8, 8000);
	assert_int_equal(pass(1500), 1);
	assert_int_equal(steps[0].left_ms, 7000);
	/* One that is under way may be applied yet. */
	assert_int_equal(keep(5), LESSOR_LATER);
	assert_int_equal(next(), 0);
	tell(KV_LEASE_CHECKPOINTED, 5, 8, 7000);
	assert_int_equal(next(), 1);
	assert_false(steps[0].ends);
	assert_int_equal(steps[0].left_ms, 8000);
	assert_int_equal(keep(5), LESSOR_LATER);
	tell(KV_LEASE_CHECKPOINTED, 5, 8, 8000);
	assert_int_equal(keep(5), LESSOR_ALIVE);
	assert_int_equal(pass(3900), 0);
}

static void a_new_leader_gives_what_is_left_and_a_grace(void **state)
{
	(void)state;
	lessor_begin(lessor, 1000);
	add(5, 100, 1500);
	add(6, 3, 3000);
	assert_int_equal(left_ms(5), 2500);
	assert_int_equal(left_ms(6), 4000);
	tell(KV_LEASE_GRANTED, 7, 9, 9000);
	assert_int_equal(left_ms(7), 9000);
	add(7, 9, 1); /* known already */
	assert_int_equal(left_ms(7), 9000);
	assert_int_equal(lessor_count(lessor), 3);
}

static void what_is_refused_is_proposed_again(void **state)
{
	(void)state;
	add(5, 2, 0);
	add(6, 100, 50000);
	now_ms += 20000;
	assert_int_equal(next(), 2);
	lessor_refused(lessor, steps, 2);
	assert_int_equal(next(), 2);
	assert_int_equal(next(), 0);
	assert_true(steps[0].ends != steps[1].ends);
}

static void many_ends_come_some_at_a_time(void **state)
{
	(void)state;
	size_t ended = 0, most = 0;
	for (int64_t id = 1; id <= 3000; id++)
		add(id, 2, 0);
	add(5000, 100, 100000);
	assert_int_equal(keep(5000), LESSOR_ALIVE);
	uint64_t began_ms = now_ms;
	for (;;) {
		size_t count = next();
		most = count > most ? count : most;
		for (size_t i = 0; i < count; i++) {
			assert_true(steps[i].ends);
			tell(KV_LEASE_ENDED, steps[i].id, 0, 0);
		}
		ended += count;
		if (ended == 3000)
			break;
		uint64_t wake_ms = (lessor_wake_ns(lessor) + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
		now_ms = wake_ms > now_ms && wake_ms < now_ms + 100000 ? wake_ms : now_ms + 1;
	}
	assert_int_equal(most, LESSOR_ENDING_MAX);
	uint64_t least_ms = (3000 - LESSOR_ENDING_MAX) * 1000 / LESSOR_ENDS_PER_S;
	assert_in_range(now_ms - began_ms, least_ms, least_ms + 500);
	assert_int_equal(left_ms(5000), 100000 - (int64_t)(now_ms - began_ms));
}

static void ends_under_way_are_bounded(void **state)
{
	(void)state;
	size_t begun = 0;
	for (int64_t id = 1; id <= 200; id++)
		add(id, 2, 0);
	for (int i = 0; i < 1000; i++, now_ms += 10)
		begun += next();
	assert_int_equal(begun, LESSOR_ENDING_MAX);
	assert_int_equal(lessor_wake_ns(lessor), UINT64_MAX);
	tell(KV_LEASE_ENDED, 1, 0, 0);
	assert_int_equal(next(), 1);
	/* A checkpoint that somebody waits for is not held up. */
	tell(KV_LEASE_GRANTED, 1000, 100, 50000);
	assert_int_equal(keep(1000), LESSOR_LATER);
	assert_int_equal(lessor_wake_ns(lessor), 0);
	assert_int_equal(next(), 1);
	assert_int_equal(steps[0].id, 1000);
}

static void one_that_is_kept_before_its_end_is_begun_lives_on(void **state)
{
	(void)state;
	for (int64_t id = 1; id <= 100; id++)
		add(id, 2, id == 100 ? 2000 : 0);
	now_ms += 1;
	assert_int_equal(next(), LESSOR_ENDING_MAX);
	now_ms += 5000;
	assert_int_equal(left_ms(100), 0);
	assert_int_equal(keep(100), LESSOR_ALIVE);
	assert_int_equal(left_ms(100), 2000);
}

/* Against invariant 1, and that all is told in time: leases at random, kept or not, whose commands take a while. */
enum { MODEL_LEASES = 40, MODEL_ROUNDS = 40000, MODEL_DELAY_MS = 30 };

struct model {
	bool exists;
	int64_t ttl_ms, left_ms; /* as the state has it */
	uint64_t promised_ms;    /* it lives at least until then */
	uint64_t since_ms;       /* when it was granted, or kept last */
	bool busy;
	struct lessor_step step;
	uint64_t applied_ms;
};

static void model_apply(struct model *model, int64_t id)
{
	model->busy = false;
	if (model->step.ends) {
		assert_true(now_ms >= model->promised_ms);
		model->exists = false;
		tell(KV_LEASE_ENDED, id, 0, 0);
		return;
	}
	model->left_ms = model->step.left_ms;
	tell(KV_LEASE_CHECKPOINTED, id, model->ttl_ms / 1000, model->left_ms);
}

static void model_keep(struct model *model, int64_t id)
{
	enum lessor_answer answer = keep(id);
	assert_int_equal(answer == LESSOR_GONE, !model->exists);
	if (answer != LESSOR_ALIVE)
		return;
	/* Whoever leads next counts from what the state says: all of it. */
	assert_int_equal(model->left_ms, model->ttl_ms);
	assert_false(model->busy);
	model->promised_ms = now_ms + (uint64_t)model->ttl_ms;
	model->since_ms = now_ms;
}

static void no_lease_ends_early_nor_is_told_late(void **state)
{
	(void)state;
	struct model models[MODEL_LEASES + 1] = {0};
	struct random dice;
	random_init(&dice, 7);
	size_t ends = 0, kept_late = 0;
	for (int round = 0; round < MODEL_ROUNDS; round++, now_ms += random_below(&dice, 20)) {
		int64_t id = 1 + (int64_t)random_below(&dice, MODEL_LEASES);
		struct model *model = &models[id];
		if (!model->exists) {
			int64_t ttl_s = 2 + (int64_t)random_below(&dice, 20);
			*model = (struct model){.exists = true,
			                        .ttl_ms = ttl_s * 1000,
			                        .left_ms = ttl_s * 1000,
			                        .promised_ms = now_ms + (uint64_t)ttl_s * 1000,
			                        .since_ms = now_ms};
			tell(KV_LEASE_GRANTED, id, ttl_s, ttl_s * 1000);
		} else if (id % 2 == 0 && random_below(&dice, 8) == 0) {
			kept_late += model->left_ms != model->ttl_ms;
			model_keep(model, id);
		}
		size_t count = next();
		for (size_t i = 0; i < count; i++) {
			model = &models[steps[i].id];
			assert_true(model->exists && !model->busy);
			model->busy = true;
			model->step = steps[i];
			model->applied_ms = now_ms + random_below(&dice, MODEL_DELAY_MS);
			ends += steps[i].ends;
		}
		for (id = 1; id <= MODEL_LEASES; id++) {
			model = &models[id];
			if (model->busy && now_ms >= model->applied_ms)
				model_apply(model, id);
			/* What a leader that comes now would give it, beyond what it deserves. */
			uint64_t passed_ms = now_ms - model->since_ms;
			if (model->exists && id % 2 == 1)
				assert_true(model->left_ms <=
				            model->ttl_ms - (int64_t)passed_ms + model->ttl_ms / 8 + 1000 + 200);
		}
	}
	assert_true(ends > 100);
	assert_true(kept_late > 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_lease_ends_when_its_time_has_passed_and_not_before),
	    TEST(there_is_never_a_lease_of_no_id),
	    TEST(a_client_that_is_in_time_costs_nothing),
	    TEST(a_lease_with_a_checkpoint_is_kept_once_that_is_cleared),
	    TEST(a_new_leader_gives_what_is_left_and_a_grace),
	    TEST(what_is_refused_is_proposed_again),
	    TEST(many_ends_come_some_at_a_time),
	    TEST(ends_under_way_are_bounded),
	    TEST(one_that_is_kept_before_its_end_is_begun_lives_on),
	    TEST(no_lease_ends_early_nor_is_told_late),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/crew.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

enum { WANTS = 20000, POSTERS = 3, PATIENCE_S = 30 };

struct shift {
	struct crew *crew;
	atomic_int inside[CREW_DUTIES];
	atomic_uint wanted[CREW_DUTIES], seen[CREW_DUTIES], runs[CREW_DUTIES];
	atomic_bool crowded, hold;
};

static void shift_work(struct shift *shift, enum crew_duty duty)
{
	if (atomic_fetch_add(&shift->inside[duty], 1) != 0)
		atomic_store(&shift->crowded, true);
	crew_check(shift->crew, duty);
	atomic_store(&shift->seen[duty], atomic_load(&shift->wanted[duty]));
	atomic_fetch_add(&shift->runs[duty], 1);
	atomic_fetch_sub(&shift->inside[duty], 1);
}

static void work_log(void *argument)
{
	struct shift *shift = argument;
	while (atomic_load(&shift->hold))
		poll(NULL, 0, 1);
	shift_work(shift, CREW_LOG);
}

static void work_raft(void *argument)
{
	struct shift *shift = argument;
	shift_work(shift, CREW_RAFT);
	atomic_fetch_add(&shift->wanted[CREW_APPLY], 1);
	crew_want(shift->crew, CREW_APPLY); /* as the roles do, from within */
}

static void work_apply(void *argument)
{
	shift_work(argument, CREW_APPLY);
}

static void shift_begin(struct shift *shift)
{
	static const crew_work work[CREW_DUTIES] = {
	    [CREW_LOG] = work_log, [CREW_RAFT] = work_raft, [CREW_APPLY] = work_apply};
	*shift = (struct shift){.crew = crew_new(work, shift)};
	crew_start(shift->crew);
}

static void shift_end(struct shift *shift)
{
	crew_stop(shift->crew);
	crew_free(shift->crew);
	assert_false(atomic_load(&shift->crowded));
}

static void shift_want(struct shift *shift, enum crew_duty duty)
{
	atomic_fetch_add(&shift->wanted[duty], 1);
	crew_want(shift->crew, duty);
}

#define WAIT_FOR(condition)                                                                                            \
	for (uint64_t deadline_ns = clock_steady_ns() + PATIENCE_S * CLOCK_NS_PER_S; !(condition);) {                  \
		assert_true(clock_steady_ns() < deadline_ns);                                                          \
		poll(NULL, 0, 1);                                                                                      \
	}

static void *post(void *argument)
{
	for (int i = 0; i < WANTS; i++)
		shift_want(argument, i % 2 != 0 ? CREW_RAFT : CREW_LOG);
	return NULL;
}

static void no_wish_is_lost_and_no_duty_done_twice_at_a_time(void **state)
{
	struct shift shift;
	pthread_t threads[POSTERS];
	shift_begin(&shift);
	for (int i = 0; i < POSTERS; i++)
		pthread_create(&threads[i], NULL, post, &shift);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	for (enum crew_duty duty = 0; duty < CREW_DUTIES; duty++)
		WAIT_FOR(atomic_load(&shift.seen[duty]) == atomic_load(&shift.wanted[duty]));
	shift_end(&shift);
}

static void single_wishes_wake_a_sleeping_crew(void **state)
{
	struct shift shift;
	shift_begin(&shift);
	for (unsigned i = 1; i <= 200; i++) {
		shift_want(&shift, CREW_RAFT);
		WAIT_FOR(atomic_load(&shift.seen[CREW_RAFT]) == i && atomic_load(&shift.seen[CREW_APPLY]) == i);
	}
	shift_end(&shift);
}

static void a_blocked_duty_keeps_no_other_from_being_done(void **state)
{
	struct shift shift;
	shift_begin(&shift);
	atomic_store(&shift.hold, true);
	shift_want(&shift, CREW_LOG);
	for (unsigned i = 1; i <= 20; i++) {
		shift_want(&shift, CREW_RAFT);
		WAIT_FOR(atomic_load(&shift.seen[CREW_APPLY]) == i);
	}
	assert_int_equal(atomic_load(&shift.runs[CREW_LOG]), 0);
	atomic_store(&shift.hold, false);
	WAIT_FOR(atomic_load(&shift.runs[CREW_LOG]) == 1);
	shift_end(&shift);
}

static void the_raft_duty_is_done_when_its_time_comes(void **state)
{
	struct shift shift;
	shift_begin(&shift);
	uint64_t at_ns = clock_steady_ns() + 30 * CLOCK_NS_PER_MS;
	crew_wake_at(shift.crew, at_ns);
	shift_want(&shift, CREW_LOG); /* somebody looks at the time again */
	WAIT_FOR(atomic_load(&shift.runs[CREW_RAFT]) != 0);
	assert_true(clock_steady_ns() >= at_ns);
	shift_end(&shift);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_wish_is_lost_and_no_duty_done_twice_at_a_time),
	    cmocka_unit_test(single_wishes_wake_a_sleeping_crew),
	    cmocka_unit_test(a_blocked_duty_keeps_no_other_from_being_done),
	    cmocka_unit_test(the_raft_duty_is_done_when_its_time_comes),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/memory.h"
#include "fs/step_queue.h"

enum { DIR_A = 10, DIR_B = 20, FILE_X = 100, FILE_Y = 101 };

static struct step *step_new(enum helper_kind kind, uint64_t directory, const char *name, uint64_t object)
{
	struct step *step = memory_new(sizeof *step);
	step->kind = kind;
	step->at = (struct step_place){.directory_id = directory, .name = memory_dup_string(name)};
	step->object.id = object;
	return step;
}

static struct step *rename_new(uint64_t from, const char *name, uint64_t to, const char *new_name, uint64_t object,
                               uint64_t other)
{
	struct step *step = step_new(HELPER_RENAME, from, name, object);
	step->to = (struct step_place){.directory_id = to, .name = memory_dup_string(new_name)};
	step->other.id = other;
	return step;
}

static void step_drop(struct step *step)
{
	free(step->at.name);
	free(step->to.name);
	free(step);
}

static void push(struct step_queue *queue, struct step *step)
{
	assert_int_equal(step_queue_push(queue, step), STEP_ADDED);
}

/* Takes the next, which must be at this name, and does it. */
static void take(struct step_queue *queue, uint64_t directory, const char *name)
{
	struct step *step = step_queue_take(queue);
	assert_non_null(step);
	assert_int_equal(step->at.directory_id, directory);
	assert_string_equal(step->at.name, name);
	step_queue_done(queue, step);
	step_drop(step);
}

static void steps_run_in_the_order_of_their_changes(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	push(&queue, step_new(HELPER_CREATE, DIR_A, "one", FILE_X));
	push(&queue, step_new(HELPER_CREATE, DIR_B, "two", FILE_Y));
	push(&queue, step_new(HELPER_REMOVE, DIR_A, "one", FILE_X));
	take(&queue, DIR_A, "one");
	take(&queue, DIR_B, "two");
	take(&queue, DIR_A, "one");
	assert_null(step_queue_take(&queue));
	step_queue_fini(&queue);
}

static void a_parked_directory_waits_and_others_go_on(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	push(&queue, step_new(HELPER_CREATE, DIR_A, "one", FILE_X));
	push(&queue, step_new(HELPER_CREATE, DIR_B, "two", FILE_Y));
	step_queue_park(&queue, DIR_A);
	take(&queue, DIR_B, "two");
	assert_null(step_queue_take(&queue));
	step_queue_unpark(&queue, DIR_A);
	take(&queue, DIR_A, "one");
	step_queue_fini(&queue);
}

static void a_rename_waits_for_both_and_holds_back_what_follows_in_both(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	push(&queue, rename_new(DIR_A, "one", DIR_B, "two", FILE_X, 0));
	push(&queue, step_new(HELPER_CONTENT, DIR_A, "three", FILE_Y));
	push(&queue, step_new(HELPER_CONTENT, DIR_B, "two", FILE_X));
	step_queue_park(&queue, DIR_B);
	assert_null(step_queue_take(&queue));
	step_queue_unpark(&queue, DIR_B);
	take(&queue, DIR_A, "one");
	take(&queue, DIR_A, "three");
	take(&queue, DIR_B, "two");
	step_queue_fini(&queue);
}

static void a_stream_of_local_calls_does_not_park_a_step_for_ever(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	push(&queue, step_new(HELPER_CREATE, DIR_A, "one", FILE_X));
	step_queue_park(&queue, DIR_A);
	assert_null(step_queue_take(&queue));
	step_queue_park(&queue, DIR_A); /* the next begins before the first has ended */
	step_queue_unpark(&queue, DIR_A);
	take(&queue, DIR_A, "one");
	step_queue_unpark(&queue, DIR_A);
	step_queue_fini(&queue);
}

static void equal_steps_that_wait_become_one(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	push(&queue, step_new(HELPER_CONTENT, DIR_A, "one", FILE_X));
	struct step *again = step_new(HELPER_CONTENT, DIR_A, "one", FILE_X);
	assert_int_equal(step_queue_push(&queue, again), STEP_COALESCED);
	step_drop(again);
	push(&queue, step_new(HELPER_ATTR, DIR_A, "one", FILE_X));
	push(&queue, step_new(HELPER_CONTENT, DIR_A, "one", FILE_X)); /* not next to the other: an order is kept */
	push(&queue, step_new(HELPER_CONTENT, DIR_A, "one", FILE_Y)); /* of another object */
	for (int count = 0; count < 4; count++)
		take(&queue, DIR_A, "one");
	step_queue_fini(&queue);
}

static void a_step_that_runs_takes_no_other_in(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	push(&queue, step_new(HELPER_CONTENT, DIR_A, "one", FILE_X));
	struct step *running = step_queue_take(&queue);
	push(&queue, step_new(HELPER_CONTENT, DIR_A, "one", FILE_X));
	assert_true(step_queue_is_pending(&queue, DIR_A, "one"));
	step_queue_done(&queue, running);
	step_drop(running);
	assert_true(step_queue_is_pending(&queue, DIR_A, "one"));
	take(&queue, DIR_A, "one");
	assert_false(step_queue_is_pending(&queue, DIR_A, "one"));
	step_queue_fini(&queue);
}

static void a_link_counts_until_its_removal_is_replayed(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	push(&queue, step_new(HELPER_REMOVE, DIR_A, "one", FILE_X));
	push(&queue, rename_new(DIR_A, "temporary", DIR_A, "two", FILE_Y, FILE_X));
	assert_int_equal(step_queue_links(&queue, FILE_X), 2);
	assert_int_equal(step_queue_links(&queue, FILE_Y), 0);
	struct step *step = step_queue_take(&queue);
	assert_int_equal(step_queue_links(&queue, FILE_X), 2);
	step_queue_unlinked(&queue, step);
	assert_int_equal(step_queue_links(&queue, FILE_X), 1);
	step_queue_done(&queue, step);
	step_drop(step);
	assert_int_equal(step_queue_links(&queue, FILE_X), 1);
	take(&queue, DIR_A, "temporary");
	assert_int_equal(step_queue_links(&queue, FILE_X), 0);
	step_queue_fini(&queue);
}

static void drop_all(struct step *first)
{
	while (first != NULL) {
		struct step *next = first->next;
		step_drop(first);
		first = next;
	}
}

static void a_full_queue_keeps_one_step_for_each_name(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	queue.count_max = 4;
	push(&queue, step_new(HELPER_CREATE, DIR_A, "new", FILE_Y));
	push(&queue, step_new(HELPER_CONTENT, DIR_A, "old", FILE_X));
	push(&queue, rename_new(DIR_A, "new", DIR_B, "place", FILE_Y, 7));
	push(&queue, step_new(HELPER_REMOVE, DIR_A, "old", FILE_X));
	struct step *more = step_new(HELPER_ATTR, DIR_B, "place", FILE_Y);
	assert_int_equal(step_queue_push(&queue, more), STEP_FULL);
	drop_all(step_queue_collapse(&queue));
	assert_int_equal(queue.count, 3);
	assert_int_equal(step_queue_push(&queue, more), STEP_COALESCED); /* what is there then is told anyway */
	step_drop(more);

	static const struct {
		uint64_t directory;
		const char *name;
		uint64_t object;
	} expected[] = {{DIR_A, "new", 0}, {DIR_A, "old", FILE_X}, {DIR_B, "place", 7}};
	for (size_t at = 0; at < 3; at++) {
		struct step *step = step_queue_take(&queue);
		assert_true(step->is_refresh);
		assert_int_equal(step->at.directory_id, expected[at].directory);
		assert_string_equal(step->at.name, expected[at].name);
		assert_int_equal(step->object.id, expected[at].object);
		step_queue_done(&queue, step);
		step_drop(step);
	}
	assert_int_equal(step_queue_links(&queue, FILE_X), 0);
	step_queue_fini(&queue);
}

static void a_rename_out_of_a_collapsed_name_is_kept(void **state)
{
	struct step_queue queue;
	step_queue_init(&queue);
	queue.count_max = 2;
	push(&queue, step_new(HELPER_CONTENT, DIR_A, "old", FILE_X));
	drop_all(step_queue_collapse(&queue));
	push(&queue, rename_new(DIR_A, "old", DIR_B, "place", FILE_X, 0));
	take(&queue, DIR_A, "old");
	take(&queue, DIR_A, "old");
	step_queue_fini(&queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steps_run_in_the_order_of_their_changes),
	    cmocka_unit_test(a_parked_directory_waits_and_others_go_on),
	    cmocka_unit_test(a_rename_waits_for_both_and_holds_back_what_follows_in_both),
	    cmocka_unit_test(a_stream_of_local_calls_does_not_park_a_step_for_ever),
	    cmocka_unit_test(equal_steps_that_wait_become_one),
	    cmocka_unit_test(a_step_that_runs_takes_no_other_in),
	    cmocka_unit_test(a_link_counts_until_its_removal_is_replayed),
	    cmocka_unit_test(a_full_queue_keeps_one_step_for_each_name),
	    cmocka_unit_test(a_rename_out_of_a_collapsed_name_is_kept),
	};
	return UNIT_RUN(tests);
}

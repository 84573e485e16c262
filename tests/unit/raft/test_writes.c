/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/writes.h"

#include "tests/unit/unit.h"

static void a_write_makes_durable_what_it_ended_with(void **state)
{
	struct raft_writes writes;
	raft_writes_init(&writes, 3);
	uint64_t first = raft_writes_begin(&writes, 5), second = raft_writes_begin(&writes, 8);
	assert_int_equal(writes.durable, 3);
	raft_writes_complete(&writes, first);
	assert_int_equal(writes.durable, 5);
	raft_writes_complete(&writes, second);
	assert_int_equal(writes.durable, 8);
	raft_writes_fini(&writes);
}

static void one_completion_tells_of_all_before_it(void **state)
{
	struct raft_writes writes;
	raft_writes_init(&writes, 0);
	raft_writes_begin(&writes, 1);
	raft_writes_begin(&writes, 2);
	raft_writes_complete(&writes, raft_writes_begin(&writes, 3));
	assert_int_equal(writes.durable, 3);
	assert_int_equal(writes.done, 3);
	raft_writes_fini(&writes);
}

/* Entries 4 … 8 are under way; 6 on are cut and replaced up to 9 before either write completes. */
static void a_write_says_nothing_of_what_replaced_its_entries(void **state)
{
	struct raft_writes writes;
	raft_writes_init(&writes, 3);
	uint64_t before = raft_writes_begin(&writes, 8);
	raft_writes_truncate(&writes, 6);
	uint64_t after = raft_writes_begin(&writes, 9);
	raft_writes_complete(&writes, before);
	assert_int_equal(writes.durable, 5);
	raft_writes_complete(&writes, after);
	assert_int_equal(writes.durable, 9);
	raft_writes_truncate(&writes, 7);
	assert_int_equal(writes.durable, 6);
	raft_writes_fini(&writes);
}

static void the_covering_write_is_the_first_that_suffices(void **state)
{
	struct raft_writes writes;
	raft_writes_init(&writes, 3);
	uint64_t first = raft_writes_begin(&writes, 5), second = raft_writes_begin(&writes, 7);
	assert_int_equal(raft_writes_covering(&writes, 3), 0);
	assert_int_equal(raft_writes_covering(&writes, 4), first);
	assert_int_equal(raft_writes_covering(&writes, 6), second);
	raft_writes_truncate(&writes, 5);
	uint64_t third = raft_writes_begin(&writes, 6);
	assert_int_equal(raft_writes_covering(&writes, 4), first);
	assert_int_equal(raft_writes_covering(&writes, 5), third);
	raft_writes_fini(&writes);
}

static void unknown_ids_are_passed_over(void **state)
{
	struct raft_writes writes;
	raft_writes_init(&writes, 0);
	uint64_t first = raft_writes_begin(&writes, 1);
	raft_writes_complete(&writes, first + 1);
	assert_int_equal(writes.durable, 0);
	raft_writes_complete(&writes, first);
	raft_writes_complete(&writes, first);
	assert_int_equal(writes.durable, 1);
	raft_writes_fini(&writes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_write_makes_durable_what_it_ended_with),
	    cmocka_unit_test(one_completion_tells_of_all_before_it),
	    cmocka_unit_test(a_write_says_nothing_of_what_replaced_its_entries),
	    cmocka_unit_test(the_covering_write_is_the_first_that_suffices),
	    cmocka_unit_test(unknown_ids_are_passed_over),
	};
	return UNIT_RUN(tests);
}

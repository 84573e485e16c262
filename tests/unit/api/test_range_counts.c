/* SPDX-License-Identifier: Apache-2.0 */
#include "api/range_counts.h"

#include "tests/unit/unit.h"

#define B(literal) BYTES_LITERAL(literal)

static void what_was_noted_is_found_by_all_of_its_name(void **state)
{
	struct range_counts *counts = range_counts_new();
	assert_int_equal(range_counts_find(counts, B("a"), B("c"), 7), 0);
	range_counts_note(counts, B("a"), B("c"), 7, 100);
	range_counts_note(counts, B("a"), B("c"), 8, 101);
	range_counts_note(counts, B("a"), B("c"), 7, 100);
	assert_int_equal(range_counts_find(counts, B("a"), B("c"), 7), 100);
	assert_int_equal(range_counts_find(counts, B("a"), B("c"), 8), 101);
	assert_int_equal(range_counts_find(counts, B("a"), B("c"), 9), 0);
	assert_int_equal(range_counts_find(counts, B("ac"), B(""), 7), 0);
	assert_int_equal(range_counts_find(counts, B("a"), B("d"), 7), 0);
	range_counts_free(counts);
}

static void the_oldest_is_forgotten(void **state)
{
	struct range_counts *counts = range_counts_new();
	for (int64_t revision = 1; revision <= RANGE_COUNTS_MAX + 1; revision++)
		range_counts_note(counts, B("a"), B("c"), revision, 100);
	assert_int_equal(range_counts_find(counts, B("a"), B("c"), 1), 0);
	assert_int_equal(range_counts_find(counts, B("a"), B("c"), 2), 100);
	assert_int_equal(range_counts_find(counts, B("a"), B("c"), RANGE_COUNTS_MAX + 1), 100);
	range_counts_free(counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_noted_is_found_by_all_of_its_name),
	    cmocka_unit_test(the_oldest_is_forgotten),
	};
	return UNIT_RUN(tests);
}

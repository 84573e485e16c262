/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/standing.h"

#include "tests/unit/unit.h"

/* So many initial members, of which these have answered. */
static bool confirmed(size_t members, size_t old, size_t fresh)
{
	struct standing standing = {0};
	for (size_t i = 0; i < old + fresh; i++)
		standing_answered(&standing, 100 + i, i >= old);
	return standing_is_confirmed(&standing, members);
}

static void a_new_cluster_begins_with_a_majority(void **state)
{
	assert_true(confirmed(1, 0, 0));
	assert_false(confirmed(2, 0, 0));
	assert_true(confirmed(2, 0, 1));
	assert_false(confirmed(3, 0, 0));
	assert_true(confirmed(3, 0, 1));
	assert_false(confirmed(5, 0, 1));
	assert_true(confirmed(5, 0, 2));
	assert_false(confirmed(4, 0, 1));
	assert_true(confirmed(4, 0, 2));
}

/* A majority without the one that starts is of m others; all of those that it may have been a majority with know of it. */
static void one_that_comes_late_is_confirmed_by_so_many_that_one_of_them_would_know(void **state)
{
	for (size_t members = 2; members <= 9; members++) {
		size_t accomplices = members / 2; /* with whom it may have been a majority */
		for (size_t answers = 0; answers < members; answers++) {
			bool one_would_know = answers + accomplices > members - 1;
			assert_int_equal(confirmed(members, answers, 0), one_would_know);
		}
	}
}

static void an_answer_counts_once_and_as_the_newest_says(void **state)
{
	struct standing standing = {0};
	standing_answered(&standing, 7, true);
	standing_answered(&standing, 7, true);
	assert_int_equal(standing.count, 1);
	assert_false(standing_is_confirmed(&standing, 5));
	assert_true(standing_is_confirmed(&standing, 3));
	standing_answered(&standing, 7, false);
	assert_false(standing_is_confirmed(&standing, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_new_cluster_begins_with_a_majority),
	    cmocka_unit_test(one_that_comes_late_is_confirmed_by_so_many_that_one_of_them_would_know),
	    cmocka_unit_test(an_answer_counts_once_and_as_the_newest_says),
	};
	return UNIT_RUN(tests);
}

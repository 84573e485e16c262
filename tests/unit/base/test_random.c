/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "tests/unit/unit.h"

static void a_seed_gives_the_same_numbers_again(void **state)
{
	struct random one, two;
	random_init(&one, 42);
	random_init(&two, 42);
	for (int i = 0; i < 100; i++)
		assert_true(random_next(&one) == random_next(&two));
}

static void numbers_stay_below_the_bound_and_reach_all_of_it(void **state)
{
	struct random random;
	random_init(&random, 1);
	int seen[7] = {0};
	for (int i = 0; i < 1000; i++)
		seen[random_below(&random, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_true(seen[i] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_seed_gives_the_same_numbers_again),
	    cmocka_unit_test(numbers_stay_below_the_bound_and_reach_all_of_it),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checker/cache.h"

#include "tests/unit/unit.h"

enum { LOOSE = 70, COUNT = 400, HASH = 7 };

static void add(struct cache_set *set, size_t number)
{
	cache_set_add(set, cache_set_bit(LOOSE, number));
}

static void drop(struct cache_set *set, size_t number)
{
	cache_set_remove(set, cache_set_bit(LOOSE, number));
}

/* All have one hash, and nothing is taken for another. */
static void a_hash_is_no_proof(void **state)
{
	struct cache cache;
	struct cache_set set;
	cache_init(&cache);
	cache_set_init(&set, LOOSE, COUNT);
	assert_true(cache_add(&cache, &set, 1, HASH));
	assert_true(cache_add(&cache, &set, 2, HASH));
	for (size_t number = 0; number < COUNT; number++) {
		add(&set, number);
		assert_true(cache_add(&cache, &set, 1, HASH));
		drop(&set, number);
		assert_false(cache_add(&cache, &set, 1, HASH));
	}
	cache_set_fini(&set);
	cache_fini(&cache);
}

/* The words that are all ones in front, and those that are all zeros behind, are not kept. */
static void a_set_is_itself_by_whatever_way_it_came_about(void **state)
{
	struct cache cache;
	struct cache_set set;
	cache_init(&cache);
	cache_set_init(&set, LOOSE, COUNT);
	for (size_t number = LOOSE; number < LOOSE + 200; number++) {
		add(&set, number);
		assert_true(cache_add(&cache, &set, 1, HASH));
	}
	for (size_t number = LOOSE + 200; number-- > LOOSE;) {
		assert_false(cache_add(&cache, &set, 1, HASH));
		drop(&set, number);
	}
	assert_true(cache_add(&cache, &set, 1, HASH));
	add(&set, 3);
	assert_true(cache_add(&cache, &set, 1, HASH));
	cache_set_fini(&set);
	cache_fini(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hash_is_no_proof),
	    cmocka_unit_test(a_set_is_itself_by_whatever_way_it_came_about),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/random.h"
#include "tests/unit/unit.h"

enum { KEYS = 500, STEPS = 50000 };

/* Against an array as the model: few keys, so that runs collide and removals shift them. */
static void a_map_agrees_with_its_model(void **state)
{
	static int values[KEYS];
	void *model[KEYS] = {0};
	struct map map;
	struct random random;
	map_init(&map);
	random_init(&random, 7);
	for (int step = 0; step < STEPS; step++) {
		size_t key = random_below(&random, KEYS);
		assert_ptr_equal(map_find(&map, key + 1), model[key]);
		if (random_below(&random, 2) == 0) {
			map_set(&map, key + 1, &values[key]);
			model[key] = &values[key];
		} else {
			assert_ptr_equal(map_remove(&map, key + 1), model[key]);
			model[key] = NULL;
		}
	}
	size_t expected = 0, seen = 0;
	for (size_t i = 0; i < KEYS; i++)
		expected += model[i] != NULL;
	uint64_t key;
	void *value;
	for (size_t at = 0; map_next(&map, &at, &key, &value); seen++)
		assert_ptr_equal(model[key - 1], value);
	assert_int_equal(seen, expected);
	assert_int_equal(map.count, expected);
	map_fini(&map);
}

static void an_empty_map_has_nothing(void **state)
{
	struct map map;
	map_init(&map);
	assert_null(map_find(&map, 1));
	assert_null(map_remove(&map, 1));
	map_fini(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_map_agrees_with_its_model),
	    cmocka_unit_test(an_empty_map_has_nothing),
	};
	return UNIT_RUN(tests);
}

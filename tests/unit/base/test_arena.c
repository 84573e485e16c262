/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdio.h>

#include "tests/unit/unit.h"

static void memory_is_aligned_and_distinct(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	uint8_t *first = arena_take(&arena, 1), *second = arena_take(&arena, 1);
	assert_int_equal((uintptr_t)first % _Alignof(max_align_t), 0);
	assert_int_equal((uintptr_t)second % _Alignof(max_align_t), 0);
	assert_ptr_not_equal(first, second);
}

static void a_block_larger_than_the_usual_one_fits(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	uint8_t *large = arena_zero(&arena, 1 << 20, 1);
	assert_int_equal(large[(1 << 20) - 1], 0);
	assert_true(arena_size_bytes(&arena) >= 1 << 20);
}

static void copies_keep_their_bytes_over_growth(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes copies[1000];
	for (int i = 0; i < 1000; i++) {
		char text[32];
		copies[i] = arena_dup(&arena, bytes_of(text, (size_t)snprintf(text, sizeof text, "text %d", i)));
	}
	assert_true(bytes_equal(copies[0], BYTES_LITERAL("text 0")));
	assert_true(bytes_equal(copies[999], BYTES_LITERAL("text 999")));
}

static void reset_keeps_one_block(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	for (int i = 0; i < 100; i++)
		arena_take(&arena, 1000);
	size_t before = arena_size_bytes(&arena);
	arena_reset(&arena);
	assert_true(arena_size_bytes(&arena) < before);
	assert_true(arena_size_bytes(&arena) > 0);
	assert_string_equal(arena_format(&arena, "%s-%d", "a", 7), "a-7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_is_aligned_and_distinct),
	    cmocka_unit_test(a_block_larger_than_the_usual_one_fits),
	    cmocka_unit_test(copies_keep_their_bytes_over_growth),
	    cmocka_unit_test(reset_keeps_one_block),
	};
	return UNIT_RUN(tests);
}

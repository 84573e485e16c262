/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

static void an_array_grows_without_a_word_of_its_size(void **state)
{
	struct arena arena;
	arena_init(&arena);
	size_t *items = NULL, moves = 0;
	for (size_t count = 0; count < 1000; count++) {
		size_t *more = arena_more(&arena, items, count, sizeof *items);
		moves += more != items;
		items = more;
		items[count] = count;
	}
	for (size_t at = 0; at < 1000; at++)
		assert_int_equal(items[at], at);
	assert_int_equal(moves, 8); /* 8, 16, ... 1024 */
	arena_fini(&arena);
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

static void a_block_is_kept_for_the_next_arena(void **state)
{
	struct arena arena;
	arena_init(&arena);
	void *first = arena_take(&arena, 100);
	arena_fini(&arena);
#if defined(__SANITIZE_ADDRESS__) /* then each block has its own end */
	(void)first;
#else
	assert_ptr_equal(arena_take(&arena, 200), first);
	arena_fini(&arena);
#endif
}

/* More than are kept; and then all of them again. */
static void *use_many(void *argument)
{
	enum { ARENAS = 1000, BYTES = 3000 };
	struct arena arenas[ARENAS];
	for (int turn = 0; turn < 2; turn++) {
		uint8_t *taken[ARENAS];
		for (int i = 0; i < ARENAS; i++) {
			arena_init(&arenas[i]);
			taken[i] = memset(arena_take(&arenas[i], BYTES), i % 251, BYTES);
		}
		for (int i = 0; i < ARENAS; i++) {
			assert_int_equal(taken[i][0], i % 251);
			assert_int_equal(taken[i][BYTES - 1], i % 251);
			arena_fini(&arenas[i]);
		}
	}
	return NULL;
}

static void blocks_of_arenas_that_end_together_are_apart(void **state)
{
	pthread_t thread;
	use_many(NULL);
	assert_int_equal(pthread_create(&thread, NULL, use_many, NULL), 0); /* its own are freed with it */
	assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_is_aligned_and_distinct),
	    cmocka_unit_test(a_block_larger_than_the_usual_one_fits),
	    cmocka_unit_test(copies_keep_their_bytes_over_growth),
	    cmocka_unit_test(an_array_grows_without_a_word_of_its_size),
	    cmocka_unit_test(reset_keeps_one_block),
	    cmocka_unit_test(a_block_is_kept_for_the_next_arena),
	    cmocka_unit_test(blocks_of_arenas_that_end_together_are_apart),
	};
	return UNIT_RUN(tests);
}

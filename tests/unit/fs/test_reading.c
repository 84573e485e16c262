/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/reading.h"

#include "tests/unit/unit.h"

struct world {
	struct reading reading;
	struct arena arena;
};

static struct world world;

static int setup(void **state)
{
	reading_init(&world.reading);
	arena_init(&world.arena);
	return 0;
}

static int teardown(void **state)
{
	reading_fini(&world.reading);
	arena_fini(&world.arena);
	return 0;
}

static void assert_continues(size_t offset, const char *expected)
{
	struct bytes data = {0};
	assert_true(reading_continue(&world.reading, offset, 4, &world.arena, &data));
	assert_int_equal(data.size, strlen(expected));
	assert_true(data.size == 0 || memcmp(data.data, expected, data.size) == 0);
}

static void assert_looks_again(size_t offset)
{
	struct bytes data = {0};
	assert_false(reading_continue(&world.reading, offset, 4, &world.arena, &data));
}

static void it_goes_on_in_the_content_that_it_began_with(void **state)
{
	reading_begin(&world.reading, BYTES_LITERAL("0123456789"), 4);
	assert_continues(4, "4567");
	assert_continues(8, "89");
	assert_continues(10, "");
}

static void after_the_end_was_told_it_sees_what_is_there_now(void **state)
{
	reading_begin(&world.reading, BYTES_LITERAL("0123"), 4);
	assert_continues(4, "");
	assert_looks_again(4);
}

static void elsewhere_and_at_the_start_it_sees_what_is_there_now(void **state)
{
	reading_begin(&world.reading, BYTES_LITERAL("0123456789"), 4);
	assert_looks_again(0);
	reading_begin(&world.reading, BYTES_LITERAL("0123456789"), 4);
	assert_looks_again(6);
	assert_looks_again(4); /* it went elsewhere meanwhile */
}

static void an_empty_file_has_nothing_to_go_on_in(void **state)
{
	reading_begin(&world.reading, BYTES_NONE, 0);
	assert_looks_again(0);
}

static void what_is_large_is_not_kept(void **state)
{
	size_t size = READING_BYTES_MAX + 1;
	reading_begin(&world.reading, bytes_of(arena_zero(&world.arena, size, 1), size), 4);
	assert_looks_again(4);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(it_goes_on_in_the_content_that_it_began_with),
	    CASE(after_the_end_was_told_it_sees_what_is_there_now),
	    CASE(elsewhere_and_at_the_start_it_sees_what_is_there_now),
	    CASE(an_empty_file_has_nothing_to_go_on_in),
	    CASE(what_is_large_is_not_kept),
	};
	return UNIT_RUN(tests);
}

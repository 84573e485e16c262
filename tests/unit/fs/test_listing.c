/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "fs/listing.h"

static void a_number_goes_on_meaning_its_child(void **state)
{
	struct listing listing;
	listing_init(&listing);
	size_t a = listing_number(&listing, LISTING_DOT_DOT, BYTES_LITERAL("a"), false);
	size_t b = listing_number(&listing, a, BYTES_LITERAL("b"), true);
	size_t c = listing_number(&listing, b, BYTES_LITERAL("c"), false);
	assert_int_equal(a, LISTING_FIRST);
	/* when it is read again from `a`, and "b" is gone */
	size_t again = listing_number(&listing, a, BYTES_LITERAL("c"), false);
	struct bytes segment;
	bool is_directory;
	assert_true(again != b && again != c);
	assert_true(listing_child(&listing, b, &segment, &is_directory));
	assert_true(bytes_equal(segment, BYTES_LITERAL("b")) && is_directory);
	assert_true(listing_child(&listing, again, &segment, &is_directory));
	assert_true(bytes_equal(segment, BYTES_LITERAL("c")) && !is_directory);
	listing_fini(&listing);
}

static void reading_again_gives_the_same_numbers(void **state)
{
	struct listing listing;
	listing_init(&listing);
	size_t a = listing_number(&listing, LISTING_DOT_DOT, BYTES_LITERAL("a"), false);
	size_t b = listing_number(&listing, a, BYTES_LITERAL("b"), false);
	assert_int_equal(listing_number(&listing, LISTING_DOT_DOT, BYTES_LITERAL("a"), false), a);
	assert_int_equal(listing_number(&listing, a, BYTES_LITERAL("b"), false), b);
	assert_int_equal(listing.count, 2);
	listing_fini(&listing);
}

static void a_file_and_a_directory_of_one_segment_are_two(void **state)
{
	struct listing listing;
	listing_init(&listing);
	size_t file = listing_number(&listing, LISTING_DOT_DOT, BYTES_LITERAL("k"), false);
	size_t directory = listing_number(&listing, file, BYTES_LITERAL("k"), true);
	assert_true(file != directory);
	listing_fini(&listing);
}

static void what_was_never_given_is_refused(void **state)
{
	struct listing listing;
	listing_init(&listing);
	struct bytes segment;
	bool is_directory;
	assert_false(listing_child(&listing, LISTING_DOT, &segment, &is_directory));
	assert_false(listing_child(&listing, LISTING_FIRST, &segment, &is_directory));
	listing_number(&listing, LISTING_DOT_DOT, BYTES_LITERAL("a"), false);
	listing_rewind(&listing);
	assert_false(listing_child(&listing, LISTING_FIRST, &segment, &is_directory));
	listing_fini(&listing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_number_goes_on_meaning_its_child),
	    cmocka_unit_test(reading_again_gives_the_same_numbers),
	    cmocka_unit_test(a_file_and_a_directory_of_one_segment_are_two),
	    cmocka_unit_test(what_was_never_given_is_refused),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include "tests/unit/unit.h"

static void appending_past_the_maximum_changes_nothing(void **state)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 4);
	assert_int_equal(buffer_append(&buffer, BYTES_LITERAL("abc")), ERR_OK);
	assert_int_equal(buffer_append(&buffer, BYTES_LITERAL("de")), ERR_TOO_LARGE);
	assert_true(bytes_equal(buffer_bytes(&buffer), BYTES_LITERAL("abc")));
	assert_int_equal(buffer_append(&buffer, BYTES_LITERAL("d")), ERR_OK);
}

static void consuming_drops_the_front(void **state)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 100);
	buffer_put(&buffer, BYTES_LITERAL("head and tail"));
	buffer_consume(&buffer, 5);
	assert_true(bytes_equal(buffer_bytes(&buffer), BYTES_LITERAL("and tail")));
}

static void big_endian_numbers_sort_as_numbers(void **state)
{
	AUTO_BUFFER struct buffer small, large;
	buffer_init(&small, 8);
	buffer_init(&large, 8);
	buffer_put_u64_be(&small, 255);
	buffer_put_u64_be(&large, 256);
	assert_true(bytes_compare(buffer_bytes(&small), buffer_bytes(&large)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(appending_past_the_maximum_changes_nothing),
	    cmocka_unit_test(consuming_drops_the_front),
	    cmocka_unit_test(big_endian_numbers_sort_as_numbers),
	};
	return UNIT_RUN(tests);
}

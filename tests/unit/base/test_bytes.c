/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include "tests/unit/unit.h"

static void order_is_by_unsigned_byte_and_a_prefix_is_first(void **state)
{
	assert_true(bytes_compare(BYTES_LITERAL("a"), BYTES_LITERAL("b")) < 0);
	assert_true(bytes_compare(BYTES_LITERAL("a\xff"), BYTES_LITERAL("a\x01")) > 0);
	assert_true(bytes_compare(BYTES_LITERAL("a"), BYTES_LITERAL("a\0")) < 0);
	assert_int_equal(bytes_compare(BYTES_NONE, BYTES_LITERAL("")), 0);
}

static void equality_needs_equal_length(void **state)
{
	assert_false(bytes_equal(BYTES_LITERAL("a"), BYTES_LITERAL("a\0")));
	assert_true(bytes_equal(BYTES_LITERAL("x\0y"), BYTES_LITERAL("x\0y")));
}

static void prefixes_are_found(void **state)
{
	assert_true(bytes_have_prefix(BYTES_LITERAL("/a/b"), BYTES_LITERAL("/a/")));
	assert_true(bytes_have_prefix(BYTES_LITERAL("/a/b"), BYTES_NONE));
	assert_false(bytes_have_prefix(BYTES_LITERAL("/a"), BYTES_LITERAL("/a/")));
	assert_true(bytes_equal(bytes_from(BYTES_LITERAL("/a/b"), 3), BYTES_LITERAL("b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(order_is_by_unsigned_byte_and_a_prefix_is_first),
	    cmocka_unit_test(equality_needs_equal_length),
	    cmocka_unit_test(prefixes_are_found),
	};
	return UNIT_RUN(tests);
}

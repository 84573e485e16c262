/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

#include "base/buffer.h"
#include "tests/unit/unit.h"

static void what_a_buffer_wrote_is_read_back(void **state)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1000);
	buffer_put_u8(&buffer, 7);
	buffer_put_u32(&buffer, 0xdeadbeef);
	buffer_put_u64(&buffer, UINT64_MAX - 1);
	buffer_put_u64_be(&buffer, 42);
	buffer_put_varint(&buffer, 300);
	buffer_put_varint(&buffer, UINT64_MAX);
	buffer_put_sized(&buffer, BYTES_LITERAL("text"));

	struct cursor cursor = cursor_over(buffer_bytes(&buffer));
	assert_int_equal(cursor_u8(&cursor), 7);
	assert_int_equal(cursor_u32(&cursor), 0xdeadbeef);
	assert_true(cursor_u64(&cursor) == UINT64_MAX - 1);
	assert_int_equal(cursor_u64_be(&cursor), 42);
	assert_int_equal(cursor_varint(&cursor), 300);
	assert_true(cursor_varint(&cursor) == UINT64_MAX);
	assert_true(bytes_equal(cursor_sized(&cursor), BYTES_LITERAL("text")));
	assert_true(cursor_is_done(&cursor));
}

static void running_over_the_end_is_remembered(void **state)
{
	struct cursor cursor = cursor_over(BYTES_LITERAL("abc"));
	assert_int_equal(cursor_u32(&cursor), 0);
	assert_int_equal(cursor_u8(&cursor), 0); /* though a byte is there */
	assert_false(cursor_is_done(&cursor));
}

static void a_varint_of_more_than_64_bits_is_bad(void **state)
{
	struct cursor cursor = cursor_over(BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
	cursor_varint(&cursor);
	assert_true(cursor.bad);
}

static void a_length_past_the_end_is_bad(void **state)
{
	struct cursor cursor = cursor_over(BYTES_LITERAL("\x7f"
	                                                 "abc"));
	assert_int_equal(cursor_sized(&cursor).size, 0);
	assert_true(cursor.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_buffer_wrote_is_read_back),
	    cmocka_unit_test(running_over_the_end_is_remembered),
	    cmocka_unit_test(a_varint_of_more_than_64_bits_is_bad),
	    cmocka_unit_test(a_length_past_the_end_is_bad),
	};
	return UNIT_RUN(tests);
}

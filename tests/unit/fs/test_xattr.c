/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/limits.h"
#include "base/random.h"
#include "fs/xattr.h"

static struct arena arena;

static int open_arena(void **state)
{
	arena_init(&arena);
	return 0;
}

static int close_arena(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct bytes with(struct bytes xattrs, const char *name, const char *value)
{
	struct bytes edited = BYTES_NONE;
	enum err err = xattr_edit(xattrs, bytes_of_string(name), bytes_of_string(value), XATTR_SET, &arena, &edited);
	assert_int_equal(err, ERR_OK);
	return edited;
}

static void what_is_set_is_found(void **state)
{
	struct bytes xattrs = with(with(BYTES_NONE, "user.b", "2"), "user.a", "1"), value;
	assert_int_equal(xattr_find(xattrs, BYTES_LITERAL("user.a"), &value), ERR_OK);
	assert_true(bytes_equal(value, BYTES_LITERAL("1")));
	xattrs = with(xattrs, "user.a", "one");
	assert_int_equal(xattr_find(xattrs, BYTES_LITERAL("user.a"), &value), ERR_OK);
	assert_true(bytes_equal(value, BYTES_LITERAL("one")));
	assert_int_equal(xattr_find(xattrs, BYTES_LITERAL("user.c"), &value), ERR_NOT_FOUND);
}

static void the_order_of_setting_does_not_show(void **state)
{
	struct bytes one = with(with(BYTES_NONE, "user.b", "2"), "user.a", "1");
	struct bytes other = with(with(BYTES_NONE, "user.a", "1"), "user.b", "2");
	assert_true(bytes_equal(one, other));
	struct bytes names;
	assert_int_equal(xattr_names(one, &arena, &names), ERR_OK);
	assert_true(bytes_equal(names, BYTES_LITERAL("user.a\0user.b\0")));
}

static void modes_mean_what_setxattr_says(void **state)
{
	struct bytes xattrs = with(BYTES_NONE, "user.a", "1"), edited, value;
	struct bytes a = BYTES_LITERAL("user.a"), b = BYTES_LITERAL("user.b");
	assert_int_equal(xattr_edit(xattrs, a, b, XATTR_MAKE, &arena, &edited), ERR_EXISTS);
	assert_int_equal(xattr_edit(xattrs, b, b, XATTR_CHANGE, &arena, &edited), ERR_NOT_FOUND);
	assert_int_equal(xattr_edit(xattrs, b, b, XATTR_TAKE, &arena, &edited), ERR_NOT_FOUND);
	assert_int_equal(xattr_edit(xattrs, a, BYTES_NONE, XATTR_TAKE, &arena, &edited), ERR_OK);
	assert_int_equal(edited.size, 0);
	assert_int_equal(xattr_edit(xattrs, b, a, XATTR_MAKE, &arena, &edited), ERR_OK);
	assert_int_equal(xattr_find(edited, b, &value), ERR_OK);
}

static void they_have_a_maximum(void **state)
{
	struct bytes xattrs = BYTES_NONE, edited;
	enum err err = ERR_OK;
	struct bytes value = bytes_of(arena_zero(&arena, 60000, 1), 60000);
	for (int i = 0; i < 8 && err == ERR_OK; i++) {
		err = xattr_edit(xattrs, bytes_of_string(arena_format(&arena, "user.%d", i)), value, XATTR_SET, &arena,
		                 &edited);
		if (err == ERR_OK)
			xattrs = edited;
	}
	assert_int_equal(err, ERR_TOO_LARGE);
	assert_true(xattrs.size < LIMIT_ATTR_BYTES);
}

static void nonsense_is_refused_and_never_read_past(void **state)
{
	struct random random;
	random_init(&random, 3);
	for (int i = 0; i < 20000; i++) {
		uint8_t junk[24];
		size_t size = random_below(&random, sizeof junk);
		for (size_t at = 0; at < size; at++)
			junk[at] = (uint8_t)random_below(&random, 16);
		struct bytes xattrs = bytes_of(junk, size), out;
		enum err found = xattr_find(xattrs, BYTES_LITERAL("user.x"), &out);
		enum err edited = xattr_edit(xattrs, BYTES_LITERAL("u"), BYTES_LITERAL("v"), XATTR_SET, &arena, &out);
		assert_true(found == ERR_NOT_FOUND || found == ERR_CORRUPT);
		assert_true(edited == ERR_OK || edited == ERR_CORRUPT);
		arena_reset(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_set_is_found, open_arena, close_arena),
	    cmocka_unit_test_setup_teardown(the_order_of_setting_does_not_show, open_arena, close_arena),
	    cmocka_unit_test_setup_teardown(modes_mean_what_setxattr_says, open_arena, close_arena),
	    cmocka_unit_test_setup_teardown(they_have_a_maximum, open_arena, close_arena),
	    cmocka_unit_test_setup_teardown(nonsense_is_refused_and_never_read_past, open_arena, close_arena),
	};
	return UNIT_RUN(tests);
}

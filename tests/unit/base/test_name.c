/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/name.h"

static void a_name_fits_into_paths_lists_and_lines(void **state)
{
	static const char *const good[] = {"a", "n1", "db-1.example.com", "_x", "0"};
	static const char *const wrong[] = {"", ".", "..", "-a", "a b", "a/b", "a,b", "a=b", "a\n", "\xc3\xa9"};
	for (size_t at = 0; at < sizeof good / sizeof *good; at++)
		assert_true(name_is_valid(good[at]));
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
		assert_false(name_is_valid(wrong[at]));
}

static void a_name_has_an_end(void **state)
{
	char name[NAME_BYTES_MAX + 2] = "";
	memset(name, 'a', NAME_BYTES_MAX);
	assert_true(name_is_valid(name));
	name[NAME_BYTES_MAX] = 'a';
	assert_false(name_is_valid(name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_name_fits_into_paths_lists_and_lines),
	    cmocka_unit_test(a_name_has_an_end),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/nearest.h"

static const char *const words[] = {"status", "members", "get", "put", "del", "ls"};

static const char *nearest(const char *typed)
{
	return nearest_word(typed, words, sizeof words / sizeof *words);
}

static void a_slip_finds_its_word(void **state)
{
	assert_string_equal(nearest("statsu"), "status");
	assert_string_equal(nearest("member"), "members");
	assert_string_equal(nearest("pit"), "put");
}

static void what_is_like_none_finds_none(void **state)
{
	assert_null(nearest("frobnicate"));
	assert_null(nearest("xyz"));
	assert_null(nearest("a word that is far longer than any that could ever have been meant"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_slip_finds_its_word),
	    cmocka_unit_test(what_is_like_none_finds_none),
	};
	return UNIT_RUN(tests);
}

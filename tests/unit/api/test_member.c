/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>

#include "api/member.h"

static struct replica_member_status members[] = {
    {.id = 0xa1, .name = "n1"}, {.id = 0xb2, .name = "twin"}, {.id = 0xc3, .name = "twin"}, {.id = 0xd4, .name = "a1"}};
static const struct replica_status status = {.members = members, .member_count = 4};
static struct arena arena;

static int arena_begin(void **state)
{
	arena_init(&arena);
	return 0;
}

static int arena_end(void **state)
{
	arena_fini(&arena);
	return 0;
}

static void found(const char *word, uint64_t expected)
{
	uint64_t id = 0;
	const char *why = "";
	assert_int_equal(member_find(&status, word, &arena, &id, &why), ERR_OK);
	assert_int_equal(id, expected);
}

static void refused(const char *word, enum err expected, const char *says)
{
	uint64_t id = 7;
	const char *why = "";
	assert_int_equal(member_find(&status, word, &arena, &id, &why), expected);
	assert_int_equal(id, 7);
	if (strstr(why, says) == NULL)
		fail_msg("'%s' does not say '%s'", why, says);
}

static void a_member_is_found_by_name_and_by_id(void **state)
{
	found("n1", 0xa1);
	found("b2", 0xb2);
	found("C3", 0xc3);
	found("00000000000000d4", 0xd4);
}

static void nobody_is_told_who_is_there(void **state)
{
	refused("n2", ERR_NOT_FOUND, "no member 'n2'; the members are n1 (a1), twin (b2), twin (c3), a1 (d4)");
	refused("", ERR_NOT_FOUND, "n1 (a1)");
	refused("0", ERR_NOT_FOUND, "n1 (a1)");
	refused("0xa1", ERR_NOT_FOUND, "n1 (a1)");
	refused("100000000000000a1", ERR_NOT_FOUND, "n1 (a1)");
	refused("000000000000000a1", ERR_NOT_FOUND, "n1 (a1)"); /* a digit too many */
}

static void several_are_told_apart_by_their_ids(void **state)
{
	refused("twin", ERR_INVALID, "any of twin (b2), twin (c3): say which by its id");
	refused("a1", ERR_INVALID, "any of n1 (a1), a1 (d4)"); /* one by its id, one by its name */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_member_is_found_by_name_and_by_id),
	    CASE(nobody_is_told_who_is_there),
	    CASE(several_are_told_apart_by_their_ids),
	};
	return UNIT_RUN(tests);
}

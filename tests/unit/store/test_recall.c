/* SPDX-License-Identifier: Apache-2.0 */
/* What was written last: found as it was written, never as it was before, and never of another key. */
#include "store/recall.h"

#include "store/table.h"
#include "tests/unit/unit.h"

#define B(literal) BYTES_LITERAL(literal)

static int setup(void **state)
{
	static struct recall recall;
	recall_init(&recall);
	*state = &recall;
	return 0;
}

static int teardown(void **state)
{
	recall_fini(*state);
	return 0;
}

static void keep(struct recall *recall, struct bytes key, struct bytes row)
{
	recall_keep(recall, key, table_hash(key), row);
}

static void assert_found(struct recall *recall, struct bytes key, struct bytes row)
{
	struct bytes found;
	assert_true(recall_find(recall, key, table_hash(key), &found));
	assert_true(bytes_equal(found, row));
}

static void assert_not_known(struct recall *recall, struct bytes key)
{
	struct bytes found;
	assert_false(recall_find(recall, key, table_hash(key), &found));
}

static void the_last_row_of_a_key_is_found(void **state)
{
	assert_not_known(*state, B("/a"));
	keep(*state, B("/a"), B("one"));
	assert_found(*state, B("/a"), B("one"));
	keep(*state, B("/a"), B("a longer one"));
	assert_found(*state, B("/a"), B("a longer one"));
	keep(*state, B("/a"), B("two"));
	assert_found(*state, B("/a"), B("two"));
	keep(*state, B("/a"), BYTES_NONE);
	assert_found(*state, B("/a"), BYTES_NONE);
}

/* Places are shared by hash: here by the same one. */
static void another_key_at_the_same_place_is_another_key(void **state)
{
	struct bytes found;
	recall_keep(*state, B("/a"), 7, B("of a"));
	assert_false(recall_find(*state, B("/b"), 7, &found));
	assert_false(recall_find(*state, B("/ao"), 7, &found));
	recall_keep(*state, B("/b"), 7, B("of b"));
	assert_false(recall_find(*state, B("/a"), 7, &found));
	assert_true(recall_find(*state, B("/b"), 7, &found));
	assert_true(bytes_equal(found, B("of b")));
	assert_false(recall_find(*state, B("/b"), 7 + RECALL_PLACES, &found));
}

static void a_row_too_large_to_be_kept_ends_what_was_known_of_its_key(void **state)
{
	static const uint8_t large[RECALL_ROW_BYTES_MAX];
	keep(*state, B("/a"), B("small"));
	recall_keep(*state, B("/b"), table_hash(B("/a")), bytes_of(large, sizeof large));
	assert_found(*state, B("/a"), B("small"));
	keep(*state, B("/a"), bytes_of(large, sizeof large));
	assert_not_known(*state, B("/a"));
	keep(*state, B("/a"), bytes_of(large, sizeof large - 2));
	assert_found(*state, B("/a"), bytes_of(large, sizeof large - 2));
}

static void all_is_forgotten(void **state)
{
	keep(*state, B("/a"), B("one"));
	keep(*state, B("/b"), BYTES_NONE);
	recall_forget_all(*state);
	assert_not_known(*state, B("/a"));
	assert_not_known(*state, B("/b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_last_row_of_a_key_is_found, setup, teardown),
	    cmocka_unit_test_setup_teardown(another_key_at_the_same_place_is_another_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_row_too_large_to_be_kept_ends_what_was_known_of_its_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(all_is_forgotten, setup, teardown),
	};
	return UNIT_RUN(tests);
}

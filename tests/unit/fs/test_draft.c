/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/random.h"
#include "fs/draft.h"

static struct bytes text(const char *string)
{
	return bytes_of_string(string);
}

static void assert_content(const struct draft *draft, const char *expected)
{
	struct bytes content = draft_content(draft);
	assert_int_equal(content.size, strlen(expected));
	assert_memory_equal(content.data ? content.data : (const uint8_t *)"", expected, content.size);
}

static void assert_laid(const struct draft *draft, const char *base, const char *expected)
{
	struct arena arena;
	arena_init(&arena);
	struct bytes laid = draft_lay(draft, text(base), &arena);
	assert_int_equal(laid.size, strlen(expected));
	assert_memory_equal(laid.data, expected, laid.size);
	arena_fini(&arena);
}

static void a_write_shows_at_its_place_and_grows_with_zeros(void **state)
{
	struct draft draft;
	draft_init(&draft, text("base"));
	assert_true(draft_is_clean(&draft));
	draft_write(&draft, 2, text("XYZ"));
	assert_content(&draft, "baXYZ");
	assert_false(draft_is_clean(&draft));
	draft_write(&draft, 7, text("!"));
	assert_int_equal(draft.size, 8);
	assert_int_equal(draft.content[5], 0);
	assert_int_equal(draft.content[6], 0);
	draft_fini(&draft);
}

static void what_was_written_is_laid_on_a_newer_content(void **state)
{
	struct draft draft;
	draft_init(&draft, text("aaaa bbbb cccc"));
	draft_write(&draft, 5, text("XXXX"));
	assert_laid(&draft, "1111 2222 3333 4444", "1111 XXXX 3333 4444");
	struct arena arena;
	arena_init(&arena);
	struct bytes laid = draft_lay(&draft, text("1111"), &arena);
	assert_int_equal(laid.size, 9);
	assert_memory_equal(laid.data, "1111\0XXXX", 9);
	arena_fini(&arena);
	draft_fini(&draft);
}

static void what_was_appended_comes_after_the_newer_content(void **state)
{
	struct draft draft;
	draft_init(&draft, text("one\n"));
	draft_append(&draft, text("two\n"));
	draft_append(&draft, text("three\n"));
	assert_content(&draft, "one\ntwo\nthree\n");
	assert_true(draft_is_append(&draft));
	assert_laid(&draft, "one\nother\n", "one\nother\ntwo\nthree\n");
	assert_laid(&draft, "", "two\nthree\n");
	draft_fini(&draft);
}

static void an_emptied_file_keeps_nothing_of_the_newer_content(void **state)
{
	struct draft draft;
	draft_init(&draft, text("old content"));
	draft_resize(&draft, 0);
	draft_write(&draft, 0, text("new"));
	assert_laid(&draft, "something newer and longer", "new");
	assert_false(draft_is_append(&draft));
	draft_fini(&draft);
}

static void a_cut_keeps_the_head_of_the_newer_content(void **state)
{
	struct draft draft;
	draft_init(&draft, text("0123456789"));
	draft_resize(&draft, 4);
	assert_content(&draft, "0123");
	assert_laid(&draft, "abcdefghij", "abcd");
	draft_fini(&draft);
}

static void a_settled_draft_is_clean_and_keeps_its_content(void **state)
{
	struct draft draft;
	draft_init(&draft, BYTES_NONE);
	draft_write(&draft, 0, text("abc"));
	draft_settle(&draft);
	assert_true(draft_is_clean(&draft));
	assert_content(&draft, "abc");
	assert_laid(&draft, "other", "other");
	draft_fini(&draft);
}

static void extents_stay_sorted_apart_and_few(void **state)
{
	struct draft draft;
	struct random random;
	random_init(&random, 7);
	draft_init(&draft, BYTES_NONE);
	for (int i = 0; i < 5000; i++)
		draft_write(&draft, random_below(&random, 60000), text("ab"));
	assert_true(draft.extent_count <= DRAFT_EXTENTS_MAX);
	for (size_t i = 0; i < draft.extent_count; i++) {
		assert_true(draft.extents[i].start < draft.extents[i].end);
		assert_true(draft.extents[i].end <= draft.size);
		assert_true(i == 0 || draft.extents[i - 1].end < draft.extents[i].start);
	}
	draft_fini(&draft);
}

/* On its own base a draft gives its own content, whatever was done. */
static void laid_on_its_own_base_it_is_itself(void **state)
{
	struct random random;
	random_init(&random, 11);
	for (int round = 0; round < 300; round++) {
		struct arena arena;
		arena_init(&arena);
		struct bytes base = text("the base of it all");
		struct draft draft;
		draft_init(&draft, base);
		for (uint64_t i = random_below(&random, 6); i > 0; i--) {
			uint64_t kind = random_below(&random, 3);
			if (kind == 0)
				draft_write(&draft, random_below(&random, 30), text("wrote"));
			else if (kind == 1)
				draft_append(&draft, text("appended"));
			else
				draft_resize(&draft, random_below(&random, 40));
		}
		struct bytes laid = draft_lay(&draft, base, &arena);
		assert_int_equal(laid.size, draft.size);
		assert_true(laid.size == 0 || memcmp(laid.data, draft.content, laid.size) == 0);
		draft_fini(&draft);
		arena_fini(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_write_shows_at_its_place_and_grows_with_zeros),
	    cmocka_unit_test(what_was_written_is_laid_on_a_newer_content),
	    cmocka_unit_test(what_was_appended_comes_after_the_newer_content),
	    cmocka_unit_test(an_emptied_file_keeps_nothing_of_the_newer_content),
	    cmocka_unit_test(a_cut_keeps_the_head_of_the_newer_content),
	    cmocka_unit_test(a_settled_draft_is_clean_and_keeps_its_content),
	    cmocka_unit_test(extents_stay_sorted_apart_and_few),
	    cmocka_unit_test(laid_on_its_own_base_it_is_itself),
	};
	return UNIT_RUN(tests);
}

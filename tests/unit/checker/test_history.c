/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/err.h"
#include "tests/checker/history.h"
#include "tests/unit/unit.h"

static enum err parse(struct history *history, const char *text, size_t *ret_line, const char **ret_why)
{
	FILE *file = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
	history_init(history);
	enum err err = history_parse(history, file, ret_line, ret_why);
	fclose(file);
	return err;
}

static void expect_printed(const struct history *history, size_t number, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	history_print(history, &history->ops[number], file);
	fclose(file);
	assert_string_equal(text, expected);
	free(text);
}

static void a_line_is_printed_as_it_was_read(void **state)
{
	static const char *const lines[] = {
	    "n1 10 20 x==a",
	    "n1.writer 10 ? x=b",
	    "7 0 0 refused x==- x=c",
	    "n2 1 2 x!=a y=- revision<17 revision=17",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct history history;
		size_t line;
		const char *why;
		assert_int_equal(parse(&history, lines[i], &line, &why), ERR_OK);
		assert_int_equal(history.count, 1);
		expect_printed(&history, 0, lines[i]);
		history_fini(&history);
	}
}

static void comments_and_empty_lines_are_passed_over(void **state)
{
	struct history history;
	size_t line;
	const char *why;
	assert_int_equal(parse(&history, "# a comment\n\n  n1\t1 2  x=1 # another\nbegin x=9 y=z\n", &line, &why),
	                 ERR_OK);
	assert_int_equal(history.count, 1);
	expect_printed(&history, 0, "n1 1 2 x=1");
	assert_int_equal(history.begin_count, 2);
	assert_int_equal(history.begin[0].value, 9);
	history_fini(&history);
}

static void numbers_are_themselves_and_other_names_are_not(void **state)
{
	struct history history;
	history_init(&history);
	assert_int_equal(history_symbol(&history, "42"), 42);
	assert_int_equal(history_symbol(&history, "0"), 0);
	uint64_t name = history_symbol(&history, "042"), other = history_symbol(&history, "a");
	assert_true(name > 1000 && other > 1000 && name != other);
	assert_int_equal(history_symbol(&history, "042"), name);
	assert_int_equal(history_symbol(&history, "a"), other);
	assert_true(history_symbol(&history, "1234567890123456789") > name);
	history_fini(&history);
}

static void a_bad_line_is_named(void **state)
{
	static const char *const bad[] = {
	    "n1",
	    "n1 1",
	    "n1 1 2",
	    "n1 2 1 x=1",
	    "n1 a 2 x=1",
	    "n1 1 ? refused x==1",
	    "n1 1 2 x",
	    "n1 1 2 =1",
	    "n1 1 2 x=",
	    "n1 1 2 x==",
	    "n1 1 2 x=1=2",
	    "n1 1 2 x>1",
	    "begin x==1",
	    "begin",
	    "n1 -1 2 x=1",
	    "n1 1 2 refused",
	    "n1 1 0000000000000000000000 x=1",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct history history;
		size_t line = 0;
		const char *why = NULL;
		char text[200];
		snprintf(text, sizeof text, "n1 1 2 x=1\n%s\n", bad[i]);
		if (parse(&history, text, &line, &why) != ERR_INVALID)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(line, 2);
		assert_non_null(why);
		history_fini(&history);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_is_printed_as_it_was_read),
	    cmocka_unit_test(comments_and_empty_lines_are_passed_over),
	    cmocka_unit_test(numbers_are_themselves_and_other_names_are_not),
	    cmocka_unit_test(a_bad_line_is_named),
	};
	return UNIT_RUN(tests);
}

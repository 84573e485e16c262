/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/random.h"
#include "cli/lines.h"

static char *difference(struct bytes before, struct bytes after)
{
	static char *text; /* static, for the stream knows their addresses */
	static size_t size;
	struct arena arena;
	arena_init(&arena);
	FILE *file = open_memstream(&text, &size);
	lines_print_difference(before, after, &arena, file);
	fclose(file);
	arena_fini(&arena);
	return text;
}

static void differs(const char *before, const char *after, const char *expected)
{
	char *text = difference(bytes_of_string(before), bytes_of_string(after));
	assert_string_equal(text, expected);
	free(text);
}

static void texts_that_are_alike_have_no_hunk(void **state)
{
	differs("", "", "");
	differs("a\nb\n", "a\nb\n", "");
	differs("a", "a", "");
}

static void a_changed_line_stands_in_its_context(void **state)
{
	differs("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
	        "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
	differs("a\n", "b\n", "@@ -1 +1 @@\n-a\n+b\n");
	differs("", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n");
	differs("a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b\n");
	differs("a\nb\nc\n", "a\nc\n", "@@ -1,3 +1,2 @@\n a\n-b\n c\n");
}

static void a_missing_newline_is_told(void **state)
{
	differs("a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
}

static void what_is_near_is_one_hunk_and_what_is_far_another(void **state)
{
	differs("x\n1\n2\n3\n4\n5\n6\ny\n", "X\n1\n2\n3\n4\n5\n6\nY\n",
	        "@@ -1,8 +1,8 @@\n-x\n+X\n 1\n 2\n 3\n 4\n 5\n 6\n-y\n+Y\n");
	differs("x\n1\n2\n3\n4\n5\n6\n7\ny\n", "X\n1\n2\n3\n4\n5\n6\n7\nY\n",
	        "@@ -1,4 +1,4 @@\n-x\n+X\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-y\n+Y\n");
}

static void as_few_lines_as_can_be_are_touched(void **state)
{
	/* the example of the paper */
	differs("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", "@@ -1,7 +1,6 @@\n-a\n-b\n c\n+b\n a\n b\n-b\n a\n+c\n");
}

/* What a diff says of both texts is what they are. */
static void takes_apart(const char *text, struct bytes before, struct bytes after)
{
	AUTO_BUFFER struct buffer left, right;
	buffer_init(&left, 1 << 20);
	buffer_init(&right, 1 << 20);
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		struct bytes rest = bytes_of(line + 1, (size_t)(strchr(line, '\n') - line));
		if (line[0] == ' ' || line[0] == '-')
			buffer_put(&left, rest);
		if (line[0] == ' ' || line[0] == '+')
			buffer_put(&right, rest);
	}
	assert_true(bytes_equal(buffer_bytes(&left), before));
	assert_true(bytes_equal(buffer_bytes(&right), after));
}

/* Few kinds of lines, and between two that differ no more than one hunk holds: so it holds both texts. */
static void any_two_texts_are_told_truly(void **state)
{
	static const char *const kinds[] = {"a\n", "b\n", "c\n"}, *const ends[] = {"before\n", "after\n"};
	struct random random;
	random_init(&random, 7);
	for (int round = 0; round < 3000; round++) {
		char texts[2][64];
		for (int side = 0; side < 2; side++) {
			char *end = stpcpy(texts[side], ends[side]);
			for (uint64_t lines = random_below(&random, 2 * LINES_CONTEXT + 1); lines > 0; lines--)
				end = stpcpy(end, kinds[random_below(&random, 3)]);
			stpcpy(end, ends[side]);
		}
		char *text = difference(bytes_of_string(texts[0]), bytes_of_string(texts[1]));
		const char *hunk = strchr(text, '\n') + 1;
		assert_null(strstr(hunk, "@@"));
		takes_apart(hunk, bytes_of_string(texts[0]), bytes_of_string(texts[1]));
		free(text);
	}
}

static void too_many_differences_are_shown_as_all_replaced(void **state)
{
	AUTO_BUFFER struct buffer before, after;
	buffer_init(&before, 1 << 20);
	buffer_init(&after, 1 << 20);
	for (int at = 0; at < 2 * LINES_DIFFERENCES_MAX; at++) {
		buffer_put(&before, at % 2 ? BYTES_LITERAL("same\n") : BYTES_LITERAL("old\n"));
		buffer_put(&after, at % 2 ? BYTES_LITERAL("same\n") : BYTES_LITERAL("new\n"));
	}
	char *text = difference(buffer_bytes(&before), buffer_bytes(&after));
	assert_non_null(strstr(text, "\n-old\n-same\n-old\n"));
	takes_apart(strchr(text, '\n') + 1, buffer_bytes(&before), buffer_bytes(&after));
	free(text);
}

static void a_zero_is_no_text(void **state)
{
	assert_true(lines_are_text(BYTES_LITERAL("text\n")));
	assert_true(lines_are_text(BYTES_NONE));
	assert_false(lines_are_text(BYTES_LITERAL("a\0b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_that_are_alike_have_no_hunk),
	    cmocka_unit_test(a_changed_line_stands_in_its_context),
	    cmocka_unit_test(a_missing_newline_is_told),
	    cmocka_unit_test(what_is_near_is_one_hunk_and_what_is_far_another),
	    cmocka_unit_test(as_few_lines_as_can_be_are_touched),
	    cmocka_unit_test(any_two_texts_are_told_truly),
	    cmocka_unit_test(too_many_differences_are_shown_as_all_replaced),
	    cmocka_unit_test(a_zero_is_no_text),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "cli/table.h"

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

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	static const struct table_column columns[] = {{"NAME", TABLE_LEFT}, {"N", TABLE_RIGHT}, {"LAST", TABLE_LEFT}};
	struct table table;
	table_init(&table, columns, 3, &arena);
	table_add(&table, "é");
	table_add_number(&table, -5);
	table_add(&table, "x");
	table_add(&table, "longer");
	table_add_size(&table, 1536);
	table_add(&table, "");
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	table_print(&table, file);
	fclose(file);
	assert_string_equal(text, "NAME          N  LAST\n"
	                          "é            -5  x\n"
	                          "longer  1.5 KiB\n");
	free(text);
}

static void what_would_disturb_the_terminal_is_escaped(void **state)
{
	assert_string_equal(table_escape(BYTES_LITERAL("a\x1b[2Jb"), 0, &arena), "a\\x1b[2Jb");
	assert_string_equal(table_escape(BYTES_LITERAL("a\nb\tc\0d"), 0, &arena), "a\\nb\\tc\\x00d");
	assert_string_equal(table_escape(BYTES_LITERAL("\xc3\xa9\xff\xc3"), 0, &arena), "é\\xff\\xc3");
	assert_string_equal(table_escape(BYTES_LITERAL("\xc2\x9b"), 0, &arena), "\\xc2\\x9b"); /* CSI in one byte */
}

static void long_text_is_cut_by_columns(void **state)
{
	assert_string_equal(table_escape(BYTES_LITERAL("ééééé"), 5, &arena), "ééééé");
	assert_string_equal(table_escape(BYTES_LITERAL("ééééé"), 4, &arena), "éééé…");
}

static void any_bytes_become_one_printable_line(void **state)
{
	struct random random;
	random_init(&random, 20260103);
	for (int turn = 0; turn < 5000; turn++) {
		uint8_t raw[24];
		size_t size = random_below(&random, sizeof raw + 1);
		for (size_t at = 0; at < size; at++)
			raw[at] = (uint8_t)random_next(&random);
		const char *line = table_escape(bytes_of(raw, size), random_below(&random, 12), &arena);
		for (; *line != '\0'; line++)
			assert_true((unsigned char)*line >= 0x20 && *line != 0x7f);
		arena_reset(&arena);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(columns_are_as_wide_as_their_widest_cell),
	    CASE(what_would_disturb_the_terminal_is_escaped),
	    CASE(long_text_is_cut_by_columns),
	    CASE(any_bytes_become_one_printable_line),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <string.h>

#include "base/check.h"

enum { TABLE_CELLS_BEGIN = 64 };

void table_init(struct table *table, const struct table_column *columns, size_t column_count, struct arena *arena)
{
	*table = (struct table){.columns = columns, .column_count = column_count, .arena = arena};
	for (size_t at = 0; at < column_count; at++)
		table_add_coloured(table, columns[at].title, COLOUR_TITLE);
}

static void table_grow(struct table *table)
{
	size_t capacity = table->cell_capacity > 0 ? table->cell_capacity * 2 : TABLE_CELLS_BEGIN;
	struct table_cell *cells = arena_take(table->arena, capacity * sizeof *cells);
	if (table->cell_count > 0)
		memcpy(cells, table->cells, table->cell_count * sizeof *cells);
	table->cells = cells;
	table->cell_capacity = capacity;
}

void table_add_coloured(struct table *table, const char *text, enum colour colour)
{
	if (table->cell_count == table->cell_capacity)
		table_grow(table);
	table->cells[table->cell_count++] =
	    (struct table_cell){.text = table_escape(bytes_of_string(text), 0, table->arena), .colour = colour};
}

void table_add(struct table *table, const char *text)
{
	table_add_coloured(table, text, COLOUR_NONE);
}

void table_add_number(struct table *table, long long number)
{
	table_add(table, arena_format(table->arena, "%lld", number));
}

void table_add_size(struct table *table, unsigned long long bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;
	double size = (double)bytes;
	while (size >= 1024 && unit + 1 < sizeof units / sizeof *units) {
		size /= 1024;
		unit++;
	}
	table_add(table, arena_format(table->arena, unit > 0 && size < 100 ? "%.1f %s" : "%.0f %s", size, units[unit]));
}

/* ---- width ---- */

/* The bytes of the UTF-8 character at the front (RFC 3629), or 0. */
static size_t table_character(struct bytes text)
{
	uint8_t first = text.data[0];
	size_t size = first < 0x80                    ? 1
	              : first >= 0xc2 && first < 0xe0 ? 2
	              : first >= 0xe0 && first < 0xf0 ? 3
	              : first >= 0xf0 && first < 0xf5 ? 4
	                                              : 0;
	if (size == 0 || size > text.size)
		return 0;
	for (size_t at = 1; at < size; at++) {
		if ((text.data[at] & 0xc0) != 0x80)
			return 0;
	}
	return size;
}

static size_t table_width(const char *text)
{
	size_t width = 0;
	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

/* A character, or one byte of what is none, into `out`; *ret_columns wide. Returns the bytes taken. */
static size_t table_escape_one(struct bytes text, char out[8], size_t *ret_columns)
{
	size_t size = table_character(text);
	bool control = size == 1 && (text.data[0] < 0x20 || text.data[0] == 0x7f);
	bool control_of_8_bits = size == 2 && text.data[0] == 0xc2 && text.data[1] < 0xa0;
	*ret_columns = 1;
	if (size > 0 && !control && !control_of_8_bits) {
		memcpy(out, text.data, size);
		out[size] = '\0';
		return size;
	}
	if (text.data[0] == '\n' || text.data[0] == '\t')
		*ret_columns = (size_t)snprintf(out, 8, "\\%c", text.data[0] == '\n' ? 'n' : 't');
	else
		*ret_columns = (size_t)snprintf(out, 8, "\\x%02x", text.data[0]);
	return 1;
}

const char *table_escape(struct bytes text, size_t columns_max, struct arena *arena)
{
	char *whole = arena_take(arena, text.size * 4 + sizeof "…"), *out = whole;
	size_t columns = 0;
	while (text.size > 0) {
		char one[8];
		size_t wide, used = table_escape_one(text, one, &wide);
		if (columns_max > 0 && columns + wide > columns_max) {
			memcpy(out, "…", sizeof "…");
			return whole;
		}
		size_t size = strlen(one);
		memcpy(out, one, size);
		out += size;
		columns += wide;
		text = bytes_from(text, used);
	}
	*out = '\0';
	return whole;
}

/* ---- printing ---- */

static void table_print_cell(const struct table_cell *cell, enum table_side side, size_t width, FILE *file)
{
	size_t used = table_width(cell->text);
	int pad = width > used ? (int)(width - used) : 0;
	fprintf(file, "%*s%s%s%s%*s", side == TABLE_RIGHT ? pad : 0, "", terminal_begin(cell->colour), cell->text,
	        terminal_end(cell->colour), side == TABLE_RIGHT ? 0 : pad, "");
}

/* No blanks stand before the end of a line. */
static void table_print_row(const struct table *table, const struct table_cell *row, const size_t *widths, FILE *file)
{
	size_t used = table->column_count;
	while (used > 1 && row[used - 1].text[0] == '\0')
		used--;
	for (size_t column = 0; column < used; column++) {
		enum table_side side = table->columns[column].side;
		bool last = column + 1 == used;
		table_print_cell(&row[column], side, last && side == TABLE_LEFT ? 0 : widths[column], file);
		fputs(last ? "\n" : "  ", file);
	}
}

void table_print(const struct table *table, FILE *file)
{
	check(table->cell_count % table->column_count == 0);
	size_t *widths = arena_zero(table->arena, table->column_count, sizeof *widths);
	for (size_t at = 0; at < table->cell_count; at++) {
		size_t width = table_width(table->cells[at].text), *widest = &widths[at % table->column_count];
		*widest = width > *widest ? width : *widest;
	}
	for (size_t at = 0; at < table->cell_count; at += table->column_count)
		table_print_row(table, &table->cells[at], widths, file);
}

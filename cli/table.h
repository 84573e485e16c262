/* SPDX-License-Identifier: Apache-2.0 */
/* Aligned columns. Cells are copied; what could disturb the lines (control characters, broken UTF-8) is shown escaped. */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "cli/terminal.h"

enum table_side { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char *title;
	enum table_side side;
};

struct table_cell {
	const char *text;
	enum colour colour;
};

struct table {
	const struct table_column *columns; /* lent until the table is printed */
	size_t column_count;
	struct table_cell *cells; /* row by row; in the arena */
	size_t cell_count, cell_capacity;
	struct arena *arena;
};

void table_init(struct table *table, const struct table_column *columns, size_t column_count, struct arena *arena);
/* Cells are added from left to right, row after row. */
void table_add(struct table *table, const char *text);
void table_add_coloured(struct table *table, const char *text, enum colour colour);
void table_add_number(struct table *table, long long number);
void table_add_size(struct table *table, unsigned long long bytes); /* "1.5 MiB" */
void table_print(const struct table *table, FILE *file);

/* Text for one line: control characters and bytes that are not UTF-8 as \xNN; cut after `columns_max` with an ellipsis
 * (0: not cut). */
const char *table_escape(struct bytes text, size_t columns_max, struct arena *arena);

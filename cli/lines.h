/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines in which two texts differ, as a unified diff (POSIX diff -u): Myers, "An O(ND) difference algorithm", 1986, the greedy one. It costs the
 * number of differences times the number of lines, in time, and the square of the differences in memory; beyond LINES_DIFFERENCES_MAX all that
 * is between the first and the last difference is shown as replaced.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/bytes.h"

enum {
	LINES_DIFFERENCES_MAX = 2000, /* 16 MB of steps */
	LINES_CONTEXT = 3,
	LINES_LOOKED_AT_BYTES = 8000, /* for a zero, which a text does not have */
};

/* As diff(1) and git guess it. */
bool lines_are_text(struct bytes content);

/* Prints the hunks, without a header. Nothing if the texts are alike. */
void lines_print_difference(struct bytes before, struct bytes after, struct arena *arena, FILE *file);

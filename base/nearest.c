/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <string.h>

enum { NEAREST_WORD_BYTES_MAX = 63 };

static size_t nearest_least(size_t one, size_t two, size_t three)
{
	size_t least = one < two ? one : two;
	return least < three ? least : three;
}

/* Edits that make one word of the other (Levenshtein 1965), a row at a time. Both are short enough. */
static size_t nearest_distance(const char *from, const char *to)
{
	size_t to_size = strlen(to), row[NEAREST_WORD_BYTES_MAX + 1];
	for (size_t at = 0; at <= to_size; at++)
		row[at] = at;
	for (size_t line = 1; from[line - 1] != '\0'; line++) {
		size_t diagonal = row[0];
		row[0] = line;
		for (size_t at = 1; at <= to_size; at++) {
			size_t changed = diagonal + (from[line - 1] != to[at - 1] ? 1 : 0);
			diagonal = row[at];
			row[at] = nearest_least(row[at] + 1, row[at - 1] + 1, changed);
		}
	}
	return row[to_size];
}

const char *nearest_word(const char *typed, const char *const *words, size_t count)
{
	size_t size = strlen(typed);
	if (size > NEAREST_WORD_BYTES_MAX)
		return NULL;
	const char *best = NULL;
	size_t best_distance = size / 3 + 1;
	for (size_t at = 0; at < count; at++) {
		if (strlen(words[at]) > NEAREST_WORD_BYTES_MAX)
			continue;
		size_t distance = nearest_distance(typed, words[at]);
		if (distance <= best_distance) {
			best = words[at];
			best_distance = distance;
			if (distance == 0)
				break;
			best_distance--; /* the first of equals stays */
		}
	}
	return best;
}

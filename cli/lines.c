/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/lines.h"

#include <string.h>

#include "base/check.h"

bool lines_are_text(struct bytes content)
{
	size_t size = content.size < LINES_LOOKED_AT_BYTES ? content.size : LINES_LOOKED_AT_BYTES;
	return size == 0 || memchr(content.data, 0, size) == NULL;
}

/* ---- lines ---- */

struct text {
	struct bytes *lines; /* each with its newline, but for a last one that has none */
	size_t count;
};

static struct text text_of(struct bytes content, struct arena *arena)
{
	struct text text = {0};
	while (content.size != 0) {
		const uint8_t *end = memchr(content.data, '\n', content.size);
		size_t size = end != NULL ? (size_t)(end - content.data) + 1 : content.size;
		text.lines = arena_more(arena, text.lines, text.count, sizeof *text.lines);
		text.lines[text.count++] = bytes_of(content.data, size);
		content = bytes_from(content, size);
	}
	return text;
}

/* ---- what is kept ---- */

/* For each line before, which one after it is; or that it is gone. What of the lines after is nobody's is new. */
struct difference {
	struct text before, after;
	bool *gone, *new;
	size_t start, before_end, after_end; /* what is between the alike beginning and the alike end */
};

static bool difference_alike(const struct difference *difference, size_t before, size_t after)
{
	return bytes_equal(difference->before.lines[before], difference->after.lines[after]);
}

static void difference_trim(struct difference *difference)
{
	size_t before = difference->before.count, after = difference->after.count, start = 0;
	while (start < before && start < after && difference_alike(difference, start, start))
		start++;
	while (before > start && after > start && difference_alike(difference, before - 1, after - 1)) {
		before--;
		after--;
	}
	difference->start = start;
	difference->before_end = before;
	difference->after_end = after;
}

static void difference_mark_all(struct difference *difference)
{
	for (size_t at = difference->start; at < difference->before_end; at++)
		difference->gone[at] = true;
	for (size_t at = difference->start; at < difference->after_end; at++)
		difference->new[at] = true;
}

/* Of each number of differences d the furthest place on each diagonal k, from -d to d, by twos: as in the paper, x is of `before`. */
struct steps {
	int *rows[LINES_DIFFERENCES_MAX + 1]; /* [d][k + d] */
	int count;
};

static int steps_at(const struct steps *steps, int d, int k)
{
	return steps->rows[d][k + d];
}

/* The step from d - 1 to (d, k) is down: a line of `after` is new. Else one of `before` is gone. */
static bool steps_is_down(const struct steps *steps, int d, int k)
{
	return k == -d || (k != d && steps_at(steps, d - 1, k - 1) < steps_at(steps, d - 1, k + 1));
}

static int steps_begin(const struct steps *steps, int d, int k)
{
	if (d == 0)
		return 0;
	return steps_is_down(steps, d, k) ? steps_at(steps, d - 1, k + 1) : steps_at(steps, d - 1, k - 1) + 1;
}

/* False: more differences than are looked for. */
static bool steps_find(struct difference *difference, struct steps *steps, struct arena *arena)
{
	int width = (int)(difference->before_end - difference->start);
	int height = (int)(difference->after_end - difference->start);
	size_t start = difference->start;
	for (int d = 0; d <= LINES_DIFFERENCES_MAX; d++) {
		steps->rows[d] = arena_zero(arena, (size_t)(2 * d + 1), sizeof(int));
		steps->count = d;
		for (int k = -d; k <= d; k += 2) {
			int x = steps_begin(steps, d, k);
			while (x < width && x - k < height && x - k >= 0 &&
			       difference_alike(difference, start + (size_t)x, start + (size_t)(x - k)))
				x++;
			steps->rows[d][k + d] = x;
			if (x >= width && x - k >= height)
				return true;
		}
	}
	return false;
}

/* Backwards from the end. A step beyond an edge of the texts is never on the way. */
static void steps_mark(struct difference *difference, const struct steps *steps)
{
	int k = (int)(difference->before_end - difference->start) - (int)(difference->after_end - difference->start);
	for (int d = steps->count; d > 0; d--) {
		int x = steps_begin(steps, d, k);
		if (steps_is_down(steps, d, k)) {
			difference->new[difference->start + (size_t)(x - k - 1)] = true;
			k++;
		} else {
			difference->gone[difference->start + (size_t)(x - 1)] = true;
			k--;
		}
	}
}

/* ---- hunks ---- */

/* A place in both texts, between lines. */
struct place {
	size_t before, after;
};

static bool place_is_end(const struct difference *difference, struct place place)
{
	return place.before == difference->before.count && place.after == difference->after.count;
}

static bool place_is_alike(const struct difference *difference, struct place place)
{
	return place.before < difference->before.count && !difference->gone[place.before] &&
	       !difference->new[place.after];
}

/* Behind the differences from here, and all that are no more than two contexts away; *ret_last: behind the last of them. */
static struct place hunk_end(const struct difference *difference, struct place place)
{
	size_t alike = 0;
	while (!place_is_end(difference, place) && alike <= 2 * LINES_CONTEXT) {
		bool is = place_is_alike(difference, place);
		alike = is ? alike + 1 : 0;
		if (is || (place.before < difference->before.count && difference->gone[place.before]))
			place.before++;
		else
			place.after++;
		place.after += is;
	}
	size_t more = alike > LINES_CONTEXT ? alike - LINES_CONTEXT : 0;
	return (struct place){place.before - more, place.after - more};
}

static void hunk_print_line(char sign, struct bytes line, FILE *file)
{
	fputc(sign, file);
	fwrite(line.data, 1, line.size, file);
	if (line.data[line.size - 1] != '\n')
		fputs("\n\\ No newline at end of file\n", file);
}

/* "12,3"; of no lines the one before is named, and of one line there is no number. */
static void hunk_print_range(size_t start, size_t end, FILE *file)
{
	size_t count = end - start;
	fprintf(file, "%zu", count != 0 ? start + 1 : start);
	if (count != 1)
		fprintf(file, ",%zu", count);
}

static void hunk_print(const struct difference *difference, struct place start, struct place end, FILE *file)
{
	fputs("@@ -", file);
	hunk_print_range(start.before, end.before, file);
	fputs(" +", file);
	hunk_print_range(start.after, end.after, file);
	fputs(" @@\n", file);
	while (start.before < end.before || start.after < end.after) {
		if (start.before < end.before && difference->gone[start.before]) {
			hunk_print_line('-', difference->before.lines[start.before++], file);
		} else if (start.after < end.after && difference->new[start.after]) {
			hunk_print_line('+', difference->after.lines[start.after++], file);
		} else {
			hunk_print_line(' ', difference->before.lines[start.before++], file);
			start.after++;
		}
	}
}

static void hunks_print(const struct difference *difference, FILE *file)
{
	struct place place = {0};
	while (!place_is_end(difference, place)) {
		if (place_is_alike(difference, place)) {
			place.before++;
			place.after++;
			continue;
		}
		size_t context = place.before < place.after ? place.before : place.after;
		context = context < LINES_CONTEXT ? context : LINES_CONTEXT;
		struct place end = hunk_end(difference, place);
		hunk_print(difference, (struct place){place.before - context, place.after - context}, end, file);
		place = end;
	}
}

void lines_print_difference(struct bytes before, struct bytes after, struct arena *arena, FILE *file)
{
	struct difference difference = {.before = text_of(before, arena), .after = text_of(after, arena)};
	struct steps *steps = arena_zero(arena, 1, sizeof *steps);
	difference.gone = arena_zero(arena, difference.before.count + 1, sizeof(bool));
	difference.new = arena_zero(arena, difference.after.count + 1, sizeof(bool));
	difference_trim(&difference);
	if (steps_find(&difference, steps, arena))
		steps_mark(&difference, steps);
	else
		difference_mark_all(&difference);
	hunks_print(&difference, file);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What people write: points of the history, and two texts of which the differences are shown. The first byte says as what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/when.h"
#include "cli/lines.h"
#include "tests/fuzz/rows.h"

#define TEXT_NOW INT64_C(1796126400000000000)

static const char *const whens[] = {"4711",   "2026-12-01T12:00:00Z", "2024-02-29 23:59:59.999999999",
                                    "-1h30m", "2026-12-01",           "2026-12-01T12:00:00+01:00",
                                    "-500ms"};

/* A time that was read is one that nanoseconds can hold, and a revision is above zero. */
static void when_read(struct bytes input)
{
	struct when when = {0};
	const char *text = arena_dup_string(&fuzz_arena, input);
	if (when_parse(text, TEXT_NOW, &when) != ERR_OK)
		return;
	if (when.kind == WHEN_REVISION)
		check(when.revision > 0);
	else
		check(when.time_ns < INT64_C(8000000000000000000) && when.time_ns > -TEXT_NOW * 2);
}

static void when_seed(struct random *random, struct buffer *buffer)
{
	buffer_put(buffer, bytes_of_string(whens[random_below(random, sizeof whens / sizeof *whens)]));
}

/* A zero is between the two. What the hunks say of either is in it, line for line and in order. */
static void hunk_is_of(const char *line, const char *end, struct bytes *rest)
{
	size_t size = (size_t)(end - line);
	const uint8_t *found = size <= rest->size ? memmem(rest->data, rest->size, line, size) : NULL;
	check(found != NULL);
	*rest = bytes_from(*rest, (size_t)(found - rest->data) + size);
}

static void hunks_are_of(const char *text, struct bytes before, struct bytes after)
{
	for (const char *line = text; *line != '\0';) {
		const char *end = strchr(line, '\n');
		check(end != NULL);
		if (*line == ' ' || *line == '-')
			hunk_is_of(line + 1, end, &before);
		if (*line == ' ' || *line == '+')
			hunk_is_of(line + 1, end, &after);
		line = end + 1;
	}
}

static char *lines_told; /* static, for the stream knows their addresses */
static size_t lines_size;

static void lines_read(struct bytes input)
{
	const uint8_t *middle = input.size != 0 ? memchr(input.data, 0, input.size) : NULL;
	if (middle == NULL)
		return;
	struct bytes before = bytes_of(input.data, (size_t)(middle - input.data));
	struct bytes after = bytes_from(input, before.size + 1);
	if (!lines_are_text(after))
		return;
	FILE *file = open_memstream(&lines_told, &lines_size);
	lines_print_difference(before, after, &fuzz_arena, file);
	fclose(file);
	check((lines_size == 0) == bytes_equal(before, after));
	hunks_are_of(lines_told, before, after);
	free(lines_told);
}

static void lines_seed(struct random *random, struct buffer *buffer)
{
	static const char *const lines[] = {"a\n", "b\n", "a\n", "c\n", "a long line\n"};
	for (int side = 0; side < 2; side++) {
		for (uint64_t count = random_below(random, 30); count > 0; count--)
			buffer_put(buffer, bytes_of_string(lines[random_below(random, sizeof lines / sizeof *lines)]));
		if (side == 0)
			buffer_put_u8(buffer, 0);
	}
}

const struct fuzz_row fuzz_rows[] = {{when_read, when_seed}, {lines_read, lines_seed}};
const size_t fuzz_row_count = sizeof fuzz_rows / sizeof *fuzz_rows;

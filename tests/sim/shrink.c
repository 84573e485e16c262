/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/shrink.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/sim/child.h"

/* A run takes some ten milliseconds. */
enum { SHRINK_RUNS_MAX = 2000 };

struct shrink {
	const struct verdict *failure;
	struct verdict *shared; /* of the newest run */
	uint64_t *kept, *tried;
	size_t count;
	unsigned runs;
};

static int shrink_compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;
	return *a < *b ? -1 : *a > *b;
}

static size_t shrink_sort(uint64_t *keys, size_t count)
{
	size_t unique = 0;
	if (count != 0)
		qsort(keys, count, sizeof *keys, shrink_compare);
	for (size_t i = 0; i < count; i++)
		if (unique == 0 || keys[unique - 1] != keys[i])
			keys[unique++] = keys[i];
	return unique;
}

static bool shrink_is_same(const struct shrink *shrink)
{
	const struct verdict *found = shrink->shared;
	return found->rule == shrink->failure->rule &&
	       (found->rule != RULE_CHECK || strcmp(found->text, shrink->failure->text) == 0);
}

static void shrink_take(struct shrink *shrink)
{
	/* Those that it came to before the rule was broken. */
	memcpy(shrink->kept, shrink->shared->made, shrink->shared->made_count * sizeof *shrink->kept);
	shrink->count = shrink_sort(shrink->kept, shrink->shared->made_count);
}

/* Without those of one slice. */
static bool shrink_try(struct shrink *shrink, size_t from, size_t to)
{
	size_t count = 0;
	for (size_t i = 0; i < shrink->count; i++)
		if (i < from || i >= to)
			shrink->tried[count++] = shrink->kept[i];
	struct plan_options options = {.seed = shrink->failure->seed, .kept = shrink->tried, .kept_count = count};
	shrink->runs++;
	if (!child_run(&options, shrink->shared) || !shrink_is_same(shrink))
		return false;
	shrink_take(shrink);
	return true;
}

/* True if any slice of that length could go. */
static bool shrink_pass(struct shrink *shrink, size_t length)
{
	bool any = false;
	for (size_t from = 0; from < shrink->count && shrink->runs < SHRINK_RUNS_MAX;) {
		if (shrink_try(shrink, from, from + length))
			any = true;
		else
			from += length;
	}
	return any;
}

static void shrink_all(struct shrink *shrink)
{
	size_t length = shrink->count;
	while (length > 0 && shrink->runs < SHRINK_RUNS_MAX) {
		bool any = shrink_pass(shrink, length);
		if (!any || length > shrink->count)
			length = length > shrink->count ? shrink->count : length / 2;
	}
}

void shrink_print(const struct verdict *failure)
{
	struct shrink shrink = {.failure = memory_dup(failure, sizeof *failure), .shared = verdict_share()};
	shrink.kept = memory_new_array(VERDICT_DECISIONS_MAX, sizeof *shrink.kept);
	shrink.tried = memory_new_array(VERDICT_DECISIONS_MAX, sizeof *shrink.tried);
	memcpy(shrink.kept, failure->made, failure->made_count * sizeof *shrink.kept);
	size_t before = shrink.count = shrink_sort(shrink.kept, failure->made_count);
	shrink_all(&shrink);
	printf("seed %ju shrunk from %zu decisions to %zu in %u runs; what is left:\n", (uintmax_t)failure->seed,
	       before, shrink.count, shrink.runs);
	struct plan_options options = {
	    .seed = failure->seed, .kept = shrink.kept, .kept_count = shrink.count, .trace = stdout};
	child_run(&options, shrink.shared);
	printf("broken: %s: %s\n", rule_text(shrink.shared->rule), shrink.shared->text);
	free((void *)shrink.failure);
	free(shrink.kept);
	free(shrink.tried);
}

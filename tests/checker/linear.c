/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checker/linear.h"

#include "tests/checker/component.h"
#include "tests/checker/explain.h"
#include "tests/checker/search.h"

static enum linear_verdict linear_check_component(const struct history *history, const struct component *component,
                                                  const struct linear_limits *limits, FILE *why)
{
	struct component reduced = *component;
	AUTO_ARENA struct arena arena;
	struct search_result result;
	arena_init(&arena);
	struct bytes ops = arena_dup(&arena, bytes_of(component->ops, component->count * sizeof *component->ops));
	reduced.ops = (struct component_op *)ops.data;
	component_reduce(&reduced);
	search_run(&reduced, limits, &result);
	if (result.verdict == LINEAR_NO && why != NULL)
		explain(history, component, why);
	if (result.verdict == LINEAR_UNKNOWN && why != NULL) {
		fprintf(why, "UNKNOWN: key ");
		history_print_symbol(history, component->keys[0], why);
		fprintf(why, "%s: the limit of %s was reached; its operations: %zu\n",
		        component->key_count == 1 ? "" : " and more", result.limit, reduced.count);
	}
	search_result_fini(&result);
	return result.verdict;
}

enum linear_verdict linear_check(const struct history *history, const struct linear_limits *limits, FILE *why)
{
	AUTO_ARENA struct arena arena;
	size_t count;
	enum linear_verdict verdict = LINEAR_YES;
	arena_init(&arena);
	const struct component *components = component_split(history, &arena, &count);
	for (size_t i = 0; i < count; i++) {
		enum linear_verdict one = linear_check_component(history, &components[i], limits, why);
		if (one == LINEAR_NO || verdict == LINEAR_YES)
			verdict = one;
	}
	return verdict;
}

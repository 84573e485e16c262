/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of an illegal history that is illegal by itself explains it. Not every part is, though: without the write of a value,
 * its reads are from nowhere, and would explain nothing. Operations are therefore put aside by forgetting their outcome: what
 * only looked is left out, what has an effect may then happen at any time or never. Every order of the whole is one of what
 * is left, so that if that has none, the whole has none.
 *
 * First what only looks, but for one client's: little is as quick to search as effects that nobody has seen. Then everything
 * after the furthest return that the search came to; then looks and effects, by clients and one by one.
 */
#include "tests/checker/explain.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/checker/search.h"

enum {
	EXPLAIN_MS_MAX = 20000, /* in all */
	EXPLAIN_TRY_MS_MAX = 200,
	EXPLAIN_TRY_BYTES_MAX = 16 << 20,
	EXPLAIN_WAY_MAX = 30, /* operations of the way that are printed: the last ones */
};

struct explain {
	const struct history *history;
	const struct component *component;
	bool *aside; /* by operation */
	uint64_t deadline_ns;
	FILE *why;
};

static bool explain_has_effect(const struct component_op *op)
{
	return op->outcome != HISTORY_REFUSED && history_has_effect(op->origin);
}

static struct component_op explain_forget(struct component_op op)
{
	op.outcome = HISTORY_UNKNOWN;
	op.ret = HISTORY_NEVER;
	return op;
}

/* What is left when some are put aside. Its operations are to be freed. */
static struct component explain_left(const struct explain *explain)
{
	struct component left = *explain->component;
	left.ops = memory_new_array(left.count, sizeof *left.ops);
	left.count = 0;
	for (size_t i = 0; i < explain->component->count; i++) {
		struct component_op op = explain->component->ops[i];
		if (!explain->aside[i])
			left.ops[left.count++] = op;
		else if (explain_has_effect(&op))
			left.ops[left.count++] = explain_forget(op);
	}
	component_reduce(&left);
	return left;
}

static bool explain_is_illegal(const struct explain *explain)
{
	static const struct linear_limits limits = {.memory_bytes_max = EXPLAIN_TRY_BYTES_MAX,
	                                            .time_ms_max = EXPLAIN_TRY_MS_MAX};
	struct search_result result;
	struct component left = explain_left(explain);
	search_run(&left, &limits, &result);
	bool is_illegal = result.verdict == LINEAR_NO;
	search_result_fini(&result);
	free(left.ops);
	return is_illegal;
}

/* ---- what can be put aside ---- */

enum explain_kind { EXPLAIN_LOOKS, EXPLAIN_EFFECTS };

struct explain_set { /* all that satisfy it */
	bool (*has)(const struct explain_set *set, const struct component_op *op);
	uint64_t number;
	enum explain_kind kind;
	const struct component_op *first; /* of a run */
	size_t length;
};

static enum explain_kind explain_kind_of(const struct component_op *op)
{
	return explain_has_effect(op) ? EXPLAIN_EFFECTS : EXPLAIN_LOOKS;
}

static bool explain_ended_by(const struct explain_set *set, const struct component_op *op)
{
	return op->ret > set->number;
}

static bool explain_is_client(const struct explain_set *set, const struct component_op *op)
{
	return op->origin->client == set->number && explain_kind_of(op) == set->kind;
}

static bool explain_is_other_client(const struct explain_set *set, const struct component_op *op)
{
	return op->origin->client != set->number && explain_kind_of(op) == set->kind;
}

static bool explain_is_in_run(const struct explain_set *set, const struct component_op *op)
{
	return op >= set->first && op < set->first + set->length && explain_kind_of(op) == set->kind;
}

static void explain_try(struct explain *explain, struct explain_set set)
{
	size_t count = explain->component->count;
	bool *before = memory_dup(explain->aside, count * sizeof *before), changed = false;
	for (size_t i = 0; i < count; i++) {
		bool put = !explain->aside[i] && set.has(&set, &explain->component->ops[i]);
		changed |= put;
		explain->aside[i] |= put;
	}
	if (changed && (clock_steady_ns() > explain->deadline_ns || !explain_is_illegal(explain)))
		memcpy(explain->aside, before, count * sizeof *before);
	free(before);
}

static size_t explain_count(const struct explain *explain)
{
	size_t count = 0;
	for (size_t i = 0; i < explain->component->count; i++)
		count += !explain->aside[i];
	return count;
}

static void explain_try_clients(struct explain *explain, enum explain_kind kind,
                                bool (*has)(const struct explain_set *set, const struct component_op *op))
{
	for (size_t i = 0; i < explain->component->count; i++) {
		const struct component_op *op = &explain->component->ops[i];
		if (!explain->aside[i] && explain_kind_of(op) == kind)
			explain_try(explain,
			            (struct explain_set){.has = has, .number = op->origin->client, .kind = kind});
	}
}

/* Neighbours together, ever fewer of them (Zeller and Hildebrandt 2002, delta debugging). */
static void explain_try_runs(struct explain *explain, enum explain_kind kind)
{
	size_t count = explain->component->count;
	for (size_t length = (count + 1) / 2; length > 0; length /= 2)
		for (size_t from = 0; from < count; from += length)
			explain_try(explain, (struct explain_set){.has = explain_is_in_run,
			                                          .kind = kind,
			                                          .first = &explain->component->ops[from],
			                                          .length = length});
}

static void explain_shrink(struct explain *explain, uint64_t furthest)
{
	explain_try_clients(explain, EXPLAIN_LOOKS, explain_is_other_client);
	explain_try(explain, (struct explain_set){.has = explain_ended_by, .number = furthest});
	for (enum explain_kind kind = EXPLAIN_LOOKS; kind <= EXPLAIN_EFFECTS; kind++) {
		explain_try_clients(explain, kind, explain_is_client);
		explain_try_runs(explain, kind);
	}
}

/* ---- the text ---- */

static void explain_print_op(const struct explain *explain, const struct component_op *op)
{
	fputs("  ", explain->why);
	history_print(explain->history, op->origin, explain->why);
	fputs("\n", explain->why);
}

static void explain_print_keys(const struct explain *explain)
{
	const struct component *component = explain->component;
	fprintf(explain->why, "NOT linearizable: %s", component->key_count == 1 ? "key" : "keys");
	for (size_t i = 0; i < component->key_count; i++) {
		fputs(" ", explain->why);
		history_print_symbol(explain->history, component->keys[i], explain->why);
	}
	fprintf(explain->why, "; of its %zu operations, %zu have no order by themselves\n", component->count,
	        explain_count(explain));
}

static void explain_print_values(const struct explain *explain, const uint64_t *values)
{
	for (size_t i = 0; i < explain->component->key_count; i++) {
		fputs(" ", explain->why);
		history_print_symbol(explain->history, explain->component->keys[i], explain->why);
		fputs("==", explain->why);
		history_print_symbol(explain->history, values[i], explain->why);
	}
}

static bool explain_is_in(const struct search_result *result, size_t number)
{
	for (size_t i = 0; i < result->order_count; i++)
		if (result->order[i] == number)
			return true;
	return false;
}

static void explain_print_way(const struct explain *explain, const struct component *left,
                              const struct search_result *result)
{
	const struct component_op *stuck = &left->ops[result->stuck];
	fprintf(explain->why, "the furthest way through them:\n");
	size_t from = result->order_count > EXPLAIN_WAY_MAX ? result->order_count - EXPLAIN_WAY_MAX : 0;
	if (from != 0)
		fprintf(explain->why, "  (%zu before these)\n", from);
	for (size_t i = from; i < result->order_count; i++)
		explain_print_op(explain, &left->ops[result->order[i]]);
	fprintf(explain->why, "after it there is");
	explain_print_values(explain, result->values);
	fprintf(explain->why, ", and nothing that had begun by %ju leads on:\n", (uintmax_t)stuck->ret);
	for (size_t i = 0; i < left->count; i++)
		if (left->ops[i].call <= stuck->ret && !explain_is_in(result, i))
			explain_print_op(explain, &left->ops[i]);
}

void explain(const struct history *history, const struct component *component, FILE *why)
{
	struct explain explain = {.history = history, .component = component, .why = why};
	struct linear_limits limits = LINEAR_LIMITS_DEFAULT;
	struct search_result result;
	explain.deadline_ns = clock_steady_ns() + EXPLAIN_MS_MAX * CLOCK_NS_PER_MS;
	explain.aside = memory_new_array(component->count, sizeof *explain.aside);
	struct component left = explain_left(&explain);
	search_run(&left, &limits, &result);
	if (result.verdict == LINEAR_NO)
		explain_shrink(&explain, left.ops[result.stuck].ret);
	free(left.ops);
	search_result_fini(&result);
	left = explain_left(&explain);
	search_run(&left, &limits, &result);
	explain_print_keys(&explain);
	explain_print_way(&explain, &left, &result);
	free(left.ops);
	free(explain.aside);
	search_result_fini(&result);
}

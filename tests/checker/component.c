/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checker/component.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

/* ---- keys that are joined: disjoint sets (Tarjan 1975) ---- */

struct keys {
	uint64_t *keys; /* sorted, each once */
	size_t *parents, *components, *numbers;
	size_t count;
};

static int keys_compare(const void *left, const void *right)
{
	uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
	return one < other ? -1 : one > other;
}

static size_t keys_find(const struct keys *keys, uint64_t key)
{
	const uint64_t *found = bsearch(&key, keys->keys, keys->count, sizeof key, keys_compare);
	check(found != NULL);
	return (size_t)(found - keys->keys);
}

static size_t keys_root(struct keys *keys, size_t at)
{
	while (keys->parents[at] != at) {
		keys->parents[at] = keys->parents[keys->parents[at]];
		at = keys->parents[at];
	}
	return at;
}

static void keys_collect(struct keys *keys, const struct history *history, struct arena *arena)
{
	size_t mentions = 0, unique = 0;
	for (size_t i = 0; i < history->count; i++)
		mentions += history->ops[i].rule_count;
	keys->keys = arena_zero(arena, mentions, sizeof *keys->keys);
	mentions = 0;
	for (size_t i = 0; i < history->count; i++)
		for (size_t j = 0; j < history->ops[i].rule_count; j++)
			keys->keys[mentions++] = history->ops[i].rules[j].key;
	qsort(keys->keys, mentions, sizeof *keys->keys, keys_compare);
	for (size_t i = 0; i < mentions; i++)
		if (i == 0 || keys->keys[i] != keys->keys[i - 1])
			keys->keys[unique++] = keys->keys[i];
	keys->count = unique;
}

static void keys_join(struct keys *keys, const struct history *history, struct arena *arena)
{
	keys->parents = arena_zero(arena, keys->count, sizeof *keys->parents);
	keys->components = arena_zero(arena, keys->count, sizeof *keys->components);
	keys->numbers = arena_zero(arena, keys->count, sizeof *keys->numbers);
	for (size_t i = 0; i < keys->count; i++)
		keys->parents[i] = i;
	for (size_t i = 0; i < history->count; i++) {
		const struct history_op *op = &history->ops[i];
		size_t root = keys_root(keys, keys_find(keys, op->rules[0].key));
		for (size_t j = 1; j < op->rule_count; j++)
			keys->parents[keys_root(keys, keys_find(keys, op->rules[j].key))] = root;
	}
}

/* Numbers the components, and in each its keys; returns how many there are. */
static size_t keys_number(struct keys *keys, struct arena *arena)
{
	size_t count = 0, *sizes = arena_zero(arena, keys->count, sizeof *sizes);
	for (size_t i = 0; i < keys->count; i++)
		if (keys_root(keys, i) == i)
			keys->components[i] = count++;
	for (size_t i = 0; i < keys->count; i++) {
		keys->components[i] = keys->components[keys_root(keys, i)];
		keys->numbers[i] = sizes[keys->components[i]]++;
	}
	return count;
}

/* ---- the parts ---- */

static void component_take_keys(struct component *components, const struct keys *keys, const struct history *history,
                                struct arena *arena)
{
	for (size_t i = 0; i < keys->count; i++)
		components[keys->components[i]].key_count++;
	for (size_t i = 0; i < keys->count; i++) {
		struct component *component = &components[keys->components[i]];
		if (keys->numbers[i] == 0) {
			component->keys = arena_zero(arena, component->key_count, sizeof *component->keys);
			component->begin = arena_zero(arena, component->key_count, sizeof *component->begin);
		}
		component->keys[keys->numbers[i]] = keys->keys[i];
		component->begin[keys->numbers[i]] = HISTORY_ABSENT;
		for (size_t j = 0; j < history->begin_count; j++)
			if (history->begin[j].key == keys->keys[i])
				component->begin[keys->numbers[i]] = history->begin[j].value;
	}
}

static struct component *component_of(struct component *components, const struct keys *keys,
                                      const struct history_op *op)
{
	return &components[keys->components[keys_find(keys, op->rules[0].key)]];
}

static void component_take_op(struct component *component, const struct keys *keys, const struct history_op *op,
                              struct arena *arena)
{
	struct history_rule *rules = arena_zero(arena, op->rule_count, sizeof *rules);
	for (size_t i = 0; i < op->rule_count; i++) {
		rules[i] = op->rules[i];
		rules[i].key = keys->numbers[keys_find(keys, op->rules[i].key)];
	}
	component->ops[component->count++] = (struct component_op){
	    .origin = op, .rules = rules, .call = op->call, .ret = op->ret, .outcome = op->outcome};
}

struct component *component_split(const struct history *history, struct arena *arena, size_t *ret_count)
{
	struct keys keys = {0};
	keys_collect(&keys, history, arena);
	keys_join(&keys, history, arena);
	size_t count = keys_number(&keys, arena);
	struct component *components = arena_zero(arena, count, sizeof *components);
	component_take_keys(components, &keys, history, arena);
	for (size_t i = 0; i < history->count; i++)
		component_of(components, &keys, &history->ops[i])->count++;
	for (size_t i = 0; i < count; i++) {
		components[i].ops = arena_zero(arena, components[i].count, sizeof *components[i].ops);
		components[i].count = 0;
	}
	for (size_t i = 0; i < history->count; i++) {
		const struct history_op *op = &history->ops[i];
		component_take_op(component_of(components, &keys, op), &keys, op, arena);
	}
	*ret_count = count;
	return components;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checker/history.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void history_init(struct history *history)
{
	*history = (struct history){0};
	arena_init(&history->arena);
	map_init(&history->symbols);
}

void history_fini(struct history *history)
{
	arena_fini(&history->arena);
	map_fini(&history->symbols);
	free(history->ops);
	free(history->begin);
	free(history->names);
}

void history_add(struct history *history, struct history_op op)
{
	if (op.outcome == HISTORY_UNKNOWN)
		op.ret = HISTORY_NEVER;
	check(op.call <= op.ret);
	check(op.rule_count > 0);
	struct bytes rules = arena_dup(&history->arena, bytes_of(op.rules, op.rule_count * sizeof *op.rules));
	op.rules = (const struct history_rule *)rules.data;
	if (history->count == history->capacity) {
		history->capacity = history->capacity * 2 + 64;
		history->ops = memory_resize(history->ops, history->capacity, sizeof *history->ops);
	}
	history->ops[history->count++] = op;
}

static void history_add_rules(struct history *history, struct history_op op, const struct history_rule *rules,
                              size_t count)
{
	op.rules = rules;
	op.rule_count = count;
	history_add(history, op);
}

void history_read(struct history *history, struct history_op op, uint64_t key, uint64_t value)
{
	history_add_rules(history, op, &(struct history_rule){HISTORY_IS, key, value}, 1);
}

void history_write(struct history *history, struct history_op op, uint64_t key, uint64_t value)
{
	history_add_rules(history, op, &(struct history_rule){HISTORY_SET, key, value}, 1);
}

void history_swap(struct history *history, struct history_op op, uint64_t key, const uint64_t old_and_new[2])
{
	const struct history_rule rules[] = {{HISTORY_IS, key, old_and_new[0]}, {HISTORY_SET, key, old_and_new[1]}};
	history_add_rules(history, op, rules, 2);
}

void history_begin_with(struct history *history, uint64_t key, uint64_t value)
{
	history->begin = memory_resize(history->begin, history->begin_count + 1, sizeof *history->begin);
	history->begin[history->begin_count++] = (struct history_rule){HISTORY_SET, key, value};
}

bool history_is_broken(const struct history_rule *rule, uint64_t now)
{
	switch (rule->kind) {
	case HISTORY_IS:
		return now != rule->value;
	case HISTORY_IS_NOT:
		return now == rule->value;
	case HISTORY_IS_BELOW:
		return now != HISTORY_ABSENT && now >= rule->value;
	case HISTORY_SET:
		return false;
	}
	return false;
}

bool history_has_effect(const struct history_op *op)
{
	for (size_t i = 0; i < op->rule_count; i++)
		if (op->rules[i].kind == HISTORY_SET)
			return true;
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be decided before the search; see component.h.
 *
 * A value that one operation alone sets, and another saw, orders the two: the first has happened when the second returns, and
 * the second happens no sooner than the first was called.
 *
 * An unknown operation W may be left out, if the value that it sets on a key k is one that no other operation wants there:
 * between W and the next effect on k no condition on k holds that W made hold. Then nothing but a refusal, or a condition that
 * k is not something, can depend on W; if one returns after W was called, W is kept.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/checker/component.h"

enum { REDUCE_ROUNDS_MAX = 100 }; /* each decides what hangs on what the one before decided */

struct mention { /* a rule of an operation */
	uint64_t key, value;
	size_t op;
	enum history_rule_kind kind;
};

struct mentions {
	struct mention *sorted; /* by key and value */
	size_t count;
	uint64_t *depends_until; /* by key: after the last return of what may depend on a value that it does not name */
};

static int mention_compare(const void *left, const void *right)
{
	const struct mention *one = left, *other = right;
	if (one->key != other->key)
		return one->key < other->key ? -1 : 1;
	return one->value < other->value ? -1 : one->value > other->value;
}

static bool mention_depends(const struct component_op *op, const struct history_rule *rule)
{
	if (rule->kind == HISTORY_SET)
		return false;
	return op->outcome == HISTORY_REFUSED || rule->kind != HISTORY_IS;
}

static void mentions_init(struct mentions *mentions, const struct component *component)
{
	size_t count = 0;
	for (size_t i = 0; i < component->count; i++)
		count += component->ops[i].origin->rule_count;
	mentions->sorted = memory_new_array(count, sizeof *mentions->sorted);
	mentions->depends_until = memory_new_array(component->key_count, sizeof *mentions->depends_until);
	mentions->count = 0;
	for (size_t i = 0; i < component->count; i++) {
		const struct component_op *op = &component->ops[i];
		for (size_t j = 0; j < op->origin->rule_count; j++) {
			const struct history_rule *rule = &op->rules[j];
			uint64_t *until = &mentions->depends_until[rule->key];
			mentions->sorted[mentions->count++] = (struct mention){rule->key, rule->value, i, rule->kind};
			uint64_t after = op->ret == HISTORY_NEVER ? op->ret : op->ret + 1;
			if (mention_depends(op, rule) && after > *until)
				*until = after;
		}
	}
	qsort(mentions->sorted, mentions->count, sizeof *mentions->sorted, mention_compare);
}

static void mentions_fini(struct mentions *mentions)
{
	free(mentions->sorted);
	free(mentions->depends_until);
}

struct sighting {               /* of a key's value, by all operations but one */
	size_t setters, setter; /* how many have set it, the beginning too, and the last of them */
	bool is_wanted;
	uint64_t seen; /* the first return of one that saw it; HISTORY_NEVER: nobody did */
};

/* The first mention of that key and value. */
static size_t mentions_find(const struct mentions *mentions, const struct history_rule *rule)
{
	const struct mention wanted = {.key = rule->key, .value = rule->value};
	size_t low = 0, high = mentions->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (mention_compare(&mentions->sorted[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct sighting mentions_sight(const struct mentions *mentions, const struct component *component, size_t op,
                                      const struct history_rule *rule)
{
	bool is_in_beginning = component->begin[rule->key] == rule->value;
	struct sighting sighting = {.setters = is_in_beginning, .seen = HISTORY_NEVER};
	for (size_t i = mentions_find(mentions, rule); i < mentions->count; i++) {
		const struct mention *mention = &mentions->sorted[i];
		if (mention->key != rule->key || mention->value != rule->value)
			break;
		const struct component_op *other = &component->ops[mention->op];
		if (mention->op == op)
			continue;
		if (mention->kind == HISTORY_SET) {
			sighting.setters++;
			sighting.setter = mention->op;
		}
		if (mention->kind != HISTORY_IS || other->outcome == HISTORY_REFUSED)
			continue;
		sighting.is_wanted = true;
		if (other->outcome == HISTORY_DONE && other->ret < sighting.seen)
			sighting.seen = other->ret;
	}
	return sighting;
}

enum decision { REDUCE_KEEPS, REDUCE_TIGHTENS, REDUCE_LEAVES_OUT };

struct reduction {
	enum decision decision;
	uint64_t call, ret;
};

/* An effect has happened by the time at which the first that saw it returned. */
static void reduce_effect(const struct mentions *mentions, const struct component *component, size_t number,
                          struct reduction *reduction)
{
	const struct component_op *op = &component->ops[number];
	bool is_wanted = false;
	for (size_t i = 0; i < op->origin->rule_count; i++) {
		const struct history_rule *rule = &op->rules[i];
		if (rule->kind != HISTORY_SET)
			continue;
		struct sighting sighting = mentions_sight(mentions, component, number, rule);
		if (sighting.setters == 0 && sighting.seen < reduction->ret)
			reduction->ret = sighting.seen;
		is_wanted |= sighting.is_wanted || mentions->depends_until[rule->key] > op->call;
	}
	if (reduction->ret < op->call)
		reduction->ret = op->call; /* it was seen before it was called: the search will say so */
	if (reduction->ret < op->ret)
		reduction->decision = REDUCE_TIGHTENS;
	else if (op->outcome == HISTORY_UNKNOWN && !is_wanted)
		reduction->decision = REDUCE_LEAVES_OUT;
}

/* What was seen has happened no sooner than its only cause was called. */
static void reduce_looks(const struct mentions *mentions, const struct component *component, size_t number,
                         struct reduction *reduction)
{
	const struct component_op *op = &component->ops[number];
	for (size_t i = 0; i < op->origin->rule_count && op->outcome == HISTORY_DONE; i++) {
		const struct history_rule *rule = &op->rules[i];
		if (rule->kind != HISTORY_IS)
			continue;
		struct sighting sighting = mentions_sight(mentions, component, number, rule);
		uint64_t call = component->ops[sighting.setter].call;
		if (sighting.setters == 1 && component->begin[rule->key] != rule->value && call > reduction->call)
			reduction->call = call;
	}
	if (reduction->call > reduction->ret)
		reduction->call = reduction->ret; /* as above */
	if (reduction->call > op->call)
		reduction->decision = REDUCE_TIGHTENS;
}

/* True if it has decided something. */
static bool reduce_apply(struct component *component, const struct reduction *reductions)
{
	size_t kept = 0;
	bool decided = false;
	for (size_t i = 0; i < component->count; i++) {
		struct component_op op = component->ops[i];
		decided |= reductions[i].decision != REDUCE_KEEPS;
		if (reductions[i].decision == REDUCE_LEAVES_OUT)
			continue;
		op.call = reductions[i].call;
		op.ret = reductions[i].ret;
		if (op.ret != HISTORY_NEVER && op.outcome == HISTORY_UNKNOWN)
			op.outcome = HISTORY_DONE;
		component->ops[kept++] = op;
	}
	component->count = kept;
	return decided;
}

static bool reduce_round(struct component *component)
{
	struct mentions mentions;
	struct reduction *reductions = memory_new_array(component->count, sizeof *reductions);
	mentions_init(&mentions, component);
	for (size_t i = 0; i < component->count; i++) {
		const struct component_op *op = &component->ops[i];
		reductions[i] = (struct reduction){.call = op->call, .ret = op->ret};
		if (op->outcome != HISTORY_REFUSED && history_has_effect(op->origin))
			reduce_effect(&mentions, component, i, &reductions[i]);
		reduce_looks(&mentions, component, i, &reductions[i]);
	}
	bool decided = reduce_apply(component, reductions);
	mentions_fini(&mentions);
	free(reductions);
	return decided;
}

void component_reduce(struct component *component)
{
	for (int round = 0; round < REDUCE_ROUNDS_MAX && reduce_round(component); round++)
		;
}

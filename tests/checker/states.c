/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checker/states.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { STATES_MIN = 64 };

static uint64_t states_hash(const struct states *states, const uint64_t *values)
{
	uint64_t hash = 0;
	for (size_t i = 0; i < states->key_count; i++) {
		hash = (hash ^ values[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

const uint64_t *states_values(const struct states *states, uint32_t state)
{
	return &states->values[state * states->key_count];
}

static size_t states_slot(const struct states *states, const uint64_t *values)
{
	size_t mask = states->slot_count - 1, slot = (size_t)states_hash(states, values) & mask;
	for (; states->slots[slot] != 0; slot = (slot + 1) & mask)
		if (memcmp(states_values(states, states->slots[slot] - 1), values,
		           states->key_count * sizeof *values) == 0)
			break;
	return slot;
}

static void states_grow(struct states *states)
{
	states->capacity = states->capacity != 0 ? states->capacity * 2 : STATES_MIN;
	states->values = memory_resize(states->values, states->capacity * states->key_count, sizeof *states->values);
	free(states->slots);
	states->slot_count = states->capacity * 2;
	states->slots = memory_new_array(states->slot_count, sizeof *states->slots);
	for (uint32_t state = 0; state < states->count; state++)
		states->slots[states_slot(states, states_values(states, state))] = state + 1;
}

/* The number of what is in `next`. */
static uint32_t states_intern(struct states *states)
{
	if (states->count == states->capacity)
		states_grow(states);
	size_t slot = states_slot(states, states->next);
	if (states->slots[slot] == 0) {
		check(states->count < STATES_NONE - 1);
		memcpy(&states->values[states->count * states->key_count], states->next,
		       states->key_count * sizeof *states->next);
		states->slots[slot] = (uint32_t)++states->count;
	}
	return states->slots[slot] - 1;
}

void states_init(struct states *states, const struct component *component)
{
	*states = (struct states){.key_count = component->key_count};
	states->next = memory_dup(component->begin, component->key_count * sizeof *component->begin);
	states_intern(states);
}

void states_fini(struct states *states)
{
	free(states->values);
	free(states->next);
	free(states->slots);
}

static bool states_hold(const uint64_t *values, const struct component_op *op)
{
	for (size_t i = 0; i < op->origin->rule_count; i++)
		if (history_is_broken(&op->rules[i], values[op->rules[i].key]))
			return false;
	return true;
}

uint32_t states_after(struct states *states, uint32_t state, const struct component_op *op)
{
	const uint64_t *now = states_values(states, state);
	bool hold = states_hold(now, op);
	if (op->outcome == HISTORY_REFUSED)
		return hold ? STATES_NONE : state;
	if (!hold)
		return STATES_NONE;
	memcpy(states->next, now, states->key_count * sizeof *now);
	for (size_t i = 0; i < op->origin->rule_count; i++)
		if (op->rules[i].kind == HISTORY_SET)
			states->next[op->rules[i].key] = op->rules[i].value;
	uint32_t after = states_intern(states);
	return op->outcome == HISTORY_UNKNOWN && after == state ? STATES_NONE : after;
}

size_t states_size_bytes(const struct states *states)
{
	return states->capacity * (states->key_count * sizeof *states->values + 2 * sizeof *states->slots);
}

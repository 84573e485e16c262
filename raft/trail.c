/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/trail.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { RAFT_TRAIL_CAPACITY_MIN = 64 };

void raft_trail_init(struct raft_trail *trail, uint64_t base_index, uint64_t base_term)
{
	*trail = (struct raft_trail){.base_index = base_index, .base_term = base_term};
}

void raft_trail_fini(struct raft_trail *trail)
{
	free(trail->slots);
	*trail = (struct raft_trail){0};
}

uint64_t raft_trail_last(const struct raft_trail *trail)
{
	return trail->base_index + trail->count;
}

static struct raft_trail_slot *raft_trail_place(const struct raft_trail *trail, size_t nth)
{
	return &trail->slots[(trail->head + nth) & (trail->capacity - 1)];
}

const struct raft_trail_slot *raft_trail_slot(const struct raft_trail *trail, uint64_t index)
{
	check(index > trail->base_index && index <= raft_trail_last(trail));
	return raft_trail_place(trail, (size_t)(index - trail->base_index - 1));
}

uint64_t raft_trail_term(const struct raft_trail *trail, uint64_t index)
{
	if (index == trail->base_index)
		return trail->base_term;
	if (index < trail->base_index || index > raft_trail_last(trail))
		return 0;
	return raft_trail_slot(trail, index)->term;
}

uint64_t raft_trail_last_term(const struct raft_trail *trail)
{
	return raft_trail_term(trail, raft_trail_last(trail));
}

uint64_t raft_trail_hint(const struct raft_trail *trail, uint64_t index, uint64_t term)
{
	uint64_t low = trail->base_index;
	uint64_t high = index < raft_trail_last(trail) ? index : raft_trail_last(trail);
	if (high < low)
		return low;
	while (low < high) { /* terms do not decrease */
		uint64_t middle = high - (high - low) / 2;
		if (raft_trail_term(trail, middle) <= term)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void raft_trail_grow(struct raft_trail *trail)
{
	size_t capacity = trail->capacity != 0 ? trail->capacity * 2 : RAFT_TRAIL_CAPACITY_MIN;
	struct raft_trail_slot *slots = memory_new_array(capacity, sizeof *slots);
	for (size_t i = 0; i < trail->count; i++)
		slots[i] = *raft_trail_place(trail, i);
	free(trail->slots);
	trail->slots = slots;
	trail->capacity = capacity;
	trail->head = 0;
}

void raft_trail_append(struct raft_trail *trail, struct raft_trail_slot slot)
{
	check(trail->count < RAFT_TRAIL_ENTRIES_MAX);
	check(slot.term >= raft_trail_last_term(trail));
	if (trail->count == trail->capacity)
		raft_trail_grow(trail);
	*raft_trail_place(trail, trail->count) = slot;
	trail->count++;
}

void raft_trail_truncate(struct raft_trail *trail, uint64_t from)
{
	check(from > trail->base_index && from <= raft_trail_last(trail) + 1);
	trail->count = (size_t)(from - trail->base_index - 1);
}

void raft_trail_trim(struct raft_trail *trail, uint64_t index)
{
	check(index >= trail->base_index && index <= raft_trail_last(trail));
	uint64_t term = raft_trail_term(trail, index);
	size_t drop = (size_t)(index - trail->base_index);
	if (drop != 0)
		trail->head = (trail->head + drop) & (trail->capacity - 1);
	trail->count -= drop;
	trail->base_index = index;
	trail->base_term = term;
}

void raft_trail_reset(struct raft_trail *trail, uint64_t base_index, uint64_t base_term)
{
	trail->count = 0;
	trail->head = 0;
	trail->base_index = base_index;
	trail->base_term = base_term;
}

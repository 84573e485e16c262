/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "tests/sim/stack_world.h"

static struct {
	struct ledger_slot *slots;
	size_t capacity;
	uint64_t committed;
} ledger;

struct ledger_slot *ledger_at(uint64_t index)
{
	size_t before = ledger.capacity;
	if (index >= before) {
		ledger.capacity = (size_t)index * 2 + 256;
		ledger.slots = memory_resize(ledger.slots, ledger.capacity, sizeof *ledger.slots);
		memset(&ledger.slots[before], 0, (ledger.capacity - before) * sizeof *ledger.slots);
	}
	return &ledger.slots[index];
}

uint64_t ledger_committed(void)
{
	return ledger.committed;
}

struct ledger_entry ledger_entry_of(const struct raftlog_entry *entry)
{
	uint64_t fixed[] = {(uint64_t)entry->time_ns, entry->kind};
	uint32_t hash = crc32c(crc32c(0, bytes_of(fixed, sizeof fixed)), entry->payload);
	return (struct ledger_entry){.term = entry->term, .hash = hash, .kind = entry->kind};
}

/* Log matching by induction: the same entry, and the same term of the one before. */
static void ledger_match(unsigned node, struct ledger_slot *slot, size_t at, struct ledger_entry now,
                         const struct raftlog_entry *entry, uint64_t term_before)
{
	if (slot->known[at].hash != now.hash || slot->known[at].kind != now.kind)
		world_fail("n%u writes another entry at index %ju of term %ju than was written there before", node,
		           (uintmax_t)entry->index, (uintmax_t)entry->term);
	if (term_before != 0 && slot->terms_before[at] != 0 && slot->terms_before[at] != term_before)
		world_fail("n%u has another entry before index %ju of term %ju than others", node,
		           (uintmax_t)entry->index, (uintmax_t)entry->term);
	if (slot->terms_before[at] == 0)
		slot->terms_before[at] = term_before;
}

void ledger_know(unsigned node, const struct raftlog_entry *entry, uint64_t term_before)
{
	struct ledger_slot *slot = ledger_at(entry->index);
	struct ledger_entry now = ledger_entry_of(entry);
	for (size_t i = 0; i < slot->count; i++) {
		if (slot->known[i].term != entry->term)
			continue;
		ledger_match(node, slot, i, now, entry, term_before);
		return;
	}
	slot->known = memory_resize(slot->known, slot->count + 1, sizeof *slot->known);
	slot->terms_before = memory_resize(slot->terms_before, slot->count + 1, sizeof *slot->terms_before);
	slot->known[slot->count] = now;
	slot->terms_before[slot->count++] = term_before;
}

static const struct ledger_entry *ledger_find(const struct ledger_slot *slot, uint64_t term)
{
	for (size_t i = 0; i < slot->count; i++)
		if (slot->known[i].term == term)
			return &slot->known[i];
	return NULL;
}

bool ledger_commit(unsigned node, uint64_t index, uint64_t term, uint64_t by_term)
{
	struct ledger_slot *slot = ledger_at(index);
	if (slot->entry.term != 0) {
		if (slot->entry.term != term)
			world_fail("index %ju is committed with term %ju, and by n%u with term %ju", (uintmax_t)index,
			           (uintmax_t)slot->entry.term, node, (uintmax_t)term);
		return false;
	}
	const struct ledger_entry *entry = ledger_find(slot, term);
	if (entry == NULL)
		world_fail("n%u commits index %ju of term %ju, which nobody began to write", node, (uintmax_t)index,
		           (uintmax_t)term);
	slot->entry = *entry;
	slot->by_term = by_term;
	if (index > ledger.committed)
		ledger.committed = index;
	return true;
}

void ledger_sum(unsigned node, uint64_t index, uint64_t checksum)
{
	struct ledger_slot *slot = ledger_at(index);
	if (index == 0)
		return;
	if (slot->summed && slot->checksum != checksum)
		world_fail("the state of n%u after index %ju is not that of others", node, (uintmax_t)index);
	slot->summed = true;
	slot->checksum = checksum;
}

void ledger_begin(void)
{
	memset(&ledger, 0, sizeof ledger);
}

void ledger_end(void)
{
	for (size_t i = 0; i < ledger.capacity; i++) {
		free(ledger.slots[i].known);
		free(ledger.slots[i].terms_before);
	}
	free(ledger.slots);
}

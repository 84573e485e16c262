/* SPDX-License-Identifier: Apache-2.0 */
/* The log of the whole cluster as the checker knows it: each entry that any node ever wrote, and what was committed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/raftlog.h"

struct ledger_entry {
	uint64_t term;
	uint32_t hash;
	uint8_t kind;
};

struct ledger_slot {
	struct ledger_entry *known; /* one per term */
	uint64_t *terms_before;     /* of the entry before each; 0: not known */
	size_t count;
	struct ledger_entry entry; /* committed; term 0: not yet */
	uint64_t by_term;          /* the term in which it was */
	bool summed;
	uint64_t checksum; /* of the state after it */
};

void ledger_begin(void);
void ledger_end(void);
struct ledger_entry ledger_entry_of(const struct raftlog_entry *entry);
/* A node writes it, after one of that term; 0: not known. */
void ledger_know(unsigned node, const struct raftlog_entry *entry, uint64_t term_before);
/* True: it is the first node to commit that index. */
bool ledger_commit(unsigned node, uint64_t index, uint64_t term, uint64_t by_term);
uint64_t ledger_committed(void);
struct ledger_slot *ledger_at(uint64_t index);
/* The node's state after that index. */
void ledger_sum(unsigned node, uint64_t index, uint64_t checksum);

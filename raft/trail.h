/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trail of the log: of each entry only its term, kind and size. The bytes are the driver's.
 *
 * Invariants:
 *  1. It holds the entries base_index + 1 … base_index + count, without gaps.
 *  2. Terms do not decrease, and none is below base_term.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "raft/raft.h"

struct raft_trail_slot {
	uint64_t term;
	uint32_t size_bytes;
	uint8_t kind;
};

struct raft_trail {
	struct raft_trail_slot *slots; /* a ring */
	size_t capacity, head, count;
	uint64_t base_index, base_term;
};

/* The trail of an entry costs 16 bytes of memory; a driver that never trims is stopped here. */
enum { RAFT_TRAIL_ENTRIES_MAX = 1 << 26 };

void raft_trail_init(struct raft_trail *trail, uint64_t base_index, uint64_t base_term);
void raft_trail_fini(struct raft_trail *trail);

uint64_t raft_trail_last(const struct raft_trail *trail);
uint64_t raft_trail_last_term(const struct raft_trail *trail);
/* 0 when the entry is neither here nor the base. */
uint64_t raft_trail_term(const struct raft_trail *trail, uint64_t index);
/* base_index < index <= last */
const struct raft_trail_slot *raft_trail_slot(const struct raft_trail *trail, uint64_t index);
/* The greatest index <= `index` whose term is <= `term`; the base if there is none above it. */
uint64_t raft_trail_hint(const struct raft_trail *trail, uint64_t index, uint64_t term);

void raft_trail_append(struct raft_trail *trail, struct raft_trail_slot slot);
/* Drops the entries >= from; from > base_index. */
void raft_trail_truncate(struct raft_trail *trail, uint64_t from);
/* Drops the entries <= index, which becomes the base; it is in the trail, or the base already. */
void raft_trail_trim(struct raft_trail *trail, uint64_t index);
void raft_trail_reset(struct raft_trail *trail, uint64_t base_index, uint64_t base_term);

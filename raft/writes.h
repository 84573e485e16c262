/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writes that were asked of the driver and are not durable yet, and what is durable (thesis §10.2.1).
 *
 * Invariants:
 *  1. `durable` entries of the present log are on disk. A write that was asked for before a truncation stands for nothing
 *     at or above the cut when it completes, so that entries of a later log never pass for durable on its account.
 *  2. Ends do not decrease from the oldest pending write to the newest, and none is below `durable`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raft_write {
	uint64_t end; /* the last entry that is durable when it completes */
};

/* Appends are refused above it. A step makes at most one write; those of terms and votes are few. */
enum { RAFT_WRITES_PENDING_MAX = 4096, RAFT_WRITES_CAPACITY = 2 * RAFT_WRITES_PENDING_MAX };

struct raft_writes {
	uint64_t newest;     /* id of the newest write; 0: none yet */
	uint64_t done;       /* id of the newest durable one */
	uint64_t term_write; /* the newest that holds a change of term or vote */
	uint64_t durable;
	struct raft_write *ring; /* by id modulo capacity */
};

void raft_writes_init(struct raft_writes *writes, uint64_t durable);
void raft_writes_fini(struct raft_writes *writes);
bool raft_writes_are_full(const struct raft_writes *writes);
uint64_t raft_writes_begin(struct raft_writes *writes, uint64_t last_index);
void raft_writes_truncate(struct raft_writes *writes, uint64_t from);
/* The log was replaced by a snapshot at index, which is durable. */
void raft_writes_reset(struct raft_writes *writes, uint64_t index);
/* All up to id are durable; ids that are not pending are passed over. */
void raft_writes_complete(struct raft_writes *writes, uint64_t id);
bool raft_writes_term_is_durable(const struct raft_writes *writes);
/* The first write that makes index durable; 0: it is. */
uint64_t raft_writes_covering(const struct raft_writes *writes, uint64_t index);

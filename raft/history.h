/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configurations that the log holds, with their indexes: the configuration is a function of the log (thesis §4.1), so
 * that a truncation takes back what it removes.
 *
 * Invariants: there is always a first one, at or below the base of the log; indexes ascend.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "raft/raft.h"

struct raft_history_item {
	uint64_t index;
	struct raft_config config;
};

struct raft_history {
	struct raft_history_item *items;
	size_t count, capacity;
	uint64_t generation; /* grows with each change of the latest */
};

/* ERR_CORRUPT: the payload is no configuration. */
enum err raft_history_init(struct raft_history *history, uint64_t index, struct bytes payload) MUST_USE;
void raft_history_fini(struct raft_history *history);

/* The latest, committed or not. */
const struct raft_history_item *raft_history_now(const struct raft_history *history);
/* The latest at or below index; the first one if all are above. */
const struct raft_history_item *raft_history_at(const struct raft_history *history, uint64_t index);

/* index is above all others. ERR_CORRUPT leaves it as it was. */
enum err raft_history_append(struct raft_history *history, uint64_t index, struct bytes payload) MUST_USE;
void raft_history_truncate(struct raft_history *history, uint64_t from);
/* The latest at or below index becomes the first. */
void raft_history_trim(struct raft_history *history, uint64_t index);
enum err raft_history_reset(struct raft_history *history, uint64_t index, struct bytes payload) MUST_USE;

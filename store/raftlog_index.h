/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where entries are: a point for every 64 KiB of log, not a struct per entry.
 *
 * Invariants:
 *  1. Points ascend by index.
 *  2. Each segment's first entry has a point, and so has the first entry after a truncation. So from a point on, until the
 *     next point's index, the entries lie in one segment in a row, and none of them was dropped later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/raftlog_deque.h"

struct raftlog_point {
	uint64_t index, segment, offset; /* of the entry's record */
};

struct raftlog_index {
	struct raftlog_deque points;
	bool truncated; /* since the last entry */
};

void raftlog_index_init(struct raftlog_index *index);
void raftlog_index_fini(struct raftlog_index *index);
void raftlog_index_clear(struct raftlog_index *index);
/* The entry after the last one. */
void raftlog_index_add(struct raftlog_index *index, const struct raftlog_point *entry);
/* Forgets entries >= from. */
void raftlog_index_truncate(struct raftlog_index *index, uint64_t from);
/* Forgets what only entries < first need. */
void raftlog_index_trim(struct raftlog_index *index, uint64_t first);
/* The last point that is not after `entry`, which is in the log; *ret_limit: the next point's index, or UINT64_MAX. */
struct raftlog_point raftlog_index_find(const struct raftlog_index *index, uint64_t entry, uint64_t *ret_limit);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest entries in memory, as the bytes of their batches: what peers and the state machine read is nearly always what
 * was written a moment ago, and the log is written past the page cache. Bounded in bytes; the oldest batches go first.
 */
#pragma once

#include "base/bytes.h"
#include "store/raftlog_deque.h"

struct raftlog_chunk {
	uint64_t first; /* index of its first entry */
	uint64_t count; /* entries that are still valid */
	uint32_t salt;
	size_t size_bytes;
	uint8_t *records; /* entry records in a row */
};

struct raftlog_cache {
	struct raftlog_deque chunks;
	size_t size_bytes;
};

void raftlog_cache_init(struct raftlog_cache *cache);
void raftlog_cache_fini(struct raftlog_cache *cache);
void raftlog_cache_clear(struct raftlog_cache *cache);
/* The entries after the last ones: `count` records, copied. */
void raftlog_cache_add(struct raftlog_cache *cache, uint64_t first, uint64_t count, uint32_t salt,
                       struct bytes records);
/* Forgets entries >= from. */
void raftlog_cache_truncate(struct raftlog_cache *cache, uint64_t from);
/* The chunk that holds the entry, or NULL. Lent until the cache changes. */
const struct raftlog_chunk *raftlog_cache_find(const struct raftlog_cache *cache, uint64_t entry);

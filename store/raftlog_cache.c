/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raftlog_cache.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum {
	CACHE_BYTES_MAX = 8 << 20,       /* some seconds of a busy node: a follower further behind reads the disk */
	CACHE_CHUNK_BYTES_MAX = 2 << 20, /* one large value must not push everything else out */
};

void raftlog_cache_init(struct raftlog_cache *cache)
{
	raftlog_deque_init(&cache->chunks, sizeof(struct raftlog_chunk));
	cache->size_bytes = 0;
}

void raftlog_cache_fini(struct raftlog_cache *cache)
{
	raftlog_cache_clear(cache);
	raftlog_deque_fini(&cache->chunks);
}

static size_t cache_cost(const struct raftlog_chunk *chunk)
{
	return sizeof *chunk + chunk->size_bytes;
}

static void cache_drop_first(struct raftlog_cache *cache)
{
	struct raftlog_chunk *chunk = raftlog_deque_at(&cache->chunks, 0);
	cache->size_bytes -= cache_cost(chunk);
	free(chunk->records);
	raftlog_deque_drop_first(&cache->chunks);
}

void raftlog_cache_clear(struct raftlog_cache *cache)
{
	while (cache->chunks.count > 0)
		cache_drop_first(cache);
}

void raftlog_cache_add(struct raftlog_cache *cache, uint64_t first, uint64_t count, uint32_t salt, struct bytes records)
{
	if (records.size > CACHE_CHUNK_BYTES_MAX) { /* older entries would no longer meet the newest */
		raftlog_cache_clear(cache);
		return;
	}
	const struct raftlog_chunk *last = raftlog_deque_last(&cache->chunks);
	check(last == NULL || last->first + last->count == first);
	struct raftlog_chunk *chunk = raftlog_deque_push(&cache->chunks);
	*chunk = (struct raftlog_chunk){.first = first,
	                                .count = count,
	                                .salt = salt,
	                                .size_bytes = records.size,
	                                .records = memory_dup(records.data, records.size)};
	cache->size_bytes += cache_cost(chunk);
	while (cache->size_bytes > CACHE_BYTES_MAX)
		cache_drop_first(cache);
}

void raftlog_cache_truncate(struct raftlog_cache *cache, uint64_t from)
{
	struct raftlog_chunk *last;
	while ((last = raftlog_deque_last(&cache->chunks)) != NULL && last->first >= from) {
		cache->size_bytes -= cache_cost(last);
		free(last->records);
		raftlog_deque_drop_last(&cache->chunks);
	}
	if (last != NULL && last->first + last->count > from)
		last->count = from - last->first;
}

const struct raftlog_chunk *raftlog_cache_find(const struct raftlog_cache *cache, uint64_t entry)
{
	size_t low = 0, high = cache->chunks.count; /* the answer is at low - 1 */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct raftlog_chunk *chunk = raftlog_deque_at(&cache->chunks, middle);
		if (chunk->first <= entry)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	const struct raftlog_chunk *chunk = raftlog_deque_at(&cache->chunks, low - 1);
	return entry < chunk->first + chunk->count ? chunk : NULL;
}

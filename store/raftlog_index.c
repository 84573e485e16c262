/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raftlog_index.h"

#include "base/check.h"

enum { INDEX_STRIDE_BYTES = 64 << 10 }; /* what a read of one entry has to read at most, but for large entries */

void raftlog_index_init(struct raftlog_index *index)
{
	raftlog_deque_init(&index->points, sizeof(struct raftlog_point));
	index->truncated = false;
}

void raftlog_index_fini(struct raftlog_index *index)
{
	raftlog_deque_fini(&index->points);
}

void raftlog_index_clear(struct raftlog_index *index)
{
	raftlog_index_fini(index);
	raftlog_index_init(index);
}

void raftlog_index_add(struct raftlog_index *index, const struct raftlog_point *entry)
{
	const struct raftlog_point *last = raftlog_deque_last(&index->points);
	if (last != NULL && !index->truncated && last->segment == entry->segment &&
	    entry->offset - last->offset < INDEX_STRIDE_BYTES)
		return;
	check(last == NULL || last->index < entry->index);
	*(struct raftlog_point *)raftlog_deque_push(&index->points) = *entry;
	index->truncated = false;
}

void raftlog_index_truncate(struct raftlog_index *index, uint64_t from)
{
	const struct raftlog_point *last;
	while ((last = raftlog_deque_last(&index->points)) != NULL && last->index >= from)
		raftlog_deque_drop_last(&index->points);
	index->truncated = true;
}

void raftlog_index_trim(struct raftlog_index *index, uint64_t first)
{
	while (index->points.count >= 2 &&
	       ((const struct raftlog_point *)raftlog_deque_at(&index->points, 1))->index <= first)
		raftlog_deque_drop_first(&index->points);
}

struct raftlog_point raftlog_index_find(const struct raftlog_index *index, uint64_t entry, uint64_t *ret_limit)
{
	size_t low = 0, high = index->points.count; /* the answer is at low - 1 */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct raftlog_point *point = raftlog_deque_at(&index->points, middle);
		if (point->index <= entry)
			low = middle + 1;
		else
			high = middle;
	}
	check(low > 0);
	*ret_limit = UINT64_MAX;
	if (low < index->points.count)
		*ret_limit = ((const struct raftlog_point *)raftlog_deque_at(&index->points, low))->index;
	return *(const struct raftlog_point *)raftlog_deque_at(&index->points, low - 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/range_counts.h"

#include <stdlib.h>

#include "base/memory.h"

struct range_count {
	uint8_t *bytes; /* start and end, one behind the other; NULL: none */
	size_t start_size, end_size;
	int64_t revision, count;
};

struct range_counts {
	struct range_count all[RANGE_COUNTS_MAX];
	size_t next; /* to be forgotten */
};

struct range_counts *range_counts_new(void)
{
	return memory_new(sizeof(struct range_counts));
}

void range_counts_free(struct range_counts *counts)
{
	for (size_t at = 0; at < RANGE_COUNTS_MAX; at++)
		free(counts->all[at].bytes);
	free(counts);
}

static struct range_count *range_counts_slot(struct range_counts *counts, struct bytes start, struct bytes end,
                                             int64_t revision)
{
	for (size_t at = 0; at < RANGE_COUNTS_MAX; at++) {
		struct range_count *slot = &counts->all[at];
		if (slot->bytes != NULL && slot->revision == revision &&
		    bytes_equal(bytes_of(slot->bytes, slot->start_size), start) &&
		    bytes_equal(bytes_of(slot->bytes + slot->start_size, slot->end_size), end))
			return slot;
	}
	return NULL;
}

void range_counts_note(struct range_counts *counts, struct bytes start, struct bytes end, int64_t revision,
                       int64_t count)
{
	if (range_counts_slot(counts, start, end, revision) != NULL)
		return; /* it was counted before, and is the same */
	struct range_count *slot = &counts->all[counts->next];
	counts->next = (counts->next + 1) % RANGE_COUNTS_MAX;
	free(slot->bytes);
	*slot = (struct range_count){.bytes = memory_new(start.size + end.size),
	                             .start_size = start.size,
	                             .end_size = end.size,
	                             .revision = revision,
	                             .count = count};
	memcpy(slot->bytes, start.data, start.size);
	memcpy(slot->bytes + start.size, end.data, end.size);
}

int64_t range_counts_find(struct range_counts *counts, struct bytes start, struct bytes end, int64_t revision)
{
	const struct range_count *slot = range_counts_slot(counts, start, end, revision);
	return slot != NULL ? slot->count : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/draft.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void draft_init(struct draft *draft, struct bytes base)
{
	*draft = (struct draft){.kept = SIZE_MAX, .appended_from = DRAFT_NOTHING_APPENDED};
	if (base.size != 0)
		draft->content = memory_dup(base.data, base.size);
	draft->size = draft->capacity = base.size;
}

void draft_fini(struct draft *draft)
{
	free(draft->content);
	free(draft->extents);
	*draft = (struct draft){.kept = SIZE_MAX, .appended_from = DRAFT_NOTHING_APPENDED};
}

void draft_settle(struct draft *draft)
{
	draft->extent_count = 0;
	draft->kept = SIZE_MAX;
	draft->resized = false;
	draft->appended_from = DRAFT_NOTHING_APPENDED;
}

bool draft_is_clean(const struct draft *draft)
{
	return draft->extent_count == 0 && !draft->resized && draft->appended_from == DRAFT_NOTHING_APPENDED;
}

bool draft_is_append(const struct draft *draft)
{
	return draft->extent_count == 0 && !draft->resized && draft->appended_from != DRAFT_NOTHING_APPENDED;
}

/* Grows with zeros. */
static void draft_reach(struct draft *draft, size_t size)
{
	if (size <= draft->size)
		return;
	if (size > draft->capacity) {
		size_t capacity = draft->capacity + draft->capacity / 2;
		draft->capacity = capacity > size ? capacity : size;
		draft->content = memory_resize(draft->content, draft->capacity, 1);
	}
	memset(draft->content + draft->size, 0, size - draft->size);
	draft->size = size;
}

static void extents_merge_nearest(struct draft *draft)
{
	size_t best = 0;
	for (size_t i = 1; i + 1 < draft->extent_count; i++)
		if (draft->extents[i + 1].start - draft->extents[i].end <
		    draft->extents[best + 1].start - draft->extents[best].end)
			best = i;
	draft->extents[best].end = draft->extents[best + 1].end;
	memmove(&draft->extents[best + 1], &draft->extents[best + 2],
	        (draft->extent_count - best - 2) * sizeof *draft->extents);
	draft->extent_count--;
}

static void extents_add(struct draft *draft, struct extent extent)
{
	size_t first = 0, after;
	while (first < draft->extent_count && draft->extents[first].end < extent.start)
		first++;
	for (after = first; after < draft->extent_count && draft->extents[after].start <= extent.end; after++) {
		if (draft->extents[after].start < extent.start)
			extent.start = draft->extents[after].start;
		if (draft->extents[after].end > extent.end)
			extent.end = draft->extents[after].end;
	}
	if (draft->extent_count == draft->extent_capacity) {
		draft->extent_capacity = draft->extent_capacity ? draft->extent_capacity * 2 : 4;
		draft->extents = memory_resize(draft->extents, draft->extent_capacity, sizeof *draft->extents);
	}
	memmove(&draft->extents[first + 1], &draft->extents[after],
	        (draft->extent_count - after) * sizeof *draft->extents);
	draft->extents[first] = extent;
	draft->extent_count += first + 1 - after;
	if (draft->extent_count > DRAFT_EXTENTS_MAX)
		extents_merge_nearest(draft);
}

void draft_write(struct draft *draft, size_t offset, struct bytes data)
{
	if (data.size == 0)
		return;
	draft_reach(draft, offset + data.size);
	memcpy(draft->content + offset, data.data, data.size);
	extents_add(draft, (struct extent){offset, offset + data.size});
}

void draft_append(struct draft *draft, struct bytes data)
{
	if (data.size == 0)
		return;
	if (draft->appended_from == DRAFT_NOTHING_APPENDED)
		draft->appended_from = draft->size;
	size_t offset = draft->size;
	draft_reach(draft, offset + data.size);
	memcpy(draft->content + offset, data.data, data.size);
}

void draft_resize(struct draft *draft, size_t size)
{
	if (size < draft->kept)
		draft->kept = size;
	if (draft->appended_from != DRAFT_NOTHING_APPENDED && draft->appended_from > size)
		draft->appended_from = DRAFT_NOTHING_APPENDED;
	while (draft->extent_count != 0 && draft->extents[draft->extent_count - 1].start >= size)
		draft->extent_count--;
	if (draft->extent_count != 0 && draft->extents[draft->extent_count - 1].end > size)
		draft->extents[draft->extent_count - 1].end = size;
	draft_reach(draft, size);
	draft->size = size;
	draft->resized = true;
}

struct bytes draft_content(const struct draft *draft)
{
	return bytes_of(draft->content, draft->size);
}

static size_t least(size_t left, size_t right)
{
	return left < right ? left : right;
}

struct bytes draft_lay(const struct draft *draft, struct bytes base, struct arena *arena)
{
	/* What was appended comes after all else, and the rest is as if it had not been. */
	size_t own_size = least(draft->size, draft->appended_from), tail_size = draft->size - own_size;
	size_t base_size = least(base.size, draft->kept), head_size = own_size;
	if (!draft->resized) {
		head_size = base_size;
		if (draft->extent_count != 0 && draft->extents[draft->extent_count - 1].end > head_size)
			head_size = least(draft->extents[draft->extent_count - 1].end, own_size);
	}
	if (head_size < base_size && !draft->resized)
		head_size = base_size;
	uint8_t *laid = arena_zero(arena, head_size + tail_size, 1);
	if (base_size != 0)
		memcpy(laid, base.data, least(base_size, head_size));
	for (size_t i = 0; i < draft->extent_count; i++) {
		size_t end = least(draft->extents[i].end, own_size);
		if (draft->extents[i].start < end)
			memcpy(laid + draft->extents[i].start, draft->content + draft->extents[i].start,
			       end - draft->extents[i].start);
	}
	if (tail_size != 0)
		memcpy(laid + head_size, draft->content + own_size, tail_size);
	return bytes_of(laid, head_size + tail_size);
}

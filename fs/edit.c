/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/edit.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void edit_init(struct edit *edit, struct bytes base)
{
	*edit = (struct edit){.kept = SIZE_MAX, .appended_from = EDIT_NOTHING_APPENDED};
	if (base.size != 0)
		edit->content = memory_dup(base.data, base.size);
	edit->size = edit->capacity = base.size;
}

void edit_fini(struct edit *edit)
{
	free(edit->content);
	free(edit->extents);
	*edit = (struct edit){.kept = SIZE_MAX, .appended_from = EDIT_NOTHING_APPENDED};
}

void edit_settle(struct edit *edit)
{
	edit->extent_count = 0;
	edit->kept = SIZE_MAX;
	edit->resized = false;
	edit->appended_from = EDIT_NOTHING_APPENDED;
}

bool edit_is_clean(const struct edit *edit)
{
	return edit->extent_count == 0 && !edit->resized && edit->appended_from == EDIT_NOTHING_APPENDED;
}

bool edit_is_append(const struct edit *edit)
{
	return edit->extent_count == 0 && !edit->resized && edit->appended_from != EDIT_NOTHING_APPENDED;
}

/* Grows with zeros. */
static void edit_reach(struct edit *edit, size_t size)
{
	if (size <= edit->size)
		return;
	if (size > edit->capacity) {
		size_t capacity = edit->capacity + edit->capacity / 2;
		edit->capacity = capacity > size ? capacity : size;
		edit->content = memory_resize(edit->content, edit->capacity, 1);
	}
	memset(edit->content + edit->size, 0, size - edit->size);
	edit->size = size;
}

static void extents_merge_nearest(struct edit *edit)
{
	size_t best = 0;
	for (size_t i = 1; i + 1 < edit->extent_count; i++)
		if (edit->extents[i + 1].start - edit->extents[i].end <
		    edit->extents[best + 1].start - edit->extents[best].end)
			best = i;
	edit->extents[best].end = edit->extents[best + 1].end;
	memmove(&edit->extents[best + 1], &edit->extents[best + 2],
	        (edit->extent_count - best - 2) * sizeof *edit->extents);
	edit->extent_count--;
}

static void extents_add(struct edit *edit, struct extent extent)
{
	size_t first = 0, after;
	while (first < edit->extent_count && edit->extents[first].end < extent.start)
		first++;
	for (after = first; after < edit->extent_count && edit->extents[after].start <= extent.end; after++) {
		if (edit->extents[after].start < extent.start)
			extent.start = edit->extents[after].start;
		if (edit->extents[after].end > extent.end)
			extent.end = edit->extents[after].end;
	}
	if (edit->extent_count == edit->extent_capacity) {
		edit->extent_capacity = edit->extent_capacity ? edit->extent_capacity * 2 : 4;
		edit->extents = memory_resize(edit->extents, edit->extent_capacity, sizeof *edit->extents);
	}
	memmove(&edit->extents[first + 1], &edit->extents[after], (edit->extent_count - after) * sizeof *edit->extents);
	edit->extents[first] = extent;
	edit->extent_count += first + 1 - after;
	if (edit->extent_count > EDIT_EXTENTS_MAX)
		extents_merge_nearest(edit);
}

void edit_write(struct edit *edit, size_t offset, struct bytes data)
{
	if (data.size == 0)
		return;
	edit_reach(edit, offset + data.size);
	memcpy(edit->content + offset, data.data, data.size);
	extents_add(edit, (struct extent){offset, offset + data.size});
}

void edit_append(struct edit *edit, struct bytes data)
{
	if (data.size == 0)
		return;
	if (edit->appended_from == EDIT_NOTHING_APPENDED)
		edit->appended_from = edit->size;
	size_t offset = edit->size;
	edit_reach(edit, offset + data.size);
	memcpy(edit->content + offset, data.data, data.size);
}

void edit_resize(struct edit *edit, size_t size)
{
	if (size < edit->kept)
		edit->kept = size;
	if (edit->appended_from != EDIT_NOTHING_APPENDED && edit->appended_from > size)
		edit->appended_from = EDIT_NOTHING_APPENDED;
	while (edit->extent_count != 0 && edit->extents[edit->extent_count - 1].start >= size)
		edit->extent_count--;
	if (edit->extent_count != 0 && edit->extents[edit->extent_count - 1].end > size)
		edit->extents[edit->extent_count - 1].end = size;
	edit_reach(edit, size);
	edit->size = size;
	edit->resized = true;
}

struct bytes edit_content(const struct edit *edit)
{
	return bytes_of(edit->content, edit->size);
}

static size_t least(size_t left, size_t right)
{
	return left < right ? left : right;
}

struct bytes edit_lay(const struct edit *edit, struct bytes base, struct arena *arena)
{
	/* What was appended comes after all else, and the rest is as if it had not been. */
	size_t own_size = least(edit->size, edit->appended_from), tail_size = edit->size - own_size;
	size_t base_size = least(base.size, edit->kept), head_size = own_size;
	if (!edit->resized) {
		head_size = base_size;
		if (edit->extent_count != 0 && edit->extents[edit->extent_count - 1].end > head_size)
			head_size = least(edit->extents[edit->extent_count - 1].end, own_size);
	}
	if (head_size < base_size && !edit->resized)
		head_size = base_size;
	uint8_t *laid = arena_zero(arena, head_size + tail_size, 1);
	if (base_size != 0)
		memcpy(laid, base.data, least(base_size, head_size));
	for (size_t i = 0; i < edit->extent_count; i++) {
		size_t end = least(edit->extents[i].end, own_size);
		if (edit->extents[i].start < end)
			memcpy(laid + edit->extents[i].start, edit->content + edit->extents[i].start,
			       end - edit->extents[i].start);
	}
	if (tail_size != 0)
		memcpy(laid + head_size, edit->content + own_size, tail_size);
	return bytes_of(laid, head_size + tail_size);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/entry.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { WINDOW_CAPACITY_MIN = 64 };

struct blob *blob_new(struct bytes content)
{
	check(content.size <= UINT32_MAX);
	if (content.size == 0)
		return NULL;
	struct blob *blob = memory_resize(NULL, sizeof *blob + content.size, 1);
	atomic_init(&blob->refs, 1);
	blob->size = (uint32_t)content.size;
	memcpy(blob->data, content.data, content.size);
	return blob;
}

struct blob *blob_ref(struct blob *blob)
{
	if (blob != NULL)
		atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
	return blob;
}

void blob_unref(struct blob *blob)
{
	if (blob != NULL && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1)
		free(blob);
}

struct bytes blob_bytes(const struct blob *blob)
{
	return blob != NULL ? bytes_of(blob->data, blob->size) : BYTES_NONE;
}

struct bytes entry_payload(const struct entry *entry)
{
	return blob_bytes(entry->blob);
}

void window_init(struct window *window, uint64_t next)
{
	*window = (struct window){.first = next, .next = next};
}

static struct entry *window_slot(const struct window *window, uint64_t index)
{
	check(index >= window->first && index < window->next);
	return &window->ring[index & (window->capacity - 1)];
}

static void window_forget(struct window *window, uint64_t index)
{
	struct entry *entry = window_slot(window, index);
	window->size_bytes -= entry_payload(entry).size;
	blob_unref(entry->blob);
	entry->blob = NULL;
}

void window_restart(struct window *window, uint64_t next)
{
	for (uint64_t index = window->first; index < window->next; index++)
		window_forget(window, index);
	window->first = window->next = next;
	check(window->size_bytes == 0);
}

void window_fini(struct window *window)
{
	window_restart(window, window->next);
	free(window->ring);
	window_init(window, 0);
}

static void window_grow(struct window *window)
{
	size_t capacity = window->capacity != 0 ? window->capacity * 2 : WINDOW_CAPACITY_MIN;
	struct entry *ring = memory_new_array(capacity, sizeof *ring);
	for (uint64_t index = window->first; index < window->next; index++)
		ring[index & (capacity - 1)] = *window_slot(window, index);
	free(window->ring);
	window->ring = ring;
	window->capacity = capacity;
}

void window_append(struct window *window, struct entry entry)
{
	check(entry.index == window->next);
	if (window->next - window->first == window->capacity)
		window_grow(window);
	window->next++;
	*window_slot(window, entry.index) = entry;
	window->size_bytes += entry_payload(&entry).size;
}

void window_truncate(struct window *window, uint64_t index)
{
	if (index <= window->first) {
		window_restart(window, index);
		return;
	}
	while (window->next > index) {
		window_forget(window, window->next - 1);
		window->next--;
	}
	check(window->next == index);
}

void window_shrink(struct window *window, uint64_t durable)
{
	while (window->first < window->next && window->first <= durable &&
	       (window->next - window->first > WINDOW_ENTRIES_MAX || window->size_bytes > WINDOW_BYTES_MAX)) {
		window_forget(window, window->first);
		window->first++;
	}
}

const struct entry *window_find(const struct window *window, uint64_t index)
{
	return index >= window->first && index < window->next ? window_slot(window, index) : NULL;
}

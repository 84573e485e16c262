/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

enum {
	ARENA_BLOCK_BYTES_MIN = 4096,
	ARENA_SPARES_MAX = 256, /* of a thread: some calls for each of a hundred clients */
	ARENA_ITEMS_MIN = 8,    /* a power of two: what is full is told by the number alone */
	ARENA_ALIGNMENT = _Alignof(max_align_t),
};

struct arena_block {
	struct arena_block *older;
	size_t size_bytes, used_bytes;
	_Alignas(max_align_t) uint8_t data[];
};

/* ---- blocks ---- */

/* Most arenas are one block for one request, and the allocator would merge and split its blocks each time. So those that were given
 * back wait on their thread for the next arena, except where each use after its end is to be found. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_KEEPS_SPARES false
#elif defined(__has_feature)
#define ARENA_KEEPS_SPARES (!__has_feature(address_sanitizer) && !__has_feature(memory_sanitizer))
#else
#define ARENA_KEEPS_SPARES true
#endif

struct spares {
	struct arena_block *newest;
	size_t count;
	bool known; /* to the thread's end */
};
static _Thread_local struct spares spares;
static pthread_key_t spares_key;
static pthread_once_t spares_once = PTHREAD_ONCE_INIT;

static void spares_free(void *argument)
{
	struct spares *of_thread = argument;
	while (of_thread->newest != NULL) {
		struct arena_block *older = of_thread->newest->older;
		free(of_thread->newest);
		of_thread->newest = older;
	}
	*of_thread = (struct spares){0};
}

static void spares_init(void)
{
	int failed = pthread_key_create(&spares_key, spares_free);
	check(failed == 0);
}

static void spares_know(void)
{
	pthread_once(&spares_once, spares_init);
	int failed = pthread_setspecific(spares_key, &spares);
	check(failed == 0);
	spares.known = true;
}

static struct arena_block *arena_block_new(size_t capacity)
{
	struct arena_block *block = spares.newest;
	if (capacity == ARENA_BLOCK_BYTES_MIN && block != NULL) {
		spares.newest = block->older;
		spares.count--;
		return block;
	}
	return memory_resize(NULL, 1, sizeof *block + capacity);
}

static void arena_block_free(struct arena_block *block)
{
	if (!ARENA_KEEPS_SPARES || block->size_bytes != ARENA_BLOCK_BYTES_MIN || spares.count == ARENA_SPARES_MAX) {
		free(block);
		return;
	}
	if (!spares.known)
		spares_know();
	block->older = spares.newest;
	spares.newest = block;
	spares.count++;
}

/* ---- arenas ---- */

void arena_init(struct arena *arena)
{
	arena->newest = NULL;
}

static void arena_free_from(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *older = block->older;
		arena_block_free(block);
		block = older;
	}
}

void arena_fini(struct arena *arena)
{
	arena_free_from(arena->newest);
	arena->newest = NULL;
}

void arena_reset(struct arena *arena)
{
	if (arena->newest == NULL)
		return;
	arena_free_from(arena->newest->older); /* blocks double, so the newest is the largest */
	arena->newest->older = NULL;
	arena->newest->used_bytes = 0;
}

static void arena_grow(struct arena *arena, size_t size_bytes)
{
	size_t capacity = arena->newest != NULL ? arena->newest->size_bytes * 2 : ARENA_BLOCK_BYTES_MIN;
	if (capacity < size_bytes)
		capacity = size_bytes;
	check(capacity < SIZE_MAX - sizeof(struct arena_block));
	struct arena_block *block = arena_block_new(capacity);
	*block = (struct arena_block){.older = arena->newest, .size_bytes = capacity};
	arena->newest = block;
}

void *arena_take(struct arena *arena, size_t size_bytes)
{
	check(size_bytes < SIZE_MAX - ARENA_ALIGNMENT);
	size_t rounded = (size_bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
	struct arena_block *block = arena->newest;
	if (block == NULL || block->size_bytes - block->used_bytes < rounded) {
		arena_grow(arena, rounded);
		block = arena->newest;
	}
	void *memory = block->data + block->used_bytes;
	block->used_bytes += rounded;
	return memory;
}

void *arena_zero(struct arena *arena, size_t count, size_t element_bytes)
{
	check(element_bytes == 0 || count <= SIZE_MAX / 2 / element_bytes);
	void *memory = arena_take(arena, count * element_bytes);
	return memset(memory, 0, count * element_bytes);
}

void *arena_more(struct arena *arena, void *items, size_t count, size_t element_bytes)
{
	bool is_full = count == 0 || (count >= ARENA_ITEMS_MIN && (count & (count - 1)) == 0);
	if (!is_full)
		return items;
	void *more = arena_take(arena, (count != 0 ? 2 * count : ARENA_ITEMS_MIN) * element_bytes);
	if (count != 0)
		memcpy(more, items, count * element_bytes);
	return more;
}

struct bytes arena_dup(struct arena *arena, struct bytes bytes)
{
	if (bytes.size == 0)
		return BYTES_NONE;
	return bytes_of(memcpy(arena_take(arena, bytes.size), bytes.data, bytes.size), bytes.size);
}

char *arena_dup_string(struct arena *arena, struct bytes bytes)
{
	char *string = arena_take(arena, bytes.size + 1);
	if (bytes.size != 0)
		memcpy(string, bytes.data, bytes.size);
	string[bytes.size] = '\0';
	return string;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	check(length >= 0);
	char *text = arena_take(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

size_t arena_size_bytes(const struct arena *arena)
{
	size_t size_bytes = 0;
	for (const struct arena_block *block = arena->newest; block != NULL; block = block->older)
		size_bytes += block->size_bytes;
	return size_bytes;
}

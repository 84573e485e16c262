/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bump allocator: one per request or per step, everything in it is freed at once. Not thread-safe.
 * A thread keeps some blocks for its next arenas. Memory from it is aligned for any type and lives until arena_reset() or arena_fini().
 */
#pragma once

#include <stddef.h>

#include "base/bytes.h"

struct arena_block;

struct arena {
	struct arena_block *newest;
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);
/* Forgets all memory, keeps the largest block for reuse. */
void arena_reset(struct arena *arena);

void *arena_take(struct arena *arena, size_t size_bytes); /* not zeroed */
void *arena_zero(struct arena *arena, size_t count, size_t element_bytes);
/* An array of `count` elements, with room for one more behind them: the same, or a larger copy (they double). items: what the last call
 * gave, NULL while count is 0; it grows by one element between the calls. */
void *arena_more(struct arena *arena, void *items, size_t count, size_t element_bytes);
struct bytes arena_dup(struct arena *arena, struct bytes bytes);
char *arena_dup_string(struct arena *arena, struct bytes bytes); /* adds the terminating zero */
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Bytes that the arena holds from the system. */
size_t arena_size_bytes(const struct arena *arena);

#define AUTO_ARENA __attribute__((cleanup(arena_fini)))

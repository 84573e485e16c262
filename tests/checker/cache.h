/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configurations that a search has been in: which operations have happened, and the state after them. Each is found by its
 * hash and compared as a whole, as a false hit would hide what is looked for.
 *
 * Of the set, all is kept that can differ: the words of the first operations, which are those of unknown outcome, and of the
 * rest, in order of their calls, the words between the part in which all have happened and the part in which none has.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum { CACHE_WORD_BITS = 64 };

struct cache_set {
	uint64_t *words;
	size_t loose;     /* words of operations of unknown outcome, first */
	size_t low, high; /* [loose, low): all ones; [high, …): all zeros */
};

struct cache_entry;

struct cache_slot {
	uint64_t hash;
	struct cache_entry *entry; /* NULL: free */
};

struct cache {
	struct arena arena;
	struct cache_slot *slots; /* open addressing, at most half full */
	size_t count, capacity;
};

void cache_set_init(struct cache_set *set, size_t loose,
                    size_t count); /* of operations, `loose` of them of unknown outcome */
void cache_set_fini(struct cache_set *set);
size_t cache_set_bit(size_t loose_count,
                     size_t number); /* the bit of an operation: unknown ones first, then the others */
void cache_set_add(struct cache_set *set, size_t bit);
void cache_set_remove(struct cache_set *set, size_t bit);

void cache_init(struct cache *cache);
void cache_fini(struct cache *cache);
/* False: it was there. The hash is that of the pair. */
bool cache_add(struct cache *cache, const struct cache_set *set, uint32_t state, uint64_t hash);
size_t cache_size_bytes(const struct cache *cache);

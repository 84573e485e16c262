/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from non-zero 64-bit numbers (ids, sequences) to pointers. Not thread-safe; owns no value. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	uint64_t key; /* 0: free */
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t count, capacity; /* a power of two, or 0 */
};

void map_init(struct map *map);
void map_fini(struct map *map);
/* NULL when there is none. */
void *map_find(const struct map *map, uint64_t key);
/* Adds, or replaces; value is not NULL. */
void map_set(struct map *map, uint64_t key, void *value);
/* What was there, or NULL. */
void *map_remove(struct map *map, uint64_t key);

/* Visits each pair in no particular order: `for (size_t at = 0; map_next(&map, &at, &key, &value);)`. The map must not change
 * meanwhile. */
bool map_next(const struct map *map, size_t *at, uint64_t *ret_key, void **ret_value);

/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing with linear probing; removal shifts the run back, so there are no tombstones (Knuth 6.4, algorithm R). */
#include "base/map.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { MAP_CAPACITY_MIN = 16 };

void map_init(struct map *map)
{
	*map = (struct map){0};
}

void map_fini(struct map *map)
{
	free(map->slots);
	map_init(map);
}

static size_t map_home(const struct map *map, uint64_t key)
{
	uint64_t mixed = (key ^ (key >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(mixed >> 20) & (map->capacity - 1);
}

/* The slot of the key, or the free one in which it would be put. */
static size_t map_slot(const struct map *map, uint64_t key)
{
	size_t slot = map_home(map, key);
	while (map->slots[slot].key != 0 && map->slots[slot].key != key)
		slot = (slot + 1) & (map->capacity - 1);
	return slot;
}

void *map_find(const struct map *map, uint64_t key)
{
	check(key != 0);
	return map->count != 0 ? map->slots[map_slot(map, key)].value : NULL;
}

static void map_grow(struct map *map)
{
	struct map larger = {.capacity = map->capacity != 0 ? map->capacity * 2 : MAP_CAPACITY_MIN,
	                     .count = map->count};
	larger.slots = memory_new_array(larger.capacity, sizeof *larger.slots);
	for (size_t i = 0; i < map->capacity; i++)
		if (map->slots[i].key != 0)
			larger.slots[map_slot(&larger, map->slots[i].key)] = map->slots[i];
	free(map->slots);
	*map = larger;
}

void map_set(struct map *map, uint64_t key, void *value)
{
	check(key != 0 && value != NULL);
	if ((map->count + 1) * 4 > map->capacity * 3)
		map_grow(map);
	size_t slot = map_slot(map, key);
	map->count += map->slots[slot].key == 0;
	map->slots[slot] = (struct map_slot){key, value};
}

void *map_remove(struct map *map, uint64_t key)
{
	check(key != 0);
	if (map->count == 0)
		return NULL;
	size_t hole = map_slot(map, key);
	void *value = map->slots[hole].value;
	if (map->slots[hole].key == 0)
		return NULL;
	size_t mask = map->capacity - 1;
	for (size_t next = (hole + 1) & mask; map->slots[next].key != 0; next = (next + 1) & mask) {
		size_t home = map_home(map, map->slots[next].key);
		if (((next - home) & mask) < ((next - hole) & mask))
			continue; /* it would move in front of its home */
		map->slots[hole] = map->slots[next];
		hole = next;
	}
	map->slots[hole] = (struct map_slot){0};
	map->count--;
	return value;
}

bool map_next(const struct map *map, size_t *at, uint64_t *ret_key, void **ret_value)
{
	for (; *at < map->capacity; (*at)++) {
		const struct map_slot *slot = &map->slots[*at];
		if (slot->key == 0)
			continue;
		*ret_key = slot->key;
		*ret_value = slot->value;
		(*at)++;
		return true;
	}
	return false;
}

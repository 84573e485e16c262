/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checker/cache.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { CACHE_SLOTS_MIN = 64 };

struct cache_entry {
	uint32_t state, low, count; /* words: the loose ones, then [low, low + count - loose) */
	uint64_t words[];
};

/* ---- the set ---- */

static size_t cache_words(size_t bits)
{
	return (bits + CACHE_WORD_BITS - 1) / CACHE_WORD_BITS;
}

size_t cache_set_bit(size_t loose_count, size_t number)
{
	if (number < loose_count)
		return number;
	return cache_words(loose_count) * CACHE_WORD_BITS + number - loose_count;
}

void cache_set_init(struct cache_set *set, size_t loose, size_t count)
{
	size_t words = cache_words(loose);
	*set = (struct cache_set){.loose = words, .low = words, .high = words};
	set->words = memory_new_array(words + cache_words(count - loose) + 1, sizeof *set->words);
}

void cache_set_fini(struct cache_set *set)
{
	free(set->words);
}

void cache_set_add(struct cache_set *set, size_t bit)
{
	size_t word = bit / CACHE_WORD_BITS;
	set->words[word] |= UINT64_C(1) << bit % CACHE_WORD_BITS;
	if (word >= set->high)
		set->high = word + 1;
	while (set->low < set->high && set->words[set->low] == UINT64_MAX)
		set->low++;
}

void cache_set_remove(struct cache_set *set, size_t bit)
{
	size_t word = bit / CACHE_WORD_BITS;
	set->words[word] &= ~(UINT64_C(1) << bit % CACHE_WORD_BITS);
	if (word >= set->loose && word < set->low)
		set->low = word;
	while (set->high > set->low && set->words[set->high - 1] == 0)
		set->high--;
}

/* ---- the cache ---- */

void cache_init(struct cache *cache)
{
	*cache = (struct cache){.capacity = CACHE_SLOTS_MIN};
	arena_init(&cache->arena);
	cache->slots = memory_new_array(cache->capacity, sizeof *cache->slots);
}

void cache_fini(struct cache *cache)
{
	arena_fini(&cache->arena);
	free(cache->slots);
}

static bool cache_is_same(const struct cache_entry *entry, const struct cache_set *set, uint32_t state)
{
	size_t count = set->loose + set->high - set->low;
	return entry->state == state && entry->low == set->low && entry->count == count &&
	       memcmp(entry->words, set->words, set->loose * sizeof *set->words) == 0 &&
	       memcmp(&entry->words[set->loose], &set->words[set->low], (set->high - set->low) * sizeof *set->words) ==
	           0;
}

static void cache_grow(struct cache *cache)
{
	size_t capacity = cache->capacity * 2, mask = capacity - 1;
	struct cache_slot *slots = memory_new_array(capacity, sizeof *slots);
	for (size_t i = 0; i < cache->capacity; i++) {
		if (cache->slots[i].entry == NULL)
			continue;
		size_t slot = (size_t)cache->slots[i].hash & mask;
		while (slots[slot].entry != NULL)
			slot = (slot + 1) & mask;
		slots[slot] = cache->slots[i];
	}
	free(cache->slots);
	cache->slots = slots;
	cache->capacity = capacity;
}

static struct cache_entry *cache_entry_new(struct cache *cache, const struct cache_set *set)
{
	size_t count = set->loose + set->high - set->low;
	struct cache_entry *entry = arena_take(&cache->arena, sizeof *entry + count * sizeof *entry->words);
	entry->low = (uint32_t)set->low;
	entry->count = (uint32_t)count;
	memcpy(entry->words, set->words, set->loose * sizeof *set->words);
	memcpy(&entry->words[set->loose], &set->words[set->low], (set->high - set->low) * sizeof *set->words);
	return entry;
}

bool cache_add(struct cache *cache, const struct cache_set *set, uint32_t state, uint64_t hash)
{
	if (cache->count * 2 >= cache->capacity)
		cache_grow(cache);
	size_t mask = cache->capacity - 1, slot = (size_t)hash & mask;
	for (; cache->slots[slot].entry != NULL; slot = (slot + 1) & mask)
		if (cache->slots[slot].hash == hash && cache_is_same(cache->slots[slot].entry, set, state))
			return false;
	struct cache_entry *entry = cache_entry_new(cache, set);
	entry->state = state;
	cache->slots[slot] = (struct cache_slot){hash, entry};
	cache->count++;
	return true;
}

size_t cache_size_bytes(const struct cache *cache)
{
	return arena_size_bytes(&cache->arena) + cache->capacity * sizeof *cache->slots;
}

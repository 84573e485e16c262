/* SPDX-License-Identifier: Apache-2.0 */
#include "store/table.h"

#include <stdlib.h>

#include "base/memory.h"

enum { TABLE_CAPACITY_MIN = 64 };

void table_init(struct table *table)
{
	*table = (struct table){0};
}

void table_fini(struct table *table)
{
	free(table->buckets);
	table_init(table);
}

void table_clear(struct table *table)
{
	if (table->count != 0)
		memset(table->buckets, 0, table->capacity * sizeof *table->buckets);
	table->count = 0;
}

/* FNV-1a over words, then mixed: keys of one directory differ in their last bytes only. */
uint64_t table_hash(struct bytes key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ key.size;
	size_t at = 0;
	for (; at + 8 <= key.size; at += 8) {
		uint64_t word;
		memcpy(&word, key.data + at, 8);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	for (; at < key.size; at++)
		hash = (hash ^ key.data[at]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

struct table_node *table_find(const struct table *table, struct bytes key, uint64_t hash)
{
	if (table->count == 0)
		return NULL;
	struct table_node *node = table->buckets[hash & (table->capacity - 1)];
	while (node != NULL && (node->hash != hash || !bytes_equal(node->key, key)))
		node = node->next;
	return node;
}

static void table_link(struct table *table, struct table_node *node)
{
	struct table_node **bucket = &table->buckets[node->hash & (table->capacity - 1)];
	node->next = *bucket;
	*bucket = node;
}

static void table_grow(struct table *table)
{
	struct table larger = {.count = table->count};
	larger.capacity = table->capacity != 0 ? table->capacity * 2 : TABLE_CAPACITY_MIN;
	larger.buckets = memory_new_array(larger.capacity, sizeof *larger.buckets);
	for (size_t i = 0; i < table->capacity; i++) {
		for (struct table_node *node = table->buckets[i], *next; node != NULL; node = next) {
			next = node->next;
			table_link(&larger, node);
		}
	}
	free(table->buckets);
	*table = larger;
}

void table_add(struct table *table, struct table_node *node)
{
	if (table->count == table->capacity)
		table_grow(table);
	table_link(table, node);
	table->count++;
}

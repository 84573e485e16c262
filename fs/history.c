/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/history.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"

struct history_node {
	uint64_t id, lookups;
	struct history_node *next; /* in its slot of by_place */
	int64_t revision, time_ns;
	size_t key_size;
	uint8_t key[];
};

struct history_table {
	pthread_mutex_t mutex;      /* protects all below, and the nodes */
	struct map by_id, by_place; /* by_place: hash → chain by next */
	uint64_t given;
};

struct history_table *history_table_new(void)
{
	struct history_table *table = memory_new(sizeof *table);
	pthread_mutex_init(&table->mutex, NULL);
	map_init(&table->by_id);
	map_init(&table->by_place);
	return table;
}

void history_table_free(struct history_table *table)
{
	void *node;
	uint64_t id;
	for (size_t at = 0; map_next(&table->by_id, &at, &id, &node);)
		free(node);
	map_fini(&table->by_id);
	map_fini(&table->by_place);
	pthread_mutex_destroy(&table->mutex);
	free(table);
}

/* Never 0, which is no key of a map. */
static uint64_t history_hash(int64_t revision, struct bytes key)
{
	uint64_t hash = (uint64_t)revision * UINT64_C(0x9e3779b97f4a7c15);
	for (size_t at = 0; at < key.size; at++)
		hash = (hash ^ key.data[at]) * UINT64_C(0x100000001b3);
	return hash | 1;
}

static struct bytes history_key(const struct history_node *node)
{
	return bytes_of(node->key, node->key_size);
}

static struct history_node *history_find_locked(struct history_table *table, const struct history_place *place)
{
	struct history_node *node = map_find(&table->by_place, history_hash(place->revision, place->key));
	while (node && (node->revision != place->revision || !bytes_equal(history_key(node), place->key)))
		node = node->next;
	return node;
}

static struct history_node *history_new_locked(struct history_table *table, const struct history_place *place)
{
	struct history_node *node = memory_new(sizeof *node + place->key.size);
	uint64_t hash = history_hash(place->revision, place->key);
	*node = (struct history_node){.id = HISTORY_ID | ++table->given,
	                              .next = map_find(&table->by_place, hash),
	                              .revision = place->revision,
	                              .time_ns = place->time_ns,
	                              .key_size = place->key.size};
	memcpy(node->key, place->key.data, place->key.size);
	map_set(&table->by_place, hash, node);
	map_set(&table->by_id, node->id, node);
	return node;
}

uint64_t history_look_up(struct history_table *table, const struct history_place *place)
{
	pthread_mutex_lock(&table->mutex);
	struct history_node *node = history_find_locked(table, place);
	if (!node)
		node = history_new_locked(table, place);
	node->lookups++;
	uint64_t id = node->id;
	pthread_mutex_unlock(&table->mutex);
	return id;
}

static void history_remove_locked(struct history_table *table, struct history_node *node)
{
	uint64_t hash = history_hash(node->revision, history_key(node));
	struct history_node *first = map_find(&table->by_place, hash);
	if (first == node && !node->next) {
		map_remove(&table->by_place, hash);
	} else if (first == node) {
		map_set(&table->by_place, hash, node->next);
	} else {
		while (first->next != node)
			first = first->next;
		first->next = node->next;
	}
	map_remove(&table->by_id, node->id);
	free(node);
}

void history_forget(struct history_table *table, uint64_t id, uint64_t count)
{
	pthread_mutex_lock(&table->mutex);
	struct history_node *node = map_find(&table->by_id, id);
	if (node) {
		check(node->lookups >= count);
		node->lookups -= count;
		if (node->lookups == 0)
			history_remove_locked(table, node);
	}
	pthread_mutex_unlock(&table->mutex);
}

bool history_find(struct history_table *table, uint64_t id, struct arena *arena, struct history_place *ret_place)
{
	pthread_mutex_lock(&table->mutex);
	const struct history_node *node = map_find(&table->by_id, id);
	if (node)
		*ret_place = (struct history_place){
		    .revision = node->revision, .time_ns = node->time_ns, .key = arena_dup(arena, history_key(node))};
	pthread_mutex_unlock(&table->mutex);
	return node != NULL;
}

bool history_knows_time(struct history_table *table, int64_t revision, struct bytes key, int64_t *ret_time_ns)
{
	pthread_mutex_lock(&table->mutex);
	const struct history_node *node =
	    history_find_locked(table, &(struct history_place){.revision = revision, .key = key});
	if (node)
		*ret_time_ns = node->time_ns;
	pthread_mutex_unlock(&table->mutex);
	return node != NULL;
}

size_t history_count(struct history_table *table)
{
	pthread_mutex_lock(&table->mutex);
	size_t count = table->by_id.count;
	pthread_mutex_unlock(&table->mutex);
	return count;
}

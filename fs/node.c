/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/node.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "fs/node_table.h"

enum {
	NODE_DEPTH_MAX = 8192, /* a key has no more '/' than LIMIT_KEY_BYTES */
};

/* ---- places ---- */

/* FNV-1a; by_place compares what it finds, so a collision costs a comparison only. */
static uint64_t place_hash(const struct node *parent, struct bytes segment, bool is_directory)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)(uintptr_t)parent;
	for (size_t i = 0; i < segment.size; i++)
		hash = (hash ^ segment.data[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ (is_directory ? 0x101u : 0x100u)) * UINT64_C(0x100000001b3);
	return hash | 1;
}

static uint64_t node_hash(const struct node *node)
{
	return place_hash(node->parent, node_segment(node), node->is_directory);
}

struct node *node_child_locked(struct node_table *table, const struct node *parent, struct bytes segment,
                               bool is_directory)
{
	struct node *node = map_find(&table->by_place, place_hash(parent, segment, is_directory));
	while (node && !(node->parent == parent && node->is_directory == is_directory &&
	                 bytes_equal(node_segment(node), segment)))
		node = node->place_next;
	return node;
}

void node_detach_locked(struct node_table *table, struct node *node)
{
	if (!node->parent)
		return;
	uint64_t hash = node_hash(node);
	struct node *first = map_find(&table->by_place, hash);
	if (first == node) {
		if (node->place_next)
			map_set(&table->by_place, hash, node->place_next);
		else
			map_remove(&table->by_place, hash);
	} else {
		while (first->place_next != node)
			first = first->place_next;
		first->place_next = node->place_next;
	}
	node->place_next = NULL;
	struct node *parent = node->parent;
	node->parent = NULL;
	free(node->segment);
	node->segment = NULL;
	node->segment_size = 0;
	node_unpin_locked(table, parent);
}

static void node_state_set(struct node_table *table, struct node *node, enum node_state state)
{
	table->staged_count += (state == NODE_STAGED) - (node->state == NODE_STAGED);
	node->state = state;
}

void node_bury_locked(struct node_table *table, struct node *node)
{
	check(node != &table->root);
	node_state_set(table, node, NODE_GONE);
	node->pins++; /* detaching it must not free it */
	node_detach_locked(table, node);
	node_unpin_locked(table, node);
}

static bool node_is_above(const struct node *upper, const struct node *node)
{
	while (node && node != upper)
		node = node->parent;
	return node != NULL;
}

void node_put_locked(struct node_table *table, struct node *node, struct node *parent, struct bytes segment)
{
	if (node->parent == parent && bytes_equal(node_segment(node), segment))
		return;
	/* Seen by a view of another moment than the table's: it stays where it was until it is looked at again. */
	if (node_is_above(node, parent))
		return;
	struct node *occupant = node_child_locked(table, parent, segment, node->is_directory);
	parent->pins++;
	node->pins++;
	if (occupant)
		node_bury_locked(table, occupant);
	uint8_t *copy = memory_dup(segment.data, segment.size);
	node_detach_locked(table, node);
	node->parent = parent; /* keeps the pin taken above */
	node->segment = copy;
	node->segment_size = segment.size;
	uint64_t hash = node_hash(node);
	node->place_next = map_find(&table->by_place, hash);
	map_set(&table->by_place, hash, node);
	node->pins--;
}

/* ---- keys ---- */

struct node *node_walk_locked(struct node_table *table, struct bytes key, struct bytes *ret_rest)
{
	struct bytes rest = bytes_from(key, strlen(table->root_prefix));
	struct node *node = &table->root;
	for (;;) {
		const uint8_t *slash = rest.size ? memchr(rest.data, '/', rest.size) : NULL;
		if (!slash)
			break;
		size_t size = (size_t)(slash - rest.data);
		struct node *child = node_child_locked(table, node, bytes_of(rest.data, size), true);
		if (!child)
			break;
		node = child;
		rest = bytes_from(rest, size + 1);
	}
	*ret_rest = rest;
	return node;
}

struct node *node_at_locked(struct node_table *table, struct bytes key)
{
	if (!bytes_have_prefix(key, bytes_of_string(table->root_prefix)))
		return NULL;
	struct bytes rest;
	struct node *node = node_walk_locked(table, key, &rest);
	if (rest.size == 0)
		return node;
	return memchr(rest.data, '/', rest.size) ? NULL : node_child_locked(table, node, rest, false);
}

bool node_is_at_locked(const struct node_table *table, const struct node *node, struct bytes key)
{
	size_t end = key.size;
	for (; node != &table->root; node = node->parent) {
		size_t size = node->segment_size + (node->is_directory ? 1 : 0);
		if (!node->parent || end < size || (node->is_directory && key.data[end - 1] != '/'))
			return false;
		end -= size;
		if (node->segment_size != 0 && memcmp(key.data + end, node->segment, node->segment_size) != 0)
			return false;
	}
	return bytes_equal(bytes_of(key.data, end), bytes_of_string(table->root_prefix));
}

void node_put_at_key_locked(struct node_table *table, struct node *node, struct bytes key)
{
	/* The directory's key, and its segment: what stands at the key itself is in the way. */
	size_t end = key.size - (node->is_directory ? 1 : 0), start = end;
	while (start > 0 && key.data[start - 1] != '/')
		start--;
	struct bytes rest, above = bytes_of(key.data, start);
	if (start < strlen(table->root_prefix))
		return; /* it is the root */
	struct node *parent = node_walk_locked(table, above, &rest);
	for (const uint8_t *slash; rest.size != 0 && (slash = memchr(rest.data, '/', rest.size));) {
		size_t size = (size_t)(slash - rest.data);
		struct node *made = node_new_locked(table, 0, true);
		node_put_locked(table, made, parent, bytes_of(rest.data, size));
		parent = made;
		rest = bytes_from(rest, size + 1);
	}
	node_put_locked(table, node, parent, bytes_of(key.data + start, end - start));
}

enum err node_key_locked(struct node_table *table, const struct node *node, struct arena *arena, struct bytes *ret_key)
{
	size_t size = strlen(table->root_prefix);
	unsigned depth = 0;
	for (const struct node *at = node; at != &table->root; at = at->parent) {
		if (!at->parent)
			return at->state == NODE_GONE ? ERR_NOT_FOUND : ERR_CONFLICT;
		check(depth++ < NODE_DEPTH_MAX);
		size += at->segment_size + (at->is_directory ? 1 : 0);
	}
	uint8_t *key = arena_take(arena, size);
	*ret_key = bytes_of(key, size);
	for (const struct node *at = node; at != &table->root; at = at->parent) {
		if (at->is_directory)
			key[--size] = '/';
		size -= at->segment_size;
		if (at->segment_size != 0)
			memcpy(key + size, at->segment, at->segment_size);
	}
	memcpy(key, table->root_prefix, size);
	return ERR_OK;
}

/* ---- life ---- */

struct node *node_new_locked(struct node_table *table, uint64_t record_id, bool is_directory)
{
	struct node *node = memory_new(sizeof *node);
	*node = (struct node){.id = record_id, .record_id = record_id, .is_directory = is_directory};
	if (record_id != 0) {
		check(!map_find(&table->by_id, record_id));
		map_set(&table->by_id, record_id, node);
		map_set(&table->by_record, record_id, node);
	}
	return node;
}

static void node_destroy(struct node_table *table, struct node *node)
{
	if (node->stage)
		table->stage_free(node->stage);
	free(node->segment);
	free(node);
}

/* Frees what nothing holds, and then its parent, upwards. */
static void node_sweep_locked(struct node_table *table, struct node *node)
{
	if (node->lookups != 0 || node->pins != 0 || node == &table->root)
		return;
	node_state_set(table, node, NODE_GONE);
	if (node->id != 0)
		map_remove(&table->by_id, node->id);
	if (node->record_id != 0 && map_find(&table->by_record, node->record_id) == node)
		map_remove(&table->by_record, node->record_id);
	node->pins = 1;
	node_detach_locked(table, node);
	node_destroy(table, node);
}

void node_unpin_locked(struct node_table *table, struct node *node)
{
	check(node->pins > 0);
	node->pins--;
	node_sweep_locked(table, node);
}

void node_suspect_locked(struct node_table *table, struct node *node)
{
	if (node == &table->root || node->is_suspect || node->state == NODE_GONE)
		return;
	node->is_suspect = true;
	node->pins++;
	node->suspect_next = table->suspects;
	table->suspects = node;
}

struct node_table *node_table_new(const char *root_key, void (*stage_free)(struct stage *stage))
{
	struct node_table *table = memory_new(sizeof *table);
	table->stage_free = stage_free;
	table->root_prefix = memory_format("%s/", root_key);
	pthread_mutex_init(&table->mutex, NULL);
	pthread_cond_init(&table->followed, NULL);
	map_init(&table->by_id);
	map_init(&table->by_record);
	map_init(&table->by_place);
	table->root = (struct node){.id = NODE_ID_ROOT, .record_id = NODE_ID_ROOT, .is_directory = true, .pins = 1};
	map_set(&table->by_id, NODE_ID_ROOT, &table->root);
	return table;
}

void node_table_free(struct node_table *table)
{
	if (!table)
		return;
	uint64_t key;
	void *value;
	/* The kernel forgets nothing at an unmount: what it held goes with the table. */
	for (size_t at = 0; map_next(&table->by_place, &at, &key, &value);) {
		for (struct node *node = value, *next; node; node = next) {
			next = node->place_next;
			if (node->id != 0)
				map_remove(&table->by_id, node->id);
			node_destroy(table, node);
		}
	}
	for (size_t at = 0; map_next(&table->by_id, &at, &key, &value);)
		if (value != &table->root)
			node_destroy(table, value);
	map_fini(&table->by_id);
	map_fini(&table->by_record);
	map_fini(&table->by_place);
	pthread_cond_destroy(&table->followed);
	pthread_mutex_destroy(&table->mutex);
	free(table->root_prefix);
	free(table);
}

/* ---- finding ---- */

static struct node *node_pinned_unlock(struct node_table *table, struct node *node)
{
	if (node)
		node->pins++;
	pthread_mutex_unlock(&table->mutex);
	return node;
}

struct node *node_find(struct node_table *table, uint64_t id)
{
	pthread_mutex_lock(&table->mutex);
	return node_pinned_unlock(table, map_find(&table->by_id, id));
}

struct node *node_find_record(struct node_table *table, uint64_t record_id)
{
	pthread_mutex_lock(&table->mutex);
	return node_pinned_unlock(table, map_find(&table->by_record, record_id));
}

struct node *node_find_child(struct node_table *table, const struct node *parent, struct bytes segment,
                             bool is_directory)
{
	pthread_mutex_lock(&table->mutex);
	struct node *node = node_child_locked(table, parent, segment, is_directory);
	return node_pinned_unlock(table, node && node->record_id != 0 ? node : NULL);
}

struct node *node_find_key(struct node_table *table, struct bytes key)
{
	pthread_mutex_lock(&table->mutex);
	struct node *node = node_at_locked(table, key);
	return node_pinned_unlock(table, node && node->record_id != 0 ? node : NULL);
}

uint64_t node_id(const struct node *node)
{
	return node->id;
}

uint64_t node_record_id(struct node_table *table, const struct node *node)
{
	pthread_mutex_lock(&table->mutex);
	uint64_t record_id = node->record_id;
	pthread_mutex_unlock(&table->mutex);
	return record_id;
}

struct node_look node_look(struct node_table *table, struct node *node, struct arena *arena)
{
	pthread_mutex_lock(&table->mutex);
	struct node_look look = {
	    .id = node->id,
	    .record_id = node->record_id,
	    .state = node->state,
	    .is_directory = node->is_directory,
	    .lookups = node->lookups,
	    .parent_id = node->parent ? node->parent->id : 0,
	    .revision = node->revision,
	    .segment = arena_dup(arena, node_segment(node)),
	};
	pthread_mutex_unlock(&table->mutex);
	return look;
}

enum err node_key(struct node_table *table, struct node *node, struct arena *arena, struct bytes *ret_key,
                  int64_t *ret_revision)
{
	pthread_mutex_lock(&table->mutex);
	enum err err = node_key_locked(table, node, arena, ret_key);
	*ret_revision = table->revision;
	pthread_mutex_unlock(&table->mutex);
	return err;
}

/* ---- holding ---- */

void node_table_start(struct node_table *table, int64_t revision)
{
	pthread_mutex_lock(&table->mutex);
	table->revision = revision;
	pthread_mutex_unlock(&table->mutex);
}

struct node *node_pin(struct node_table *table, struct node *node)
{
	pthread_mutex_lock(&table->mutex);
	check(node->pins > 0 || node->lookups > 0);
	return node_pinned_unlock(table, node);
}

void node_unpin(struct node_table *table, struct node *node)
{
	if (!node)
		return;
	pthread_mutex_lock(&table->mutex);
	node_unpin_locked(table, node);
	pthread_mutex_unlock(&table->mutex);
}

void node_looked_up(struct node_table *table, struct node *node)
{
	pthread_mutex_lock(&table->mutex);
	node->lookups++;
	pthread_mutex_unlock(&table->mutex);
}

void node_forget(struct node_table *table, uint64_t id, uint64_t count)
{
	pthread_mutex_lock(&table->mutex);
	struct node *node = map_find(&table->by_id, id);
	if (node && node != &table->root) {
		check(node->lookups >= count);
		node->lookups -= count;
		node_sweep_locked(table, node);
	}
	pthread_mutex_unlock(&table->mutex);
}

/* ---- what handlers tell ---- */

static struct node *node_bind_locked(struct node_table *table, const struct node_place *place)
{
	struct node *occupant = node_child_locked(table, place->parent, place->segment, place->is_directory);
	/* Ours at that name will become the file that is there, when it is committed. */
	if (occupant && occupant->state == NODE_STAGED)
		return occupant;
	struct node *node = map_find(&table->by_record, place->record_id);
	if (!node && occupant && occupant->record_id == 0) {
		node = occupant;
		node->id = node->record_id = place->record_id;
		map_set(&table->by_id, node->id, node);
		map_set(&table->by_record, node->record_id, node);
	}
	if (!node)
		node = node_new_locked(table, place->record_id, place->is_directory);
	node->pins++;
	node_put_locked(table, node, place->parent, place->segment);
	node->pins--;
	node_state_set(table, node, NODE_LINKED);
	if (place->revision > node->revision)
		node->revision = place->revision;
	return node;
}

enum err node_bind(struct node_table *table, const struct node_place *place, struct node **ret_node)
{
	node_table_wait(table, place->view_revision);
	pthread_mutex_lock(&table->mutex);
	if (place->view_revision < table->names_revision) {
		pthread_mutex_unlock(&table->mutex);
		return ERR_CONFLICT;
	}
	*ret_node = node_pinned_unlock(table, node_bind_locked(table, place));
	return ERR_OK;
}

struct node *node_bind_anyway(struct node_table *table, const struct node_place *place)
{
	pthread_mutex_lock(&table->mutex);
	return node_pinned_unlock(table, node_bind_locked(table, place));
}

enum err node_stage(struct node_table *table, const struct node_place *place, struct node **ret_node)
{
	pthread_mutex_lock(&table->mutex);
	struct node *occupant = node_child_locked(table, place->parent, place->segment, false);
	if (occupant && occupant->state == NODE_STAGED) {
		pthread_mutex_unlock(&table->mutex);
		return ERR_EXISTS;
	}
	struct node *node = node_new_locked(table, place->record_id, false);
	node->pins++;
	node_put_locked(table, node, place->parent, place->segment);
	node_state_set(table, node, NODE_STAGED);
	node->pins--;
	*ret_node = node_pinned_unlock(table, node);
	return ERR_OK;
}

void node_commit(struct node_table *table, struct node *node, uint64_t record_id, int64_t revision)
{
	pthread_mutex_lock(&table->mutex);
	if (record_id != node->record_id) {
		map_remove(&table->by_record, node->record_id);
		node->record_id = record_id;
		if (!map_find(&table->by_record, record_id))
			map_set(&table->by_record, record_id, node);
	}
	if (node->state == NODE_STAGED)
		node_state_set(table, node, NODE_LINKED);
	if (revision > node->revision)
		node->revision = revision;
	pthread_mutex_unlock(&table->mutex);
}

void node_bury(struct node_table *table, struct node *node)
{
	pthread_mutex_lock(&table->mutex);
	node_bury_locked(table, node);
	pthread_mutex_unlock(&table->mutex);
}

void node_saw(struct node_table *table, struct node *node, int64_t revision)
{
	pthread_mutex_lock(&table->mutex);
	if (revision > node->revision)
		node->revision = revision;
	pthread_mutex_unlock(&table->mutex);
}

size_t node_staged_in(struct node_table *table, const struct node *parent, struct node **ret_nodes, size_t max)
{
	size_t count = 0;
	pthread_mutex_lock(&table->mutex);
	uint64_t key;
	void *value;
	if (table->staged_count != 0)
		for (size_t at = 0; count < max && map_next(&table->by_id, &at, &key, &value);) {
			struct node *node = value;
			if (node->state != NODE_STAGED || node->parent != parent)
				continue;
			node->pins++;
			ret_nodes[count++] = node;
		}
	pthread_mutex_unlock(&table->mutex);
	return count;
}

size_t node_held(struct node_table *table, struct node ***ret_nodes)
{
	size_t count = 0;
	pthread_mutex_lock(&table->mutex);
	struct node **nodes = memory_new_array(table->by_id.count + 1, sizeof *nodes);
	uint64_t key;
	void *value;
	for (size_t at = 0; map_next(&table->by_id, &at, &key, &value);) {
		struct node *node = value;
		if (node->lookups == 0 && node != &table->root)
			continue;
		node->pins++;
		nodes[count++] = node;
	}
	pthread_mutex_unlock(&table->mutex);
	*ret_nodes = nodes;
	return count;
}

int64_t node_table_revision(struct node_table *table)
{
	pthread_mutex_lock(&table->mutex);
	int64_t revision = table->revision;
	pthread_mutex_unlock(&table->mutex);
	return revision;
}

void node_table_wait(struct node_table *table, int64_t revision)
{
	pthread_mutex_lock(&table->mutex);
	while (table->revision < revision)
		pthread_cond_wait(&table->followed, &table->mutex);
	pthread_mutex_unlock(&table->mutex);
}

struct stage *node_get_stage(struct node_table *table, struct node *node)
{
	pthread_mutex_lock(&table->mutex);
	struct stage *stage = node->stage;
	pthread_mutex_unlock(&table->mutex);
	return stage;
}

struct stage *node_offer_stage(struct node_table *table, struct node *node, struct stage *stage)
{
	pthread_mutex_lock(&table->mutex);
	if (!node->stage)
		node->stage = stage;
	stage = node->stage;
	pthread_mutex_unlock(&table->mutex);
	return stage;
}

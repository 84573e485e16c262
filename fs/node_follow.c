/* SPDX-License-Identifier: Apache-2.0 */
/* The table follows the committed changes. A change is followed in three passes, because its events say in no particular order what
 * became of each name, and one id may leave a key and appear at another: names that lost their object are emptied, objects are put where
 * they are now, and what was put nowhere is buried. */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "fs/node.h"
#include "fs/node_table.h"
#include "fs/note.h"

struct leaver {
	struct node *node; /* pinned; detached from its place */
	const struct kv_record *prev;
};

struct leavers {
	struct leaver *list;
	size_t count, capacity;
};

static bool key_is_directory(struct bytes key)
{
	return key.size != 0 && key.data[key.size - 1] == '/';
}

static bool key_is_ours(const struct node_table *table, struct bytes key)
{
	return bytes_have_prefix(key, bytes_of_string(table->root_prefix));
}

/* To where an object with this key was: a directory takes a file's key with a '/' (they can be exchanged). */
static void move_directory_locked(struct node_table *table, struct node *node, struct bytes to, struct arena *arena)
{
	uint8_t *key = arena_take(arena, to.size + 1);
	memcpy(key, to.data, to.size);
	size_t size = to.size;
	if (!key_is_directory(to))
		key[size++] = '/';
	if (!node_is_at_locked(table, node, bytes_of(key, size)))
		node_put_at_key_locked(table, node, bytes_of(key, size));
}

static struct node *directory_at_locked(struct node_table *table, struct bytes key)
{
	struct node *node = key_is_directory(key) && key_is_ours(table, key) ? node_at_locked(table, key) : NULL;
	if (!node || node == &table->root)
		return NULL;
	node->pins++;
	return node;
}

/* One pointer moves, or two; the events of the keys below find their nodes in place already. What moves out of the root is buried by its
 * events. */
static void follow_rename_locked(struct node_table *table, const struct note *note)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct node *from = directory_at_locked(table, note->path);
	struct node *to = note->kind == NOTE_EXCHANGE ? directory_at_locked(table, note->to) : NULL;
	if (to)
		node_detach_locked(table, to);
	if (from && key_is_ours(table, note->to))
		move_directory_locked(table, from, note->to, &arena);
	if (to && key_is_ours(table, note->path))
		move_directory_locked(table, to, note->path, &arena);
	if (from)
		node_unpin_locked(table, from);
	if (to)
		node_unpin_locked(table, to);
}

static void leavers_add(struct leavers *leavers, struct node *node, const struct kv_record *prev)
{
	if (leavers->count == leavers->capacity) {
		leavers->capacity = leavers->capacity ? leavers->capacity * 2 : 8;
		leavers->list = memory_resize(leavers->list, leavers->capacity, sizeof *leavers->list);
	}
	node->pins++;
	leavers->list[leavers->count++] = (struct leaver){node, prev};
}

/* The id that a key no longer holds after the event, or 0. */
static uint64_t event_lost_id(const struct kv_event *event)
{
	if (event->type == KV_EVENT_DELETE)
		return event->record.id;
	return event->has_prev && event->prev.id != event->record.id ? event->prev.id : 0;
}

/* Pass 1: names that lost their object. */
static void follow_lost_locked(struct node_table *table, const struct kv_change *change, struct leavers *leavers)
{
	for (size_t i = 0; i < change->event_count; i++) {
		const struct kv_event *event = &change->events[i];
		uint64_t lost = key_is_ours(table, event->record.key) ? event_lost_id(event) : 0;
		if (lost == 0)
			continue;
		table->names_revision = change->revision;
		struct bytes rest;
		node_suspect_locked(table, node_walk_locked(table, event->record.key, &rest));
		if (key_is_directory(event->record.key))
			continue;
		struct node *node = map_find(&table->by_record, lost);
		if (!node || node->state == NODE_STAGED || !node_is_at_locked(table, node, event->record.key))
			continue;
		leavers_add(leavers, node, event->has_prev ? &event->prev : NULL);
		node_detach_locked(table, node);
	}
}

/* Pass 2: objects and where they are. */
static void follow_put_locked(struct node_table *table, const struct kv_change *change)
{
	for (size_t i = 0; i < change->event_count; i++) {
		const struct kv_event *event = &change->events[i];
		struct bytes key = event->record.key;
		if (event->type != KV_EVENT_PUT || key_is_directory(key) || !key_is_ours(table, key))
			continue;
		struct node *node = map_find(&table->by_record, event->record.id);
		if (!node || node->is_directory)
			continue;
		if (event->record.mod_revision > node->revision)
			node->revision = event->record.mod_revision;
		if (!node_is_at_locked(table, node, key))
			node_put_at_key_locked(table, node, key);
		if (node->state == NODE_STAGED)
			table->staged_count--;
		node->state = NODE_LINKED;
	}
}

/* Pass 3: what is nowhere any more. Calls out, so the mutex is given back. */
static void follow_leave(struct node_table *table, struct leavers *leavers, node_leaving leaving, void *argument)
{
	for (size_t i = 0; i < leavers->count; i++)
		if (!leavers->list[i].node->parent && leaving)
			leaving(argument, leavers->list[i].node, leavers->list[i].prev);
	pthread_mutex_lock(&table->mutex);
	for (size_t i = 0; i < leavers->count; i++) {
		struct node *node = leavers->list[i].node;
		if (!node->parent)
			node_bury_locked(table, node);
		node_unpin_locked(table, node);
	}
	pthread_mutex_unlock(&table->mutex);
	free(leavers->list);
}

static void follow_rmdir_locked(struct node_table *table, struct bytes key)
{
	struct node *node = key_is_directory(key) ? node_at_locked(table, key) : NULL;
	if (node && node != &table->root)
		node_bury_locked(table, node);
}

void node_follow(struct node_table *table, const struct kv_change *change, const struct note *note,
                 node_leaving leaving, void *argument)
{
	struct leavers leavers = {0};
	pthread_mutex_lock(&table->mutex);
	if (note && (note->kind == NOTE_RENAME || note->kind == NOTE_EXCHANGE)) {
		table->names_revision = change->revision;
		follow_rename_locked(table, note);
	} else if (note && note->kind == NOTE_RMDIR) {
		table->names_revision = change->revision;
		follow_rmdir_locked(table, note->path);
	}
	follow_lost_locked(table, change, &leavers);
	follow_put_locked(table, change);
	pthread_mutex_unlock(&table->mutex);
	follow_leave(table, &leavers, leaving, argument);
	pthread_mutex_lock(&table->mutex);
	table->revision = change->revision;
	pthread_cond_broadcast(&table->followed);
	pthread_mutex_unlock(&table->mutex);
}

/* Takes one suspect off the list: its key, and the pin. */
static struct node *suspect_take(struct node_table *table, int64_t view_revision, struct arena *arena,
                                 struct bytes *ret_key)
{
	pthread_mutex_lock(&table->mutex);
	struct node *node = table->revision == view_revision ? table->suspects : NULL;
	if (node) {
		table->suspects = node->suspect_next;
		node->is_suspect = false;
		if (node_key_locked(table, node, arena, ret_key) != ERR_OK)
			*ret_key = BYTES_NONE;
	}
	pthread_mutex_unlock(&table->mutex);
	return node;
}

void node_follow_directories(struct node_table *table, struct kv_view *view)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes key;
	for (struct node *node; (node = suspect_take(table, kv_view_revision(view), &arena, &key));) {
		struct kv_directory directory;
		bool lives = key.size != 0 && kv_directory(view, key, &directory) == ERR_OK &&
		             (node->record_id == 0 || directory.id == node->record_id);
		pthread_mutex_lock(&table->mutex);
		if (!lives && node->parent) {
			node_suspect_locked(table, node->parent);
			node_bury_locked(table, node);
		}
		node_unpin_locked(table, node);
		pthread_mutex_unlock(&table->mutex);
	}
}

bool node_has_suspects(struct node_table *table)
{
	pthread_mutex_lock(&table->mutex);
	bool has = table->suspects != NULL;
	pthread_mutex_unlock(&table->mutex);
	return has;
}

static bool record_is_at(struct kv_view *view, struct bytes key, const struct node *node, struct arena *arena,
                         int64_t *ret_revision)
{
	struct kv_record record = {0};
	struct kv_directory directory;
	if (!node->is_directory) {
		bool is = kv_get(view, key, arena, &record) == ERR_OK && record.id == node->record_id;
		*ret_revision = record.mod_revision;
		return is;
	}
	return kv_directory(view, key, &directory) == ERR_OK &&
	       (node->record_id == 0 || directory.id == node->record_id);
}

void node_follow_replaced(struct node_table *table, struct kv_view *view)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	pthread_mutex_lock(&table->mutex);
	struct node **nodes = memory_new_array(table->by_id.count + 1, sizeof *nodes);
	size_t count = 0;
	uint64_t id;
	void *value;
	for (size_t at = 0; map_next(&table->by_id, &at, &id, &value);) {
		struct node *node = value;
		if (node == &table->root || node->state != NODE_LINKED)
			continue;
		node->pins++;
		nodes[count++] = node;
	}
	pthread_mutex_unlock(&table->mutex);
	for (size_t i = 0; i < count; i++) {
		struct bytes key;
		int64_t revision, newest = 0;
		if (node_key(table, nodes[i], &arena, &key, &revision) != ERR_OK ||
		    !record_is_at(view, key, nodes[i], &arena, &newest))
			node_bury(table, nodes[i]);
		else
			node_saw(table, nodes[i], newest); /* what is loaded of it may be old */
		node_unpin(table, nodes[i]);
		arena_reset(&arena);
	}
	free(nodes);
	pthread_mutex_lock(&table->mutex);
	table->revision = kv_view_revision(view);
	table->names_revision = table->revision;
	pthread_cond_broadcast(&table->followed);
	pthread_mutex_unlock(&table->mutex);
}

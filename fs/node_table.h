/* SPDX-License-Identifier: Apache-2.0 */
/* What node.c and node_follow.c share: the table itself, and its functions under the mutex (…_locked). */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "fs/node.h"

struct node {
	uint64_t id,
	    record_id; /* both 0: a directory that only its children hold here; it is not in by_id and by_record */
	enum node_state state;
	bool is_directory;
	uint64_t lookups, pins;
	struct node *parent; /* pinned */
	uint8_t *segment;
	size_t segment_size;
	int64_t revision;
	struct stage *stage;
	struct node *place_next;   /* in its slot of by_place */
	struct node *suspect_next; /* in the table's list */
	bool is_suspect;
};

struct node_table {
	char *root_prefix; /* root_key + "/" */
	void (*stage_free)(struct stage *stage);
	pthread_mutex_t mutex; /* protects all below, and the nodes */
	pthread_cond_t followed;
	struct node root;
	struct map by_id, by_record, by_place; /* by_place: hash → chain by place_next */
	struct node *suspects;                 /* directories to look after, pinned */
	int64_t revision;                      /* followed to */
	int64_t names_revision;                /* of the last change that took or moved a name */
	size_t staged_count;
};

static inline struct bytes node_segment(const struct node *node)
{
	return bytes_of(node->segment, node->segment_size);
}

struct node *node_new_locked(struct node_table *table, uint64_t record_id, bool is_directory);
struct node *node_child_locked(struct node_table *table, const struct node *parent, struct bytes segment,
                               bool is_directory);
/* The deepest held directory on the way to the key, and what of the key is left below it. */
struct node *node_walk_locked(struct node_table *table, struct bytes key, struct bytes *ret_rest);
/* NULL when not held. */
struct node *node_at_locked(struct node_table *table, struct bytes key);
bool node_is_at_locked(const struct node_table *table, const struct node *node, struct bytes key);
/* Moves it there; whatever was there is buried. The directories above are made as nameless ones where they are not held. */
void node_put_locked(struct node_table *table, struct node *node, struct node *parent, struct bytes segment);
void node_put_at_key_locked(struct node_table *table, struct node *node, struct bytes key);
void node_detach_locked(struct node_table *table, struct node *node);
void node_bury_locked(struct node_table *table, struct node *node);
void node_unpin_locked(struct node_table *table, struct node *node);
void node_suspect_locked(struct node_table *table, struct node *node);
enum err node_key_locked(struct node_table *table, const struct node *node, struct arena *arena,
                         struct bytes *ret_key) MUST_USE;

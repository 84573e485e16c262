/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects that the kernel, an open handle, a call or a replay holds: what they are in the store, and where they are in the tree now.
 *
 * A node knows its parent node and its last key segment, so that a rename of a directory moves one pointer. The table follows the
 * committed changes on the apply role (node_follow), and thus stands at one revision; a view may be ahead of it or behind it. So a handler
 * validates: it takes the node's key here, reads a view at that key, and compares the id found with record_id; see place.h.
 *
 * Identities:
 *   id         what the kernel calls the node: FUSE's node id. 1 is the root.
 *   record_id  what the store calls it (kv_record.id, or kv_directory.id of a directory); equal to id but for the root, and for a file
 *              whose staged creation met a file that another node had created meanwhile: it became that file.
 *
 * Invariants:
 *   1. A node is in the table while lookups + pins > 0; each child pins its parent.
 *   2. At most one node has a record_id, and at most one LINKED or STAGED node has a (parent, segment, is_directory).
 *   3. A GONE node has no place; it keeps its last content for its handles, see stage.h.
 *   4. The root is always there.
 * All functions: ON_ANY_THREAD unless said otherwise; one leaf mutex inside.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "store/kv.h"

enum { NODE_ID_ROOT = 1 };

enum node_state {
	NODE_LINKED, /* at its place in the committed tree, as far as this node knows */
	NODE_STAGED, /* created here, not committed yet: only this mount sees it */
	NODE_GONE,   /* deleted, or not found any more where it was: a tombstone */
};

struct stage;
struct node_table;

/* Of a node, all but `id` and `table` change under the table's mutex: read them through the functions below, or as a snapshot from node_look(). */
struct node;

struct node_look {
	uint64_t id, record_id;
	enum node_state state;
	bool is_directory;
	uint64_t lookups;     /* references of the kernel: 0, it does not know this node */
	uint64_t parent_id;   /* 0 when GONE, and of the root */
	int64_t revision;     /* the newest mod_revision of its record that was seen; 0: none */
	struct bytes segment; /* of its key; without '/' */
};

/* `root_key` as in fs_options: the key of the root directory is root_key + "/". stage_free is called with the mutex held. */
struct node_table *node_table_new(const char *root_key, void (*stage_free)(struct stage *stage));
void node_table_free(struct node_table *table);

/* ---- finding. Each result is pinned, or NULL ---- */

struct node *node_find(struct node_table *table, uint64_t id);
struct node *node_find_record(struct node_table *table, uint64_t record_id);
/* By place: LINKED and STAGED ones only. */
struct node *node_find_child(struct node_table *table, const struct node *parent, struct bytes segment,
                             bool is_directory);
/* By key; a directory's ends in '/'. Finds a node only if it is held. */
struct node *node_find_key(struct node_table *table, struct bytes key);

uint64_t node_id(const struct node *node);
uint64_t node_record_id(struct node_table *table, const struct node *node);
/* The segment lives in the arena. */
struct node_look node_look(struct node_table *table, struct node *node, struct arena *arena);
/* The key where it is now; a directory's ends in '/'. *ret_revision: of the table. ERR_NOT_FOUND when it, or a directory above it, is GONE;
 * ERR_CONFLICT when it is just being moved: look again. */
enum err node_key(struct node_table *table, struct node *node, struct arena *arena, struct bytes *ret_key,
                  int64_t *ret_revision) MUST_USE;

/* ---- holding ---- */

struct node *node_pin(struct node_table *table, struct node *node);
void node_unpin(struct node_table *table, struct node *node); /* may free it; NULL is allowed */
/* The kernel was told of the node once more; call it before the reply, and node_forget() if the reply failed. */
void node_looked_up(struct node_table *table, struct node *node);
void node_forget(struct node_table *table, uint64_t id, uint64_t count);

/* ---- what handlers tell the table ---- */

struct node_place {
	struct node *parent;
	struct bytes segment;
	bool is_directory;
	uint64_t record_id;
	int64_t revision;      /* mod_revision of the record; 0 for a directory without a marker */
	int64_t view_revision; /* of the view that showed it there */
};
/* The object was seen there: finds or makes its node, and puts it there. Pinned. ERR_CONFLICT: names changed since that view: look again. */
enum err node_bind(struct node_table *table, const struct node_place *place, struct node **ret_node) MUST_USE;
/* As node_bind(), whatever changed since. */
struct node *node_bind_anyway(struct node_table *table, const struct node_place *place);
/* A new file that only this mount sees until it is committed. ERR_EXISTS: there is a node at that place. Pinned. */
enum err node_stage(struct node_table *table, const struct node_place *place, struct node **ret_node) MUST_USE;
/* A STAGED node became the record that it was committed as. */
void node_commit(struct node_table *table, struct node *node, uint64_t record_id, int64_t revision);
/* It is not where the table thought: deleted or lost. */
void node_bury(struct node_table *table, struct node *node);
/* A view showed its record at this revision. */
void node_saw(struct node_table *table, struct node *node, int64_t revision);

/* The STAGED files of a directory: at most `max`, pinned. */
size_t node_staged_in(struct node_table *table, const struct node *parent, struct node **ret_nodes, size_t max);

/* All that the kernel holds, the root too, pinned; the array is the caller's. */
size_t node_held(struct node_table *table, struct node ***ret_nodes);

/* ---- following the store ---- */

/* Called, with the table's mutex NOT held, for each node of the table whose record the change deleted or replaced by another, before the node
 * is buried: its last content is in `prev` (NULL when the change does not have it). */
typedef void (*node_leaving)(void *argument, struct node *node, const struct kv_record *prev);

struct note;
/* Brings the table to the revision of the change; note may be NULL. Order for observers: node_follow() first, then who raises events;
 * buried nodes are still found by node_find_record() while something holds them. On the apply role. */
void node_follow(struct node_table *table, const struct kv_change *change, const struct note *note,
                 node_leaving leaving, void *argument);
/* Directories that ended without a note (their last key was deleted by a client of the API) are found by looking. On the apply role, after
 * node_follow(); the view is one just opened. */
void node_follow_directories(struct node_table *table, struct kv_view *view);
/* There is something for node_follow_directories() to look at. */
bool node_has_suspects(struct node_table *table);
/* The whole state was replaced: nodes that are not where they were are buried. On the apply role. */
void node_follow_replaced(struct node_table *table, struct kv_view *view);

/* Where following begins: before the apply role runs. */
void node_table_start(struct node_table *table, int64_t revision);
int64_t node_table_revision(struct node_table *table);
/* Waits until the table has followed to the revision of a view: microseconds, for the apply role is just between making it visible and
 * node_follow(). Not on the apply role, which is never behind a view that it opens. */
void node_table_wait(struct node_table *table, int64_t revision);

/* ---- what hangs on a node ---- */

/* What this mount keeps of a file beside its place, or NULL; it lives as long as the node. */
struct stage *node_get_stage(struct node_table *table, struct node *node);
/* Hangs it there unless there is one already, and gives the one that is there. Freed with the node by `stage_free` of the table. */
struct stage *node_offer_stage(struct node_table *table, struct node *node, struct stage *stage);

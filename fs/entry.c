/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/entry.h"

#include <errno.h>

#include "fs/stage.h"

static void entry_overlay(struct fs *fs, struct node *node, struct stat *stat)
{
	struct stage *stage = node_get_stage(fs->nodes, node);
	if (stage)
		stage_stat(stage, stat);
	stat->st_nlink += replay_links(fs->replay, node_id(node));
}

enum verdict entry_of_object(struct fs *fs, struct kv_view *view, struct node *parent, struct bytes segment,
                             const struct object *object, struct call_found *ret_found)
{
	struct node_place place = {
	    .parent = parent,
	    .segment = segment,
	    .is_directory = object->is_directory,
	    .record_id = object_id(object),
	    .revision = object->is_directory ? 0 : object->record.mod_revision,
	    .view_revision = kv_view_revision(view),
	};
	struct call_found found = {.revision = place.revision};
	if (object_stat(object, &found.stat) != ERR_OK)
		return VERDICT_UNREADABLE;
	if (node_bind(fs->nodes, &place, &found.node) != ERR_OK)
		return VERDICT_AGAIN;
	struct stage *stage = node_get_stage(fs->nodes, found.node);
	if (stage && stage_is_orphan(stage))
		stage_revive(stage);
	entry_overlay(fs, found.node, &found.stat);
	*ret_found = found;
	return VERDICT_GO;
}

static bool entry_find_staged(struct fs *fs, struct node *parent, const char *name, struct arena *arena,
                              struct call_found *ret_found)
{
	struct name_meaning meaning = name_parse(name, arena);
	if (meaning.kind != NAME_ORDINARY)
		return false;
	struct node *node = node_find_child(fs->nodes, parent, meaning.segment, false);
	struct node_look look = {.state = NODE_GONE};
	if (node)
		look = node_look(fs->nodes, node, arena);
	struct call_found found = {.node = node, .stat.st_ino = look.record_id, .stat.st_nlink = 1};
	if (look.state == NODE_STAGED && stage_stat(node_get_stage(fs->nodes, node), &found.stat)) {
		*ret_found = found;
		return true;
	}
	node_unpin(fs->nodes, node);
	return false;
}

enum verdict entry_find(struct fs *fs, struct kv_view *view, struct node *parent, const char *name, struct arena *arena,
                        struct call_found *ret_found)
{
	struct object directory;
	struct spot spot;
	if (entry_find_staged(fs, parent, name, arena, ret_found))
		return VERDICT_GO;
	enum verdict verdict = fs_object(fs, view, parent, arena, &directory);
	if (verdict == VERDICT_GO)
		verdict = spot_read(view, &directory, name, arena, &spot);
	if (verdict != VERDICT_GO)
		return verdict;
	if (spot.kind == SPOT_EMPTY)
		return VERDICT_ABSENT;
	return entry_of_object(fs, view, parent, spot.segment, &spot.object, ret_found);
}

/* Of what only this mount has: a staged file, or what is left of one that is gone. */
static bool entry_stat_here(struct fs *fs, struct node *node, struct arena *arena, struct stat *ret_stat)
{
	struct node_look look = node_look(fs->nodes, node, arena);
	struct stage *stage = look.state != NODE_LINKED ? node_get_stage(fs->nodes, node) : NULL;
	struct stat stat = {.st_ino = look.record_id};
	if (!stage || !stage_stat(stage, &stat))
		return false;
	stat.st_nlink += replay_links(fs->replay, look.id);
	*ret_stat = stat;
	return true;
}

enum verdict entry_stat(struct fs *fs, struct kv_view *view, struct node *node, struct arena *arena,
                        struct stat *ret_stat)
{
	struct object object;
	struct stat stat;
	if (entry_stat_here(fs, node, arena, ret_stat))
		return VERDICT_GO;
	enum verdict verdict = fs_object(fs, view, node, arena, &object);
	if (verdict == VERDICT_STALE && entry_stat_here(fs, node, arena, ret_stat))
		return VERDICT_GO; /* it went just now */
	if (verdict != VERDICT_GO)
		return verdict;
	if (object_stat(&object, &stat) != ERR_OK)
		return VERDICT_UNREADABLE;
	if (object.is_root)
		stat.st_ino = NODE_ID_ROOT;
	entry_overlay(fs, node, &stat);
	*ret_stat = stat;
	return VERDICT_GO;
}

enum verdict entry_stat_now(struct fs *fs, struct node *node, struct arena *arena, struct stat *ret_stat)
{
	enum verdict verdict = VERDICT_AGAIN;
	for (unsigned looks = 0; looks < CALL_LOOKS_MAX && verdict == VERDICT_AGAIN; looks++) {
		struct kv_view *view = fs_view(fs);
		verdict = entry_stat(fs, view, node, arena, ret_stat);
		kv_view_close(view);
	}
	return verdict;
}

int entry_made(struct call *call, size_t at, const char *name)
{
	enum verdict verdict = VERDICT_AGAIN;
	for (unsigned looks = 0; looks < CALL_LOOKS_MAX && verdict == VERDICT_AGAIN; looks++) {
		struct kv_view *view = fs_view(call->fs);
		verdict = entry_find(call->fs, view, call->nodes[at], name, &call->scratch, &call->found);
		kv_view_close(view);
	}
	if (verdict == VERDICT_GO)
		call->nodes[CALL_NODES_MAX - 1] = call->found.node;
	return verdict_errno(verdict);
}

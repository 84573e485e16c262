/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree.h"

#include "base/check.h"
#include "base/log.h"

static void branch_begin(struct batch *batch, struct branch *branch, uint64_t id, struct tree_time now)
{
	branch->exists = true;
	branch->directory = (struct kv_directory){
	    .id = id != 0 ? id : batch->state.next_id++,
	    .create_revision = now.revision,
	    .create_time_ns = now.time_ns,
	};
}

static void branch_mark_changed(struct batch *batch, struct branch *branch, struct tree_time now)
{
	branch->directory.changed_revision = now.revision;
	branch->directory.changed_time_ns = now.time_ns;
	batch_branch_changed(batch, branch);
}

enum child_kind { CHILD_KEY, CHILD_DIRECTORY };

/* One more child in `prefix`, and so on upwards where that makes a directory. */
static void tree_grow(struct batch *batch, struct bytes prefix, enum child_kind kind, struct tree_time now)
{
	for (; prefix.size != 0; kind = CHILD_DIRECTORY) {
		struct branch *branch = batch_branch(batch, prefix);
		bool existed = branch->exists;
		if (!existed)
			branch_begin(batch, branch, 0, now);
		branch->directory.children++;
		branch->directory.directories += kind == CHILD_DIRECTORY;
		branch_mark_changed(batch, branch, now);
		prefix = existed ? BYTES_NONE : layout_parent(branch->node.key);
	}
}

/* One child less in `prefix`, and so on upwards where that ends a directory. */
static void tree_shrink(struct batch *batch, struct bytes prefix, enum child_kind kind, struct tree_time now)
{
	for (; prefix.size != 0; kind = CHILD_DIRECTORY) {
		struct branch *branch = batch_branch(batch, prefix);
		check(branch->exists && branch->directory.children > 0);
		branch->directory.children--;
		branch->directory.directories -= kind == CHILD_DIRECTORY;
		branch->exists = branch->directory.children > 0 || branch->directory.marker;
		branch_mark_changed(batch, branch, now);
		prefix = branch->exists ? BYTES_NONE : layout_parent(branch->node.key);
	}
}

void tree_add(struct batch *batch, const struct kv_record *record, struct tree_time now)
{
	struct bytes home = layout_home(record->key);
	if (!layout_is_directory(record->key)) {
		tree_grow(batch, home, CHILD_KEY, now);
		return;
	}
	struct branch *branch = batch_branch(batch, home);
	bool existed = branch->exists;
	if (!existed) { /* it and its marker are one object */
		branch_begin(batch, branch, record->id, now);
		branch_mark_changed(batch, branch, now);
	}
	branch->directory.marker = true;
	batch_branch_changed(batch, branch);
	if (!existed)
		tree_grow(batch, layout_parent(branch->node.key), CHILD_DIRECTORY, now);
}

void tree_remove(struct batch *batch, struct bytes key, struct tree_time now)
{
	struct bytes home = layout_home(key);
	if (!layout_is_directory(key)) {
		tree_shrink(batch, home, CHILD_KEY, now);
		return;
	}
	struct branch *branch = batch_branch(batch, home);
	check(branch->exists && branch->directory.marker);
	branch->directory.marker = false;
	branch->exists = branch->directory.children > 0;
	batch_branch_changed(batch, branch);
	if (!branch->exists)
		tree_shrink(batch, layout_parent(branch->node.key), CHILD_DIRECTORY, now);
}

/* A marker is the directory itself, whose id its marker does not change. */
void tree_replace(struct batch *batch, struct bytes key, struct tree_time now)
{
	struct bytes home = layout_home(key);
	if (home.size == 0 || layout_is_directory(key))
		return;
	branch_mark_changed(batch, batch_branch(batch, home), now);
}

void tree_carry(struct batch *batch, struct bytes prefix, const struct kv_directory *was, struct tree_time now)
{
	struct branch *branch = batch_branch(batch, prefix);
	if (!branch->exists)
		return; /* a later operation of the same transaction removed it */
	struct bytes parent = layout_parent(branch->node.key);
	if (parent.size != 0 && branch->directory.id != was->id)
		branch_mark_changed(batch, batch_branch(batch, parent), now);
	branch->directory.id = was->id;
	branch->directory.create_revision = was->create_revision;
	branch->directory.create_time_ns = was->create_time_ns;
	branch->directory.changed_revision = was->changed_revision;
	branch->directory.changed_time_ns = was->changed_time_ns;
	batch_branch_changed(batch, branch);
}

/* ---- reading ---- */

enum err kv_directory(struct kv_view *view, struct bytes prefix, struct kv_directory *ret_directory)
{
	if (!layout_is_directory(prefix))
		return ERR_INVALID;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes row;
	enum err err = view_get(view, FAMILY_TREE, layout_tree(prefix, &arena), &arena, &row);
	if (err == ERR_OK)
		err = row_directory_decode(row, ret_directory);
	return err;
}

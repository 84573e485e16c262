/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"

#include <stdlib.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	/* A row is a record or a change: one with a note and an event for each key that a transaction may change. */
	ROW_BYTES_MAX = LIMIT_ENTRY_BYTES + LIMIT_ATTR_BYTES + (1 << 30),
	/* What an emptied batch may keep for the next one. */
	KEPT_BYTES_MAX = 1 << 20,
};

void batch_init(struct batch *batch)
{
	*batch = (struct batch){.writes = rocksdb_writebatch_create()};
	arena_init(&batch->arena);
	recall_init(&batch->recall);
	table_init(&batch->slots);
	table_init(&batch->branches);
	table_init(&batch->leases);
	buffer_init(&batch->scratch, ROW_BYTES_MAX);
}

void batch_fini(struct batch *batch)
{
	if (batch->base != NULL)
		kv_view_close(batch->base);
	rocksdb_writebatch_destroy(batch->writes);
	table_fini(&batch->slots);
	table_fini(&batch->branches);
	table_fini(&batch->leases);
	free(batch->dirty_slots);
	free(batch->dirty_branches);
	buffer_fini(&batch->scratch);
	recall_fini(&batch->recall);
	arena_fini(&batch->arena);
}

static void batch_shrink(struct batch *batch)
{
	if (arena_size_bytes(&batch->arena) > KEPT_BYTES_MAX)
		arena_fini(&batch->arena);
	arena_reset(&batch->arena);
	if (batch->scratch.capacity > KEPT_BYTES_MAX) {
		buffer_fini(&batch->scratch);
		buffer_init(&batch->scratch, ROW_BYTES_MAX);
	}
	size_t size = 0;
	rocksdb_writebatch_data(batch->writes, &size);
	rocksdb_writebatch_clear(batch->writes);
	if (size > KEPT_BYTES_MAX) {
		rocksdb_writebatch_destroy(batch->writes);
		batch->writes = rocksdb_writebatch_create();
	}
}

void batch_reset(struct batch *batch, struct kv_view *base)
{
	if (batch->base != NULL && batch->base->database != base->database)
		recall_forget_all(&batch->recall);
	if (batch->base != NULL)
		kv_view_close(batch->base);
	batch->base = base;
	batch->state = base->state;
	table_clear(&batch->slots);
	table_clear(&batch->branches);
	table_clear(&batch->leases);
	batch->dirty_slot_count = 0;
	batch->dirty_branch_count = 0;
	batch_shrink(batch);
}

void batch_fail(const struct batch *batch, enum err err)
{
	log_fatal("store_read_failed",
	          "path=%s condition=%s remedy=\"this node's copy is damaged: empty its data "
	          "directory and let it join again\"",
	          batch->base->database->path, err_name(err));
}

/* ---- keys ---- */

static struct slot *batch_slot_new(struct batch *batch, struct bytes key, uint64_t hash)
{
	struct slot *slot = arena_zero(&batch->arena, 1, sizeof *slot);
	slot->node.key = arena_dup(&batch->arena, key);
	slot->node.hash = hash;
	return slot;
}

struct slot *batch_adopt(struct batch *batch, const struct kv_record *record)
{
	uint64_t hash = table_hash(record->key);
	struct slot *slot = (struct slot *)table_find(&batch->slots, record->key, hash);
	if (slot != NULL)
		return slot;
	slot = batch_slot_new(batch, record->key, hash);
	slot->live = true;
	slot->record = *record;
	slot->record.key = slot->node.key;
	slot->record.value = arena_dup(&batch->arena, record->value);
	slot->record.attr = arena_dup(&batch->arena, record->attr);
	table_add(&batch->slots, &slot->node);
	return slot;
}

static enum err batch_read(struct batch *batch, struct slot *slot)
{
	struct bytes row;
	if (!recall_find(&batch->recall, slot->node.key, slot->node.hash, &row))
		return kv_get(batch->base, slot->node.key, &batch->arena, &slot->record);
	if (row.size == 0)
		return ERR_NOT_FOUND;
	return view_decode(batch->base, slot->node.key, arena_dup(&batch->arena, row), &slot->record);
}

struct slot *batch_slot(struct batch *batch, struct bytes key)
{
	uint64_t hash = table_hash(key);
	struct slot *slot = (struct slot *)table_find(&batch->slots, key, hash);
	if (slot != NULL)
		return slot;
	slot = batch_slot_new(batch, key, hash);
	enum err err = batch_read(batch, slot);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		batch_fail(batch, err);
	slot->live = err == ERR_OK;
	table_add(&batch->slots, &slot->node);
	return slot;
}

void batch_slot_changed(struct batch *batch, struct slot *slot)
{
	if (slot->dirty)
		return;
	slot->dirty = true;
	if (batch->dirty_slot_count == batch->dirty_slot_capacity) {
		batch->dirty_slot_capacity = batch->dirty_slot_capacity != 0 ? batch->dirty_slot_capacity * 2 : 64;
		batch->dirty_slots = memory_resize(batch->dirty_slots, batch->dirty_slot_capacity, sizeof(void *));
	}
	batch->dirty_slots[batch->dirty_slot_count++] = slot;
}

/* ---- directories ---- */

struct branch *batch_branch(struct batch *batch, struct bytes prefix)
{
	uint64_t hash = table_hash(prefix);
	struct branch *branch = (struct branch *)table_find(&batch->branches, prefix, hash);
	if (branch != NULL)
		return branch;
	branch = arena_zero(&batch->arena, 1, sizeof *branch);
	branch->node.key = arena_dup(&batch->arena, prefix);
	branch->node.hash = hash;
	enum err err = kv_directory(batch->base, prefix, &branch->directory);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		batch_fail(batch, err);
	branch->exists = err == ERR_OK;
	table_add(&batch->branches, &branch->node);
	return branch;
}

void batch_branch_changed(struct batch *batch, struct branch *branch)
{
	if (branch->dirty)
		return;
	branch->dirty = true;
	if (batch->dirty_branch_count == batch->dirty_branch_capacity) {
		batch->dirty_branch_capacity =
		    batch->dirty_branch_capacity != 0 ? batch->dirty_branch_capacity * 2 : 64;
		batch->dirty_branches =
		    memory_resize(batch->dirty_branches, batch->dirty_branch_capacity, sizeof(void *));
	}
	batch->dirty_branches[batch->dirty_branch_count++] = branch;
}

/* ---- rows ---- */

void batch_put_row(struct batch *batch, enum family family, struct bytes row)
{
	rocksdb_writebatch_put_cf(batch->writes, batch->base->database->families[family], (const char *)row.data,
	                          row.size, (const char *)batch->scratch.data, batch->scratch.size);
	buffer_clear(&batch->scratch);
}

void batch_delete_row(struct batch *batch, enum family family, struct bytes row)
{
	rocksdb_writebatch_delete_cf(batch->writes, batch->base->database->families[family], (const char *)row.data,
	                             row.size);
}

bool batch_is_dirty(const struct batch *batch)
{
	return batch->dirty_slot_count != 0;
}

static void batch_write_slot(struct batch *batch, const struct slot *slot)
{
	check(!slot->touched);
	if (!slot->live) {
		recall_keep(&batch->recall, slot->node.key, slot->node.hash, BYTES_NONE);
		batch_delete_row(batch, FAMILY_HEAD, slot->node.key);
		return;
	}
	row_record_encode(&slot->record, &batch->scratch);
	recall_keep(&batch->recall, slot->node.key, slot->node.hash, buffer_bytes(&batch->scratch));
	batch_put_row(batch, FAMILY_HEAD, slot->node.key);
}

static void batch_write_branch(struct batch *batch, const struct branch *branch)
{
	struct bytes row = layout_tree(branch->node.key, &batch->arena);
	if (!branch->exists) {
		batch_delete_row(batch, FAMILY_TREE, row);
		return;
	}
	row_directory_encode(&branch->directory, &batch->scratch);
	batch_put_row(batch, FAMILY_TREE, row);
}

void batch_write(struct batch *batch)
{
	check(batch->scratch.size == 0);
	for (size_t i = 0; i < batch->dirty_slot_count; i++)
		batch_write_slot(batch, batch->dirty_slots[i]);
	for (size_t i = 0; i < batch->dirty_branch_count; i++)
		batch_write_branch(batch, batch->dirty_branches[i]);
	if (!HAS_BUG(APPLIED_APART) || batch->state.index % 2 == 0) {
		row_state_encode(&batch->state, &batch->scratch);
		batch_put_row(batch, FAMILY_META, layout_state());
	}
	database_write(batch->base->database, batch->writes);
}

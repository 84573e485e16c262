/* SPDX-License-Identifier: Apache-2.0 */
#include "store/edit.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "base/memory.h"
#include "store/tree.h"

void edit_begin(struct edit *edit, struct batch *batch)
{
	*edit = (struct edit){
	    .batch = batch,
	    .revision = batch->state.revision + 1,
	    .time_ns = batch->state.time_ns,
	    .first_id = batch->state.next_id,
	};
}

static size_t record_bytes(const struct kv_record *record)
{
	return record->key.size + record->value.size + record->attr.size;
}

static enum err edit_touch(struct edit *edit, struct slot *slot, size_t size_bytes)
{
	edit->size_bytes += size_bytes;
	if (!slot->touched) {
		edit->size_bytes += slot->live ? record_bytes(&slot->record) : 0;
		if (edit->count == edit->capacity) {
			edit->capacity = edit->capacity != 0 ? edit->capacity * 2 : 8;
			edit->touched = memory_resize(edit->touched, edit->capacity, sizeof(void *));
		}
		edit->touched[edit->count++] = slot;
		slot->touched = true;
		slot->was_live = slot->live;
		slot->was = slot->record;
	}
	if (edit->unbounded)
		return ERR_OK;
	if (edit->size_bytes > EDIT_BYTES_MAX)
		return ERR_TOO_LARGE;
	return edit->count > 2 * LIMIT_TXN_KEYS ? ERR_LIMIT : ERR_OK; /* a move changes two keys for each */
}

enum err edit_put(struct edit *edit, struct slot *slot, const struct kv_record *record)
{
	enum err err = edit_touch(edit, slot, record_bytes(record));
	slot->live = true;
	slot->record = *record;
	slot->record.key = slot->node.key;
	return err;
}

enum err edit_delete(struct edit *edit, struct slot *slot)
{
	check(slot->live);
	enum err err = edit_touch(edit, slot, 0);
	slot->live = false;
	return err;
}

bool edit_wrote(const struct edit *edit, const struct slot *slot)
{
	return slot->touched && slot->live && slot->record.mod_revision == edit->revision;
}

static int64_t slot_growth(const struct slot *slot)
{
	return (slot->live ? (int64_t)record_bytes(&slot->record) : 0) -
	       (slot->was_live ? (int64_t)record_bytes(&slot->was) : 0);
}

int64_t edit_growth(const struct edit *edit)
{
	int64_t growth = 0;
	for (size_t i = 0; i < edit->count; i++)
		growth += slot_growth(edit->touched[i]);
	return growth;
}

bool edit_is_removal(const struct edit *edit)
{
	bool removes = false;
	for (size_t i = 0; i < edit->count; i++) {
		const struct slot *slot = edit->touched[i];
		bool marker = layout_is_directory(slot->node.key) && slot->record.value.size == 0;
		if (slot->live && !marker && slot_growth(slot) > 0)
			return false;
		removes = removes || (slot->was_live && !slot->live);
	}
	return removes;
}

void edit_undo(struct edit *edit)
{
	for (size_t i = 0; i < edit->count; i++) {
		struct slot *slot = edit->touched[i];
		slot->live = slot->was_live;
		slot->record = slot->was;
		slot->touched = false;
	}
	edit->batch->state.next_id = edit->first_id;
	free(edit->touched);
	*edit = (struct edit){0};
}

/* ---- scanning ---- */

static int slot_order(const void *left, const void *right)
{
	const struct scan_patch *a = left, *b = right;
	return bytes_compare(a->key, b->key);
}

/* The patches of a scan are cut to the range that it covers. */
static void patches_cut(const struct kv_range *range, const struct scan_patch **patches, size_t *count)
{
	while (*count > 0 && !range_holds(range, (*patches)[0].key)) {
		(*patches)++;
		(*count)--;
	}
	while (*count > 0 && !range_holds(range, (*patches)[*count - 1].key))
		(*count)--;
}

void edit_patches(struct edit *edit, const struct kv_range *range, const struct scan_patch **ret_patches,
                  size_t *ret_count)
{
	struct scan_patch *patches = arena_take(&edit->batch->arena, edit->count * sizeof *patches);
	for (size_t i = 0; i < edit->count; i++) {
		const struct slot *slot = edit->touched[i];
		patches[i] = (struct scan_patch){.key = slot->node.key, .record = slot->live ? &slot->record : NULL};
	}
	if (edit->count > 1)
		qsort(patches, edit->count, sizeof *patches, slot_order);
	*ret_patches = patches;
	*ret_count = edit->count;
	patches_cut(range, ret_patches, ret_count);
}

struct gathered {
	struct slot **slots;
	size_t count;
};

static void gathered_add(struct gathered *gathered, struct slot *slot, struct arena *arena)
{
	gathered->slots = arena_more(arena, gathered->slots, gathered->count, sizeof(void *));
	gathered->slots[gathered->count++] = slot;
}

enum err edit_gather(struct edit *edit, const struct kv_range *range, struct slot ***ret_slots, size_t *ret_count)
{
	struct batch *batch = edit->batch;
	struct gathered gathered = {0};
	if (range_is_single(range)) {
		struct slot *slot = batch_slot(batch, range->start);
		if (slot->live)
			gathered_add(&gathered, slot, &batch->arena);
		*ret_slots = gathered.slots;
		*ret_count = gathered.count;
		return ERR_OK;
	}
	struct scan_options options = {.view = batch->base, .range = *range, .revision = INT64_MAX};
	edit_patches(edit, range, &options.patches, &options.patch_count);
	struct scan scan;
	scan_open(&scan, &options);
	struct kv_record record;
	size_t size_bytes = 0;
	while (gathered.count <= LIMIT_TXN_KEYS && size_bytes <= EDIT_BYTES_MAX && scan_next(&scan, &record)) {
		size_bytes += record_bytes(&record);
		gathered_add(&gathered, batch_adopt(batch, &record), &batch->arena);
	}
	enum err err = scan_close(&scan);
	if (err != ERR_OK)
		batch_fail(batch, err);
	*ret_slots = gathered.slots;
	*ret_count = gathered.count;
	if (size_bytes > EDIT_BYTES_MAX)
		return ERR_TOO_LARGE;
	return gathered.count > LIMIT_TXN_KEYS ? ERR_LIMIT : ERR_OK;
}

/* ---- settling ---- */

void state_mix(struct state *state, uint32_t crc)
{
	uint64_t mixed = (state->checksum ^ crc) * UINT64_C(0x9e3779b97f4a7c15);
	state->checksum = mixed ^ mixed >> 29;
}

static uint32_t record_crc(uint32_t crc, const struct kv_record *record)
{
	const int64_t numbers[] = {record->create_revision, record->mod_revision, record->version,      record->lease,
	                           record->time_ns,         (int64_t)record->id,  record->attr_is_older};
	crc = crc32c(crc, bytes_of(numbers, sizeof numbers));
	return crc32c(crc32c(crc, record->attr), record->value);
}

static void edit_attach(struct batch *batch, const struct slot *slot)
{
	int64_t before = slot->was_live ? slot->was.lease : 0, now = slot->live ? slot->record.lease : 0;
	if (before == now)
		return;
	if (before != 0)
		batch_delete_row(batch, FAMILY_META, layout_attached(before, slot->node.key, &batch->arena));
	if (now != 0)
		batch_put_row(batch, FAMILY_META, layout_attached(now, slot->node.key, &batch->arena));
}

static void edit_count(struct state *state, const struct slot *slot)
{
	state->keys += (slot->live ? 1 : 0) - (slot->was_live ? 1 : 0);
	state->value_bytes += slot_growth(slot);
}

/* The rows of one key, and its event. */
static void edit_settle_slot(struct edit *edit, struct slot *slot, struct kv_event *event)
{
	struct batch *batch = edit->batch;
	struct bytes key = slot->node.key;
	if (slot->was_live) {
		row_record_encode(&slot->was, &batch->scratch);
		batch_put_row(batch, FAMILY_PAST, layout_past(key, slot->was.mod_revision, &batch->arena));
	}
	if (!slot->live) {
		row_tombstone_encode(&batch->scratch);
		batch_put_row(batch, FAMILY_PAST, layout_past(key, edit->revision, &batch->arena));
	}
	edit_attach(batch, slot);
	edit_count(&batch->state, slot);
	batch_slot_changed(batch, slot);
	*event = (struct kv_event){
	    .type = slot->live ? KV_EVENT_PUT : KV_EVENT_DELETE,
	    .record = slot->live ? slot->record
	                         : (struct kv_record){.key = key, .mod_revision = edit->revision, .id = slot->was.id},
	    .has_prev = slot->was_live,
	    .prev = slot->was,
	};
}

static void edit_settle_tree(struct edit *edit)
{
	struct tree_time now = {edit->revision, edit->time_ns};
	for (size_t i = 0; i < edit->count; i++) {
		const struct slot *slot = edit->touched[i];
		if (slot->live && !slot->was_live)
			tree_add(edit->batch, &slot->record, now);
		else if (slot->live && slot->record.id != slot->was.id)
			tree_replace(edit->batch, slot->node.key, now);
	}
	for (size_t i = 0; i < edit->count; i++) {
		const struct slot *slot = edit->touched[i];
		if (!slot->live && slot->was_live)
			tree_remove(edit->batch, slot->node.key, now);
	}
	for (const struct carried *carried = edit->carried; carried != NULL; carried = carried->next)
		tree_carry(edit->batch, carried->to, &carried->was, now);
}

static uint32_t edit_settle_slots(struct edit *edit, struct kv_event *events, size_t *ret_count)
{
	size_t count = 0;
	uint32_t crc = 0;
	for (size_t i = 0; i < edit->count; i++) {
		struct slot *slot = edit->touched[i];
		if (!slot->live && !slot->was_live)
			continue; /* it came and went within the revision */
		edit_settle_slot(edit, slot, &events[count]);
		crc = record_crc(crc, &events[count].record);
		count++;
	}
	*ret_count = count;
	return crc;
}

bool edit_settle(struct edit *edit, struct kv_change *change)
{
	struct batch *batch = edit->batch;
	struct kv_event *events = arena_take(&batch->arena, edit->count * sizeof *events);
	size_t count = 0;
	uint32_t crc = edit_settle_slots(edit, events, &count);
	edit_settle_tree(edit);
	for (size_t i = 0; i < edit->count; i++)
		edit->touched[i]->touched = false;
	free(edit->touched);
	edit->touched = NULL;
	if (count == 0)
		return false;
	change->revision = edit->revision;
	change->time_ns = edit->time_ns;
	change->events = events;
	change->event_count = count;
	row_change_encode(change, &batch->scratch);
	state_mix(&batch->state, crc32c(crc, buffer_bytes(&batch->scratch)));
	batch_put_row(batch, FAMILY_CHANGES, layout_change(edit->revision, &batch->arena));
	batch->state.revision = edit->revision;
	return true;
}

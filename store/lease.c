/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lease.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/crc32c.h"

/* A lease as the entries so far left it. */
struct lease_slot {
	struct table_node node;
	bool exists;
	struct row_lease row;
};

static struct lease_slot *lease_slot(struct batch *batch, int64_t id)
{
	struct bytes key = layout_lease(id, &batch->arena), row;
	uint64_t hash = table_hash(key);
	struct lease_slot *slot = (struct lease_slot *)table_find(&batch->leases, key, hash);
	if (slot != NULL)
		return slot;
	slot = arena_zero(&batch->arena, 1, sizeof *slot);
	slot->node.key = key;
	slot->node.hash = hash;
	enum err err = view_get(batch->base, FAMILY_META, key, &batch->arena, &row);
	if (err == ERR_OK)
		err = row_lease_decode(row, &slot->row);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		batch_fail(batch, err);
	slot->exists = err == ERR_OK;
	table_add(&batch->leases, &slot->node);
	return slot;
}

static void lease_put(struct batch *batch, struct lease_slot *slot, const struct row_lease *row)
{
	slot->exists = true;
	slot->row = *row;
	row_lease_encode(row, &batch->scratch);
	state_mix(&batch->state, crc32c(0, buffer_bytes(&batch->scratch)));
	batch_put_row(batch, FAMILY_META, slot->node.key);
}

bool lease_exists(struct batch *batch, int64_t id)
{
	return lease_slot(batch, id)->exists;
}

static struct kv_lease lease_of_row(int64_t id, const struct row_lease *row)
{
	return (struct kv_lease){.id = id, .ttl_s = row->ttl_s, .left_ms = row->left_ms, .granted_ns = row->granted_ns};
}

struct kv_lease lease_now(struct batch *batch, int64_t id)
{
	const struct lease_slot *slot = lease_slot(batch, id);
	check(slot->exists);
	return lease_of_row(id, &slot->row);
}

enum err lease_grant(struct batch *batch, int64_t id, int64_t ttl_s)
{
	if (id == 0 || ttl_s <= 0 || ttl_s > KV_LEASE_TTL_S_MAX)
		return ERR_INVALID;
	struct lease_slot *slot = lease_slot(batch, id);
	if (slot->exists)
		return ERR_LEASE_EXISTS;
	const struct row_lease row = {
	    .ttl_s = ttl_s, .granted_ns = batch->state.time_ns, .left_ms = ttl_s * CLOCK_MS_PER_S};
	lease_put(batch, slot, &row);
	return ERR_OK;
}

enum err lease_checkpoint(struct batch *batch, const struct kv_lease_left *left)
{
	struct lease_slot *slot = lease_slot(batch, left->id);
	if (!slot->exists)
		return ERR_LEASE_NOT_FOUND;
	struct row_lease row = slot->row;
	int64_t most_ms = row.ttl_s * CLOCK_MS_PER_S;
	row.left_ms = left->left_ms < 0 ? 0 : left->left_ms < most_ms ? left->left_ms : most_ms;
	lease_put(batch, slot, &row);
	return ERR_OK;
}

static enum err lease_delete_keys(struct edit *edit, int64_t id)
{
	struct batch *batch = edit->batch;
	struct bytes begin = layout_all_attached(id, &batch->arena);
	enum err err = ERR_OK;
	struct walk walk;
	view_walk(batch->base, FAMILY_META, BYTES_NONE, &walk);
	for (walk_seek(&walk, begin); err == ERR_OK && walk_at_row(&walk); walk_next(&walk)) {
		struct bytes row = walk_key(&walk);
		if (!bytes_have_prefix(row, begin))
			break;
		err = edit_delete(edit, batch_slot(batch, layout_attached_key(row)));
	}
	enum err failed = walk_err(&walk);
	walk_close(&walk);
	if (failed != ERR_OK)
		batch_fail(batch, failed);
	return err;
}

enum err lease_revoke(struct batch *batch, int64_t id, struct kv_change *change, bool *ret_changed)
{
	struct lease_slot *slot = lease_slot(batch, id);
	if (!slot->exists)
		return ERR_LEASE_NOT_FOUND;
	struct edit edit;
	edit_begin(&edit, batch);
	edit.unbounded = true;
	enum err err = lease_delete_keys(&edit, id);
	check(err == ERR_OK);
	*ret_changed = edit_settle(&edit, change);
	slot->exists = false;
	batch_delete_row(batch, FAMILY_META, slot->node.key);
	return ERR_OK;
}

/* ---- reading ---- */

enum err kv_lease(struct kv_view *view, int64_t id, struct kv_lease *ret_lease)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes found = BYTES_NONE;
	struct row_lease row;
	enum err err = view_get(view, FAMILY_META, layout_lease(id, &arena), &arena, &found);
	if (err == ERR_NOT_FOUND)
		return ERR_LEASE_NOT_FOUND;
	if (err == ERR_OK)
		err = row_lease_decode(found, &row);
	if (err == ERR_OK)
		*ret_lease = lease_of_row(id, &row);
	return err;
}

static enum err lease_read(struct walk *walk, struct kv_lease *ret_lease)
{
	struct row_lease row;
	enum err err = row_lease_decode(walk_value(walk), &row);
	if (err == ERR_OK)
		*ret_lease = lease_of_row((int64_t)layout_number(walk_key(walk)), &row);
	return err;
}

enum err kv_leases(struct kv_view *view, int64_t after, size_t max, struct arena *arena, struct kv_lease_list *ret_list)
{
	struct kv_lease_list list = {.leases = arena_take(arena, max * sizeof *list.leases)};
	struct bytes begin = layout_leases(), last = layout_lease(after, arena);
	enum err err = ERR_OK;
	struct walk walk;
	view_walk(view, FAMILY_META, BYTES_NONE, &walk);
	for (walk_seek(&walk, last); err == ERR_OK && list.count < max && walk_at_row(&walk); walk_next(&walk)) {
		struct bytes row = walk_key(&walk);
		if (!bytes_have_prefix(row, begin))
			break;
		if (bytes_equal(row, last))
			continue;
		err = lease_read(&walk, &list.leases[list.count]);
		list.count += err == ERR_OK;
	}
	if (err == ERR_OK)
		err = walk_err(&walk);
	walk_close(&walk);
	if (err == ERR_OK)
		*ret_list = list;
	return err;
}

enum err kv_lease_keys(struct kv_view *view, int64_t id, struct arena *arena, struct kv_key_list *ret_list)
{
	struct kv_key_list list = {0};
	struct bytes begin = layout_all_attached(id, arena);
	struct walk walk;
	view_walk(view, FAMILY_META, BYTES_NONE, &walk);
	for (walk_seek(&walk, begin); walk_at_row(&walk); walk_next(&walk)) {
		struct bytes row = walk_key(&walk);
		if (!bytes_have_prefix(row, begin))
			break;
		list.keys = arena_more(arena, list.keys, list.count, sizeof *list.keys);
		list.keys[list.count++] = arena_dup(arena, layout_attached_key(row));
	}
	enum err err = walk_err(&walk);
	walk_close(&walk);
	if (err == ERR_OK)
		*ret_list = list;
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lease.h"

#define LEASE_TTL_S_MAX INT64_C(9000000000)

bool lease_exists(struct batch *batch, int64_t id)
{
	struct bytes row;
	enum err err = view_get(batch->base, FAMILY_META, layout_lease(id, &batch->arena), &batch->arena, &row);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		batch_fail(batch, err);
	return err == ERR_OK;
}

enum err lease_grant(struct batch *batch, int64_t id, int64_t ttl_s)
{
	if (id == 0 || ttl_s <= 0 || ttl_s > LEASE_TTL_S_MAX)
		return ERR_INVALID;
	if (lease_exists(batch, id))
		return ERR_LEASE_EXISTS;
	row_lease_encode(&(struct row_lease){.ttl_s = ttl_s, .granted_ns = batch->state.time_ns}, &batch->scratch);
	batch_put_row(batch, FAMILY_META, layout_lease(id, &batch->arena));
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
	if (!lease_exists(batch, id))
		return ERR_LEASE_NOT_FOUND;
	struct edit edit;
	edit_begin(&edit, batch);
	enum err err = lease_delete_keys(&edit, id);
	if (err != ERR_OK) {
		edit_undo(&edit);
		return err;
	}
	*ret_changed = edit_settle(&edit, change);
	batch_delete_row(batch, FAMILY_META, layout_lease(id, &batch->arena));
	return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves: which key gets whose content is worked out first, from the state as it is; then the contents are put, and what was at
 * either end and got no new content is deleted. So a key at both ends is changed once, and keeps its create_revision.
 */
#include "store/txn.h"

#include "base/limits.h"
#include "base/check.h"

struct assignment {
	struct bytes to;
	struct kv_record record;
};

/* One end of a move: the keys at and below it. */
struct end {
	struct bytes prefix; /* or the key */
	struct slot **slots;
	size_t count;
};

static enum err end_gather(struct edit *edit, struct end *end)
{
	struct kv_range range = {.start = end->prefix};
	if (layout_is_directory(end->prefix))
		range = kv_prefix(end->prefix, &edit->batch->arena);
	return edit_gather(edit, &range, &end->slots, &end->count);
}

static struct bytes moved_name(struct bytes name, struct bytes from, struct bytes to, struct arena *arena)
{
	check(bytes_have_prefix(name, from));
	struct bytes rest = bytes_from(name, from.size);
	uint8_t *moved = arena_take(arena, to.size + rest.size);
	memcpy(moved, to.data, to.size);
	if (rest.size != 0)
		memcpy(moved + to.size, rest.data, rest.size);
	return bytes_of(moved, to.size + rest.size);
}

static enum err end_assign(struct batch *batch, const struct end *from, struct bytes to, struct assignment *assignments)
{
	for (size_t i = 0; i < from->count; i++) {
		struct bytes name = moved_name(from->slots[i]->node.key, from->prefix, to, &batch->arena);
		if (name.size > LIMIT_KEY_BYTES)
			return ERR_TOO_LARGE;
		assignments[i] = (struct assignment){.to = name, .record = from->slots[i]->record};
	}
	return ERR_OK;
}

/* The directories at and below an end are what stands between its '/'s; those of one directory follow one another. */
static void end_carry(struct edit *edit, const struct end *from, struct bytes to)
{
	struct bytes before = BYTES_NONE;
	struct arena *arena = &edit->batch->arena;
	for (size_t i = 0; i < from->count && layout_is_directory(from->prefix); i++) {
		struct bytes key = from->slots[i]->node.key;
		for (size_t size = from->prefix.size; size <= key.size; size++) {
			struct bytes prefix = bytes_of(key.data, size);
			if (!layout_is_directory(prefix) || bytes_have_prefix(before, prefix))
				continue;
			const struct branch *branch = batch_branch(edit->batch, prefix);
			if (!branch->exists)
				continue;
			struct carried *carried = arena_take(arena, sizeof *carried);
			*carried = (struct carried){.next = edit->carried,
			                            .to = moved_name(prefix, from->prefix, to, arena),
			                            .was = branch->directory};
			edit->carried = carried;
		}
		before = key;
	}
}

static enum err assignment_put(struct edit *edit, const struct assignment *assignment)
{
	struct slot *slot = batch_slot(edit->batch, assignment->to);
	struct kv_record now = assignment->record;
	now.create_revision = slot->live ? slot->record.create_revision : edit->revision;
	now.version = slot->live ? slot->record.version + 1 : 1;
	now.mod_revision = edit->revision;
	now.time_ns = edit->time_ns;
	return edit_put(edit, slot, &now);
}

static enum err end_clear(struct edit *edit, const struct end *end)
{
	enum err err = ERR_OK;
	for (size_t i = 0; i < end->count && err == ERR_OK; i++)
		if (!edit_wrote(edit, end->slots[i]))
			err = edit_delete(edit, end->slots[i]);
	return err;
}

static enum err move_apply(struct edit *edit, const struct assignment *assignments, size_t count,
                           const struct end *from, const struct end *to)
{
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = assignment_put(edit, &assignments[i]);
	if (err == ERR_OK)
		err = end_clear(edit, from);
	return err == ERR_OK ? end_clear(edit, to) : err;
}

enum err move_execute(struct edit *edit, const struct kv_op *op, int64_t *ret_count)
{
	struct batch *batch = edit->batch;
	bool exchange = op->kind == KV_EXCHANGE;
	struct end from = {.prefix = op->move.from}, to = {.prefix = op->move.to};
	enum err err = end_gather(edit, &from);
	if (err == ERR_OK)
		err = end_gather(edit, &to);
	if (err != ERR_OK)
		return err;
	if (from.count == 0 || (exchange && to.count == 0))
		return ERR_NOT_FOUND;
	size_t count = from.count + (exchange ? to.count : 0);
	struct assignment *assignments = arena_take(&batch->arena, count * sizeof *assignments);
	err = end_assign(batch, &from, to.prefix, assignments);
	end_carry(edit, &from, to.prefix);
	if (exchange && err == ERR_OK) {
		err = end_assign(batch, &to, from.prefix, assignments + from.count);
		end_carry(edit, &to, from.prefix);
	}
	if (op->move.set_attr) {
		assignments[0].record.attr = op->move.attr;
		assignments[0].record.attr_is_older = false;
	}
	*ret_count = (int64_t)count;
	return err == ERR_OK ? move_apply(edit, assignments, count, &from, &to) : err;
}

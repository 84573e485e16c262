/* SPDX-License-Identifier: Apache-2.0 */
/* rename(2) with its flags. */
#include "fs/plan.h"

static void plan_move(struct plan *plan, enum kv_op_kind kind, struct bytes from, struct bytes to)
{
	plan_op(plan, kind)->move = (struct kv_move){.from = from, .to = to};
}

static enum verdict plan_exchange(struct plan *plan, const struct spot *from, const struct spot *to)
{
	if (to->kind == SPOT_EMPTY)
		return VERDICT_ABSENT;
	plan_guard_spot(plan, from);
	plan_guard_spot(plan, to);
	if (from->kind == to->kind) {
		plan_move(plan, KV_EXCHANGE, from->object.key, to->object.key);
	} else {
		/* A file and a directory: their keys are of different kinds, so that each can go first. */
		bool first = from->kind == SPOT_DIRECTORY;
		plan_move(plan, KV_MOVE, from->object.key, first ? to->directory_key : to->file_key);
		plan_move(plan, KV_MOVE, to->object.key, first ? from->file_key : from->directory_key);
	}
	plan->note = (struct note){.kind = NOTE_EXCHANGE, .path = from->object.key, .to = to->object.key};
	return VERDICT_GO;
}

/* What rename(2) says of the object that is in the way. */
static enum verdict plan_replaced(struct plan *plan, const struct spot *from, const struct spot *to)
{
	if (to->kind == SPOT_DIRECTORY) {
		if (from->kind != SPOT_DIRECTORY)
			return VERDICT_IS_DIRECTORY;
		if (to->object.directory.children > 0)
			return VERDICT_NOT_EMPTY;
		plan_guard_no_children(plan, to->object.key);
	} else if (to->kind == SPOT_FILE && from->kind == SPOT_DIRECTORY) {
		return VERDICT_NOT_DIRECTORY;
	}
	return VERDICT_GO;
}

/* A file without times of its own shows those of its commits: it takes along what it showed. */
static enum verdict plan_carry_times(struct plan *plan, const struct spot *from, struct kv_move *move, int64_t now_ns)
{
	struct attr attr;
	if (from->kind == SPOT_DIRECTORY)
		return VERDICT_GO;
	if (object_attr(&from->object, &attr) != ERR_OK)
		return VERDICT_UNREADABLE;
	attr.ctime_ns = now_ns;
	move->set_attr = true;
	move->attr = attr_encode(&attr, plan->arena);
	return VERDICT_GO;
}

enum verdict plan_rename(struct plan *plan, const struct spot *from, const struct spot *to, enum plan_rename_mode mode,
                         int64_t now_ns)
{
	if (from->kind == SPOT_EMPTY)
		return VERDICT_ABSENT;
	if (to->kind != SPOT_EMPTY && object_id(&from->object) == object_id(&to->object))
		return mode == PLAN_NO_REPLACE ? VERDICT_EXISTS : VERDICT_DONE;
	if (mode == PLAN_NO_REPLACE && to->kind != SPOT_EMPTY)
		return VERDICT_EXISTS;
	if (!to->can_make)
		return VERDICT_NAME_RESERVED;
	if (from->kind == SPOT_DIRECTORY && bytes_have_prefix(to->file_key, from->directory_key))
		return VERDICT_INTO_ITSELF;
	if (mode == PLAN_EXCHANGE && bytes_have_prefix(from->file_key, to->directory_key))
		return VERDICT_INTO_ITSELF;
	plan_guard_parent(plan, from);
	plan_guard_parent(plan, to);
	if (mode == PLAN_EXCHANGE)
		return plan_exchange(plan, from, to);
	enum verdict verdict = plan_replaced(plan, from, to);
	if (verdict != VERDICT_GO)
		return verdict;
	plan_guard_spot(plan, from);
	plan_guard_spot(plan, to);
	struct bytes target = from->kind == SPOT_DIRECTORY ? to->directory_key : to->file_key;
	struct kv_op *op = plan_op(plan, KV_MOVE);
	op->move = (struct kv_move){.from = from->object.key, .to = target};
	verdict = plan_carry_times(plan, from, &op->move, now_ns);
	if (!bytes_equal(from->parent_key, to->parent_key))
		plan_keep_parent(plan, from);
	plan->note = (struct note){.kind = NOTE_RENAME, .path = from->object.key, .to = target};
	return verdict;
}

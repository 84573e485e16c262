/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/plan.h"

#include "base/check.h"

void plan_init(struct plan *plan, struct arena *arena)
{
	*plan = (struct plan){.arena = arena};
}

struct kv_txn plan_txn(const struct plan *plan)
{
	return (struct kv_txn){
	    .compares = plan->compares,
	    .compare_count = plan->compare_count,
	    .success = plan->ops,
	    .success_count = plan->op_count,
	};
}

void plan_guard(struct plan *plan, struct bytes key, enum kv_target target, int64_t number)
{
	check(plan->compare_count < PLAN_COMPARES_MAX);
	plan->compares[plan->compare_count++] =
	    (struct kv_compare){.target = target, .result = KV_EQUAL, .range = {.start = key}, .number = number};
}

void plan_guard_empty(struct plan *plan, struct kv_range range)
{
	check(plan->compare_count < PLAN_COMPARES_MAX);
	plan->compares[plan->compare_count++] =
	    (struct kv_compare){.target = KV_CREATE, .result = KV_EQUAL, .range = range, .number = 0};
}

void plan_guard_parent(struct plan *plan, const struct spot *spot)
{
	if (spot->parent_id != 0)
		plan_guard(plan, spot->parent_key, KV_ID, (int64_t)spot->parent_id);
}

void plan_guard_spot(struct plan *plan, const struct spot *spot)
{
	if (spot->kind != SPOT_EMPTY) {
		plan_guard(plan, spot->object.key, KV_ID, (int64_t)object_id(&spot->object));
		return;
	}
	plan_guard(plan, spot->file_key, KV_CREATE, 0);
	plan_guard(plan, spot->directory_key, KV_ID, 0);
}

/* The key with one more byte: the least key after it, and for a directory the first that can be below it. */
static struct bytes key_after(struct bytes key, struct arena *arena)
{
	uint8_t *after = arena_take(arena, key.size + 1);
	memcpy(after, key.data, key.size);
	after[key.size] = 0;
	return bytes_of(after, key.size + 1);
}

void plan_guard_no_children(struct plan *plan, struct bytes directory_key)
{
	struct kv_range below = kv_prefix(directory_key, plan->arena);
	below.start = key_after(directory_key, plan->arena);
	plan_guard_empty(plan, below);
}

struct kv_op *plan_op(struct plan *plan, enum kv_op_kind kind)
{
	check(plan->op_count < PLAN_OPS_MAX);
	struct kv_op *op = &plan->ops[plan->op_count++];
	*op = (struct kv_op){.kind = kind};
	return op;
}

void plan_keep_parent(struct plan *plan, const struct spot *spot)
{
	if (spot->parent_id == 0 || spot->parent_has_marker)
		return;
	struct kv_compare *compares = arena_zero(plan->arena, 2, sizeof *compares);
	struct kv_op *marker = arena_zero(plan->arena, 1, sizeof *marker);
	struct kv_txn *txn = arena_zero(plan->arena, 1, sizeof *txn);
	struct kv_range all = kv_prefix(spot->parent_key, plan->arena);
	bool is_directory = spot->kind == SPOT_DIRECTORY;
	struct bytes end =
	    is_directory ? kv_prefix(spot->object.key, plan->arena).end : key_after(spot->object.key, plan->arena);
	compares[0] = (struct kv_compare){KV_CREATE, KV_EQUAL, {all.start, spot->object.key}, 0, BYTES_NONE};
	compares[1] = (struct kv_compare){KV_CREATE, KV_EQUAL, {end, all.end}, 0, BYTES_NONE};
	*marker =
	    (struct kv_op){.kind = KV_PUT, .put = {.key = spot->parent_key, .id = spot->parent_id, .keep_attr = true}};
	*txn = (struct kv_txn){.compares = compares, .compare_count = 2, .success = marker, .success_count = 1};
	plan_op(plan, KV_TXN)->txn = txn;
}

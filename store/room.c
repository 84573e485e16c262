/* SPDX-License-Identifier: Apache-2.0 */
#include "store/room.h"

enum { GROWTH_LOOK_MAX = 64 }; /* of so many puts it is looked up what they replace */

/* ---- what it can do ---- */

static bool ops_have(const struct kv_op *ops, size_t count, bool (*has)(const struct kv_op *op))
{
	for (size_t i = 0; i < count; i++) {
		const struct kv_op *op = &ops[i];
		bool found = op->kind == KV_TXN ? ops_have(op->txn->success, op->txn->success_count, has) ||
		                                      ops_have(op->txn->failure, op->txn->failure_count, has)
		                                : has(op);
		if (found)
			return true;
	}
	return false;
}

static bool txn_has(const struct kv_txn *txn, bool (*has)(const struct kv_op *op))
{
	return ops_have(txn->success, txn->success_count, has) || ops_have(txn->failure, txn->failure_count, has);
}

static bool op_changes(const struct kv_op *op)
{
	return op->kind != KV_RANGE;
}

static bool op_puts(const struct kv_op *op)
{
	return op->kind != KV_RANGE && op->kind != KV_DELETE;
}

static bool op_deletes(const struct kv_op *op)
{
	return op->kind == KV_DELETE;
}

bool txn_changes(const struct kv_txn *txn)
{
	return txn_has(txn, op_changes);
}

bool txn_puts(const struct kv_txn *txn)
{
	return txn_has(txn, op_puts);
}

/* ---- growth ---- */

struct growth {
	struct kv_view *view;
	bool removes; /* markers are let through */
	size_t looks;
	int64_t most, exact; /* without, and with, what is replaced */
};

static void growth_put(struct growth *growth, const struct kv_put *put)
{
	int64_t size = (int64_t)(put->value.size + put->attr.size);
	if (growth->removes && layout_is_directory(put->key) && put->value.size == 0)
		return;
	growth->most += (int64_t)put->key.size + size;
	growth->exact += (int64_t)put->key.size + size;
	if (growth->looks == 0)
		return;
	growth->looks--;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_record was;
	if (kv_get(growth->view, put->key, &arena, &was) != ERR_OK)
		return;
	growth->exact -= (int64_t)put->key.size;
	growth->exact -= put->keep_value ? 0 : (int64_t)was.value.size;
	growth->exact -= put->keep_attr ? 0 : (int64_t)was.attr.size;
}

static void growth_ops(struct growth *growth, const struct kv_op *ops, size_t count);

/* Only one branch happens: the one that adds more. */
static void growth_txn(struct growth *growth, const struct kv_txn *txn)
{
	struct growth success = *growth, failure = *growth;
	growth_ops(&success, txn->success, txn->success_count);
	failure.looks = success.looks;
	growth_ops(&failure, txn->failure, txn->failure_count);
	size_t looks = failure.looks;
	*growth = success.exact > failure.exact ? success : failure;
	growth->looks = looks;
	growth->most = success.most > failure.most ? success.most : failure.most;
}

static void growth_ops(struct growth *growth, const struct kv_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ops[i].kind == KV_PUT)
			growth_put(growth, &ops[i].put);
		else if (ops[i].kind == KV_TXN)
			growth_txn(growth, ops[i].txn);
	}
}

bool room_would_pass(struct kv_view *view, const struct kv_txn *txn, int64_t limit_bytes)
{
	struct growth growth = {.view = view, .removes = txn_has(txn, op_deletes)};
	struct growth exact = growth;
	growth_txn(&growth, txn);
	int64_t room = limit_bytes - view->state.value_bytes;
	if (growth.most == 0 || growth.most <= room)
		return false;
	exact.looks = GROWTH_LOOK_MAX;
	growth_txn(&exact, txn);
	return exact.exact > 0 && exact.exact > room;
}

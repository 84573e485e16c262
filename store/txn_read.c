/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions that change nothing, read from a view: they need no entry of the log. */
#include "store/claims.h"
#include "store/room.h"
#include "store/txn.h"

static enum err read_txn(struct kv_view *view, const struct kv_txn *txn, struct arena *arena,
                         struct kv_result *ret_result);

static enum err read_op(struct kv_view *view, const struct kv_op *op, struct arena *arena,
                        struct kv_response *ret_response)
{
	enum err err = ERR_OK;
	if (op->kind == KV_RANGE) {
		err = kv_range(view, &op->range, arena, ret_response);
	} else {
		struct kv_result *result = arena_zero(arena, 1, sizeof *result);
		*ret_response = (struct kv_response){.kind = KV_TXN, .txn = result};
		err = read_txn(view, op->txn, arena, result);
	}
	ret_response->revision = view->state.revision;
	return err;
}

static enum err read_txn(struct kv_view *view, const struct kv_txn *txn, struct arena *arena,
                         struct kv_result *ret_result)
{
	bool holds = true;
	enum err err = ERR_OK;
	for (size_t i = 0; i < txn->compare_count && err == ERR_OK && holds; i++)
		err = compare_holds_in(view, &txn->compares[i], &holds);
	const struct kv_op *ops = holds ? txn->success : txn->failure;
	size_t count = holds ? txn->success_count : txn->failure_count;
	struct kv_response *responses = arena_zero(arena, count, sizeof *responses);
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = read_op(view, &ops[i], arena, &responses[i]);
	ret_result->succeeded = holds;
	ret_result->responses = responses;
	ret_result->response_count = count;
	ret_result->revision = view->state.revision;
	return err;
}

enum err kv_txn_read(struct kv_view *view, const struct kv_txn *txn, struct arena *arena, struct kv_result *ret_result)
{
	struct kv_result result = {0};
	enum err err = txn_changes(txn) ? ERR_INVALID : txn_check(txn);
	if (err == ERR_OK)
		err = read_txn(view, txn, arena, &result);
	if (err == ERR_OK)
		*ret_result = result;
	return err;
}

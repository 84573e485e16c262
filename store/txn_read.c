/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions that change nothing, read from a view: they need no entry of the log. Operation by operation, those of a nested one in
 * its place: a stack says which is under way, and a reading how far it is.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "store/claims.h"
#include "store/range.h"
#include "store/room.h"
#include "store/txn.h"

enum { READ_OP_BYTES = 256 /* what an operation costs beside what it reads: of a step */ };

/* A transaction whose operations are read. */
struct read_level {
	const struct kv_op *ops;
	struct kv_response *responses;
	size_t count, at;
};

struct kv_txn_reading {
	struct kv_view *view;
	struct arena *arena;
	struct kv_result result;
	struct read_level levels[KV_TXN_DEPTH_MAX];
	size_t depth;
	struct kv_reading *range; /* of the operation under way; NULL: it is not begun */
};

static enum err read_compares(struct kv_view *view, const struct kv_txn *txn, bool *ret_holds)
{
	bool holds = true;
	enum err err = ERR_OK;
	for (size_t i = 0; i < txn->compare_count && err == ERR_OK && holds; i++)
		err = compare_holds_in(view, &txn->compares[i], &holds);
	*ret_holds = holds;
	return err;
}

/* The transaction's result, as yet without what its operations give. */
static enum err read_enter(struct kv_txn_reading *reading, const struct kv_txn *txn, struct kv_result *result)
{
	bool holds = true;
	check(reading->depth < KV_TXN_DEPTH_MAX); /* txn_check() */
	enum err err = read_compares(reading->view, txn, &holds);
	struct read_level *level = &reading->levels[reading->depth++];
	level->ops = holds ? txn->success : txn->failure;
	level->count = holds ? txn->success_count : txn->failure_count;
	level->responses = arena_zero(reading->arena, level->count, sizeof *level->responses);
	level->at = 0;
	result->succeeded = holds;
	result->responses = level->responses;
	result->response_count = level->count;
	result->revision = reading->view->state.revision;
	return err;
}

static enum err read_range(struct kv_txn_reading *reading, const struct kv_op *op, size_t *bytes,
                           struct kv_response *response, bool *ret_done)
{
	enum err err = ERR_OK;
	if (range_is_single(&op->range.range)) {
		*ret_done = true;
		return kv_range(reading->view, &op->range, reading->arena, response);
	}
	if (reading->range == NULL)
		err = reading_new_lent(reading->view, &op->range, &reading->range);
	if (err == ERR_OK)
		err = reading_step(reading->range, bytes, reading->arena, response, ret_done);
	if (err == ERR_OK && *ret_done) {
		kv_reading_free(reading->range);
		reading->range = NULL;
	}
	return err;
}

/* The next operation of the innermost level, or a piece of it. */
static enum err read_op(struct kv_txn_reading *reading, size_t *bytes)
{
	struct read_level *level = &reading->levels[reading->depth - 1];
	const struct kv_op *op = &level->ops[level->at];
	struct kv_response *response = &level->responses[level->at];
	bool done = true;
	enum err err = ERR_OK;
	if (op->kind == KV_RANGE) {
		err = read_range(reading, op, bytes, response, &done);
	} else {
		struct kv_result *result = arena_zero(reading->arena, 1, sizeof *result);
		*response = (struct kv_response){.kind = KV_TXN, .txn = result};
		err = read_enter(reading, op->txn, result);
	}
	response->revision = reading->view->state.revision;
	level->at += done;
	return err;
}

static enum err read_step(struct kv_txn_reading *reading, size_t bytes, bool *ret_done)
{
	enum err err = ERR_OK;
	while (err == ERR_OK && reading->depth > 0 && bytes > 0) {
		const struct read_level *level = &reading->levels[reading->depth - 1];
		if (level->at == level->count) {
			reading->depth--;
			continue;
		}
		err = read_op(reading, &bytes);
		bytes -= bytes < READ_OP_BYTES ? bytes : READ_OP_BYTES;
	}
	*ret_done = reading->depth == 0;
	return err;
}

static enum err read_begin(struct kv_txn_reading *reading, const struct kv_txn *txn)
{
	enum err err = txn_changes(txn) ? ERR_INVALID : txn_check(txn);
	return err == ERR_OK ? read_enter(reading, txn, &reading->result) : err;
}

static void read_end(struct kv_txn_reading *reading)
{
	if (reading->range != NULL)
		kv_reading_free(reading->range);
	reading->range = NULL;
}

enum err kv_txn_read(struct kv_view *view, const struct kv_txn *txn, struct arena *arena, struct kv_result *ret_result)
{
	struct kv_txn_reading reading = {.view = view, .arena = arena};
	bool done = false;
	enum err err = read_begin(&reading, txn);
	if (err == ERR_OK)
		err = read_step(&reading, SIZE_MAX, &done);
	read_end(&reading);
	if (err == ERR_OK)
		*ret_result = reading.result;
	return err;
}

/* ---- a piece at a time ---- */

enum err kv_txn_reading_new(struct kv_view *view, const struct kv_txn *txn, struct arena *arena,
                            struct kv_txn_reading **ret_reading)
{
	struct kv_txn_reading *reading = memory_new(sizeof *reading);
	reading->view = view;
	reading->arena = arena;
	enum err err = read_begin(reading, txn);
	if (err == ERR_OK)
		*ret_reading = reading;
	else
		free(reading);
	return err;
}

void kv_txn_reading_free(struct kv_txn_reading *reading)
{
	read_end(reading);
	kv_view_close(reading->view);
	free(reading);
}

enum err kv_txn_reading_step(struct kv_txn_reading *reading, size_t bytes, bool *ret_done)
{
	return read_step(reading, bytes, ret_done);
}

const struct kv_result *kv_txn_reading_result(const struct kv_txn_reading *reading)
{
	return &reading->result;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/txn.h"

#include "base/check.h"
#include "base/memory.h"
#include "store/lease.h"
#include "store/range.h"

/* ---- which branches ---- */

static void txn_choose(struct txn_run *run, const struct kv_txn *txn)
{
	bool holds = true;
	for (size_t i = 0; i < txn->compare_count && holds; i++)
		holds = compare_holds(run->edit->batch, &txn->compares[i]);
	check(run->path_count < run->path_capacity);
	run->path[run->path_count++] = holds;
	const struct kv_op *ops = holds ? txn->success : txn->failure;
	size_t count = holds ? txn->success_count : txn->failure_count;
	for (size_t i = 0; i < count; i++)
		if (ops[i].kind == KV_TXN)
			txn_choose(run, ops[i].txn);
}

static size_t txn_count(const struct kv_txn *txn)
{
	size_t count = 1;
	for (size_t i = 0; i < txn->success_count; i++)
		count += txn->success[i].kind == KV_TXN ? txn_count(txn->success[i].txn) : 0;
	for (size_t i = 0; i < txn->failure_count; i++)
		count += txn->failure[i].kind == KV_TXN ? txn_count(txn->failure[i].txn) : 0;
	return count;
}

/* ---- operations ---- */

static struct kv_record record_dup(const struct kv_record *record, struct arena *arena)
{
	struct kv_record copy = *record;
	copy.key = arena_dup(arena, record->key);
	copy.value = arena_dup(arena, record->value);
	copy.attr = arena_dup(arena, record->attr);
	return copy;
}

static enum err put_refused(struct batch *batch, const struct kv_put *put, const struct slot *slot)
{
	if ((put->keep_value || put->keep_lease) && !slot->live)
		return ERR_NOT_FOUND;
	/* An id of the store's own kind must be one that was given: a later one would be given twice. */
	if ((put->id & KV_ID_OWN) == 0 && put->id >= batch->state.next_id)
		return ERR_INVALID;
	return put->lease != 0 && !lease_exists(batch, put->lease) ? ERR_LEASE_NOT_FOUND : ERR_OK;
}

/* A marker is one object with its directory, whichever of them was there first. */
static uint64_t put_id(struct batch *batch, const struct kv_put *put, const struct slot *slot)
{
	if (put->id != 0)
		return put->id;
	if (slot->live)
		return slot->record.id;
	const struct branch *branch = layout_is_directory(put->key) ? batch_branch(batch, put->key) : NULL;
	return branch != NULL && branch->exists ? branch->directory.id : batch->state.next_id++;
}

static enum err put_execute(struct txn_run *run, const struct kv_put *put, struct kv_response *response)
{
	struct batch *batch = run->edit->batch;
	struct slot *slot = batch_slot(batch, put->key);
	enum err err = put_refused(batch, put, slot);
	if (err != ERR_OK)
		return err;
	static const struct kv_record none;
	const struct kv_record *was = slot->live ? &slot->record : &none;
	if (response != NULL && put->want_prev && slot->live) {
		response->records = arena_take(run->results, sizeof *response->records);
		*response->records = record_dup(was, run->results);
		response->record_count = 1;
	}
	bool older = was->attr.size != 0 && (put->keep_value ? was->attr_is_older : true);
	struct kv_record now = {
	    .attr_is_older = put->keep_attr && older,
	    .value = put->keep_value ? was->value : put->value,
	    .attr = put->keep_attr ? was->attr : put->attr,
	    .create_revision = slot->live ? was->create_revision : run->edit->revision,
	    .mod_revision = run->edit->revision,
	    .version = was->version + 1,
	    .lease = put->keep_lease ? was->lease : put->lease,
	    .time_ns = run->edit->time_ns,
	    .id = put_id(batch, put, slot),
	};
	return edit_put(run->edit, slot, &now);
}

static enum err delete_execute(struct txn_run *run, const struct kv_delete *del, struct kv_response *response)
{
	struct slot **slots = NULL;
	size_t count = 0;
	enum err err = edit_gather(run->edit, &del->range, &slots, &count);
	bool want = response != NULL && del->want_prev;
	if (err == ERR_OK && want)
		response->records = arena_take(run->results, count * sizeof *response->records);
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		if (want)
			response->records[response->record_count++] = record_dup(&slots[i]->record, run->results);
		err = edit_delete(run->edit, slots[i]);
	}
	if (response != NULL)
		response->count = (int64_t)count;
	return err;
}

/* Executed only for who waits for the answer: it changes nothing, and what could refuse it was checked before. */
static enum err range_execute(struct txn_run *run, const struct kv_range_request *request, struct kv_response *response)
{
	if (response == NULL)
		return ERR_OK;
	struct batch *batch = run->edit->batch;
	struct range_options options = {.view = batch->base};
	if (request->revision <= 0 && range_is_single(&request->range)) {
		const struct slot *slot = batch_slot(batch, request->range.start);
		struct scan_patch *patch = arena_take(&batch->arena, sizeof *patch);
		*patch = (struct scan_patch){slot->node.key, slot->live ? &slot->record : NULL};
		options.patches = patch;
		options.patch_count = 1;
	} else if (request->revision <= 0) {
		edit_patches(run->edit, &request->range, &options.patches, &options.patch_count);
	}
	enum err err = range_run(&options, request, run->results, response);
	if (err == ERR_CORRUPT || err == ERR_IO)
		batch_fail(batch, err);
	return err;
}

static enum err txn_execute_ops(struct txn_run *run, const struct kv_txn *txn, struct kv_result *ret_result);

static enum err nested_execute(struct txn_run *run, const struct kv_txn *txn, struct kv_response *response)
{
	struct kv_result nothing;
	struct kv_result *result = &nothing;
	if (response != NULL) {
		result = arena_zero(run->results, 1, sizeof *result);
		response->txn = result;
	}
	return txn_execute_ops(run, txn, result);
}

static enum err op_execute(struct txn_run *run, const struct kv_op *op, struct kv_response *response)
{
	int64_t moved = 0;
	enum err err = ERR_INVALID;
	if (response != NULL)
		response->kind = op->kind;
	switch (op->kind) {
	case KV_PUT:
		return put_execute(run, &op->put, response);
	case KV_DELETE:
		return delete_execute(run, &op->del, response);
	case KV_RANGE:
		return range_execute(run, &op->range, response);
	case KV_TXN:
		return nested_execute(run, op->txn, response);
	case KV_MOVE:
	case KV_EXCHANGE:
		err = move_execute(run->edit, op, &moved);
		if (response != NULL)
			response->count = moved;
		return err;
	}
	return err;
}

static enum err op_answer(struct txn_run *run, const struct kv_op *op, struct kv_response *response)
{
	enum err err = op_execute(run, op, response);
	if (response != NULL)
		response->revision = run->edit->revision - (run->edit->count == 0);
	return err;
}

static enum err txn_execute_ops(struct txn_run *run, const struct kv_txn *txn, struct kv_result *ret_result)
{
	check(run->path_at < run->path_count);
	bool holds = run->path[run->path_at++];
	const struct kv_op *ops = holds ? txn->success : txn->failure;
	size_t count = holds ? txn->success_count : txn->failure_count;
	struct kv_response *responses = NULL;
	if (run->results != NULL)
		responses = arena_zero(run->results, count, sizeof *responses);
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = op_answer(run, &ops[i], responses != NULL ? &responses[i] : NULL);
	ret_result->succeeded = holds;
	ret_result->responses = responses;
	ret_result->response_count = responses != NULL ? count : 0;
	return err;
}

/* ---- what is checked before anything is changed ---- */

/* A read of a revision that is gone, or not there yet, refuses the whole, on every node alike: whether or not anybody waits
 * for what it reads. */
static enum err txn_refused(struct txn_run *run, const struct kv_txn *txn)
{
	bool holds = run->path[run->path_at++];
	const struct kv_op *ops = holds ? txn->success : txn->failure;
	size_t count = holds ? txn->success_count : txn->failure_count;
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		if (ops[i].kind == KV_TXN)
			err = txn_refused(run, ops[i].txn);
		else if (ops[i].kind == KV_RANGE && ops[i].range.revision > 0)
			err = view_check(run->edit->batch->base, ops[i].range.revision);
	}
	return err;
}

enum err txn_execute(struct edit *edit, const struct kv_txn *txn, struct arena *results, struct kv_result *ret_result)
{
	struct arena *arena = &edit->batch->arena;
	struct txn_run run = {.edit = edit, .results = results, .path_capacity = txn_count(txn)};
	run.path = arena_take(arena, run.path_capacity * sizeof *run.path);
	txn_choose(&run, txn);
	enum err err = txn_refused(&run, txn);
	run.path_at = 0;
	if (err == ERR_OK)
		err = txn_execute_ops(&run, txn, ret_result);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The service KV: etcd's api/v3rpc/key.go. */
#include <stdlib.h>

#include "api/rpc_answer.h"
#include "api/rpc_range.h"
#include "api/rpc_rows.h"
#include "api/ticks.h"
#include "base/memory.h"

/* False: it was refused, and is over. The size is etcd's too: of what goes into the log. */
static bool kv_passes(struct rpc_call *call, struct rpc_status status)
{
	if (status.message == NULL &&
	    protobuf_c_message_get_packed_size(call->request) > call->service->proposal_bytes_max)
		status = rpc_status_of(ERR_TOO_LARGE);
	if (status.message != NULL)
		rpc_finish(call, status.code, status.message);
	return status.message == NULL;
}

/* ---- changes ---- */

/* One operation, as a transaction without a condition. */
static void kv_propose_op(struct rpc_call *call, const struct kv_op *op,
                          void (*then)(struct rpc_call *call, enum err err, struct kv_result *result))
{
	const struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = op, .success_count = 1}};
	rpc_propose(call, &command, then);
}

/* What an operation gave; of one that was answered before nobody knows any more: nothing. */
static const struct kv_response *kv_only_response(const struct kv_result *result)
{
	static const struct kv_response nothing = {0};
	return result->response_count != 0 ? &result->responses[0] : &nothing;
}

static void put_done(struct rpc_call *call, enum err err, struct kv_result *result)
{
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	Etcdserverpb__PutResponse *answer = rpc_put_answer(kv_only_response(result), &call->arena);
	answer->header = rpc_header(call, result->revision);
	rpc_reply(call, &answer->base);
}

static void kv_put_begin(struct rpc_call *call)
{
	const Etcdserverpb__PutRequest *request = (Etcdserverpb__PutRequest *)call->request;
	if (!kv_passes(call, rpc_check_put(request)))
		return;
	const struct kv_op op = rpc_put_of(request);
	kv_propose_op(call, &op, put_done);
}

static void delete_done(struct rpc_call *call, enum err err, struct kv_result *result)
{
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	Etcdserverpb__DeleteRangeResponse *answer = rpc_delete_answer(kv_only_response(result), &call->arena);
	answer->header = rpc_header(call, result->revision);
	rpc_reply(call, &answer->base);
}

static void kv_delete_begin(struct rpc_call *call)
{
	const Etcdserverpb__DeleteRangeRequest *request = (Etcdserverpb__DeleteRangeRequest *)call->request;
	if (!kv_passes(call, rpc_check_delete(request)))
		return;
	const struct kv_op op = rpc_delete_of(request);
	kv_propose_op(call, &op, delete_done);
}

/* ---- Txn ---- */

static void txn_answer(struct rpc_call *call, const struct kv_result *result)
{
	Etcdserverpb__TxnResponse *answer = rpc_txn_answer(result, &call->arena);
	answer->header = rpc_header(call, result->revision);
	rpc_reply(call, &answer->base);
}

static void txn_done(struct rpc_call *call, enum err err, struct kv_result *result)
{
	if (err == ERR_OK)
		txn_answer(call, result);
	else
		rpc_fail(call, err);
}

/* One that changes nothing, a piece in each turn of the loop. What it reads and what it gives are the call's. */
struct txn_reading {
	struct reactor_task task;
	bool posted;
	struct rpc_call *call; /* NULL: it has ended */
	struct kv_txn txn;
	struct kv_txn_reading *reading;
	size_t held_bytes; /* of the bound of all answers */
};

static void txn_go(struct txn_reading *txn)
{
	struct rpc_call *call = txn->call;
	size_t before = arena_size_bytes(&call->arena);
	bool done = false;
	enum err err = kv_txn_reading_step(txn->reading, RANGE_PIECE_BYTES, &done);
	if (err != ERR_OK) {
		rpc_fail(call, err);
	} else if (!rpc_gathers(call, &txn->held_bytes, arena_size_bytes(&call->arena) - before)) {
		return;
	} else if (done) {
		txn_answer(call, kv_txn_reading_result(txn->reading));
	} else {
		txn->posted = true;
		reactor_post(call->service->reactor, &txn->task);
	}
}

static void txn_run(struct reactor_task *task)
{
	struct txn_reading *txn = (struct txn_reading *)task;
	txn->posted = false;
	if (txn->call == NULL)
		free(txn);
	else
		txn_go(txn);
}

static void txn_ended(struct rpc_call *call)
{
	struct txn_reading *txn = call->state;
	if (txn == NULL)
		return;
	rpc_gathered(call, txn->held_bytes);
	kv_txn_reading_free(txn->reading);
	txn->call = NULL;
	if (!txn->posted)
		free(txn);
}

static void txn_read(struct rpc_call *call, enum err err)
{
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	struct txn_reading *txn = memory_new(sizeof *txn);
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	txn->task.run = txn_run;
	txn->call = call;
	txn->txn = rpc_txn_of((Etcdserverpb__TxnRequest *)call->request, &call->arena);
	err = kv_txn_reading_new(view, &txn->txn, &call->arena, &txn->reading);
	if (err != ERR_OK) {
		kv_view_close(view);
		free(txn);
		rpc_fail(call, err);
		return;
	}
	call->state = txn;
	txn_go(txn);
}

static void kv_txn_begin(struct rpc_call *call)
{
	const Etcdserverpb__TxnRequest *request = (Etcdserverpb__TxnRequest *)call->request;
	if (!kv_passes(call, rpc_check_txn(request, call->service->txn_ops_max)))
		return;
	switch (rpc_txn_kind_of(request)) {
	case RPC_TXN_CHANGES:
		break;
	case RPC_TXN_READS:
		rpc_barrier(call, txn_read);
		return;
	case RPC_TXN_READS_LOCALLY:
		txn_read(call, ERR_OK);
		return;
	}
	const struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = rpc_txn_of(request, &call->arena)};
	rpc_propose(call, &command, txn_done);
}

/* ---- Compact ---- */

/* One that waits until what it leaves behind is deleted here. */
struct kv_compact {
	struct tick tick;
	struct rpc_call *call;
	bool waits; /* the tick is added */
	int64_t revision, newest;
};

static bool compact_is_swept(const struct rpc_call *call)
{
	const struct kv_compact *compact = call->state;
	return kv_swept(replica_kv(call->service->replica)) >= compact->revision;
}

static void compact_answer(struct rpc_call *call)
{
	const struct kv_compact *compact = call->state;
	Etcdserverpb__CompactionResponse *answer = arena_take(&call->arena, sizeof *answer);
	etcdserverpb__compaction_response__init(answer);
	answer->header = rpc_header(call, compact->newest);
	rpc_reply(call, &answer->base);
}

static void compact_look(struct tick *tick, uint64_t now_ns)
{
	struct rpc_call *call = ((struct kv_compact *)tick)->call;
	if (compact_is_swept(call))
		compact_answer(call);
}

static void compact_ended(struct rpc_call *call)
{
	struct kv_compact *compact = call->state;
	if (compact->waits)
		ticks_remove(call->service->ticks, &compact->tick);
}

static void compact_done(struct rpc_call *call, enum err err, struct kv_result *result)
{
	const Etcdserverpb__CompactionRequest *request = (Etcdserverpb__CompactionRequest *)call->request;
	struct kv_compact *compact = call->state;
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	compact->revision = request->revision;
	compact->newest = result->revision;
	compact->waits = request->physical && !compact_is_swept(call);
	if (compact->waits)
		ticks_add(call->service->ticks, &compact->tick);
	else
		compact_answer(call);
}

static void kv_compact_begin(struct rpc_call *call)
{
	const Etcdserverpb__CompactionRequest *request = (Etcdserverpb__CompactionRequest *)call->request;
	const struct kv_command command = {.kind = KV_COMMAND_COMPACT, .compact = {.revision = request->revision}};
	struct kv_compact *compact = arena_zero(&call->arena, 1, sizeof *compact);
	compact->tick.run = compact_look;
	compact->call = call;
	call->state = compact;
	rpc_propose(call, &command, compact_done);
}

#define KV_ROW(method, path, ...)                                                                                      \
	{                                                                                                              \
		.service = &etcdserverpb__kv__descriptor, .name = method, .kind = RPC_UNARY, .gateway = path,          \
		.begin = __VA_ARGS__                                                                                   \
	}

const struct rpc_method rpc_kv_methods[] = {
    KV_ROW("Range", "/v3/kv/range", range_begin, .ended = range_ended),
    {.service = &etcdserverpb__kv__descriptor,
     .name = "RangeStream",
     .kind = RPC_SERVER_STREAM,
     .begin = range_stream_begin,
     .drained = range_stream_drained,
     .ended = range_ended},
    KV_ROW("Put", "/v3/kv/put", kv_put_begin),
    KV_ROW("DeleteRange", "/v3/kv/deleterange", kv_delete_begin),
    KV_ROW("Txn", "/v3/kv/txn", kv_txn_begin, .ended = txn_ended),
    KV_ROW("Compact", "/v3/kv/compaction", kv_compact_begin, .ended = compact_ended),
};
const size_t rpc_kv_count = sizeof rpc_kv_methods / sizeof *rpc_kv_methods;

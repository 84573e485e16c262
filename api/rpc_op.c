/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rpc_op.h"

#include "base/check.h"
#include "base/proto.h"

/* ---- what is refused before it is tried: etcd's api/v3rpc/key.go ---- */

static const struct rpc_status rpc_good = {RPC_OK, NULL};

static struct rpc_status rpc_bad(const char *message)
{
	return (struct rpc_status){RPC_INVALID_ARGUMENT, message};
}

struct rpc_status rpc_check_range(const Etcdserverpb__RangeRequest *request)
{
	if (request->key.len == 0)
		return rpc_bad("etcdserver: key is not provided");
	if ((unsigned)request->sort_order > ETCDSERVERPB__RANGE_REQUEST__SORT_ORDER__DESCEND ||
	    (unsigned)request->sort_target > ETCDSERVERPB__RANGE_REQUEST__SORT_TARGET__VALUE)
		return rpc_bad("etcdserver: invalid sort option");
	return rpc_good;
}

struct rpc_status rpc_check_put(const Etcdserverpb__PutRequest *request)
{
	if (request->key.len == 0)
		return rpc_bad("etcdserver: key is not provided");
	if (request->ignore_value && request->value.len != 0)
		return rpc_bad("etcdserver: value is provided");
	if (request->ignore_lease && request->lease != 0)
		return rpc_bad("etcdserver: lease is provided");
	return rpc_good;
}

struct rpc_status rpc_check_delete(const Etcdserverpb__DeleteRangeRequest *request)
{
	return request->key.len != 0 ? rpc_good : rpc_bad("etcdserver: key is not provided");
}

static struct rpc_status rpc_check_level(const Etcdserverpb__TxnRequest *request, size_t ops_max, unsigned depth);

static struct rpc_status rpc_check_op(const Etcdserverpb__RequestOp *op, size_t ops_max, unsigned depth)
{
	switch ((int)op->request_case) {
	case ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_RANGE:
		return rpc_check_range(op->request_range);
	case ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_PUT:
		return rpc_check_put(op->request_put);
	case ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_DELETE_RANGE:
		return rpc_check_delete(op->request_delete_range);
	case ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_TXN:
		return rpc_check_level(op->request_txn, ops_max, depth + 1);
	case ETCDSERVERPB__REQUEST_OP__REQUEST__NOT_SET:
	default:
		return rpc_bad("etcdserver: key not found");
	}
}

static struct rpc_status rpc_check_ops(Etcdserverpb__RequestOp *const *ops, size_t count, size_t ops_max,
                                       unsigned depth)
{
	struct rpc_status status = rpc_good;
	for (size_t at = 0; at < count && status.message == NULL; at++)
		status = rpc_check_op(ops[at], ops_max, depth);
	return status;
}

static size_t rpc_largest(size_t one, size_t other)
{
	return one > other ? one : other;
}

/* What is nested has what its level leaves it of the operations. */
static struct rpc_status rpc_check_level(const Etcdserverpb__TxnRequest *request, size_t ops_max, unsigned depth)
{
	size_t ops = rpc_largest(request->n_compare, rpc_largest(request->n_success, request->n_failure));
	struct rpc_status status = rpc_good;
	if (ops > ops_max || depth > KV_TXN_DEPTH_MAX)
		return rpc_bad("etcdserver: too many operations in txn request");
	for (size_t at = 0; at < request->n_compare; at++)
		if (request->compare[at]->key.len == 0)
			return rpc_bad("etcdserver: key is not provided");
	status = rpc_check_ops(request->success, request->n_success, ops_max - ops, depth);
	if (status.message == NULL)
		status = rpc_check_ops(request->failure, request->n_failure, ops_max - ops, depth);
	return status;
}

struct rpc_status rpc_check_txn(const Etcdserverpb__TxnRequest *request, size_t ops_max)
{
	return rpc_check_level(request, ops_max, 1);
}

/* ---- what a transaction needs ---- */

struct rpc_ops_seen {
	bool changes, ranges, barrier;
};

static void rpc_see_txn(const Etcdserverpb__TxnRequest *request, struct rpc_ops_seen *seen);

static void rpc_see_ops(Etcdserverpb__RequestOp *const *ops, size_t count, struct rpc_ops_seen *seen)
{
	for (size_t at = 0; at < count; at++) {
		const Etcdserverpb__RequestOp *op = ops[at];
		if (op->request_case == ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_TXN) {
			rpc_see_txn(op->request_txn, seen);
		} else if (op->request_case == ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_RANGE) {
			seen->ranges = true;
			seen->barrier |= !op->request_range->serializable;
		} else {
			seen->changes = true;
		}
	}
}

static void rpc_see_txn(const Etcdserverpb__TxnRequest *request, struct rpc_ops_seen *seen)
{
	rpc_see_ops(request->success, request->n_success, seen);
	rpc_see_ops(request->failure, request->n_failure, seen);
}

/* etcd needs no barrier either for one that only compares, whose answer may then be old: that fault is mended. */
enum rpc_txn_kind rpc_txn_kind_of(const Etcdserverpb__TxnRequest *request)
{
	struct rpc_ops_seen seen = {0};
	rpc_see_txn(request, &seen);
	if (seen.changes)
		return RPC_TXN_CHANGES;
	return seen.ranges && !seen.barrier ? RPC_TXN_READS_LOCALLY : RPC_TXN_READS;
}

/* ---- operations ---- */

struct kv_range_request rpc_range_of(const Etcdserverpb__RangeRequest *request)
{
	struct kv_range_request range = {
	    .range = {proto_bytes(request->key), proto_bytes(request->range_end)},
	    .limit = request->limit,
	    .revision = request->revision,
	    .order = (enum kv_order)request->sort_order,
	    .sort = (enum kv_sort)request->sort_target,
	    .keys_only = request->keys_only,
	    .count_only = request->count_only,
	    .min_mod_revision = request->min_mod_revision,
	    .max_mod_revision = request->max_mod_revision,
	    .min_create_revision = request->min_create_revision,
	    .max_create_revision = request->max_create_revision,
	};
	/* Without an order etcd sorts what it has cut off before: an order that is meant comes before the limit. */
	if (range.sort != KV_SORT_KEY && range.order == KV_ORDER_NONE)
		range.order = KV_ASCEND;
	return range;
}

struct kv_op rpc_put_of(const Etcdserverpb__PutRequest *request)
{
	return (struct kv_op){.kind = KV_PUT,
	                      .put = {.key = proto_bytes(request->key),
	                              .value = proto_bytes(request->value),
	                              .lease = request->lease,
	                              .keep_value = request->ignore_value,
	                              .keep_lease = request->ignore_lease,
	                              .keep_attr = true,
	                              .want_prev = request->prev_kv}};
}

struct kv_op rpc_delete_of(const Etcdserverpb__DeleteRangeRequest *request)
{
	return (struct kv_op){.kind = KV_DELETE,
	                      .del = {.range = {proto_bytes(request->key), proto_bytes(request->range_end)},
	                              .want_prev = request->prev_kv}};
}

/* What another target is to be compared with counts as nothing. */
static int64_t rpc_compare_number(const Etcdserverpb__Compare *request)
{
	switch ((int)request->target) {
	case ETCDSERVERPB__COMPARE__COMPARE_TARGET__VERSION:
		return request->target_union_case == ETCDSERVERPB__COMPARE__TARGET_UNION_VERSION ? request->version : 0;
	case ETCDSERVERPB__COMPARE__COMPARE_TARGET__CREATE:
		return request->target_union_case == ETCDSERVERPB__COMPARE__TARGET_UNION_CREATE_REVISION
		           ? request->create_revision
		           : 0;
	case ETCDSERVERPB__COMPARE__COMPARE_TARGET__MOD:
		return request->target_union_case == ETCDSERVERPB__COMPARE__TARGET_UNION_MOD_REVISION
		           ? request->mod_revision
		           : 0;
	case ETCDSERVERPB__COMPARE__COMPARE_TARGET__LEASE:
		return request->target_union_case == ETCDSERVERPB__COMPARE__TARGET_UNION_LEASE ? request->lease : 0;
	default:
		return 0;
	}
}

/* proto3 lets any number through. To etcd a target that is none is equal to everything, and a result that is none holds, but for the
 * value of a key that is not there. The store knows neither, and is asked for what holds, or does not, by itself. */
static void rpc_compare_unknown(const Etcdserverpb__Compare *request, struct kv_compare *compare)
{
	bool target_known = (unsigned)request->target <= ETCDSERVERPB__COMPARE__COMPARE_TARGET__LEASE;
	bool result_known = (unsigned)request->result <= ETCDSERVERPB__COMPARE__COMPARE_RESULT__NOT_EQUAL;
	if (target_known && result_known)
		return;
	bool holds = !result_known || request->result == ETCDSERVERPB__COMPARE__COMPARE_RESULT__EQUAL;
	bool there = request->target == ETCDSERVERPB__COMPARE__COMPARE_TARGET__VALUE;
	compare->target = KV_VERSION;
	compare->result = holds ? KV_GREATER : KV_LESS;
	compare->number = holds && !there ? -1 : 0; /* a key that is not there has version 0 */
}

static struct kv_compare rpc_compare_of(const Etcdserverpb__Compare *request)
{
	struct kv_compare compare = {
	    .target = (enum kv_target)request->target,
	    .result = (enum kv_result_of_compare)request->result,
	    .range = {proto_bytes(request->key), proto_bytes(request->range_end)},
	    .number = rpc_compare_number(request),
	};
	if (request->target_union_case == ETCDSERVERPB__COMPARE__TARGET_UNION_VALUE)
		compare.value = proto_bytes(request->value);
	rpc_compare_unknown(request, &compare);
	return compare;
}

static const struct kv_op *rpc_ops_of(Etcdserverpb__RequestOp *const *requests, size_t count, struct arena *arena)
{
	struct kv_op *ops = arena_zero(arena, count, sizeof *ops);
	for (size_t at = 0; at < count; at++) {
		const Etcdserverpb__RequestOp *request = requests[at];
		if (request->request_case == ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_RANGE) {
			ops[at] = (struct kv_op){.kind = KV_RANGE, .range = rpc_range_of(request->request_range)};
		} else if (request->request_case == ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_PUT) {
			ops[at] = rpc_put_of(request->request_put);
		} else if (request->request_case == ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_DELETE_RANGE) {
			ops[at] = rpc_delete_of(request->request_delete_range);
		} else {
			struct kv_txn *nested = arena_take(arena, sizeof *nested);
			*nested = rpc_txn_of(request->request_txn, arena);
			ops[at] = (struct kv_op){.kind = KV_TXN, .txn = nested};
		}
	}
	return ops;
}

struct kv_txn rpc_txn_of(const Etcdserverpb__TxnRequest *request, struct arena *arena)
{
	struct kv_compare *compares = arena_zero(arena, request->n_compare, sizeof *compares);
	for (size_t at = 0; at < request->n_compare; at++)
		compares[at] = rpc_compare_of(request->compare[at]);
	return (struct kv_txn){.compares = compares,
	                       .compare_count = request->n_compare,
	                       .success = rpc_ops_of(request->success, request->n_success, arena),
	                       .success_count = request->n_success,
	                       .failure = rpc_ops_of(request->failure, request->n_failure, arena),
	                       .failure_count = request->n_failure};
}

/* ---- answers ---- */

Mvccpb__KeyValue *rpc_key_value(const struct kv_record *record, struct arena *arena)
{
	Mvccpb__KeyValue *message = arena_take(arena, sizeof *message);
	mvccpb__key_value__init(message);
	message->key = proto_data(record->key);
	message->value = proto_data(record->value);
	message->create_revision = record->create_revision;
	message->mod_revision = record->mod_revision;
	message->version = record->version;
	message->lease = record->lease;
	return message;
}

static Mvccpb__KeyValue **rpc_key_values(const struct kv_response *response, struct arena *arena)
{
	Mvccpb__KeyValue **list = arena_zero(arena, response->record_count, sizeof(Mvccpb__KeyValue *));
	for (size_t at = 0; at < response->record_count; at++)
		list[at] = rpc_key_value(&response->records[at], arena);
	return list;
}

Etcdserverpb__RangeResponse *rpc_range_answer(const struct kv_response *response, struct arena *arena)
{
	Etcdserverpb__RangeResponse *answer = arena_take(arena, sizeof *answer);
	etcdserverpb__range_response__init(answer);
	answer->kvs = rpc_key_values(response, arena);
	answer->n_kvs = response->record_count;
	answer->more = response->more;
	answer->count = response->count;
	return answer;
}

Etcdserverpb__PutResponse *rpc_put_answer(const struct kv_response *response, struct arena *arena)
{
	Etcdserverpb__PutResponse *answer = arena_take(arena, sizeof *answer);
	etcdserverpb__put_response__init(answer);
	if (response->record_count != 0)
		answer->prev_kv = rpc_key_value(&response->records[0], arena);
	return answer;
}

Etcdserverpb__DeleteRangeResponse *rpc_delete_answer(const struct kv_response *response, struct arena *arena)
{
	Etcdserverpb__DeleteRangeResponse *answer = arena_take(arena, sizeof *answer);
	etcdserverpb__delete_range_response__init(answer);
	answer->deleted = response->count;
	answer->prev_kvs = rpc_key_values(response, arena);
	answer->n_prev_kvs = response->record_count;
	return answer;
}

static Etcdserverpb__ResponseHeader *rpc_part_header(int64_t revision, struct arena *arena)
{
	Etcdserverpb__ResponseHeader *header = arena_take(arena, sizeof *header);
	etcdserverpb__response_header__init(header);
	header->revision = revision;
	return header;
}

static Etcdserverpb__ResponseOp *rpc_part_answer(const struct kv_response *response, struct arena *arena)
{
	int64_t revision = response->revision;
	Etcdserverpb__ResponseOp *part = arena_take(arena, sizeof *part);
	etcdserverpb__response_op__init(part);
	switch (response->kind) {
	case KV_RANGE:
		part->response_case = ETCDSERVERPB__RESPONSE_OP__RESPONSE_RESPONSE_RANGE;
		part->response_range = rpc_range_answer(response, arena);
		part->response_range->header = rpc_part_header(revision, arena);
		break;
	case KV_PUT:
		part->response_case = ETCDSERVERPB__RESPONSE_OP__RESPONSE_RESPONSE_PUT;
		part->response_put = rpc_put_answer(response, arena);
		part->response_put->header = rpc_part_header(revision, arena);
		break;
	case KV_DELETE:
		part->response_case = ETCDSERVERPB__RESPONSE_OP__RESPONSE_RESPONSE_DELETE_RANGE;
		part->response_delete_range = rpc_delete_answer(response, arena);
		part->response_delete_range->header = rpc_part_header(revision, arena);
		break;
	case KV_TXN:
		part->response_case = ETCDSERVERPB__RESPONSE_OP__RESPONSE_RESPONSE_TXN;
		part->response_txn = rpc_txn_answer(response->txn, arena);
		part->response_txn->header = rpc_part_header(0, arena);
		break;
	case KV_MOVE:
	case KV_EXCHANGE:
		check(false); /* no client of etcd asks for one */
	}
	return part;
}

Etcdserverpb__TxnResponse *rpc_txn_answer(const struct kv_result *result, struct arena *arena)
{
	Etcdserverpb__TxnResponse *answer = arena_take(arena, sizeof *answer);
	etcdserverpb__txn_response__init(answer);
	answer->succeeded = result->succeeded;
	answer->n_responses = result->response_count;
	answer->responses = arena_zero(arena, result->response_count, sizeof(Etcdserverpb__ResponseOp *));
	for (size_t at = 0; at < result->response_count; at++)
		answer->responses[at] = rpc_part_answer(&result->responses[at], arena);
	return answer;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is called. */
#include <string.h>

#include "api/proto/rpc.pb-c.h"
#include "base/memory.h"
#include "base/proto.h"
#include "tests/bench/rpcload.h"

enum { FILL_KEYS = 100 /* in a transaction: etcd takes 128 operations */, POOL_BYTES = 1 << 20 };

/* ---- keys and values ---- */

ProtobufCBinaryData load_key(struct load *load, size_t number)
{
	const char *key = arena_format(&load->arena, "/d%04zu/f%07zu", number / LOAD_FOLDER_KEYS, number);
	return proto_data(bytes_of_string(key));
}

ProtobufCBinaryData load_random_key(struct load *load)
{
	return load_key(load, random_below(&load->random, load->key_count));
}

ProtobufCBinaryData load_value(struct load *load)
{
	static uint8_t pool[2 * POOL_BYTES]; /* twice: the largest value may begin anywhere in the first half */
	static bool filled;
	for (size_t at = 0; !filled && at < sizeof pool; at += sizeof(uint64_t)) {
		uint64_t number = random_next(&load->random);
		memcpy(pool + at, &number, sizeof number);
	}
	filled = true;
	return proto_data(bytes_of(pool + random_below(&load->random, POOL_BYTES), load->value_bytes));
}

/* ---- one operation ---- */

static Etcdserverpb__PutRequest *load_put(struct load *load, ProtobufCBinaryData key)
{
	Etcdserverpb__PutRequest *put = arena_take(&load->arena, sizeof *put);
	etcdserverpb__put_request__init(put);
	put->key = key;
	put->value = load_value(load);
	return put;
}

static Etcdserverpb__RangeRequest *load_range(struct load *load, ProtobufCBinaryData key)
{
	Etcdserverpb__RangeRequest *range = arena_take(&load->arena, sizeof *range);
	etcdserverpb__range_request__init(range);
	range->key = key;
	return range;
}

static const char *make_put(struct load *load, struct channel_call *call)
{
	channel_call_add(call, &load_put(load, load_random_key(load))->base);
	return LOAD_KV "Put";
}

static const char *make_range(struct load *load, struct channel_call *call)
{
	channel_call_add(call, &load_range(load, load_random_key(load))->base);
	return LOAD_KV "Range";
}

static const char *make_serializable(struct load *load, struct channel_call *call)
{
	Etcdserverpb__RangeRequest *range = load_range(load, load_random_key(load));
	range->serializable = 1;
	channel_call_add(call, &range->base);
	return LOAD_KV "Range";
}

/* ---- transactions ---- */

static Etcdserverpb__RequestOp *load_op_put(struct load *load, ProtobufCBinaryData key)
{
	Etcdserverpb__RequestOp *op = arena_take(&load->arena, sizeof *op);
	etcdserverpb__request_op__init(op);
	op->request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_PUT;
	op->request_put = load_put(load, key);
	return op;
}

static Etcdserverpb__RequestOp *load_op_range(struct load *load, ProtobufCBinaryData key)
{
	Etcdserverpb__RequestOp *op = arena_take(&load->arena, sizeof *op);
	etcdserverpb__request_op__init(op);
	op->request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_RANGE;
	op->request_range = load_range(load, key);
	return op;
}

static const char *make_txn(struct load *load, struct channel_call *call)
{
	Etcdserverpb__TxnRequest txn = ETCDSERVERPB__TXN_REQUEST__INIT;
	Etcdserverpb__Compare compare = ETCDSERVERPB__COMPARE__INIT, *compares = &compare;
	ProtobufCBinaryData key = load_random_key(load), other = load_random_key(load);
	compare.key = key;
	compare.target = ETCDSERVERPB__COMPARE__COMPARE_TARGET__CREATE;
	compare.result = ETCDSERVERPB__COMPARE__COMPARE_RESULT__GREATER;
	compare.target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_CREATE_REVISION;
	compare.create_revision = 0;
	Etcdserverpb__RequestOp *ops[] = {
	    load->turn % 2 == 0 ? load_op_range(load, key) : load_op_put(load, key),
	    load_op_range(load, other),
	};
	txn.n_compare = 1;
	txn.compare = &compares;
	txn.n_success = sizeof ops / sizeof *ops;
	txn.success = ops;
	channel_call_add(call, &txn.base);
	return LOAD_KV "Txn";
}

static const char *make_fill(struct load *load, struct channel_call *call)
{
	Etcdserverpb__TxnRequest txn = ETCDSERVERPB__TXN_REQUEST__INIT;
	Etcdserverpb__RequestOp *ops[FILL_KEYS];
	for (size_t number = load->turn * FILL_KEYS; txn.n_success < FILL_KEYS && number < (size_t)load->amount;
	     number++)
		ops[txn.n_success++] = load_op_put(load, load_key(load, number));
	if (txn.n_success == 0)
		return NULL;
	txn.success = ops;
	channel_call_add(call, &txn.base);
	return LOAD_KV "Txn";
}

/* ---- compaction ---- */

static const char *make_compact(struct load *load, struct channel_call *call)
{
	Etcdserverpb__CompactionRequest compaction = ETCDSERVERPB__COMPACTION_REQUEST__INIT;
	if (load->turn == 0) {
		channel_call_add(call, &load_range(load, load_key(load, 0))->base);
		return LOAD_KV "Range";
	}
	if (load->turn > 1)
		return NULL;
	compaction.revision = load->revision;
	channel_call_add(call, &compaction.base);
	return LOAD_KV "Compact";
}

static void compact_answered(struct load *load, struct bytes message)
{
	if (load->turn > 1)
		return;
	Etcdserverpb__RangeResponse *answer = etcdserverpb__range_response__unpack(NULL, message.size, message.data);
	if (answer == NULL)
		load_fail("the answer", "it is none");
	load->revision = answer->header->revision;
	etcdserverpb__range_response__free_unpacked(answer, NULL);
}

static const struct load_kind kinds[] = {
    {.name = "put", .make = make_put},
    {.name = "range", .make = make_range},
    {.name = "range-serializable", .make = make_serializable},
    {.name = "txn", .make = make_txn},
    {.name = "watch", .run = load_run_watch},
    {.name = "fill", .make = make_fill, .counts = true},
    {.name = "compact", .make = make_compact, .answered = compact_answered, .counts = true},
};

const struct load_kind *load_kind_find(const char *name)
{
	for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++)
		if (strcmp(kinds[at].name, name) == 0)
			return &kinds[at];
	return NULL;
}

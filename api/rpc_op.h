/* SPDX-License-Identifier: Apache-2.0 */
/*
 * etcd's requests about keys as operations of the store, and what came of them as etcd's answers. Everything that is made lives in
 * the arena, and borrows what it is made of.
 */
#pragma once

#include "api/rpc.h"

/* Why a request is not carried out: message NULL says that it is. */
struct rpc_status rpc_check_range(const Etcdserverpb__RangeRequest *request);
struct rpc_status rpc_check_put(const Etcdserverpb__PutRequest *request);
struct rpc_status rpc_check_delete(const Etcdserverpb__DeleteRangeRequest *request);
/* ops_max: of one level, and of what is nested in it together. */
struct rpc_status rpc_check_txn(const Etcdserverpb__TxnRequest *request, size_t ops_max);

/* What a transaction needs: an entry of the log; the read barrier; or nothing, because its client reads, and asks for whatever this
 * node knows. */
enum rpc_txn_kind { RPC_TXN_CHANGES, RPC_TXN_READS, RPC_TXN_READS_LOCALLY };
enum rpc_txn_kind rpc_txn_kind_of(const Etcdserverpb__TxnRequest *request);

struct kv_range_request rpc_range_of(const Etcdserverpb__RangeRequest *request);
struct kv_op rpc_put_of(const Etcdserverpb__PutRequest *request);
struct kv_op rpc_delete_of(const Etcdserverpb__DeleteRangeRequest *request);
struct kv_txn rpc_txn_of(const Etcdserverpb__TxnRequest *request, struct arena *arena);

Mvccpb__KeyValue *rpc_key_value(const struct kv_record *record, struct arena *arena);
/* The header is the caller's to set. */
Etcdserverpb__RangeResponse *rpc_range_answer(const struct kv_response *response, struct arena *arena);
Etcdserverpb__PutResponse *rpc_put_answer(const struct kv_response *response, struct arena *arena);
Etcdserverpb__DeleteRangeResponse *rpc_delete_answer(const struct kv_response *response, struct arena *arena);
/* With headers of its parts, which carry the revision alone. */
Etcdserverpb__TxnResponse *rpc_txn_answer(const struct kv_result *result, struct arena *arena);

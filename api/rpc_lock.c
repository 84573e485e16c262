/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service v3lockpb.Lock: etcd's server/etcdserver/api/v3lock. The lock is whose key is the first in its queue; the key's create
 * revision fences what is done under it.
 */
#include "api/proto/v3lock.pb-c.h"
#include "api/rpc_answer.h"
#include "api/rpc_queue.h"
#include "api/rpc_rows.h"
#include "base/proto.h"

static void lock_is_first(struct rpc_call *call, const struct queue_place *place, int64_t revision)
{
	V3lockpb__LockResponse *answer = rpc_answer(call, revision);
	answer->key = proto_data(place->key);
	rpc_reply(call, &answer->base);
}

static void lock_begin(struct rpc_call *call)
{
	const V3lockpb__LockRequest *request = (V3lockpb__LockRequest *)call->request;
	queue_begin(call, &(struct queue_options){.name = proto_bytes(request->name),
	                                          .lease = request->lease,
	                                          .lost = "mutex: session is expired",
	                                          .first = lock_is_first});
}

static void unlock_begin(struct rpc_call *call)
{
	const struct bytes key = proto_bytes(((const V3lockpb__UnlockRequest *)call->request)->key);
	const struct kv_op op = {.kind = KV_DELETE, .del = {.range = {.start = key}}};
	const struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	if (key.size == 0)
		rpc_finish(call, RPC_UNKNOWN, "etcdserver: key is not provided");
	else
		rpc_propose(call, &command, queue_changed);
}

const struct rpc_method rpc_lock_methods[] = {
    {.service = &v3lockpb__lock__descriptor,
     .name = "Lock",
     .gateway = "/v3/lock/lock",
     .begin = lock_begin,
     .ended = queue_ended},
    {.service = &v3lockpb__lock__descriptor, .name = "Unlock", .gateway = "/v3/lock/unlock", .begin = unlock_begin},
};
const size_t rpc_lock_count = sizeof rpc_lock_methods / sizeof *rpc_lock_methods;

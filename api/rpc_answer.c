/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rpc_answer.h"

void *rpc_answer_bare(struct rpc_call *call)
{
	const ProtobufCMessageDescriptor *descriptor = rpc_output(call->method);
	ProtobufCMessage *answer = arena_take(&call->arena, descriptor->sizeof_message);
	protobuf_c_message_init(descriptor, answer);
	return answer;
}

void *rpc_answer(struct rpc_call *call, int64_t revision)
{
	ProtobufCMessage *answer = rpc_answer_bare(call);
	const ProtobufCFieldDescriptor *field =
	    protobuf_c_message_descriptor_get_field_by_name(answer->descriptor, "header");
	*(Etcdserverpb__ResponseHeader **)((char *)answer + field->offset) = rpc_header(call, revision);
	return answer;
}

int64_t rpc_revision(const struct rpc_call *call)
{
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t revision = kv_view_revision(view);
	kv_view_close(view);
	return revision;
}

void rpc_reply_header(struct rpc_call *call)
{
	rpc_reply(call, rpc_answer(call, rpc_revision(call)));
}

bool rpc_gathers(struct rpc_call *call, size_t *held, size_t size)
{
	size_t *used = call->service->answers_bytes;
	*used += size;
	*held += size;
	if (*used <= call->service->answers_bytes_max)
		return true;
	rpc_finish(call, RPC_RESOURCE_EXHAUSTED,
	           "etcdserver: too much is asked for at once: use limits, or RangeStream");
	return false;
}

void rpc_gathered(const struct rpc_call *call, size_t held)
{
	*call->service->answers_bytes -= held;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rpc.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/rpc_rows.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

/* ---- the rows ---- */

static const struct {
	const struct rpc_method *methods;
	const size_t *count;
} rpc_rows[] = {
    {rpc_kv_methods, &rpc_kv_count},
    {rpc_lease_methods, &rpc_lease_count},
    {rpc_lock_methods, &rpc_lock_count},
    {rpc_election_methods, &rpc_election_count},
    {rpc_watch_methods, &rpc_watch_count},
    {rpc_cluster_methods, &rpc_cluster_count},
    {rpc_maintenance_methods, &rpc_maintenance_count},
    {rpc_auth_methods, &rpc_auth_count},
    {rpc_health_methods, &rpc_health_count},
};

enum { RPC_TABLES = sizeof rpc_rows / sizeof rpc_rows[0] };

static bool rpc_service_is(const struct rpc_method *method, const char *name, size_t size)
{
	return strlen(method->service->name) == size && memcmp(method->service->name, name, size) == 0;
}

const struct rpc_method *rpc_find(const char *path, struct arena *arena, struct rpc_status *ret_status)
{
	const char *service = path[0] == '/' ? path + 1 : path, *slash = strrchr(service, '/'), *why;
	size_t size = slash != NULL ? (size_t)(slash - service) : 0;
	bool known = false;
	for (size_t table = 0; table < RPC_TABLES && slash != NULL; table++)
		for (size_t at = 0; at < *rpc_rows[table].count; at++) {
			const struct rpc_method *method = &rpc_rows[table].methods[at];
			bool serves = rpc_service_is(method, service, size);
			if (serves && strcmp(method->name, slash + 1) == 0)
				return method;
			known = known || serves;
		}
	char *name = arena_dup_string(arena, bytes_of(service, size));
	if (slash == NULL)
		why = arena_format(arena, "malformed method name: \"%.256s\"", path);
	else if (known)
		why = arena_format(arena, "unknown method %.256s for service %.256s", slash + 1, name);
	else
		why = arena_format(arena, "unknown service %.256s", name);
	*ret_status = (struct rpc_status){RPC_UNIMPLEMENTED, why};
	return NULL;
}

const struct rpc_method *rpc_find_gateway(const char *path)
{
	for (size_t table = 0; table < RPC_TABLES; table++)
		for (size_t at = 0; at < *rpc_rows[table].count; at++) {
			const struct rpc_method *method = &rpc_rows[table].methods[at];
			if ((method->gateway != NULL && strcmp(method->gateway, path) == 0) ||
			    (method->gateway_also != NULL && strcmp(method->gateway_also, path) == 0))
				return method;
		}
	return NULL;
}

static const ProtobufCMethodDescriptor *rpc_descriptor(const struct rpc_method *method)
{
	const ProtobufCMethodDescriptor *descriptor =
	    protobuf_c_service_descriptor_get_method_by_name(method->service, method->name);
	check(descriptor != NULL); /* a row names a method of its service */
	return descriptor;
}

const ProtobufCMessageDescriptor *rpc_input(const struct rpc_method *method)
{
	return rpc_descriptor(method)->input;
}

const ProtobufCMessageDescriptor *rpc_output(const struct rpc_method *method)
{
	return rpc_descriptor(method)->output;
}

/* ---- life ---- */

struct rpc_call *rpc_call_new(const struct service *service, const struct rpc_method *method,
                              const struct rpc_transport *transport, void *link)
{
	struct rpc_call *call = memory_new(sizeof *call);
	*call = (struct rpc_call){.method = method,
	                          .service = service,
	                          .deadline_ns = UINT64_MAX,
	                          .transport = transport,
	                          .link = link,
	                          .references = 1};
	arena_init(&call->arena);
	return call;
}

static void rpc_unref(struct rpc_call *call)
{
	check(call->references > 0);
	if (--call->references != 0)
		return;
	arena_fini(&call->arena);
	free(call);
}

static void rpc_end(struct rpc_call *call)
{
	check(!call->ended);
	call->ended = true;
	call->link = NULL;
	if (call->leaderless.run != NULL)
		ticks_remove(call->service->ticks, &call->leaderless);
	if (call->begun && call->method->ended != NULL)
		call->method->ended(call);
	rpc_unref(call);
}

/* etcd's interceptor of streams: a client that asked for it would rather look for another member. */
static void rpc_leaderless_run(struct tick *tick, uint64_t now_ns)
{
	struct rpc_call *call = (struct rpc_call *)((char *)tick - offsetof(struct rpc_call, leaderless));
	uint64_t allowed_ns = RPC_LEADERLESS_TIMEOUTS * call->service->election_timeout_ms * CLOCK_NS_PER_MS;
	if (replica_place(call->service->replica).leader_id != 0)
		call->leaderless_ns = 0;
	else if (call->leaderless_ns == 0)
		call->leaderless_ns = now_ns;
	else if (now_ns - call->leaderless_ns >= allowed_ns)
		rpc_fail(call, ERR_NO_LEADER);
}

void rpc_begin(struct rpc_call *call)
{
	if (call->require_leader && replica_place(call->service->replica).leader_id == 0) {
		rpc_fail(call, ERR_NO_LEADER);
		return;
	}
	if (call->require_leader && call->method->kind != RPC_UNARY) {
		call->leaderless.run = rpc_leaderless_run;
		ticks_add(call->service->ticks, &call->leaderless);
	}
	call->begun = true;
	call->method->begin(call);
}

void rpc_received(struct rpc_call *call, const ProtobufCMessage *message)
{
	call->method->received(call, message);
}

void rpc_half_closed(struct rpc_call *call)
{
	if (call->method->half_closed != NULL)
		call->method->half_closed(call);
	else if (call->method->kind == RPC_BIDI)
		rpc_finish(call, RPC_OK, "");
}

bool rpc_room_is_made(const struct rpc_call *call)
{
	return call->waits && call->transport->backlog_bytes(call->link) < RPC_ROOM_BYTES / 2;
}

void rpc_drained(struct rpc_call *call)
{
	call->waits = false;
	if (call->method->drained != NULL)
		call->method->drained(call);
}

void rpc_abandon(struct rpc_call *call)
{
	rpc_end(call);
}

/* ---- answers ---- */

void rpc_finish(struct rpc_call *call, enum rpc_code code, const char *message)
{
	const struct rpc_status status = {code, message};
	check(!call->ended);
	call->transport->finish(call->link, &status);
	rpc_end(call);
}

void rpc_reply(struct rpc_call *call, const ProtobufCMessage *response)
{
	if (call->transport->send(call->link, response) == ERR_OK)
		rpc_finish(call, RPC_OK, "");
	else
		rpc_finish(call, RPC_RESOURCE_EXHAUSTED,
		           "etcdserver: the answer is larger than can be sent: ask for less, with a limit");
}

bool rpc_has_room(struct rpc_call *call)
{
	bool has_room = call->transport->backlog_bytes(call->link) < RPC_ROOM_BYTES;
	call->waits = call->waits || !has_room;
	return has_room;
}

enum err rpc_send_anyway(struct rpc_call *call, const ProtobufCMessage *message)
{
	return call->transport->send(call->link, message);
}

enum err rpc_send(struct rpc_call *call, const ProtobufCMessage *message)
{
	if (call->transport->backlog_bytes(call->link) <= RPC_BACKLOG_BYTES_MAX)
		return rpc_send_anyway(call, message);
	call->waits = true;
	return ERR_BUSY;
}

bool rpc_send_asked(struct rpc_call *call, const ProtobufCMessage *message)
{
	call->unfetched = rpc_has_room(call) ? 0 : call->unfetched + 1;
	if (call->unfetched <= RPC_UNFETCHED_MAX && rpc_send_anyway(call, message) == ERR_OK)
		return true;
	rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "etcdserver: the client does not fetch what it asked for");
	return false;
}

/* ---- conditions, as etcd's clients know them ---- */

struct rpc_status rpc_status_of(enum err err)
{
	switch (err) {
	case ERR_OK:
		return (struct rpc_status){RPC_OK, ""};
	case ERR_NOT_FOUND:
		return (struct rpc_status){RPC_INVALID_ARGUMENT, "etcdserver: key not found"};
	case ERR_TOO_LARGE:
		return (struct rpc_status){RPC_INVALID_ARGUMENT, "etcdserver: request is too large"};
	case ERR_LIMIT:
		return (struct rpc_status){RPC_INVALID_ARGUMENT, "etcdserver: too many operations in txn request"};
	case ERR_DUPLICATE_KEY:
		return (struct rpc_status){RPC_INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request"};
	case ERR_COMPACTED:
		return (struct rpc_status){RPC_OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted"};
	case ERR_FUTURE:
		return (struct rpc_status){RPC_OUT_OF_RANGE,
		                           "etcdserver: mvcc: required revision is a future revision"};
	case ERR_QUOTA:
		return (struct rpc_status){RPC_RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded"};
	case ERR_BUSY:
		return (struct rpc_status){RPC_RESOURCE_EXHAUSTED, "etcdserver: too many requests"};
	case ERR_LEASE_NOT_FOUND:
		return (struct rpc_status){RPC_NOT_FOUND, "etcdserver: requested lease not found"};
	case ERR_LEASE_EXISTS:
		return (struct rpc_status){RPC_FAILED_PRECONDITION, "etcdserver: lease already exists"};
	case ERR_NOT_LEADER:
		return (struct rpc_status){RPC_FAILED_PRECONDITION, "etcdserver: not leader"};
	case ERR_NO_LEADER:
		return (struct rpc_status){RPC_UNAVAILABLE, "etcdserver: no leader"};
	case ERR_TIMEOUT:
		return (struct rpc_status){RPC_UNAVAILABLE, "etcdserver: request timed out"};
	case ERR_UNKNOWN_OUTCOME:
		return (struct rpc_status){RPC_UNAVAILABLE,
		                           "etcdserver: request timed out, possibly due to previous leader failure"};
	case ERR_STOPPED:
		return (struct rpc_status){RPC_UNAVAILABLE, "etcdserver: server stopped"};
	case ERR_CANCELED:
		return (struct rpc_status){RPC_CANCELED, "etcdserver: request canceled"};
	case ERR_DAMAGED:
	case ERR_CORRUPT:
	case ERR_IO:
		return (struct rpc_status){RPC_DATA_LOSS, "etcdserver: corrupt cluster"};
	case ERR_PERMISSION:
		return (struct rpc_status){RPC_PERMISSION_DENIED, "etcdserver: permission denied"};
	case ERR_UNSUPPORTED:
		return (struct rpc_status){RPC_UNIMPLEMENTED, err_text(err)};
	case ERR_INVALID:
		return (struct rpc_status){RPC_INVALID_ARGUMENT, err_text(err)};
	case ERR_EXISTS:
		return (struct rpc_status){RPC_FAILED_PRECONDITION, err_text(err)};
	case ERR_CONFLICT:
		return (struct rpc_status){RPC_ABORTED, err_text(err)};
	case ERR_STALE_SESSION:
	case ERR_NO_SPACE:
	case ERR_FORMAT_NEWER:
	case ERR_WRONG_CLUSTER:
	case ERR_WRONG_MEMBER:
	case ERR_REMOVED:
	case ERR_LOCKED:
	case ERR_ADDRESS_IN_USE:
	case ERR_ADDRESS_INVALID:
	case ERR_UNREACHABLE:
	case ERR_PROTOCOL:
	case ERR_CLOSED:
	case ERR_MOUNT:
		return (struct rpc_status){RPC_UNAVAILABLE, err_text(err)};
	}
	check(false);
	return (struct rpc_status){RPC_INTERNAL, ""};
}

void rpc_fail(struct rpc_call *call, enum err err)
{
	struct rpc_status status = rpc_status_of(err);
	if (err == ERR_TIMEOUT && clock_steady_ns() >= call->deadline_ns)
		status = (struct rpc_status){RPC_DEADLINE_EXCEEDED, "context deadline exceeded"};
	rpc_finish(call, status.code, status.message);
}

/* ---- what is waited for ---- */

/* One completion of the replica, from the role that it comes on to the loop. */
struct rpc_wait {
	struct reactor_task task;
	struct rpc_call *call; /* a reference */
	void (*ready)(struct rpc_call *call, enum err err);
	void (*proposed)(struct rpc_call *call, enum err err, struct kv_result *result);
	void (*changed)(struct rpc_call *call, const struct rpc_change_outcome *outcome);
	void (*leased)(struct rpc_call *call, void *context, const struct replica_lease_outcome *outcome);
	void *context;
	struct replica_lease_outcome lease;
	enum err err;
	struct kv_result *result;
	char *why; /* NULL: nothing is to be said */
	uint64_t id;
};

static void rpc_wait_end(struct rpc_wait *wait)
{
	struct rpc_call *call = wait->call;
	if (call->ended)
		;
	else if (wait->ready != NULL)
		wait->ready(call, wait->err);
	else if (wait->proposed != NULL)
		wait->proposed(call, wait->err, wait->err == ERR_OK ? wait->result : NULL);
	else if (wait->leased != NULL)
		wait->leased(call, wait->context, &wait->lease);
	else
		wait->changed(call, &(struct rpc_change_outcome){
		                        .err = wait->err, .why = wait->why != NULL ? wait->why : "", .id = wait->id});
	kv_result_free(wait->result);
	free(wait->why);
	free(wait);
	rpc_unref(call);
}

static void rpc_wait_run(struct reactor_task *task)
{
	rpc_wait_end((struct rpc_wait *)task);
}

static struct rpc_wait *rpc_wait_new(struct rpc_call *call)
{
	struct rpc_wait *wait = memory_new(sizeof *wait);
	wait->task.run = rpc_wait_run;
	wait->call = call;
	call->references++;
	return wait;
}

/* Not begun at all: it ends here and now. */
static void rpc_wait_refused(struct rpc_wait *wait, enum err err)
{
	wait->err = err;
	rpc_wait_end(wait);
}

static void rpc_is_ready(void *argument, enum err err)
{
	struct rpc_wait *wait = argument;
	wait->err = err;
	reactor_post(wait->call->service->reactor, &wait->task);
}

static void rpc_is_proposed(void *argument, enum err err, struct kv_result *result)
{
	struct rpc_wait *wait = argument;
	wait->result = result;
	rpc_is_ready(wait, err == ERR_OK ? result->err : err);
}

static void rpc_is_changed(void *argument, const struct replica_change_outcome *outcome)
{
	struct rpc_wait *wait = argument;
	wait->why = memory_dup_string(outcome->why);
	wait->id = outcome->id;
	rpc_is_ready(wait, outcome->err);
}

static void rpc_is_leased(void *argument, const struct replica_lease_outcome *outcome)
{
	struct rpc_wait *wait = argument;
	wait->lease = *outcome;
	rpc_is_ready(wait, outcome->err);
}

uint64_t rpc_deadline_ns(const struct rpc_call *call)
{
	uint64_t own_ns = clock_steady_ns() + call->service->request_timeout_ms * CLOCK_NS_PER_MS;
	return own_ns < call->deadline_ns ? own_ns : call->deadline_ns;
}

void rpc_barrier(struct rpc_call *call, void (*then)(struct rpc_call *call, enum err err))
{
	struct rpc_wait *wait = rpc_wait_new(call);
	bool pending = false;
	wait->ready = then;
	enum err err = replica_barrier(call->service->replica, rpc_deadline_ns(call), rpc_is_ready, wait, &pending);
	if (err != ERR_OK || !pending)
		rpc_wait_refused(wait, err);
}

void rpc_propose(struct rpc_call *call, const struct kv_command *command,
                 void (*then)(struct rpc_call *call, enum err err, struct kv_result *result))
{
	struct rpc_wait *wait = rpc_wait_new(call);
	wait->proposed = then;
	enum err err = replica_propose(call->service->replica, command, rpc_deadline_ns(call), rpc_is_proposed, wait);
	if (err != ERR_OK)
		rpc_wait_refused(wait, err);
}

void rpc_change(struct rpc_call *call, const struct replica_change *change,
                void (*then)(struct rpc_call *call, const struct rpc_change_outcome *outcome))
{
	struct rpc_wait *wait = rpc_wait_new(call);
	wait->changed = then;
	enum err err = replica_change(call->service->replica, change, rpc_deadline_ns(call), rpc_is_changed, wait);
	if (err != ERR_OK)
		rpc_wait_refused(wait, err);
}

void rpc_lease(struct rpc_call *call, enum replica_lease_ask ask, int64_t id, void *context,
               void (*then)(struct rpc_call *call, void *context, const struct replica_lease_outcome *outcome))
{
	struct rpc_wait *wait = rpc_wait_new(call);
	wait->leased = then;
	wait->context = context;
	enum err err = replica_lease(call->service->replica, ask, id, rpc_deadline_ns(call), rpc_is_leased, wait);
	if (err == ERR_OK)
		return;
	wait->lease.err = err;
	rpc_wait_refused(wait, err);
}

void rpc_header_set(const struct rpc_call *call, int64_t revision, Etcdserverpb__ResponseHeader *ret_header)
{
	struct replica_place place = replica_place(call->service->replica);
	etcdserverpb__response_header__init(ret_header);
	ret_header->cluster_id = place.cluster_id;
	ret_header->member_id = place.member_id;
	ret_header->raft_term = place.term;
	ret_header->revision = revision;
}

Etcdserverpb__ResponseHeader *rpc_header(struct rpc_call *call, int64_t revision)
{
	Etcdserverpb__ResponseHeader *header = arena_take(&call->arena, sizeof *header);
	rpc_header_set(call, revision, header);
	return header;
}

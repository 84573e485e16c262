/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service Lease: etcd's api/v3rpc/lease.go. Grants and revocations are commands; what is asked of a lease's time, the leader
 * answers, to whom this node passes it on.
 */
#include "api/rpc_lease.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "api/rpc_answer.h"
#include "api/rpc_rows.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/proto.h"
#include "base/random.h"

enum {
	LEASE_PAGE = 1024,      /* leases that are read first, and then twice as many, and so on */
	LEASE_ASKED_MAX = 4096, /* in one stream, without an answer */
};

/* ---- LeaseGrant, LeaseRevoke ---- */

/* etcd's: one and a half election timeouts, in whole seconds. */
static int64_t lease_ttl_s_min(const struct service *service)
{
	int64_t least_ms = (int64_t)service->election_timeout_ms * 3 / 2;
	return least_ms > CLOCK_MS_PER_S ? (least_ms + CLOCK_MS_PER_S - 1) / CLOCK_MS_PER_S : 1;
}

int64_t rpc_lease_new_id(void)
{
	int64_t id = 0;
	while (id == 0)
		id = (int64_t)(random_from_system() & INT64_MAX);
	return id;
}

static void grant_done(struct rpc_call *call, enum err err, struct kv_result *result)
{
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	Etcdserverpb__LeaseGrantResponse *answer = rpc_answer(call, result->revision);
	answer->id = result->lease;
	answer->ttl = result->lease_ttl_s;
	rpc_reply(call, &answer->base);
}

static void lease_grant_begin(struct rpc_call *call)
{
	const Etcdserverpb__LeaseGrantRequest *request = (Etcdserverpb__LeaseGrantRequest *)call->request;
	int64_t ttl_s = request->ttl, least_s = lease_ttl_s_min(call->service);
	int64_t id = request->id != 0 ? request->id : rpc_lease_new_id();
	if (ttl_s > KV_LEASE_TTL_S_MAX) {
		rpc_finish(call, RPC_OUT_OF_RANGE, "etcdserver: too large lease TTL");
		return;
	}
	const struct kv_command command = {.kind = KV_COMMAND_LEASE_GRANT,
	                                   .lease_grant = {.id = id, .ttl_s = ttl_s > least_s ? ttl_s : least_s}};
	rpc_propose(call, &command, grant_done);
}

static void revoke_done(struct rpc_call *call, enum err err, struct kv_result *result)
{
	if (err != ERR_OK)
		rpc_fail(call, err);
	else
		rpc_reply(call, rpc_answer(call, result->revision));
}

static void lease_revoke_begin(struct rpc_call *call)
{
	const Etcdserverpb__LeaseRevokeRequest *request = (Etcdserverpb__LeaseRevokeRequest *)call->request;
	const struct kv_command command = {.kind = KV_COMMAND_LEASE_REVOKE, .lease_revoke = {.id = request->id}};
	rpc_propose(call, &command, revoke_done);
}

/* ---- LeaseTimeToLive ---- */

static void look_reply(struct rpc_call *call, Etcdserverpb__LeaseTimeToLiveResponse *answer, int64_t revision)
{
	answer->id = ((const Etcdserverpb__LeaseTimeToLiveRequest *)call->request)->id;
	answer->header->revision = revision;
	rpc_reply(call, &answer->base);
}

static void look_gone(struct rpc_call *call)
{
	Etcdserverpb__LeaseTimeToLiveResponse *answer = rpc_answer(call, 0);
	answer->ttl = -1;
	look_reply(call, answer, rpc_revision(call));
}

static enum err look_keys(struct rpc_call *call, struct kv_view *view, Etcdserverpb__LeaseTimeToLiveResponse *answer)
{
	struct kv_key_list list = {0};
	struct kv_lease lease;
	enum err err = kv_lease(view, answer->id, &lease);
	if (err == ERR_OK)
		err = kv_lease_keys(view, answer->id, &call->arena, &list);
	answer->keys = arena_take(&call->arena, list.count * sizeof *answer->keys);
	answer->n_keys = list.count;
	for (size_t at = 0; at < list.count; at++)
		answer->keys[at] = proto_data(list.keys[at]);
	return err;
}

/* The keys as they are after the leader was asked: the lease may have ended meanwhile. */
static void look_ready(struct rpc_call *call, enum err err)
{
	Etcdserverpb__LeaseTimeToLiveResponse *answer = call->state;
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	answer->id = ((const Etcdserverpb__LeaseTimeToLiveRequest *)call->request)->id;
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t revision = kv_view_revision(view);
	err = look_keys(call, view, answer);
	kv_view_close(view);
	if (err == ERR_LEASE_NOT_FOUND)
		look_gone(call);
	else if (err != ERR_OK)
		rpc_fail(call, err);
	else
		look_reply(call, answer, revision);
}

static void look_done(struct rpc_call *call, void *context, const struct replica_lease_outcome *outcome)
{
	if (outcome->err == ERR_LEASE_NOT_FOUND) {
		look_gone(call);
		return;
	}
	if (outcome->err != ERR_OK) {
		rpc_fail(call, outcome->err);
		return;
	}
	Etcdserverpb__LeaseTimeToLiveResponse *answer = rpc_answer(call, 0);
	answer->ttl = outcome->left_ms / CLOCK_MS_PER_S;
	answer->grantedttl = outcome->ttl_s;
	call->state = answer;
	if (((const Etcdserverpb__LeaseTimeToLiveRequest *)call->request)->keys)
		rpc_barrier(call, look_ready);
	else
		look_reply(call, answer, rpc_revision(call));
}

static void lease_look_begin(struct rpc_call *call)
{
	const Etcdserverpb__LeaseTimeToLiveRequest *request = (Etcdserverpb__LeaseTimeToLiveRequest *)call->request;
	rpc_lease(call, REPLICA_LEASE_LOOK, request->id, NULL, look_done);
}

/* ---- LeaseLeases ---- */

enum { LEASE_US_PER_MS = 1000, LEASE_NS_PER_US = 1000 };

/* In microseconds: nanoseconds of the longest time are more than 64 bits hold. */
struct lease_end {
	int64_t id, end_us;
};

/* When it ends, as far as the state tells: the leader alone knows when it was kept alive last. */
static struct lease_end lease_end_of(const struct kv_lease *lease, int64_t now_us)
{
	int64_t ttl_ms = lease->ttl_s * CLOCK_MS_PER_S;
	int64_t first_us = lease->granted_ns / LEASE_NS_PER_US + ttl_ms * LEASE_US_PER_MS;
	bool is_first = lease->left_ms == ttl_ms && first_us > now_us;
	return (struct lease_end){.id = lease->id,
	                          .end_us = is_first ? first_us : now_us + lease->left_ms * LEASE_US_PER_MS};
}

/* etcd's order: who ends first comes first. */
static int lease_end_compare(const void *left, const void *right)
{
	const struct lease_end *one = left, *other = right;
	int order = (one->end_us > other->end_us) - (one->end_us < other->end_us);
	return order != 0 ? order : (one->id > other->id) - (one->id < other->id);
}

struct lease_ends {
	struct lease_end *all;
	size_t count;
	int64_t now_us;
};

static void leases_add(struct lease_ends *ends, const struct kv_lease_list *list, struct arena *arena)
{
	struct lease_end *all = arena_take(arena, (ends->count + list->count) * sizeof *all);
	if (ends->count != 0)
		memcpy(all, ends->all, ends->count * sizeof *all);
	for (size_t at = 0; at < list->count; at++)
		all[ends->count++] = lease_end_of(&list->leases[at], ends->now_us);
	ends->all = all;
}

static enum err leases_gather(struct kv_view *view, struct arena *arena, struct lease_ends *ends)
{
	enum err err = ERR_OK;
	bool more = true;
	int64_t after = 0;
	for (size_t page = LEASE_PAGE; more && err == ERR_OK; page *= 2) {
		struct kv_lease_list list = {0};
		err = kv_leases(view, after, page, arena, &list);
		more = err == ERR_OK && list.count == page;
		leases_add(ends, &list, arena);
		after = more ? list.leases[list.count - 1].id : 0;
	}
	return err;
}

static void leases_put(struct rpc_call *call, struct lease_ends *ends, Etcdserverpb__LeaseLeasesResponse *answer)
{
	Etcdserverpb__LeaseStatus *all = arena_take(&call->arena, ends->count * sizeof *all);
	qsort(ends->all, ends->count, sizeof *ends->all, lease_end_compare);
	answer->leases = arena_take(&call->arena, ends->count * sizeof *answer->leases);
	answer->n_leases = ends->count;
	for (size_t at = 0; at < ends->count; at++) {
		etcdserverpb__lease_status__init(&all[at]);
		all[at].id = ends->all[at].id;
		answer->leases[at] = &all[at];
	}
}

static void leases_ready(struct rpc_call *call, enum err err)
{
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	Etcdserverpb__LeaseLeasesResponse *answer = rpc_answer(call, kv_view_revision(view));
	struct lease_ends ends = {.now_us = clock_wall_ns() / LEASE_NS_PER_US};
	err = leases_gather(view, &call->arena, &ends);
	kv_view_close(view);
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	leases_put(call, &ends, answer);
	rpc_reply(call, &answer->base);
}

static void lease_leases_begin(struct rpc_call *call)
{
	rpc_barrier(call, leases_ready);
}

/* ---- LeaseKeepAlive ---- */

/* One that was asked for. They are answered in their order. */
struct keep_alive {
	STAILQ_ENTRY(keep_alive) next;
	int64_t id, revision; /* when it was asked for: never after an end that follows */
	bool done;
	struct replica_lease_outcome outcome;
};
STAILQ_HEAD(keep_alive_list, keep_alive);

struct keep_alive_stream {
	struct keep_alive_list asked;
	size_t count;
	bool half_closed;
};

static void keep_alive_begin(struct rpc_call *call)
{
	struct keep_alive_stream *stream = memory_new(sizeof *stream);
	STAILQ_INIT(&stream->asked);
	call->state = stream;
}

static void keep_alive_ended(struct rpc_call *call)
{
	struct keep_alive_stream *stream = call->state;
	struct keep_alive *keep;
	while ((keep = STAILQ_FIRST(&stream->asked)) != NULL) {
		STAILQ_REMOVE_HEAD(&stream->asked, next);
		free(keep);
	}
	free(stream);
}

/* False: the stream is over. */
static bool keep_alive_answer(struct rpc_call *call, const struct keep_alive *keep)
{
	Etcdserverpb__LeaseKeepAliveResponse answer = ETCDSERVERPB__LEASE_KEEP_ALIVE_RESPONSE__INIT;
	Etcdserverpb__ResponseHeader header;
	if (keep->outcome.err != ERR_OK && keep->outcome.err != ERR_LEASE_NOT_FOUND) {
		rpc_fail(call, keep->outcome.err);
		return false;
	}
	rpc_header_set(call, keep->revision, &header);
	answer.header = &header;
	answer.id = keep->id;
	answer.ttl = keep->outcome.err == ERR_OK ? keep->outcome.ttl_s : 0;
	return rpc_send_asked(call, &answer.base);
}

static void keep_alive_go_on(struct rpc_call *call)
{
	struct keep_alive_stream *stream = call->state;
	struct keep_alive *keep;
	while ((keep = STAILQ_FIRST(&stream->asked)) != NULL && keep->done) {
		if (!keep_alive_answer(call, keep))
			return;
		STAILQ_REMOVE_HEAD(&stream->asked, next);
		stream->count--;
		free(keep);
	}
	if (keep == NULL && stream->half_closed)
		rpc_finish(call, RPC_OK, "");
}

static void keep_alive_done(struct rpc_call *call, void *context, const struct replica_lease_outcome *outcome)
{
	struct keep_alive *keep = context;
	keep->done = true;
	keep->outcome = *outcome;
	keep_alive_go_on(call);
}

static void keep_alive_received(struct rpc_call *call, const ProtobufCMessage *message)
{
	struct keep_alive_stream *stream = call->state;
	if (stream->count == LEASE_ASKED_MAX) {
		rpc_fail(call, ERR_BUSY);
		return;
	}
	struct keep_alive *keep = memory_new(sizeof *keep);
	keep->id = ((const Etcdserverpb__LeaseKeepAliveRequest *)message)->id;
	keep->revision = rpc_revision(call);
	STAILQ_INSERT_TAIL(&stream->asked, keep, next);
	stream->count++;
	rpc_lease(call, REPLICA_LEASE_KEEP_ALIVE, keep->id, keep, keep_alive_done);
}

static void keep_alive_half_closed(struct rpc_call *call)
{
	struct keep_alive_stream *stream = call->state;
	stream->half_closed = true;
	keep_alive_go_on(call);
}

#define LEASE_ROW(method, path, ...)                                                                                   \
	{                                                                                                              \
		.service = &etcdserverpb__lease__descriptor, .name = method, .gateway = path, __VA_ARGS__              \
	}

const struct rpc_method rpc_lease_methods[] = {
    LEASE_ROW("LeaseGrant", "/v3/lease/grant", .begin = lease_grant_begin),
    LEASE_ROW("LeaseRevoke", "/v3/lease/revoke", .gateway_also = "/v3/kv/lease/revoke", .begin = lease_revoke_begin),
    LEASE_ROW("LeaseKeepAlive", "/v3/lease/keepalive", .kind = RPC_BIDI, .begin = keep_alive_begin,
              .received = keep_alive_received, .half_closed = keep_alive_half_closed, .ended = keep_alive_ended),
    LEASE_ROW("LeaseTimeToLive", "/v3/lease/timetolive", .gateway_also = "/v3/kv/lease/timetolive",
              .begin = lease_look_begin),
    LEASE_ROW("LeaseLeases", "/v3/lease/leases", .gateway_also = "/v3/kv/lease/leases", .begin = lease_leases_begin),
};
const size_t rpc_lease_count = sizeof rpc_lease_methods / sizeof *rpc_lease_methods;

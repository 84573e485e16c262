/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service v3electionpb.Election: etcd's server/etcdserver/api/v3election. The leader is whose key is the first in the queue of an
 * election; what it proclaims is the key's value. An observer is told each value of each leader once, in order.
 */
#include <stddef.h>
#include <stdlib.h>

#include "api/proto/v3election.pb-c.h"
#include "api/rpc_answer.h"
#include "api/rpc_op.h"
#include "api/rpc_queue.h"
#include "api/rpc_rows.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/proto.h"

#define ELECTION_NO_LEADER "election: no leader"
#define ELECTION_NOT_LEADER "election: not leader"

/* ---- Campaign ---- */

static void campaign_is_won(struct rpc_call *call, const struct queue_place *place, int64_t revision)
{
	(void)revision; /* etcd tells that of the candidacy */
	V3electionpb__CampaignResponse *answer = rpc_answer(call, place->put_revision);
	V3electionpb__LeaderKey leader = V3ELECTIONPB__LEADER_KEY__INIT;
	leader.name = proto_data(place->options.name);
	leader.key = proto_data(place->key);
	leader.rev = place->revision;
	leader.lease = place->lease;
	answer->leader = &leader;
	rpc_reply(call, &answer->base);
}

static void campaign_begin(struct rpc_call *call)
{
	const V3electionpb__CampaignRequest *request = (V3electionpb__CampaignRequest *)call->request;
	queue_begin(call, &(struct queue_options){.name = proto_bytes(request->name),
	                                          .value = proto_bytes(request->value),
	                                          .lease = request->lease,
	                                          .sets_value = true,
	                                          .lost = ELECTION_NOT_LEADER,
	                                          .first = campaign_is_won});
}

/* ---- Proclaim, Resign ---- */

/* False: it was refused, and is over. */
static bool leader_key_is_good(struct rpc_call *call, const V3electionpb__LeaderKey *leader)
{
	const char *why = NULL;
	if (leader == NULL)
		why = "\"leader\" field must be provided";
	else if (leader->key.len == 0)
		why = "etcdserver: key is not provided";
	if (why != NULL)
		rpc_finish(call, RPC_UNKNOWN, why);
	return why == NULL;
}

/* The operation, if the key is the leader's still. */
static void leader_propose(struct rpc_call *call, const V3electionpb__LeaderKey *leader, const struct kv_op *op,
                           void (*then)(struct rpc_call *call, enum err err, struct kv_result *result))
{
	const struct kv_compare same = {.target = KV_CREATE,
	                                .result = KV_EQUAL,
	                                .range = {.start = proto_bytes(leader->key)},
	                                .number = leader->rev};
	const struct kv_command command = {
	    .kind = KV_COMMAND_TXN, .txn = {.compares = &same, .compare_count = 1, .success = op, .success_count = 1}};
	rpc_propose(call, &command, then);
}

static void proclaim_done(struct rpc_call *call, enum err err, struct kv_result *result)
{
	if (err == ERR_OK && !result->succeeded)
		rpc_finish(call, RPC_UNKNOWN, ELECTION_NOT_LEADER);
	else
		queue_changed(call, err, result);
}

static void proclaim_begin(struct rpc_call *call)
{
	const V3electionpb__ProclaimRequest *request = (V3electionpb__ProclaimRequest *)call->request;
	if (!leader_key_is_good(call, request->leader))
		return;
	/* Who names no lease keeps the one that it has; etcd hangs the key on a new one, which nobody keeps alive. */
	const struct kv_op op = {.kind = KV_PUT,
	                         .put = {.key = proto_bytes(request->leader->key),
	                                 .value = proto_bytes(request->value),
	                                 .lease = request->leader->lease,
	                                 .keep_lease = request->leader->lease == 0,
	                                 .keep_attr = true}};
	leader_propose(call, request->leader, &op, proclaim_done);
}

static void resign_begin(struct rpc_call *call)
{
	const V3electionpb__LeaderKey *leader = ((V3electionpb__ResignRequest *)call->request)->leader;
	if (!leader_key_is_good(call, leader))
		return;
	const struct kv_op op = {.kind = KV_DELETE, .del = {.range = {.start = proto_bytes(leader->key)}}};
	leader_propose(call, leader, &op, queue_changed); /* of who is not the leader any more, that is a success */
}

/* ---- Leader ---- */

static struct bytes election_prefix(struct rpc_call *call)
{
	return queue_prefix(proto_bytes(((V3electionpb__LeaderRequest *)call->request)->name), &call->arena);
}

static void leader_ready(struct rpc_call *call, enum err err)
{
	struct kv_record leader;
	if (err != ERR_OK) {
		queue_fail(call, err);
		return;
	}
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t revision = kv_view_revision(view);
	err = queue_head(view, election_prefix(call), 0, &call->arena, &leader);
	kv_view_close(view);
	if (err == ERR_NOT_FOUND) {
		rpc_finish(call, RPC_UNKNOWN, ELECTION_NO_LEADER);
		return;
	}
	if (err != ERR_OK) {
		queue_fail(call, err);
		return;
	}
	V3electionpb__LeaderResponse *answer = rpc_answer(call, revision);
	answer->kv = rpc_key_value(&leader, &call->arena);
	rpc_reply(call, &answer->base);
}

static void leader_begin(struct rpc_call *call)
{
	rpc_barrier(call, leader_ready);
}

/* ---- Observe ---- */

struct observer {
	struct events_watch events;
	struct rpc_call *call;
	struct bytes prefix;                    /* in the call's arena */
	struct buffer leader;                   /* its key; empty: there is none */
	int64_t create_revision, told_revision; /* of it; of what was told last */
	int64_t seen_revision;                  /* as of which it was looked for last */
	bool watches;
	struct arena arena; /* of one batch */
};

/* False: the stream is over. */
static bool observer_tell(struct observer *observer, const struct kv_record *leader, int64_t revision)
{
	V3electionpb__LeaderResponse answer = V3ELECTIONPB__LEADER_RESPONSE__INIT;
	Etcdserverpb__ResponseHeader header;
	bool same = leader->create_revision == observer->create_revision;
	buffer_clear(&observer->leader);
	buffer_put(&observer->leader, leader->key);
	observer->create_revision = leader->create_revision;
	if (same && leader->mod_revision <= observer->told_revision)
		return true; /* when it was looked for again */
	observer->told_revision = leader->mod_revision;
	rpc_header_set(observer->call, revision, &header);
	answer.header = &header;
	answer.kv = rpc_key_value(leader, &observer->arena);
	enum err err = rpc_send_anyway(observer->call, &answer.base);
	if (err != ERR_OK)
		rpc_fail(observer->call, err);
	return err == ERR_OK;
}

/* Who leads as of a revision, or now, if that is not kept any more. False: the stream is over. */
static bool observer_look(struct observer *observer, int64_t revision)
{
	struct kv_record leader;
	struct kv_view *view = kv_view_open(replica_kv(observer->call->service->replica));
	int64_t now = kv_view_revision(view);
	enum err err = queue_head(view, observer->prefix, revision, &observer->arena, &leader);
	if (err == ERR_COMPACTED)
		err = queue_head(view, observer->prefix, 0, &observer->arena, &leader);
	kv_view_close(view);
	observer->seen_revision = revision;
	buffer_clear(&observer->leader);
	if (err == ERR_OK)
		return observer_tell(observer, &leader, revision != 0 ? revision : now);
	if (err == ERR_NOT_FOUND)
		return true;
	queue_fail(observer->call, err);
	return false;
}

/* False: the stream is over. */
static bool observer_see(struct observer *observer, const struct kv_event *event)
{
	const struct kv_record *record = &event->record;
	bool none = observer->leader.size == 0;
	if (record->mod_revision <= observer->seen_revision)
		return true; /* it was seen when the leader was looked for */
	if (!none && !bytes_equal(record->key, buffer_bytes(&observer->leader)))
		return true; /* it is behind */
	if (event->type == KV_EVENT_PUT && (none || record->create_revision == observer->create_revision))
		return observer_tell(observer, record, record->mod_revision);
	return none || observer_look(observer, record->mod_revision);
}

static enum err observer_changed(struct events_watch *watch, const struct events_batch *batch)
{
	struct observer *observer = (struct observer *)watch;
	if (!rpc_has_room(observer->call))
		return ERR_BUSY;
	arena_reset(&observer->arena);
	for (size_t at = 0; at < batch->count; at++)
		if (!observer_see(observer, batch->events[at]))
			break;
	return ERR_OK;
}

static void observer_begin_watching(struct observer *observer);

static void observer_lost(struct events_watch *watch, enum err err, int64_t compacted)
{
	struct observer *observer = (struct observer *)watch;
	observer->watches = false;
	if (err == ERR_COMPACTED)
		observer_begin_watching(observer); /* what was between is not kept any more */
	else
		rpc_fail(observer->call, err);
}

static void observer_begin_watching(struct observer *observer)
{
	struct rpc_call *call = observer->call;
	arena_reset(&observer->arena);
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t revision = kv_view_revision(view);
	kv_view_close(view);
	if (!observer_look(observer, revision))
		return;
	const struct kv_range range = queue_range(observer->prefix, &observer->arena);
	events_add(call->service->events, &observer->events, &range, revision + 1);
	observer->watches = true;
}

static void observe_ready(struct rpc_call *call, enum err err)
{
	if (err != ERR_OK)
		queue_fail(call, err);
	else
		observer_begin_watching(call->state);
}

static void observe_begin(struct rpc_call *call)
{
	struct observer *observer = memory_new(sizeof *observer);
	observer->events.changed = observer_changed;
	observer->events.lost = observer_lost;
	observer->call = call;
	observer->prefix = election_prefix(call);
	buffer_init(&observer->leader, LIMIT_KEY_BYTES);
	arena_init(&observer->arena);
	call->state = observer;
	rpc_barrier(call, observe_ready);
}

static void observe_drained(struct rpc_call *call)
{
	struct observer *observer = call->state;
	if (observer->watches)
		events_resume(call->service->events, &observer->events);
}

static void observe_ended(struct rpc_call *call)
{
	struct observer *observer = call->state;
	if (observer->watches)
		events_remove(call->service->events, &observer->events);
	buffer_fini(&observer->leader);
	arena_fini(&observer->arena);
	free(observer);
}

#define ELECTION_ROW(method, path, ...)                                                                                \
	{                                                                                                              \
		.service = &v3electionpb__election__descriptor, .name = method, .gateway = path, __VA_ARGS__           \
	}

const struct rpc_method rpc_election_methods[] = {
    ELECTION_ROW("Campaign", "/v3/election/campaign", .begin = campaign_begin, .ended = queue_ended),
    ELECTION_ROW("Proclaim", "/v3/election/proclaim", .begin = proclaim_begin),
    ELECTION_ROW("Leader", "/v3/election/leader", .begin = leader_begin),
    ELECTION_ROW("Observe", "/v3/election/observe", .kind = RPC_SERVER_STREAM, .begin = observe_begin,
                 .drained = observe_drained, .ended = observe_ended),
    ELECTION_ROW("Resign", "/v3/election/resign", .begin = resign_begin),
};
const size_t rpc_election_count = sizeof rpc_election_methods / sizeof *rpc_election_methods;

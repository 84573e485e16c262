/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service Cluster: who belongs to it, as etcd's clients see and change it. A change is looked at here after a read barrier, for
 * the answers that clients match; it is decided by the leader, and answered once this node has applied it too:
 *
 *     begun ── barrier ──> looked at ── change ──> agreed on ── barrier ──> answered
 *
 * A member that is added without isLearner is promoted by itself once it has caught up (replica/roster.h), and is shown as the
 * learner that it is until then. One that is added as a learner waits for MemberPromote.
 */
#include <stdlib.h>
#include <string.h>

#include "api/rpc_answer.h"
#include "api/rpc_rows.h"
#include "api/shape.h"
#include "base/limits.h"
#include "base/url.h"

static const struct rpc_status cluster_fine = {RPC_OK, ""};
static const struct rpc_status cluster_bad_urls = {RPC_INVALID_ARGUMENT, "etcdserver: given member URLs are invalid"};
static const struct rpc_status cluster_urls_taken = {RPC_FAILED_PRECONDITION, "etcdserver: Peer URLs already exists"};
static const struct rpc_status cluster_no_member = {RPC_NOT_FOUND, "etcdserver: member not found"};
static const struct rpc_status cluster_no_learner = {RPC_FAILED_PRECONDITION,
                                                     "etcdserver: can only promote a learner member"};
static const struct rpc_status cluster_not_in_sync = {
    RPC_FAILED_PRECONDITION, "etcdserver: can only promote a learner member which is in sync with leader"};
static const struct rpc_status cluster_too_many = {RPC_FAILED_PRECONDITION,
                                                   "etcdserver: too many learner members in cluster"};
/* The code is what etcd's clients see, though its table says otherwise. */
static const struct rpc_status cluster_not_enough = {
    RPC_UNKNOWN, "etcdserver: re-configuration failed due to not enough started members"};

static void cluster_finish(struct rpc_call *call, struct rpc_status status)
{
	rpc_finish(call, status.code, status.message);
}

/* ---- answers ---- */

struct cluster_list {
	Etcdserverpb__Member **members;
	size_t count;
};

/* etcd's order: by their ids. */
static int cluster_compare(const void *left, const void *right)
{
	const Etcdserverpb__Member *one = *(Etcdserverpb__Member *const *)left;
	const Etcdserverpb__Member *other = *(Etcdserverpb__Member *const *)right;
	return (one->id > other->id) - (one->id < other->id);
}

static Etcdserverpb__Member *cluster_member(const struct replica_member_status *known, struct arena *arena)
{
	Etcdserverpb__Member *member = arena_take(arena, sizeof *member);
	etcdserverpb__member__init(member);
	member->id = known->id;
	member->name = shape_string(known->name, arena);
	member->peerurls = shape_urls(known->peer_urls, &member->n_peerurls, arena);
	member->clienturls = shape_urls(known->client_urls, &member->n_clienturls, arena);
	member->islearner = !known->is_voter;
	return member;
}

static struct cluster_list cluster_list(struct rpc_call *call)
{
	struct replica_status status = {0};
	replica_status(call->service->replica, &call->arena, &status);
	struct cluster_list list = {.count = status.member_count};
	list.members = arena_take(&call->arena, (list.count + 1) * sizeof *list.members);
	for (size_t at = 0; at < list.count; at++)
		list.members[at] = cluster_member(&status.members[at], &call->arena);
	qsort(list.members, list.count, sizeof *list.members, cluster_compare);
	return list;
}

/* The answers of all methods have the members under one name; etcd says no revision in them. */
static void cluster_answer(struct rpc_call *call, uint64_t added)
{
	struct cluster_list list = cluster_list(call);
	ProtobufCMessage *answer = rpc_answer(call, 0);
	const ProtobufCFieldDescriptor *field =
	    protobuf_c_message_descriptor_get_field_by_name(answer->descriptor, "members");
	*(Etcdserverpb__Member ***)((char *)answer + field->offset) = list.members;
	*(size_t *)((char *)answer + field->quantifier_offset) = list.count;
	for (size_t at = 0; at < list.count && added != 0; at++)
		if (list.members[at]->id == added)
			((Etcdserverpb__MemberAddResponse *)answer)->member = list.members[at];
	rpc_reply(call, answer);
}

static void cluster_listed(struct rpc_call *call, enum err err)
{
	if (err != ERR_OK)
		rpc_fail(call, err);
	else
		cluster_answer(call, 0);
}

static void cluster_member_list(struct rpc_call *call)
{
	if (((const Etcdserverpb__MemberListRequest *)call->request)->linearizable)
		rpc_barrier(call, cluster_listed);
	else
		cluster_answer(call, 0);
}

/* ---- changes ---- */

static const struct replica_member_status *cluster_find(const struct replica_status *status, uint64_t id)
{
	for (size_t at = 0; at < status->member_count; at++)
		if (status->members[at].id == id)
			return &status->members[at];
	return NULL;
}

static bool cluster_has_url(const struct replica_member_status *member, const char *url, struct arena *arena)
{
	size_t count;
	char **urls = shape_urls(member->peer_urls, &count, arena);
	for (size_t at = 0; at < count; at++)
		if (strcmp(urls[at], url) == 0)
			return true;
	return false;
}

/* Has anybody but the one that is changed one of these? */
static bool cluster_urls_are_taken(const struct replica_status *status, const struct replica_change *change,
                                   struct arena *arena)
{
	size_t count;
	char **urls = shape_urls(change->peer_urls, &count, arena);
	for (size_t at = 0; at < count; at++)
		for (size_t with = 0; with < status->member_count; with++)
			if (status->members[with].id != change->id &&
			    cluster_has_url(&status->members[with], urls[at], arena))
				return true;
	return false;
}

/* What is to be said against it, as far as this node sees. */
static struct rpc_status cluster_look(struct rpc_call *call, const struct replica_change *change)
{
	struct replica_status status = {0};
	replica_status(call->service->replica, &call->arena, &status);
	const struct replica_member_status *member = cluster_find(&status, change->id);
	bool adds = change->kind == REPLICA_ADD, promotes = change->kind == REPLICA_PROMOTE;
	if (!adds && member == NULL)
		return cluster_no_member;
	if (adds && status.member_count >= LIMIT_MEMBERS)
		return cluster_too_many;
	if ((adds || change->kind == REPLICA_UPDATE) && cluster_urls_are_taken(&status, change, &call->arena))
		return cluster_urls_taken;
	if (promotes && member->is_voter)
		return cluster_no_learner;
	return promotes && !member->caught_up ? cluster_not_in_sync : cluster_fine;
}

static void cluster_applied(struct rpc_call *call, enum err err)
{
	const struct replica_change *change = call->state;
	if (err != ERR_OK)
		rpc_fail(call, err);
	else
		cluster_answer(call, change->kind == REPLICA_ADD ? change->id : 0);
}

static void cluster_changed(struct rpc_call *call, const struct rpc_change_outcome *outcome)
{
	struct replica_change *change = call->state;
	change->id = outcome->id;
	bool leaves = change->kind == REPLICA_REMOVE && change->id == replica_place(call->service->replica).member_id;
	if (outcome->err == ERR_OK && leaves)
		cluster_applied(call, ERR_OK); /* this node has nobody any more whom it could ask */
	else if (outcome->err == ERR_OK)
		rpc_barrier(call, cluster_applied);
	else if (outcome->err == ERR_NOT_FOUND)
		cluster_finish(call, cluster_no_member);
	else if (outcome->err == ERR_EXISTS)
		cluster_finish(call, cluster_urls_taken);
	else if (outcome->err == ERR_INVALID)
		cluster_finish(call, change->kind == REPLICA_PROMOTE ? cluster_not_in_sync : cluster_not_enough);
	else
		rpc_fail(call, outcome->err);
}

static void cluster_looked(struct rpc_call *call, enum err err)
{
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	struct rpc_status status = cluster_look(call, call->state);
	if (status.code != RPC_OK)
		cluster_finish(call, status);
	else
		rpc_change(call, call->state, cluster_changed);
}

static void cluster_change(struct rpc_call *call, const struct replica_change *change)
{
	struct replica_change *kept = arena_take(&call->arena, sizeof *kept);
	*kept = *change;
	call->state = kept;
	rpc_barrier(call, cluster_looked);
}

/* As members dial it, separated by commas; NULL: one of them, or all together, cannot be. */
static const char *cluster_urls(struct rpc_call *call, char *const *urls, size_t count)
{
	const char *list = NULL;
	for (size_t at = 0; at < count; at++) {
		struct problem problem;
		struct url url;
		if (url_parse(urls[at], "the peer URL", &call->arena, &url, &problem) != ERR_OK || url.tls)
			return NULL; /* TLS between members is not served yet */
		const char *text = url_format(&url, "tcp", &call->arena);
		list = list == NULL ? text : arena_format(&call->arena, "%s,%s", list, text);
		if (strlen(list) > LIMIT_MEMBER_STRING_BYTES)
			return NULL;
	}
	return list;
}

static void cluster_member_add(struct rpc_call *call)
{
	const Etcdserverpb__MemberAddRequest *request = (Etcdserverpb__MemberAddRequest *)call->request;
	const char *urls = cluster_urls(call, request->peerurls, request->n_peerurls);
	if (urls == NULL)
		cluster_finish(call, cluster_bad_urls);
	else
		cluster_change(call, &(struct replica_change){.kind = REPLICA_ADD,
		                                              .name = "",
		                                              .peer_urls = urls,
		                                              .client_urls = "",
		                                              .wants_no_vote = request->islearner});
}

static void cluster_member_update(struct rpc_call *call)
{
	const Etcdserverpb__MemberUpdateRequest *request = (Etcdserverpb__MemberUpdateRequest *)call->request;
	const char *urls = cluster_urls(call, request->peerurls, request->n_peerurls);
	if (urls == NULL)
		cluster_finish(call, cluster_bad_urls);
	else
		cluster_change(
		    call,
		    &(struct replica_change){
		        .kind = REPLICA_UPDATE, .id = request->id, .name = "", .peer_urls = urls, .client_urls = ""});
}

static void cluster_change_one(struct rpc_call *call, enum replica_change_kind kind, uint64_t id)
{
	cluster_change(
	    call, &(struct replica_change){.kind = kind, .id = id, .name = "", .peer_urls = "", .client_urls = ""});
}

static void cluster_member_remove(struct rpc_call *call)
{
	cluster_change_one(call, REPLICA_REMOVE, ((Etcdserverpb__MemberRemoveRequest *)call->request)->id);
}

static void cluster_member_promote(struct rpc_call *call)
{
	cluster_change_one(call, REPLICA_PROMOTE, ((Etcdserverpb__MemberPromoteRequest *)call->request)->id);
}

#define CLUSTER_ROW(method, path, function)                                                                            \
	{                                                                                                              \
		.service = &etcdserverpb__cluster__descriptor, .name = method, .kind = RPC_UNARY, .gateway = path,     \
		.begin = function                                                                                      \
	}

const struct rpc_method rpc_cluster_methods[] = {
    CLUSTER_ROW("MemberAdd", "/v3/cluster/member/add", cluster_member_add),
    CLUSTER_ROW("MemberRemove", "/v3/cluster/member/remove", cluster_member_remove),
    CLUSTER_ROW("MemberUpdate", "/v3/cluster/member/update", cluster_member_update),
    CLUSTER_ROW("MemberList", "/v3/cluster/member/list", cluster_member_list),
    CLUSTER_ROW("MemberPromote", "/v3/cluster/member/promote", cluster_member_promote),
};
const size_t rpc_cluster_count = sizeof rpc_cluster_methods / sizeof *rpc_cluster_methods;

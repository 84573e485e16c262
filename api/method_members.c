/* SPDX-License-Identifier: Apache-2.0 */
/* The methods that change who belongs to the cluster, who votes, and who leads. */
#include "api/method.h"

#include "api/member.h"
#include "api/shape.h"
#include "base/name.h"
#include "base/url.h"

/* By what this node knows: whether the member is still there is decided where the change is. */
static enum err members_find(struct call *call, const char *word, uint64_t *ret_id)
{
	const char *why;
	struct replica_status status = {0};
	replica_status(call->service->replica, &call->arena, &status);
	enum err err = member_find(&status, word, &call->arena, ret_id, &why);
	return err == ERR_OK ? ERR_OK : call_fail(call, err, "%s", why);
}

static enum err members_kind(struct call *call, Etcfs__Control__MemberChangeKind kind,
                             enum replica_change_kind *ret_kind)
{
	static const enum replica_change_kind kinds[] = {
	    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__add] = REPLICA_ADD,
	    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__remove] = REPLICA_REMOVE,
	    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__promote] = REPLICA_PROMOTE,
	    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__demote] = REPLICA_DEMOTE,
	    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__update] = REPLICA_UPDATE,
	};
	if ((unsigned)kind >= sizeof kinds / sizeof *kinds) /* proto3 lets any number through */
		return call_fail(call, ERR_UNSUPPORTED, "this daemon knows no such change: it may be older than etcfs");
	*ret_kind = kinds[kind];
	return ERR_OK;
}

/* What everybody will be told to dial is looked at before. */
static enum err members_url(struct call *call, const char *text, const char **ret_url)
{
	struct problem problem;
	struct url url;
	enum err err = url_parse(text, "the peer URL", &call->arena, &url, &problem);
	if (err != ERR_OK)
		return call_fail(call, err, "%s", problem.text);
	if (url.tls)
		return call_fail(call, ERR_INVALID, "%s: TLS between nodes is not supported yet", text);
	*ret_url = url_format(&url, "tcp", &call->arena);
	return ERR_OK;
}

static enum err members_fill(struct call *call, const Etcfs__Control__MemberChangeRequest *request,
                             struct replica_change *change)
{
	enum err err = members_kind(call, request->kind, &change->kind);
	if (err == ERR_OK && (change->kind == REPLICA_ADD || change->kind == REPLICA_UPDATE))
		err = members_url(call, request->peer_url, &change->peer_urls);
	if (err != ERR_OK)
		return err;
	if (change->kind != REPLICA_ADD)
		return members_find(call, request->member, &change->id);
	change->name = request->member;
	if (!name_is_valid(change->name))
		return call_fail(call, ERR_INVALID, "'%.80s' cannot be a name: it is 1 to %d of A-Z a-z 0-9 . _ -",
		                 change->name, NAME_BYTES_MAX);
	return ERR_OK;
}

enum err method_member_submit(struct call *call, uint64_t deadline_ns)
{
	const Etcfs__Control__MemberChangeRequest *request = (const Etcfs__Control__MemberChangeRequest *)call->request;
	struct replica_change change = {.name = "", .peer_urls = "", .client_urls = ""};
	enum err err = members_fill(call, request, &change);
	if (err != ERR_OK)
		return err;
	return replica_change(call->service->replica, &change, deadline_ns, call_is_changed, call);
}

enum err method_leader_submit(struct call *call, uint64_t deadline_ns)
{
	const Etcfs__Control__LeaderMoveRequest *request = (const Etcfs__Control__LeaderMoveRequest *)call->request;
	uint64_t member = 0;
	enum err err = request->member[0] != '\0' ? members_find(call, request->member, &member) : ERR_OK;
	if (err != ERR_OK)
		return err;
	err = replica_lead(call->service->replica, member, deadline_ns, call_is_changed, call);
	if (err == ERR_NOT_FOUND)
		return call_fail(call, err, "there is no other member to lead");
	return err;
}

enum err method_member(struct call *call, ProtobufCMessage **ret_response)
{
	struct replica_status status = {0};
	replica_status(call->service->replica, &call->arena, &status);
	Etcfs__Control__MemberResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__member_response__init(response);
	response->id = shape_id(call->member, &call->arena);
	response->name = shape_string(member_name(&status, call->member), &call->arena);
	response->note = shape_string(call->detail, &call->arena);
	*ret_response = &response->base;
	return ERR_OK;
}

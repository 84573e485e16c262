/* SPDX-License-Identifier: Apache-2.0 */
/* The methods about the cluster: they answer without a quorum. */
#include "api/method.h"

#include <stdlib.h>
#include <string.h>

#include "api/shape.h"

static void status_fill_member(Etcfs__Control__Member *message, const struct replica_member_status *member,
                               struct arena *arena)
{
	etcfs__control__member__init(message);
	message->id = shape_id(member->id, arena);
	message->name = shape_string(member->name, arena);
	message->role = shape_string(member->role, arena);
	message->self = member->self;
	message->reachable = member->reachable;
	message->voter = member->is_voter;
	message->peer_urls = shape_string(member->peer_urls, arena);
	message->client_urls = shape_string(member->client_urls, arena);
	message->version = shape_string(member->version, arena);
	message->term = member->term;
	message->commit = member->commit;
	message->applied = member->applied;
	message->first_index = member->first_index;
	message->last_index = member->last_index;
	message->revision = member->revision;
	message->lag = member->lag;
	message->keys = member->keys;
	message->store_bytes = member->store_bytes;
	message->log_bytes = member->log_bytes;
	message->memory_bytes = member->memory_bytes;
	message->up_since = shape_time(member->started_ns, arena);
	message->heard = shape_time(member->heard_ns, arena);
	message->checksum = shape_id(member->checksum, arena);
	message->checksum_index = member->checksum_index;
	message->wants_no_vote = member->wants_no_vote;
	message->replaces = shape_id(member->replaces, arena);
	message->caught_up = member->caught_up;
	message->snapshot_done_bytes = member->snapshot_done_bytes;
	message->snapshot_total_bytes = member->snapshot_total_bytes;
}

/* n2 before n10; those of one name by their ids. */
static int status_compare(const void *left, const void *right)
{
	const struct replica_member_status *one = left, *other = right;
	int order = strverscmp(one->name, other->name);
	return order != 0 ? order : (one->id > other->id) - (one->id < other->id);
}

static void status_ask(struct call *call, struct replica_status *ret_status)
{
	replica_status(call->service->replica, &call->arena, ret_status);
	if (ret_status->member_count > 1)
		qsort(ret_status->members, ret_status->member_count, sizeof *ret_status->members, status_compare);
}

static const char *status_name(const struct replica_status *status, uint64_t id, struct arena *arena)
{
	for (size_t at = 0; at < status->member_count; at++)
		if (status->members[at].id == id && status->members[at].name[0] != '\0')
			return status->members[at].name;
	return shape_id(id, arena);
}

static void status_fill_alarms(Etcfs__Control__StatusResponse *response, const struct replica_status *status,
                               struct arena *arena)
{
	response->n_alarms = status->alarms.count;
	response->alarms = arena_take(arena, response->n_alarms * sizeof *response->alarms);
	for (size_t at = 0; at < response->n_alarms; at++) {
		const struct kv_alarm *alarm = &status->alarms.alarms[at];
		response->alarms[at] =
		    arena_format(arena, "%s %s", alarm->kind == KV_ALARM_NOSPACE ? "NOSPACE" : "CORRUPT",
		                 status_name(status, alarm->member, arena));
	}
}

enum err method_status(struct call *call, ProtobufCMessage **ret_response)
{
	struct arena *arena = &call->arena;
	struct replica_status status = {0};
	status_ask(call, &status);
	Etcfs__Control__StatusResponse *response = arena_take(arena, sizeof *response);
	etcfs__control__status_response__init(response);
	response->cluster_id = shape_id(status.cluster_id, arena);
	response->member_id = shape_id(status.member_id, arena);
	response->name = shape_string(status.name, arena);
	response->has_quorum = status.has_quorum;
	response->damaged = status.damaged;
	response->differs = status.differs;
	response->term = status.term;
	response->commit = status.commit;
	response->applied = status.applied;
	response->revision = status.revision;
	response->compacted_revision = status.compacted;
	response->snapshot_busy = status.snapshot_busy;
	response->snapshot_done_bytes = status.snapshot_done_bytes;
	response->snapshot_total_bytes = status.snapshot_total_bytes;
	response->version = shape_string(call->service->version, arena);
	status_fill_alarms(response, &status, arena);
	response->members = arena_take(arena, status.member_count * sizeof *response->members);
	response->n_members = status.member_count;
	for (size_t at = 0; at < status.member_count; at++) {
		response->members[at] = arena_take(arena, sizeof **response->members);
		status_fill_member(response->members[at], &status.members[at], arena);
		if (status.leader_id != 0 && status.members[at].id == status.leader_id)
			response->leader = response->members[at]->name;
	}
	*ret_response = &response->base;
	return ERR_OK;
}

enum err method_members(struct call *call, ProtobufCMessage **ret_response)
{
	struct arena *arena = &call->arena;
	struct replica_status status = {0};
	status_ask(call, &status);
	Etcfs__Control__MembersResponse *response = arena_take(arena, sizeof *response);
	etcfs__control__members_response__init(response);
	response->members = arena_take(arena, status.member_count * sizeof *response->members);
	response->n_members = status.member_count;
	for (size_t at = 0; at < status.member_count; at++) {
		const struct replica_member_status *member = &status.members[at];
		Etcfs__Control__MemberAddress *message = response->members[at] = arena_take(arena, sizeof *message);
		etcfs__control__member_address__init(message);
		message->id = shape_id(member->id, arena);
		message->name = shape_string(member->name, arena);
		message->voter = member->is_voter;
		message->peer_urls = shape_urls(member->peer_urls, &message->n_peer_urls, arena);
		message->client_urls = shape_urls(member->client_urls, &message->n_client_urls, arena);
	}
	*ret_response = &response->base;
	return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service Maintenance: what operators ask of one member. The streams of bytes and the checksums, which take time, are in
 * rpc_bulk.c.
 */
#include <stdio.h>
#include <string.h>

#include "api/rpc_answer.h"
#include "api/rpc_bulk.h"
#include "api/rpc_rows.h"

/* ---- Status ---- */

static const struct replica_member_status *status_member(const struct replica_status *status, uint64_t id)
{
	for (size_t at = 0; at < status->member_count; at++)
		if (status->members[at].id == id)
			return &status->members[at];
	return NULL;
}

/* As etcd prints an alarm of its. */
static char *status_alarm(struct rpc_call *call, uint64_t member, enum kv_alarm_kind kind)
{
	return arena_format(&call->arena, "memberID:%llu alarm:%s ", (unsigned long long)member,
	                    kind == KV_ALARM_NOSPACE ? "NOSPACE" : "CORRUPT");
}

static void status_errors(struct rpc_call *call, const struct replica_status *status,
                          Etcdserverpb__StatusResponse *answer)
{
	answer->errors = arena_take(&call->arena, (status->alarms.count + 2) * sizeof *answer->errors);
	if (status->leader_id == 0)
		answer->errors[answer->n_errors++] =
		    arena_dup_string(&call->arena, bytes_of_string("etcdserver: no leader"));
	for (size_t at = 0; at < status->alarms.count; at++)
		answer->errors[answer->n_errors++] =
		    status_alarm(call, status->alarms.alarms[at].member, status->alarms.alarms[at].kind);
	if (status->damaged || status->differs)
		answer->errors[answer->n_errors++] = status_alarm(call, status->member_id, KV_ALARM_CORRUPT);
}

static void status_sizes(struct rpc_call *call, Etcdserverpb__StatusResponse *answer)
{
	struct kv_stats stats = {0};
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	enum err err = kv_stats(view, &stats);
	kv_view_close(view);
	if (err != ERR_OK)
		return; /* it was logged, and the sizes are not known */
	/* Never 0, as etcd's: monitors divide by them. */
	answer->dbsizeinuse = stats.value_bytes + (int64_t)stats.frame_bytes;
	/* What is still in memory alone is in use all the same. */
	answer->dbsize =
	    (int64_t)stats.disk_bytes > answer->dbsizeinuse ? (int64_t)stats.disk_bytes : answer->dbsizeinuse;
}

static void maintenance_status(struct rpc_call *call)
{
	static Etcdserverpb__DowngradeInfo none = ETCDSERVERPB__DOWNGRADE_INFO__INIT;
	struct replica_status status = {0};
	replica_status(call->service->replica, &call->arena, &status);
	const struct replica_member_status *self = status_member(&status, status.member_id);
	Etcdserverpb__StatusResponse *answer = rpc_answer(call, status.revision);
	answer->version = (char *)RPC_ETCD_VERSION;
	answer->storageversion = (char *)RPC_ETCD_STORAGE_VERSION;
	answer->leader = status.leader_id;
	answer->raftindex = status.commit;
	answer->raftterm = status.term;
	answer->raftappliedindex = status.applied;
	answer->islearner = self != NULL && !self->is_voter;
	answer->dbsizequota = (int64_t)status.quota_bytes;
	answer->downgradeinfo = &none;
	status_sizes(call, answer);
	status_errors(call, &status, answer);
	rpc_reply(call, &answer->base);
}

/* ---- Alarm ---- */

static Etcdserverpb__AlarmMember *alarm_member(struct rpc_call *call, uint64_t member, Etcdserverpb__AlarmType type)
{
	Etcdserverpb__AlarmMember *message = arena_take(&call->arena, sizeof *message);
	etcdserverpb__alarm_member__init(message);
	message->memberid = member;
	message->alarm = type;
	return message;
}

/* etcd filters by the kind, and not by the member. */
static void alarm_list(struct rpc_call *call, enum err err)
{
	const Etcdserverpb__AlarmRequest *request = (Etcdserverpb__AlarmRequest *)call->request;
	struct kv_alarm_list list = {0};
	if (err == ERR_OK) {
		struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
		err = kv_alarms(view, &call->arena, &list);
		kv_view_close(view);
	}
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	Etcdserverpb__AlarmResponse *answer = rpc_answer(call, rpc_revision(call));
	answer->alarms = arena_zero(&call->arena, list.count, sizeof(Etcdserverpb__AlarmMember *));
	for (size_t at = 0; at < list.count; at++) {
		const struct kv_alarm *alarm = &list.alarms[at];
		if (request->alarm == ETCDSERVERPB__ALARM_TYPE__NONE || (int)request->alarm == (int)alarm->kind)
			answer->alarms[answer->n_alarms++] =
			    alarm_member(call, alarm->member, (Etcdserverpb__AlarmType)alarm->kind);
	}
	rpc_reply(call, &answer->base);
}

/* The alarm that was raised or cleared; none if there was none to be cleared. */
static void alarm_changed(struct rpc_call *call, enum err err, struct kv_result *result)
{
	const Etcdserverpb__AlarmRequest *request = (Etcdserverpb__AlarmRequest *)call->request;
	if (err == ERR_LIMIT) {
		rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "etcdserver: too many alarms");
		return;
	}
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	Etcdserverpb__AlarmMember *alarm = alarm_member(call, request->memberid, request->alarm);
	Etcdserverpb__AlarmResponse *answer = rpc_answer(call, result->revision);
	answer->alarms = arena_take(&call->arena, sizeof(Etcdserverpb__AlarmMember *));
	answer->alarms[0] = alarm;
	answer->n_alarms = result->succeeded ? 1 : 0;
	rpc_reply(call, &answer->base);
}

static void alarm_change(struct rpc_call *call, enum kv_alarm_action action)
{
	const Etcdserverpb__AlarmRequest *request = (Etcdserverpb__AlarmRequest *)call->request;
	struct kv_command command = {.kind = KV_COMMAND_ALARM};
	command.alarm.action = action;
	command.alarm.kind = (enum kv_alarm_kind)request->alarm;
	command.alarm.member = request->memberid;
	if (request->alarm == ETCDSERVERPB__ALARM_TYPE__NONE)
		rpc_reply_header(call); /* nothing is raised or cleared */
	else
		rpc_propose(call, &command, alarm_changed);
}

static void maintenance_alarm(struct rpc_call *call)
{
	const Etcdserverpb__AlarmRequest *request = (Etcdserverpb__AlarmRequest *)call->request;
	if ((unsigned)request->alarm > ETCDSERVERPB__ALARM_TYPE__CORRUPT) {
		rpc_finish(call, RPC_INVALID_ARGUMENT, "etcdserver: unknown alarm");
		return;
	}
	switch (request->action) {
	case ETCDSERVERPB__ALARM_REQUEST__ALARM_ACTION__GET:
		rpc_barrier(call, alarm_list);
		return;
	case ETCDSERVERPB__ALARM_REQUEST__ALARM_ACTION__ACTIVATE:
		alarm_change(call, KV_ALARM_RAISE);
		return;
	case ETCDSERVERPB__ALARM_REQUEST__ALARM_ACTION__DEACTIVATE:
		alarm_change(call, KV_ALARM_CLEAR);
		return;
	case _ETCDSERVERPB__ALARM_REQUEST__ALARM_ACTION_IS_INT_SIZE:
		break;
	}
	rpc_finish(call, RPC_INVALID_ARGUMENT,
	           "etcdserver: unknown action of an alarm"); /* proto3 lets any number through */
}

/* ---- Hash ---- */

/* Of the whole state at its index: both halves of the rolling checksum that members compare anyway. */
static void maintenance_hash(struct rpc_call *call)
{
	struct kv_stats stats = {0};
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t revision = kv_view_revision(view);
	enum err err = kv_stats(view, &stats);
	kv_view_close(view);
	if (err != ERR_OK) {
		rpc_fail(call, err);
		return;
	}
	Etcdserverpb__HashResponse *answer = rpc_answer(call, revision);
	answer->hash = (uint32_t)(stats.checksum ^ stats.checksum >> 32);
	rpc_reply(call, &answer->base);
}

/* ---- MoveLeader ---- */

static void leader_moved(struct rpc_call *call, const struct rpc_change_outcome *outcome)
{
	if (outcome->err == ERR_OK)
		rpc_reply(call, rpc_answer_bare(call)); /* etcd gives no header */
	else if (outcome->err == ERR_NOT_FOUND || outcome->err == ERR_INVALID)
		rpc_finish(call, RPC_FAILED_PRECONDITION, "etcdserver: bad leader transferee");
	else if (outcome->err == ERR_TIMEOUT || outcome->err == ERR_BUSY || outcome->err == ERR_UNKNOWN_OUTCOME)
		rpc_finish(call, RPC_UNAVAILABLE, "etcdserver: request timed out, leader transfer took too long");
	else
		rpc_fail(call, outcome->err);
}

/* etcd has only the leader do it: others refuse, and etcdctl asks each until it finds it. */
static void maintenance_move_leader(struct rpc_call *call)
{
	uint64_t target = ((const Etcdserverpb__MoveLeaderRequest *)call->request)->targetid;
	struct replica_status status = {0};
	replica_status(call->service->replica, &call->arena, &status);
	const struct replica_member_status *member = status_member(&status, target);
	if (status.leader_id != status.member_id)
		rpc_fail(call, ERR_NOT_LEADER);
	else if (member == NULL || !member->is_voter)
		rpc_finish(call, RPC_FAILED_PRECONDITION, "etcdserver: bad leader transferee");
	else
		rpc_change(call,
		           &(struct replica_change){
		               .kind = REPLICA_LEAD, .id = target, .name = "", .peer_urls = "", .client_urls = ""},
		           leader_moved);
}

/* ---- Defragment, Downgrade ---- */

/* There is nothing to defragment: space is given back in the background. */
static void maintenance_defragment(struct rpc_call *call)
{
	rpc_reply(call, rpc_answer_bare(call)); /* no header either */
}

/* MAJOR.MINOR, with a patch level or without, as etcd reads it. */
static bool version_is_good(const char *version)
{
	unsigned major, minor, patch;
	int size = 0, whole = (int)strlen(version);
	if (sscanf(version, "%9u.%9u%n", &major, &minor, &size) == 2 && size == whole)
		return true;
	return sscanf(version, "%9u.%9u.%9u%n", &major, &minor, &patch, &size) == 3 &&
	       (size == whole || version[size] == '-' || version[size] == '+');
}

/* Nothing on the disk here is of a format that an etcd could read, older or not: there is no version to go down to. */
static void maintenance_downgrade(struct rpc_call *call)
{
	const Etcdserverpb__DowngradeRequest *request = (Etcdserverpb__DowngradeRequest *)call->request;
	switch (request->action) {
	case ETCDSERVERPB__DOWNGRADE_REQUEST__DOWNGRADE_ACTION__CANCEL:
		rpc_finish(call, RPC_FAILED_PRECONDITION, "etcdserver: no inflight downgrade job");
		return;
	case ETCDSERVERPB__DOWNGRADE_REQUEST__DOWNGRADE_ACTION__VALIDATE:
	case ETCDSERVERPB__DOWNGRADE_REQUEST__DOWNGRADE_ACTION__ENABLE:
		rpc_finish(call, RPC_INVALID_ARGUMENT,
		           version_is_good(request->version) ? "etcdserver: invalid downgrade target version"
		                                             : "etcdserver: wrong downgrade target version format");
		return;
	case _ETCDSERVERPB__DOWNGRADE_REQUEST__DOWNGRADE_ACTION_IS_INT_SIZE:
		break;
	}
	rpc_finish(call, RPC_UNKNOWN, "etcdserver: unknown method"); /* proto3 lets any number through */
}

#define MAINTENANCE_ROW(method, path, ...)                                                                             \
	{                                                                                                              \
		.service = &etcdserverpb__maintenance__descriptor, .name = method, .gateway = path, __VA_ARGS__        \
	}

const struct rpc_method rpc_maintenance_methods[] = {
    MAINTENANCE_ROW("Alarm", "/v3/maintenance/alarm", .begin = maintenance_alarm),
    MAINTENANCE_ROW("Status", "/v3/maintenance/status", .begin = maintenance_status),
    MAINTENANCE_ROW("Defragment", "/v3/maintenance/defragment", .begin = maintenance_defragment),
    MAINTENANCE_ROW("Hash", "/v3/maintenance/hash", .begin = maintenance_hash),
    MAINTENANCE_ROW("HashKV", "/v3/maintenance/hashkv", .begin = bulk_hash_begin, .ended = bulk_hash_ended),
    MAINTENANCE_ROW("Snapshot", "/v3/maintenance/snapshot", .kind = RPC_SERVER_STREAM, .begin = bulk_snapshot_begin,
                    .drained = bulk_snapshot_drained, .ended = bulk_snapshot_ended),
    MAINTENANCE_ROW("MoveLeader", "/v3/maintenance/transfer-leadership", .begin = maintenance_move_leader),
    MAINTENANCE_ROW("Downgrade", "/v3/maintenance/downgrade", .begin = maintenance_downgrade),
};
const size_t rpc_maintenance_count = sizeof rpc_maintenance_methods / sizeof *rpc_maintenance_methods;

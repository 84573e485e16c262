/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a leader sees of alarms that the state cannot see by itself: that it was given a larger quota than the one for which an
 * alarm was raised, and that a member's state differs from the others'.
 */
#include "replica/node.h"

static bool alarms_have(const struct kv_alarm_list *alarms, uint64_t member, enum kv_alarm_kind kind)
{
	for (size_t i = 0; i < alarms->count; i++)
		if (alarms->alarms[i].member == member && alarms->alarms[i].kind == kind)
			return true;
	return false;
}

/* Those that were raised for less than there is now. */
static void alarms_outgrow(struct replica *replica, const struct kv_alarm_list *alarms)
{
	uint64_t quota = replica->options.quota_bytes;
	for (size_t i = 0; i < alarms->count; i++) {
		const struct kv_alarm *alarm = &alarms->alarms[i];
		if (!alarm->by_itself || alarm->kind != KV_ALARM_NOSPACE ||
		    (quota != 0 && quota <= (uint64_t)alarm->quota))
			continue;
		struct kv_command command = {.kind = KV_COMMAND_ALARM};
		command.alarm.action = KV_ALARM_CLEAR;
		command.alarm.kind = KV_ALARM_NOSPACE;
		command.alarm.member = alarm->member;
		node_errand(replica, &replica->alarm, &command);
	}
}

static void alarms_accuse(struct replica *replica, const struct kv_alarm_list *alarms, struct arena *arena)
{
	uint64_t *members = NULL, index = 0;
	size_t count = node_members(replica, arena, &members);
	struct report_jury jury = node_jury(replica, arena);
	for (size_t i = 0; i < count; i++) {
		if (members[i] == replica->identity.member || alarms_have(alarms, members[i], KV_ALARM_CORRUPT) ||
		    !reports_contradict(replica->reports, &jury, members[i], &index))
			continue;
		struct kv_command command = {.kind = KV_COMMAND_ALARM};
		command.alarm.action = KV_ALARM_RAISE;
		command.alarm.kind = KV_ALARM_CORRUPT;
		command.alarm.member = members[i];
		command.alarm.by_itself = true;
		node_errand(replica, &replica->alarm, &command);
	}
}

void node_alarms_review(struct replica *replica, struct arena *arena)
{
	struct kv_alarm_list alarms = {0};
	if (atomic_load(&replica->shown.leader) != replica->identity.member || atomic_load(&replica->differs))
		return;
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_alarms(view, arena, &alarms);
	kv_view_close(view);
	if (err != ERR_OK)
		return; /* logged */
	alarms_outgrow(replica, &alarms);
	alarms_accuse(replica, &alarms, arena);
}

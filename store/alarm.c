/* SPDX-License-Identifier: Apache-2.0 */
#include "store/alarm.h"

#include "base/crc32c.h"
#include "store/room.h"

/* Of the quota: what must be free again before an alarm is cleared, so that a store at its edge does not go in and out of it. */
enum { ALARM_HYSTERESIS = 16 };

/* ---- what is refused ---- */

enum err alarm_refuses(const struct state *state, const struct kv_command *command)
{
	bool full = state->limit_bytes != INT64_MAX, no_puts = (state->stops & STATE_STOPS_PUTS) != 0,
	     no_changes = (state->stops & STATE_STOPS_CHANGES) != 0;
	switch (command->kind) {
	case KV_COMMAND_TXN:
		if (no_changes && txn_changes(&command->txn))
			return ERR_CORRUPT;
		return no_puts && txn_puts(&command->txn) ? ERR_QUOTA : ERR_OK;
	case KV_COMMAND_LEASE_GRANT:
		if (no_changes)
			return ERR_CORRUPT;
		return full || no_puts ? ERR_QUOTA : ERR_OK;
	case KV_COMMAND_COMPACT:
	case KV_COMMAND_LEASE_REVOKE:
		return no_changes ? ERR_CORRUPT : ERR_OK;
	case KV_COMMAND_SESSION:
	case KV_COMMAND_MEMBER:
	case KV_COMMAND_LEASE_EXPIRE:
	case KV_COMMAND_LEASE_CHECKPOINT:
	case KV_COMMAND_ALARM:
		return ERR_OK;
	}
	return ERR_OK;
}

enum err alarm_admits(struct kv_view *view, const struct kv_txn *txn)
{
	const struct state *state = &view->state;
	if (state->limit_bytes == INT64_MAX)
		return ERR_OK;
	return room_would_pass(view, txn, state->limit_bytes) ? ERR_QUOTA : ERR_OK;
}

/* ---- rows ---- */

static void alarm_put(struct batch *batch, const struct kv_alarm *alarm)
{
	struct bytes row = layout_alarm(alarm->member, (uint8_t)alarm->kind, &batch->arena);
	row_alarm_encode(alarm, &batch->scratch);
	state_mix(&batch->state, crc32c(crc32c(0, row), buffer_bytes(&batch->scratch)));
	batch_put_row(batch, FAMILY_META, row);
}

static void alarm_delete(struct batch *batch, const struct kv_alarm *alarm)
{
	struct bytes row = layout_alarm(alarm->member, (uint8_t)alarm->kind, &batch->arena);
	state_mix(&batch->state, crc32c(0, row));
	batch_delete_row(batch, FAMILY_META, row);
}

static struct kv_alarm_list alarms_now(struct batch *batch)
{
	struct kv_alarm_list list = {0};
	enum err err = kv_alarms(batch->base, &batch->arena, &list);
	if (err != ERR_OK)
		batch_fail(batch, err);
	return list;
}

static struct kv_alarm *alarm_find(const struct kv_alarm_list *list, uint64_t member, enum kv_alarm_kind kind)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->alarms[i].member == member && list->alarms[i].kind == kind)
			return &list->alarms[i];
	return NULL;
}

/* The list becomes what is raised: invariant 2. */
static void alarms_sum(struct state *state, const struct kv_alarm_list *list)
{
	state->limit_bytes = INT64_MAX;
	state->stops = 0;
	for (size_t i = 0; i < list->count; i++) {
		const struct kv_alarm *alarm = &list->alarms[i];
		if (alarm->by_itself && alarm->kind == KV_ALARM_NOSPACE && alarm->limit < state->limit_bytes)
			state->limit_bytes = alarm->limit;
		if (!alarm->by_itself)
			state->stops |= alarm->kind == KV_ALARM_NOSPACE ? STATE_STOPS_PUTS : STATE_STOPS_CHANGES;
	}
}

/* Raises it, over one of the same member and kind. ERR_LIMIT. */
static enum err alarm_raise(struct batch *batch, const struct kv_alarm *alarm)
{
	struct kv_alarm_list list = alarms_now(batch);
	struct kv_alarm *slot = alarm_find(&list, alarm->member, alarm->kind);
	if (slot == NULL && list.count == KV_ALARMS_MAX)
		return ERR_LIMIT;
	if (slot == NULL) {
		list.alarms = arena_more(&batch->arena, list.alarms, list.count, sizeof *list.alarms);
		slot = &list.alarms[list.count++];
	}
	*slot = *alarm;
	alarm_put(batch, alarm);
	alarms_sum(&batch->state, &list);
	return ERR_OK;
}

/* Those that `ends` names go. */
static size_t alarms_end(struct batch *batch, bool (*ends)(const struct kv_alarm *alarm, const void *argument),
                         const void *argument)
{
	struct kv_alarm_list list = alarms_now(batch);
	size_t kept = 0, count = list.count;
	for (size_t i = 0; i < count; i++) {
		if (ends(&list.alarms[i], argument))
			alarm_delete(batch, &list.alarms[i]);
		else
			list.alarms[kept++] = list.alarms[i];
	}
	list.count = kept;
	alarms_sum(&batch->state, &list);
	return count - kept;
}

/* ---- room ---- */

/* From where on the alarm is over: a part of the quota must have come back. A store that was not half full is not out of space,
 * it was asked for too much at once: half of it goes on. */
static int64_t alarm_limit(int64_t value_bytes, int64_t quota)
{
	int64_t used = value_bytes < quota ? value_bytes : quota;
	return used >= quota / 2 ? used - quota / ALARM_HYSTERESIS : quota / 2;
}

static void alarm_raise_full(struct batch *batch, const struct kv_command *command, bool *ret_changed)
{
	struct kv_alarm_list list = alarms_now(batch);
	if (alarm_find(&list, command->proposer, KV_ALARM_NOSPACE) != NULL)
		return;
	const struct state *state = &batch->state;
	const struct kv_alarm alarm = {.member = command->proposer,
	                               .kind = KV_ALARM_NOSPACE,
	                               .by_itself = true,
	                               .time_ns = state->time_ns,
	                               .limit = alarm_limit(state->value_bytes, (int64_t)command->quota_bytes),
	                               .quota = (int64_t)command->quota_bytes};
	if (alarm_raise(batch, &alarm) == ERR_OK) /* else full of those that were made up: it is refused all the same */
		*ret_changed = true;
}

enum err alarm_room(const struct edit *edit, const struct kv_command *command, bool *ret_changed)
{
	const struct state *state = &edit->batch->state;
	bool has_quota = command->quota_bytes != 0 && command->quota_bytes < INT64_MAX;
	int64_t quota = has_quota ? (int64_t)command->quota_bytes : INT64_MAX;
	if (quota == INT64_MAX && state->limit_bytes == INT64_MAX)
		return ERR_OK;
	int64_t growth = edit_growth(edit), after = state->value_bytes + growth;
	if (growth <= 0 || (after <= quota && after <= state->limit_bytes) || edit_is_removal(edit))
		return ERR_OK;
	if (after > quota)
		alarm_raise_full(edit->batch, command, ret_changed);
	return ERR_QUOTA;
}

static bool alarm_has_room(const struct kv_alarm *alarm, const void *argument)
{
	const struct state *state = argument;
	return alarm->by_itself && alarm->kind == KV_ALARM_NOSPACE && state->value_bytes <= alarm->limit;
}

void alarm_settle(struct batch *batch, bool *ret_changed)
{
	if (batch->state.limit_bytes == INT64_MAX || batch->state.value_bytes > batch->state.limit_bytes)
		return;
	const struct state now = batch->state;
	if (alarms_end(batch, alarm_has_room, &now) != 0)
		*ret_changed = true;
}

/* ---- the command ---- */

static bool alarm_is_named(const struct kv_alarm *alarm, const void *argument)
{
	const struct kv_command *command = argument;
	return alarm->member == command->alarm.member && alarm->kind == command->alarm.kind;
}

static enum err alarm_apply_raise(struct batch *batch, const struct kv_command *command, bool *ret_changed)
{
	struct kv_alarm alarm = {.member = command->alarm.member,
	                         .kind = command->alarm.kind,
	                         .by_itself = command->alarm.by_itself,
	                         .time_ns = batch->state.time_ns};
	struct kv_alarm_list list = alarms_now(batch);
	const struct kv_alarm *known = alarm_find(&list, alarm.member, alarm.kind);
	if (alarm.by_itself && alarm.kind != KV_ALARM_CORRUPT)
		return ERR_INVALID;
	if (known != NULL && (!known->by_itself || alarm.by_itself))
		return ERR_OK; /* it is raised, by hand or as it is */
	*ret_changed = true;
	return alarm_raise(batch, &alarm);
}

enum err alarm_apply(struct batch *batch, const struct kv_command *command, bool *ret_succeeded, bool *ret_changed)
{
	enum err err = ERR_OK;
	if (command->alarm.kind != KV_ALARM_NOSPACE && command->alarm.kind != KV_ALARM_CORRUPT)
		return ERR_INVALID;
	if (command->alarm.action == KV_ALARM_CLEAR) {
		*ret_succeeded = alarms_end(batch, alarm_is_named, command) != 0;
		*ret_changed |= *ret_succeeded;
		return ERR_OK;
	}
	err = alarm_apply_raise(batch, command, ret_changed);
	*ret_succeeded = err == ERR_OK;
	return err;
}

static bool alarm_is_of_member(const struct kv_alarm *alarm, const void *argument)
{
	return alarm->kind == KV_ALARM_CORRUPT && alarm->by_itself && alarm->member == *(const uint64_t *)argument;
}

void alarm_forget(struct batch *batch, uint64_t member)
{
	alarms_end(batch, alarm_is_of_member, &member);
}

/* ---- reading ---- */

static enum err alarm_decode(struct bytes key, struct bytes row, struct kv_alarm *ret_alarm)
{
	struct kv_alarm alarm;
	uint64_t member;
	uint8_t kind;
	if (!layout_alarm_split(key, &member, &kind) || (kind != KV_ALARM_NOSPACE && kind != KV_ALARM_CORRUPT))
		return ERR_CORRUPT;
	enum err err = row_alarm_decode(row, &alarm);
	if (err != ERR_OK)
		return err;
	alarm.member = member;
	alarm.kind = (enum kv_alarm_kind)kind;
	*ret_alarm = alarm;
	return ERR_OK;
}

enum err kv_alarms(struct kv_view *view, struct arena *arena, struct kv_alarm_list *ret_list)
{
	struct kv_alarm_list list = {0};
	enum err err = ERR_OK;
	struct walk walk;
	view_walk(view, FAMILY_META, BYTES_LITERAL("b"), &walk);
	for (walk_seek(&walk, layout_alarms()); err == ERR_OK && walk_at_row(&walk); walk_next(&walk)) {
		list.alarms = arena_more(arena, list.alarms, list.count, sizeof *list.alarms);
		err = alarm_decode(walk_key(&walk), walk_value(&walk), &list.alarms[list.count]);
		list.count += err == ERR_OK;
	}
	if (err == ERR_OK)
		err = walk_err(&walk);
	walk_close(&walk);
	if (err == ERR_OK)
		*ret_list = list;
	return err;
}

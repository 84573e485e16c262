/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alarms, and what is refused for them and for the quota. Their rows say what is raised; what they come to stands in the state
 * (limit_bytes, stops), so that a command costs no look at them.
 *
 *  1. Whether a change is refused is decided at its entry, by the state and by what the entry carries: alike on all members, and
 *     before anything of it was changed.
 *  2. limit_bytes is the least limit of the alarms NOSPACE that were raised by themselves; `stops` is what those by hand say.
 *  3. While limit_bytes is there, value_bytes is beyond it, or the next change that is not refused clears the alarm.
 */
#pragma once

#include "store/edit.h"

/* What the alarms refuse whatever it would come to: ERR_CORRUPT, ERR_QUOTA. */
enum err alarm_refuses(const struct state *state, const struct kv_command *command) MUST_USE;
/* Before it is proposed: while there is a limit, what would pass it by all that is known. ERR_QUOTA. */
enum err alarm_admits(struct kv_view *view, const struct kv_txn *txn) MUST_USE;

/* These three need the batch's view to have all rows of alarms, and set *ret_changed when they write or delete one. */
/* Has the change room? ERR_QUOTA: it is to be undone; an alarm is raised if it is the quota that it would pass. */
enum err alarm_room(const struct edit *edit, const struct kv_command *command, bool *ret_changed) MUST_USE;
/* The change is settled: there may be room again. */
void alarm_settle(struct batch *batch, bool *ret_changed);
enum err alarm_apply(struct batch *batch, const struct kv_command *command, bool *ret_succeeded,
                     bool *ret_changed) MUST_USE;
/* It is no member any more. */
void alarm_forget(struct batch *batch, uint64_t member);

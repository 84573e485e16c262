/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals: what a leader appends. */
#include "raft/core.h"

#include "base/check.h"
#include "base/limits.h"
#include "raft/config.h"

/* Thesis §4.1: one change at a time, and only once the leader has committed an entry of its term (Ongaro, raft-dev 2015). */
static enum err raft_propose_config(struct raft *raft, const struct raft_entry *entry)
{
	const struct raft_history_item *now = raft_history_now(&raft->history);
	struct raft_config next;
	struct bytes rest;
	raft_config_init(&next);
	if (raft_config_decode(entry->config_payload, &next, &rest) != ERR_OK)
		return ERR_INVALID;
	enum err err = ERR_OK;
	bool settled = raft_leader_is_settled(raft) || RAFT_HAS_BUG(CONFIG_UNSETTLED);
	if (!settled || (now->index > raft->commit && !RAFT_HAS_BUG(CONFIG_TWICE)))
		err = ERR_BUSY;
	else if (!raft_config_may_follow(&now->config, &next))
		err = ERR_INVALID;
	raft_config_fini(&next);
	return err;
}

static enum err raft_propose_check(struct raft *raft, const struct raft_event *event)
{
	size_t size_bytes = 0;
	if (event->count == 0)
		return ERR_INVALID;
	for (size_t i = 0; i < event->count; i++) {
		const struct raft_entry *entry = &event->entries[i];
		bool single = entry->kind == RAFT_ENTRY_CONFIG && event->count == 1;
		if ((entry->kind != RAFT_ENTRY_COMMAND && !single) || entry->size_bytes > LIMIT_ENTRY_BYTES)
			return ERR_INVALID;
		size_bytes += entry->size_bytes + RAFT_ENTRY_OVERHEAD_BYTES;
	}
	if (event->entries[0].kind == RAFT_ENTRY_CONFIG)
		return raft_propose_config(raft, &event->entries[0]);
	if (raft->options.unapplied_bytes_max != 0 && raft->unapplied_bytes > raft->options.unapplied_bytes_max)
		return ERR_BUSY;
	bool over = raft->uncommitted_bytes + size_bytes > raft->options.uncommitted_bytes_max;
	return over && raft->uncommitted_bytes != 0 ? ERR_BUSY : ERR_OK;
}

static enum err raft_propose(struct raft *raft, const struct raft_event *event)
{
	if (raft->role != RAFT_LEADER)
		return raft->leader != 0 ? ERR_NOT_LEADER : ERR_NO_LEADER;
	if (raft->transfer.peer != 0 || raft_writes_are_full(&raft->writes) ||
	    raft->trail.count + event->count > RAFT_TRAIL_ENTRIES_MAX)
		return ERR_BUSY;
	return raft_propose_check(raft, event);
}

void raft_on_propose(struct raft *raft, const struct raft_event *event)
{
	raft->update.proposal = raft_propose(raft, event);
	if (raft->update.proposal != ERR_OK) {
		raft_say(raft, "refuse reason=%s", err_name(raft->update.proposal));
		return;
	}
	raft->update.append_from = raft_last(raft) + 1;
	raft->update.append_count = event->count;
	raft->update.append_kind = RAFT_ENTRY_COMMAND;
	raft->update.append_term = raft->term;
	for (size_t i = 0; i < event->count; i++)
		raft_entry_append(raft, raft->term, event->entries[i].kind, event->entries[i].config_payload,
		                  event->entries[i].size_bytes);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The log, the commit index and the members: what must change together. */
#include "raft/core.h"

#include "base/check.h"
#include "raft/config.h"

const struct raft_config *raft_config_latest(const struct raft *raft)
{
	return &raft_history_now(&raft->history)->config;
}

bool raft_is_voter(const struct raft *raft)
{
	return raft_config_votes(raft_config_latest(raft), raft->options.id);
}

uint64_t raft_last(const struct raft *raft)
{
	return raft_trail_last(&raft->trail);
}

bool raft_log_is_covered_by(const struct raft *raft, uint64_t index, uint64_t term)
{
	uint64_t own_term = raft_trail_last_term(&raft->trail);
	if (RAFT_HAS_BUG(LOG_COMPARED_BY_EITHER))
		return term > own_term || index >= raft_last(raft);
	return term > own_term || (term == own_term && index >= raft_last(raft));
}

void raft_peers_refresh(struct raft *raft)
{
	raft_peers_follow(&raft->peers, raft_config_latest(raft), raft_last(raft) + 1, raft->now_ms,
	                  raft->options.inflight_messages_max);
}

static size_t raft_entry_cost(size_t payload_bytes)
{
	return payload_bytes + RAFT_ENTRY_OVERHEAD_BYTES;
}

/* Of the entries above `after`, up to `last`. */
static size_t raft_entries_cost(const struct raft *raft, uint64_t after, uint64_t last)
{
	size_t size_bytes = 0;
	for (uint64_t index = after + 1; index <= last; index++)
		size_bytes += raft_entry_cost(raft_trail_slot(&raft->trail, index)->size_bytes);
	return size_bytes;
}

void raft_entry_append(struct raft *raft, uint64_t term, enum raft_entry_kind kind, struct bytes payload,
                       size_t size_bytes)
{
	check(term <= raft->term);
	check(size_bytes <= UINT32_MAX);
	raft_trail_append(&raft->trail, (struct raft_trail_slot){
	                                    .term = term, .size_bytes = (uint32_t)size_bytes, .kind = (uint8_t)kind});
	raft->uncommitted_bytes += raft_entry_cost(size_bytes);
	if (kind != RAFT_ENTRY_CONFIG)
		return;
	enum err err = raft_history_append(&raft->history, raft_last(raft), payload);
	check(err == ERR_OK);
	raft_peers_refresh(raft);
}

void raft_entries_truncate(struct raft *raft, uint64_t from)
{
	check(from > raft->commit);
	check(raft->update.truncate_from == 0);
	raft->uncommitted_bytes -= raft_entries_cost(raft, from - 1, raft_last(raft));
	raft_trail_truncate(&raft->trail, from);
	if (!RAFT_HAS_BUG(WRITE_ABA))
		raft_writes_truncate(&raft->writes, from);
	raft->update.truncate_from = from;
	if (RAFT_HAS_BUG(CONFIG_NOT_ROLLED_BACK))
		return;
	raft_history_truncate(&raft->history, from);
	raft_peers_refresh(raft);
}

/* Thesis §4.2.2: a node that a committed configuration leaves out is removed; one that was never in is not. */
void raft_membership_follow(struct raft *raft)
{
	const struct raft_history_item *committed = raft_history_at(&raft->history, raft->commit);
	bool found = raft_config_find(&committed->config, raft->options.id) != NULL;
	raft->removed = raft->member && !found;
	raft->member = raft->member || found;
}

void raft_commit_to(struct raft *raft, uint64_t index)
{
	check(index <= raft_last(raft));
	if (index <= raft->commit)
		return;
	size_t size_bytes = raft_entries_cost(raft, raft->commit, index);
	raft->uncommitted_bytes -= size_bytes;
	raft->unapplied_bytes += size_bytes;
	raft->commit = index;
	raft_membership_follow(raft);
	raft_say(raft, "commit index=%ju", (uintmax_t)index);
}

void raft_applied_to(struct raft *raft, uint64_t index)
{
	check(index >= raft->applied && index <= raft->commit);
	raft->unapplied_bytes -= raft_entries_cost(raft, raft->applied, index);
	raft->applied = index;
}

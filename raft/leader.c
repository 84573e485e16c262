/* SPDX-License-Identifier: Apache-2.0 */
/* What a leader does once at the end of a step: commit, leave a joint configuration, confirm reads, send. */
#include "raft/core.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/limits.h"
#include "raft/config.h"

bool raft_leader_is_settled(const struct raft *raft)
{
	return raft->role == RAFT_LEADER && raft->commit >= raft->term_start;
}

/* The leader's own vote for an entry counts after its own write: thesis §10.2.1. */
static uint64_t raft_match_of(const void *argument, uint64_t id)
{
	const struct raft *raft = argument;
	if (id == raft->options.id)
		return RAFT_HAS_BUG(LEADER_NOT_DURABLE) ? raft_last(raft) : raft->writes.durable;
	return raft_peers_get(&raft->peers, id)->match;
}

static void raft_commit_advance(struct raft *raft)
{
	uint64_t reached = raft_quorum_reached(raft_config_latest(raft), raft_match_of, raft);
	if (reached > raft_last(raft) || reached <= raft->commit)
		return;
	if (RAFT_HAS_BUG(COMMIT_NOT_LOOKED_AT) && raft->history.generation != raft->generation)
		return;
	/* Thesis §3.6.2: only entries of its own term are committed by counting; older ones come with them. */
	if (raft_trail_term(&raft->trail, reached) == raft->term || RAFT_HAS_BUG(COMMIT_OLD_TERM))
		raft_commit_to(raft, reached);
}

/* Thesis §4.3: once the joint configuration is committed, the leader appends the new one. What the driver had to say, the entry
 * of the joint one said. */
static void raft_joint_leave(struct raft *raft)
{
	const struct raft_history_item *now = raft_history_now(&raft->history);
	if (!now->config.auto_leave || !raft_config_is_joint(&now->config) ||
	    (now->index > raft->commit && !RAFT_HAS_BUG(LEAVE_EARLY)))
		return;
	if (!raft_leader_is_settled(raft) || raft->transfer.peer != 0 || raft->update.append_count != 0)
		return;
	AUTO_BUFFER struct buffer payload = {0};
	struct raft_config left;
	buffer_init(&payload, LIMIT_ENTRY_BYTES);
	raft_config_init(&left);
	raft_config_copy(&left, &now->config);
	enum err err = raft_config_leave_joint(&left);
	check(err == ERR_OK);
	raft_config_encode(&left, &payload);
	raft_config_fini(&left);
	raft->update.append_payload = arena_dup(&raft->arena, buffer_bytes(&payload));
	raft_entry_append(raft, raft->term, RAFT_ENTRY_CONFIG, raft->update.append_payload, payload.size);
	raft->update.append_from = raft_last(raft);
	raft->update.append_count = 1;
	raft->update.append_kind = RAFT_ENTRY_CONFIG;
	raft->update.append_term = raft->term;
	raft_say(raft, "leave_joint index=%ju", (uintmax_t)raft_last(raft));
	raft_commit_advance(raft); /* the new half alone may have more already */
}

/* Thesis §4.2.2: a leader that is not in the configuration leads until that is committed. */
static bool raft_leader_is_removed(const struct raft *raft)
{
	const struct raft_history_item *now = raft_history_now(&raft->history);
	return now->index <= raft->commit && !raft_is_voter(raft) && !RAFT_HAS_BUG(REMOVED_LEADS);
}

void raft_lead(struct raft *raft)
{
	check(raft->role == RAFT_LEADER);
	raft_commit_advance(raft);
	raft_joint_leave(raft);
	raft_reads_confirm(raft);
	raft_transfer_advance(raft);
	raft_replicate(raft);
	if (raft->round_begun)
		raft_heartbeats_send(raft);
	raft_snapshot_ask(raft);
	if (raft_leader_is_removed(raft)) {
		raft_say(raft, "removed term=%ju", (uintmax_t)raft->term);
		raft_become_follower(raft, raft->term, 0);
	}
}

static uint64_t raft_heard_of(const void *argument, uint64_t id)
{
	const struct raft *raft = argument;
	if (id == raft->options.id)
		return raft->now_ms;
	return raft_peers_get(&raft->peers, id)->heard_ms;
}

uint64_t raft_quorum_until_ms(const struct raft *raft)
{
	uint64_t heard_ms = raft_quorum_reached(raft_config_latest(raft), raft_heard_of, raft);
	if (heard_ms > raft->now_ms)
		heard_ms = raft->now_ms;
	return heard_ms + raft->options.election_timeout_ms;
}

void raft_leader_tick(struct raft *raft)
{
	/* Check-quorum, thesis §6.2: a leader without a quorum makes room. */
	if (raft->now_ms >= raft_quorum_until_ms(raft) && !RAFT_HAS_BUG(NO_CHECK_QUORUM)) {
		raft_say(raft, "quorum_lost term=%ju", (uintmax_t)raft->term);
		raft_become_follower(raft, raft->term, 0);
		return;
	}
	raft_transfer_tick(raft);
	raft_snapshot_tick(raft);
	if (raft->now_ms >= raft->heartbeat_at_ms)
		raft_round_begin(raft);
}

uint64_t raft_leader_wake_ms(const struct raft *raft)
{
	uint64_t wake_ms = raft_quorum_until_ms(raft);
	if (raft->heartbeat_at_ms < wake_ms)
		wake_ms = raft->heartbeat_at_ms;
	if (raft->transfer.peer != 0 && raft->transfer.until_ms < wake_ms)
		wake_ms = raft->transfer.until_ms;
	return wake_ms;
}

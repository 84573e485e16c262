/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds: what raft/lease.h says of them. A heartbeat to each member begins one. */
#include "raft/core.h"

#include "base/check.h"

void raft_round_begin(struct raft *raft)
{
	check(raft->role == RAFT_LEADER);
	if (raft->round_begun)
		return;
	raft_lease_round(&raft->lease, raft->now_ms);
	raft->round_begun = true;
	raft->heartbeat_at_ms = raft->now_ms + raft->options.heartbeat_interval_ms;
}

static uint64_t raft_round_of(const void *argument, uint64_t id)
{
	const struct raft *raft = argument;
	if (id == raft->options.id)
		return raft->lease.round;
	return raft_peers_get(&raft->peers, id)->round_acked;
}

uint64_t raft_round_acked(const struct raft *raft)
{
	check(raft->role == RAFT_LEADER);
	uint64_t acked = raft_quorum_reached(raft_config_latest(raft), raft_round_of, raft);
	return acked < raft->lease.round ? acked : raft->lease.round;
}

void raft_heartbeats_send(struct raft *raft)
{
	for (size_t i = 0; i < raft->peers.count; i++) {
		struct raft_peer *peer = &raft->peers.items[i];
		if (peer->id == raft->options.id)
			continue;
		/* Not beyond what the member is known to have. */
		uint64_t commit = raft->commit < peer->match ? raft->commit : peer->match;
		if (RAFT_HAS_BUG(HEARTBEAT_COMMIT))
			commit = raft->commit;
		raft_send(raft,
		          (struct raft_message){
		              .type = RAFT_HEARTBEAT, .to = peer->id, .commit = commit, .round = raft->lease.round});
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The invariants of raft/core.h, after each step. */
#include "raft/core.h"

#include "base/check.h"

static void raft_log_holds(const struct raft *raft)
{
	uint64_t last = raft_last(raft);
	check(raft->trail.base_index <= raft->applied);
	check(raft->applied <= raft->commit);
	check(raft->commit <= last);
	check(raft->applied <= raft->writes.durable);
	check(raft->writes.durable <= last);
	check(raft_trail_last_term(&raft->trail) <= raft->term);
	check(raft->commit < last || raft->uncommitted_bytes == 0);
	check(raft->applied < raft->commit || raft->unapplied_bytes == 0);
	check(raft_history_now(&raft->history)->index <= last || RAFT_HAS_BUG(CONFIG_NOT_ROLLED_BACK));
}

static void raft_leader_holds(const struct raft *raft)
{
	check(raft->leader == raft->options.id && raft->vote == raft->options.id);
	check(raft_writes_term_is_durable(&raft->writes));
	check(raft_trail_last_term(&raft->trail) == raft->term);
	check(raft_trail_term(&raft->trail, raft->term_start) == raft->term ||
	      raft->term_start < raft->trail.base_index);
	check(raft->fetch.from == 0 && !raft->damaged && !raft->stalled);
	check(raft->lease.round != 0);
	check(!raft->lease.revoked || raft->lease.until_ms == 0);
	check(!raft->transfer.told || raft->lease.revoked);
}

static void raft_follower_holds(const struct raft *raft)
{
	check(raft->leader != raft->options.id);
	check(raft->transfer.peer == 0);
	check(raft->lease.until_ms == 0);
	check(raft->leader != 0 || raft->reads.count == 0);
	check(raft->role != RAFT_CANDIDATE || raft->vote == raft->options.id);
	check(raft->role == RAFT_FOLLOWER || raft->leader == 0);
	check(raft->fetch.from == 0 || raft->role == RAFT_FOLLOWER);
}

static void raft_peers_hold(const struct raft *raft)
{
	const struct raft_config *config = raft_config_latest(raft);
	check(raft->peers.count == config->count);
	for (size_t i = 0; i < raft->peers.count; i++) {
		check(raft->peers.items[i].id == config->members[i].id);
		check(raft->peers.items[i].match <= raft_last(raft) || raft->role != RAFT_LEADER);
		raft_peer_holds(&raft->peers.items[i]);
	}
}

void raft_holds(const struct raft *raft)
{
	raft_log_holds(raft);
	if (raft->role == RAFT_LEADER)
		raft_leader_holds(raft);
	else
		raft_follower_holds(raft);
	raft_peers_hold(raft);
	check(raft->update.apply_to >= raft->applied);
}

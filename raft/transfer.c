/* SPDX-License-Identifier: Apache-2.0 */
/* Handing leadership over: thesis §3.10. */
#include "raft/core.h"

#include "base/check.h"
#include "raft/config.h"

static enum err raft_transfer(struct raft *raft, uint64_t peer)
{
	if (raft->role != RAFT_LEADER)
		return raft->leader != 0 ? ERR_NOT_LEADER : ERR_NO_LEADER;
	if (raft->transfer.peer != 0)
		return ERR_BUSY;
	if (peer == raft->options.id || !raft_config_votes(raft_config_latest(raft), peer))
		return ERR_INVALID;
	raft->transfer =
	    (struct raft_transfer){.peer = peer, .until_ms = raft->now_ms + raft->options.election_timeout_ms};
	raft_say(raft, "transfer to=%ju", (uintmax_t)peer);
	return ERR_OK;
}

void raft_on_transfer(struct raft *raft, uint64_t peer)
{
	raft->update.proposal = raft_transfer(raft, peer);
}

/* Proposals wait meanwhile, so the target's match reaches the end; what it has matched is durable there. */
void raft_transfer_advance(struct raft *raft)
{
	check(raft->role == RAFT_LEADER);
	if (raft->transfer.peer == 0 || raft->transfer.told)
		return;
	/* Nothing is proposed meanwhile, so that the members stay who they are. */
	const struct raft_peer *peer = raft_peers_get(&raft->peers, raft->transfer.peer);
	uint64_t has = RAFT_HAS_BUG(TRANSFER_BY_NEXT) ? peer->next - 1 : peer->match;
	if (has != raft_last(raft))
		return;
	raft->transfer.told = true;
	raft_lease_revoke(&raft->lease);
	raft_send(raft, (struct raft_message){.type = RAFT_TIMEOUT_NOW, .to = peer->id});
}

void raft_transfer_tick(struct raft *raft)
{
	if (raft->transfer.peer == 0 || raft->now_ms < raft->transfer.until_ms)
		return;
	raft_say(raft, "transfer_failed to=%ju", (uintmax_t)raft->transfer.peer);
	raft->transfer.until_ms = UINT64_MAX;
	if (!RAFT_HAS_BUG(TRANSFER_STUCK))
		raft->transfer = (struct raft_transfer){0};
}

void raft_recv_timeout_now(struct raft *raft, const struct raft_message *message)
{
	if (message->term != raft->term || raft->role != RAFT_FOLLOWER || raft->leader != message->from)
		return;
	if (!raft_may_campaign(raft))
		return;
	raft->campaign_is_transfer = true;
	raft_campaign(raft);
}

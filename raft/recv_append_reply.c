/* SPDX-License-Identifier: Apache-2.0 */
/* APPEND_REPLY, HEARTBEAT_REPLY and a broken connection, at the leader. */
#include "raft/core.h"

#include "base/check.h"

static struct raft_peer *raft_peer_heard(struct raft *raft, const struct raft_message *message)
{
	struct raft_peer *peer = raft->role == RAFT_LEADER && message->term == raft->term
	                             ? raft_peers_find(&raft->peers, message->from)
	                             : NULL;
	if (peer == NULL)
		return NULL;
	peer->heard_ms = raft->now_ms;
	if (message->round > peer->round_acked && message->round <= raft->lease.round)
		peer->round_acked = message->round;
	return peer;
}

/* A snapshot's member goes on from the log if the log still reaches back to where it stands; or it needs a newer one. */
static void raft_peer_leave_snapshot(struct raft *raft, struct raft_peer *peer, uint64_t index)
{
	bool offered = peer->offer.index != 0 && index >= peer->offer.index;
	if (!offered && (peer->offer.repair_id != 0 || index < raft->trail.base_index))
		return;
	raft_say(raft, "snapshot_done peer=%ju index=%ju", (uintmax_t)peer->id, (uintmax_t)index);
	if (index >= raft->trail.base_index)
		raft_peer_probe(peer);
	else
		raft_peer_snapshot(peer);
}

static void raft_append_accepted(struct raft *raft, struct raft_peer *peer, uint64_t index)
{
	if (index > raft_last(raft))
		return;
	if (peer->progress == RAFT_SNAPSHOTTING) {
		raft_peer_leave_snapshot(raft, peer, index);
		if (peer->progress == RAFT_SNAPSHOTTING)
			return;
	}
	raft_peer_accepted(peer, index);
	if (peer->progress == RAFT_PROBE)
		raft_peer_replicate(peer);
}

static void raft_append_rejected(struct raft *raft, struct raft_peer *peer, const struct raft_message *message)
{
	/* The member's last entry that could match, and from there back to the last that could match by our terms. */
	uint64_t hint = message->hint;
	if (message->hint_term != 0 && hint >= raft->trail.base_index)
		hint = raft_trail_hint(&raft->trail, hint, message->hint_term);
	uint64_t match = peer->match;
	if (!raft_peer_rejected(peer, message->index, hint))
		return;
	raft_say(raft, "back_to peer=%ju next=%ju", (uintmax_t)peer->id, (uintmax_t)peer->next);
	if (peer->match < match)
		raft_say(raft, "match_lost peer=%ju match=%ju", (uintmax_t)peer->id, (uintmax_t)match);
}

void raft_recv_append_reply(struct raft *raft, const struct raft_message *message)
{
	struct raft_peer *peer = raft_peer_heard(raft, message);
	if (peer == NULL)
		return;
	if (message->reject)
		raft_append_rejected(raft, peer, message);
	else
		raft_append_accepted(raft, peer, message->index);
}

/* The answer shows that the connection works: what was sent before it and is not answered may be lost. */
void raft_recv_heartbeat_reply(struct raft *raft, const struct raft_message *message)
{
	struct raft_peer *peer = raft_peer_heard(raft, message);
	if (peer == NULL || peer->progress == RAFT_SNAPSHOTTING)
		return;
	peer->paused = false;
	if (raft_peer_is_full(peer, raft->options.inflight_bytes_max) && !RAFT_HAS_BUG(WINDOW_LEAKS))
		raft_peer_free_oldest(peer);
	peer->ask = peer->match < raft_last(raft);
}

void raft_on_unreachable(struct raft *raft, uint64_t id)
{
	struct raft_peer *peer = raft->role == RAFT_LEADER ? raft_peers_find(&raft->peers, id) : NULL;
	if (peer != NULL && peer->progress == RAFT_REPLICATE)
		raft_peer_probe(peer);
	if (peer != NULL && peer->progress == RAFT_PROBE)
		peer->paused = true; /* until it answers a heartbeat */
}

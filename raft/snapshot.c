/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots, thesis §5, without their bytes: the leader asks its driver for one and offers it to the member; the
 * member's driver fetches it and tells when it is installed. And the repair of a member whose log is damaged.
 */
#include "raft/core.h"

#include "base/check.h"

/* ---- at the leader ---- */

static void raft_offer_send(struct raft *raft, struct raft_peer *peer)
{
	struct bytes payload = bytes_of(peer->offer.payload, peer->offer.payload_size);
	peer->offer.again_ms = raft->now_ms + raft->options.election_timeout_ms;
	raft_send(raft, (struct raft_message){.type = RAFT_SNAPSHOT,
	                                      .to = peer->id,
	                                      .index = peer->offer.index,
	                                      .index_term = peer->offer.term,
	                                      .read_id = peer->offer.repair_id,
	                                      .config_payload = arena_dup(&raft->arena, payload)});
}

void raft_snapshot_ask(struct raft *raft)
{
	check(raft->role == RAFT_LEADER);
	for (size_t i = 0; i < raft->peers.count; i++) {
		struct raft_peer *peer = &raft->peers.items[i];
		if (peer->progress != RAFT_SNAPSHOTTING || peer->offer.asked || raft->now_ms < peer->offer.again_ms)
			continue;
		peer->offer.asked = true;
		raft->update.snapshot_for = peer->id;
		raft_say(raft, "snapshot_wanted peer=%ju", (uintmax_t)peer->id);
		return;
	}
}

/* An offer may have been lost, or its reader may have restarted. */
void raft_snapshot_tick(struct raft *raft)
{
	for (size_t i = 0; i < raft->peers.count; i++) {
		struct raft_peer *peer = &raft->peers.items[i];
		if (peer->progress == RAFT_SNAPSHOTTING && peer->offer.index != 0 &&
		    raft->now_ms >= peer->offer.again_ms)
			raft_offer_send(raft, peer);
	}
}

void raft_on_snapshot_ready(struct raft *raft, const struct raft_event *event)
{
	struct raft_peer *peer = raft->role == RAFT_LEADER ? raft_peers_find(&raft->peers, event->peer) : NULL;
	if (peer == NULL || peer->progress != RAFT_SNAPSHOTTING || !peer->offer.asked || peer->offer.index != 0)
		return;
	check(event->index <= raft->commit);
	if (event->index < peer->offer.repair_index || event->index < raft->trail.base_index) {
		peer->offer.asked = false;
		peer->offer.again_ms = raft->now_ms + raft->options.heartbeat_interval_ms;
		return;
	}
	raft_peer_offer(peer, event->index, event->term, event->config_payload);
	raft_offer_send(raft, peer);
}

/* It could not be made, or what is offered is gone: another one is asked for, in a while. */
static void raft_offer_failed(struct raft *raft, const struct raft_event *event)
{
	struct raft_peer *peer = raft->role == RAFT_LEADER ? raft_peers_find(&raft->peers, event->peer) : NULL;
	if (peer == NULL || peer->progress != RAFT_SNAPSHOTTING)
		return;
	if (peer->offer.index != event->index || peer->offer.term != event->term)
		return;
	raft_say(raft, "snapshot_failed peer=%ju index=%ju", (uintmax_t)peer->id, (uintmax_t)event->index);
	raft_peer_offer(peer, 0, 0, BYTES_NONE);
	peer->offer.asked = false;
	peer->offer.again_ms = raft->now_ms + raft->options.election_timeout_ms;
}

/* What the member may have acknowledged, and the cluster may have committed on its word, is committed by now or is
 * not committed by it any more: its match is forgotten. */
void raft_recv_repair(struct raft *raft, const struct raft_message *message)
{
	struct raft_peer *peer = raft->role == RAFT_LEADER ? raft_peers_find(&raft->peers, message->from) : NULL;
	if (peer == NULL || message->term != raft->term || !raft_leader_is_settled(raft))
		return;
	if (peer->progress == RAFT_SNAPSHOTTING && peer->offer.repair_id == message->read_id)
		return;
	raft_say(raft, "repair peer=%ju upto=%ju", (uintmax_t)peer->id, (uintmax_t)raft->commit);
	peer->match = 0;
	raft_peer_snapshot(peer);
	peer->offer.repair_id = message->read_id;
	peer->offer.repair_index = raft->commit;
}

/* ---- at the member ---- */

void raft_repair_request(struct raft *raft, uint64_t leader)
{
	check(raft->damaged);
	raft_send(raft, (struct raft_message){.type = RAFT_REPAIR, .to = leader, .read_id = raft->repair_id});
}

static bool raft_snapshot_is_wanted(const struct raft *raft, const struct raft_message *message)
{
	if (raft->fetch.from != 0 && message->index <= raft->fetch.index)
		return false;
	return !raft->damaged || message->read_id == raft->repair_id || RAFT_HAS_BUG(REPAIR_BY_ANY);
}

void raft_recv_snapshot(struct raft *raft, const struct raft_message *message)
{
	if (!raft_follow(raft, message))
		return;
	/* The log holds that entry: it is committed, and what follows it is kept. */
	bool known =
	    raft_trail_term(&raft->trail, message->index) == message->index_term && !RAFT_HAS_BUG(SNAPSHOT_DISCARDS);
	if (!raft->damaged && raft->fetch.from == 0 && (known || message->index <= raft->commit)) {
		if (known)
			raft_commit_to(raft, message->index);
		raft_send_after_entry(
		    raft, (struct raft_message){.type = RAFT_APPEND_REPLY, .to = message->from, .index = raft->commit});
		return;
	}
	if (!raft_snapshot_is_wanted(raft, message))
		return;
	raft->fetch = (struct raft_fetch){.from = message->from, .index = message->index, .term = message->index_term};
	raft->update.snapshot_from = message->from;
	raft->update.snapshot_index = message->index;
	raft->update.snapshot_term = message->index_term;
	raft_say(raft, "fetch from=%ju index=%ju term=%ju", (uintmax_t)message->from, (uintmax_t)message->index,
	         (uintmax_t)message->index_term);
	if (RAFT_HAS_BUG(INSTALL_ACKED_EARLY))
		raft_send(raft, (struct raft_message){
		                    .type = RAFT_APPEND_REPLY, .to = message->from, .index = message->index});
}

void raft_on_snapshot_failed(struct raft *raft, const struct raft_event *event)
{
	if (event->peer != 0) {
		raft_offer_failed(raft, event);
		return;
	}
	raft->fetch = (struct raft_fetch){0};
	raft_say(raft, "fetch_failed");
}

void raft_on_snapshot_installed(struct raft *raft, const struct raft_event *event)
{
	check(raft->role == RAFT_FOLLOWER && raft->fetch.from != 0);
	check(event->index <= raft->fetch.index && event->term <= raft->term);
	check(event->index > raft->commit || raft->damaged);
	enum err err = raft_history_reset(&raft->history, event->index, event->config_payload);
	check(err == ERR_OK);
	raft_trail_reset(&raft->trail, event->index, event->term);
	raft_writes_reset(&raft->writes, event->index);
	raft->uncommitted_bytes = raft->unapplied_bytes = 0;
	raft->commit = raft->applied = event->index;
	raft_membership_follow(raft);
	raft_peers_refresh(raft);
	raft_say(raft, "installed index=%ju term=%ju", (uintmax_t)event->index, (uintmax_t)event->term);
	if (event->index != raft->fetch.index)
		return; /* an older one, superseded while it was being installed */
	raft->fetch = (struct raft_fetch){0};
	raft->damaged = false;
	if (raft->leader != 0)
		raft_send_after_entry(
		    raft, (struct raft_message){.type = RAFT_APPEND_REPLY, .to = raft->leader, .index = raft->commit});
}

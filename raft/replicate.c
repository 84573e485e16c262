/* SPDX-License-Identifier: Apache-2.0 */
/* Sending entries: pipelined, within limits of messages and bytes in flight (thesis §10.2.1). */
#include "raft/core.h"

#include "base/check.h"

/* How many entries from peer->next on go into one message. */
static size_t raft_batch_count(const struct raft *raft, const struct raft_peer *peer, size_t *ret_size_bytes)
{
	size_t count = 0, size_bytes = 0;
	for (uint64_t index = peer->next; index <= raft_last(raft) && count < RAFT_APPEND_ENTRIES_MAX; index++) {
		size_t cost = raft_trail_slot(&raft->trail, index)->size_bytes + RAFT_ENTRY_OVERHEAD_BYTES;
		if (count != 0 && size_bytes + cost > raft->options.append_bytes_max)
			break;
		size_bytes += cost;
		count++;
	}
	*ret_size_bytes = size_bytes;
	return count;
}

static void raft_append_send(struct raft *raft, struct raft_peer *peer, size_t count, size_t size_bytes)
{
	uint64_t before = peer->next - 1;
	check(before >= raft->trail.base_index && before + count <= raft_last(raft));
	raft_send(raft, (struct raft_message){.type = RAFT_APPEND,
	                                      .to = peer->id,
	                                      .index = before,
	                                      .index_term = raft_trail_term(&raft->trail, before),
	                                      .commit = raft->commit,
	                                      .round = raft->lease.round,
	                                      .count = count});
	raft_peer_sent(peer, before + count, size_bytes);
	peer->commit_sent = raft->commit;
	peer->ask = false;
}

static bool raft_peer_is_ready(const struct raft *raft, const struct raft_peer *peer)
{
	switch (peer->progress) {
	case RAFT_PROBE:
		return !peer->paused;
	case RAFT_REPLICATE:
		return !raft_peer_is_full(peer, raft->options.inflight_bytes_max);
	case RAFT_SNAPSHOTTING:
		break;
	}
	return false;
}

static void raft_peer_feed(struct raft *raft, struct raft_peer *peer)
{
	while (raft_peer_is_ready(raft, peer)) {
		if (peer->next <= raft->trail.base_index) {
			raft_say(raft, "needs_snapshot peer=%ju next=%ju", (uintmax_t)peer->id, (uintmax_t)peer->next);
			raft_peer_snapshot(peer);
			return;
		}
		size_t size_bytes;
		size_t count = raft_batch_count(raft, peer, &size_bytes);
		/* An empty one tells the new commit index at once, so that the member's readers and watchers wait less. */
		if (count == 0 && peer->progress == RAFT_REPLICATE && peer->commit_sent >= raft->commit && !peer->ask)
			return;
		raft_append_send(raft, peer, count, size_bytes);
	}
}

void raft_replicate(struct raft *raft)
{
	check(raft->role == RAFT_LEADER);
	for (size_t i = 0; i < raft->peers.count; i++)
		if (raft->peers.items[i].id != raft->options.id)
			raft_peer_feed(raft, &raft->peers.items[i]);
}

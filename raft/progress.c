/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/progress.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "raft/bug.h"

static void raft_peer_forget_flight(struct raft_peer *peer)
{
	peer->inflight_head = peer->inflight_count = peer->inflight_bytes = 0;
}

static void raft_offer_clear(struct raft_offer *offer)
{
	free(offer->payload);
	*offer = (struct raft_offer){0};
}

static void raft_peer_fini(struct raft_peer *peer)
{
	free(peer->inflight);
	raft_offer_clear(&peer->offer);
}

void raft_peers_fini(struct raft_peers *peers)
{
	for (size_t i = 0; i < peers->count; i++)
		raft_peer_fini(&peers->items[i]);
	free(peers->items);
	*peers = (struct raft_peers){0};
}

struct raft_peer *raft_peers_find(const struct raft_peers *peers, uint64_t id)
{
	for (size_t i = 0; i < peers->count; i++)
		if (peers->items[i].id == id)
			return &peers->items[i];
	return NULL;
}

struct raft_peer *raft_peers_get(const struct raft_peers *peers, uint64_t id)
{
	struct raft_peer *peer = raft_peers_find(peers, id);
	check(peer != NULL);
	return peer;
}

static struct raft_peer raft_peer_new(uint64_t id, uint64_t next, uint64_t now_ms, size_t inflight_max)
{
	check(inflight_max > 0);
	return (struct raft_peer){.id = id,
	                          .next = next,
	                          .heard_ms = now_ms,
	                          .inflight = memory_new_array(inflight_max, sizeof(struct raft_inflight)),
	                          .inflight_capacity = inflight_max};
}

void raft_peers_follow(struct raft_peers *peers, const struct raft_config *config, uint64_t next, uint64_t now_ms,
                       size_t inflight_max)
{
	struct raft_peers fresh = {.items =
	                               memory_new_array(config->count != 0 ? config->count : 1, sizeof *fresh.items),
	                           .count = config->count};
	for (size_t i = 0; i < config->count; i++) {
		struct raft_peer *known = raft_peers_find(peers, config->members[i].id);
		if (known == NULL) {
			fresh.items[i] = raft_peer_new(config->members[i].id, next, now_ms, inflight_max);
			continue;
		}
		fresh.items[i] = *known;
		known->inflight = NULL;
		known->offer.payload = NULL;
	}
	raft_peers_fini(peers);
	*peers = fresh;
}

void raft_peers_reset(struct raft_peers *peers, uint64_t next, uint64_t now_ms)
{
	for (size_t i = 0; i < peers->count; i++) {
		struct raft_peer *peer = &peers->items[i];
		raft_offer_clear(&peer->offer);
		raft_peer_forget_flight(peer);
		*peer = (struct raft_peer){.id = peer->id,
		                           .next = next,
		                           .heard_ms = now_ms,
		                           .inflight = peer->inflight,
		                           .inflight_capacity = peer->inflight_capacity};
	}
}

void raft_peer_probe(struct raft_peer *peer)
{
	uint64_t after = peer->progress == RAFT_SNAPSHOTTING ? peer->offer.index : 0;
	raft_offer_clear(&peer->offer);
	raft_peer_forget_flight(peer);
	peer->progress = RAFT_PROBE;
	peer->paused = false;
	peer->next = (after > peer->match ? after : peer->match) + 1;
}

void raft_peer_replicate(struct raft_peer *peer)
{
	check(peer->progress == RAFT_PROBE);
	peer->progress = RAFT_REPLICATE;
	peer->paused = false;
	peer->next = peer->match + 1;
}

void raft_peer_snapshot(struct raft_peer *peer)
{
	raft_offer_clear(&peer->offer);
	raft_peer_forget_flight(peer);
	peer->progress = RAFT_SNAPSHOTTING;
	peer->paused = false;
}

void raft_peer_offer(struct raft_peer *peer, uint64_t index, uint64_t term, struct bytes payload)
{
	check(peer->progress == RAFT_SNAPSHOTTING);
	free(peer->offer.payload);
	peer->offer.index = index;
	peer->offer.term = term;
	peer->offer.payload = memory_dup(payload.data, payload.size);
	peer->offer.payload_size = payload.size;
}

static void raft_peer_land(struct raft_peer *peer)
{
	struct raft_inflight *oldest = &peer->inflight[peer->inflight_head];
	check(peer->inflight_count > 0);
	peer->inflight_bytes -= oldest->size_bytes;
	peer->inflight_head = (peer->inflight_head + 1) % peer->inflight_capacity;
	peer->inflight_count--;
}

bool raft_peer_accepted(struct raft_peer *peer, uint64_t index)
{
	while (peer->inflight_count > 0 && peer->inflight[peer->inflight_head].last <= index)
		raft_peer_land(peer);
	if (peer->next <= index)
		peer->next = index + 1;
	if (index <= peer->match && !RAFT_HAS_BUG(MATCH_FALLS))
		return false;
	peer->match = index;
	return true;
}

bool raft_peer_rejected(struct raft_peer *peer, uint64_t rejected, uint64_t hint)
{
	switch (peer->progress) {
	case RAFT_SNAPSHOTTING:
		return false;
	case RAFT_REPLICATE:
		if (rejected <= peer->match)
			return false;
		raft_peer_probe(peer);
		return true;
	case RAFT_PROBE:
		break;
	}
	if (rejected != peer->next - 1 || rejected == 0)
		return false;
	uint64_t last = hint < rejected ? hint : rejected - 1;
	/* It has lost what it had acknowledged, and its disk does not show it: it gets that again. Of an old answer the same may
	 * be thought, which costs a round and no more: what is committed stays so. */
	if (rejected == peer->match)
		peer->match = last;
	peer->next = (last > peer->match ? last : peer->match) + 1;
	peer->paused = false;
	return true;
}

void raft_peer_sent(struct raft_peer *peer, uint64_t last, size_t size_bytes)
{
	if (peer->progress == RAFT_PROBE) {
		peer->paused = true;
		return;
	}
	check(peer->progress == RAFT_REPLICATE);
	if (last < peer->next)
		return;
	check(peer->inflight_count < peer->inflight_capacity);
	size_t at = (peer->inflight_head + peer->inflight_count) % peer->inflight_capacity;
	peer->inflight[at] = (struct raft_inflight){.last = last, .size_bytes = size_bytes};
	peer->inflight_count++;
	peer->inflight_bytes += size_bytes;
	peer->next = last + 1;
}

bool raft_peer_is_full(const struct raft_peer *peer, size_t inflight_bytes_max)
{
	return peer->inflight_count == peer->inflight_capacity || peer->inflight_bytes >= inflight_bytes_max;
}

void raft_peer_free_oldest(struct raft_peer *peer)
{
	if (peer->inflight_count > 0)
		raft_peer_land(peer);
}

void raft_peer_holds(const struct raft_peer *peer)
{
	check(peer->match < peer->next);
	check(peer->inflight_count <= peer->inflight_capacity);
	check(peer->progress == RAFT_REPLICATE || peer->inflight_count == 0);
	check(peer->inflight_count != 0 || peer->inflight_bytes == 0);
}

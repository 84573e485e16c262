/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the leader knows of one member, and what it has in flight to it.
 *
 *              accepted                    rejected, or the connection is gone
 *     PROBE ------------> REPLICATE ---------------------------------------> PROBE
 *       |                     |
 *       +---------+-----------+   the entries that it needs are trimmed, or its log is damaged
 *                 v
 *             SNAPSHOT ----> PROBE  it stands at the snapshot or later; or the snapshot could not be made
 *
 * PROBE sends one message and waits for the answer or the next heartbeat's; REPLICATE advances `next` as it sends, within
 * the limits in flight; SNAPSHOT sends no entries.
 *
 * Invariants:
 *  1. match < next.
 *  2. match grows only, within a term of the leader, but for a member that says that its log is damaged, or that rejects the
 *     probe of the very entry that it had acknowledged.
 *  3. Only REPLICATE has messages in flight.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "raft/quorum.h"
#include "raft/raft.h"

enum raft_progress { RAFT_PROBE, RAFT_REPLICATE, RAFT_SNAPSHOTTING };

struct raft_inflight {
	uint64_t last;
	size_t size_bytes;
};

/* The snapshot for a member in SNAPSHOT. */
struct raft_offer {
	bool asked;           /* of the driver */
	uint64_t index, term; /* index 0: not ready yet */
	uint8_t *payload;     /* owned */
	size_t payload_size;
	uint64_t again_ms;  /* when to ask the driver, or to tell the member, once more */
	uint64_t repair_id; /* the member's log is damaged: it needs everything up to repair_index; 0: it is not */
	uint64_t repair_index;
};

struct raft_peer {
	uint64_t id;
	enum raft_ballot ballot; /* what it answered to this candidacy */
	uint64_t match, next;
	enum raft_progress progress;
	bool paused;          /* PROBE: a message is out */
	bool ask;             /* REPLICATE: send an append, if only an empty one, to learn where it stands */
	uint64_t commit_sent; /* the greatest commit index that it was told */
	uint64_t heard_ms;    /* of anything from it in this term */
	uint64_t round_acked;
	struct raft_inflight *inflight; /* a ring */
	size_t inflight_capacity, inflight_head, inflight_count, inflight_bytes;
	struct raft_offer offer;
};

struct raft_peers {
	struct raft_peer *items; /* the members of the present configuration, ascending */
	size_t count;
};

void raft_peers_fini(struct raft_peers *peers);
struct raft_peer *raft_peers_find(const struct raft_peers *peers, uint64_t id); /* or NULL */
struct raft_peer *raft_peers_get(const struct raft_peers *peers, uint64_t id);  /* of a member */
/* Follows the configuration: who stays keeps all, who is new starts at `next`, heard now. */
void raft_peers_follow(struct raft_peers *peers, const struct raft_config *config, uint64_t next, uint64_t now_ms,
                       size_t inflight_max);
/* For a new role: nothing is known of anybody. */
void raft_peers_reset(struct raft_peers *peers, uint64_t next, uint64_t now_ms);

void raft_peer_probe(struct raft_peer *peer);
void raft_peer_replicate(struct raft_peer *peer);
void raft_peer_snapshot(struct raft_peer *peer);
/* The snapshot that is offered from now on, index 0: none; the payload is copied. */
void raft_peer_offer(struct raft_peer *peer, uint64_t index, uint64_t term, struct bytes payload);

/* True if match grew. */
bool raft_peer_accepted(struct raft_peer *peer, uint64_t index);
/* The entry at `rejected` did not match, and hint is the last that could. False: an answer to something older. */
bool raft_peer_rejected(struct raft_peer *peer, uint64_t rejected, uint64_t hint);

void raft_peer_sent(struct raft_peer *peer, uint64_t last, size_t size_bytes);
bool raft_peer_is_full(const struct raft_peer *peer, size_t inflight_bytes_max);
/* Gives back one place: a message may have been lost, and nothing else would be sent. */
void raft_peer_free_oldest(struct raft_peer *peer);
void raft_peer_holds(const struct raft_peer *peer);

/* SPDX-License-Identifier: Apache-2.0 */
/* A loop alone, on virtual time: whoever tests it is its network, its log and its state machine. */
#pragma once

#include "replica/loop.h"

enum {
	CLUSTER = 9,
	SELF = 1,
	LEADER = 2,
	FRAMES_MAX = 64,
	TIMEOUT_MS = 1000,
	HEARTBEAT_MS = 100,
	UNAPPLIED_BYTES = 16 << 10
};

struct world {
	struct loop *loop;
	struct pending *pending;
	struct barriers *barriers;
	struct loop_published shown;
	uint64_t now_ms;
	enum err send_err;
	struct arena arena;
	const Peer__Envelope *frames[FRAMES_MAX]; /* sent since the last world_forget() */
	size_t frame_count;
	struct write_jobs writes;
	struct apply_jobs applies;
	unsigned fetches;
	uint64_t fetch_index;
	struct kv_member_list members; /* what the state says of them */
	struct kv_lease_list leases;   /* likewise, by id */
};

void world_init_promised(struct world *world, size_t voters, uint32_t promised_ms);
void world_init(struct world *world, size_t voters);
void world_fini(struct world *world);
void world_forget(struct world *world);
void world_run(struct world *world, uint64_t ms);
void world_hear(struct world *world, Peer__Raft raft);
/* All writes that wait are durable now. */
void world_sync(struct world *world);
const struct write_job *world_last_write(const struct world *world);
const Peer__Raft *world_sent(const struct world *world, enum raft_message_type type);
Peer__Raft raft_of(enum raft_message_type type, uint64_t term);
/* The leader of term 1 appends an entry at index 1, and says that `commit` is committed. */
void world_append_first(struct world *world, uint64_t commit);
/* All that waits is durable and applied. */
void world_settle(struct world *world);
/* Its last entry is acknowledged by the member. */
void world_acknowledge(struct world *world, uint64_t from);
/* It leads for long enough to know who is alive. */
void world_lead(struct world *world, size_t voters);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raft role: steps the core, and does what its updates ask, in the order that raft/raft.h demands. It does no I/O and
 * reads no clock: what it needs of the world goes through `struct loop_world`, and time comes with each call, so that a
 * simulator can run it on virtual time.
 *
 * Invariants:
 *  1. What an update publishes is published before any message of that update leaves (raft.h, duty 0).
 *  2. A message that waits for a write leaves after that write was durable, never before (duty 2).
 *  3. Entries are handed to the apply role in order, each once, only when committed and durable here (duty 3), and none
 *     between the order to fetch a snapshot and its end.
 *
 * One thread at a time; the caller is the raft role.
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "raft/raft.h"
#include "replica/barriers.h"
#include "replica/frame.h"
#include "replica/job.h"
#include "replica/pending.h"
#include "store/raftlog.h"

enum {
	/* Entries handed to the apply role at once: some ms of work, so that a flood does not delay the first. */
	LOOP_APPLY_ENTRIES_MAX = 512,
	LOOP_APPLY_BYTES_MAX = 4 << 20,
	LOOP_APPLY_JOBS_MAX = 4, /* handed over and not yet applied */
	/* The store notes its checksum at multiples of this index; more than a batch, so that one holds at most one. */
	LOOP_MARK_EVERY = 1024,
	LOOP_HELD_MAX = 65536, /* messages that wait for a write */
	LOOP_APPEND_BYTES_MAX = 1 << 20,
	LOOP_INFLIGHT_MESSAGES_MAX = 64,
	LOOP_INFLIGHT_BYTES_MAX = 16 << 20,
	LOOP_UNCOMMITTED_BYTES_MAX = 128 << 20, /* one value at its ceiling, and then some */
	/* Committed and not applied at the leader: some seconds of its work. Then callers wait, before their proposals are in the
	 * log, where nobody could take them back. */
	LOOP_UNAPPLIED_BYTES_MAX = 64 << 20,
	LOOP_REVIEW_MS = 20,       /* how late a deadline may be noticed */
	LOOP_REFUSED_PAUSE_MS = 5, /* before a proposal that was refused as too much is tried again */
	/* Of leases: what is asked of a leader and not answered, and how many it reads at once when it begins. */
	LOOP_LEASE_WAITS_MAX = 65536,
	LOOP_LEASES_READ_MAX = 1024,
};

/* What others may read of the core at any time; written by the raft role alone. */
struct loop_published {
	atomic_uint_fast64_t term, leader, commit, lease_until_ms, first_index, last_index;
	atomic_uint_fast64_t leader_changes; /* how often a leader became known */
	atomic_int role;
	atomic_bool damaged, removed;
};

struct loop_world {
	void *argument;
	/* One frame. Queued or dropped, never waited for. ERR_BUSY, ERR_UNREACHABLE: dropped. */
	enum err (*send)(void *argument, uint64_t to, struct bytes frame);
	void (*write)(void *argument, struct write_job *job); /* taken; done in order; then loop_written() */
	void (*apply)(void *argument, struct apply_job *job); /* taken; done in order; then loop_applied() */
	enum err (*read_log)(void *argument, uint64_t index, size_t count_max, size_t size_bytes_max,
	                     struct arena *arena, struct raftlog_entry **ret_entries, size_t *ret_count);
	/* Leader: make a snapshot for this peer, then loop_snapshot_ready() or _failed(). */
	void (*snapshot_make)(void *argument, uint64_t peer);
	/* Follower: fetch it, install it, then loop_snapshot_installed() or _failed(0, …). */
	void (*snapshot_fetch)(void *argument, uint64_t from, uint64_t index, uint64_t term);
	void (*config_changed)(void *argument, const struct raft_config *config);
	/* Leader: who is a member, and who was (unless NULL), as of the applied state. In the arena. */
	enum err (*members)(void *argument, struct arena *arena, struct kv_member_list *ret_members,
	                    struct kv_member_list *ret_removed);
	/* Leader: as kv_leases(), of the applied state. */
	enum err (*leases)(void *argument, int64_t after, size_t max, struct arena *arena,
	                   struct kv_lease_list *ret_list);
};

struct loop_options {
	uint64_t cluster, member;
	const struct raft_options *raft;
	const struct raft_start *start;
	struct pending *pending;      /* lent */
	struct barriers *barriers;    /* lent */
	struct loop_published *shown; /* lent; filled by loop_new() */
	uint32_t voters_max;          /* as replica_options */
	struct loop_world world;
};

struct loop;
enum err loop_new(const struct loop_options *options, struct loop **ret_loop) MUST_USE;
void loop_free(struct loop *loop);

/* The time of what follows; never goes back. Before each run of events, after they came in. */
void loop_now(struct loop *loop, uint64_t steady_ns, int64_t wall_ns);

void loop_message(struct loop *loop, const Peer__Envelope *envelope); /* of a checked sender */
void loop_unreachable(struct loop *loop, uint64_t peer);
void loop_written(struct loop *loop, uint64_t write_id);
/* Everything <= applied is applied, and its completions have run. */
void loop_applied(struct loop *loop, uint64_t applied);
void loop_trimmed(struct loop *loop, uint64_t index); /* log and core begin after it from now on */
void loop_disk_stalled(struct loop *loop);
/* A change of the members; the ask is taken. */
struct ask;
void loop_change(struct loop *loop, struct ask *ask);
void loop_transfer(struct loop *loop, uint64_t peer); /* 0: to the voter that is furthest */
/* What is asked of a lease; the inquiry is taken. */
struct inquiry;
void loop_inquire(struct loop *loop, struct inquiry *inquiry);
/* What was applied to leases, in order: all of it up to an index before loop_applied() tells that index. */
void loop_leased(struct loop *loop, const struct kv_lease_event *event);
void loop_snapshot_ready(struct loop *loop, uint64_t peer, uint64_t index, uint64_t term, struct bytes config);
/* peer 0: the one that was to be fetched, at (index, term); one that another has superseded is passed over. Else: the one for the
 * peer could not be made (index 0), or the one at (index, term) that it was told of is there no more. */
void loop_snapshot_failed(struct loop *loop, uint64_t peer, uint64_t index, uint64_t term);
void loop_snapshot_installed(struct loop *loop, uint64_t index, uint64_t term, struct bytes config);

/* At the end of a run: what waits is proposed, read rounds are begun, time passes if it is time. Returns when to be called
 * again at the latest. */
uint64_t loop_finish(struct loop *loop);

/* Answers the asks that wait. Before loop_free(). */
void loop_stop(struct loop *loop);

const struct raft *loop_core(const struct loop *loop);

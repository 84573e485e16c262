/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of the core, and what its files offer one another. A step is: one handler changes the state and asks for
 * messages; then, on a leader, raft_lead() does once what follows from it (commit, reads, sends); then the update is made.
 *
 *                      timer                 quorum would vote              quorum voted
 *     FOLLOWER --------------> PRE_CANDIDATE ------------------> CANDIDATE --------------> LEADER
 *        ^  |                    |     |                          |  ^                        |
 *        |  +-- TIMEOUT_NOW -----|-----|--------------------------|--+                        |
 *        +-----------------------+-----+--------------------------+---------------------------+
 *          a leader or a higher term is seen; refused by a quorum; no quorum heard; removed; disk stalled
 *
 * Invariants (raft_holds() checks them after each step):
 *  1. applied <= commit <= last; applied <= durable <= last.
 *  2. vote changes only when the term grows, or from 0.
 *  3. The leader of a term has an entry of that term at term_start, and no entry of a later term.
 *  4. Peers are the members of the latest configuration in the log.
 *  5. What waits for a confirmation (reads, a transfer) exists only on the role that asked for it.
 */
#pragma once

#include "base/arena.h"
#include "base/random.h"
#include "raft/bug.h"
#include "raft/history.h"
#include "raft/lease.h"
#include "raft/progress.h"
#include "raft/raft.h"
#include "raft/reads.h"
#include "raft/trail.h"
#include "raft/writes.h"

enum {
	/* Messages with larger numbers are refused, so that no sum overflows. */
	RAFT_NUMBER_BITS = 60,
	/* Entries of one append message: bounds the work of a step. */
	RAFT_APPEND_ENTRIES_MAX = 4096,
	/* What an entry costs beyond its payload, for the limits in bytes. */
	RAFT_ENTRY_OVERHEAD_BYTES = 32,
};
#define RAFT_NUMBER_MAX (UINT64_C(1) << RAFT_NUMBER_BITS)

/* Until the update is made, after_write of an outgoing message holds what it waits for. */
enum raft_wait {
	RAFT_WAIT_TERM,  /* the term and vote of now */
	RAFT_WAIT_ENTRY, /* that, and the entry at message.index */
};

struct raft_outbox {
	struct raft_message *items;
	size_t count, capacity;
};

struct raft_transfer {
	uint64_t peer; /* 0: none */
	uint64_t until_ms;
	bool told; /* TIMEOUT_NOW was sent */
};

/* A snapshot that the driver is fetching. */
struct raft_fetch {
	uint64_t from, index, term; /* from 0: none */
};

struct raft {
	struct raft_options options;
	struct random random;
	uint64_t now_ms;

	uint64_t term, vote;
	struct raft_trail trail;
	struct raft_history history;
	struct raft_writes writes;
	uint64_t commit, applied;
	size_t uncommitted_bytes; /* of the entries above commit */
	size_t unapplied_bytes;   /* of those above applied, up to commit */

	enum raft_role role;
	uint64_t leader;
	uint64_t campaign_at_ms; /* not the leader: when to campaign */
	uint64_t loyal_until_ms; /* before it, no vote for anybody but the leader: thesis §4.2.3, and raft/lease.h */
	bool campaign_is_transfer;

	struct raft_peers peers;
	uint64_t term_start; /* leader: its no-op */
	uint64_t heartbeat_at_ms;
	struct raft_lease lease;
	struct raft_reads reads;
	struct raft_transfer transfer;

	struct raft_fetch fetch;
	bool damaged;
	uint64_t repair_id;
	bool stalled; /* the disk: no campaign until a write completes */
	bool member;  /* a committed configuration has had this node */
	bool removed;

	/* This step. */
	struct raft_update update;
	struct arena arena;
	struct raft_outbox outbox;
	struct raft_read *resolved;
	size_t resolved_count, resolved_capacity;
	bool term_changed, round_begun;
	uint64_t generation; /* of the history, before the step */
};

/* ---- state that several files use (state.c) ---- */

const struct raft_config *raft_config_latest(const struct raft *raft);
bool raft_is_voter(const struct raft *raft);
uint64_t raft_last(const struct raft *raft);
/* Appends to trail and history; a configuration's payload has been found good. */
void raft_entry_append(struct raft *raft, uint64_t term, enum raft_entry_kind kind, struct bytes payload,
                       size_t size_bytes);
void raft_entries_truncate(struct raft *raft, uint64_t from);
void raft_commit_to(struct raft *raft, uint64_t index);
void raft_applied_to(struct raft *raft, uint64_t index);
void raft_peers_refresh(struct raft *raft);
void raft_membership_follow(struct raft *raft); /* the commit index has moved */
/* True if this node's log is not newer than one that ends at (index, term): thesis §3.6.1. */
bool raft_log_is_covered_by(const struct raft *raft, uint64_t index, uint64_t term);

/* ---- sending (update.c) ---- */

/* from and term are filled in (a term of 0: the present one). */
void raft_send(struct raft *raft, struct raft_message message);
void raft_send_after_entry(struct raft *raft, struct raft_message message);
void raft_resolve(struct raft *raft, uint64_t read_id, enum err err, uint64_t index);
void raft_update_begin(struct raft *raft, const struct raft_event *event);
void raft_update_finish(struct raft *raft);

/* ---- roles (election.c) ---- */

void raft_timer_reset(struct raft *raft);
/* Adopts the term if it is higher; leader 0: not known. */
void raft_become_follower(struct raft *raft, uint64_t term, uint64_t leader);
/* A message of the leader of this term came in. False: it is not one to follow. */
bool raft_follow(struct raft *raft, const struct raft_message *message);
bool raft_may_campaign(const struct raft *raft);
void raft_campaign_first(struct raft *raft); /* asks whether it would be elected: thesis §9.6 */
void raft_campaign(struct raft *raft);
void raft_ballot_own(struct raft *raft); /* this node's vote for itself, if it has one */
void raft_tally(struct raft *raft);
void raft_election_tick(struct raft *raft);
uint64_t raft_election_wake_ms(const struct raft *raft);

/* ---- the leader (leader.c, replicate.c, round.c, transfer.c) ---- */

void raft_lead(struct raft *raft);
void raft_leader_tick(struct raft *raft);
uint64_t raft_leader_wake_ms(const struct raft *raft);
/* Until when a quorum's silence is tolerated. */
uint64_t raft_quorum_until_ms(const struct raft *raft);
bool raft_leader_is_settled(const struct raft *raft); /* an entry of its term is committed */
void raft_replicate(struct raft *raft);
void raft_round_begin(struct raft *raft);
uint64_t raft_round_acked(const struct raft *raft);
void raft_heartbeats_send(struct raft *raft);
void raft_transfer_advance(struct raft *raft);
void raft_transfer_tick(struct raft *raft);

/* ---- reads (read.c) ---- */

void raft_reads_fail(struct raft *raft);
void raft_reads_confirm(struct raft *raft);
void raft_reads_tick(struct raft *raft);
bool raft_lease_is_valid(const struct raft *raft);

/* ---- snapshots (snapshot.c) ---- */

void raft_snapshot_ask(struct raft *raft); /* puts at most one into the update */
void raft_snapshot_tick(struct raft *raft);
void raft_repair_request(struct raft *raft, uint64_t leader);

/* ---- handlers: one event, or one message that passed raft_message_is_sane() ---- */

void raft_on_tick(struct raft *raft);
void raft_on_propose(struct raft *raft, const struct raft_event *event);
void raft_on_written(struct raft *raft, uint64_t write_id);
void raft_on_applied(struct raft *raft, uint64_t index);
void raft_on_trimmed(struct raft *raft, uint64_t index);
void raft_on_read(struct raft *raft, uint64_t read_id);
void raft_on_transfer(struct raft *raft, uint64_t peer);
void raft_on_unreachable(struct raft *raft, uint64_t peer);
void raft_on_disk_stalled(struct raft *raft);
void raft_on_snapshot_ready(struct raft *raft, const struct raft_event *event);
void raft_on_snapshot_failed(struct raft *raft, const struct raft_event *event);
void raft_on_snapshot_installed(struct raft *raft, const struct raft_event *event);

void raft_on_message(struct raft *raft, const struct raft_message *message);
void raft_recv_pre_vote(struct raft *raft, const struct raft_message *message);
void raft_recv_pre_vote_reply(struct raft *raft, const struct raft_message *message);
void raft_recv_vote(struct raft *raft, const struct raft_message *message);
void raft_recv_vote_reply(struct raft *raft, const struct raft_message *message);
void raft_recv_append(struct raft *raft, const struct raft_message *message);
void raft_recv_append_reply(struct raft *raft, const struct raft_message *message);
void raft_recv_heartbeat(struct raft *raft, const struct raft_message *message);
void raft_recv_heartbeat_reply(struct raft *raft, const struct raft_message *message);
void raft_recv_snapshot(struct raft *raft, const struct raft_message *message);
void raft_recv_repair(struct raft *raft, const struct raft_message *message);
void raft_recv_read(struct raft *raft, const struct raft_message *message);
void raft_recv_read_reply(struct raft *raft, const struct raft_message *message);
void raft_recv_timeout_now(struct raft *raft, const struct raft_message *message);

/* ---- checks and traces (holds.c, trace.c) ---- */

bool raft_message_is_sane(const struct raft *raft, const struct raft_message *message);
void raft_holds(const struct raft *raft);
void raft_say(const struct raft *raft, const char *format, ...) __attribute__((format(printf, 2, 3)));

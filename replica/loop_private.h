/* SPDX-License-Identifier: Apache-2.0 */
/* The loop as its own files see it. */
#pragma once

#include "base/random.h"
#include "replica/asks.h"
#include "replica/decision.h"
#include "replica/inquiries.h"
#include "replica/lessor.h"
#include "replica/loop.h"

enum {
	REFORM_ASKERS_MAX = 64, /* of the same change */
	/* How often a leader looks whether a learner has caught up. */
	REFORM_LOOK_MS = 100,
};

/* A frame that waits for a write. */
struct held {
	STAILQ_ENTRY(held) next;
	uint64_t write_id, to;
	size_t size;
	uint8_t frame[];
};
STAILQ_HEAD(held_list, held);

/* A proposal of another member, to be appended with all that came in the same run. */
struct forwarded {
	uint64_t from, nonce;
};

/* Who waits for a change of the members: an ask of a member, or of this one. */
struct asker {
	uint64_t from, nonce, attempt;
};

/* The change that this node proposed as the leader: one at a time. It is done when it is applied here and no configuration, its own
 * joint one neither, waits to be followed by another. */
struct reform {
	bool under_way, committed;
	uint64_t index, term;          /* of its entry */
	enum replica_change_kind kind; /* 0: by itself */
	uint64_t id, claim;            /* of the member */
	char why[ROSTER_WHY_BYTES];
	struct asker askers[REFORM_ASKERS_MAX];
	size_t asker_count;
};

/* What a leader was asked of a lease, by a member or by itself, and has not answered. */
struct lease_wait {
	STAILQ_ENTRY(lease_wait) next;
	uint64_t from, nonce;
	struct inquiry_try asked;
	uint64_t index; /* not before this is applied */
};
STAILQ_HEAD(lease_wait_list, lease_wait);

struct lease_answer {
	uint64_t from, nonce, number;
	struct replica_lease_outcome outcome;
};

/*
 *     idle --leads--> waiting --its first entry is applied--> reading --has read all--> counting
 *       ^                |                                      |                         |
 *       '----------------+---- leads not, or in another term ---+-------------------------'
 */
enum leases_standing { LEASES_IDLE, LEASES_WAITING, LEASES_READING, LEASES_COUNTING };

struct leases {
	struct inquiries *inquiries; /* of this node */
	struct lessor *lessor;
	enum leases_standing standing;
	uint64_t term, first_index; /* that it leads in, and of an entry of that */
	int64_t read_after;
	uint64_t pause_until_ns;
	struct lease_wait_list waits;
	size_t wait_count;
	struct lease_answer *answers; /* to be sent */
	size_t answer_count, answer_capacity;
};

struct loop {
	struct raft *core;
	uint64_t cluster, member;
	uint32_t election_timeout_ms;
	struct pending *pending;
	struct barriers *barriers;
	struct loop_published *shown;
	struct loop_world world;
	uint64_t now_ns, wake_at_ms, tick_at_ms, pause_until_ns, review_at_ns;
	int64_t wall_ns;
	uint64_t nonce, next_read_id;
	uint32_t voters_max;
	struct random random; /* for the ids of new members */
	struct asks *asks;
	struct reform reform;
	struct leases leases;
	uint64_t led_since_ns, roster_at_ns;
	uint64_t fetch_index, fetch_term; /* of the snapshot that the core asked for last */
	bool fetching;                    /* it is neither installed nor given up */
	struct window window;
	struct held_list held;
	size_t held_count;
	uint64_t apply_to, apply_handed, applied;
	uint64_t apply_ends[LOOP_APPLY_JOBS_MAX]; /* last index of each job under way, oldest first */
	size_t apply_jobs;
	uint64_t dropped[LIMIT_MEMBERS]; /* peers to which a message of this run was dropped */
	size_t dropped_count;
	struct forwarded forwarded[PENDING_TAKE_MAX];
	size_t forwarded_count, forwarded_bytes;
	struct pending_try tries[PENDING_TAKE_MAX];
	struct raft_entry proposed[PENDING_TAKE_MAX];
	struct arena arena;
	struct buffer frame;
};

/* Where the payloads of the entries of an event are. */
struct loop_source {
	size_t count;
	const struct raft_entry *entries;
	const struct pending_try *tries; /* of proposals, or NULL */
	Peer__Entry **wired;             /* of a message, or NULL */
};

/* ---- loop.c ---- */

/* The envelope's body is set; the rest is filled in here. after_write 0: at once. False: it was dropped at once. */
bool loop_send(struct loop *loop, uint64_t to, Peer__Envelope *envelope, uint64_t after_write);
struct raft_event loop_event(const struct loop *loop, enum raft_event_type type);
/* Steps the core and does all that the update asks, but for its answer to a proposal. */
enum err loop_step(struct loop *loop, const struct raft_event *event, const struct loop_source *source);
/* Leader: the other voter that has most of the log, of those that are heard; 0: none. */
uint64_t loop_furthest_peer(const struct loop *loop);

/* Appends loop->tries in one step; the core answers for all of them. The first one's index in *ret_index. */
enum err loop_append(struct loop *loop, size_t count, uint64_t *ret_index);

/* ---- loop_lease.c ---- */

void loop_leases_init(struct loop *loop);
void loop_leases_fini(struct loop *loop);
void loop_on_lease_ask(struct loop *loop, uint64_t from, const Peer__LeaseAsk *ask);
void loop_on_lease_reply(struct loop *loop, const Peer__LeaseReply *reply);
/* What follows from the events of a run, and from time. loop->tries are free. */
void loop_count_leases(struct loop *loop);
uint64_t loop_leases_wake_ns(const struct loop *loop);

/* ---- loop_change.c ---- */

void loop_on_change(struct loop *loop, uint64_t from, const Peer__Change *change);
void loop_on_change_reply(struct loop *loop, const Peer__ChangeReply *reply);
/* What follows from the events of a run: a change is done, another is due, or can be asked for. */
void loop_changes(struct loop *loop);

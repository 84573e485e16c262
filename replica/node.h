/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the node share: the parts, and how work travels between the roles. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/mailbox.h"
#include "replica/barriers.h"
#include "replica/compactor.h"
#include "replica/crew.h"
#include "replica/identity.h"
#include "replica/job.h"
#include "replica/loop.h"
#include "replica/pending.h"
#include "replica/replica.h"
#include "replica/reports.h"
#include "replica/standing.h"
#include "replica/transport.h"
#include "store/raftlog.h"
#include "store/store.h"

enum {
	NODE_INBOX_MAX = 16384,           /* letters to the raft role */
	NODE_INBOX_BYTES_MAX = 192 << 20, /* of messages that wait there */
};

/* To the raft role. */
enum letter_kind {
	LETTER_MESSAGE,
	LETTER_UNREACHABLE,
	LETTER_TRANSFER,
	LETTER_CHANGE,
	LETTER_LEASE,
	LETTER_TRIM,
	LETTER_SNAPSHOT_READY,
	LETTER_SNAPSHOT_FAILED,
	LETTER_SNAPSHOT_INSTALLED,
};
struct letter {
	struct mailbox_letter link;
	enum letter_kind kind;
	uint64_t peer, index, term;
	struct arena arena; /* holds what follows */
	Peer__Envelope *envelope;
	struct bytes config;
	struct ask *ask;         /* or NULL; answered with ERR_STOPPED if the letter is dropped */
	struct inquiry *inquiry; /* likewise */
};
struct letter *letter_new(enum letter_kind kind);
void letter_free(struct letter *letter);
void node_drop_letters(struct mailbox_letter *letters);

/* What this node proposes by itself, one at a time of each kind. */
struct errand {
	struct replica *replica;
	atomic_bool under_way;
};

struct replica {
	struct arena arena; /* holds the options' strings and the identity */
	struct replica_options options;
	struct identity identity;
	int lock;
	int64_t started_ns;
	uint64_t opened_ns; /* the same on the steady clock, once all was read */
	struct store *store;
	struct raftlog *log;
	struct transport *transport;
	struct pending *pending;
	struct barriers *barriers;
	struct loop *loop;
	struct crew *crew;
	struct mailbox *inbox;
	atomic_size_t inbox_bytes;
	struct loop_published shown;
	atomic_bool running, differs;
	atomic_bool confirmed; /* it may promise something to others: replica/standing.h */
	atomic_int told;       /* what a peer made of this node: enum err */
	atomic_int verdict;    /* enum err; see replica_verdict() */

	pthread_mutex_t jobs_mutex; /* guards the two queues; a leaf */
	struct write_jobs writes;
	struct apply_jobs applies;
	atomic_uint_fast64_t written;           /* write_id: all up to it are durable */
	atomic_uint_fast64_t write_began_ns;    /* of the write under way; 0: none */
	uint64_t written_told, stalled_told_ns; /* by the raft role */
	atomic_uint_fast64_t applied;           /* and its completions have run */

	pthread_mutex_t leased_mutex; /* guards what was applied to leases and the raft role has not seen; a leaf */
	struct kv_lease_event *leased;
	size_t leased_count, leased_capacity;

	struct roll *roll;
	struct reports *reports;
	/* What the log says of members beyond the state of the start, in the arena: so far the state is behind it. */
	struct kv_member_list log_members;
	uint64_t log_members_index;
	struct snapshots *snapshots;
	pthread_mutex_t facts_mutex; /* guards the facts below; a leaf */
	struct raft_config config;
	struct report_mark marks[REPORT_MARKS]; /* ours, newest last */
	size_t mark_count;
	struct standing standing;

	pthread_t keeper;
	struct mailbox *keeper_bell;
	bool keeper_started;
	struct errand publish, alarm, compact;
	struct compactor compactor;                                                /* by the keeper */
	uint64_t flush_asked_ns, flush_asked_index, reported_ns, reported_applied; /* by the keeper */
	uint64_t standing_said_ns;
	int reported_role;
};

/* ---- node_raft.c ---- */
void node_trace(void *argument, const char *line);
void node_raft(void *argument); /* the duty */
enum err node_loop_new(struct replica *replica, const struct raft_start *start, struct loop **ret_loop) MUST_USE;
/* Takes the letter, wakes the raft role. */
void node_post(struct replica *replica, struct letter *letter);
bool node_received(void *argument, struct arena *arena, Peer__Envelope *envelope);
void node_unreachable(void *argument, uint64_t peer);

/* ---- node_log.c ---- */
void node_log(void *argument); /* the duty */
void node_write(struct replica *replica, struct write_job *job);

/* ---- node_apply.c ---- */
void node_apply(void *argument); /* the duty */
void node_apply_later(struct replica *replica, struct apply_job *job);

/* ---- node_lease.c ---- */
void node_leases_init(struct replica *replica);
void node_leases_fini(struct replica *replica);
/* For the store, of the apply role: as its observer. */
struct kv_observer node_lease_observer(struct replica *replica);
/* Tells the loop what was applied to leases. By the raft role. */
void node_leases_told(struct replica *replica);
enum err node_world_leases(void *argument, int64_t after, size_t max, struct arena *arena,
                           struct kv_lease_list *ret_list);

/* ---- node_facts.c ---- */
void node_config_set(struct replica *replica, const struct raft_config *config);
/* In the arena; the number is returned. */
size_t node_voters(struct replica *replica, struct arena *arena, uint64_t **ret_ids);
size_t node_members(struct replica *replica, struct arena *arena, uint64_t **ret_ids);
bool node_is_voter(struct replica *replica, uint64_t member);
bool node_is_member(struct replica *replica, uint64_t member); /* in either half of the configuration */
/* Who judges whose state differs: the voters, and our marks. In the arena. */
struct report_jury node_jury(struct replica *replica, struct arena *arena);
/* Notes the state's checksum when entries first … last held an index to compare at. By the apply role. */
void node_mark(struct replica *replica, uint64_t first, uint64_t last);
/* What this node says of itself; in the arena. */
Peer__Status *node_status(struct replica *replica, struct arena *arena);
void node_send_status(struct replica *replica);

/* ---- node_standing.c: callbacks of the transport, and what follows by the keeper ---- */
enum transport_verdict node_judge(void *argument, const Peer__Hello *hello);
void node_judged(void *argument, const Peer__Hello *answer);
bool node_is_fresh(void *argument);
bool node_speaks(void *argument, uint64_t peer, uint64_t directory);
void node_standing_review(struct replica *replica, uint64_t now_ns);
/* Those that are connected, and were members: they have to say hello again, and learn it. */
void node_forget_removed(struct replica *replica, const struct kv_member_list *members);

/* ---- node_alarms.c: by the keeper, of a leader ---- */
void node_alarms_review(struct replica *replica, struct arena *arena);

/* ---- node_join.c ---- */
void node_asked(void *argument, uint64_t ticket, const Peer__Join *join);

/* ---- replica.c ---- */
/* A leader with its lease: the state at *ret_index is all that is committed. */
bool node_lease_index(struct replica *replica, uint64_t *ret_index);

/* ---- node_keeper.c: some times a second ---- */
void node_keeper_start(struct replica *replica);
void node_keeper_stop(struct replica *replica);
/* Proposes it, unless one is under way; whatever comes of it: it is tried again while there is reason. By the keeper. */
void node_errand(struct replica *replica, struct errand *errand, const struct kv_command *command);
/* Peers as the state and the configuration name them. */
void node_peers_refresh(struct replica *replica);

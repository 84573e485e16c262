/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node of the cluster, as fs/ and api/ use it: propose a command, wait until a read is linearizable, read a view, follow
 * the changes, change the members, ask for the status. Behind it: a raft core, the log and the store on disk, and the streams to the peers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "store/kv.h"

struct replica;

struct replica_peer {
	const char *name;
	const char *url; /* tcp://HOST:PORT or tls+tcp://HOST:PORT */
};

/* Which history goes, by itself. */
enum replica_compaction {
	REPLICA_COMPACT_NEVER,
	REPLICA_COMPACT_BY_TIME,      /* what is older than so many milliseconds */
	REPLICA_COMPACT_BY_REVISIONS, /* what is before the newest so many revisions */
};

struct replica_options {
	const char *name;
	const char *data_directory;
	const char *listen_peer_url;
	const char *client_urls;                    /* advertised; comma-separated; may be empty */
	const struct replica_peer *initial_cluster; /* includes this node */
	size_t initial_count;
	const char *cluster_token;
	const char *join_url; /* of a member of the cluster to join; NULL: none */
	const char *replace;  /* whose place the joiner takes: a name or a hexadecimal id; NULL: nobody's */
	/* Asked some times a second while a joiner waits for an answer: true ends it, with ERR_CANCELED. May be NULL. */
	bool (*give_up)(void *argument);
	void *give_up_argument;
	uint32_t voters_max; /* learners are promoted while fewer vote; 0: the default, 5 */
	uint32_t heartbeat_interval_ms, election_timeout_ms;
	size_t value_bytes_max;
	uint64_t quota_bytes;
	enum replica_compaction compaction; /* as long as this node leads */
	uint64_t compaction_retention;
	size_t memory_bytes;               /* of the store */
	uint64_t snapshot_catchup_entries; /* of the log, kept for members that are behind; 0: the default, 100000 */
	const char *version;               /* of the program, for status */
};

/* Opens the data directory (and locks it), recovers, listens; no thread runs yet, so observers can be added. A joiner without an
 * identity first waits until the cluster has let it in. Every failure is logged with the thing and the remedy. ERR_LOCKED,
 * ERR_WRONG_CLUSTER, ERR_WRONG_MEMBER, ERR_REMOVED, ERR_FORMAT_NEWER, ERR_PERMISSION, ERR_ADDRESS_IN_USE, ERR_ADDRESS_INVALID,
 * ERR_INVALID (contradictory cluster; refused by the one to join), ERR_PROTOCOL (no member answers at join_url), ERR_CANCELED
 * (see give_up), ERR_DAMAGED, ERR_CORRUPT, ERR_IO, ERR_NO_SPACE. */
enum err replica_open(const struct replica_options *options, struct replica **ret_replica) MUST_USE;
void replica_observe(struct replica *replica, const struct kv_observer *observer);
enum err replica_start(struct replica *replica) MUST_USE;
/* A leader first hands leadership to the voter that is furthest, and waits for it for at most an election timeout; what is
 * proposed or read until then is served. Then new work is refused, and what waits is answered with ERR_STOPPED. ON_MAIN_THREAD */
void replica_stop(struct replica *replica);
void replica_close(struct replica *replica); /* after replica_stop(), when no views are open */

/* Why this node cannot go on: ERR_REMOVED: it was removed from the cluster; ERR_WRONG_MEMBER: it has lost its data directory, and
 * the others know. Logged with the remedy; it takes part in nothing any more, and the caller stops it. ERR_OK: it can. ON_ANY_THREAD */
enum err replica_verdict(struct replica *replica);

struct kv *replica_kv(struct replica *replica);

/* If this node leads: hands leadership to that member, or to the voter that is furthest for 0. Whether it came to it shows in the
 * status. ON_ANY_THREAD */
void replica_transfer(struct replica *replica, uint64_t member);

/* ---- proposing ---- */

/* Runs exactly once if the submitting call succeeded, on the apply or raft role, and must be short. `result` is taken (free
 * with kv_result_free()), NULL unless err is ERR_OK. err: ERR_OK: applied here, see result->err and ->succeeded;
 * ERR_TIMEOUT, ERR_NO_LEADER, ERR_STOPPED: certainly not applied, and never will be; ERR_UNKNOWN_OUTCOME: may or may not
 * be. */
typedef void (*replica_proposed)(void *argument, enum err err, struct kv_result *result);

/* command's session fields are filled in here; its bytes are borrowed for the call. Retried over changes of leader with
 * the same session and sequence until deadline_ns (clock_steady_ns). Refused at once (and done never runs): ERR_BUSY,
 * ERR_STOPPED, ERR_DAMAGED (see replica_status.differs), ERR_TOO_LARGE, ERR_QUOTA, ERR_INVALID, ERR_LIMIT, ERR_DUPLICATE_KEY.
 * ON_ANY_THREAD */
enum err replica_propose(struct replica *replica, const struct kv_command *command, uint64_t deadline_ns,
                         replica_proposed done, void *argument) MUST_USE;
/* Waits for it. Not on a role that completions need. */
enum err replica_propose_wait(struct replica *replica, const struct kv_command *command, uint64_t deadline_ns,
                              struct kv_result **ret_result) MUST_USE;

/* The session of this node's proposals: non-zero once the cluster has given one (soon after there is a leader), unique in the
 * cluster's life; a node that restarts gets a new one. */
uint64_t replica_session(struct replica *replica);

/* ---- reading ---- */

typedef void (*replica_ready)(void *argument, enum err err);

/* After it, a view opened here shows every change that was acknowledged anywhere before the call. ERR_OK with *ret_pending false: it is so
 * already (a leader with its lease), and `ready` never runs. ERR_OK with *ret_pending true: `ready` runs exactly once, on
 * the raft or apply role, with ERR_OK, ERR_TIMEOUT at the deadline, ERR_STOPPED or ERR_DAMAGED. ERR_BUSY, ERR_STOPPED,
 * ERR_DAMAGED: refused. All who wait share one round. ON_ANY_THREAD */
enum err replica_barrier(struct replica *replica, uint64_t deadline_ns, replica_ready ready, void *argument,
                         bool *ret_pending) MUST_USE;
enum err replica_barrier_wait(struct replica *replica, uint64_t deadline_ns) MUST_USE;

/* ---- leases ---- */

struct replica_lease_outcome {
	/* ERR_OK. ERR_LEASE_NOT_FOUND: there is no such lease, or not any more. ERR_NO_LEADER, ERR_TIMEOUT: nobody could say until
	 * the deadline; a lease may have been kept alive all the same. ERR_BUSY: too many were asked of. ERR_STOPPED. */
	enum err err;
	int64_t ttl_s, left_ms; /* as it was granted; how long it has now */
};
/* Runs exactly once if the submitting call succeeded, on the raft or main role, and must be short. */
typedef void (*replica_leased)(void *argument, const struct replica_lease_outcome *outcome);

enum replica_lease_ask {
	REPLICA_LEASE_KEEP_ALIVE = 1, /* from now on it has its whole time again */
	REPLICA_LEASE_LOOK,           /* how long has it? */
};
/* From any member: the leader counts. What was acknowledged anywhere before the call is seen. Refused at once (and done never runs):
 * ERR_BUSY, ERR_STOPPED, ERR_DAMAGED. ON_ANY_THREAD */
enum err replica_lease(struct replica *replica, enum replica_lease_ask ask, int64_t id, uint64_t deadline_ns,
                       replica_leased done, void *argument) MUST_USE;

/* ---- members ---- */

enum replica_change_kind {
	REPLICA_ADD = 1, /* as a learner, that is promoted by itself when it has caught up and voters are wanted */
	REPLICA_REMOVE,  /* for ever: an id is not given twice */
	REPLICA_PROMOTE, /* to a voter; takes back an earlier demotion */
	REPLICA_DEMOTE,  /* to a learner, that is not promoted by itself */
	REPLICA_UPDATE,  /* its addresses */
	REPLICA_LEAD,    /* see replica_lead() */
};

struct replica_change {
	enum replica_change_kind kind;
	uint64_t id;             /* of whom; 0 for ADD */
	const char *name;        /* ADD; may be empty for a member that is yet to be started; else NULL or "" */
	const char *peer_urls;   /* ADD, UPDATE: comma-separated */
	const char *client_urls; /* ADD by a joiner; else NULL or "" */
	/* ADD by a joiner: its own random number above KV_CLAIM_OPEN, so that a repeated ask is the same one; else 0. */
	uint64_t claim;
	uint64_t replaces;  /* ADD: the member whose place it takes once it has caught up; 0: nobody's */
	bool wants_no_vote; /* ADD: not promoted by itself */
};

struct replica_change_outcome {
	/* ERR_OK: committed and applied at the leader, and a joint configuration left; also if it was so already. ERR_NOT_FOUND: no
	 * such member; ERR_EXISTS: the name or a URL is taken; ERR_INVALID: refused; ERR_BUSY: another change was under way until
	 * the deadline. ERR_NO_LEADER, ERR_TIMEOUT, ERR_STOPPED: it was not done. ERR_UNKNOWN_OUTCOME: it may be done yet. */
	enum err err;
	const char
	    *why; /* a sentence that names the thing and the remedy; "" if there is nothing to say; lent for the call */
	uint64_t id; /* of the member; 0: none */
};
/* Runs exactly once if the submitting call succeeded, on the raft or main role, and must be short. */
typedef void (*replica_changed)(void *argument, const struct replica_change_outcome *outcome);

/* From any member: the leader decides. Asked of it again until it has answered or deadline_ns (clock_steady_ns) comes, so a
 * change that was done already is a success. Refused at once (and done never runs): ERR_INVALID (see the fields above),
 * ERR_BUSY, ERR_STOPPED, ERR_DAMAGED. ON_ANY_THREAD */
enum err replica_change(struct replica *replica, const struct replica_change *change, uint64_t deadline_ns,
                        replica_changed done, void *argument) MUST_USE;

/* Leadership to that voter, or for 0 to the one that is furthest, as a leader knows it, or seems so from elsewhere; from any member. As replica_change(): answered once
 * that one leads, or with the reason why it cannot. Refused at once as well: ERR_NOT_FOUND (there is nobody else). ON_ANY_THREAD */
enum err replica_lead(struct replica *replica, uint64_t member, uint64_t deadline_ns, replica_changed done,
                      void *argument) MUST_USE;

/* ---- status ---- */

/* Who and where this node is: of what each answer of it tells. ON_ANY_THREAD */
struct replica_place {
	uint64_t cluster_id, member_id, leader_id, term; /* leader 0: none is known */
};
struct replica_place replica_place(struct replica *replica);

struct replica_member_status {
	uint64_t id;
	const char *name, *role; /* "leader", "follower", "candidate", "learner", "unreachable" */
	const char *peer_urls, *client_urls, *version;
	bool self, reachable, is_voter;
	bool wants_no_vote; /* was demoted: not promoted by itself */
	bool caught_up;     /* reachable, and not far behind */
	uint64_t replaces;  /* the member whose place it takes once it has caught up; 0: nobody's */
	uint64_t term, commit, applied, first_index, last_index;
	int64_t revision;
	uint64_t lag; /* entries behind the commit index that this node knows */
	uint64_t store_bytes, log_bytes, keys, memory_bytes;
	uint64_t snapshot_done_bytes, snapshot_total_bytes; /* of a snapshot on its way to it; 0 of 0: of none */
	int64_t started_ns;                                 /* wall clock, since 1970; 0: not known */
	int64_t heard_ns;                                   /* wall clock of its newest report; self: now */
	uint64_t checksum, checksum_index;
};

struct replica_status {
	uint64_t cluster_id, member_id, leader_id, term, commit, applied;
	int64_t revision, compacted;
	const char *name;
	bool has_quorum;       /* a leader is known: it was heard within an election timeout */
	bool damaged, differs; /* the log is damaged; the checksum differs from the others' */
	bool published;        /* the cluster knows this member's name and client URLs: as it says them itself below */
	uint64_t quota_bytes;  /* of kv_stats.value_bytes; 0: none */
	struct kv_alarm_list alarms;
	bool snapshot_busy;
	uint64_t snapshot_done_bytes, snapshot_total_bytes;
	struct replica_member_status *members;
	size_t member_count;
};
/* Everything in it lives in the arena. Answers without a quorum, never blocks. ON_ANY_THREAD */
void replica_status(struct replica *replica, struct arena *arena, struct replica_status *ret_status);

/* Counters in the Prometheus text format, appended. */
struct buffer;
enum err replica_metrics(struct replica *replica, struct buffer *buffer) MUST_USE;

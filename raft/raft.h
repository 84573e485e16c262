/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft: the consensus protocol as a pure function of (state, event).
 *
 * Source: D. Ongaro, "Consensus: Bridging Theory and Practice", 2014 (cited as "thesis §n"), with pre-vote and
 * check-quorum (thesis §9.6, §6.2), ReadIndex (thesis §6.4) and asynchronous log writes (thesis §10.2.1).
 *
 * What it is not: it has no thread, clock, socket, file or randomness of its own, and it holds no payloads. It
 * knows of each entry its index, term, kind and size; the driver keeps the bytes in its log and attaches them
 * to the messages that name them. (A configuration entry is the exception: its payload is handed in, because
 * the configuration decides quorums.) Time and seed are handed in: the same events give the same updates.
 *
 * Use: one raft_step() per event, then act on the update before the next event, in this order:
 *
 *   0. publish  commit, role, leader and lease_until_ms, BEFORE any message of this update leaves: whoever is told of
 *               a commit index may acknowledge it to a client, whose next read may be served here by the lease.
 *   1. write    If update.write_id != 0: drop log entries >= truncate_from (if non-zero), append the named
 *               entries, store term and vote: one asynchronous write. When all of it is durable, and only then,
 *               step RAFT_EVENT_WRITTEN with that write_id. Writes complete in order: a WRITTEN says that all writes
 *               up to it are durable, so that a batch of them needs one. Several writes may go to disk as one.
 *   2. messages Send each message whose after_write is 0 now, and each other one AFTER the write with that
 *               write_id is durable. Messages may be lost, delayed, repeated and reordered; the core copes. Deliver only
 *               what was sent to this member of this cluster.
 *   3. apply    Entries <= update.apply_to are committed and durable here: apply them in order, at leisure, and
 *               step RAFT_EVENT_APPLIED as they are done.
 *   4. reads    Each read in update.reads is resolved, exactly once.
 *   5. snapshot See RAFT_EVENT_SNAPSHOT_*. Between update.snapshot_from and the INSTALLED or FAILED that must answer
 *               it, the core appends nothing, commits nothing and does not campaign.
 *
 * Drain what has arrived before stepping a TICK: after a pause the leader's messages are then seen before the election
 * timer. Everything in an update is lent until the next raft_step(). Times are milliseconds of a steady clock that
 * counts suspends. Ids are non-zero; 0 says "none".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* ---- configuration ---- */

struct raft_member {
	uint64_t id;
	bool voter;          /* in the current (incoming) set */
	bool voter_outgoing; /* in the old set, while the configuration is joint: thesis §4.3 */
	bool learner_next;   /* becomes a learner when the joint configuration is left */
};

/* A member with neither voter bit is a learner: it gets the log, and has no say. */
struct raft_config {
	struct raft_member *members; /* ascending by id; owned; freed with raft_config_fini() */
	size_t count;
	bool auto_leave; /* joint: the leader leaves by itself once the joint configuration is committed */
};

void raft_config_init(struct raft_config *config);
void raft_config_fini(struct raft_config *config);
void raft_config_copy(struct raft_config *config, const struct raft_config *from); /* config was init'ed */
bool raft_config_is_joint(const struct raft_config *config);
const struct raft_member *raft_config_find(const struct raft_config *config, uint64_t id); /* or NULL */
/* Adds or changes one member, keeping the order. ERR_LIMIT at LIMIT_MEMBERS, ERR_INVALID for id 0. */
enum err raft_config_set(struct raft_config *config, struct raft_member member) MUST_USE;

struct buffer;
enum raft_change_op { RAFT_CHANGE_VOTER = 1, RAFT_CHANGE_LEARNER, RAFT_CHANGE_REMOVE };
struct raft_change {
	enum raft_change_op op;
	uint64_t id; /* of a voter: may be made a learner; of nobody: added; id 0 is passed over */
};
/* What a configuration becomes; *config is untouched on failure. ERR_BUSY: it is joint. ERR_INVALID: no voter would be left,
 * or more than one voter differs. ERR_LIMIT. */
enum err raft_config_change(struct raft_config *config, const struct raft_change *changes, size_t count) MUST_USE;
/* Thesis §4.3. ERR_BUSY: it is joint already. ERR_INVALID: no voter before or after. ERR_LIMIT. auto_leave is the caller's to set. */
enum err raft_config_enter_joint(struct raft_config *config, const struct raft_change *changes, size_t count) MUST_USE;
/* ERR_INVALID: it is not joint. */
enum err raft_config_leave_joint(struct raft_config *config) MUST_USE;

/* The payload of a configuration entry begins with this; what follows it is the driver's (addresses). The entry that the core
 * makes to leave a joint configuration is this alone. */
void raft_config_encode(const struct raft_config *config, struct buffer *buffer);
/* *ret_rest: the driver's part. ERR_CORRUPT if it is no configuration. ret_config was init'ed. */
enum err raft_config_decode(struct bytes payload, struct raft_config *ret_config, struct bytes *ret_rest) MUST_USE;

/* ---- entries ---- */

enum raft_entry_kind {
	RAFT_ENTRY_NOOP = 1,    /* the first of a leader's term: thesis §6.4 step 1; no payload */
	RAFT_ENTRY_COMMAND = 2, /* for the state machine */
	RAFT_ENTRY_CONFIG = 3,
};

/* What the core knows of an entry. */
struct raft_entry {
	uint64_t term;
	uint32_t size_bytes; /* of the payload */
	enum raft_entry_kind kind;
	struct bytes config_payload; /* only for RAFT_ENTRY_CONFIG; borrowed for the call */
};

/* ---- messages ---- */

enum raft_message_type {
	RAFT_PRE_VOTE = 1,
	RAFT_PRE_VOTE_REPLY,
	RAFT_VOTE,
	RAFT_VOTE_REPLY,
	RAFT_APPEND,
	RAFT_APPEND_REPLY,
	RAFT_HEARTBEAT,
	RAFT_HEARTBEAT_REPLY,
	RAFT_SNAPSHOT, /* "I have a snapshot at (index, term); fetch it from me" */
	RAFT_READ,     /* a follower asks the leader for a read index */
	RAFT_READ_REPLY,
	RAFT_TIMEOUT_NOW, /* thesis §3.10: leadership transfer */
	RAFT_REPAIR,      /* "my log is damaged: send a snapshot of all that is committed now"; acknowledges nothing */
};

struct raft_message {
	enum raft_message_type type;
	uint64_t from, to;
	/* Of the sender; PRE_VOTE and its granting reply: the term that the candidate would have. */
	uint64_t term;
	/* Send only after this write is durable; 0: at once. Not part of what is sent. */
	uint64_t after_write;

	/* PRE_VOTE, VOTE: the candidate's last entry. APPEND: the entry before the first one. SNAPSHOT: where
	 * it stands. APPEND_REPLY: see index. */
	uint64_t index, index_term;
	/* APPEND, HEARTBEAT: the leader's commit index (HEARTBEAT: at most what the receiver has matched). */
	uint64_t commit;
	/* *_REPLY of votes: refused. APPEND_REPLY: the entry at index did not match, and (hint, hint_term) is the
	 * last that could; accepted: everything up to index is durable at the sender and matches. READ_REPLY:
	 * refused, ask again. */
	bool reject;
	uint64_t hint, hint_term;
	/* VOTE: part of a transfer, so leases do not refuse it. */
	bool transfer;
	/* HEARTBEAT, its reply, APPEND and its reply: the round that the leader had begun when it sent (and
	 * the sender's answer to it), so that an acknowledgement counts for reads and leases that are not
	 * younger than it. Never used twice within a term. */
	uint64_t round;
	/* READ, READ_REPLY: the asker's id for it; READ_REPLY: the read index is in `index`. REPAIR, and the SNAPSHOT that
	 * answers it: the asker's id for it. Chosen by the core; never used twice by a node, over restarts either. */
	uint64_t read_id;

	/* APPEND: entries index+1 … index+count. In an update the driver attaches the payloads from its log
	 * (entries is NULL); in an event the driver fills entries from what it received. */
	size_t count;
	const struct raft_entry *entries;
	/* SNAPSHOT: the configuration at index, encoded (raft_config_encode). */
	struct bytes config_payload;
};

/* ---- events ---- */

enum raft_event_type {
	RAFT_EVENT_TICK = 1,    /* time has passed; step at update.wake_at_ms at the latest */
	RAFT_EVENT_MESSAGE,     /* .message */
	RAFT_EVENT_PROPOSE,     /* .entries: commands, or one configuration */
	RAFT_EVENT_WRITTEN,     /* .write_id is durable */
	RAFT_EVENT_APPLIED,     /* everything <= .index is applied; .index <= update.apply_to */
	RAFT_EVENT_READ,        /* .read_id asks for a read index (linearizable read) */
	RAFT_EVENT_TRANSFER,    /* leader only: hand leadership to .peer */
	RAFT_EVENT_TRIMMED,     /* the log now begins at .index + 1; .index <= applied */
	RAFT_EVENT_UNREACHABLE, /* the connection to .peer is gone, or a message to it was dropped */
	RAFT_EVENT_SNAPSHOT_READY, /* leader: the snapshot wanted for .peer, made since it was asked for, stands at (.index,
	                              .term, .config_payload); fetched by .peer as long as raft_peers() says .snapshot */
	/* Leader: the one wanted for .peer could not be made; or the one at (.index, .term) that .peer was told of is not there any
	 * more. With .peer 0: a fetch here failed. */
	RAFT_EVENT_SNAPSHOT_FAILED,
	RAFT_EVENT_SNAPSHOT_INSTALLED, /* the fetched snapshot at (.index, .term, .config_payload) is durable and the
				          state machine stands there; the driver's log is empty and begins after it */
	RAFT_EVENT_DISK_STALLED,       /* the write under way has taken longer than an election timeout */
};

struct raft_event {
	enum raft_event_type type;
	uint64_t now_ms; /* never decreases; read after what the event tells of came in */
	const struct raft_message *message;
	const struct raft_entry *entries; /* PROPOSE; term is ignored */
	size_t count;
	uint64_t write_id, index, term, read_id, peer;
	struct bytes config_payload;
};

/* ---- updates ---- */

enum raft_role { RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_LEADER };

struct raft_read {
	uint64_t read_id;
	enum err err;   /* ERR_OK; ERR_NO_LEADER: not confirmed, ask again; ERR_BUSY: too many are waiting */
	uint64_t index; /* the state may be read once applied >= index */
};

struct raft_update {
	/* 1. write; 0: nothing to write. Ids grow by one, from 1. */
	uint64_t write_id;
	uint64_t term, vote;    /* always the current ones; write them if they differ from what is stored */
	uint64_t truncate_from; /* 0: nothing */
	uint64_t append_from;   /* index of the first entry to append; 0: none */
	size_t append_count;    /* they are the last append_count entries of the event (proposal or message), except
				   a lone no-op that a new leader appends (append_kind below) */
	enum raft_entry_kind append_kind; /* NOOP: made by the core, without payload, not from the event;
					     CONFIG: made by the core (leaving a joint configuration), payload below;
					     COMMAND: from the event, each as the event said */
	struct bytes append_payload;
	uint64_t append_term; /* of a proposal's, no-op's or core-made entries */
	/* 2. */
	const struct raft_message *messages;
	size_t message_count;
	/* 3. */
	uint64_t commit;   /* known to be committed */
	uint64_t apply_to; /* min(commit, durable here): apply up to here */
	/* 4. */
	const struct raft_read *reads;
	size_t read_count;
	/* 5. */
	uint64_t
	    snapshot_for; /* leader: make a snapshot for this peer, answer with SNAPSHOT_READY or _FAILED; 0: none */
	uint64_t
	    snapshot_from; /* follower: fetch the snapshot (snapshot_index, snapshot_term) from this peer; supersedes
				    a fetch under way (one that is being installed is first installed and
				    told); 0: none */
	uint64_t snapshot_index, snapshot_term;
	/* The answer to PROPOSE: ERR_OK: appended; ERR_NOT_LEADER: send it to `leader`; ERR_NO_LEADER; ERR_BUSY: the
	 * bound on uncommitted or unapplied bytes, or a transfer, or a configuration change under way, or nothing of this term is
	 * committed yet and it is a configuration; ERR_INVALID: no step from the present configuration (thesis §4.1,
	 * §4.3), or not entries as RAFT_EVENT_PROPOSE says. The answer to TRANSFER: ERR_OK: begun; ERR_NOT_LEADER; ERR_BUSY:
	 * another is under way; ERR_INVALID: no voter, or this node. */
	enum err proposal;
	/* The state to publish. */
	enum raft_role role;
	uint64_t leader; /* 0: not known */
	/* Leader: reads of the published commit index are linearizable if the clock is below this; 0: no lease. After a request
	 * came in, read the clock, then this, then commit: in that order. See raft/lease.h for what is assumed of clocks. */
	uint64_t lease_until_ms;
	bool config_changed; /* raft_config_now() differs from before */
	bool removed;        /* a committed configuration has taken this node out (told since the start) */
	bool damaged;        /* as raft_start said, and not repaired yet */
	uint64_t wake_at_ms; /* step RAFT_EVENT_TICK no later than this */
};

/* ---- the core ---- */

/* One line of `event key=value …` per decision. */
typedef void (*raft_trace)(void *argument, const char *line);

struct raft_options {
	uint64_t id;
	uint64_t seed; /* distinct per node and start */
	uint32_t heartbeat_interval_ms, election_timeout_ms;
	bool leases;                    /* serve reads by lease; else by quorum round */
	uint32_t inflight_messages_max; /* per peer */
	size_t inflight_bytes_max;      /* per peer */
	size_t append_bytes_max;        /* per message (one entry always fits) */
	size_t uncommitted_bytes_max;
	/* Of what is committed and not applied here: a leader that is behind with applying proposes nothing more. 0: no bound. */
	size_t unapplied_bytes_max;
	raft_trace trace; /* may be NULL */
	void *trace_argument;
};

/* What the disk holds at the start. */
struct raft_start {
	uint64_t now_ms;
	uint64_t term, vote;                    /* an entry of a higher term raises the term */
	uint64_t snapshot_index, snapshot_term; /* the log begins after it; 0, 0 at the very start */
	struct bytes config_payload;            /* the configuration as of snapshot_index */
	uint64_t applied;                       /* >= snapshot_index, <= last entry */
	const struct raft_entry *entries;       /* snapshot_index+1 …; borrowed */
	size_t count;
	/* The log is known to be damaged (term and vote are not: a node that lost those must be replaced under a new id).
	 * It neither votes, nor campaigns, nor acknowledges, until a snapshot that holds all that was committed when it
	 * asked is installed; entries may then be what is left or none. Drop messages from before its damage. */
	bool damaged;
	/* The longest election timeout under which an earlier start may have answered a leader; 0: the one of now. */
	uint32_t promised_ms;
};

struct raft;

/* ERR_CORRUPT if a configuration in it cannot be decoded. *ret_raft: freed with raft_free(). */
enum err raft_new(const struct raft_options *options, const struct raft_start *start, struct raft **ret_raft) MUST_USE;
void raft_free(struct raft *raft);

/* Never fails: what a peer can send, however wrong, is at most ignored (and traced). *ret_update is lent until
 * the next step. One thread at a time. */
void raft_step(struct raft *raft, const struct raft_event *event, struct raft_update *ret_update);

/* The latest configuration in the log, committed or not (thesis §4.1). Lent until the next step. */
const struct raft_config *raft_config_now(const struct raft *raft);

struct raft_peer_status {
	uint64_t id, match, next;
	bool recent_active, snapshot;
};
struct raft_status {
	uint64_t id, term, vote, leader, commit, applied, first_index, last_index, durable_index;
	enum raft_role role;
	size_t uncommitted_bytes, unapplied_bytes;
	uint64_t
	    config_index; /* of the entry that raft_config_now() is from; where the log begins, if it is from before */
	bool settled;     /* leads, and an entry of its term is committed: a configuration may be proposed */
};
void raft_status(const struct raft *raft, struct raft_status *ret_status);
/* Leader only: fills up to max, returns the number. */
size_t raft_peers(const struct raft *raft, struct raft_peer_status *ret_peers, size_t max);
/* The term of an entry in the log or at the snapshot; 0 when it has none (trimmed or not yet there). */
uint64_t raft_term_at(const struct raft *raft, uint64_t index);

const char *raft_message_type_name(enum raft_message_type type);
const char *raft_role_name(enum raft_role role);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine's side of the store, for replica/: opening, applying, flushing, snapshots.
 *
 * Invariants:
 *  1. apply is deterministic: the state after index i is a function of entries 1..i alone (thesis §3.6.3).
 *  2. Applied data, applied index, sessions and checksum go down in one RocksDB write batch; WAL off,
 *     atomic_flush on. After a crash the state stands at some flushed index, and the log is replayed from there.
 *  3. Time in records is max(entry's, last one's): never goes back.
 *  4. apply never fails for a local reason: a node that cannot write its disk ends (log_fatal).
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "store/kv.h"

struct store;

struct store_options {
	const char *directory; /* holds `current` and the database that it names; made when absent */
	size_t memory_bytes;   /* for block cache and memtables together */
	/* A member that starts a new cluster: the members, alike on each. Ignored when the store has a state. */
	const struct kv_member *initial_members;
	size_t initial_member_count;
};

/* ERR_FORMAT_NEWER, ERR_CORRUPT, ERR_LOCKED, ERR_PERMISSION, ERR_NO_SPACE, ERR_IO; logged with the remedy. */
enum err store_open(const struct store_options *options, struct store **ret_store) MUST_USE;
/* No views may be open. Flushes first. */
void store_close(struct store *store);
/* For readers; lives as long as the store. */
struct kv *store_kv(struct store *store);
/* Before the first apply. At most 8. */
void store_observe(struct store *store, const struct kv_observer *observer);

struct store_entry {
	uint64_t index, term;
	bool is_config; /* payload: kept as it is; what it says is below */
	bool is_noop;
	int64_t time_ns; /* the leader's clock when it appended */
	struct bytes payload;
	/* is_config: all that are members as of it (of a joint configuration: in either half), and what it says of some of
	 * them, where a string that is NULL stays as it was. A member that is not in it any more was removed. */
	const uint64_t *members;
	size_t member_count;
	const struct kv_member *facts;
	size_t fact_count;
};

/* Applies entries in order (indices without a gap after store_applied()) as one batch; makes them visible; calls the
 * observers. ret_results[i] is NULL unless wanted[i] (pass wanted = NULL for none); taken by the caller.
 * ON_APPLY_THREAD */
void store_apply(struct store *store, const struct store_entry *entries, size_t count, const bool *wanted,
                 struct kv_result **ret_results);

/* The newest visible index, and its term and time. ON_ANY_THREAD */
uint64_t store_applied(struct store *store);
uint64_t store_applied_term(struct store *store);
/* Everything up to here is on disk in RocksDB's files: the log may be trimmed to it. Raised by flushes; read
 * cheaply. ON_ANY_THREAD */
uint64_t store_flushed(struct store *store);
/* Starts a flush if none is under way and there is something to flush; returns at once. ON_ANY_THREAD */
void store_flush(struct store *store);
/* The configuration entry's payload as of the applied index. Empty if there was none. */
enum err store_config(struct store *store, struct arena *arena, struct bytes *ret_payload) MUST_USE;
/* A configuration to begin with (index 0 of a new cluster), before the first apply. */
enum err store_config_begin(struct store *store, struct bytes payload) MUST_USE;

/* Refuses before proposing what the state says would be refused: ERR_TOO_LARGE, ERR_INVALID, ERR_LIMIT, ERR_DUPLICATE_KEY; and
 * ERR_QUOTA, ERR_CORRUPT once an alarm is raised: what is the first to pass the quota is refused at its entry. ON_ANY_THREAD */
enum err store_admit(struct store *store, const struct kv_command *command) MUST_USE;

/* Was (session, sequence) applied? Its outcome, without responses, for a waiter whose entry was skipped by a snapshot.
 * ERR_NOT_FOUND: not yet; ERR_STALE_SESSION: nobody knows any more. ON_ANY_THREAD */
enum err store_session_outcome(struct store *store, uint64_t session, uint64_t sequence,
                               struct kv_result **ret_result) MUST_USE;

/* ---- snapshots: a directory of files made from a RocksDB checkpoint ---- */

struct store_snapshot {
	uint64_t index, term;
	struct bytes config_payload; /* in the arena */
	int64_t revision;
};
/* A checkpoint into `directory` (must not exist; same filesystem as the store). Does not block applies for longer than
 * a memtable flush. ON_ANY_THREAD */
enum err store_snapshot_make(struct store *store, const char *directory, struct arena *arena,
                             struct store_snapshot *ret_snapshot) MUST_USE;
/* What a directory is said to hold. */
struct store_snapshot_claim {
	const char *directory;
	uint64_t index, term;
	/* Asked now and then; true ends it, with ERR_CANCELED. May be NULL. */
	bool (*give_up)(void *argument);
	void *argument;
};
/* Reads all of it, against the checksums that RocksDB has of each block. ERR_CORRUPT: it is not whole, or stands elsewhere;
 * ERR_FORMAT_NEWER, ERR_IO, ERR_CANCELED. ON_ANY_THREAD */
enum err store_snapshot_check(struct store *store, const struct store_snapshot_claim *claim) MUST_USE;
/* Replaces the state by the snapshot in `directory`, atomically: a crash at any step leaves the old or the new one.
 * `directory` is taken (renamed away). Open views stay valid until they are closed. Observers' replaced() is called. An error
 * leaves the old state: ERR_CORRUPT, ERR_FORMAT_NEWER, ERR_CONFLICT (it stands below store_applied()), ERR_NO_SPACE, ERR_IO. The
 * same filesystem as the store's directory. ON_APPLY_THREAD */
enum err store_snapshot_install(struct store *store, const char *directory) MUST_USE;

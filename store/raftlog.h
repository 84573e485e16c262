/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Raft log, term and vote on disk: our own segment files, because no recovery mode of RocksDB notices a lost log.
 *
 * Segments are pre-written with zeros and reused; each batch is one aligned write and one fdatasync; records are
 * chained by checksum. Term and vote are kept twice in a file of their own, with the identity (index, term, checksum)
 * of the newest entries known to be durable, so that a lost tail is known to be lost.
 *
 * Invariants:
 *  1. What raftlog_write() reported as durable is found after any crash.
 *  2. A torn tail (never reported durable) is cut off; damage below that is ERR_DAMAGED, never silently dropped.
 *  3. An error of any write or sync ends the process (log_fatal): after it the disk's content is unknown.
 *
 * One writer (the log role); raftlog_read() from any thread.
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

struct raftlog;
struct raftlog_io; /* the table of system calls, for fault injection; see store/raftlog_io.h */

struct raftlog_options {
	const char *directory; /* made when absent */
	uint64_t cluster_id, member_id;
	size_t segment_bytes;        /* 0: the default, 16 MiB; an entry larger than it gets a segment of its own */
	const struct raftlog_io *io; /* NULL: the system's */
};

struct raftlog_entry {
	uint64_t index, term;
	uint8_t kind; /* enum raft_entry_kind, opaque here */
	int64_t time_ns;
	struct bytes payload;
};

struct raftlog_state {
	uint64_t term, vote;
	uint64_t first_index; /* of the log; last_index + 1 when it is empty */
	uint64_t last_index;
	uint64_t start_term; /* term of the entry first_index - 1 */
	bool damaged;        /* opened all the same; see raftlog_damage() for what and where */
	/* The newest entry that is on record as durable, apart from the entries: what a damaged log once had at least. */
	uint64_t known_index, known_term;
};

/* ERR_OK also for a damaged log (ret_state->damaged). ERR_WRONG_CLUSTER, ERR_WRONG_MEMBER, ERR_FORMAT_NEWER, ERR_PERMISSION,
 * ERR_NO_SPACE, ERR_IO: logged with the remedy. */
enum err raftlog_open(const struct raftlog_options *options, struct raftlog **ret_log,
                      struct raftlog_state *ret_state) MUST_USE;
void raftlog_close(struct raftlog *log);
const char *raftlog_damage(const struct raftlog *log); /* one sentence, or "" */

struct raftlog_batch {
	uint64_t term, vote;                 /* written when they differ from what is stored */
	uint64_t truncate_from;              /* 0: nothing; drops entries >= it first */
	const struct raftlog_entry *entries; /* contiguous, after what is left */
	size_t count;
};
/* Returns when all of it is durable. A term never goes back, and has one vote. A damaged log takes only term and vote (no
 * entries, no truncation) until raftlog_reset(). By one thread at a time, as trim and reset. ON_LOG_THREAD */
void raftlog_write(struct raftlog *log, const struct raftlog_batch *batch);

/* Entries from `index` on, at most count_max of them and size_bytes_max of payload (at least one). Payloads in the arena.
 * An entry is found once it is durable, and may give fewer than there are: ask again from where it ended. ERR_COMPACTED below
 * the first; ERR_NOT_FOUND after the last; ERR_CORRUPT, ERR_IO: logged. ON_ANY_THREAD */
enum err raftlog_read(struct raftlog *log, uint64_t index, size_t count_max, size_t size_bytes_max, struct arena *arena,
                      struct raftlog_entry **ret_entries, size_t *ret_count) MUST_USE;
/* Calls fn for each entry in the log in order, its payload lent for the call: for the start. */
enum err raftlog_scan(struct raftlog *log, void (*fn)(void *argument, const struct raftlog_entry *entry),
                      void *argument) MUST_USE;

/* Entries <= index (<= last) are not needed any more: the first index is index + 1 at once, whole segments below are reused or
 * removed. After a crash the log may begin earlier again. Durable order is kept: what is needed after a crash is never
 * removed early. A damaged log is left as it is. ON_LOG_THREAD */
void raftlog_trim(struct raftlog *log, uint64_t index);
/* Empties the log, which then begins after (index, term): for an installed snapshot; ends damage. ON_LOG_THREAD */
void raftlog_reset(struct raftlog *log, uint64_t index, uint64_t term);
uint64_t raftlog_first(struct raftlog *log); /* ON_ANY_THREAD */
uint64_t raftlog_disk_bytes(struct raftlog *log);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Raft log's own state, shared by its files: raftlog_recover.c builds it, raftlog_write.c changes it, raftlog_read.c reads
 * it, raftlog_identity.c writes down what must not be forgotten, raftlog_keeper.c works ahead.
 *
 * How a batch is made safe. A batch is padded to whole blocks and the next one begins in a fresh block, so that no write ever
 * touches a block that holds durable records: a torn write can only hurt what was never reported. (Filling up the last block
 * instead would save disk, 4 KiB for a lone small entry, but no time: one block or two cost the same, and a torn rewrite
 * would take durable records with it.) Batches are written one at a time, each synced before the next, so any trace of a later
 * batch proves that a bad one before it was durable once. The log is a journal: dropping entries is itself a batch, which says
 * after which entry its own follow, and nothing that was dropped can come back.
 *
 * What the start makes of a bad batch:
 *   below the identity's known position, or with a later segment, or a later batch in its segment: damage;
 *   otherwise it was torn, never reported, and is gone. An empty batch is then written in its place and synced, so that the rest
 *   of it cannot be completed to a whole one by a later write, and so that all that was found, perhaps only in the page
 *   cache, is durable before it is reported.
 *
 * The known position follows behind: at each new term, vote and segment, and a tenth of a second after the last write (the
 * keeper). A bad last batch within that time cannot be told from a torn one; any scheme with one sync per batch has that gap.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/mailbox.h"
#include "store/raftlog.h"
#include "store/raftlog_cache.h"
#include "store/raftlog_disk.h"
#include "store/raftlog_format.h"
#include "store/raftlog_index.h"
#include "store/raftlog_segment.h"

enum {
	RAFTLOG_SEGMENT_BYTES_DEFAULT = 16 << 20,
	RAFTLOG_SEGMENT_BYTES_MIN = 64 << 10,
	RAFTLOG_SEGMENT_BYTES_FIRST = 1 << 20, /* what is made when nothing was ready: a few milliseconds */
	RAFTLOG_SEGMENT_GROWTH = 8,            /* the next one is that much larger, up to the full size */
	RAFTLOG_SPARES_MAX = 2,
	RAFTLOG_BATCH_BYTES_MAX = 4 << 20, /* of one write, but for a larger entry */
};

enum raftlog_keeper_wish { RAFTLOG_KEEPER_REST, RAFTLOG_KEEPER_SOON, RAFTLOG_KEEPER_NOW, RAFTLOG_KEEPER_NEVER };

struct raftlog {
	struct raftlog_disk disk;
	uint64_t cluster_id, member_id, segment_bytes;

	/* Guards everything down to the next mutex; a leaf, never held over a call of the disk. */
	pthread_mutex_t mutex;
	struct raftlog_deque segments; /* of struct raftlog_segment *, in a row; the last one is written */
	struct raftlog_index index;
	struct raftlog_cache cache;
	struct raftlog_mark start; /* the log begins after it */
	struct raftlog_mark last;
	uint64_t term, vote;
	uint64_t segment_first, segment_last, segment_highest;
	struct raftlog_position end, known; /* of the batches; the part that the identity file vouches for */
	struct raftlog_mark known_entry;
	char *damage;                /* a sentence, or NULL */
	struct raftlog_deque spares; /* of struct raftlog_segment *, ready to be begun */
	uint64_t spare_next;         /* the number in the next one's name */
	bool reserve;                /* there is one */
	enum raftlog_keeper_wish keeper_wish;
	bool keeper_posted; /* the letter is in the mailbox */

	pthread_mutex_t identity_mutex; /* guards these; taken before `mutex`, held while the file is synced */
	struct raftlog_file identity_file;
	uint64_t identity_sequence;
	uint8_t *identity_block;

	pthread_t keeper;
	struct mailbox *keeper_mailbox;
	struct mailbox_letter keeper_letter; /* wakes it */
	bool keeper_runs;
	atomic_bool writing; /* there is one writer at a time */
	uint8_t *buffer;     /* the writer's */
	size_t buffer_bytes;
};

/* raftlog_recover.c: all that raftlog_open() does but the keeper's thread, so that tests can do its work by raftlog_keep(). */
enum err raftlog_recover(const struct raftlog_options *options, struct raftlog **ret_log,
                         struct raftlog_state *ret_state) MUST_USE;
/* Frees without writing anything: what a crash leaves. */
void raftlog_free(struct raftlog *log);

/* raftlog_identity.c */
struct raftlog_slots {
	struct raftlog_identity newest;
	unsigned whole; /* slots whose checksum holds */
	bool exists;
};
/* Leaves the file open in log->identity_file if it exists. */
enum err raftlog_identity_load(struct raftlog *log, struct raftlog_slots *ret_slots) MUST_USE;
/* Writes down the state as it is, into one slot after the other, each synced; makes the file when it is missing. */
enum err raftlog_identity_store(struct raftlog *log, unsigned slots) MUST_USE;

/* raftlog_write.c */
/* Takes in a whole batch that is on disk at `offset` of the segment. `data` is all of it. The mutex is held. */
void raftlog_take_batch(struct raftlog *log, struct raftlog_segment *segment, const struct raftlog_batch_record *batch,
                        const uint8_t *data);
/* A fresh segment with room for that many bytes of batches becomes the one that is written. */
enum err raftlog_roll(struct raftlog *log, uint64_t bytes) MUST_USE;
/* An empty batch, durable on return. There is room for it. */
enum err raftlog_write_mark(struct raftlog *log) MUST_USE;
struct raftlog_segment *raftlog_active(struct raftlog *log);
/* Removes segment files that are not in log->segments. */
enum err raftlog_remove_strangers(struct raftlog *log) MUST_USE;

/* raftlog_keeper.c */
void raftlog_keeper_start(struct raftlog *log);
void raftlog_keeper_stop(struct raftlog *log);
/* One round of the keeper's work: reserve, next segment, known position. ERR_NO_SPACE. */
enum err raftlog_keep(struct raftlog *log) MUST_USE;
/* Tells the keeper what there is to do after a change. */
void raftlog_keeper_wish(struct raftlog *log);
/* A segment of at least that size that is ready, or NULL. */
struct raftlog_segment *raftlog_spare_take(struct raftlog *log, uint64_t size_bytes);
/* Adopts what an earlier run left ready; removes what it left unfinished. */
enum err raftlog_spares_find(struct raftlog *log) MUST_USE;
/* Begins a new life for a segment that is no longer part of the log, or removes it. Taken. */
enum err raftlog_segment_retire(struct raftlog *log, struct raftlog_segment *segment) MUST_USE;
#define RAFTLOG_RESERVE_NAME "reserve"

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of the Raft log on disk, encoded and decoded; no file is touched here. docs/disk-format.md has the tables.
 *
 * A segment file is a header block, then batches; a batch begins at a block and is padded with zeros to the next: the
 * batch's own record, then one record per entry, each followed by its payload and padded to 8 bytes. Each record carries the
 * checksum of the one before it, so that all records of the log are one chain. Checksums start from the segment's salt, so
 * that neither what an earlier use of the file left behind nor a payload made to look like a record passes for one.
 *
 * The identity file has two slots, a block each, written by turns: the higher sequence that is whole counts.
 */
#pragma once

#include <stdbool.h>

#include "base/bytes.h"
#include "base/err.h"

enum {
	RAFTLOG_FORMAT_VERSION = 1,
	RAFTLOG_BLOCK_BYTES = 4096,
	RAFTLOG_SLOTS = 2,
	RAFTLOG_IDENTITY_BYTES = RAFTLOG_SLOTS * RAFTLOG_BLOCK_BYTES,
	RAFTLOG_BATCH_BYTES = 72,
	RAFTLOG_ENTRY_BYTES = 48,
};

/* Where a batch begins or ends. */
struct raftlog_position {
	uint64_t segment, offset;
	uint32_t chain; /* the checksum of the last record before it */
};

/* An entry's identity. */
struct raftlog_mark {
	uint64_t index, term;
};

struct raftlog_identity {
	uint64_t sequence, cluster_id, member_id;
	uint64_t term, vote;
	struct raftlog_mark start;            /* the log begins after it */
	uint64_t segment_first, segment_last; /* none while first > last */
	struct raftlog_position known;        /* everything before it is durable */
	struct raftlog_mark known_entry;      /* the last entry before it */
	bool damaged;
};

void raftlog_identity_encode(const struct raftlog_identity *identity, uint8_t *ret_block);
/* ERR_CORRUPT, ERR_FORMAT_NEWER. */
enum err raftlog_identity_decode(const uint8_t *block, struct raftlog_identity *ret_identity) MUST_USE;

struct raftlog_header {
	uint64_t cluster_id, member_id, sequence, size_bytes;
	uint32_t salt;
	struct raftlog_position
	    before;               /* where the segment before ended; its segment is 0 for the first and after a reset */
	struct raftlog_mark base; /* the last entry when it was begun */
};

void raftlog_header_encode(const struct raftlog_header *header, uint8_t *ret_block);
/* ERR_CORRUPT, ERR_FORMAT_NEWER. */
enum err raftlog_header_decode(const uint8_t *block, struct raftlog_header *ret_header) MUST_USE;

struct raftlog_batch_record {
	uint64_t segment, offset; /* its own place */
	uint32_t before;          /* the chain */
	uint32_t size_bytes;      /* of the batch, without the padding at its end */
	uint32_t count;
	struct raftlog_mark after; /* entries above it are dropped; the batch's own follow it */
	uint64_t term, vote;
	uint32_t checksum;
};

struct raftlog_entry_record {
	uint32_t before;
	uint64_t index, term;
	int64_t time_ns;
	uint32_t kind;
	struct bytes payload;
	uint32_t checksum;
};

/* Sets ->checksum, the chain that the next record continues. */
void raftlog_batch_encode(struct raftlog_batch_record *record, uint32_t salt, uint8_t *ret_data);
void raftlog_entry_encode(struct raftlog_entry_record *record, uint32_t salt, uint8_t *ret_data);

/* By the first four bytes of a record; false also for the padding at a batch's end. */
bool raftlog_batch_is_at(const uint8_t *data);
bool raftlog_entry_is_at(const uint8_t *data);
/* data: RAFTLOG_BATCH_BYTES. ERR_CORRUPT. */
enum err raftlog_batch_decode(const uint8_t *data, uint32_t salt, struct raftlog_batch_record *ret_record) MUST_USE;
/* data: RAFTLOG_ENTRY_BYTES. What raftlog_entry_bytes() will be, unverified: check it against what there is. */
uint64_t raftlog_entry_peek(const uint8_t *data);
/* data: raftlog_entry_peek() bytes; the payload is borrowed from it. ERR_CORRUPT. */
enum err raftlog_entry_decode(const uint8_t *data, uint32_t salt, struct raftlog_entry_record *ret_record) MUST_USE;
/* Of a whole record with a payload of that size. */
uint64_t raftlog_entry_bytes(uint64_t payload_bytes);

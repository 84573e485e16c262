/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in the rows of the database: the one place that encodes and decodes them. Decoded bytes are borrowed from
 * the row. Every decoder checks that nothing is missing and nothing is left over: ERR_CORRUPT.
 */
#pragma once

#include "base/buffer.h"
#include "store/kv.h"

enum {
	CHECKSUM_EVERY = 1024,
	/* Of all rows; raised when an older program could not read them. 2: a member's claim, whom it replaces, and its wish. 3: what
	 * a lease has left. 4: alarms. */
	ROW_FORMAT = 4,
	ROW_FORMAT_OLDEST = 1, /* that this program reads */
};

/* What all of the state is summed up in: one row, rewritten by each batch. */
struct state {
	uint64_t index, term; /* of the newest applied entry */
	int64_t revision;     /* 1: nothing was ever changed */
	int64_t compacted;    /* -1: never */
	int64_t time_ns;      /* of the newest entry; never goes back */
	uint64_t checksum;
	int64_t keys, value_bytes;
	uint64_t next_id; /* of the next object that is not given one */
	/* The checksum as it was at the newest index that CHECKSUM_EVERY divides: alike on all nodes, however they batch. */
	uint64_t mark_index, mark_checksum;
	/* What the alarms come to: see alarm.h. */
	int64_t limit_bytes; /* value_bytes may not grow beyond; INT64_MAX: no alarm says so */
	uint8_t stops;       /* STATE_STOPS_… */
};
enum { STATE_STOPS_PUTS = 1, STATE_STOPS_CHANGES = 2, STATE_STOPS_ALL = 3 };

/* A state before the first entry. */
struct state state_first(void);

void row_state_encode(const struct state *state, struct buffer *buffer);
/* ERR_FORMAT_NEWER, too. */
enum err row_state_decode(struct bytes row, struct state *ret_state) MUST_USE;

/* Without the key. */
void row_record_encode(const struct kv_record *record, struct buffer *buffer);
/* The end of a generation of a key, in `past`. */
void row_tombstone_encode(struct buffer *buffer);
enum err row_record_decode(struct bytes row, struct kv_record *ret_record, bool *ret_tombstone) MUST_USE;

/* Of each event: its type, key and id; the records are elsewhere. The revision is in the row's key. */
void row_change_encode(const struct kv_change *change, struct buffer *buffer);
enum err row_change_decode(struct bytes row, struct arena *arena, struct kv_change *ret_change) MUST_USE;

void row_directory_encode(const struct kv_directory *directory, struct buffer *buffer);
enum err row_directory_decode(struct bytes row, struct kv_directory *ret_directory) MUST_USE;

/* The strings end in zeros. */
void row_member_encode(const struct kv_member *member, struct buffer *buffer);
enum err row_member_decode(struct bytes row, struct arena *arena, struct kv_member *ret_member) MUST_USE;

struct row_session {
	uint64_t session, member, nonce;
};
void row_session_encode(const struct row_session *session, struct buffer *buffer);
enum err row_session_decode(struct bytes row, struct row_session *ret_session) MUST_USE;

/* The outcome of one proposal: a row holds those of one batch, one after the other. */
struct row_outcome {
	uint64_t session, sequence, done_below, index;
	int64_t revision, time_ns, lease, lease_ttl_s;
	enum err err;
	bool succeeded;
};
void row_outcome_encode(const struct row_outcome *outcome, struct buffer *buffer);
struct cursor;
/* The cursor becomes bad when there is no whole outcome. */
void row_outcome_decode(struct cursor *cursor, struct row_outcome *ret_outcome);

/* The number of a condition that a command can end with: for ever the same, whatever base/err.h lists. */
uint32_t row_err_code(enum err err);

struct row_lease {
	int64_t ttl_s, granted_ns, left_ms;
};
void row_lease_encode(const struct row_lease *lease, struct buffer *buffer);
enum err row_lease_decode(struct bytes row, struct row_lease *ret_lease) MUST_USE;

/* Without its member and kind, which are in its row's key. */
void row_alarm_encode(const struct kv_alarm *alarm, struct buffer *buffer);
enum err row_alarm_decode(struct bytes row, struct kv_alarm *ret_alarm) MUST_USE;

void row_number_encode(int64_t number, struct buffer *buffer);
enum err row_number_decode(struct bytes row, int64_t *ret_number) MUST_USE;

/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from a disk: rows of the store, records of the log, what the filesystem keeps in them. The first byte says as what. */
#include <string.h>

#include "base/check.h"
#include "base/cursor.h"
#include "fs/attr.h"
#include "fs/note.h"
#include "store/raftlog_format.h"
#include "store/row.h"
#include "tests/fuzz/rows.h"

enum { DISK_SALT = 7 };

static struct bytes some_bytes(struct random *random)
{
	size_t size = random_below(random, 40);
	uint8_t *data = arena_take(&fuzz_arena, size);
	for (size_t at = 0; at < size; at++)
		data[at] = (uint8_t)random_next(random);
	return bytes_of(data, size);
}

/* What was read is written, and read again: it must be the same bytes. */
static void comes_back(const struct buffer *first, const struct buffer *second)
{
	check(bytes_equal(buffer_bytes(first), buffer_bytes(second)));
}

#define DISK_BUFFER(name)                                                                                              \
	AUTO_BUFFER struct buffer name;                                                                                \
	buffer_init(&name, 1 << 20)

static void state_read(struct bytes row)
{
	struct state state;
	if (row_state_decode(row, &state) != ERR_OK)
		return;
	DISK_BUFFER(one);
	DISK_BUFFER(two);
	row_state_encode(&state, &one);
	check(row_state_decode(buffer_bytes(&one), &state) == ERR_OK);
	row_state_encode(&state, &two);
	comes_back(&one, &two);
}

static void state_seed(struct random *random, struct buffer *buffer)
{
	struct state state = state_first();
	state.index = random_next(random);
	row_state_encode(&state, buffer);
}

static void record_read(struct bytes row)
{
	struct kv_record record;
	bool tombstone;
	if (row_record_decode(row, &record, &tombstone) != ERR_OK || tombstone)
		return;
	DISK_BUFFER(one);
	row_record_encode(&record, &one);
	struct kv_record again;
	check(row_record_decode(buffer_bytes(&one), &again, &tombstone) == ERR_OK && !tombstone);
	check(bytes_equal(record.value, again.value) && bytes_equal(record.attr, again.attr) && record.id == again.id);
}

static void record_seed(struct random *random, struct buffer *buffer)
{
	const struct kv_record record = {.value = some_bytes(random),
	                                 .attr = some_bytes(random),
	                                 .create_revision = (int64_t)random_below(random, 100),
	                                 .mod_revision = (int64_t)random_next(random),
	                                 .id = random_next(random)};
	row_record_encode(&record, buffer);
}

static void change_read(struct bytes row)
{
	struct kv_change change;
	if (row_change_decode(row, &fuzz_arena, &change) == ERR_OK)
		for (size_t at = 0; at < change.event_count; at++)
			check(change.events[at].record.key.size <= row.size);
}

static void change_seed(struct random *random, struct buffer *buffer)
{
	const struct kv_event events[] = {{.type = KV_EVENT_PUT, .record = {.key = some_bytes(random), .id = 9}},
	                                  {.type = KV_EVENT_DELETE, .record = {.key = some_bytes(random)}}};
	const struct kv_change change = {
	    .index = random_next(random), .note = some_bytes(random), .events = events, .event_count = 2};
	row_change_encode(&change, buffer);
}

static void directory_read(struct bytes row)
{
	struct kv_directory directory;
	(void)!row_directory_decode(row, &directory);
}

static void directory_seed(struct random *random, struct buffer *buffer)
{
	row_directory_encode(&(struct kv_directory){.id = random_next(random), .children = 3, .marker = true}, buffer);
}

static void member_read(struct bytes row)
{
	struct kv_member member;
	if (row_member_decode(row, &fuzz_arena, &member) == ERR_OK)
		check(strlen(member.name) + strlen(member.peer_urls) + strlen(member.client_urls) <= row.size);
}

static void member_seed(struct random *random, struct buffer *buffer)
{
	const struct kv_member member = {
	    .id = random_next(random), .name = "n1", .peer_urls = "tcp://h:1", .client_urls = "", .claim = 1};
	row_member_encode(&member, buffer);
}

static void session_read(struct bytes row)
{
	struct row_session session;
	(void)!row_session_decode(row, &session);
}

static void session_seed(struct random *random, struct buffer *buffer)
{
	row_session_encode(&(struct row_session){random_next(random), 2, random_next(random)}, buffer);
}

static void outcome_read(struct bytes row)
{
	struct cursor cursor = cursor_over(row);
	struct row_outcome outcome;
	while (!cursor.bad && cursor.rest.size != 0)
		row_outcome_decode(&cursor, &outcome);
}

static void outcome_seed(struct random *random, struct buffer *buffer)
{
	for (int at = 0; at < 2; at++)
		row_outcome_encode(&(struct row_outcome){.session = random_next(random), .sequence = 2}, buffer);
}

static void lease_read(struct bytes row)
{
	struct row_lease lease;
	int64_t number;
	(void)!row_lease_decode(row, &lease);
	(void)!row_number_decode(row, &number);
}

static void alarm_read(struct bytes row)
{
	struct kv_alarm alarm;
	(void)!row_alarm_decode(row, &alarm);
}

static void alarm_seed(struct random *random, struct buffer *buffer)
{
	row_alarm_encode(&(struct kv_alarm){.by_itself = true, .limit = (int64_t)random_next(random)}, buffer);
}

static void lease_seed(struct random *random, struct buffer *buffer)
{
	row_lease_encode(&(struct row_lease){.ttl_s = (int64_t)random_next(random), .granted_ns = 7}, buffer);
}

/* Records of the log have a size of their own, and a reader that has it. */
static const uint8_t *padded(struct bytes input, size_t size)
{
	uint8_t *block = arena_zero(&fuzz_arena, 1, size);
	if (input.size != 0)
		memcpy(block, input.data, input.size < size ? input.size : size);
	return block;
}

static void identity_read(struct bytes block)
{
	struct raftlog_identity identity;
	(void)!raftlog_identity_decode(padded(block, RAFTLOG_BLOCK_BYTES), &identity);
}

static void identity_seed(struct random *random, struct buffer *buffer)
{
	uint8_t block[RAFTLOG_BLOCK_BYTES] = {0};
	raftlog_identity_encode(&(struct raftlog_identity){.cluster_id = random_next(random), .member_id = 1}, block);
	check(buffer_append(buffer, bytes_of(block, 256)) == ERR_OK);
}

static void header_read(struct bytes block)
{
	struct raftlog_header header;
	(void)!raftlog_header_decode(padded(block, RAFTLOG_BLOCK_BYTES), &header);
}

static void header_seed(struct random *random, struct buffer *buffer)
{
	uint8_t block[RAFTLOG_BLOCK_BYTES] = {0};
	raftlog_header_encode(&(struct raftlog_header){.cluster_id = random_next(random), .salt = DISK_SALT}, block);
	check(buffer_append(buffer, bytes_of(block, 256)) == ERR_OK);
}

static void batch_read(struct bytes data)
{
	struct raftlog_batch_record record;
	const uint8_t *block = padded(data, RAFTLOG_BATCH_BYTES);
	if (raftlog_batch_is_at(block))
		(void)!raftlog_batch_decode(block, DISK_SALT, &record);
}

static void batch_seed(struct random *random, struct buffer *buffer)
{
	uint8_t data[RAFTLOG_BATCH_BYTES] = {0};
	struct raftlog_batch_record record = {.segment = 1, .offset = random_next(random), .count = 2};
	raftlog_batch_encode(&record, DISK_SALT, data);
	check(buffer_append(buffer, bytes_of(data, sizeof data)) == ERR_OK);
}

/* As a reader does: what an entry says of its size is held against what there is. */
static void entry_read(struct bytes data)
{
	if (data.size < RAFTLOG_ENTRY_BYTES || !raftlog_entry_is_at(data.data))
		return;
	uint64_t size = raftlog_entry_peek(data.data);
	struct raftlog_entry_record record;
	if (size <= data.size && raftlog_entry_decode(data.data, DISK_SALT, &record) == ERR_OK)
		check(record.payload.size <= data.size);
}

static void entry_seed(struct random *random, struct buffer *buffer)
{
	struct raftlog_entry_record record = {.index = random_next(random), .term = 3, .payload = some_bytes(random)};
	uint8_t *room;
	check(buffer_extend(buffer, raftlog_entry_bytes(record.payload.size), &room) == ERR_OK);
	memset(room, 0, raftlog_entry_bytes(record.payload.size));
	raftlog_entry_encode(&record, DISK_SALT, room);
}

static void attr_read(struct bytes encoded)
{
	struct attr attr, again;
	if (attr_decode(encoded, &attr) != ERR_OK)
		return;
	struct bytes one = attr_encode(&attr, &fuzz_arena);
	check(attr_decode(one, &again) == ERR_OK);
	check(bytes_equal(one, attr_encode(&again, &fuzz_arena)));
}

static void attr_seed(struct random *random, struct buffer *buffer)
{
	const struct attr attr = {.mode = 0100644, .uid = 3, .mtime_ns = (int64_t)random_next(random)};
	check(buffer_append(buffer, attr_encode(&attr, &fuzz_arena)) == ERR_OK);
}

static void note_read(struct bytes encoded)
{
	struct note note;
	if (note_decode(encoded, &note) == ERR_OK)
		check(note.path.size + note.to.size <= encoded.size);
}

static void note_seed(struct random *random, struct buffer *buffer)
{
	const struct note note = {.kind = NOTE_RENAME,
	                          .mount = random_next(random),
	                          .op = 7,
	                          .path = some_bytes(random),
	                          .to = some_bytes(random)};
	check(note_encode(&note, buffer) == ERR_OK);
}

const struct fuzz_row fuzz_rows[] = {
    {state_read, state_seed},         {record_read, record_seed}, {change_read, change_seed},
    {directory_read, directory_seed}, {member_read, member_seed}, {session_read, session_seed},
    {outcome_read, outcome_seed},     {lease_read, lease_seed},   {alarm_read, alarm_seed},
    {identity_read, identity_seed},   {header_read, header_seed}, {batch_read, batch_seed},
    {entry_read, entry_seed},         {attr_read, attr_seed},     {note_read, note_seed},
};

const size_t fuzz_row_count = sizeof fuzz_rows / sizeof *fuzz_rows;

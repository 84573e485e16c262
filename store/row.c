/* SPDX-License-Identifier: Apache-2.0 */
#include "store/row.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/cursor.h"

enum { MEMBER_WANTS_NO_VOTE = 1 };
enum { ALARM_BY_ITSELF = 1 };
enum { ROW_FORMAT_ALARMS = 4 };
enum { ROW_RECORD = 1, ROW_TOMBSTONE = 2, ROW_RECORD_ATTR_OLDER = 3 };
/* The ids below it are left for what is not in the store, such as a filesystem's own root. */
#define FIRST_ID UINT64_C(4096)
/* The smallest event in a change: its type, a one-byte id, an empty key. */
enum { EVENT_BYTES_MIN = 3 };

static enum err row_end(const struct cursor *cursor)
{
	return cursor_is_done(cursor) ? ERR_OK : ERR_CORRUPT;
}

static void row_put_signed(struct buffer *buffer, int64_t value)
{
	buffer_put_varint(buffer, (uint64_t)value);
}

static int64_t row_signed(struct cursor *cursor)
{
	return (int64_t)cursor_varint(cursor);
}

/* ---- state ---- */

struct state state_first(void)
{
	return (struct state){.revision = 1, .compacted = -1, .next_id = FIRST_ID, .limit_bytes = INT64_MAX};
}

void row_state_encode(const struct state *state, struct buffer *buffer)
{
	buffer_put_u32(buffer, ROW_FORMAT);
	buffer_put_varint(buffer, state->index);
	buffer_put_varint(buffer, state->term);
	row_put_signed(buffer, state->revision);
	row_put_signed(buffer, state->compacted);
	row_put_signed(buffer, state->time_ns);
	buffer_put_u64(buffer, state->checksum);
	row_put_signed(buffer, state->keys);
	row_put_signed(buffer, state->value_bytes);
	buffer_put_varint(buffer, state->next_id);
	buffer_put_varint(buffer, state->mark_index);
	buffer_put_u64(buffer, state->mark_checksum);
	row_put_signed(buffer, state->limit_bytes);
	buffer_put_u8(buffer, state->stops);
}

enum err row_state_decode(struct bytes row, struct state *ret_state)
{
	struct cursor cursor = cursor_over(row);
	uint32_t format = cursor_u32(&cursor);
	if (!cursor.bad && format > ROW_FORMAT)
		return ERR_FORMAT_NEWER;
	struct state state = {0};
	state.index = cursor_varint(&cursor);
	state.term = cursor_varint(&cursor);
	state.revision = row_signed(&cursor);
	state.compacted = row_signed(&cursor);
	state.time_ns = row_signed(&cursor);
	state.checksum = cursor_u64(&cursor);
	state.keys = row_signed(&cursor);
	state.value_bytes = row_signed(&cursor);
	state.next_id = cursor_varint(&cursor);
	state.mark_index = cursor_varint(&cursor);
	state.mark_checksum = cursor_u64(&cursor);
	state.limit_bytes = format < ROW_FORMAT_ALARMS ? INT64_MAX : row_signed(&cursor);
	state.stops = format < ROW_FORMAT_ALARMS ? 0 : cursor_u8(&cursor);
	cursor.bad |= (state.stops & ~STATE_STOPS_ALL) != 0;
	if (format >= ROW_FORMAT_OLDEST && row_end(&cursor) == ERR_OK) {
		*ret_state = state;
		return ERR_OK;
	}
	return ERR_CORRUPT;
}

/* ---- records ---- */

void row_record_encode(const struct kv_record *record, struct buffer *buffer)
{
	buffer_put_u8(buffer, record->attr_is_older ? ROW_RECORD_ATTR_OLDER : ROW_RECORD);
	row_put_signed(buffer, record->create_revision);
	row_put_signed(buffer, record->mod_revision);
	row_put_signed(buffer, record->version);
	row_put_signed(buffer, record->lease);
	row_put_signed(buffer, record->time_ns);
	buffer_put_varint(buffer, record->id);
	buffer_put_sized(buffer, record->attr);
	buffer_put(buffer, record->value);
}

void row_tombstone_encode(struct buffer *buffer)
{
	buffer_put_u8(buffer, ROW_TOMBSTONE);
}

enum err row_record_decode(struct bytes row, struct kv_record *ret_record, bool *ret_tombstone)
{
	struct cursor cursor = cursor_over(row);
	uint8_t kind = cursor_u8(&cursor);
	bool is_record = kind == ROW_RECORD || kind == ROW_RECORD_ATTR_OLDER;
	struct kv_record record = {.attr_is_older = kind == ROW_RECORD_ATTR_OLDER};
	if (is_record) {
		record.create_revision = row_signed(&cursor);
		record.mod_revision = row_signed(&cursor);
		record.version = row_signed(&cursor);
		record.lease = row_signed(&cursor);
		record.time_ns = row_signed(&cursor);
		record.id = cursor_varint(&cursor);
		record.attr = cursor_sized(&cursor);
		record.value = cursor_bytes(&cursor, cursor.rest.size);
	}
	if ((!is_record && kind != ROW_TOMBSTONE) || row_end(&cursor) != ERR_OK)
		return ERR_CORRUPT;
	*ret_record = record;
	*ret_tombstone = kind == ROW_TOMBSTONE;
	return ERR_OK;
}

/* ---- changes ---- */

void row_change_encode(const struct kv_change *change, struct buffer *buffer)
{
	row_put_signed(buffer, change->time_ns);
	buffer_put_varint(buffer, change->index);
	buffer_put_varint(buffer, change->proposer);
	buffer_put_varint(buffer, change->session);
	buffer_put_varint(buffer, change->sequence);
	buffer_put_sized(buffer, change->note);
	buffer_put_varint(buffer, change->event_count);
	for (size_t i = 0; i < change->event_count; i++) {
		const struct kv_event *event = &change->events[i];
		buffer_put_u8(buffer, (uint8_t)event->type);
		buffer_put_varint(buffer, event->record.id);
		buffer_put_sized(buffer, event->record.key);
	}
}

static enum err row_events_decode(struct cursor *cursor, struct arena *arena, struct kv_change *change)
{
	size_t count = (size_t)cursor_varint(cursor);
	if (cursor->bad || count > cursor->rest.size / EVENT_BYTES_MIN)
		return ERR_CORRUPT;
	struct kv_event *events = arena_zero(arena, count, sizeof *events);
	for (size_t i = 0; i < count; i++) {
		uint8_t type = cursor_u8(cursor);
		if (type != KV_EVENT_PUT && type != KV_EVENT_DELETE)
			return ERR_CORRUPT;
		events[i].type = (enum kv_event_type)type;
		events[i].record.id = cursor_varint(cursor);
		events[i].record.key = cursor_sized(cursor);
	}
	change->events = events;
	change->event_count = count;
	return row_end(cursor);
}

enum err row_change_decode(struct bytes row, struct arena *arena, struct kv_change *ret_change)
{
	struct cursor cursor = cursor_over(row);
	struct kv_change change = {0};
	change.time_ns = row_signed(&cursor);
	change.index = cursor_varint(&cursor);
	change.proposer = cursor_varint(&cursor);
	change.session = cursor_varint(&cursor);
	change.sequence = cursor_varint(&cursor);
	change.note = cursor_sized(&cursor);
	enum err err = row_events_decode(&cursor, arena, &change);
	if (err == ERR_OK)
		*ret_change = change;
	return err;
}

/* ---- the tree ---- */

void row_directory_encode(const struct kv_directory *directory, struct buffer *buffer)
{
	buffer_put_varint(buffer, directory->id);
	row_put_signed(buffer, directory->children);
	row_put_signed(buffer, directory->directories);
	buffer_put_u8(buffer, directory->marker ? 1 : 0);
	row_put_signed(buffer, directory->create_revision);
	row_put_signed(buffer, directory->create_time_ns);
	row_put_signed(buffer, directory->changed_revision);
	row_put_signed(buffer, directory->changed_time_ns);
}

enum err row_directory_decode(struct bytes row, struct kv_directory *ret_directory)
{
	struct cursor cursor = cursor_over(row);
	struct kv_directory directory = {0};
	directory.id = cursor_varint(&cursor);
	directory.children = row_signed(&cursor);
	directory.directories = row_signed(&cursor);
	directory.marker = cursor_u8(&cursor) != 0;
	directory.create_revision = row_signed(&cursor);
	directory.create_time_ns = row_signed(&cursor);
	directory.changed_revision = row_signed(&cursor);
	directory.changed_time_ns = row_signed(&cursor);
	if (row_end(&cursor) != ERR_OK)
		return ERR_CORRUPT;
	*ret_directory = directory;
	return ERR_OK;
}

/* ---- members, sessions, leases ---- */

void row_member_encode(const struct kv_member *member, struct buffer *buffer)
{
	buffer_put_varint(buffer, member->id);
	buffer_put_sized(buffer, bytes_of_string(member->name));
	buffer_put_sized(buffer, bytes_of_string(member->peer_urls));
	buffer_put_sized(buffer, bytes_of_string(member->client_urls));
	buffer_put_varint(buffer, member->claim);
	buffer_put_varint(buffer, member->replaces);
	buffer_put_u8(buffer, member->wants_no_vote ? MEMBER_WANTS_NO_VOTE : 0);
}

enum err row_member_decode(struct bytes row, struct arena *arena, struct kv_member *ret_member)
{
	struct cursor cursor = cursor_over(row);
	struct kv_member member = {.id = cursor_varint(&cursor)};
	member.name = arena_dup_string(arena, cursor_sized(&cursor));
	member.peer_urls = arena_dup_string(arena, cursor_sized(&cursor));
	member.client_urls = arena_dup_string(arena, cursor_sized(&cursor));
	if (!cursor.bad && cursor.rest.size != 0) { /* format 1 ends here */
		member.claim = cursor_varint(&cursor);
		member.replaces = cursor_varint(&cursor);
		uint8_t flags = cursor_u8(&cursor);
		cursor.bad |= (flags & ~MEMBER_WANTS_NO_VOTE) != 0;
		member.wants_no_vote = flags == MEMBER_WANTS_NO_VOTE;
	}
	if (row_end(&cursor) != ERR_OK)
		return ERR_CORRUPT;
	*ret_member = member;
	return ERR_OK;
}

void row_session_encode(const struct row_session *session, struct buffer *buffer)
{
	buffer_put_varint(buffer, session->session);
	buffer_put_varint(buffer, session->member);
	buffer_put_varint(buffer, session->nonce);
}

enum err row_session_decode(struct bytes row, struct row_session *ret_session)
{
	struct cursor cursor = cursor_over(row);
	struct row_session session = {0};
	session.session = cursor_varint(&cursor);
	session.member = cursor_varint(&cursor);
	session.nonce = cursor_varint(&cursor);
	if (row_end(&cursor) != ERR_OK || session.session == 0)
		return ERR_CORRUPT;
	*ret_session = session;
	return ERR_OK;
}

/* What applying a command can end with. New ones are added at the end. */
static const enum err row_errs[] = {
    ERR_OK,    ERR_INVALID,         ERR_NOT_FOUND,    ERR_TOO_LARGE,     ERR_LIMIT,         ERR_COMPACTED,  ERR_FUTURE,
    ERR_QUOTA, ERR_LEASE_NOT_FOUND, ERR_LEASE_EXISTS, ERR_DUPLICATE_KEY, ERR_STALE_SESSION, ERR_NOT_LEADER, ERR_CORRUPT,
};
enum { ROW_ERRS = sizeof row_errs / sizeof row_errs[0] };

uint32_t row_err_code(enum err err)
{
	uint32_t code = 0;
	while (code < ROW_ERRS && row_errs[code] != err)
		code++;
	check(code < ROW_ERRS);
	return code;
}

static enum err row_err(struct cursor *cursor)
{
	uint64_t code = cursor_varint(cursor);
	cursor->bad |= code >= ROW_ERRS;
	return code < ROW_ERRS ? row_errs[code] : ERR_CORRUPT;
}

void row_outcome_encode(const struct row_outcome *outcome, struct buffer *buffer)
{
	buffer_put_varint(buffer, outcome->session);
	buffer_put_varint(buffer, outcome->sequence);
	buffer_put_varint(buffer, outcome->done_below);
	buffer_put_varint(buffer, outcome->index);
	row_put_signed(buffer, outcome->revision);
	row_put_signed(buffer, outcome->time_ns);
	row_put_signed(buffer, outcome->lease);
	row_put_signed(buffer, outcome->lease_ttl_s);
	buffer_put_varint(buffer, row_err_code(outcome->err));
	buffer_put_u8(buffer, outcome->succeeded ? 1 : 0);
}

void row_outcome_decode(struct cursor *cursor, struct row_outcome *ret_outcome)
{
	ret_outcome->session = cursor_varint(cursor);
	ret_outcome->sequence = cursor_varint(cursor);
	ret_outcome->done_below = cursor_varint(cursor);
	ret_outcome->index = cursor_varint(cursor);
	ret_outcome->revision = row_signed(cursor);
	ret_outcome->time_ns = row_signed(cursor);
	ret_outcome->lease = row_signed(cursor);
	ret_outcome->lease_ttl_s = row_signed(cursor);
	ret_outcome->err = row_err(cursor);
	ret_outcome->succeeded = cursor_u8(cursor) != 0;
}

void row_lease_encode(const struct row_lease *lease, struct buffer *buffer)
{
	row_put_signed(buffer, lease->ttl_s);
	row_put_signed(buffer, lease->granted_ns);
	row_put_signed(buffer, lease->left_ms);
}

enum err row_lease_decode(struct bytes row, struct row_lease *ret_lease)
{
	struct cursor cursor = cursor_over(row);
	struct row_lease lease = {0};
	lease.ttl_s = row_signed(&cursor);
	lease.granted_ns = row_signed(&cursor);
	bool is_old = !cursor.bad && cursor.rest.size == 0; /* format 2 ends here */
	if (lease.ttl_s < 0 || lease.ttl_s > KV_LEASE_TTL_S_MAX)
		return ERR_CORRUPT;
	lease.left_ms = is_old ? lease.ttl_s * CLOCK_MS_PER_S : row_signed(&cursor);
	if (row_end(&cursor) != ERR_OK)
		return ERR_CORRUPT;
	*ret_lease = lease;
	return ERR_OK;
}

void row_alarm_encode(const struct kv_alarm *alarm, struct buffer *buffer)
{
	row_put_signed(buffer, alarm->time_ns);
	buffer_put_u8(buffer, alarm->by_itself ? ALARM_BY_ITSELF : 0);
	row_put_signed(buffer, alarm->limit);
	row_put_signed(buffer, alarm->quota);
}

enum err row_alarm_decode(struct bytes row, struct kv_alarm *ret_alarm)
{
	struct cursor cursor = cursor_over(row);
	struct kv_alarm alarm = {.time_ns = row_signed(&cursor)};
	uint8_t flags = cursor_u8(&cursor);
	alarm.by_itself = flags == ALARM_BY_ITSELF;
	alarm.limit = row_signed(&cursor);
	alarm.quota = row_signed(&cursor);
	cursor.bad |= (flags & ~ALARM_BY_ITSELF) != 0;
	if (row_end(&cursor) != ERR_OK)
		return ERR_CORRUPT;
	*ret_alarm = alarm;
	return ERR_OK;
}

void row_number_encode(int64_t number, struct buffer *buffer)
{
	row_put_signed(buffer, number);
}

enum err row_number_decode(struct bytes row, int64_t *ret_number)
{
	struct cursor cursor = cursor_over(row);
	int64_t number = row_signed(&cursor);
	if (row_end(&cursor) != ERR_OK)
		return ERR_CORRUPT;
	*ret_number = number;
	return ERR_OK;
}

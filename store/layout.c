/* SPDX-License-Identifier: Apache-2.0 */
#include "store/layout.h"

#include "base/check.h"
#include "base/cursor.h"
#include "base/limits.h"

enum { NUMBER_BYTES = 8, LENGTH_BYTES = 2 };

const char *family_name(enum family family)
{
	static const char *const names[FAMILY_COUNT] = {"default", "head", "past", "changes", "tree"};
	return names[family];
}

static uint8_t *layout_put_number(uint8_t *at, uint64_t number)
{
	for (int i = 0; i < NUMBER_BYTES; i++)
		at[i] = (uint8_t)(number >> (56 - 8 * i));
	return at + NUMBER_BYTES;
}

struct bytes layout_change(int64_t revision, struct arena *arena)
{
	uint8_t *row = arena_take(arena, NUMBER_BYTES);
	layout_put_number(row, (uint64_t)revision);
	return bytes_of(row, NUMBER_BYTES);
}

int64_t layout_change_revision(struct bytes row)
{
	struct cursor cursor = cursor_over(row);
	uint64_t revision = cursor_u64_be(&cursor);
	return cursor_is_done(&cursor) && revision <= INT64_MAX ? (int64_t)revision : -1;
}

/* ---- past ---- */

static uint8_t *layout_escape(uint8_t *at, struct bytes key, uint8_t end)
{
	for (size_t i = 0; i < key.size; i++) {
		*at++ = key.data[i];
		if (key.data[i] == 0)
			*at++ = 0xff;
	}
	*at++ = 0;
	*at++ = end;
	return at;
}

struct bytes layout_past(struct bytes key, int64_t revision, struct arena *arena)
{
	uint8_t *row = arena_take(arena, 2 * key.size + 2 + NUMBER_BYTES);
	uint8_t *at = layout_escape(row, key, 1);
	at = layout_put_number(at, ~(uint64_t)revision);
	return bytes_of(row, (size_t)(at - row));
}

struct bytes layout_past_end(struct bytes key, struct arena *arena)
{
	uint8_t *row = arena_take(arena, 2 * key.size + 2);
	return bytes_of(row, (size_t)(layout_escape(row, key, 2) - row));
}

struct bytes layout_past_bound(struct bytes key, struct arena *arena)
{
	struct bytes row = layout_past_end(key, arena);
	return bytes_of(row.data, row.size - 2);
}

bool layout_past_split(struct bytes row, struct arena *arena, struct bytes *ret_key, int64_t *ret_revision)
{
	if (row.size < 2 + NUMBER_BYTES)
		return false;
	size_t escaped = row.size - NUMBER_BYTES - 2;
	if (row.data[escaped] != 0 || row.data[escaped + 1] != 1)
		return false;
	uint8_t *key = arena_take(arena, escaped);
	size_t size = 0;
	for (size_t i = 0; i < escaped; i++) {
		key[size++] = row.data[i];
		if (row.data[i] == 0 && (++i == escaped || row.data[i] != 0xff))
			return false;
	}
	struct cursor cursor = cursor_over(bytes_from(row, escaped + 2));
	*ret_revision = (int64_t)~cursor_u64_be(&cursor);
	*ret_key = bytes_of(key, size);
	return true;
}

/* ---- tree ---- */

static struct bytes layout_branch(struct bytes parent, struct bytes name, struct arena *arena)
{
	check(parent.size <= LIMIT_KEY_BYTES);
	uint8_t *row = arena_take(arena, LENGTH_BYTES + parent.size + name.size);
	row[0] = (uint8_t)(parent.size >> 8);
	row[1] = (uint8_t)parent.size;
	if (parent.size != 0)
		memcpy(row + LENGTH_BYTES, parent.data, parent.size);
	if (name.size != 0)
		memcpy(row + LENGTH_BYTES + parent.size, name.data, name.size);
	return bytes_of(row, LENGTH_BYTES + parent.size + name.size);
}

struct bytes layout_tree(struct bytes prefix, struct arena *arena)
{
	check(layout_is_directory(prefix));
	struct bytes parent = layout_parent(prefix);
	struct bytes name = bytes_from(prefix, parent.size);
	return layout_branch(parent, bytes_of(name.data, name.size - 1), arena);
}

struct bytes layout_tree_children(struct bytes prefix, struct arena *arena)
{
	return layout_branch(prefix, BYTES_NONE, arena);
}

/* ---- meta ---- */

static struct bytes layout_numbered(char letter, uint64_t number, struct bytes rest, struct arena *arena)
{
	uint8_t *row = arena_take(arena, 1 + NUMBER_BYTES + rest.size);
	row[0] = (uint8_t)letter;
	layout_put_number(row + 1, number);
	if (rest.size != 0)
		memcpy(row + 1 + NUMBER_BYTES, rest.data, rest.size);
	return bytes_of(row, 1 + NUMBER_BYTES + rest.size);
}

struct bytes layout_state(void)
{
	return BYTES_LITERAL("A");
}

struct bytes layout_config(void)
{
	return BYTES_LITERAL("C");
}

struct bytes layout_swept(void)
{
	return BYTES_LITERAL("W");
}

struct bytes layout_sessions(void)
{
	return BYTES_LITERAL("s");
}

struct bytes layout_session(uint64_t session, struct arena *arena)
{
	return layout_numbered('s', session, BYTES_NONE, arena);
}

struct bytes layout_all_outcomes(void)
{
	return BYTES_LITERAL("o");
}

struct bytes layout_outcomes(uint64_t index, struct arena *arena)
{
	return layout_numbered('o', index, BYTES_NONE, arena);
}

struct bytes layout_members(void)
{
	return BYTES_LITERAL("m");
}

struct bytes layout_member(uint64_t member, struct arena *arena)
{
	return layout_numbered('m', member, BYTES_NONE, arena);
}

struct bytes layout_all_removed(void)
{
	return BYTES_LITERAL("r");
}

struct bytes layout_removed(uint64_t member, struct arena *arena)
{
	return layout_numbered('r', member, BYTES_NONE, arena);
}

struct bytes layout_leases(void)
{
	return BYTES_LITERAL("l");
}

struct bytes layout_lease(int64_t lease, struct arena *arena)
{
	return layout_numbered('l', (uint64_t)lease, BYTES_NONE, arena);
}

struct bytes layout_attached(int64_t lease, struct bytes key, struct arena *arena)
{
	return layout_numbered('k', (uint64_t)lease, key, arena);
}

struct bytes layout_all_attached(int64_t lease, struct arena *arena)
{
	return layout_numbered('k', (uint64_t)lease, BYTES_NONE, arena);
}

struct bytes layout_alarms(void)
{
	return BYTES_LITERAL("a");
}

struct bytes layout_alarm(uint64_t member, uint8_t kind, struct arena *arena)
{
	return layout_numbered('a', member, bytes_of(&kind, sizeof kind), arena);
}

bool layout_alarm_split(struct bytes row, uint64_t *ret_member, uint8_t *ret_kind)
{
	struct cursor cursor = cursor_over(row);
	cursor_u8(&cursor);
	*ret_member = cursor_u64_be(&cursor);
	*ret_kind = cursor_u8(&cursor);
	return cursor_is_done(&cursor);
}

uint64_t layout_number(struct bytes row)
{
	struct cursor cursor = cursor_over(row);
	cursor_u8(&cursor);
	return cursor_u64_be(&cursor);
}

struct bytes layout_attached_key(struct bytes row)
{
	check(row.size > 1 + NUMBER_BYTES);
	return bytes_from(row, 1 + NUMBER_BYTES);
}

/* ---- paths ---- */

bool layout_is_directory(struct bytes key)
{
	return key.size != 0 && key.data[key.size - 1] == '/';
}

static struct bytes layout_up_to_slash(struct bytes key, size_t size)
{
	while (size > 0 && key.data[size - 1] != '/')
		size--;
	return bytes_of(key.data, size);
}

struct bytes layout_home(struct bytes key)
{
	return layout_up_to_slash(key, key.size);
}

struct bytes layout_parent(struct bytes prefix)
{
	check(layout_is_directory(prefix));
	return layout_up_to_slash(prefix, prefix.size - 1);
}

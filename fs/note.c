/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/note.h"

#include "base/cursor.h"
#include "base/limits.h"

enum { NOTE_VERSION = 1 };

enum err note_encode(const struct note *note, struct buffer *buffer)
{
	if (note->path.size > LIMIT_KEY_BYTES || note->to.size > LIMIT_KEY_BYTES)
		return ERR_TOO_LARGE;
	uint8_t *head;
	enum err err = buffer_extend(buffer, 2, &head);
	if (err != ERR_OK)
		return err;
	head[0] = NOTE_VERSION;
	head[1] = (uint8_t)note->kind;
	buffer_put_u64(buffer, note->mount);
	buffer_put_varint(buffer, note->op);
	buffer_put_sized(buffer, note->path);
	buffer_put_sized(buffer, note->to);
	return ERR_OK;
}

/* A directory's key ends in '/', and so both ends of a rename agree on what it is. */
static bool note_is_sound(const struct note *note)
{
	if (note->kind < NOTE_CREATE || note->kind > NOTE_CREATE_OPEN || note->path.size == 0)
		return false;
	bool two = note->kind == NOTE_RENAME || note->kind == NOTE_EXCHANGE;
	return two == (note->to.size > 0);
}

enum err note_decode(struct bytes encoded, struct note *ret_note)
{
	struct cursor cursor = cursor_over(encoded);
	uint8_t version = cursor_u8(&cursor);
	if (version > NOTE_VERSION)
		return ERR_FORMAT_NEWER;
	struct note note = {.kind = (enum note_kind)cursor_u8(&cursor)};
	note.mount = cursor_u64(&cursor);
	note.op = cursor_varint(&cursor);
	note.path = cursor_sized(&cursor);
	note.to = cursor_sized(&cursor);
	if (version == 0 || !cursor_is_done(&cursor) || !note_is_sound(&note))
		return ERR_CORRUPT;
	*ret_note = note;
	return ERR_OK;
}

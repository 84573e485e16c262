/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

struct cursor cursor_over(struct bytes bytes)
{
	return (struct cursor){.rest = bytes};
}

bool cursor_is_done(const struct cursor *cursor)
{
	return !cursor->bad && cursor->rest.size == 0;
}

struct bytes cursor_bytes(struct cursor *cursor, size_t size)
{
	if (cursor->bad || size > cursor->rest.size) {
		cursor->bad = true;
		return BYTES_NONE;
	}
	struct bytes taken = bytes_of(cursor->rest.data, size);
	cursor->rest = bytes_from(cursor->rest, size);
	return taken;
}

static uint64_t cursor_little_endian(struct cursor *cursor, size_t size)
{
	struct bytes raw = cursor_bytes(cursor, size);
	uint64_t value = 0;
	for (size_t i = raw.size; i > 0; i--)
		value = value << 8 | raw.data[i - 1];
	return value;
}

uint8_t cursor_u8(struct cursor *cursor)
{
	return (uint8_t)cursor_little_endian(cursor, 1);
}

uint32_t cursor_u32(struct cursor *cursor)
{
	return (uint32_t)cursor_little_endian(cursor, 4);
}

uint64_t cursor_u64(struct cursor *cursor)
{
	return cursor_little_endian(cursor, 8);
}

uint64_t cursor_u64_be(struct cursor *cursor)
{
	struct bytes raw = cursor_bytes(cursor, 8);
	uint64_t value = 0;
	for (size_t i = 0; i < raw.size; i++)
		value = value << 8 | raw.data[i];
	return value;
}

uint64_t cursor_varint(struct cursor *cursor)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_u8(cursor);
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return cursor->bad ? 0 : value;
	}
	cursor->bad = true;
	return 0;
}

struct bytes cursor_sized(struct cursor *cursor)
{
	uint64_t size = cursor_varint(cursor);
	return cursor_bytes(cursor, size > SIZE_MAX ? SIZE_MAX : (size_t)size);
}

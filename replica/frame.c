/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/frame.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/proto.h"

static void frame_store_u32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

enum err frame_pack(const Peer__Envelope *envelope, struct buffer *buffer)
{
	check(envelope->body_case != PEER__ENVELOPE__BODY__NOT_SET);
	size_t size = peer__envelope__get_packed_size(envelope);
	uint8_t *room = NULL;
	if (size > FRAME_BODY_BYTES_MAX)
		return ERR_TOO_LARGE;
	enum err err = buffer_extend(buffer, FRAME_HEADER_BYTES + size, &room);
	if (err != ERR_OK)
		return err;
	size_t packed = peer__envelope__pack(envelope, room + FRAME_HEADER_BYTES);
	check(packed == size);
	frame_store_u32(room, (uint32_t)size);
	frame_store_u32(room + 4, crc32c(0, bytes_of(room + FRAME_HEADER_BYTES, size)));
	return ERR_OK;
}

enum err frame_split(struct bytes input, struct bytes *ret_body, size_t *ret_size)
{
	*ret_size = FRAME_HEADER_BYTES;
	if (input.size < FRAME_HEADER_BYTES)
		return ERR_NOT_FOUND;
	struct cursor cursor = cursor_over(input);
	uint32_t size = cursor_u32(&cursor), crc = cursor_u32(&cursor);
	if (size > FRAME_BODY_BYTES_MAX)
		return ERR_PROTOCOL;
	*ret_size = FRAME_HEADER_BYTES + (size_t)size;
	if (cursor.rest.size < size)
		return ERR_NOT_FOUND;
	struct bytes body = cursor_bytes(&cursor, size);
	if (crc32c(0, body) != crc)
		return ERR_PROTOCOL;
	*ret_body = body;
	return ERR_OK;
}

enum err frame_unpack(struct bytes body, struct arena *arena, Peer__Envelope **ret_envelope)
{
	ProtobufCAllocator allocator = proto_allocator(arena);
	Peer__Envelope *envelope = peer__envelope__unpack(&allocator, body.size, body.data);
	if (envelope == NULL || envelope->body_case == PEER__ENVELOPE__BODY__NOT_SET)
		return ERR_PROTOCOL;
	if (envelope->body_case == PEER__ENVELOPE__BODY_RAFT && envelope->raft->n_entries > FRAME_ENTRIES_MAX)
		return ERR_PROTOCOL;
	*ret_envelope = envelope;
	return ERR_OK;
}

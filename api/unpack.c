/* SPDX-License-Identifier: Apache-2.0 */
#include "api/unpack.h"

#include "base/cursor.h"
#include "base/proto.h"

/* protobuf's encoding: what a field's tag says of its length. */
enum wire { WIRE_VARINT = 0, WIRE_64_BITS = 1, WIRE_SIZED = 2, WIRE_32_BITS = 5 };

static bool unpack_is_shallow(const ProtobufCMessageDescriptor *type, struct bytes bytes, unsigned depth);

static bool unpack_skip(const ProtobufCMessageDescriptor *type, struct cursor *cursor, unsigned depth)
{
	const ProtobufCFieldDescriptor *field;
	uint64_t tag = cursor_varint(cursor);
	switch (tag & 7) {
	case WIRE_VARINT:
		cursor_varint(cursor);
		return true;
	case WIRE_64_BITS:
		cursor_bytes(cursor, 8);
		return true;
	case WIRE_32_BITS:
		cursor_bytes(cursor, 4);
		return true;
	case WIRE_SIZED:
		field = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
		if (field == NULL || field->type != PROTOBUF_C_TYPE_MESSAGE) {
			cursor_sized(cursor);
			return true;
		}
		return unpack_is_shallow(field->descriptor, cursor_sized(cursor), depth + 1);
	default:
		return false; /* a group: nobody sends them any more */
	}
}

static bool unpack_is_shallow(const ProtobufCMessageDescriptor *type, struct bytes bytes, unsigned depth)
{
	struct cursor cursor = cursor_over(bytes);
	if (depth > UNPACK_DEPTH_MAX)
		return false;
	while (cursor.rest.size > 0 && !cursor.bad)
		if (!unpack_skip(type, &cursor, depth))
			return false;
	return cursor_is_done(&cursor);
}

ProtobufCMessage *unpack_message(const ProtobufCMessageDescriptor *type, struct bytes bytes, struct arena *arena)
{
	ProtobufCAllocator allocator = proto_allocator(arena);
	if (!unpack_is_shallow(type, bytes, 1))
		return NULL;
	return protobuf_c_message_unpack(type, &allocator, bytes.size, bytes.data);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control.h"

#include <jansson.h>
#include <string.h>

#include "api/json.h"
#include "base/check.h"
#include "base/cursor.h"
#include "base/proto.h"

enum err control_put_frame(struct buffer *buffer, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	if (size > CONTROL_FRAME_BYTES_MAX)
		return ERR_TOO_LARGE;
	uint8_t *room;
	enum err err = buffer_extend(buffer, CONTROL_FRAME_HEAD_BYTES + size, &room);
	if (err != ERR_OK)
		return err;
	for (int at = 0; at < CONTROL_FRAME_HEAD_BYTES; at++)
		room[at] = (uint8_t)(size >> (8 * at));
	size_t packed = protobuf_c_message_pack(message, room + CONTROL_FRAME_HEAD_BYTES);
	check(packed == size);
	return ERR_OK;
}

enum err control_find_frame(struct bytes input, struct bytes *ret_body, size_t *ret_used)
{
	struct cursor cursor = cursor_over(input);
	size_t size = cursor_u32(&cursor);
	if (!cursor.bad && size > CONTROL_FRAME_BYTES_MAX)
		return ERR_TOO_LARGE;
	struct bytes body = cursor_bytes(&cursor, size);
	*ret_used = cursor.bad ? 0 : CONTROL_FRAME_HEAD_BYTES + size;
	if (!cursor.bad)
		*ret_body = body;
	return ERR_OK;
}

enum err control_unpack(const ProtobufCMessageDescriptor *type, struct bytes body, struct arena *arena,
                        ProtobufCMessage **ret_message)
{
	ProtobufCAllocator allocator = proto_allocator(arena);
	ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, body.size, body.data);
	if (message == NULL)
		return ERR_PROTOCOL;
	*ret_message = message;
	return ERR_OK;
}

struct bytes control_pack(const ProtobufCMessage *message, struct arena *arena)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = arena_take(arena, size);
	return bytes_of(data, protobuf_c_message_pack(message, data));
}

enum err control_err_of_name(const char *name)
{
	if (name[0] == '\0')
		return ERR_OK;
#define ERR_MATCH(word, text)                                                                                          \
	if (strcmp(name, #word) == 0)                                                                                  \
		return ERR_##word;
	ERR_LIST(ERR_MATCH)
#undef ERR_MATCH
	return ERR_PROTOCOL;
}

void control_print_json(FILE *file, const ProtobufCMessage *message, enum control_layout layout)
{
	json_t *json = json_of_message(message);
	json_dumpf(json, file, layout == CONTROL_INDENTED ? JSON_INDENT(2) : JSON_COMPACT);
	fputc('\n', file);
	json_decref(json);
}

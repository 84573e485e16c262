/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/helper_call.h"

#include <string.h>

#include "base/cursor.h"

static void place_encode(const struct helper_place *place, struct buffer *buffer)
{
	buffer_put_u64(buffer, place->directory);
	buffer_put_sized(buffer, bytes_of(place->path, strlen(place->path) + 1));
	buffer_put_sized(buffer, bytes_of(place->name, strlen(place->name) + 1));
}

static bool place_fits(const struct helper_place *place)
{
	return strlen(place->path) <= HELPER_PATH_BYTES && strlen(place->name) <= HELPER_NAME_BYTES;
}

enum err helper_call_encode(const struct helper_call *call, struct buffer *buffer)
{
	if (!place_fits(&call->at) || !place_fits(&call->to))
		return ERR_TOO_LARGE;
	buffer_put_u32(buffer, call->number);
	buffer_put_u8(buffer, (uint8_t)call->kind);
	buffer_put_u32(buffer, call->type);
	place_encode(&call->at, buffer);
	place_encode(&call->to, buffer);
	return ERR_OK;
}

/* The zero at the end came with it. NULL when it did not. */
static const char *string_decode(struct cursor *cursor)
{
	struct bytes bytes = cursor_sized(cursor);
	if (bytes.size == 0 || memchr(bytes.data, 0, bytes.size) != bytes.data + bytes.size - 1)
		return NULL;
	return (const char *)bytes.data;
}

static bool place_decode(struct cursor *cursor, struct helper_place *ret_place)
{
	ret_place->directory = cursor_u64(cursor);
	ret_place->path = string_decode(cursor);
	ret_place->name = string_decode(cursor);
	return ret_place->path != NULL && ret_place->name != NULL;
}

enum err helper_call_decode(struct bytes encoded, struct helper_call *ret_call)
{
	struct cursor cursor = cursor_over(encoded);
	struct helper_call call = {.number = cursor_u32(&cursor)};
	uint8_t kind = cursor_u8(&cursor);
	call.type = cursor_u32(&cursor);
	bool whole = place_decode(&cursor, &call.at) && place_decode(&cursor, &call.to);
	if (!whole || !cursor_is_done(&cursor) || kind <= HELPER_READY || kind > HELPER_STAT)
		return ERR_CORRUPT;
	call.kind = kind;
	*ret_call = call;
	return ERR_OK;
}

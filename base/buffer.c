/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

void buffer_init(struct buffer *buffer, size_t size_max)
{
	*buffer = (struct buffer){.size_max = size_max};
}

void buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
	return bytes_of(buffer->data, buffer->size);
}

enum err buffer_extend(struct buffer *buffer, size_t size, uint8_t **ret_room)
{
	check(buffer->size <= buffer->size_max);
	if (size > buffer->size_max - buffer->size)
		return ERR_TOO_LARGE;
	if (buffer->data == NULL || buffer->size + size > buffer->capacity) {
		size_t capacity = buffer->capacity * 2 < 64 ? 64 : buffer->capacity * 2;
		if (capacity < buffer->size + size)
			capacity = buffer->size + size;
		buffer->data = memory_resize(buffer->data, capacity, 1);
		buffer->capacity = capacity;
	}
	*ret_room = buffer->data + buffer->size;
	buffer->size += size;
	return ERR_OK;
}

enum err buffer_append(struct buffer *buffer, struct bytes bytes)
{
	uint8_t *room = NULL;
	enum err err = buffer_extend(buffer, bytes.size, &room);
	if (err == ERR_OK && bytes.size != 0)
		memcpy(room, bytes.data, bytes.size);
	return err;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
	check(count <= buffer->size);
	buffer->size -= count;
	if (buffer->size != 0 && count != 0)
		memmove(buffer->data, buffer->data + count, buffer->size);
}

void buffer_put(struct buffer *buffer, struct bytes bytes)
{
	enum err err = buffer_append(buffer, bytes);
	check(err == ERR_OK);
}

void buffer_put_u8(struct buffer *buffer, uint8_t value)
{
	buffer_put(buffer, bytes_of(&value, 1));
}

void buffer_put_u32(struct buffer *buffer, uint32_t value)
{
	uint8_t raw[4];
	for (int i = 0; i < 4; i++)
		raw[i] = (uint8_t)(value >> (8 * i));
	buffer_put(buffer, bytes_of(raw, sizeof raw));
}

void buffer_put_u64(struct buffer *buffer, uint64_t value)
{
	uint8_t raw[8];
	for (int i = 0; i < 8; i++)
		raw[i] = (uint8_t)(value >> (8 * i));
	buffer_put(buffer, bytes_of(raw, sizeof raw));
}

void buffer_put_u64_be(struct buffer *buffer, uint64_t value)
{
	uint8_t raw[8];
	for (int i = 0; i < 8; i++)
		raw[i] = (uint8_t)(value >> (56 - 8 * i));
	buffer_put(buffer, bytes_of(raw, sizeof raw));
}

void buffer_put_varint(struct buffer *buffer, uint64_t value)
{
	uint8_t raw[10];
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		raw[size++] = (uint8_t)(value | 0x80);
	raw[size++] = (uint8_t)value;
	buffer_put(buffer, bytes_of(raw, size));
}

void buffer_put_sized(struct buffer *buffer, struct bytes bytes)
{
	buffer_put_varint(buffer, bytes.size);
	buffer_put(buffer, bytes);
}

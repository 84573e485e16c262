/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes that cannot be made without a maximum. Appending past the maximum fails and
 * leaves the buffer as it was. Integers are little-endian unless the name says otherwise.
 */
#pragma once

#include "base/bytes.h"
#include "base/err.h"

struct buffer {
	uint8_t *data;
	size_t size, capacity, size_max;
};

void buffer_init(struct buffer *buffer, size_t size_max);
void buffer_fini(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* keeps the memory */
struct bytes buffer_bytes(const struct buffer *buffer);

/* ERR_TOO_LARGE past the maximum. */
enum err buffer_append(struct buffer *buffer, struct bytes bytes) MUST_USE;
/* Room for `size` more bytes at the end; *ret_room is valid until the next call, size grows by `size`. */
enum err buffer_extend(struct buffer *buffer, size_t size, uint8_t **ret_room) MUST_USE;
/* Drops the first `count` bytes. */
void buffer_consume(struct buffer *buffer, size_t count);

/* For buffers whose maximum the caller has proven to suffice: running over is a programming error. */
void buffer_put(struct buffer *buffer, struct bytes bytes);
void buffer_put_u8(struct buffer *buffer, uint8_t value);
void buffer_put_u32(struct buffer *buffer, uint32_t value);
void buffer_put_u64(struct buffer *buffer, uint64_t value);
void buffer_put_u64_be(struct buffer *buffer, uint64_t value); /* sorts as its number */
void buffer_put_varint(struct buffer *buffer, uint64_t value); /* LEB128, as protobuf's */
/* varint length, then the bytes */
void buffer_put_sized(struct buffer *buffer, struct bytes bytes);

#define AUTO_BUFFER __attribute__((cleanup(buffer_fini)))

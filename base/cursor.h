/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checked reader over borrowed bytes: the one way to decode our own binary formats. The first read that
 * runs over the end, or meets a malformed varint, makes the cursor bad; every later read then gives zero or
 * nothing. So a decoder reads all its fields and asks cursor_is_done() once, at the end.
 */
#pragma once

#include "base/bytes.h"

struct cursor {
	struct bytes rest;
	bool bad;
};

struct cursor cursor_over(struct bytes bytes);
/* Everything was read, and nothing was bad. */
bool cursor_is_done(const struct cursor *cursor);

uint8_t cursor_u8(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);
uint64_t cursor_u64(struct cursor *cursor);
uint64_t cursor_u64_be(struct cursor *cursor);
uint64_t cursor_varint(struct cursor *cursor);
struct bytes cursor_bytes(struct cursor *cursor, size_t size); /* borrowed from the input */
struct bytes cursor_sized(struct cursor *cursor);              /* varint length, then bytes */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: how a peer__Envelope lies in a stream. [u32 size of the body][u32 crc32c of the body][body], little-endian; the
 * body is the packed envelope. Pure: no I/O. docs/wire-format.md has the whole.
 */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/limits.h"
#include "replica/peer.pb-c.h"

enum {
	FRAME_HEADER_BYTES = 8,
	/* One entry at its ceiling, or many that fill an append, with what surrounds them. */
	FRAME_BODY_BYTES_MAX = LIMIT_ENTRY_BYTES + (1 << 20),
	/* Entries in one append: a frame of empty entries must not become a thousand times its size in memory. */
	FRAME_ENTRIES_MAX = 16384,
};

/* Appends one frame. ERR_TOO_LARGE: more than a frame or the buffer can hold; the buffer is as it was. */
enum err frame_pack(const Peer__Envelope *envelope, struct buffer *buffer) MUST_USE;

/* The body of the frame that `input` begins with, borrowed; *ret_size: of the whole frame. ERR_NOT_FOUND: more bytes are
 * needed, *ret_size of them in all as far as one can tell. ERR_PROTOCOL: too long, or the checksum is wrong. */
enum err frame_split(struct bytes input, struct bytes *ret_body, size_t *ret_size) MUST_USE;

/* Everything in *ret_envelope lives in the arena. ERR_PROTOCOL: no envelope, or one without a body. */
enum err frame_unpack(struct bytes body, struct arena *arena, Peer__Envelope **ret_envelope) MUST_USE;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control protocol, for both of its ends: frames, messages, addresses, and messages as JSON. The messages themselves
 * are in api/control.proto.
 */
#pragma once

#include <stdio.h>

#include "api/control.pb-c.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/limits.h"

enum {
	CONTROL_FRAME_HEAD_BYTES = 4,
	/* One value at its ceiling with its key, in an envelope. */
	CONTROL_FRAME_BYTES_MAX = LIMIT_ENTRY_BYTES,
	/* Entries or changes in one answer; more are asked for with another call. */
	CONTROL_PAGE_MAX = 1000,
};

/* ERR_TOO_LARGE past CONTROL_FRAME_BYTES_MAX or the buffer's own maximum. */
enum err control_put_frame(struct buffer *buffer, const ProtobufCMessage *message) MUST_USE;
/* The first frame of `input`: *ret_body is borrowed from it, and *ret_used bytes are to be consumed. *ret_used is 0 when
 * the frame is not whole yet. ERR_TOO_LARGE as soon as its size is known. */
enum err control_find_frame(struct bytes input, struct bytes *ret_body, size_t *ret_used) MUST_USE;
/* What it points to lives in the arena. ERR_PROTOCOL. */
enum err control_unpack(const ProtobufCMessageDescriptor *type, struct bytes body, struct arena *arena,
                        ProtobufCMessage **ret_message) MUST_USE;
/* Packed into the arena. */
struct bytes control_pack(const ProtobufCMessage *message, struct arena *arena);

/* A condition by its name in an answer; one that this program does not know is ERR_PROTOCOL. "" is ERR_OK. */
enum err control_err_of_name(const char *name);

/* A path may be longer than the address of a socket (108 bytes): both calls cope. The socket is close-on-exec and
 * blocking. ERR_NOT_FOUND: no such socket; ERR_UNREACHABLE: nobody listens; ERR_PERMISSION, ERR_BUSY, ERR_IO. Not logged. */
enum err control_connect(const char *path, int *ret_fd) MUST_USE;
/* Takes the place of a socket that a dead daemon left: the caller holds the data directory's lock. Mode 0600. */
enum err control_listen(const char *path, int *ret_fd) MUST_USE;

enum control_layout { CONTROL_INDENTED, CONTROL_ONE_LINE };
/* The message as JSON: see api/json.h for how fields become members. */
void control_print_json(FILE *file, const ProtobufCMessage *message, enum control_layout layout);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from and to JSON as protobuf has it, by protobuf-c's descriptors: one reader and one writer for all messages, with no
 * field names in them. (The command line's JSON is another one: api/json.h.)
 *
 * Written: names as in the .proto file, 64-bit integers as strings, bytes in base64, enumerations by name; what is not set, or has the
 * value that it has when it is not set, is left out, but members of a oneof are there.
 * Read: those names, and lowerCamelCase; integers of any size as numbers or strings; bytes in either alphabet of base64, with padding or
 * without; enumerations by name or number; null as if it were not there. Fields that nobody knows are passed over, and so are
 * names of enumerations that nobody knows.
 *
 * Sources: the ProtoJSON format of protobuf's documentation; its Go implementation for what that leaves open, and for the words.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/buffer.h"

enum {
	PROTO_JSON_DEPTH_MAX = 300,      /* messages within messages: a transaction of etcd's has 256 at most */
	PROTO_JSON_VALUES_MAX = 1 << 16, /* of one text: each takes some hundred bytes while it is read */
};

/* One message from one JSON value, which may have anything behind it; without a value the message is empty. All in the arena.
 * ERR_INVALID: *ret_why says what is wrong. */
enum err proto_json_read(const ProtobufCMessageDescriptor *type, struct bytes text, struct arena *arena,
                         ProtobufCMessage **ret_message, const char **ret_why) MUST_USE;

/* ERR_TOO_LARGE: the buffer is full; it is as it was. */
enum err proto_json_write(struct buffer *buffer, const ProtobufCMessage *message) MUST_USE;
/* A string in quotes, as JSON has it; what is no UTF-8 of it is replaced. */
enum err proto_json_write_string(struct buffer *buffer, const char *text) MUST_USE;

/*
 * Where the values end in a text that comes in pieces: a request that is a stream of messages. Values are objects.
 */
struct proto_json_cutter {
	size_t seen; /* bytes of the text that were looked at */
	unsigned depth;
	bool in_string, escaped;
};

/* Looks at what of the text is new. True: an object ends at *ret_size, and the cutter is ready for what is behind it. A text that
 * does not begin like an object ends at its first byte, so that reading it tells what it is. */
bool proto_json_cut(struct proto_json_cutter *cutter, struct bytes text, size_t *ret_size);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a server of gRPC, for measuring: calls are memory that is used again and again, nothing is parsed but what is
 * needed, what several calls send goes out in one write. Not thread-safe. Whatever goes wrong with the connection ends the process.
 */
#pragma once

#include <nghttp2/nghttp2.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"

enum { CHANNEL_OK = 0, CHANNEL_BROKEN = -1 /* the stream was reset, or ended without a status */ };

struct channel_call;

struct channel_user {
	/* A message of the answer, whole; lent. */
	void (*came)(struct channel_call *call, struct bytes message);
	/* code: gRPC's, or CHANNEL_BROKEN. The call may be begun again. */
	void (*ended)(struct channel_call *call, int code);
};

struct channel {
	int fd;
	char *address;
	nghttp2_session *session;
	struct buffer output;
	bool ready; /* the server's settings came */
};

/* One call at a time. */
struct channel_call {
	struct channel *channel;
	const struct channel_user *user;
	void *state;           /* the user's */
	struct buffer request; /* messages as they are framed */
	struct buffer answer;
	size_t sent;
	bool stays_open; /* the client's side is not closed: a stream */
	int code;
	uint64_t begun_ns;
};

/* HOST:PORT. Waits until the server speaks HTTP/2. */
void channel_open(struct channel *channel, const char *address);
void channel_close(struct channel *channel);
/* All that has come; calls the users. */
void channel_receive(struct channel *channel);
/* As much as the socket takes; the rest when it says that it takes more. */
void channel_flush(struct channel *channel);

void channel_call_init(struct channel_call *call, struct channel *channel, const struct channel_user *user,
                       void *state);
void channel_call_fini(struct channel_call *call);
/* Before it is begun. */
void channel_call_add(struct channel_call *call, const ProtobufCMessage *message);
/* path: lives as long as the call. Goes out with the next channel_flush(). */
void channel_call_begin(struct channel_call *call, const char *path);

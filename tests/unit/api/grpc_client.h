/* SPDX-License-Identifier: Apache-2.0 */
/* A client of gRPC, on nghttp2's client side: calls are begun, fed and looked at one by one, so that a test can stop anywhere. */
#pragma once

#include <nghttp2/nghttp2.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/buffer.h"

enum { CLIENT_MESSAGES_MAX = 256 };

struct client {
	int fd;
	nghttp2_session *session;
	struct arena arena;
	struct client_call *newest;
	bool closed;     /* by the server */
	uint32_t goaway; /* its error code; UINT32_MAX: none came */
	unsigned settings;
};

struct client_call {
	struct client *client;
	struct client_call *older;
	int32_t id;
	struct buffer sends; /* what is still to be sent */
	bool sends_end;      /* and that is all */
	struct buffer came;
	struct bytes messages[CLIENT_MESSAGES_MAX];
	size_t message_count;
	int http_status, code; /* -1: none came */
	char message[256];
	bool plain;       /* the answer is none of gRPC: what came of it is text */
	const char *text; /* when it is closed */
	bool closed;
	uint32_t error_code; /* of the stream */
};

void client_open(struct client *client, int fd);
void client_close(struct client *client);
/* extra: name, value, ..., NULL; a name that is there already has another value. */
struct client_call *client_begin(struct client *client, const char *path, const char *const *extra);
void client_send(struct client_call *call, const ProtobufCMessage *message);
void client_send_raw(struct client_call *call, struct bytes bytes);
void client_end(struct client_call *call);
void client_reset(struct client_call *call);
void client_ping(struct client *client);
/* Sends what there is, and takes what comes. False: the server has hung up. */
bool client_turn(struct client *client);
/* Sends and receives until it holds; fails the test when the server hangs up before, or nothing comes for some seconds. */
void client_until_closed(struct client_call *call);
bool client_until_over(struct client_call *call); /* false: the server hung up before */
void client_until_messages(struct client_call *call, size_t count);
void client_until_hung_up(struct client *client);
/* The next line of a plain answer, without its end. */
const char *client_line(struct client_call *call);
/* One unary call from its beginning to its end. */
struct client_call *client_ask(struct client *client, const char *path, const ProtobufCMessage *request);
const void *client_message(const struct client_call *call, size_t at, const ProtobufCMessageDescriptor *type);

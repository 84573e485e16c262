/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to the daemon, for one call. What goes wrong is said on standard error, once, with what to do about it. */
#pragma once

#include "api/control.h"
#include "cli/command.h"

struct client {
	int fd;
	const char *path;    /* of the socket */
	uint32_t timeout_ms; /* how long the daemon waits for the others; 0: as it is configured */
	struct buffer input;
	struct arena *arena;
};

/* EXIT_NO_CONNECTION, EXIT_USAGE. The invocation is borrowed for the life of the client. */
enum cli_exit client_open(const struct invocation *invocation, struct arena *arena, struct client *ret_client) MUST_USE;
void client_close(struct client *client);

enum client_patience { CLIENT_PATIENT, CLIENT_IMPATIENT }; /* the daemon may have to wait for the others, or not */

/* Sends the call. */
enum cli_exit client_send(struct client *client, const char *method, bool local,
                          const ProtobufCMessage *request) MUST_USE;
/* The next answer's response, in `arena`. patience_ms < 0: as long as it takes. */
enum cli_exit client_receive(struct client *client, const ProtobufCMessageDescriptor *type, int patience_ms,
                             struct arena *arena, ProtobufCMessage **ret_response) MUST_USE;

struct client_call {
	const char *method;
	const ProtobufCMessage *request;
	const ProtobufCMessageDescriptor *response;
	enum client_patience patience;
};
/* Opens, calls, closes. */
enum cli_exit client_ask(const struct invocation *invocation, const struct client_call *call, struct arena *arena,
                         ProtobufCMessage **ret_response) MUST_USE;

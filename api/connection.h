/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's connection: a socket, what has come and what is to be sent, and the times that it may take. What the bytes
 * mean is its protocol's business. All on the api role.
 *
 * A stranger chooses how slowly bytes come and go, so each wait has an end: for a request to be whole, for the next one to
 * begin, and for an answer to be fetched. While a request is under way here (busy) nothing is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/reactor.h"
#include "base/buffer.h"

struct connection;

struct connection_protocol {
	const char *name;
	size_t connections_max;
	size_t input_bytes_max;  /* a request may be this large */
	size_t output_bytes_max; /* and so much may wait to be fetched */
	uint64_t request_ms_max; /* from the first byte of a request to its last */
	uint64_t idle_ms_max;    /* between requests; 0: for ever */
	uint64_t stalled_ms_max; /* that no byte of the output is fetched */
	void (*opened)(struct connection *connection);
	/* There is new input: takes whole requests off it (buffer_consume) until connection_is_busy(). */
	void (*received)(struct connection *connection);
	/* The output has been fetched; a stream may go on. */
	void (*drained)(struct connection *connection);
	/* Once a second or so; it may close the connection. May be NULL. */
	void (*swept)(struct connection *connection, uint64_t now_ns);
	/* The socket is gone; the memory is given up after the call. */
	void (*closed)(struct connection *connection);
};

struct connection_set;

struct connection {
	struct reactor_source source;
	struct reactor_task task; /* frees it */
	struct connection_set *set;
	const struct connection_protocol *protocol; /* the set's, or what it became */
	struct connection *next, *previous;
	struct buffer input, output;
	size_t output_sent; /* of the output's front */
	uint64_t begun_ns;  /* when the first byte of the request came; 0: there is none */
	uint64_t moved_ns;  /* when a byte last came or went */
	bool busy;          /* a request is under way */
	bool listens;       /* a request is under way, and its client is listened to */
	bool held;          /* the protocol takes nothing more for now: nothing is read */
	bool receiving;     /* the protocol's received() runs */
	bool ended;         /* the client sends nothing more */
	bool finishing;     /* to be closed when the output is fetched */
	bool closed;
	void *state; /* the protocol's */
};

/* All connections of one protocol. `context` is the protocol's. */
struct connection_set {
	struct reactor *reactor;
	const struct connection_protocol *protocol;
	void *context;
	struct connection *first;
	size_t count;
	uint64_t accepted;             /* in the life of the process */
	struct reactor_source sweeper; /* a timer, that runs while there are connections */
};

enum err connection_set_init(struct connection_set *set, struct reactor *reactor,
                             const struct connection_protocol *protocol,
                             void *context) MUST_USE; /* ERR_LIMIT: no descriptors */
/* Closes all connections. The loop has stopped; reactor_free() gives their memory up. */
void connection_set_fini(struct connection_set *set);

/* The descriptor, non-blocking, is taken; closed at once when there are too many. */
void connection_open(struct connection_set *set, int fd);
/* It turned out to speak another one: what has come already is still there. From within received(), which then hands on. */
void connection_become(struct connection *connection, const struct connection_protocol *protocol);
void connection_close(struct connection *connection);
/* Closes it when what is to be sent has been sent. */
void connection_finish(struct connection *connection);

/* The request is whole: nothing is read until connection_resume(), which sends the answer, and hands over what has come
 * meanwhile (from within received(), it leaves that to its caller). */
void connection_pause(struct connection *connection);
/* A request is under way that its client may still say something to, or give up by going away: what comes is handed over, until
 * connection_resume(). No time is waited for but that of the output. */
void connection_listen(struct connection *connection);
void connection_resume(struct connection *connection);
bool connection_is_busy(const struct connection *connection);

/* Where what is to be sent is appended: without what was sent already, so that all of the limit is there for what waits. */
struct buffer *connection_output(struct connection *connection);
/* Sends what was appended to its output. */
void connection_flush(struct connection *connection);
/* Bytes that wait to be fetched. */
size_t connection_backlog_bytes(const struct connection *connection);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC over HTTP/2 on the client port (nghttp2): a session for each connection, a stream for each call. The context of its connections is
 * the service. What the calls do is in their rows (api/rpc.h). A request that is no call of gRPC is an exchange (api/exchange.h).
 *
 * A stranger chooses how much it sends and how slowly it fetches: each size, number and time has a bound here. What has come for
 * calls that are not whole yet is bounded by the window of the connection, which is opened again only as messages are handed over.
 * Floods of streams that are begun and given up, of settings and of what must be acknowledged are the library's to end.
 *
 * Sources: RFC 9113, gRPC's PROTOCOL-HTTP2, and grpc-go for the words and for the enforcement of pings, which etcd's clients are made for.
 */
#pragma once

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

#include "api/connection.h"
#include "api/exchange.h"
#include "api/rpc.h"

enum {
	GRPC_STREAMS_MAX = 4096, /* at once, of a connection: a client of Kubernetes has some hundred watches on one */
	GRPC_HEAD_BYTES_MAX = 16 << 10, /* of the headers of a call, as counted by RFC 9113 §6.5.2 */
	GRPC_WINDOW_BYTES = 8 << 20,    /* of messages of a connection that are not whole; one at least */
	GRPC_STREAM_WINDOW_BYTES = 1 << 20,
	GRPC_OUTPUT_BYTES = 256 << 10,   /* handed to the socket's side ahead of it: the rest waits in the streams */
	GRPC_ANSWER_BYTES_MAX = 1 << 30, /* of what waits in one stream: one unary answer */
	GRPC_FRAME_HEAD_BYTES = 5,       /* compressed or not, and the length */
	GRPC_REQUEST_MS_MAX = 30 * 1000, /* from the headers of a unary call to the end of its request */
	GRPC_PING_MS_MIN = 5 * 1000,     /* between a client's pings, while it has calls */
	GRPC_PING_IDLE_MS_MIN = 2 * 3600 * 1000,
	GRPC_PING_STRIKES_MAX = 2,
	GRPC_PROBE_MS = 2 * 3600 * 1000, /* of silence, before a client is asked whether it is there */
	GRPC_PROBE_ANSWER_MS = 20 * 1000,
};

/* What HTTP/2 begins with: RFC 9113 §3.4. */
#define GRPC_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

extern const struct connection_protocol grpc_protocol;

struct grpc_stream;
LIST_HEAD(grpc_streams, grpc_stream);

/* One connection. */
struct grpc {
	struct reactor_task flush;     /* at the end of the loop's turn: all that was answered in it goes out at once */
	struct connection *connection; /* NULL: closed, and freed by the flush */
	const struct service *service;
	nghttp2_session *session;
	struct grpc_streams streams;
	size_t stream_count;
	bool flushing;                           /* the task is posted */
	bool fetched;                            /* much of what a row waits for */
	bool ending;                             /* a GOAWAY is on its way; then the connection ends */
	uint64_t heard_ns, pinged_ns, probed_ns; /* probed: 0 or when an answer began to be waited for */
	unsigned strikes;
};

/* ---- grpc_stream.c ---- */

struct grpc_stream {
	LIST_ENTRY(grpc_stream) next;
	struct grpc *grpc;
	int32_t id;
	uint64_t begun_ns;
	struct arena arena; /* of the head */
	const char *path;   /* NULL: none came */
	const char *method;
	bool is_grpc, encoded, require_leader;
	struct http_fields fields;
	struct rpc_call *call;     /* NULL: not begun, or over */
	struct exchange *exchange; /* of a request that is no call of gRPC; NULL: as call */
	struct buffer input;
	size_t held_bytes; /* of the connection's window */
	bool half_closed;  /* the client has sent all */
	bool over;         /* it was answered to the end */
	struct buffer output;
	size_t output_sent;
	size_t answer_bytes; /* of a unary answer: counted until it was fetched */
	bool headed;         /* the headers of the answer are on their way */
	bool deferred;       /* nothing was there to be sent */
	struct rpc_status status;
};

/* Of a connection. */
size_t grpc_window_bytes(const struct service *service);
struct grpc_stream *grpc_stream_new(struct grpc *grpc, int32_t id);
/* Its stream is closed: the call is abandoned if it is not over. */
void grpc_stream_free(struct grpc_stream *stream);
/* A field of the head. ERR_INVALID: it cannot be. */
enum err grpc_stream_field(struct grpc_stream *stream, struct bytes name, struct bytes value) MUST_USE;
/* The head is whole: the call begins, or is refused. */
void grpc_stream_begin(struct grpc_stream *stream);
void grpc_stream_received(struct grpc_stream *stream, struct bytes data);
void grpc_stream_half_closed(struct grpc_stream *stream);
void grpc_stream_finish(struct grpc_stream *stream, const struct rpc_status *status);

/* The answer's headers; what is in the output follows, unless there is nothing, and will be nothing. */
void grpc_stream_submit(struct grpc_stream *stream, const nghttp2_nv *fields, size_t count);
/* Something more is in the output, or it is over. */
void grpc_stream_resume(struct grpc_stream *stream);
/* The connection's window is opened again for what was taken. */
void grpc_stream_release(struct grpc_stream *stream, size_t size);
nghttp2_nv grpc_field(const char *name, const char *value);

/* ---- grpc_http.c ---- */

void grpc_http_begin(struct grpc_stream *stream);
void grpc_http_received(struct grpc_stream *stream, struct bytes data);
void grpc_http_half_closed(struct grpc_stream *stream);
void grpc_http_abandon(struct grpc_stream *stream);

/* ---- grpc.c ---- */

/* Something is to be sent; it goes out at the end of the turn. */
void grpc_flush_later(struct grpc *grpc);

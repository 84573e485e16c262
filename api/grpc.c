/* SPDX-License-Identifier: Apache-2.0 */
/* The connection's side: the session of nghttp2, what it calls, and what goes in and out. */
#include "api/grpc.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

/* ---- out ---- */

/* Hands what the session has to the socket's side, as far as that has room. False: the session is over. */
static bool grpc_pull(struct grpc *grpc)
{
	struct connection *connection = grpc->connection;
	while (connection_backlog_bytes(connection) < GRPC_OUTPUT_BYTES) {
		const uint8_t *data;
		ssize_t size = nghttp2_session_mem_send(grpc->session, &data);
		if (size < 0)
			return false;
		if (size == 0)
			break;
		if (buffer_append(connection_output(connection), bytes_of(data, (size_t)size)) != ERR_OK)
			return false;
	}
	return true;
}

/* A row that waits for room goes on once its client has fetched most of what waited. */
static void grpc_wake_rows(struct grpc *grpc)
{
	grpc->fetched = false;
	for (struct grpc_stream *stream = LIST_FIRST(&grpc->streams), *next; stream != NULL; stream = next) {
		next = LIST_NEXT(stream, next);
		if (stream->call != NULL && rpc_room_is_made(stream->call))
			rpc_drained(stream->call);
		else if (stream->exchange != NULL)
			exchange_drained(stream->exchange);
	}
}

static bool grpc_is_over(const struct grpc *grpc)
{
	return nghttp2_session_want_read(grpc->session) == 0 && nghttp2_session_want_write(grpc->session) == 0;
}

/* The socket took all, and there is more, or rows have room for more: after the others on the loop have had their turn. What the
 * socket has not taken yet is gone on with when it is drained. */
static void grpc_go_on(struct grpc *grpc)
{
	if (grpc->flushing || grpc->connection == NULL || connection_backlog_bytes(grpc->connection) > 0)
		return;
	grpc->flushing = true;
	reactor_post(grpc->service->reactor, &grpc->flush);
}

static void grpc_flush(struct grpc *grpc)
{
	struct connection *connection = grpc->connection;
	if (!grpc_pull(grpc)) {
		connection_close(connection);
		return;
	}
	bool full = connection_backlog_bytes(connection) >= GRPC_OUTPUT_BYTES;
	if (grpc_is_over(grpc))
		connection_finish(connection);
	else
		connection_flush(connection);
	if (full || grpc->fetched)
		grpc_go_on(grpc);
}

static void grpc_free(struct grpc *grpc)
{
	nghttp2_session_del(grpc->session);
	free(grpc);
}

static void grpc_flush_run(struct reactor_task *task)
{
	struct grpc *grpc = (struct grpc *)task;
	if (grpc->connection != NULL && grpc->fetched)
		grpc_wake_rows(grpc);
	grpc->flushing = false; /* what the rows have sent goes out now */
	if (grpc->connection == NULL)
		grpc_free(grpc);
	else
		grpc_flush(grpc);
}

void grpc_flush_later(struct grpc *grpc)
{
	if (grpc->flushing)
		return;
	grpc->flushing = true;
	reactor_defer(grpc->service->reactor, &grpc->flush);
}

/* ---- what a client may not do ---- */

static int grpc_end(struct grpc *grpc, uint32_t code, const char *why)
{
	if (grpc->ending)
		return 0;
	grpc->ending = true;
	log_info("grpc_client_refused", "reason=\"%s\"", why);
	int failed = nghttp2_session_terminate_session2(grpc->session,
	                                                nghttp2_session_get_last_proc_stream_id(grpc->session), code);
	grpc_flush_later(grpc);
	return failed == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* As grpc-go enforces it: too many pings are a client that keeps itself and us busy. */
static int grpc_pinged(struct grpc *grpc)
{
	uint64_t now_ns = clock_steady_ns();
	uint64_t least_ms = grpc->stream_count != 0 ? GRPC_PING_MS_MIN : GRPC_PING_IDLE_MS_MIN;
	bool soon = grpc->pinged_ns != 0 && now_ns - grpc->pinged_ns < least_ms * CLOCK_NS_PER_MS;
	grpc->pinged_ns = now_ns;
	grpc->strikes += soon;
	if (grpc->strikes <= GRPC_PING_STRIKES_MAX)
		return 0;
	return grpc_end(grpc, NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings");
}

/* ---- what the session calls ---- */

static struct grpc_stream *grpc_stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

static int grpc_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct grpc *grpc = user_data;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	struct grpc_stream *stream = grpc_stream_new(grpc, frame->hd.stream_id);
	int failed = nghttp2_session_set_stream_user_data(session, stream->id, stream);
	check(failed == 0);
	return 0;
}

static int grpc_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
                          const uint8_t *value, size_t value_size, uint8_t flags, void *user_data)
{
	struct grpc_stream *stream = grpc_stream_of(session, frame->hd.stream_id);
	if (frame->hd.type != NGHTTP2_HEADERS || stream == NULL || stream->call != NULL)
		return 0;
	enum err err = grpc_stream_field(stream, bytes_of(name, name_size), bytes_of(value, value_size));
	return err == ERR_OK ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* the stream is reset */
}

static int grpc_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
                        void *user_data)
{
	struct grpc_stream *stream = grpc_stream_of(session, id);
	int failed = nghttp2_session_consume_stream(session, id, size);
	if (stream != NULL)
		grpc_stream_received(stream, bytes_of(data, size));
	else if (failed == 0)
		failed = nghttp2_session_consume_connection(session, size);
	return failed == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int grpc_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct grpc *grpc = user_data;
	struct grpc_stream *stream = grpc_stream_of(session, frame->hd.stream_id);
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
		return grpc_pinged(grpc);
	if (stream == NULL)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		grpc_stream_begin(stream);
	bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
	if (ends && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
		grpc_stream_half_closed(stream);
	return 0;
}

/* RFC 9113 §8.1: an answer may be whole before its request; then the client is told to send no more. */
static int grpc_on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct grpc *grpc = user_data;
	if (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) {
		grpc->strikes = 0;
		grpc->pinged_ns = 0;
	}
	struct grpc_stream *stream = grpc_stream_of(session, frame->hd.stream_id);
	bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
	            (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	if (!ends || stream == NULL || stream->half_closed)
		return 0;
	return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR) == 0
	           ? 0
	           : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int grpc_on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user_data)
{
	struct grpc_stream *stream = grpc_stream_of(session, id);
	if (stream != NULL)
		grpc_stream_free(stream);
	return 0;
}

/* ---- the connection ---- */

static nghttp2_session *grpc_session(struct grpc *grpc)
{
	nghttp2_session *session;
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int failed = nghttp2_session_callbacks_new(&callbacks) | nghttp2_option_new(&option);
	check(failed == 0); /* memory alone */
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, grpc_on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, grpc_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, grpc_on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, grpc_on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, grpc_on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, grpc_on_close);
	nghttp2_option_set_no_auto_window_update(option, 1);
	nghttp2_option_set_no_closed_streams(option, 1);
	/* etcd's own client (clientv3 3.4, Maintenance) sends its endpoint's whole URL as :authority, which RFC 9113 §8.3.1 has
	 * none take and every server of gRPC takes: what a call needs of its head is looked at in grpc_stream_begin(). */
	nghttp2_option_set_no_http_messaging(option, 1);
	failed = nghttp2_session_server_new2(&session, callbacks, grpc, option);
	check(failed == 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(option);
	return session;
}

static void grpc_opened(struct connection *connection)
{
	static const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, GRPC_STREAMS_MAX},
	    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, GRPC_STREAM_WINDOW_BYTES},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, GRPC_HEAD_BYTES_MAX},
	};
	struct grpc *grpc = memory_new(sizeof *grpc);
	*grpc = (struct grpc){.flush.run = grpc_flush_run,
	                      .connection = connection,
	                      .service = connection->set->context,
	                      .heard_ns = clock_steady_ns()};
	LIST_INIT(&grpc->streams);
	grpc->session = grpc_session(grpc);
	int failed =
	    nghttp2_submit_settings(grpc->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings);
	failed |= nghttp2_session_set_local_window_size(grpc->session, NGHTTP2_FLAG_NONE, 0,
	                                                (int32_t)grpc_window_bytes(grpc->service));
	check(failed == 0);
	connection->state = grpc;
}

static void grpc_received(struct connection *connection)
{
	struct grpc *grpc = connection->state;
	ssize_t used = nghttp2_session_mem_recv(grpc->session, connection->input.data, connection->input.size);
	if (used < 0) {
		log_info("grpc_client_refused", "reason=\"%s\"", nghttp2_strerror((int)used));
		connection_close(connection);
		return;
	}
	check((size_t)used == connection->input.size); /* no callback pauses it */
	buffer_clear(&connection->input);
	connection->begun_ns = 0; /* each call has a time of its own */
	grpc->heard_ns = clock_steady_ns();
	grpc->probed_ns = 0;
	grpc_flush_later(grpc);
}

static void grpc_drained(struct connection *connection)
{
	grpc_flush_later(connection->state);
}

/* A unary call whose request does not come to its end. */
static void grpc_end_slow(struct grpc *grpc, uint64_t now_ns)
{
	struct grpc_stream *stream;
	LIST_FOREACH(stream, &grpc->streams, next)
	{
		bool whole = stream->half_closed || stream->over ||
		             (stream->call != NULL && stream->call->method->kind == RPC_BIDI) ||
		             (stream->exchange != NULL && stream->exchange->handler->body == EXCHANGE_BODY_STREAMED);
		if (whole || now_ns < stream->begun_ns + GRPC_REQUEST_MS_MAX * CLOCK_NS_PER_MS)
			continue;
		int failed = nghttp2_submit_rst_stream(grpc->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
		check(failed == 0);
	}
}

static void grpc_swept(struct connection *connection, uint64_t now_ns)
{
	struct grpc *grpc = connection->state;
	if (grpc->probed_ns != 0 && now_ns - grpc->probed_ns > GRPC_PROBE_ANSWER_MS * CLOCK_NS_PER_MS) {
		connection_close(connection);
		return;
	}
	if (grpc->probed_ns == 0 && now_ns - grpc->heard_ns > GRPC_PROBE_MS * CLOCK_NS_PER_MS) {
		grpc->probed_ns = now_ns;
		int failed = nghttp2_submit_ping(grpc->session, NGHTTP2_FLAG_NONE, NULL);
		check(failed == 0);
	}
	grpc_end_slow(grpc, now_ns);
	grpc_flush_later(grpc);
}

static void grpc_closed(struct connection *connection)
{
	struct grpc *grpc = connection->state;
	struct grpc_stream *stream;
	while ((stream = LIST_FIRST(&grpc->streams)) != NULL)
		grpc_stream_free(stream);
	connection->state = NULL;
	grpc->connection = NULL;
	grpc_flush_later(grpc); /* the session may be what called us */
}

const struct connection_protocol grpc_protocol = {
    .name = "grpc",
    .connections_max = 1024,
    .input_bytes_max = 64 << 10, /* taken whole as it comes */
    .output_bytes_max = GRPC_OUTPUT_BYTES + (64 << 10),
    .request_ms_max = 10 * 1000,
    .idle_ms_max = 0, /* see grpc_swept() */
    .stalled_ms_max = 60 * 1000,
    .opened = grpc_opened,
    .received = grpc_received,
    .drained = grpc_drained,
    .swept = grpc_swept,
    .closed = grpc_closed,
};

/* SPDX-License-Identifier: Apache-2.0 */
/* One call on its stream: its head, its messages in and out, and its end. */
#include "api/grpc.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/timeout.h"
#include "api/unpack.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

enum {
	GRPC_NUMBER_BYTES = 16,
	GRPC_MESSAGE_BYTES_MAX = 2048,
};

/* ---- the head ---- */

size_t grpc_window_bytes(const struct service *service)
{
	size_t least = GRPC_FRAME_HEAD_BYTES + service->request_bytes_max;
	return least > GRPC_WINDOW_BYTES ? least : GRPC_WINDOW_BYTES;
}

struct grpc_stream *grpc_stream_new(struct grpc *grpc, int32_t id)
{
	struct grpc_stream *stream = memory_new(sizeof *stream);
	*stream = (struct grpc_stream){.grpc = grpc, .id = id, .begun_ns = clock_steady_ns()};
	arena_init(&stream->arena);
	buffer_init(&stream->input,
	            GRPC_FRAME_HEAD_BYTES + grpc->service->request_bytes_max + grpc_window_bytes(grpc->service));
	buffer_init(&stream->output, GRPC_ANSWER_BYTES_MAX);
	LIST_INSERT_HEAD(&grpc->streams, stream, next);
	grpc->stream_count++;
	return stream;
}

static bool grpc_is(struct bytes bytes, const char *text)
{
	return bytes_equal(bytes, bytes_of_string(text));
}

enum err grpc_stream_field(struct grpc_stream *stream, struct bytes name, struct bytes value)
{
	if (arena_size_bytes(&stream->arena) > GRPC_HEAD_BYTES_MAX)
		return ERR_INVALID;
	if (grpc_is(name, ":path")) {
		stream->path = arena_dup_string(&stream->arena, value);
	} else if (grpc_is(name, ":method")) {
		stream->method = arena_dup_string(&stream->arena, value);
	} else if (grpc_is(name, "content-type")) {
		bool begins = bytes_have_prefix(value, BYTES_LITERAL("application/grpc"));
		char after = begins && value.size > 16 ? (char)value.data[16] : '\0';
		stream->is_grpc = begins && (after == '\0' || after == '+' || after == ';');
	} else if (grpc_is(name, "grpc-encoding")) {
		stream->encoded = !grpc_is(value, "identity");
	} else if (grpc_is(name, "hasleader")) {
		stream->require_leader = grpc_is(value, "true");
	} else {
		http_field(&stream->fields, name, value);
	}
	return ERR_OK;
}

/* ---- answers ---- */

nghttp2_nv grpc_field(const char *name, const char *value)
{
	return (nghttp2_nv){
	    .name = (uint8_t *)name, .namelen = strlen(name), .value = (uint8_t *)value, .valuelen = strlen(value)};
}

/* PROTOCOL-HTTP2: Percent-Encoded. */
static char *grpc_encode_message(const char *message, struct arena *arena)
{
	size_t size = strlen(message) < GRPC_MESSAGE_BYTES_MAX ? strlen(message) : GRPC_MESSAGE_BYTES_MAX;
	static const char digits[] = "0123456789ABCDEF";
	char *encoded = arena_take(arena, size * 3 + 1), *to = encoded;
	for (size_t at = 0; at < size; at++) {
		unsigned char byte = (unsigned char)message[at];
		if (byte >= ' ' && byte <= '~' && byte != '%') {
			*to++ = (char)byte;
		} else {
			*to++ = '%';
			*to++ = digits[byte >> 4];
			*to++ = digits[byte & 15];
		}
	}
	*to = '\0';
	return encoded;
}

/* Into fields: how it ended. The number is returned. */
static size_t grpc_status_fields(struct grpc_stream *stream, nghttp2_nv *fields)
{
	char *number = arena_format(&stream->arena, "%d", (int)stream->status.code);
	fields[0] = grpc_field("grpc-status", number);
	fields[1] = grpc_field("grpc-message", stream->status.message);
	return stream->status.message[0] != '\0' ? 2 : 1;
}

/* A stream that is never fetched whole would grow for ever. */
static void grpc_stream_forget_sent(struct grpc_stream *stream)
{
	if (stream->output_sent < stream->output.size - stream->output_sent)
		return; /* more would be moved than is given up */
	buffer_consume(&stream->output, stream->output_sent);
	stream->output_sent = 0;
}

static ssize_t grpc_stream_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t size, uint32_t *flags,
                                nghttp2_data_source *source, void *user_data)
{
	struct grpc_stream *stream = source->ptr;
	size_t waits = stream->output.size - stream->output_sent, taken = waits < size ? waits : size;
	if (taken == 0 && !stream->over) {
		stream->deferred = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	if (taken != 0)
		memcpy(to, stream->output.data + stream->output_sent, taken);
	stream->output_sent += taken;
	bool is_made = waits >= RPC_ROOM_BYTES / 2 && waits - taken < RPC_ROOM_BYTES / 2;
	if ((stream->call != NULL && rpc_room_is_made(stream->call)) || (stream->exchange != NULL && is_made))
		stream->grpc->fetched = true;
	if (taken < waits) {
		grpc_stream_forget_sent(stream);
		return (ssize_t)taken;
	}
	buffer_clear(&stream->output);
	stream->output_sent = 0;
	if (stream->over && !stream->is_grpc) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	} else if (stream->over) {
		nghttp2_nv fields[2];
		size_t count = grpc_status_fields(stream, fields);
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		int failed = nghttp2_submit_trailer(session, id, fields, count);
		check(failed == 0); /* memory alone */
	}
	return (ssize_t)taken;
}

void grpc_stream_submit(struct grpc_stream *stream, const nghttp2_nv *fields, size_t count)
{
	nghttp2_session *session = stream->grpc->session;
	bool bare = stream->over && stream->output.size == 0;
	nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = grpc_stream_read};
	int failed = nghttp2_submit_response(session, stream->id, fields, count, bare ? NULL : &provider);
	check(failed != NGHTTP2_ERR_INVALID_ARGUMENT);
	stream->headed = true;
	grpc_flush_later(stream->grpc);
}

void grpc_stream_resume(struct grpc_stream *stream)
{
	int failed = stream->deferred ? nghttp2_session_resume_data(stream->grpc->session, stream->id) : 0;
	check(failed != NGHTTP2_ERR_INVALID_ARGUMENT);
	stream->deferred = false;
	grpc_flush_later(stream->grpc);
}

/* What is to be sent has changed. */
static void grpc_stream_sends(struct grpc_stream *stream)
{
	nghttp2_nv fields[4] = {grpc_field(":status", "200"), grpc_field("content-type", "application/grpc")};
	bool bare = stream->over && stream->output.size == 0;
	if (stream->headed)
		grpc_stream_resume(stream);
	else
		grpc_stream_submit(stream, fields, bare ? 2 + grpc_status_fields(stream, fields + 2) : 2);
}

static enum err grpc_stream_send(void *link, const ProtobufCMessage *message)
{
	struct grpc_stream *stream = link;
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *room;
	enum err err = size <= GRPC_ANSWER_BYTES_MAX
	                   ? buffer_extend(&stream->output, GRPC_FRAME_HEAD_BYTES + size, &room)
	                   : ERR_TOO_LARGE;
	if (err != ERR_OK)
		return err;
	room[0] = 0; /* not compressed */
	for (int at = 1; at < GRPC_FRAME_HEAD_BYTES; at++)
		room[at] = (uint8_t)(size >> (8 * (GRPC_FRAME_HEAD_BYTES - 1 - at)));
	protobuf_c_message_pack(message, room + GRPC_FRAME_HEAD_BYTES);
	if (stream->call->method->kind != RPC_UNARY) { /* a unary answer goes out with its end */
		grpc_stream_sends(stream);
	} else {
		stream->answer_bytes += size;
		*stream->grpc->service->answers_bytes += size;
	}
	return ERR_OK;
}

static size_t grpc_stream_backlog_bytes(const void *link)
{
	const struct grpc_stream *stream = link;
	return stream->output.size - stream->output_sent;
}

void grpc_stream_finish(struct grpc_stream *stream, const struct rpc_status *status)
{
	check(!stream->over);
	stream->over = true;
	stream->call = NULL;
	stream->status = (struct rpc_status){status->code, grpc_encode_message(status->message, &stream->arena)};
	if (status->code != RPC_OK && stream->call == NULL && !stream->headed)
		buffer_clear(&stream->output); /* an error has no answer beside it */
	grpc_stream_sends(stream);
}

static void grpc_stream_finished(void *link, const struct rpc_status *status)
{
	grpc_stream_finish(link, status);
}

static const struct rpc_transport grpc_transport = {
    .send = grpc_stream_send, .backlog_bytes = grpc_stream_backlog_bytes, .finish = grpc_stream_finished};

static void grpc_stream_refuse(struct grpc_stream *stream, enum rpc_code code, const char *message)
{
	const struct rpc_status status = {code, message};
	if (stream->call != NULL)
		rpc_finish(stream->call, code, message);
	else if (!stream->over)
		grpc_stream_finish(stream, &status);
}

/* ---- the call ---- */

/* UINT64_MAX: none was said. */
static enum err grpc_stream_deadline(const struct grpc_stream *stream, uint64_t *ret_ns)
{
	uint64_t timeout_ns = UINT64_MAX;
	const char *text = stream->fields.timeout;
	enum err err = text[0] != '\0' ? timeout_of_grpc(bytes_of_string(text), &timeout_ns) : ERR_OK;
	bool bounded = timeout_ns < UINT64_MAX - stream->begun_ns;
	*ret_ns = bounded ? stream->begun_ns + timeout_ns : UINT64_MAX;
	return err;
}

static void grpc_stream_reset(struct grpc_stream *stream)
{
	int failed =
	    nghttp2_submit_rst_stream(stream->grpc->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_PROTOCOL_ERROR);
	check(failed == 0); /* memory alone */
	grpc_flush_later(stream->grpc);
}

void grpc_stream_begin(struct grpc_stream *stream)
{
	struct rpc_status status;
	uint64_t deadline_ns;
	if (!stream->is_grpc || stream->path == NULL) {
		grpc_http_begin(stream);
		return;
	}
	if (grpc_stream_deadline(stream, &deadline_ns) != ERR_OK) {
		grpc_stream_reset(stream);
		return;
	}
	const struct rpc_method *method = rpc_find(stream->path, &stream->arena, &status);
	if (method == NULL) {
		grpc_stream_finish(stream, &status);
		return;
	}
	stream->call = rpc_call_new(stream->grpc->service, method, &grpc_transport, stream);
	stream->call->deadline_ns = deadline_ns;
	stream->call->require_leader = stream->require_leader;
	if (method->kind == RPC_BIDI)
		rpc_begin(stream->call);
}

/* ---- messages ---- */

void grpc_stream_release(struct grpc_stream *stream, size_t size)
{
	size_t released = size < stream->held_bytes ? size : stream->held_bytes;
	stream->held_bytes -= released;
	int failed = nghttp2_session_consume_connection(stream->grpc->session, released);
	check(failed == 0);
}

static void grpc_stream_message(struct grpc_stream *stream, struct bytes body)
{
	struct rpc_call *call = stream->call;
	bool streams = call->method->kind == RPC_BIDI;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	ProtobufCMessage *message = unpack_message(rpc_input(call->method), body, streams ? &arena : &call->arena);
	if (message == NULL)
		grpc_stream_refuse(stream, RPC_INTERNAL, "grpc: error unmarshalling request");
	else if (streams)
		rpc_received(call, message);
	else if (call->request != NULL)
		grpc_stream_refuse(stream, RPC_INTERNAL, "grpc: more than one request of a unary call");
	else
		call->request = message;
}

/* Takes one message off the input; false: none is whole, or the call is over. */
static bool grpc_stream_take(struct grpc_stream *stream)
{
	struct bytes input = buffer_bytes(&stream->input);
	size_t size = 0, size_max = stream->grpc->service->request_bytes_max;
	if (stream->call == NULL || input.size < GRPC_FRAME_HEAD_BYTES)
		return false;
	for (int at = 1; at < GRPC_FRAME_HEAD_BYTES; at++)
		size = size << 8 | input.data[at];
	if (input.data[0] != 0 || stream->encoded) {
		grpc_stream_refuse(stream, RPC_UNIMPLEMENTED,
		                   "grpc: messages that are compressed are not taken: send them as they are");
		return false;
	}
	if (size > size_max) {
		grpc_stream_refuse(stream, RPC_RESOURCE_EXHAUSTED,
		                   arena_format(&stream->arena, "grpc: received message larger than max (%zu vs. %zu)",
		                                size, size_max));
		return false;
	}
	if (input.size < GRPC_FRAME_HEAD_BYTES + size)
		return false;
	grpc_stream_message(stream, bytes_of(input.data + GRPC_FRAME_HEAD_BYTES, size));
	buffer_consume(&stream->input, GRPC_FRAME_HEAD_BYTES + size);
	grpc_stream_release(stream, GRPC_FRAME_HEAD_BYTES + size);
	return true;
}

void grpc_stream_received(struct grpc_stream *stream, struct bytes data)
{
	stream->held_bytes += data.size;
	if (stream->exchange != NULL) {
		grpc_http_received(stream, data);
		return;
	}
	if (stream->call == NULL || buffer_append(&stream->input, data) != ERR_OK) {
		grpc_stream_release(stream, data.size); /* of a call that is over: it is not kept */
		return;
	}
	while (grpc_stream_take(stream)) {
	}
}

void grpc_stream_half_closed(struct grpc_stream *stream)
{
	stream->half_closed = true;
	if (stream->exchange != NULL)
		grpc_http_half_closed(stream);
	if (stream->call == NULL)
		return;
	if (stream->input.size != 0)
		grpc_stream_refuse(stream, RPC_INTERNAL, "grpc: the request ends within a message");
	else if (stream->call->method->kind == RPC_BIDI)
		rpc_half_closed(stream->call);
	else if (stream->call->request == NULL)
		grpc_stream_refuse(stream, RPC_INTERNAL, "grpc: a request without a message");
	else
		rpc_begin(stream->call);
}

void grpc_stream_free(struct grpc_stream *stream)
{
	struct rpc_call *call = stream->call;
	stream->call = NULL;
	if (call != NULL)
		rpc_abandon(call);
	grpc_http_abandon(stream);
	grpc_stream_release(stream, stream->held_bytes);
	*stream->grpc->service->answers_bytes -= stream->answer_bytes;
	LIST_REMOVE(stream, next);
	stream->grpc->stream_count--;
	buffer_fini(&stream->input);
	buffer_fini(&stream->output);
	arena_fini(&stream->arena);
	free(stream);
}

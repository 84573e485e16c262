/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of HTTP/2 that is no call of gRPC: the carrier of an exchange. */
#include <string.h>

#include "api/grpc.h"
#include "base/check.h"

/* ---- answers ---- */

static void grpc_http_submit(struct grpc_stream *stream, const struct http_response *response, const char *size)
{
	nghttp2_nv fields[4];
	size_t count = 0;
	const char *type = response->content_type != NULL ? response->content_type : "text/plain; charset=utf-8";
	fields[count++] = grpc_field(":status", arena_format(&stream->arena, "%d", response->status));
	fields[count++] = grpc_field("content-type", type);
	if (size != NULL)
		fields[count++] = grpc_field("content-length", size);
	if (response->allow != NULL)
		fields[count++] = grpc_field("allow", response->allow);
	grpc_stream_submit(stream, fields, count);
}

static bool grpc_http_is_bodyless(const struct grpc_stream *stream)
{
	return strcmp(stream->method, "HEAD") == 0;
}

static enum err grpc_http_put(struct grpc_stream *stream, struct bytes piece)
{
	return grpc_http_is_bodyless(stream) ? ERR_OK : buffer_append(&stream->output, piece);
}

static void grpc_http_answer(void *link, const struct http_response *response)
{
	struct grpc_stream *stream = link;
	stream->exchange = NULL;
	stream->over = true;
	enum err err = grpc_http_put(stream, response->body);
	check(err == ERR_OK); /* the handler's answers are not larger */
	stream->answer_bytes = response->body.size;
	*stream->grpc->service->answers_bytes += response->body.size;
	grpc_http_submit(stream, response, arena_format(&stream->arena, "%zu", response->body.size));
}

static void grpc_http_begin_answer(void *link, const struct http_response *head)
{
	struct grpc_stream *stream = link;
	enum err err = grpc_http_put(stream, head->body);
	check(err == ERR_OK);
	grpc_http_submit(stream, head, NULL);
}

static enum err grpc_http_send(void *link, struct bytes piece)
{
	enum err err = grpc_http_put(link, piece);
	if (err == ERR_OK)
		grpc_stream_resume(link);
	return err;
}

static void grpc_http_end(void *link)
{
	struct grpc_stream *stream = link;
	stream->exchange = NULL;
	stream->over = true;
	grpc_stream_resume(stream);
}

static size_t grpc_http_backlog_bytes(const void *link)
{
	const struct grpc_stream *stream = link;
	return stream->output.size - stream->output_sent;
}

static const struct exchange_carrier grpc_http_carrier = {
    .answer = grpc_http_answer,
    .begin = grpc_http_begin_answer,
    .send = grpc_http_send,
    .end = grpc_http_end,
    .backlog_bytes = grpc_http_backlog_bytes,
};

/* ---- requests ---- */

static void grpc_http_refuse(struct grpc_stream *stream, int status)
{
	const struct http_response response = {.status = status};
	if (stream->headed)
		grpc_http_end(stream);
	else
		grpc_http_answer(stream, &response);
}

void grpc_http_begin(struct grpc_stream *stream)
{
	if (stream->path == NULL || stream->method == NULL) {
		stream->method = "";
		grpc_http_refuse(stream, 400);
		return;
	}
	stream->is_grpc = false;
	stream->exchange = exchange_new(stream->grpc->service, &grpc_http_carrier, stream, stream->method,
	                                bytes_of_string(stream->path));
	stream->exchange->fields = stream->fields;
	exchange_headed(stream->exchange);
}

/* What the exchange does not keep is given back to the window of the connection. */
static void grpc_http_settle(struct grpc_stream *stream)
{
	size_t kept = stream->exchange != NULL ? stream->exchange->body.size : 0;
	if (kept < stream->held_bytes)
		grpc_stream_release(stream, stream->held_bytes - kept);
}

void grpc_http_received(struct grpc_stream *stream, struct bytes data)
{
	struct exchange *exchange = stream->exchange;
	enum err err = exchange_received(exchange, data);
	if (err != ERR_OK) {
		grpc_http_abandon(stream);
		grpc_http_refuse(stream, err == ERR_BUSY ? 503 : 413);
	}
	grpc_http_settle(stream);
}

void grpc_http_half_closed(struct grpc_stream *stream)
{
	exchange_whole(stream->exchange);
	grpc_http_settle(stream);
}

void grpc_http_abandon(struct grpc_stream *stream)
{
	struct exchange *exchange = stream->exchange;
	stream->exchange = NULL;
	if (exchange != NULL)
		exchange_abandon(exchange);
}

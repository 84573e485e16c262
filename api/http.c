/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"

#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "api/exchange.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

enum { HTTP_NAME_BYTES_MAX = 32, HTTP_VALUE_BYTES_MAX = 32 }; /* of the headers that matter */

/* A connection. */
struct http {
	struct reactor_task
	    flush; /* at the end of the loop's turn: who sends may be what a closed connection takes along */
	struct connection *connection; /* NULL: closed, and freed by the flush */
	bool flushing;
	struct http_parser parser;
	char target[HTTP_TARGET_BYTES_MAX + 1];
	size_t target_size;
	size_t head_bytes;
	char name[HTTP_NAME_BYTES_MAX], value[HTTP_VALUE_BYTES_MAX]; /* of the header that is read */
	size_t name_size, value_size;
	struct http_fields fields;
	bool in_value;
	bool expects;   /* to be told that the body is wanted */
	bool keeps;     /* the client may send another request */
	bool bodyless;  /* the answer's body is not sent: HEAD */
	bool whole;     /* the request is */
	bool streaming; /* the head of an answer is sent, and pieces follow */
	bool chunked;   /* as chunks: else until the connection ends */
	int refusal;    /* the status to refuse with; 0: none */
	struct exchange *exchange;
	size_t answer_bytes; /* that wait, as far as they are counted with all others' */
};

/* ---- out ---- */

static void http_flush_run(struct reactor_task *task)
{
	struct http *http = (struct http *)task;
	struct connection *connection = http->connection;
	http->flushing = false;
	if (connection == NULL) {
		free(http);
		return;
	}
	connection_flush(connection);
	if (!connection->closed && connection_backlog_bytes(connection) == 0)
		connection->protocol->drained(connection); /* all of it went at once: nothing else will tell */
}

static void http_flush_later(struct http *http, struct reactor *reactor)
{
	if (http->flushing)
		return;
	http->flushing = true;
	reactor_defer(reactor, &http->flush);
}

/* What cannot be put there ends the connection. */
static void http_put(struct connection *connection, struct bytes bytes)
{
	if (!connection->finishing && buffer_append(connection_output(connection), bytes) != ERR_OK)
		connection->finishing = true;
}

/* framing: how long the body is. */
static void http_put_head(struct connection *connection, const struct http_response *response, const char *framing)
{
	char head[512];
	int size = snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s%s%s%s\r\n", response->status,
	                    http_reason(response->status),
	                    response->content_type != NULL ? response->content_type : "text/plain; charset=utf-8",
	                    framing, response->allow != NULL ? "Allow: " : "",
	                    response->allow != NULL ? response->allow : "", response->allow != NULL ? "\r\n" : "");
	check(size > 0 && (size_t)size < sizeof head);
	http_put(connection, bytes_of(head, (size_t)size));
}

/* The connection goes on with what comes next, or ends. */
static void http_over(struct http *http)
{
	struct connection *connection = http->connection;
	http->exchange = NULL;
	http->streaming = false;
	if (!http->keeps || !http->whole) /* the rest of a request would be taken for the next one */
		connection->finishing = true;
	connection_resume(connection);
}

static void http_put_answer(struct http *http, const struct http_response *response)
{
	char framing[96];
	bool closes = !http->keeps || !http->whole;
	int size = snprintf(framing, sizeof framing, "Content-Length: %zu\r\n%s", response->body.size,
	                    closes ? "Connection: close\r\n" : "");
	check(size > 0 && (size_t)size < sizeof framing);
	http_put_head(http->connection, response, framing);
	if (!http->bodyless)
		http_put(http->connection, response->body);
}

/* Among the answers of all clients, what waits for this one. */
static void http_count(struct http *http, const struct connection *connection, size_t waits)
{
	const struct service *service = connection->set->context;
	*service->answers_bytes += waits - http->answer_bytes;
	http->answer_bytes = waits;
}

static void http_answer(void *link, const struct http_response *response)
{
	struct http *http = link;
	http_put_answer(http, response);
	http_over(http);
	if (http->connection != NULL)
		http_count(http, http->connection, connection_backlog_bytes(http->connection));
}

static void http_put_piece(struct http *http, struct bytes piece)
{
	char size[24];
	int digits = snprintf(size, sizeof size, "%zx\r\n", piece.size);
	if (piece.size == 0 || http->bodyless)
		return;
	if (http->chunked)
		http_put(http->connection, bytes_of(size, (size_t)digits));
	http_put(http->connection, piece);
	if (http->chunked)
		http_put(http->connection, BYTES_LITERAL("\r\n"));
}

static void http_begin(void *link, const struct http_response *head)
{
	struct http *http = link;
	http->streaming = true;
	http_put_head(http->connection, head,
	              http->chunked ? "Transfer-Encoding: chunked\r\n" : "Connection: close\r\n");
	http_put_piece(http, head->body);
	http_flush_later(http, http->connection->set->reactor);
}

static enum err http_send(void *link, struct bytes piece)
{
	struct http *http = link;
	if (piece.size > HTTP_ANSWER_BYTES_MAX - connection_backlog_bytes(http->connection))
		return ERR_TOO_LARGE;
	http_put_piece(http, piece);
	http_flush_later(http, http->connection->set->reactor);
	return ERR_OK;
}

static void http_end(void *link)
{
	struct http *http = link;
	if (http->chunked && !http->bodyless)
		http_put(http->connection, BYTES_LITERAL("0\r\n\r\n"));
	http->keeps = http->keeps && http->chunked;
	http_over(http);
}

static size_t http_backlog_bytes(const void *link)
{
	return connection_backlog_bytes(((const struct http *)link)->connection);
}

static const struct exchange_carrier http_carrier = {
    .answer = http_answer,
    .begin = http_begin,
    .send = http_send,
    .end = http_end,
    .backlog_bytes = http_backlog_bytes,
};

static const char *http_refusal_text(int status)
{
	switch (status) {
	case 400:
		return "this is neither HTTP/1.1 nor HTTP/2; TLS is not served here yet\n";
	case 413:
		return "the body is larger than is taken here\n";
	case 503:
		return "too many bodies of requests are under way; try again\n";
	default:
		return "";
	}
}

/* Whatever was asked for, and however much of it came. */
static void http_refuse(struct http *http, int status)
{
	struct exchange *exchange = http->exchange;
	struct http_response response = {.status = status, .body = bytes_of_string(http_refusal_text(status))};
	http->exchange = NULL;
	if (exchange != NULL)
		exchange_abandon(exchange);
	http->keeps = false;
	if (!http->streaming)
		http_put_answer(http, &response);
	http_over(http);
}

/* ---- what the parser calls ---- */

static int http_on_begin(http_parser *parser)
{
	struct http *http = parser->data;
	check(http->exchange == NULL);
	http->target_size = http->head_bytes = http->name_size = http->value_size = 0;
	http->in_value = http->expects = http->whole = false;
	http->fields = (struct http_fields){0};
	return 0;
}

static int http_refuses(struct http *http, int status)
{
	http->refusal = status;
	return -1;
}

static int http_on_target(http_parser *parser, const char *data, size_t size)
{
	struct http *http = parser->data;
	if (size > HTTP_TARGET_BYTES_MAX - http->target_size)
		return http_refuses(http, 414);
	memcpy(http->target + http->target_size, data, size);
	http->target_size += size;
	return 0;
}

/* As much as fits: what is longer is none of those that matter. */
static void http_collect(char *to, size_t *size, size_t size_max, struct bytes bytes)
{
	size_t room = size_max - *size;
	memcpy(to + *size, bytes.data, bytes.size < room ? bytes.size : room);
	*size += bytes.size < room ? bytes.size : room;
}

static bool http_header_is(const struct http *http, const char *name, const char *value)
{
	return http->name_size == strlen(name) && strncasecmp(http->name, name, http->name_size) == 0 &&
	       http->value_size == strlen(value) && strncasecmp(http->value, value, http->value_size) == 0;
}

static void http_header_ends(struct http *http)
{
	http->expects = http->expects || http_header_is(http, "expect", "100-continue");
	http_field(&http->fields, bytes_of(http->name, http->name_size), bytes_of(http->value, http->value_size));
	http->name_size = http->value_size = 0;
	http->in_value = false;
}

static int http_count_head(struct http *http, size_t size)
{
	http->head_bytes += size;
	return http->head_bytes > HTTP_HEAD_BYTES_MAX ? http_refuses(http, 431) : 0;
}

static int http_on_name(http_parser *parser, const char *data, size_t size)
{
	struct http *http = parser->data;
	if (http->in_value)
		http_header_ends(http);
	http_collect(http->name, &http->name_size, sizeof http->name, bytes_of(data, size));
	return http_count_head(http, size);
}

static int http_on_value(http_parser *parser, const char *data, size_t size)
{
	struct http *http = parser->data;
	http->in_value = true;
	http_collect(http->value, &http->value_size, sizeof http->value, bytes_of(data, size));
	return http_count_head(http, size);
}

static int http_on_head(http_parser *parser)
{
	struct http *http = parser->data;
	struct connection *connection = http->connection;
	bool later = parser->http_major > 1 || (parser->http_major == 1 && parser->http_minor > 0);
	http_header_ends(http);
	parser->upgrade = parser->method == HTTP_CONNECT; /* RFC 9110 §7.8: others may be passed over */
	if (parser->upgrade)
		return http_refuses(http, 405);
	http->keeps = http_should_keep_alive(parser) != 0;
	http->bodyless = parser->method == HTTP_HEAD;
	http->chunked = later;
	http->exchange =
	    exchange_new(connection->set->context, &http_carrier, http,
	                 http_method_str((enum http_method)parser->method), bytes_of(http->target, http->target_size));
	http->exchange->fields = http->fields;
	const struct exchange_handler *handler = http->exchange->handler;
	bool sized = (parser->flags & F_CHUNKED) == 0 && parser->content_length != UINT64_MAX;
	if (sized && parser->content_length > handler->body_bytes_max && handler->body != EXCHANGE_BODY_STREAMED)
		return http_refuses(http, 413);
	connection->begun_ns = clock_steady_ns(); /* the body has a time of its own */
	if (http->expects && later) {
		http_put(connection, BYTES_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
		http_flush_later(http, connection->set->reactor);
	}
	if (handler->body == EXCHANGE_BODY_STREAMED)
		connection_listen(connection);
	exchange_headed(http->exchange);
	return 0;
}

static int http_on_body(http_parser *parser, const char *data, size_t size)
{
	struct http *http = parser->data;
	if (http->exchange == NULL)
		return 0; /* it is answered already */
	enum err err = exchange_received(http->exchange, bytes_of(data, size));
	if (err == ERR_OK)
		return 0;
	return http_refuses(http, err == ERR_BUSY ? 503 : 413);
}

/* The parser stops here; what follows is the next request, and waits. */
static int http_on_whole(http_parser *parser)
{
	((struct http *)parser->data)->whole = true;
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings http_settings = {
    .on_message_begin = http_on_begin,
    .on_url = http_on_target,
    .on_header_field = http_on_name,
    .on_header_value = http_on_value,
    .on_headers_complete = http_on_head,
    .on_body = http_on_body,
    .on_message_complete = http_on_whole,
};

/* ---- the connection ---- */

static void http_opened(struct connection *connection)
{
	struct http *http = memory_new(sizeof *http);
	http->flush.run = http_flush_run;
	http->connection = connection;
	http_parser_init(&http->parser, HTTP_REQUEST);
	http->parser.data = http;
	connection->state = http;
}

static void http_is_whole(struct http *http)
{
	if (http->exchange == NULL)
		return;
	if (http->exchange->handler->listens)
		connection_listen(http->connection);
	else
		connection_pause(http->connection);
	exchange_whole(http->exchange);
}

/* False: it is over, or a part of the request is still to come. */
static bool http_take(struct http *http)
{
	struct connection *connection = http->connection;
	size_t used = http_parser_execute(&http->parser, &http_settings, (const char *)connection->input.data,
	                                  connection->input.size);
	enum http_errno error = HTTP_PARSER_ERRNO(&http->parser);
	if (connection_is_busy(connection))
		return false; /* it was answered, and ends */
	if (error == HPE_HEADER_OVERFLOW)
		http->refusal = 431;
	if ((error != HPE_OK && error != HPE_PAUSED) || http->parser.upgrade) {
		http_refuse(http, http->refusal != 0 ? http->refusal : 400);
		return false;
	}
	buffer_consume(&connection->input, used);
	if (!http->whole)
		return false;
	http_parser_pause(&http->parser, 0);
	http_is_whole(http);
	return true;
}

static void http_received(struct connection *connection)
{
	struct http *http = connection->state;
	while (!connection_is_busy(connection) && connection->input.size > 0) {
		bool waits = http->exchange != NULL && http->whole;
		if (waits || (http->exchange == NULL && connection_backlog_bytes(connection) > HTTP_AHEAD_BYTES_MAX)) {
			connection->held = true;
			return;
		}
		if (!http_take(http))
			return;
	}
}

static void http_drained(struct connection *connection)
{
	struct http *http = connection->state;
	http_count(http, connection, 0);
	if (http->exchange != NULL) {
		exchange_drained(http->exchange);
	} else if (connection->held) {
		connection_resume(connection);
	}
}

static void http_closed(struct connection *connection)
{
	struct http *http = connection->state;
	struct exchange *exchange = http->exchange;
	http->exchange = NULL;
	if (exchange != NULL)
		exchange_abandon(exchange);
	http_count(http, connection, 0);
	connection->state = NULL;
	http->connection = NULL;
	http_flush_later(http, connection->set->reactor); /* the parser may be what called us */
}

const struct connection_protocol http_protocol = {
    .name = "http",
    .connections_max = 1024,
    .input_bytes_max = HTTP_HEAD_BYTES_MAX + HTTP_TARGET_BYTES_MAX,
    .output_bytes_max = HTTP_ANSWER_BYTES_MAX + (2 << 20),
    .request_ms_max = 10 * 1000,
    .idle_ms_max = 60 * 1000,
    .stalled_ms_max = 30 * 1000,
    .opened = http_opened,
    .received = http_received,
    .drained = http_drained,
    .closed = http_closed,
};

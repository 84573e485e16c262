/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/endpoint.h"
#include "base/check.h"
#include "base/memory.h"

/* The reading side of a connection. */
struct http {
	struct http_parser parser;
	char target[HTTP_TARGET_BYTES_MAX + 1];
	size_t target_size;
	size_t head_bytes;
	int refusal; /* the status to refuse with; 0: none */
	bool whole;  /* a request has come to its end */
	struct exchange *exchange;
};

/* ---- answering ---- */

static const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
	    {200, "OK"},
	    {400, "Bad Request"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {413, "Content Too Large"},
	    {414, "URI Too Long"},
	    {431, "Request Header Fields Too Large"},
	    {503, "Service Unavailable"},
	};
	for (size_t at = 0; at < sizeof reasons / sizeof *reasons; at++) {
		if (reasons[at].status == status)
			return reasons[at].reason;
	}
	check(false);
	return NULL;
}

enum http_after { HTTP_KEEPS, HTTP_CLOSES };

static void http_send(struct connection *connection, const struct http_response *response, enum http_after after)
{
	char head[512];
	int size = snprintf(
	    head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s%s%s\r\n",
	    response->status, http_reason(response->status),
	    response->content_type != NULL ? response->content_type : "text/plain; charset=utf-8", response->body.size,
	    response->allow != NULL ? "Allow: " : "", response->allow != NULL ? response->allow : "",
	    response->allow != NULL ? "\r\n" : "", after == HTTP_CLOSES ? "Connection: close\r\n" : "");
	check(size > 0 && (size_t)size < sizeof head);
	enum err err = buffer_append(&connection->output, bytes_of(head, (size_t)size));
	if (err == ERR_OK)
		err = buffer_append(&connection->output, response->body);
	if (err != ERR_OK || after == HTTP_CLOSES)
		connection->finishing = true;
}

static void exchange_free(struct exchange *exchange)
{
	arena_fini(&exchange->arena);
	free(exchange);
}

void exchange_finish(struct exchange *exchange)
{
	struct connection *connection = exchange->connection;
	if (connection != NULL) {
		((struct http *)connection->state)->exchange = NULL;
		http_send(connection, &exchange->response, exchange->keeps_connection ? HTTP_KEEPS : HTTP_CLOSES);
	}
	exchange_free(exchange);
	if (connection != NULL)
		connection_resume(connection);
}

static void http_refuse(struct connection *connection, int status)
{
	struct http_response response = {.status = status};
	response.body =
	    bytes_of_string(status == 400 ? "this is neither HTTP/1.1 nor HTTP/2; TLS is not served here yet\n" : "");
	connection_pause(connection);
	http_send(connection, &response, HTTP_CLOSES);
	connection_resume(connection);
}

/* ---- what the parser calls ---- */

static int http_begun(http_parser *parser)
{
	struct http *http = parser->data;
	http->target_size = 0;
	http->head_bytes = 0;
	http->whole = false;
	return 0;
}

static int http_refuses(struct http *http, int status)
{
	http->refusal = status;
	return -1;
}

static int http_target(http_parser *parser, const char *data, size_t size)
{
	struct http *http = parser->data;
	if (size > HTTP_TARGET_BYTES_MAX - http->target_size)
		return http_refuses(http, 414);
	memcpy(http->target + http->target_size, data, size);
	http->target_size += size;
	return 0;
}

static int http_header(http_parser *parser, const char *data, size_t size)
{
	struct http *http = parser->data;
	http->head_bytes += size;
	return http->head_bytes > HTTP_HEAD_BYTES_MAX ? http_refuses(http, 431) : 0;
}

static int http_body(http_parser *parser, const char *data, size_t size)
{
	return http_refuses(parser->data, 413);
}

/* The parser stops here; what follows is the next request, and waits. */
static int http_whole(http_parser *parser)
{
	struct http *http = parser->data;
	http->target[http->target_size] = '\0';
	http->whole = true;
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings http_settings = {
    .on_message_begin = http_begun,
    .on_url = http_target,
    .on_header_field = http_header,
    .on_header_value = http_header,
    .on_body = http_body,
    .on_message_complete = http_whole,
};

/* ---- the connection ---- */

static void http_opened(struct connection *connection)
{
	struct http *http = memory_new(sizeof *http);
	http_parser_init(&http->parser, HTTP_REQUEST);
	http->parser.data = http;
	connection->state = http;
}

static void http_begin(struct connection *connection, struct http *http)
{
	struct exchange *exchange = memory_new(sizeof *exchange);
	exchange->service = connection->set->context;
	exchange->connection = connection;
	exchange->keeps_connection = http_should_keep_alive(&http->parser) != 0;
	char *target = arena_dup_string(&exchange->arena, bytes_of(http->target, http->target_size));
	char *query = strchr(target, '?');
	if (query != NULL)
		*query++ = '\0';
	exchange->request = (struct http_request){
	    .method = (enum http_method)http->parser.method, .path = target, .query = query != NULL ? query : ""};
	http->exchange = exchange;
	connection_pause(connection);
	endpoint_run(exchange);
}

static void http_received(struct connection *connection)
{
	struct http *http = connection->state;
	while (!connection_is_busy(connection) && connection->input.size > 0) {
		size_t used = http_parser_execute(&http->parser, &http_settings, (const char *)connection->input.data,
		                                  connection->input.size);
		enum http_errno error = HTTP_PARSER_ERRNO(&http->parser);
		if (error == HPE_HEADER_OVERFLOW)
			http->refusal = 431;
		if ((error != HPE_OK && error != HPE_PAUSED) || http->parser.upgrade) {
			http_refuse(connection, http->refusal != 0 ? http->refusal : 400);
			return;
		}
		buffer_consume(&connection->input, used);
		if (!http->whole)
			return;
		http->whole = false;
		http_parser_pause(&http->parser, 0);
		http_begin(connection, http);
	}
}

static void http_drained(struct connection *connection)
{
	(void)connection; /* no streams */
}

static void http_closed(struct connection *connection)
{
	struct http *http = connection->state;
	if (http->exchange != NULL)
		http->exchange->connection = NULL; /* what it waits for will free it */
	free(http);
	connection->state = NULL;
}

const struct connection_protocol http_protocol = {
    .name = "http",
    .connections_max = 1024,
    .input_bytes_max = HTTP_HEAD_BYTES_MAX + HTTP_TARGET_BYTES_MAX,
    .output_bytes_max = 4 << 20, /* the metrics are the longest */
    .request_ms_max = 10 * 1000,
    .idle_ms_max = 60 * 1000,
    .stalled_ms_max = 30 * 1000,
    .opened = http_opened,
    .received = http_received,
    .drained = http_drained,
    .closed = http_closed,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/endpoint.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

const char *http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
	    {200, "OK"},
	    {400, "Bad Request"},
	    {401, "Unauthorized"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {409, "Conflict"},
	    {413, "Content Too Large"},
	    {414, "URI Too Long"},
	    {429, "Too Many Requests"},
	    {431, "Request Header Fields Too Large"},
	    {499, "Client Closed Request"},
	    {500, "Internal Server Error"},
	    {501, "Not Implemented"},
	    {503, "Service Unavailable"},
	    {504, "Gateway Timeout"},
	};
	for (size_t at = 0; at < sizeof reasons / sizeof *reasons; at++) {
		if (reasons[at].status == status)
			return reasons[at].reason;
	}
	check(false);
	return NULL;
}

static bool http_is(struct bytes bytes, const char *text)
{
	return bytes.size == strlen(text) && strncasecmp((const char *)bytes.data, text, bytes.size) == 0;
}

void http_field(struct http_fields *fields, struct bytes name, struct bytes value)
{
	if (http_is(name, "grpc-timeout") && fields->timeout[0] == '\0') {
		size_t size = value.size < HTTP_FIELD_BYTES_MAX ? value.size : HTTP_FIELD_BYTES_MAX;
		memcpy(fields->timeout, value.data, size);
		fields->timeout[size] = '\0';
	} else if (http_is(name, "grpc-metadata-hasleader") && !fields->says_leader) {
		fields->says_leader = true;
		fields->requires_leader = bytes_equal(value, BYTES_LITERAL("true"));
	}
}

struct exchange *exchange_new(const struct service *service, const struct exchange_carrier *carrier, void *link,
                              const char *method, struct bytes target)
{
	struct exchange *exchange = memory_new(sizeof *exchange);
	*exchange = (struct exchange){
	    .service = service, .carrier = carrier, .link = link, .references = 1, .begun_ns = clock_steady_ns()};
	arena_init(&exchange->arena);
	char *path = arena_dup_string(&exchange->arena, target), *query = strchr(path, '?');
	if (query != NULL)
		*query++ = '\0';
	exchange->request = (struct http_request){.method = arena_dup_string(&exchange->arena, bytes_of_string(method)),
	                                          .path = path,
	                                          .query = query != NULL ? query : ""};
	endpoint_choose(exchange);
	buffer_init(&exchange->body, exchange->handler->body_bytes_max);
	return exchange;
}

void exchange_ref(struct exchange *exchange)
{
	exchange->references++;
}

void exchange_unref(struct exchange *exchange)
{
	check(exchange->references > 0);
	if (--exchange->references != 0)
		return;
	exchange_consume(exchange, exchange->body.size);
	buffer_fini(&exchange->body);
	arena_fini(&exchange->arena);
	free(exchange);
}

/* ---- the request ---- */

void exchange_headed(struct exchange *exchange)
{
	exchange_ref(exchange);
	if (exchange->handler->headed != NULL)
		exchange->handler->headed(exchange);
	exchange_unref(exchange);
}

static enum err exchange_keep(struct exchange *exchange, struct bytes piece)
{
	size_t *bodies = exchange->service->bodies_bytes;
	if (*bodies + piece.size > EXCHANGE_BODIES_BYTES_MAX)
		return ERR_BUSY;
	enum err err = buffer_append(&exchange->body, piece);
	if (err == ERR_OK)
		*bodies += piece.size;
	return err;
}

void exchange_consume(struct exchange *exchange, size_t size)
{
	buffer_consume(&exchange->body, size);
	*exchange->service->bodies_bytes -= size;
}

enum err exchange_received(struct exchange *exchange, struct bytes piece)
{
	const struct exchange_handler *handler = exchange->handler;
	exchange->body_bytes += piece.size;
	if (handler->body == EXCHANGE_BODY_PASSED_OVER)
		return exchange->body_bytes <= handler->body_bytes_max ? ERR_OK : ERR_TOO_LARGE;
	enum err err = exchange_keep(exchange, piece);
	if (err != ERR_OK || handler->body != EXCHANGE_BODY_STREAMED)
		return err;
	exchange_ref(exchange);
	handler->received(exchange);
	exchange_unref(exchange);
	return ERR_OK;
}

void exchange_whole(struct exchange *exchange)
{
	exchange_ref(exchange);
	exchange->handler->whole(exchange);
	exchange_unref(exchange);
}

void exchange_drained(struct exchange *exchange)
{
	exchange_ref(exchange);
	if (exchange->handler->drained != NULL)
		exchange->handler->drained(exchange);
	exchange_unref(exchange);
}

/* ---- the answer ---- */

static void exchange_over(struct exchange *exchange)
{
	exchange->link = NULL;
	if (exchange->handler->ended != NULL)
		exchange->handler->ended(exchange);
	exchange_unref(exchange);
}

void exchange_abandon(struct exchange *exchange)
{
	exchange_over(exchange);
}

void exchange_answer(struct exchange *exchange)
{
	void *link = exchange->link;
	check(link != NULL);
	exchange->carrier->answer(link, &exchange->response);
	exchange_over(exchange);
}

void exchange_begin(struct exchange *exchange)
{
	exchange->carrier->begin(exchange->link, &exchange->response);
}

enum err exchange_send(struct exchange *exchange, struct bytes piece)
{
	return exchange->carrier->send(exchange->link, piece);
}

void exchange_end(struct exchange *exchange)
{
	exchange->carrier->end(exchange->link);
	exchange_over(exchange);
}

size_t exchange_backlog_bytes(const struct exchange *exchange)
{
	return exchange->carrier->backlog_bytes(exchange->link);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 on the client port: requests are read by libhttp-parser, answered by a row of api/endpoint.c. The context of its
 * connections is the service. Bodies are not taken: nothing here needs one yet.
 */
#pragma once

#include <http_parser.h>

#include "api/connection.h"
#include "api/service.h"

enum {
	HTTP_TARGET_BYTES_MAX = 2048,
	HTTP_HEAD_BYTES_MAX = 16 << 10, /* request line and headers: as many servers take */
};

extern const struct connection_protocol http_protocol;

/* A request that is whole. */
struct http_request {
	enum http_method method;
	const char *path;  /* without the query */
	const char *query; /* "" when there is none */
};

struct http_response {
	int status;
	const char *content_type; /* NULL: text/plain */
	const char *allow;        /* of a 405; or NULL */
	struct bytes body;
};

/* One request under way. */
struct exchange {
	struct reactor_task task;
	const struct service *service;
	struct connection *connection; /* NULL: the client is gone */
	struct arena arena;            /* for the response */
	struct http_request request;   /* in the arena */
	struct http_response response;
	enum err err;          /* of what it waited for */
	bool keeps_connection; /* the client may send another */
};

/* Sends exchange->response. The exchange is gone after it. On the api role. */
void exchange_finish(struct exchange *exchange);

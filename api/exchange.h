/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of HTTP from its head to the end of its answer, by whichever version of HTTP it came: what it asks for is a handler's
 * business (api/endpoint.c, api/gateway.c), how it and its answer travel a carrier's (api/http.c).
 *
 *     headed ──pieces of a body──> whole ──> answered
 *       ├──── refused at once ──────────────────┤
 *       └──── the client goes away: what the handler waits for still comes, to nobody
 *
 * The handler answers with exchange_answer(), or with exchange_begin(), exchange_send() …, exchange_end(). All on the api role.
 */
#pragma once

#include "api/service.h"
#include "base/buffer.h"

enum {
	EXCHANGE_BODIES_BYTES_MAX = 64 << 20, /* of all requests that are not whole together */
};

struct exchange;

enum { HTTP_FIELD_BYTES_MAX = 31 };

/* The headers that matter to handlers, collected by carriers as they come: of those of one name the first. */
struct http_fields {
	char timeout[HTTP_FIELD_BYTES_MAX + 1]; /* Grpc-Timeout, cut; "" when there is none */
	bool says_leader, requires_leader;      /* Grpc-Metadata-hasleader: whether it is there, and is "true" */
};
void http_field(struct http_fields *fields, struct bytes name, struct bytes value);

/* The head of a request. In the exchange's arena. */
struct http_request {
	const char *method; /* "GET" */
	const char *path;   /* without the query */
	const char *query;  /* "" when there is none */
};

struct http_response {
	int status;
	const char *content_type; /* NULL: text/plain */
	const char *allow;        /* of a 405; or NULL */
	struct bytes body;
};

/* Of each: the link is the exchange's. After `answer` and `end` it is gone. */
struct exchange_carrier {
	void (*answer)(void *link, const struct http_response *response); /* whole */
	void (*begin)(void *link, const struct http_response *head);      /* the first of its pieces is the body */
	enum err (*send)(void *link, struct bytes piece);                 /* ERR_TOO_LARGE: it will never fit */
	void (*end)(void *link);
	size_t (*backlog_bytes)(const void *link);
};

enum exchange_body {
	EXCHANGE_BODY_PASSED_OVER, /* it is of no interest */
	EXCHANGE_BODY_KEPT,        /* until it is whole */
	EXCHANGE_BODY_STREAMED,    /* it may never end, and the answer does not wait for it */
};

struct exchange_handler {
	enum exchange_body body;
	size_t body_bytes_max;                       /* that come, or are kept at once */
	bool listens;                                /* whether a client that sends nothing more has gone away */
	void (*headed)(struct exchange *exchange);   /* STREAMED: before the body */
	void (*received)(struct exchange *exchange); /* STREAMED: takes off exchange->body what it can */
	void (*whole)(struct exchange *exchange);
	void (*drained)(struct exchange *exchange); /* all that was sent has been fetched. May be NULL */
	/* It is answered, or its client is gone, and nothing of it is touched any more after this. May be NULL */
	void (*ended)(struct exchange *exchange);
};

struct exchange {
	struct reactor_task task; /* the handler's */
	const struct service *service;
	const struct exchange_carrier *carrier;
	void *link; /* NULL: the client is gone, or has its answer */
	const struct exchange_handler *handler;
	struct arena arena;
	struct http_request request;
	struct http_fields fields; /* set by the carrier before exchange_headed() */
	uint64_t begun_ns;
	struct http_response response; /* for the handler to prepare */
	struct buffer body;
	size_t body_bytes; /* that came */
	void *state;       /* the handler's */
	enum err err;      /* of what it waited for */
	unsigned references;
};

/* ---- for carriers ---- */

const char *http_reason(int status); /* "Not Found" */

/* The target of the request is a path and a query; copied, as is the method. */
struct exchange *exchange_new(const struct service *service, const struct exchange_carrier *carrier, void *link,
                              const char *method, struct bytes target);
void exchange_headed(struct exchange *exchange);
/* A piece of the body. ERR_TOO_LARGE, ERR_BUSY: it is not taken. */
enum err exchange_received(struct exchange *exchange, struct bytes piece) MUST_USE;
void exchange_whole(struct exchange *exchange);
void exchange_drained(struct exchange *exchange);
/* The client is gone. */
void exchange_abandon(struct exchange *exchange);

/* ---- for handlers ---- */

void exchange_answer(struct exchange *exchange);
void exchange_begin(struct exchange *exchange);
enum err exchange_send(struct exchange *exchange, struct bytes piece) MUST_USE;
void exchange_end(struct exchange *exchange);
size_t exchange_backlog_bytes(const struct exchange *exchange);
/* While the handler waits for something that will come, however the exchange ends. */
void exchange_ref(struct exchange *exchange);
void exchange_unref(struct exchange *exchange);
/* Gives what was taken of the body back. */
void exchange_consume(struct exchange *exchange, size_t size);

/* SPDX-License-Identifier: Apache-2.0 */
/* A client of HTTP/1.1 that reads its answers by libhttp-parser: one connection, one request after the other, body and answer in
 * pieces if a test wants to stop anywhere. */
#pragma once

#include <http_parser.h>

#include "base/arena.h"
#include "base/buffer.h"

struct http_client {
	int fd;
	struct arena arena;
	struct http_parser parser;
	struct buffer came; /* of the connection, and not parsed yet */
	struct buffer body; /* of the answer, as far as it came */
	int status;
	bool headed, whole, closed;
	unsigned continues; /* 100 */
};

void http_client_open(struct http_client *client, int fd);
void http_client_close(struct http_client *client);
void http_client_send(struct http_client *client, struct bytes bytes);
void http_client_send_text(struct http_client *client, const char *text);
/* A POST of a body whose size is told. */
void http_client_post(struct http_client *client, const char *path, const char *body);
/* A POST whose body follows, in chunks. */
void http_client_begin(struct http_client *client, const char *path);
void http_client_chunk(struct http_client *client, const char *text);
void http_client_end(struct http_client *client);

/* Each fails the test when nothing comes for some seconds, or the connection ends before. */
void http_client_until_head(struct http_client *client);
/* The body of the answer, in the client's arena; the client is ready for the next one. */
const char *http_client_answer(struct http_client *client);
/* The next line of the body, without its end. */
const char *http_client_line(struct http_client *client);
void http_client_until_closed(struct http_client *client);
/* Post and answer. */
const char *http_client_ask(struct http_client *client, const char *path, const char *body);

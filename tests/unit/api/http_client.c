/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/http_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { HTTP_CLIENT_BYTES_MAX = 64 << 20 };

/* ---- what comes ---- */

static int client_headed(http_parser *parser)
{
	struct http_client *client = parser->data;
	if (parser->status_code == 100) {
		client->continues++;
		return 0;
	}
	client->status = (int)parser->status_code;
	client->headed = true;
	return 0;
}

static int client_body(http_parser *parser, const char *data, size_t size)
{
	struct http_client *client = parser->data;
	assert_int_equal(buffer_append(&client->body, bytes_of(data, size)), ERR_OK);
	return 0;
}

static int client_whole(http_parser *parser)
{
	struct http_client *client = parser->data;
	if (!client->headed)
		return 0; /* of a 100 */
	client->whole = true;
	http_parser_pause(parser, 1);
	return 0;
}

static const http_parser_settings client_settings = {
    .on_headers_complete = client_headed, .on_body = client_body, .on_message_complete = client_whole};

static void client_parse(struct http_client *client)
{
	if (client->whole || client->came.size == 0)
		return; /* none would be the end */
	size_t used =
	    http_parser_execute(&client->parser, &client_settings, (const char *)client->came.data, client->came.size);
	enum http_errno error = HTTP_PARSER_ERRNO(&client->parser);
	if (error != HPE_OK && error != HPE_PAUSED)
		fail_msg("the answer is no HTTP: %s", http_errno_description(error));
	http_parser_pause(&client->parser, 0);
	buffer_consume(&client->came, used);
}

static void client_turn(struct http_client *client)
{
	uint8_t bytes[65536];
	client_parse(client);
	if (client->whole || client->closed)
		return;
	ssize_t size = recv(client->fd, bytes, sizeof bytes, 0);
	if (size < 0)
		fail_msg("nothing comes");
	client->closed = size == 0;
	if (client->closed)
		http_parser_execute(&client->parser, &client_settings, NULL, 0);
	assert_int_equal(buffer_append(&client->came, bytes_of(bytes, (size_t)size)), ERR_OK);
	client_parse(client);
}

void http_client_until_head(struct http_client *client)
{
	while (!client->headed) {
		assert_false(client->closed);
		client_turn(client);
	}
}

const char *http_client_answer(struct http_client *client)
{
	while (!client->whole) {
		if (client->closed)
			fail_msg("the connection ends within an answer");
		client_turn(client);
	}
	const char *text = arena_dup_string(&client->arena, buffer_bytes(&client->body));
	buffer_clear(&client->body);
	client->whole = client->headed = false;
	return text;
}

const char *http_client_line(struct http_client *client)
{
	const uint8_t *end;
	while ((end = client->body.size != 0 ? memchr(client->body.data, '\n', client->body.size) : NULL) == NULL) {
		if (client->closed || client->whole)
			fail_msg("there is no more line");
		client_turn(client);
	}
	size_t size = (size_t)(end - client->body.data);
	const char *line = arena_dup_string(&client->arena, bytes_of(client->body.data, size));
	buffer_consume(&client->body, size + 1);
	return line;
}

void http_client_until_closed(struct http_client *client)
{
	while (!client->closed) {
		client->whole = false;
		client_turn(client);
	}
}

/* ---- what is sent ---- */

void http_client_send(struct http_client *client, struct bytes bytes)
{
	while (bytes.size > 0) {
		ssize_t sent = send(client->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
		assert_true(sent > 0);
		bytes = bytes_from(bytes, (size_t)sent);
	}
}

void http_client_send_text(struct http_client *client, const char *text)
{
	http_client_send(client, bytes_of_string(text));
}

void http_client_post(struct http_client *client, const char *path, const char *body)
{
	http_client_send_text(client,
	                      arena_format(&client->arena, "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\n\r\n",
	                                   path, strlen(body)));
	http_client_send_text(client, body);
}

void http_client_begin(struct http_client *client, const char *path)
{
	http_client_send_text(
	    client,
	    arena_format(&client->arena, "POST %s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", path));
}

void http_client_chunk(struct http_client *client, const char *text)
{
	http_client_send_text(client, arena_format(&client->arena, "%zx\r\n%s\r\n", strlen(text), text));
}

void http_client_end(struct http_client *client)
{
	http_client_send_text(client, "0\r\n\r\n");
}

const char *http_client_ask(struct http_client *client, const char *path, const char *body)
{
	http_client_post(client, path, body);
	return http_client_answer(client);
}

/* ---- life ---- */

void http_client_open(struct http_client *client, int fd)
{
	*client = (struct http_client){.fd = fd};
	arena_init(&client->arena);
	buffer_init(&client->came, HTTP_CLIENT_BYTES_MAX);
	buffer_init(&client->body, HTTP_CLIENT_BYTES_MAX);
	http_parser_init(&client->parser, HTTP_RESPONSE);
	client->parser.data = client;
}

void http_client_close(struct http_client *client)
{
	close(client->fd);
	buffer_fini(&client->came);
	buffer_fini(&client->body);
	arena_fini(&client->arena);
}

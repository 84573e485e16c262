/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/grpc_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/proto.h"
#include "tests/unit/unit.h"

enum { CLIENT_PATIENCE_MS = 10000, CLIENT_BYTES_MAX = 64 << 20 };

/* ---- what the session calls ---- */

static ssize_t client_on_send(nghttp2_session *session, const uint8_t *data, size_t size, int flags, void *user_data)
{
	struct client *client = user_data;
	ssize_t sent = send(client->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent >= 0)
		return sent;
	return errno == EAGAIN ? NGHTTP2_ERR_WOULDBLOCK : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int client_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_size,
                            const uint8_t *value, size_t value_size, uint8_t flags, void *user_data)
{
	struct client_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	char text[256];
	assert_non_null(call);
	assert_true(value_size < sizeof text);
	memcpy(text, value, value_size);
	text[value_size] = '\0';
	struct bytes field = bytes_of(name, name_size);
	if (bytes_equal(field, BYTES_LITERAL(":status")))
		call->http_status = (int)strtol(text, NULL, 10);
	if (bytes_equal(field, BYTES_LITERAL("content-type")))
		call->plain = strcmp(text, "application/grpc") != 0;
	if (bytes_equal(field, BYTES_LITERAL("grpc-status")))
		call->code = (int)strtol(text, NULL, 10);
	if (bytes_equal(field, BYTES_LITERAL("grpc-message")))
		memcpy(call->message, text, sizeof text);
	return 0;
}

static int client_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
                          void *user_data)
{
	struct client_call *call = nghttp2_session_get_stream_user_data(session, id);
	buffer_put(&call->came, bytes_of(data, size));
	while (call->came.size >= 5 && !call->plain) {
		size_t body = (size_t)call->came.data[1] << 24 | (size_t)call->came.data[2] << 16 |
		              (size_t)call->came.data[3] << 8 | call->came.data[4];
		if (call->came.size < 5 + body)
			break;
		assert_int_equal(call->came.data[0], 0);
		assert_true(call->message_count < CLIENT_MESSAGES_MAX);
		call->messages[call->message_count++] =
		    arena_dup(&call->client->arena, bytes_of(call->came.data + 5, body));
		buffer_consume(&call->came, 5 + body);
	}
	return 0;
}

static int client_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct client *client = user_data;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		client->goaway = frame->goaway.error_code;
	client->settings += frame->hd.type == NGHTTP2_SETTINGS;
	return 0;
}

static int client_on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user_data)
{
	struct client_call *call = nghttp2_session_get_stream_user_data(session, id);
	if (call != NULL) {
		call->closed = true;
		call->error_code = code;
	}
	return 0;
}

static ssize_t client_on_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t size, uint32_t *flags,
                              nghttp2_data_source *source, void *user_data)
{
	struct client_call *call = source->ptr;
	size_t taken = call->sends.size < size ? call->sends.size : size;
	if (taken == 0 && !call->sends_end)
		return NGHTTP2_ERR_DEFERRED;
	if (taken != 0)
		memcpy(to, call->sends.data, taken);
	buffer_consume(&call->sends, taken);
	if (call->sends.size == 0 && call->sends_end)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)taken;
}

/* ---- life ---- */

void client_open(struct client *client, int fd)
{
	nghttp2_session_callbacks *callbacks;
	*client = (struct client){.fd = fd, .goaway = UINT32_MAX};
	arena_init(&client->arena);
	assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
	nghttp2_session_callbacks_set_send_callback(callbacks, client_on_send);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, client_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, client_on_close);
	assert_int_equal(nghttp2_session_client_new(&client->session, callbacks, client), 0);
	nghttp2_session_callbacks_del(callbacks);
	assert_int_equal(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, NULL, 0), 0);
}

void client_close(struct client *client)
{
	nghttp2_session_del(client->session);
	for (struct client_call *call = client->newest; call != NULL; call = call->older) {
		buffer_fini(&call->sends);
		buffer_fini(&call->came);
	}
	arena_fini(&client->arena);
	close(client->fd);
}

/* Sends what there is, and waits for something to come. */
bool client_turn(struct client *client)
{
	uint8_t read[16 << 10];
	if (nghttp2_session_send(client->session) != 0) {
		client->closed = true;
		return false;
	}
	struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
	if (nghttp2_session_want_write(client->session))
		poll_fd.events |= POLLOUT;
	if (poll(&poll_fd, 1, CLIENT_PATIENCE_MS) != 1)
		fail_msg("nothing comes from the server");
	if ((poll_fd.revents & ~POLLOUT) == 0)
		return true;
	ssize_t size = recv(client->fd, read, sizeof read, 0);
	if (size <= 0 || nghttp2_session_mem_recv(client->session, read, (size_t)size) < 0)
		client->closed = true;
	return !client->closed;
}

/* ---- calls ---- */

static nghttp2_nv client_field(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), NGHTTP2_NV_FLAG_NONE};
}

struct client_call *client_begin(struct client *client, const char *path, const char *const *extra)
{
	nghttp2_nv fields[16] = {client_field(":method", "POST"),
	                         client_field(":scheme", "http"),
	                         client_field(":path", path),
	                         client_field(":authority", "h"),
	                         client_field("content-type", "application/grpc"),
	                         client_field("te", "trailers")};
	size_t count = 6;
	for (; extra != NULL && extra[0] != NULL; extra += 2) {
		size_t at = 0;
		while (at < count && strcmp((const char *)fields[at].name, extra[0]) != 0)
			at++;
		fields[at] = client_field(extra[0], extra[1]);
		count += at == count;
	}
	struct client_call *call = arena_zero(&client->arena, 1, sizeof *call);
	*call = (struct client_call){.client = client, .older = client->newest, .code = -1, .http_status = -1};
	client->newest = call;
	buffer_init(&call->sends, CLIENT_BYTES_MAX);
	buffer_init(&call->came, CLIENT_BYTES_MAX);
	nghttp2_data_provider provider = {.source.ptr = call, .read_callback = client_on_read};
	call->id = nghttp2_submit_request(client->session, NULL, fields, count, &provider, call);
	assert_true(call->id > 0);
	return call;
}

void client_send_raw(struct client_call *call, struct bytes bytes)
{
	buffer_put(&call->sends, bytes);
	int ignored = nghttp2_session_resume_data(call->client->session, call->id);
	(void)ignored; /* it may not have begun yet */
}

void client_send(struct client_call *call, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *bytes = arena_take(&call->client->arena, 5 + size);
	bytes[0] = 0;
	for (int at = 0; at < 4; at++)
		bytes[1 + at] = (uint8_t)(size >> (8 * (3 - at)));
	protobuf_c_message_pack(message, bytes + 5);
	client_send_raw(call, bytes_of(bytes, 5 + size));
}

void client_end(struct client_call *call)
{
	call->sends_end = true;
	int ignored = nghttp2_session_resume_data(call->client->session, call->id);
	(void)ignored;
}

void client_reset(struct client_call *call)
{
	assert_int_equal(nghttp2_submit_rst_stream(call->client->session, NGHTTP2_FLAG_NONE, call->id, NGHTTP2_CANCEL),
	                 0);
}

void client_ping(struct client *client)
{
	assert_int_equal(nghttp2_submit_ping(client->session, NGHTTP2_FLAG_NONE, NULL), 0);
}

static void client_release(struct client_call *call)
{
	if (call->plain)
		call->text = arena_dup_string(&call->client->arena, buffer_bytes(&call->came));
	buffer_fini(&call->sends);
	buffer_fini(&call->came);
}

bool client_until_over(struct client_call *call)
{
	while (nghttp2_session_send(call->client->session) == 0 && !call->closed && !call->client->closed)
		client_turn(call->client);
	client_release(call);
	return call->closed;
}

void client_until_closed(struct client_call *call)
{
	if (!client_until_over(call))
		fail_msg("the server hangs up within a call");
}

void client_until_messages(struct client_call *call, size_t count)
{
	while (call->message_count < count) {
		if (call->client->closed || call->closed)
			fail_msg("the call ends after %zu messages, with %d %s", call->message_count, call->code,
			         call->message);
		client_turn(call->client);
	}
}

void client_until_hung_up(struct client *client)
{
	while (!client->closed)
		client_turn(client);
}

const char *client_line(struct client_call *call)
{
	const uint8_t *end;
	while ((end = call->came.size != 0 ? memchr(call->came.data, '\n', call->came.size) : NULL) == NULL) {
		if (call->client->closed || call->closed)
			fail_msg("there is no more line");
		client_turn(call->client);
	}
	size_t size = (size_t)(end - call->came.data);
	const char *line = arena_dup_string(&call->client->arena, bytes_of(call->came.data, size));
	buffer_consume(&call->came, size + 1);
	return line;
}

struct client_call *client_ask(struct client *client, const char *path, const ProtobufCMessage *request)
{
	struct client_call *call = client_begin(client, path, NULL);
	client_send(call, request);
	client_end(call);
	client_until_closed(call);
	return call;
}

const void *client_message(const struct client_call *call, size_t at, const ProtobufCMessageDescriptor *type)
{
	ProtobufCAllocator allocator = proto_allocator(&call->client->arena);
	assert_true(at < call->message_count);
	const void *message =
	    protobuf_c_message_unpack(type, &allocator, call->messages[at].size, call->messages[at].data);
	assert_non_null(message);
	return message;
}

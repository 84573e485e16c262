/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
	CHANNEL_READ_BYTES = 256 << 10,
	CHANNEL_WRITE_BYTES = 64 << 10,
	CHANNEL_OUTPUT_BYTES_MAX = 8 << 20,
	CHANNEL_MESSAGE_BYTES_MAX = 64 << 20,
	CHANNEL_WINDOW_BYTES = 64 << 20,
	CHANNEL_FRAME_HEAD_BYTES = 5,
	CHANNEL_PATIENCE_MS = 10 * 1000,
};

static _Noreturn void channel_fail(const struct channel *channel, const char *what, const char *why)
{
	fprintf(stderr, "rpcload: %s: %s: %s\n", channel->address, what, why);
	exit(1);
}

static void channel_require(const struct channel *channel, int result, const char *what)
{
	if (result < 0)
		channel_fail(channel, what, nghttp2_strerror(result));
}

/* ---- what the session calls ---- */

static int channel_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags, void *user_data)
{
	struct channel_call *call = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (call == NULL || !bytes_equal(bytes_of(name, name_size), BYTES_LITERAL("grpc-status")))
		return 0;
	call->code = 0;
	for (size_t at = 0; at < value_size; at++)
		call->code = call->code * 10 + value[at] - '0';
	return 0;
}

static size_t channel_message_size(struct bytes frame)
{
	return (size_t)frame.data[1] << 24 | (size_t)frame.data[2] << 16 | (size_t)frame.data[3] << 8 | frame.data[4];
}

static int channel_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t size,
                           void *user_data)
{
	struct channel_call *call = nghttp2_session_get_stream_user_data(session, id);
	if (call == NULL)
		return 0;
	buffer_put(&call->answer, bytes_of(data, size));
	size_t used = 0;
	for (;;) {
		struct bytes rest = bytes_from(buffer_bytes(&call->answer), used);
		if (rest.size < CHANNEL_FRAME_HEAD_BYTES)
			break;
		size_t body = channel_message_size(rest);
		if (rest.size < CHANNEL_FRAME_HEAD_BYTES + body)
			break;
		if (call->user->came != NULL)
			call->user->came(call, bytes_of(rest.data + CHANNEL_FRAME_HEAD_BYTES, body));
		used += CHANNEL_FRAME_HEAD_BYTES + body;
	}
	buffer_consume(&call->answer, used);
	return 0;
}

static int channel_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user_data)
{
	struct channel *channel = user_data;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		channel_fail(channel, "the server says goodbye", nghttp2_http2_strerror(frame->goaway.error_code));
	if (frame->hd.type == NGHTTP2_SETTINGS)
		channel->ready = true;
	return 0;
}

static int channel_on_close(nghttp2_session *session, int32_t id, uint32_t error_code, void *user_data)
{
	struct channel_call *call = nghttp2_session_get_stream_user_data(session, id);
	if (call != NULL)
		call->user->ended(call, call->code);
	return 0;
}

static ssize_t channel_on_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t size, uint32_t *flags,
                               nghttp2_data_source *source, void *user_data)
{
	struct channel_call *call = source->ptr;
	size_t rest = call->request.size - call->sent, taken = rest < size ? rest : size;
	if (taken == 0)
		return NGHTTP2_ERR_DEFERRED; /* of a stream: all was sent, and it stays open */
	memcpy(to, call->request.data + call->sent, taken);
	call->sent += taken;
	if (taken == rest && !call->stays_open)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)taken;
}

static void channel_session(struct channel *channel)
{
	static const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	                                                  {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, CHANNEL_WINDOW_BYTES}};
	nghttp2_session_callbacks *callbacks;
	channel_require(channel, nghttp2_session_callbacks_new(&callbacks), "session");
	nghttp2_session_callbacks_set_on_header_callback(callbacks, channel_on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, channel_on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, channel_on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, channel_on_close);
	channel_require(channel, nghttp2_session_client_new(&channel->session, callbacks, channel), "session");
	nghttp2_session_callbacks_del(callbacks);
	channel_require(
	    channel,
	    nghttp2_submit_settings(channel->session, NGHTTP2_FLAG_NONE, settings, sizeof settings / sizeof *settings),
	    "settings");
	channel_require(
	    channel,
	    nghttp2_session_set_local_window_size(channel->session, NGHTTP2_FLAG_NONE, 0, CHANNEL_WINDOW_BYTES),
	    "window");
}

/* ---- the socket ---- */

static void channel_connect(struct channel *channel)
{
	const char *colon = strrchr(channel->address, ':');
	if (colon == NULL)
		channel_fail(channel, "the address", "it is no HOST:PORT");
	AUTO_FREE char *host = memory_format("%.*s", (int)(colon - channel->address), channel->address);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	int failed = getaddrinfo(host, colon + 1, &hints, &found);
	if (failed != 0)
		channel_fail(channel, "the address", gai_strerror(failed));
	channel->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (channel->fd < 0 || connect(channel->fd, found->ai_addr, found->ai_addrlen) != 0)
		channel_fail(channel, "connect", strerror(errno));
	freeaddrinfo(found);
	int on = 1;
	if (setsockopt(channel->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
	    fcntl(channel->fd, F_SETFL, O_NONBLOCK) != 0)
		channel_fail(channel, "connect", strerror(errno));
}

void channel_open(struct channel *channel, const char *address)
{
	*channel = (struct channel){.address = memory_dup_string(address)};
	buffer_init(&channel->output, CHANNEL_OUTPUT_BYTES_MAX);
	channel_connect(channel);
	channel_session(channel);
	channel_flush(channel);
	while (!channel->ready) {
		struct pollfd wait = {.fd = channel->fd, .events = POLLIN};
		if (poll(&wait, 1, CHANNEL_PATIENCE_MS) != 1)
			channel_fail(channel, "connect", "the server says nothing");
		channel_receive(channel);
	}
	channel_flush(channel);
}

void channel_close(struct channel *channel)
{
	nghttp2_session_del(channel->session);
	close(channel->fd);
	buffer_fini(&channel->output);
	free(channel->address);
}

void channel_receive(struct channel *channel)
{
	static uint8_t room[CHANNEL_READ_BYTES];
	for (;;) {
		ssize_t size = recv(channel->fd, room, sizeof room, 0);
		if (size < 0 && errno == EAGAIN)
			return;
		if (size <= 0)
			channel_fail(channel, "receive", size == 0 ? "the server hung up" : strerror(errno));
		channel_require(channel, (int)nghttp2_session_mem_recv(channel->session, room, (size_t)size),
		                "receive");
		if ((size_t)size < sizeof room)
			return; /* what comes later is an event of its own */
	}
}

/* Moves what the session has to say to the output; some of it at a time. */
static void channel_pull(struct channel *channel)
{
	while (channel->output.size < CHANNEL_WRITE_BYTES) {
		const uint8_t *data;
		ssize_t size = nghttp2_session_mem_send(channel->session, &data);
		channel_require(channel, (int)size, "send");
		if (size == 0)
			return;
		buffer_put(&channel->output, bytes_of(data, (size_t)size));
	}
}

void channel_flush(struct channel *channel)
{
	for (;;) {
		channel_pull(channel);
		if (channel->output.size == 0)
			return;
		ssize_t size = send(channel->fd, channel->output.data, channel->output.size, MSG_NOSIGNAL);
		if (size < 0 && errno == EAGAIN)
			return;
		if (size < 0)
			channel_fail(channel, "send", strerror(errno));
		buffer_consume(&channel->output, (size_t)size);
	}
}

/* ---- calls ---- */

void channel_call_init(struct channel_call *call, struct channel *channel, const struct channel_user *user, void *state)
{
	*call = (struct channel_call){.channel = channel, .user = user, .state = state};
	buffer_init(&call->request, CHANNEL_MESSAGE_BYTES_MAX);
	buffer_init(&call->answer, CHANNEL_MESSAGE_BYTES_MAX);
}

void channel_call_fini(struct channel_call *call)
{
	buffer_fini(&call->request);
	buffer_fini(&call->answer);
}

void channel_call_add(struct channel_call *call, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *room;
	if (buffer_extend(&call->request, CHANNEL_FRAME_HEAD_BYTES + size, &room) != ERR_OK)
		channel_fail(call->channel, "send", "the message is too large");
	room[0] = 0; /* not compressed */
	for (int at = 1; at < CHANNEL_FRAME_HEAD_BYTES; at++)
		room[at] = (uint8_t)(size >> (8 * (CHANNEL_FRAME_HEAD_BYTES - 1 - at)));
	protobuf_c_message_pack(message, room + CHANNEL_FRAME_HEAD_BYTES);
}

static nghttp2_nv channel_field(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
	                    NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

void channel_call_begin(struct channel_call *call, const char *path)
{
	const nghttp2_nv fields[] = {channel_field(":method", "POST"),
	                             channel_field(":scheme", "http"),
	                             channel_field(":path", path),
	                             channel_field(":authority", call->channel->address),
	                             channel_field("content-type", "application/grpc"),
	                             channel_field("te", "trailers")};
	nghttp2_data_provider provider = {.source.ptr = call, .read_callback = channel_on_read};
	call->sent = 0;
	call->code = CHANNEL_BROKEN;
	call->begun_ns = clock_steady_ns();
	buffer_clear(&call->answer);
	channel_require(call->channel,
	                nghttp2_submit_request(call->channel->session, NULL, fields, sizeof fields / sizeof *fields,
	                                       &provider, call),
	                "begin");
}

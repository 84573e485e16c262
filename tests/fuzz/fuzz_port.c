/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stranger sends to the client port. The first byte says what the rest is: bytes as they are, or frames of HTTP/2 behind a good
 * beginning (a byte each of type, flags, stream and size, and the payload). When the stranger has sent all and closed its half, it must
 * be done with within some seconds, but for streams that go on by right.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/grpc.h"
#include "base/check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/served.h"

enum { PORT_BYTES_MAX = 64 << 10, PORT_ANSWER_MS = 1, PORT_FRAME_HEAD_BYTES = 9, PORT_PIECE_HEAD_BYTES = 4 };

static void port_frame(struct buffer *buffer, const uint8_t *head, struct bytes payload)
{
	const uint8_t frame[PORT_FRAME_HEAD_BYTES] = {
	    0, 0, (uint8_t)payload.size, head[0], head[1], 0, 0, 0, head[2],
	};
	buffer_put(buffer, bytes_of(frame, sizeof frame));
	buffer_put(buffer, payload);
}

static void port_frames(struct buffer *buffer, struct bytes input)
{
	buffer_put(buffer, BYTES_LITERAL(GRPC_PREFACE));
	port_frame(buffer, (const uint8_t[]){NGHTTP2_SETTINGS, 0, 0}, BYTES_NONE);
	while (input.size >= PORT_PIECE_HEAD_BYTES) {
		const uint8_t *head = input.data;
		input = bytes_from(input, PORT_PIECE_HEAD_BYTES);
		size_t size = head[3] < input.size ? head[3] : input.size;
		port_frame(buffer, head, bytes_of(input.data, size));
		input = bytes_from(input, size);
	}
}

/* Whatever comes is thrown away. */
static void port_fetch(int fd)
{
	static uint8_t sink[64 << 10];
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	while (poll(&wait, 1, PORT_ANSWER_MS) == 1 && recv(fd, sink, sizeof sink, 0) > 0) {
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, PORT_BYTES_MAX);
	if (size == 0 || size > FUZZ_INPUT_BYTES_MAX)
		return 0;
	if (data[0] % 2 == 0)
		port_frames(&buffer, bytes_of(data + 1, size - 1));
	else
		buffer_put(&buffer, bytes_of(data + 1, size - 1));
	int fd = served_connect();
	ssize_t sent = send(fd, buffer.data, buffer.size, MSG_NOSIGNAL);
	check(sent >= 0 || errno == EPIPE || errno == ECONNRESET || errno == EAGAIN);
	shutdown(fd, SHUT_WR);
	port_fetch(fd);
	close(fd);
	return 0;
}

/* ---- good ones ---- */

static void port_piece(struct buffer *buffer, uint8_t type, uint8_t flags, uint8_t stream, struct bytes payload)
{
	buffer_put_u8(buffer, type);
	buffer_put_u8(buffer, flags);
	buffer_put_u8(buffer, stream);
	buffer_put_u8(buffer, (uint8_t)payload.size);
	buffer_put(buffer, payload);
}

static void port_call(struct buffer *buffer, const char *path, const char *type, struct bytes message)
{
	const nghttp2_nv fields[] = {
	    {(uint8_t *)":method", (uint8_t *)"POST", 7, 4, 0},
	    {(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
	    {(uint8_t *)":path", (uint8_t *)path, 5, strlen(path), 0},
	    {(uint8_t *)"content-type", (uint8_t *)type, 12, strlen(type), 0},
	    {(uint8_t *)"grpc-timeout", (uint8_t *)"50m", 12, 3, 0},
	};
	uint8_t head[255];
	nghttp2_hd_deflater *deflater;
	check(nghttp2_hd_deflate_new(&deflater, 4096) == 0);
	ssize_t size = nghttp2_hd_deflate_hd(deflater, head, sizeof head, fields, sizeof fields / sizeof *fields);
	nghttp2_hd_deflate_del(deflater);
	check(size > 0);
	port_piece(buffer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, bytes_of(head, (size_t)size));
	port_piece(buffer, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, message);
}

void fuzz_seed(struct random *random, uint64_t kind, struct buffer *buffer)
{
	static const char *const requests[] = {
	    "GET /health?serializable=true HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
	    "GET /readyz?verbose HTTP/1.1\r\nHost: h\r\n\r\nGET /version HTTP/1.1\r\n\r\n",
	    "POST /v3/kv/put HTTP/1.1\r\nContent-Length: 30\r\n\r\n{\"key\":\"Zm9v\",\"value\":\"YmFy\"}\n",
	    "POST /v3/kv/range HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"key\":\"Zm9v\"}  \r\n0\r\n\r\n",
	    "POST /v3/watch HTTP/1.1\r\nContent-Length: 37\r\n\r\n{\"create_request\":{\"key\":\"Zm9v\"}}    \n",
	    "POST /v3/watch HTTP/1.1\r\nTransfer-Encoding: "
	    "chunked\r\n\r\n21\r\n{\"create_request\":{\"key\":\"Zm9v\"}}\r\n"
	    "21\r\n{\"cancel_request\":{\"watch_id\":0}}\r\n2\r\n[]\r\n0\r\n\r\n",
	    "POST /v3/kv/range HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 14\r\n\r\n{\"key\":\"Zm9v\"}"
	    "HEAD /health HTTP/1.1\r\n\r\nOPTIONS /v3/kv/range HTTP/1.1\r\n\r\n",
	    "POST /v3beta/maintenance/snapshot HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
	};
	static const struct {
		const char *path, *type;
		struct bytes body;
	} calls[] = {
	    {"/etcdserverpb.KV/Range", "application/grpc", BYTES_LITERAL("\0\0\0\0\3\n\1a")},
	    {"/etcdserverpb.Watch/Watch", "application/grpc", BYTES_LITERAL("\0\0\0\0\5\n\3\n\1a")},
	    {"/etcdserverpb.KV/Txn", "application/grpc", BYTES_LITERAL("\0\0\0\0\0")},
	    {"/grpc.health.v1.Health/Check", "application/grpc", BYTES_LITERAL("\0\0\0\0\0")},
	    {"/v3/kv/range", "application/json", BYTES_LITERAL("{\"key\":\"Zm9v\"}")},
	    {"/v3/watch", "application/json",
	     BYTES_LITERAL("{\"create_request\":{\"key\":\"Zm9v\"}}{\"progress_request\":{}}")},
	    {"/readyz?verbose", "text/plain", BYTES_LITERAL("")},
	};
	const size_t request = kind / 2 % (sizeof requests / sizeof *requests),
	             call = kind / 2 % (sizeof calls / sizeof *calls);
	if (kind % 2 == 1) {
		buffer_put_u8(buffer, 1);
		buffer_put(buffer, bytes_of_string(requests[request]));
		return;
	}
	buffer_put_u8(buffer, 0);
	port_call(buffer, calls[call].path, calls[call].type, calls[call].body);
	if (random_below(random, 3) == 0)
		port_piece(buffer, NGHTTP2_RST_STREAM, 0, 1, BYTES_LITERAL("\0\0\0\10"));
	if (random_below(random, 3) == 0)
		port_piece(buffer, NGHTTP2_WINDOW_UPDATE, 0, (uint8_t)random_below(random, 2),
		           BYTES_LITERAL("\0\1\0\0"));
	if (random_below(random, 3) == 0)
		port_piece(buffer, NGHTTP2_PING, 0, 0, BYTES_LITERAL("12345678"));
}

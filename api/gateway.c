/* SPDX-License-Identifier: Apache-2.0 */
#include "api/gateway.h"

#include <stddef.h>
#include <string.h>

#include "api/proto_json.h"
#include "api/rpc.h"
#include "api/timeout.h"
#include "base/check.h"
#include "base/proto.h"

/* One call, from the head of its request on. */
struct gateway {
	struct exchange *exchange;
	const struct rpc_method *method;
	struct rpc_call *call; /* NULL: not begun, or over */
	struct buffer text;    /* of the answer, or of the piece of it that is being made */
	size_t text_bytes;     /* of it, counted with all other answers */
	struct proto_json_cutter cutter;
	bool begun;       /* the answer's head is on its way */
	struct tick tick; /* run: NULL, or added, for the deadline */
};

/* ---- statuses ---- */

/* grpc-gateway v2's HTTPStatusFromCode. */
static int gateway_http_status(enum rpc_code code)
{
	switch (code) {
	case RPC_OK:
		return 200;
	case RPC_CANCELED:
		return 499;
	case RPC_INVALID_ARGUMENT:
	case RPC_FAILED_PRECONDITION:
	case RPC_OUT_OF_RANGE:
		return 400;
	case RPC_DEADLINE_EXCEEDED:
		return 504;
	case RPC_NOT_FOUND:
		return 404;
	case RPC_ALREADY_EXISTS:
	case RPC_ABORTED:
		return 409;
	case RPC_PERMISSION_DENIED:
		return 403;
	case RPC_RESOURCE_EXHAUSTED:
		return 429;
	case RPC_UNIMPLEMENTED:
		return 501;
	case RPC_UNAVAILABLE:
		return 503;
	case RPC_UNAUTHENTICATED:
		return 401;
	case RPC_UNKNOWN:
	case RPC_INTERNAL:
	case RPC_DATA_LOSS:
		return 500;
	}
	check(false);
	return 500;
}

/* Of an error: the whole body, or the last line of a stream. */
static struct bytes gateway_error(struct gateway *gateway, const struct rpc_status *status)
{
	struct arena *arena = &gateway->exchange->arena;
	int code = (int)status->code, http = gateway_http_status(status->code);
	buffer_clear(&gateway->text);
	enum err err = proto_json_write_string(&gateway->text, status->message);
	check(err == ERR_OK); /* it is short */
	const char *message = arena_dup_string(arena, buffer_bytes(&gateway->text));
	if (gateway->method == NULL || gateway->method->kind == RPC_UNARY)
		return bytes_of_string(
		    arena_format(arena, "{\"error\":%s,\"code\":%d,\"message\":%s}", message, code, message));
	return bytes_of_string(arena_format(arena,
	                                    "{\"error\":{\"grpc_code\":%d,\"http_code\":%d,\"message\":%s,"
	                                    "\"http_status\":\"%s\",\"code\":%d}}\n",
	                                    code, http, message, http_reason(http), code));
}

/* ---- answers ---- */

static void gateway_head(struct gateway *gateway, int status, struct bytes body)
{
	gateway->exchange->response =
	    (struct http_response){.status = status, .content_type = "application/json", .body = body};
}

static enum err gateway_send_line(struct gateway *gateway, const ProtobufCMessage *message)
{
	buffer_clear(&gateway->text);
	buffer_put(&gateway->text, BYTES_LITERAL("{\"result\":"));
	enum err err = proto_json_write(&gateway->text, message);
	if (err == ERR_OK)
		err = buffer_append(&gateway->text, BYTES_LITERAL("}\n"));
	if (err != ERR_OK)
		return err;
	if (gateway->begun)
		return exchange_send(gateway->exchange, buffer_bytes(&gateway->text));
	gateway->begun = true;
	gateway_head(gateway, 200, buffer_bytes(&gateway->text));
	exchange_begin(gateway->exchange);
	return ERR_OK;
}

/* A whole answer is counted beside what it is made of, and with all others; a small one is given all the same. */
static enum err gateway_send_whole(struct gateway *gateway, const ProtobufCMessage *message)
{
	const struct service *service = gateway->exchange->service;
	size_t used = *service->answers_bytes, most = service->answers_bytes_max;
	size_t room = used < most ? most - used : 0;
	gateway->text.size_max = room > GATEWAY_SMALL_BYTES ? room : GATEWAY_SMALL_BYTES;
	enum err err = proto_json_write(&gateway->text, message);
	gateway->text_bytes = gateway->text.size;
	*service->answers_bytes += gateway->text_bytes;
	return err;
}

static enum err gateway_send(void *link, const ProtobufCMessage *message)
{
	struct gateway *gateway = link;
	return gateway->method->kind == RPC_UNARY ? gateway_send_whole(gateway, message)
	                                          : gateway_send_line(gateway, message);
}

static size_t gateway_backlog_bytes(const void *link)
{
	return exchange_backlog_bytes(((const struct gateway *)link)->exchange);
}

static void gateway_end_stream(struct gateway *gateway, const struct rpc_status *status)
{
	struct exchange *exchange = gateway->exchange;
	if (status->code != RPC_OK && !gateway->begun) {
		gateway_head(gateway, gateway_http_status(status->code), gateway_error(gateway, status));
		exchange_answer(exchange);
		return;
	}
	if (!gateway->begun) {
		gateway_head(gateway, 200, BYTES_NONE);
		exchange_begin(exchange);
	} else if (status->code != RPC_OK) {
		enum err ignored = exchange_send(exchange, gateway_error(gateway, status));
		(void)ignored; /* then the end is all that it hears */
	}
	exchange_end(exchange);
}

static void gateway_untick(struct gateway *gateway)
{
	if (gateway->tick.run != NULL)
		ticks_remove(gateway->exchange->service->ticks, &gateway->tick);
	gateway->tick.run = NULL;
}

/* The call is over, or was none. */
static void gateway_finish(void *link, const struct rpc_status *status)
{
	struct gateway *gateway = link;
	gateway->call = NULL;
	gateway_untick(gateway);
	if (gateway->method != NULL && gateway->method->kind != RPC_UNARY) {
		gateway_end_stream(gateway, status);
		return;
	}
	bool good = status->code == RPC_OK;
	gateway_head(gateway, gateway_http_status(status->code),
	             good ? buffer_bytes(&gateway->text) : gateway_error(gateway, status));
	exchange_answer(gateway->exchange);
}

static const struct rpc_transport gateway_transport = {
    .send = gateway_send, .backlog_bytes = gateway_backlog_bytes, .finish = gateway_finish};

static void gateway_refuse(struct gateway *gateway, enum rpc_code code, const char *message)
{
	const struct rpc_status status = {code, message};
	if (gateway->call != NULL)
		rpc_finish(gateway->call, code, message);
	else
		gateway_finish(gateway, &status);
}

/* ---- requests ---- */

static struct gateway *gateway_of(struct exchange *exchange)
{
	struct gateway *gateway = exchange->state;
	if (gateway != NULL)
		return gateway;
	gateway = arena_zero(&exchange->arena, 1, sizeof *gateway);
	gateway->exchange = exchange;
	gateway->method = rpc_find_gateway(exchange->request.path);
	buffer_init(&gateway->text, GATEWAY_ANSWER_BYTES_MAX);
	exchange->state = gateway;
	return gateway;
}

static void gateway_expire(struct tick *tick, uint64_t now_ns)
{
	struct gateway *gateway = (struct gateway *)((char *)tick - offsetof(struct gateway, tick));
	if (now_ns >= gateway->call->deadline_ns)
		rpc_finish(gateway->call, RPC_DEADLINE_EXCEEDED, "context deadline exceeded");
}

/* What is wrong with the headers is no matter of a stream, whatever was asked for. */
static void gateway_refuse_head(struct gateway *gateway, enum rpc_code code, const char *message)
{
	gateway->method = NULL;
	gateway_refuse(gateway, code, message);
}

static void gateway_expires(struct gateway *gateway, int64_t timeout_ns)
{
	gateway->call->deadline_ns = gateway->exchange->begun_ns + (uint64_t)timeout_ns;
	gateway->tick.run = gateway_expire;
	ticks_add(gateway->exchange->service->ticks, &gateway->tick);
}

/* False: it was refused. */
static bool gateway_call(struct gateway *gateway)
{
	struct exchange *exchange = gateway->exchange;
	const char *text = exchange->fields.timeout;
	int64_t timeout_ns = 0; /* none; also if that is what is asked for */
	if (text[0] != '\0' && timeout_of_gateway(bytes_of_string(text), &timeout_ns) != ERR_OK) {
		gateway_refuse_head(gateway, RPC_INVALID_ARGUMENT,
		                    arena_format(&exchange->arena, "invalid grpc-timeout: %s", text));
		return false;
	}
	if (timeout_ns < 0) {
		gateway_refuse_head(gateway, RPC_DEADLINE_EXCEEDED, "context deadline exceeded");
		return false;
	}
	gateway->call = rpc_call_new(exchange->service, gateway->method, &gateway_transport, gateway);
	gateway->call->require_leader = exchange->fields.requires_leader;
	if (timeout_ns != 0)
		gateway_expires(gateway, timeout_ns);
	return true;
}

/* NULL: it is none, and the call was refused. */
static ProtobufCMessage *gateway_read(struct gateway *gateway, struct bytes text, struct arena *arena)
{
	size_t size, size_max = gateway->exchange->service->request_bytes_max;
	ProtobufCMessage *message;
	const char *why;
	if (proto_json_read(rpc_input(gateway->method), text, arena, &message, &why) != ERR_OK) {
		gateway_refuse(gateway, RPC_INVALID_ARGUMENT, why);
		return NULL;
	}
	size = protobuf_c_message_get_packed_size(message);
	if (size <= size_max)
		return message;
	gateway_refuse(gateway, RPC_RESOURCE_EXHAUSTED,
	               arena_format(arena, "grpc: received message larger than max (%zu vs. %zu)", size, size_max));
	return NULL;
}

static void gateway_whole(struct exchange *exchange)
{
	struct gateway *gateway = gateway_of(exchange);
	if (!gateway_call(gateway))
		return;
	struct rpc_call *call = gateway->call;
	ProtobufCMessage *request = gateway_read(gateway, buffer_bytes(&exchange->body), &call->arena);
	if (request == NULL)
		return;
	exchange_consume(exchange, exchange->body.size);
	call->request = request;
	rpc_begin(call);
}

/* ---- requests that are streams ---- */

static void gateway_stream_headed(struct exchange *exchange)
{
	struct gateway *gateway = gateway_of(exchange);
	if (gateway_call(gateway))
		rpc_begin(gateway->call);
}

static void gateway_take(struct gateway *gateway, struct bytes text)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	ProtobufCMessage *message = gateway_read(gateway, text, &arena);
	if (message != NULL)
		rpc_received(gateway->call, message);
}

static void gateway_stream_received(struct exchange *exchange)
{
	struct gateway *gateway = gateway_of(exchange);
	size_t size, used = 0;
	while (exchange->link != NULL &&
	       proto_json_cut(&gateway->cutter, bytes_from(buffer_bytes(&exchange->body), used), &size)) {
		gateway_take(gateway, bytes_of(exchange->body.data + used, size));
		used += size;
	}
	exchange_consume(exchange, used);
}

static void gateway_stream_whole(struct exchange *exchange)
{
	struct gateway *gateway = gateway_of(exchange);
	if (gateway->cutter.depth != 0)
		gateway_refuse(gateway, RPC_INVALID_ARGUMENT, "unexpected EOF");
	else
		rpc_half_closed(gateway->call);
}

/* ---- life ---- */

static void gateway_drained(struct exchange *exchange)
{
	struct gateway *gateway = exchange->state;
	if (gateway != NULL && gateway->call != NULL && rpc_room_is_made(gateway->call))
		rpc_drained(gateway->call);
}

static void gateway_ended(struct exchange *exchange)
{
	struct gateway *gateway = exchange->state;
	if (gateway == NULL)
		return;
	gateway_untick(gateway);
	if (gateway->call != NULL)
		rpc_abandon(gateway->call);
	gateway->call = NULL;
	*exchange->service->answers_bytes -= gateway->text_bytes;
	buffer_fini(&gateway->text);
}

static const struct exchange_handler gateway_handler = {.body = EXCHANGE_BODY_KEPT,
                                                        .body_bytes_max = GATEWAY_BODY_BYTES_MAX,
                                                        .listens = true,
                                                        .whole = gateway_whole,
                                                        .drained = gateway_drained,
                                                        .ended = gateway_ended};
static const struct exchange_handler gateway_stream_handler = {.body = EXCHANGE_BODY_STREAMED,
                                                               .body_bytes_max = GATEWAY_BODY_BYTES_MAX,
                                                               .listens = true,
                                                               .headed = gateway_stream_headed,
                                                               .received = gateway_stream_received,
                                                               .whole = gateway_stream_whole,
                                                               .drained = gateway_drained,
                                                               .ended = gateway_ended};

/* ---- what is not served ---- */

static void gateway_absent(struct exchange *exchange)
{
	struct gateway *gateway = gateway_of(exchange);
	bool known = gateway->method != NULL;
	gateway->method = NULL;
	gateway_refuse(gateway, known ? RPC_UNIMPLEMENTED : RPC_NOT_FOUND, known ? "Method Not Allowed" : "Not Found");
}

static const struct exchange_handler gateway_absent_handler = {.body = EXCHANGE_BODY_PASSED_OVER,
                                                               .body_bytes_max = GATEWAY_BODY_BYTES_MAX,
                                                               .whole = gateway_absent,
                                                               .ended = gateway_ended};

/* etcd's embed/serve.go: what the clients of 3.3 say means the same. */
static const char *gateway_path(struct exchange *exchange)
{
	static const char old[] = "/v3beta/";
	const char *path = exchange->request.path;
	if (strncmp(path, old, sizeof old - 1) != 0)
		return path;
	return arena_format(&exchange->arena, "/v3/%s", path + sizeof old - 1);
}

const struct exchange_handler *gateway_handler_of(struct exchange *exchange)
{
	const char *path = exchange->request.path = gateway_path(exchange);
	if (strncmp(path, "/v3/", 4) != 0 || strcmp(exchange->request.method, "OPTIONS") == 0)
		return NULL;
	const struct rpc_method *method = rpc_find_gateway(path);
	if (method == NULL || strcmp(exchange->request.method, "POST") != 0)
		return &gateway_absent_handler;
	return method->kind == RPC_BIDI ? &gateway_stream_handler : &gateway_handler;
}

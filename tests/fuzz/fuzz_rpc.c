/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of a stranger to each method that is served: the first byte chooses the method, the rest is a message of its, or for a stream
 * several, each behind a byte that is its size. Answers are packed as a transport does, a unary call is answered exactly once.
 */
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "api/rpc.h"
#include "api/rpc_rows.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/proto.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/served.h"

enum { RPC_PATIENCE_S = 20 };

static const struct rpc_method *rpc_method_at(size_t at)
{
	static const struct {
		const struct rpc_method *methods;
		const size_t *count;
	} tables[] = {
	    {rpc_kv_methods, &rpc_kv_count},           {rpc_watch_methods, &rpc_watch_count},
	    {rpc_cluster_methods, &rpc_cluster_count}, {rpc_maintenance_methods, &rpc_maintenance_count},
	    {rpc_auth_methods, &rpc_auth_count},
	};
	size_t total = 0;
	for (size_t table = 0; table < sizeof tables / sizeof *tables; table++)
		total += *tables[table].count;
	at %= total;
	for (size_t table = 0;; at -= *tables[table++].count)
		if (at < *tables[table].count)
			return &tables[table].methods[at];
}

struct exchange {
	struct rpc_call *call; /* NULL: it is over */
	const struct rpc_method *method;
	struct bytes input;
	size_t backlog;
	sem_t over;
};

/* ---- a transport ---- */

static enum err exchange_send(void *link, const ProtobufCMessage *message)
{
	struct exchange *exchange = link;
	check(message->descriptor == rpc_output(exchange->method));
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(size + 1);
	check(protobuf_c_message_pack(message, data) == size);
	free(data);
	exchange->backlog += size;
	return ERR_OK;
}

static size_t exchange_backlog(const void *link)
{
	return ((const struct exchange *)link)->backlog;
}

static void exchange_finish(void *link, const struct rpc_status *status)
{
	struct exchange *exchange = link;
	check(exchange->call != NULL && status->message != NULL);
	exchange->call = NULL;
	sem_post(&exchange->over);
}

static const struct rpc_transport transport = {
    .send = exchange_send, .backlog_bytes = exchange_backlog, .finish = exchange_finish};

/* ---- on the api role ---- */

static ProtobufCMessage *exchange_message(struct exchange *exchange, struct bytes body, struct arena *arena)
{
	ProtobufCAllocator allocator = proto_allocator(arena);
	return protobuf_c_message_unpack(rpc_input(exchange->method), &allocator, body.size, body.data);
}

static void exchange_stream(struct exchange *exchange)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	while (exchange->call != NULL && exchange->input.size != 0) {
		size_t size = exchange->input.data[0];
		struct bytes rest = bytes_from(exchange->input, 1);
		struct bytes body = bytes_of(rest.data, size < rest.size ? size : rest.size);
		ProtobufCMessage *message = exchange_message(exchange, body, &arena);
		if (message != NULL)
			rpc_received(exchange->call, message);
		exchange->input = bytes_from(rest, body.size);
	}
	if (exchange->call != NULL)
		rpc_half_closed(exchange->call);
}

static void exchange_begin(const struct service *service, void *argument)
{
	struct exchange *exchange = argument;
	struct rpc_call *call = rpc_call_new(service, exchange->method, &transport, exchange);
	exchange->call = call;
	call->deadline_ns = clock_steady_ns() + 50 * CLOCK_NS_PER_MS;
	if (exchange->method->kind == RPC_BIDI) {
		rpc_begin(call);
		exchange_stream(exchange);
		return;
	}
	call->request = exchange_message(exchange, exchange->input, &call->arena);
	if (call->request != NULL)
		rpc_begin(call);
	else
		rpc_finish(call, RPC_INTERNAL, "");
}

static void exchange_abandon(const struct service *service, void *argument)
{
	struct exchange *exchange = argument;
	struct rpc_call *call = exchange->call;
	exchange->call = NULL;
	if (call != NULL)
		rpc_abandon(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct exchange exchange = {.method = rpc_method_at(data[0]), .input = bytes_of(data + 1, size - 1)};
	sem_init(&exchange.over, 0, 0);
	served_run(exchange_begin, &exchange);
	if (exchange.method->kind == RPC_UNARY) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += RPC_PATIENCE_S;
		check(sem_timedwait(&exchange.over, &until) == 0); /* a unary call is answered */
	}
	served_run(exchange_abandon, &exchange);
	sem_destroy(&exchange.over);
	return 0;
}

void fuzz_seed(struct random *random, uint64_t kind, struct buffer *buffer)
{
	static const struct bytes bodies[] = {
	    BYTES_LITERAL("\x0a\x01k\x12\x01v"), /* key, value; or key, range_end */
	    BYTES_LITERAL(
	        "\x0a\x06\x10\x03\x1a\x01k8\x02\x12\x08\x12\x06\x0a\x01k\x12\x01v"), /* compare, success: put */
	    BYTES_LITERAL("\x08\x02"),                                               /* a number */
	    BYTES_LITERAL(
	        "\x05\x0a\x03\x0a\x01k\x02\x1a\x00\x04\x12\x02\x08\x00"), /* watches: create, progress, cancel */
	};
	buffer_put_u8(buffer, (uint8_t)kind);
	buffer_put(buffer, bodies[random_below(random, sizeof bodies / sizeof *bodies)]);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/front.h"

#include <string.h>

#include "api/grpc.h"
#include "api/http.h"

static void front_opened(struct connection *connection)
{
	(void)connection;
}

/* RFC 9113 §3.4: no request of HTTP/1.1 begins like the preface, whose method is PRI. */
static void front_received(struct connection *connection)
{
	const size_t preface = sizeof GRPC_PREFACE - 1;
	size_t size = connection->input.size < preface ? connection->input.size : preface;
	bool like = memcmp(connection->input.data, GRPC_PREFACE, size) == 0;
	if (like && size < preface)
		return; /* more will tell */
	connection_become(connection, like ? &grpc_protocol : &http_protocol);
	connection->protocol->received(connection);
}

static void front_drained(struct connection *connection)
{
	(void)connection;
}

static void front_closed(struct connection *connection)
{
	(void)connection;
}

const struct connection_protocol front_protocol = {
    .name = "client",
    .connections_max = 1024,
    .input_bytes_max = sizeof GRPC_PREFACE,
    .output_bytes_max = sizeof GRPC_PREFACE,
    .request_ms_max = 10 * 1000,
    .idle_ms_max = 60 * 1000,
    .stalled_ms_max = 30 * 1000,
    .opened = front_opened,
    .received = front_received,
    .drained = front_drained,
    .closed = front_closed,
};

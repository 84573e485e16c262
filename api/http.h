/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 on the client port: requests are read by libhttp-parser, and are exchanges (api/exchange.h) from their heads on. One after
 * the other: what a client sends ahead waits. The context of the connections is the service.
 *
 * Sources: RFC 9112 (chunks, connections that stay), RFC 9110 §10.1.1 (Expect), §9.3.2 (HEAD).
 */
#pragma once

#include "api/connection.h"

enum {
	HTTP_TARGET_BYTES_MAX = 2048,
	HTTP_HEAD_BYTES_MAX = 16 << 10, /* request line and headers: as many servers take */
	HTTP_AHEAD_BYTES_MAX = 1 << 20, /* of answers that wait, before the next request is begun */
	HTTP_ANSWER_BYTES_MAX = 1 << 30,
};

extern const struct connection_protocol http_protocol;

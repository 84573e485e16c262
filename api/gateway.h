/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of api/rpc.h for clients that speak JSON over HTTP: POST to a row's path below /v3/, with its request as JSON. As
 * grpc-gateway does it for etcd: the answer of a unary call is its message; the answers of a stream are a line each, {"result":{…}};
 * an error is {"code":…,"message":…}, or in a stream a last line {"error":{…}}. The requests of a bidirectional stream come behind
 * each other in the body, which may stay open as long as the stream does.
 *
 * Errors also have the members that they had up to etcd 3.5 (`error`; in streams `grpc_code`, `http_code`, `http_status`), which
 * clients from before still look at.
 *
 * Sources: grpc-gateway v2's runtime (statuses, the shape of streams and of errors), etcd's embed/serve.go (names, and what is set).
 */
#pragma once

#include "api/exchange.h"

enum {
	GATEWAY_BODY_BYTES_MAX = 4 << 20, /* a message of the largest size, its bytes in base64 */
	GATEWAY_ANSWER_BYTES_MAX = 1 << 30,
	GATEWAY_SMALL_BYTES =
	    4
	    << 20, /* of an answer that is never refused for what others wait for: a value of the largest size, twice */
};

/* NULL: the path is not the gateway's. */
const struct exchange_handler *gateway_handler_of(struct exchange *exchange);

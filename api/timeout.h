/* SPDX-License-Identifier: Apache-2.0 */
/* How long a client waits, as it says in the header grpc-timeout: a number and a unit, "500m". */
#pragma once

#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

/* Of a call of gRPC: PROTOCOL-HTTP2, Timeout. ERR_INVALID. */
enum err timeout_of_grpc(struct bytes text, uint64_t *ret_ns) MUST_USE;
/* Of a request to grpc-gateway, which is read more generously: any number of digits, and a sign. Less than none: -1. ERR_INVALID. */
enum err timeout_of_gateway(struct bytes text, int64_t *ret_ns) MUST_USE;

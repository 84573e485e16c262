/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of each service, in a file of its own. */
#pragma once

#include "api/rpc.h"

extern const struct rpc_method rpc_kv_methods[], rpc_health_methods[];
extern const size_t rpc_kv_count, rpc_health_count;

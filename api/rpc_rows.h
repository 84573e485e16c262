/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of each service, in a file of its own. */
#pragma once

#include "api/rpc.h"

extern const struct rpc_method rpc_auth_methods[], rpc_cluster_methods[], rpc_health_methods[], rpc_kv_methods[],
    rpc_lease_methods[], rpc_lock_methods[], rpc_election_methods[], rpc_maintenance_methods[], rpc_watch_methods[];
extern const size_t rpc_auth_count, rpc_cluster_count, rpc_health_count, rpc_kv_count, rpc_lease_count, rpc_lock_count,
    rpc_election_count, rpc_maintenance_count, rpc_watch_count;

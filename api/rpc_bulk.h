/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of Maintenance that read the whole state: a piece at a time, so that others are served meanwhile. */
#pragma once

#include "api/rpc.h"

void bulk_hash_begin(struct rpc_call *call);
void bulk_hash_ended(struct rpc_call *call);

void bulk_snapshot_begin(struct rpc_call *call);
void bulk_snapshot_drained(struct rpc_call *call);
void bulk_snapshot_ended(struct rpc_call *call);

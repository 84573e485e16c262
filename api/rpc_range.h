/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges, which may be as large as the store: Range and RangeStream of the service KV. */
#pragma once

#include "api/rpc_op.h"

enum {
	RANGE_PIECE_BYTES = 256 << 10, /* of a step, after which the loop goes on, and of a message of a stream */
};

void range_begin(struct rpc_call *call);
void range_stream_begin(struct rpc_call *call);
void range_stream_drained(struct rpc_call *call);
void range_ended(struct rpc_call *call);

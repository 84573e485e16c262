/* SPDX-License-Identifier: Apache-2.0 */
/* Answers by their descriptors: most of etcd's are a header, and little else. */
#pragma once

#include "api/rpc.h"

/* An empty answer of the call's method, in its arena. */
void *rpc_answer_bare(struct rpc_call *call);
/* And with a header of this revision (0: none is said). */
void *rpc_answer(struct rpc_call *call, int64_t revision);
/* Of the state as it is now. */
int64_t rpc_revision(const struct rpc_call *call);
/* Answers with a header of the present revision, and nothing else. */
void rpc_reply_header(struct rpc_call *call);

/* Memory that an answer takes while it is gathered, counted with that of all others: `size` more than *held. False: it is too much, and the
 * call is over. */
bool rpc_gathers(struct rpc_call *call, size_t *held, size_t size) MUST_USE;
void rpc_gathered(const struct rpc_call *call, size_t held);

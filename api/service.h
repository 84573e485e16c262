/* SPDX-License-Identifier: Apache-2.0 */
/* What every request here may use. Lives as long as the api. */
#pragma once

#include "api/reactor.h"
#include "replica/replica.h"

struct events;
struct range_counts;
struct ticks;
struct watch_hub;

struct service {
	struct replica *replica;
	struct reactor *reactor;
	struct watch_hub *watches; /* of the control socket */
	struct events *events;
	struct range_counts *range_counts;
	struct ticks *ticks;
	uint64_t read_timeout_ms, write_timeout_ms; /* of calls over the control socket */
	uint64_t request_timeout_ms;                /* of etcd's clients: 5 s and two election timeouts */
	uint64_t election_timeout_ms;
	uint64_t watch_progress_ms; /* between the notices of a quiet watch */
	size_t request_bytes_max;   /* of one message of theirs */
	size_t proposal_bytes_max;  /* of one that goes into the log: less */
	size_t txn_ops_max;         /* of one level of a transaction, and of what is nested in it together */
	size_t value_bytes_max;
	size_t *bodies_bytes;  /* that are kept of requests of HTTP */
	size_t *answers_bytes; /* of ranges that are gathered, and of unary answers that wait for their clients */
	size_t answers_bytes_max;
	const char *version;
};

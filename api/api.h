/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients reach: the control socket in the data directory (the `etcfs` command line speaks it), and the client port
 * (/health, /livez, /readyz, /version, /metrics over HTTP/1.1; etcd v3 comes here).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "replica/replica.h"

struct api;

struct api_address {
	const char *host, *port; /* as for getaddrinfo(3); port "0": any free one */
};

struct api_options {
	const char *control_path;         /* DATA_DIR/control.sock */
	const struct api_address *listen; /* for clients */
	size_t listen_count;
	uint64_t read_timeout_ms, write_timeout_ms, election_timeout_ms;
	uint64_t watch_progress_ms; /* between the notices of a quiet watch; 0: the default, ten minutes */
	size_t answers_bytes_max;   /* of ranges that are gathered and unary answers that wait; 0: the default, 1 GiB */
	size_t proposal_bytes_max;  /* of a request that changes something; 0: the default, 1.5 MiB */
	size_t txn_ops_max;         /* 0: the default, 128 */
	size_t value_bytes_max;
	const char *version;
};

/* Binds, and adds its observer to the replica: call it between replica_open() and replica_start(). ERR_ADDRESS_IN_USE,
 * ERR_ADDRESS_INVALID, ERR_PERMISSION, ERR_LIMIT; logged with the remedy. The options are borrowed for the call, the version
 * lives as long as the api. */
enum err api_open(const struct api_options *options, struct replica *replica, struct api **ret_api) MUST_USE;
/* Serves on a thread of its own. */
enum err api_start(struct api *api) MUST_USE;
void api_stop(struct api *api);
/* After replica_stop(): calls that wait have been answered by then. */
void api_close(struct api *api);

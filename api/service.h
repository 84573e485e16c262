/* SPDX-License-Identifier: Apache-2.0 */
/* What every request here may use. Lives as long as the api. */
#pragma once

#include "api/reactor.h"
#include "replica/replica.h"

struct watch_hub;

struct service {
	struct replica *replica;
	struct reactor *reactor;
	struct watch_hub *watches;
	uint64_t read_timeout_ms, write_timeout_ms;
	size_t value_bytes_max;
	const char *version;
};

/* SPDX-License-Identifier: Apache-2.0 */
/* A socket that takes connections for one protocol. */
#pragma once

#include "api/api.h"
#include "api/connection.h"

struct listener {
	struct reactor_source source;
	struct connection_set *set;
	int reserve; /* a descriptor to give up, so that a connection can be refused when there are no others */
};

/* Binds and listens, and takes connections once the loop runs. Logged with the remedy. ERR_ADDRESS_IN_USE,
 * ERR_ADDRESS_INVALID, ERR_PERMISSION, ERR_LIMIT. */
enum err listener_open_tcp(struct listener *listener, struct connection_set *set,
                           const struct api_address *address) MUST_USE;
enum err listener_open_control(struct listener *listener, struct connection_set *set, const char *path) MUST_USE;
void listener_close(struct listener *listener);

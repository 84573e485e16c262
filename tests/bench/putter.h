/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a daemon's control socket that puts the same key again and again: as thin a client as can be. */
#pragma once

#include "base/buffer.h"
#include "base/bytes.h"

struct putter {
	int fd;
	struct buffer request, answer;
};

/* Ends the process if there is no such socket. */
void putter_open(struct putter *putter, const char *control_path, const char *key, struct bytes value);
void putter_close(struct putter *putter);
/* Returns when the put is committed; ends the process if it was not. */
void putter_put(struct putter *putter);

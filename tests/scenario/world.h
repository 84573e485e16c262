/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes and the network of a dialogue, and the commands on them. */
#pragma once

#include <stdio.h>

#include "tests/sim/node.h"

enum { WORLD_NODES_MAX = 9, WORLD_ARGUMENTS_MAX = 24 };

struct world {
	struct node nodes[WORLD_NODES_MAX + 1]; /* by id */
	size_t node_count;
	struct raft_options options;
	struct node_message **queue; /* in the order in which they were sent */
	size_t queue_count, queue_capacity;
	bool cut[WORLD_NODES_MAX + 1][WORLD_NODES_MAX + 1]; /* [from][to] */
	bool quiet;
	FILE *out;
};

struct world *world_new(void);
void world_free(struct world *world);
/* Prints what happens to world->out. The command is taken apart in place. */
void world_command(struct world *world, char *command);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a node, put together in order and taken apart in the reverse order.
 *
 * Everything is opened before anything is started, so that a problem of any part is found while nobody has been served
 * yet.
 */
#pragma once

#include "mountd/config.h"

struct node;

/* Asked some times a second while a node that joins waits for the cluster: true ends it. */
struct node_patience {
	bool (*is_over)(void *argument);
	void *argument;
};

/* ERR_*, logged by the part that failed; ERR_CANCELED: the patience was over. *ret_node: freed with node_free(). */
enum err node_open(const struct config *config, const struct node_patience *patience, struct node **ret_node) MUST_USE;
enum err node_start(struct node *node) MUST_USE;
/* ERR_OK, or why the node cannot go on; logged. */
enum err node_verdict(struct node *node);
/* The mount is gone: somebody unmounted it. */
bool node_is_unmounted(struct node *node);
/* Commits what is staged, answers what waits, unmounts, closes. Works from every state that open and start leave. */
void node_free(struct node *node);

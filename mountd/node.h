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

/* ERR_*, logged by the part that failed. *ret_node: freed with node_free(). */
enum err node_open(const struct config *config, struct node **ret_node) MUST_USE;
enum err node_start(struct node *node) MUST_USE;
/* The mount is gone: somebody unmounted it. */
bool node_is_unmounted(struct node *node);
/* Commits what is staged, answers what waits, unmounts, closes. Works from every state that open and start leave. */
void node_free(struct node *node);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans of keys, and which of them hold a key: a treap by where they begin, in which each node knows the furthest end below it
 * (Cormen et al., Introduction to Algorithms, interval trees; Aragon and Seidel 1989). Those who ask for the same span share a node.
 * Adding and removing cost the logarithm of the number of spans, a visit that and what is found.
 */
#pragma once

#include <sys/queue.h>

#include "base/random.h"
#include "store/kv.h"

struct events_node;

/* A member of what it belongs to; its bytes are copied. */
struct events_span {
	LIST_ENTRY(events_span) next;
	struct events_node *node;
};

struct events_index {
	struct events_node *root;
	struct random random;
	size_t count; /* of nodes */
};

void events_index_init(struct events_index *index);
void events_index_fini(struct events_index *index); /* nothing is left in it */

/* As etcd's ranges: see struct kv_range. One that holds no key is found by none. */
void events_index_add(struct events_index *index, struct events_span *span, const struct kv_range *range);
void events_index_remove(struct events_index *index, struct events_span *span);
/* Nothing is added or removed meanwhile. */
void events_index_visit(const struct events_index *index, struct bytes key,
                        void (*found)(struct events_span *span, void *argument), void *argument);

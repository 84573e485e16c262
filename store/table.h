/* SPDX-License-Identifier: Apache-2.0 */
/* A hash table from bytes to whatever begins with a node. It owns neither; not thread-safe. */
#pragma once

#include "base/bytes.h"

struct table_node {
	struct table_node *next;
	struct bytes key;
	uint64_t hash;
};

struct table {
	struct table_node **buckets;
	size_t count, capacity; /* a power of two, or 0 */
};

void table_init(struct table *table);
void table_fini(struct table *table);
void table_clear(struct table *table); /* keeps the buckets */
uint64_t table_hash(struct bytes key);
/* NULL when there is none. */
struct table_node *table_find(const struct table *table, struct bytes key, uint64_t hash);
/* The node's key and hash are set, and not in the table yet. */
void table_add(struct table *table, struct table_node *node);

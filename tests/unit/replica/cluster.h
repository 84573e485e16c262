/* SPDX-License-Identifier: Apache-2.0 */
/* Replicas of one cluster inside the test's process, each with a data directory of its own on free ports of loopback. */
#pragma once

#include "replica/replica.h"

enum { CLUSTER_MAX = 5 };

struct cluster {
	char directory[64];
	size_t count;
	uint64_t catchup_entries;
	char names[CLUSTER_MAX][32], urls[CLUSTER_MAX][64];
	struct replica_peer peers[CLUSTER_MAX];
	struct replica *nodes[CLUSTER_MAX]; /* NULL: not running */
};

void cluster_init(struct cluster *cluster, size_t count); /* starts none */
void cluster_fini(struct cluster *cluster);               /* stops all, removes all */
struct replica_options cluster_options(struct cluster *cluster, size_t node);
enum err cluster_try_start(struct cluster *cluster, size_t node) MUST_USE;
void cluster_start(struct cluster *cluster, size_t node);
void cluster_start_all(struct cluster *cluster);
void cluster_stop(struct cluster *cluster, size_t node);
/* Waits until one that runs leads and all that run know it. */
size_t cluster_leader(struct cluster *cluster);

uint64_t cluster_soon(void); /* a deadline that a healthy cluster meets */
void cluster_pause(void);    /* between two looks at something that changes by itself */
enum err cluster_put(struct replica *replica, const char *key, const char *value, int64_t *ret_revision) MUST_USE;
/* The number in a key's value after a barrier; -1: none. */
long cluster_get(struct replica *replica, const char *key);
void cluster_status(struct replica *replica, struct arena *arena, struct replica_status *ret_status);
/* Waits until the node has applied as much as the other one has now. */
void cluster_catch_up(struct replica *replica, struct replica *other);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations of this mount that are under way: how the observer of changes tells its own from others'. A change counts as the mount's own
 * only if its caller has not been told something else: one whose caller was interrupted, or got an error, is replayed like a remote one.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"

struct call;

struct own_table {
	pthread_mutex_t mutex; /* protects all */
	struct map calls;      /* by operation number */
	uint64_t last;
};

void own_init(struct own_table *own);
void own_fini(struct own_table *own);
/* The number of a new operation. */
uint64_t own_add(struct own_table *own, struct call *call);
void own_remove(struct own_table *own, uint64_t op);
/* On the apply role: the operation was committed. True if it is under way here and its caller will be told so. */
bool own_claim(struct own_table *own, uint64_t op);

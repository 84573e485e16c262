/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directories that the live keys imply, kept beside them: a directory comes to be with the first key at or below its
 * prefix, and goes with the last one.
 *
 * Invariants:
 *  1. A directory exists if and only if it has children or its marker (the key that is its prefix) is live.
 *  2. children is the number of live keys directly in it, its marker not counted, plus `directories`, those directly in it.
 */
#pragma once

#include "store/batch.h"

struct tree_time {
	int64_t revision, time_ns;
};

/* The record came to be, or is gone. In one revision, all additions come before all removals, so that a directory whose last
 * key was replaced by another stays the same directory. */
void tree_add(struct batch *batch, const struct kv_record *record, struct tree_time now);
void tree_remove(struct batch *batch, struct bytes key, struct tree_time now);
/* Another object has the name of the key: a change of membership, too. */
void tree_replace(struct batch *batch, struct bytes key, struct tree_time now);
/* The directory takes what it was under another name: its id and its times. Those in it come before it. */
void tree_carry(struct batch *batch, struct bytes prefix, const struct kv_directory *was, struct tree_time now);

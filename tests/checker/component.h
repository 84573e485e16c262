/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of a history that can be looked at alone: the operations on keys that some of them join. (Herlihy and Wing 1990, locality:
 * a history is linearizable if and only if each object's part of it is.) Its keys are counted from 0.
 */
#pragma once

#include "tests/checker/history.h"

struct component_op {
	const struct history_op *origin;
	const struct history_rule *rules; /* the origin's, with the component's numbers of keys */
	uint64_t call, ret;               /* the origin's, or what is known of them by other operations */
	enum history_outcome outcome;
};

struct component {
	uint64_t *keys;  /* as the history has them */
	uint64_t *begin; /* their values in the beginning */
	size_t key_count;
	struct component_op *ops;
	size_t count;
};

/* All lives in the arena; *ret_count may be 0. */
struct component *component_split(const struct history *history, struct arena *arena, size_t *ret_count);
/*
 * The search is long where much is concurrent, and longest where an operation has no answer. Much can be decided before it: who
 * saw whose value bounds the times of both, what somebody saw has happened though it had no answer, and what nobody saw, and no
 * refusal can depend on, is left out. None of this changes the verdict.
 */
void component_reduce(struct component *component);

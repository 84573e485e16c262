/* SPDX-License-Identifier: Apache-2.0 */
/* The states that a search comes by: the values of all keys of a component, each kept once and called by a number. */
#pragma once

#include "tests/checker/component.h"

#define STATES_NONE UINT32_MAX

struct states {
	size_t key_count, count, capacity;
	uint64_t *values; /* key_count of them per state */
	uint64_t *next;   /* room for one more state */
	uint32_t *slots;  /* a number + 1; 0: free. Open addressing, at most half full */
	size_t slot_count;
};

/* State 0 is the component's beginning. */
void states_init(struct states *states, const struct component *component);
void states_fini(struct states *states);
/* The state after an operation that takes effect in `state`; NONE: it cannot, with its outcome. An unknown one that would
 * change nothing has no reason to. */
uint32_t states_after(struct states *states, uint32_t state, const struct component_op *op);
const uint64_t *states_values(const struct states *states, uint32_t state);
size_t states_size_bytes(const struct states *states);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run decides to do to its cluster, one by one: a fault, what a client asks, an ambush. Each decision has a key and dice of
 * its own, so that the others stay what they are when it is left out: that is how a failure is shrunk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

enum decision { DECISION_FAULT = 1, DECISION_CLIENT, DECISION_AMBUSH };

struct decisions {
	uint64_t seed;
	const uint64_t *kept; /* keys, ascending: no other is made; NULL: all are */
	size_t kept_count;
};

/* False: it is left out. Otherwise it is noted in the verdict. */
bool decisions_make(const struct decisions *decisions, enum decision kind, uint64_t number, struct random *ret_dice);
/* Dice for one purpose out of a seed. */
void dice_init(struct random *dice, uint64_t seed, uint64_t purpose);
bool dice_chance(struct random *dice, uint32_t ppm);

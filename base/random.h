/* SPDX-License-Identifier: Apache-2.0 */
/* A seeded generator (splitmix64, Steele, Lea and Flood 2014): the same seed gives the same numbers. Not for secrets. */
#pragma once

#include <stdint.h>

struct random {
	uint64_t state;
};

void random_init(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
/* Uniform in [0, bound); bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);
/* From the system's entropy, for ids and for seeds. Never 0. */
uint64_t random_from_system(void);

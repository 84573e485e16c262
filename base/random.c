/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

void random_init(struct random *random, uint64_t seed)
{
	random->state = seed;
}

uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	check(bound > 0);
	uint64_t fair = UINT64_MAX - UINT64_MAX % bound; /* above it the low remainders would be likelier */
	uint64_t number = random_next(random);
	while (number >= fair)
		number = random_next(random);
	return number % bound;
}

uint64_t random_from_system(void)
{
	uint64_t number = 0;
	while (number == 0) {
		ssize_t got = getrandom(&number, sizeof number, 0);
		check(got == sizeof number); /* up to 256 bytes are never cut short: getrandom(2) */
	}
	return number;
}

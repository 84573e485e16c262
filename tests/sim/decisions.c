/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/decisions.h"

#include "tests/sim/verdict.h"

enum { DECISION_SHIFT = 56 };

void dice_init(struct random *dice, uint64_t seed, uint64_t purpose)
{
	random_init(dice, seed);
	random_init(dice, random_next(dice) ^ purpose * UINT64_C(0x9e3779b97f4a7c15));
	random_init(dice, random_next(dice));
}

bool dice_chance(struct random *dice, uint32_t ppm)
{
	return random_below(dice, 1000000) < ppm;
}

static bool decisions_are_kept(const struct decisions *decisions, uint64_t key)
{
	size_t low = 0, high = decisions->kept_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (decisions->kept[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low < decisions->kept_count && decisions->kept[low] == key;
}

bool decisions_make(const struct decisions *decisions, enum decision kind, uint64_t number, struct random *ret_dice)
{
	uint64_t key = (uint64_t)kind << DECISION_SHIFT | number;
	if (decisions->kept != NULL && !decisions_are_kept(decisions, key))
		return false;
	if (verdict->made_count < VERDICT_DECISIONS_MAX)
		verdict->made[verdict->made_count++] = key;
	dice_init(ret_dice, decisions->seed, key);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a member whose data directory is new promise anything? Its former directory may be lost, and with it a vote and entries that count as
 * stored there. Those were promised to others, who keep on their rolls (replica/roll.h) which directory it had; so it asks.
 *
 * Of n initial members a majority is m, so what it may have promised was part of something only with m - 1 others, all of whom
 * know. It is confirmed when nobody has contradicted and
 *  - n - m + 1 others have answered: then one of any m - 1 was among them; or
 *  - with itself, m are fresh, that is, have promised nothing either: so a new cluster begins as soon as a majority is there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct standing_answer {
	uint64_t peer;
	bool fresh;
};

struct standing {
	struct standing_answer answers[LIMIT_MEMBERS]; /* of initial members alone, one of each: the newest */
	size_t count;
};

void standing_answered(struct standing *standing, uint64_t peer, bool fresh);
/* members: the initial ones, this one included. */
bool standing_is_confirmed(const struct standing *standing, size_t members);

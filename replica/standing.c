/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/standing.h"

#include "base/check.h"

void standing_answered(struct standing *standing, uint64_t peer, bool fresh)
{
	size_t at = 0;
	while (at < standing->count && standing->answers[at].peer != peer)
		at++;
	check(at < LIMIT_MEMBERS);
	standing->answers[at] = (struct standing_answer){peer, fresh};
	if (at == standing->count)
		standing->count++;
}

bool standing_is_confirmed(const struct standing *standing, size_t members)
{
	size_t majority = members / 2 + 1, fresh = 1;
	for (size_t i = 0; i < standing->count; i++)
		fresh += standing->answers[i].fresh;
	check(standing->count < members);
	return standing->count >= members - majority + 1 || fresh >= majority;
}

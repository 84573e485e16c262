/* SPDX-License-Identifier: Apache-2.0 */
#include "api/member.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBER_ID_DIGITS_MAX = 16 };

/* 0, which nobody has, when the word is no id. */
static uint64_t member_id_of(const char *word)
{
	size_t size = strlen(word);
	if (size > MEMBER_ID_DIGITS_MAX || strspn(word, "0123456789abcdefABCDEF") != size)
		return 0;
	return strtoull(word, NULL, 16);
}

static const char *member_list(const char *list, const struct replica_member_status *member, struct arena *arena)
{
	return arena_format(arena, "%s%s%s (%" PRIx64 ")", list, list[0] != '\0' ? ", " : "", member->name, member->id);
}

enum err member_find(const struct replica_status *status, const char *word, struct arena *arena, uint64_t *ret_id,
                     const char **ret_why)
{
	const char *all = "", *meant = "";
	uint64_t id = member_id_of(word), found = 0;
	size_t count = 0;
	for (size_t at = 0; at < status->member_count; at++) {
		const struct replica_member_status *member = &status->members[at];
		all = member_list(all, member, arena);
		if (member->id != id && strcmp(member->name, word) != 0)
			continue;
		meant = member_list(meant, member, arena);
		found = member->id;
		count++;
	}
	if (count == 1) {
		*ret_id = found;
		return ERR_OK;
	}
	*ret_why = count == 0 ? arena_format(arena, "there is no member '%.80s'; the members are %s", word, all)
	                      : arena_format(arena, "'%.80s' may be any of %s: say which by its id", word, meant);
	return count == 0 ? ERR_NOT_FOUND : ERR_INVALID;
}

const char *member_name(const struct replica_status *status, uint64_t id)
{
	for (size_t at = 0; at < status->member_count; at++) {
		if (status->members[at].id == id)
			return status->members[at].name;
	}
	return "";
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/member_note.h"

#include <string.h>

/* "" for 0 of 0. */
static const char *note_percent(uint64_t done, uint64_t total, struct arena *arena)
{
	return total != 0 ? arena_format(arena, " %d %%", (int)(100.0 * (double)done / (double)total)) : "";
}

/* How far a member is that does not vote: a snapshot is most of the way, the log behind it the rest. */
static const char *note_progress(const Etcfs__Control__Member *member, struct arena *arena)
{
	if (member->snapshot_total_bytes != 0)
		return arena_format(arena, "gets a snapshot:%s",
		                    note_percent(member->snapshot_done_bytes, member->snapshot_total_bytes, arena));
	if (member->voter || member->wants_no_vote)
		return "";
	if (member->caught_up)
		return "caught up: votes once another vote is wanted";
	if (member->up_since[0] == '\0')
		return "not started yet";
	return arena_format(arena, "catching up:%s",
	                    note_percent(member->applied, member->applied + member->lag, arena));
}

static const char *note_join(const char *first, const char *second, struct arena *arena)
{
	return first[0] != '\0' ? arena_format(arena, "%s; %s", first, second) : second;
}

static const char *note_name(const Etcfs__Control__StatusResponse *status, const char *id)
{
	for (size_t at = 0; at < status->n_members; at++) {
		if (strcmp(status->members[at]->id, id) == 0)
			return status->members[at]->name;
	}
	return id;
}

const char *member_note(const Etcfs__Control__StatusResponse *status, const Etcfs__Control__Member *member,
                        struct arena *arena)
{
	const char *note = note_progress(member, arena);
	if (member->wants_no_vote)
		note = note_join(note, "demoted: votes when it is promoted", arena);
	if (member->replaces[0] != '\0')
		note = note_join(
		    note, arena_format(arena, "takes the place of %s", note_name(status, member->replaces)), arena);
	for (size_t at = 0; at < status->n_members; at++) {
		const Etcfs__Control__Member *other = status->members[at];
		if (strcmp(other->replaces, member->id) == 0)
			note = note_join(note, arena_format(arena, "being replaced by %s", other->name), arena);
	}
	return note;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/member.h"

#include "base/crc32c.h"
#include "base/limits.h"
#include "store/alarm.h"

/* ---- one row ---- */

static void member_put(struct batch *batch, const struct kv_member *member, struct bytes row)
{
	row_member_encode(member, &batch->scratch);
	state_mix(&batch->state, crc32c(0, buffer_bytes(&batch->scratch)));
	batch_put_row(batch, FAMILY_META, row);
}

/* As it was written last. False: it is no member. */
static bool member_find(struct batch *batch, uint64_t id, struct kv_member *ret_member)
{
	struct bytes row = BYTES_NONE;
	enum err err = view_get(batch->base, FAMILY_META, layout_member(id, &batch->arena), &batch->arena, &row);
	if (err == ERR_OK)
		err = row_member_decode(row, &batch->arena, ret_member);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		batch_fail(batch, err);
	return err == ERR_OK;
}

void member_begin(struct batch *batch, const struct kv_member *member)
{
	row_member_encode(member, &batch->scratch);
	batch_put_row(batch, FAMILY_META, layout_member(member->id, &batch->arena));
}

static bool member_string_is_long(const char *string)
{
	return strlen(string) > LIMIT_MEMBER_STRING_BYTES;
}

enum err member_publish(struct batch *batch, const struct kv_member *member)
{
	struct kv_member now = {0};
	if (member->id == 0)
		return ERR_INVALID;
	if (member_string_is_long(member->name) || member_string_is_long(member->peer_urls) ||
	    member_string_is_long(member->client_urls))
		return ERR_TOO_LARGE;
	if (!member_find(batch, member->id, &now))
		return ERR_NOT_FOUND;
	now.name = member->name;
	now.peer_urls = member->peer_urls;
	now.client_urls = member->client_urls;
	member_put(batch, &now, layout_member(now.id, &batch->arena));
	return ERR_OK;
}

/* ---- all of them ---- */

static const char *member_string(const char *now, const char *said)
{
	return said != NULL ? said : now;
}

/* What the entry says of the member is laid over what was known of it. */
static void members_keep(struct batch *batch, const struct store_entry *entry, uint64_t id)
{
	struct kv_member member = {.name = "", .peer_urls = "", .client_urls = ""};
	bool changed = !member_find(batch, id, &member);
	member.id = id;
	for (size_t i = 0; i < entry->fact_count; i++) {
		const struct kv_member *fact = &entry->facts[i];
		if (fact->id != id)
			continue;
		changed = true;
		member.name = member_string(member.name, fact->name);
		member.peer_urls = member_string(member.peer_urls, fact->peer_urls);
		member.client_urls = member_string(member.client_urls, fact->client_urls);
		member.claim = fact->claim;
		member.replaces = fact->replaces;
		member.wants_no_vote = fact->wants_no_vote;
	}
	if (changed)
		member_put(batch, &member, layout_member(id, &batch->arena));
}

static bool members_name(const struct store_entry *entry, uint64_t id)
{
	for (size_t i = 0; i < entry->member_count; i++)
		if (entry->members[i] == id)
			return true;
	return false;
}

static void members_drop(struct batch *batch, const struct kv_member *member)
{
	member_put(batch, member, layout_removed(member->id, &batch->arena));
	batch_delete_row(batch, FAMILY_META, layout_member(member->id, &batch->arena));
	alarm_forget(batch, member->id);
}

void members_follow(struct batch *batch, const struct store_entry *entry)
{
	struct kv_member_list list = {0};
	enum err err = kv_members(batch->base, &batch->arena, &list);
	if (err != ERR_OK)
		batch_fail(batch, err);
	for (size_t i = 0; i < list.count; i++)
		if (!members_name(entry, list.members[i].id))
			members_drop(batch, &list.members[i]);
	for (size_t i = 0; i < entry->member_count; i++)
		members_keep(batch, entry, entry->members[i]);
}

/* ---- reading ---- */

static enum err members_list(struct kv_view *view, struct bytes prefix, struct arena *arena,
                             struct kv_member_list *ret_list)
{
	struct kv_member_list list = {0};
	enum err err = ERR_OK;
	struct walk walk;
	view_walk(view, FAMILY_META, BYTES_NONE, &walk);
	for (walk_seek(&walk, prefix); err == ERR_OK && walk_at_row(&walk); walk_next(&walk)) {
		if (!bytes_have_prefix(walk_key(&walk), prefix))
			break;
		list.members = arena_more(arena, list.members, list.count, sizeof *list.members);
		err = row_member_decode(walk_value(&walk), arena, &list.members[list.count]);
		list.count++;
	}
	if (err == ERR_OK)
		err = walk_err(&walk);
	walk_close(&walk);
	if (err == ERR_OK)
		*ret_list = list;
	return err;
}

enum err kv_members(struct kv_view *view, struct arena *arena, struct kv_member_list *ret_list)
{
	return members_list(view, layout_members(), arena, ret_list);
}

enum err kv_members_removed(struct kv_view *view, struct arena *arena, struct kv_member_list *ret_list)
{
	return members_list(view, layout_all_removed(), arena, ret_list);
}

enum err kv_member_was_removed(struct kv_view *view, uint64_t id, bool *ret_removed)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes row = BYTES_NONE;
	enum err err = view_get(view, FAMILY_META, layout_removed(id, &arena), &arena, &row);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	*ret_removed = err == ERR_OK;
	return ERR_OK;
}

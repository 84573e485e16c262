/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/configuration.h"

#include "base/check.h"
#include "base/cursor.h"
#include "base/limits.h"

enum {
	FACTS_VERSION = 1,
	FACT_NAME = 1,
	FACT_PEER_URLS = 2,
	FACT_CLIENT_URLS = 4,
	FACT_WANTS_NO_VOTE = 8,
	FACT_FLAGS = 15,
	FACT_BYTES_MIN = 8 + 1 + 8 + 8,
};

/* ---- facts: version, count, then of each: id, flags, claim, whom it replaces, and the strings that are there ---- */

static void fact_put_string(struct buffer *buffer, const char *string)
{
	if (string != NULL)
		buffer_put_sized(buffer, bytes_of_string(string));
}

static void fact_put(struct buffer *buffer, const struct kv_member *fact)
{
	int flags = (fact->name != NULL ? FACT_NAME : 0) | (fact->peer_urls != NULL ? FACT_PEER_URLS : 0) |
	            (fact->client_urls != NULL ? FACT_CLIENT_URLS : 0) | (fact->wants_no_vote ? FACT_WANTS_NO_VOTE : 0);
	buffer_put_u64(buffer, fact->id);
	buffer_put_u8(buffer, (uint8_t)flags);
	buffer_put_u64(buffer, fact->claim);
	buffer_put_u64(buffer, fact->replaces);
	fact_put_string(buffer, fact->name);
	fact_put_string(buffer, fact->peer_urls);
	fact_put_string(buffer, fact->client_urls);
}

void configuration_encode(const struct raft_config *config, const struct kv_member *facts, size_t fact_count,
                          struct buffer *buffer)
{
	check(fact_count <= LIMIT_MEMBERS);
	raft_config_encode(config, buffer);
	if (fact_count == 0)
		return;
	buffer_put_u8(buffer, FACTS_VERSION);
	buffer_put_varint(buffer, fact_count);
	for (size_t i = 0; i < fact_count; i++)
		fact_put(buffer, &facts[i]);
}

static const char *fact_string(struct cursor *cursor, uint8_t flags, uint8_t flag, struct arena *arena)
{
	if ((flags & flag) == 0)
		return NULL;
	struct bytes string = cursor_sized(cursor);
	cursor->bad |= string.size > LIMIT_MEMBER_STRING_BYTES;
	return arena_dup_string(arena, string);
}

static void fact_decode(struct cursor *cursor, struct arena *arena, struct kv_member *fact)
{
	fact->id = cursor_u64(cursor);
	uint8_t flags = cursor_u8(cursor);
	cursor->bad |= (flags & ~FACT_FLAGS) != 0;
	fact->claim = cursor_u64(cursor);
	fact->replaces = cursor_u64(cursor);
	fact->wants_no_vote = (flags & FACT_WANTS_NO_VOTE) != 0;
	fact->name = fact_string(cursor, flags, FACT_NAME, arena);
	fact->peer_urls = fact_string(cursor, flags, FACT_PEER_URLS, arena);
	fact->client_urls = fact_string(cursor, flags, FACT_CLIENT_URLS, arena);
}

static enum err facts_decode(struct bytes rest, struct arena *arena, struct configuration *configuration)
{
	struct cursor cursor = cursor_over(rest);
	uint8_t version = cursor_u8(&cursor);
	uint64_t count = cursor_varint(&cursor);
	if (cursor.bad || version != FACTS_VERSION || count > cursor.rest.size / FACT_BYTES_MIN)
		return ERR_CORRUPT;
	configuration->fact_count = count;
	configuration->facts = arena_zero(arena, count, sizeof *configuration->facts);
	for (size_t i = 0; i < count && !cursor.bad; i++)
		fact_decode(&cursor, arena, &configuration->facts[i]);
	return cursor_is_done(&cursor) ? ERR_OK : ERR_CORRUPT;
}

/* ---- the whole ---- */

enum err configuration_decode(struct bytes payload, struct arena *arena, struct configuration *ret_configuration)
{
	struct raft_config config;
	struct bytes rest = BYTES_NONE;
	struct configuration configuration = {0};
	raft_config_init(&config);
	enum err err = raft_config_decode(payload, &config, &rest);
	configuration.member_count = config.count;
	configuration.members = arena_zero(arena, config.count, sizeof *configuration.members);
	for (size_t i = 0; i < config.count; i++)
		configuration.members[i] = config.members[i].id;
	raft_config_fini(&config);
	if (err == ERR_OK && rest.size != 0)
		err = facts_decode(rest, arena, &configuration);
	if (err == ERR_OK)
		*ret_configuration = configuration;
	return err;
}

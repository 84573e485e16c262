/* SPDX-License-Identifier: Apache-2.0 */
/* Configurations: an ordered set of members, its encoding, and the two kinds of step from one to the next (thesis §4.1, §4.3). */
#include "raft/config.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/cursor.h"
#include "base/limits.h"
#include "base/memory.h"

enum {
	RAFT_CONFIG_VERSION = 1,
	RAFT_CONFIG_AUTO_LEAVE = 1,
	RAFT_MEMBER_VOTER = 1,
	RAFT_MEMBER_OUTGOING = 2,
	RAFT_MEMBER_LEARNER_NEXT = 4,
	RAFT_MEMBER_FLAGS = 7,
};

void raft_config_init(struct raft_config *config)
{
	*config = (struct raft_config){0};
}

void raft_config_fini(struct raft_config *config)
{
	free(config->members);
	raft_config_init(config);
}

void raft_config_copy(struct raft_config *config, const struct raft_config *from)
{
	struct raft_member *members = memory_dup(from->members, from->count * sizeof *members);
	free(config->members);
	*config = (struct raft_config){.members = members, .count = from->count, .auto_leave = from->auto_leave};
}

bool raft_config_is_joint(const struct raft_config *config)
{
	for (size_t i = 0; i < config->count; i++)
		if (config->members[i].voter_outgoing)
			return true;
	return false;
}

/* Where the member is, or would be put. */
static size_t raft_config_place(const struct raft_config *config, uint64_t id)
{
	size_t low = 0, high = config->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (config->members[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct raft_member *raft_config_member(const struct raft_config *config, uint64_t id)
{
	size_t at = raft_config_place(config, id);
	return at < config->count && config->members[at].id == id ? &config->members[at] : NULL;
}

const struct raft_member *raft_config_find(const struct raft_config *config, uint64_t id)
{
	return raft_config_member(config, id);
}

bool raft_config_votes(const struct raft_config *config, uint64_t id)
{
	const struct raft_member *member = raft_config_find(config, id);
	return member != NULL && (member->voter || member->voter_outgoing);
}

enum err raft_config_set(struct raft_config *config, struct raft_member member)
{
	if (member.id == 0)
		return ERR_INVALID;
	size_t at = raft_config_place(config, member.id);
	if (at < config->count && config->members[at].id == member.id) {
		config->members[at] = member;
		return ERR_OK;
	}
	if (config->count == LIMIT_MEMBERS)
		return ERR_LIMIT;
	config->members = memory_resize(config->members, config->count + 1, sizeof *config->members);
	memmove(&config->members[at + 1], &config->members[at], (config->count - at) * sizeof *config->members);
	config->members[at] = member;
	config->count++;
	return ERR_OK;
}

static void raft_config_remove(struct raft_config *config, uint64_t id)
{
	size_t at = raft_config_place(config, id);
	if (at == config->count || config->members[at].id != id)
		return;
	config->count--;
	memmove(&config->members[at], &config->members[at + 1], (config->count - at) * sizeof *config->members);
}

static size_t raft_config_count_voters(const struct raft_config *config)
{
	size_t voters = 0;
	for (size_t i = 0; i < config->count; i++)
		voters += config->members[i].voter;
	return voters;
}

bool raft_config_equal(const struct raft_config *left, const struct raft_config *right)
{
	if (left->count != right->count || left->auto_leave != right->auto_leave)
		return false;
	for (size_t i = 0; i < left->count; i++) {
		const struct raft_member *a = &left->members[i], *b = &right->members[i];
		if (a->id != b->id || a->voter != b->voter || a->voter_outgoing != b->voter_outgoing ||
		    a->learner_next != b->learner_next)
			return false;
	}
	return true;
}

/* ---- steps ---- */

/* A voter of the old half keeps its place there: it becomes a learner only when the old half is left. */
static enum err raft_config_demote(struct raft_config *config, struct raft_member member)
{
	member.voter = false;
	member.learner_next = member.voter_outgoing;
	return raft_config_set(config, member);
}

static enum err raft_config_apply(struct raft_config *config, const struct raft_change *change)
{
	if (change->id == 0)
		return ERR_OK;
	struct raft_member *known = raft_config_member(config, change->id);
	struct raft_member member = known != NULL ? *known : (struct raft_member){.id = change->id};
	switch (change->op) {
	case RAFT_CHANGE_VOTER:
		member.voter = true;
		member.learner_next = false;
		return raft_config_set(config, member);
	case RAFT_CHANGE_LEARNER:
		return raft_config_demote(config, member);
	case RAFT_CHANGE_REMOVE:
		if (!member.voter_outgoing) {
			raft_config_remove(config, member.id);
			return ERR_OK;
		}
		member.voter = false;
		member.learner_next = false;
		return raft_config_set(config, member);
	}
	return ERR_INVALID;
}

static enum err raft_config_apply_all(struct raft_config *config, const struct raft_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		enum err err = raft_config_apply(config, &changes[i]);
		if (err != ERR_OK)
			return err;
	}
	return raft_config_count_voters(config) != 0 ? ERR_OK : ERR_INVALID;
}

/* Takes over `next` on success, and frees it otherwise. */
static enum err raft_config_take(struct raft_config *config, struct raft_config *next, enum err err)
{
	if (err == ERR_OK) {
		struct raft_config old = *config;
		*config = *next;
		*next = old;
	}
	raft_config_fini(next);
	return err;
}

size_t raft_config_voters_differ(const struct raft_config *left, const struct raft_config *right)
{
	size_t differ = 0;
	for (size_t i = 0; i < left->count; i++) {
		const struct raft_member *other = raft_config_find(right, left->members[i].id);
		differ += left->members[i].voter && (other == NULL || !other->voter);
	}
	for (size_t i = 0; i < right->count; i++) {
		const struct raft_member *other = raft_config_find(left, right->members[i].id);
		differ += right->members[i].voter && (other == NULL || !other->voter);
	}
	return differ;
}

enum err raft_config_change(struct raft_config *config, const struct raft_change *changes, size_t count)
{
	if (raft_config_is_joint(config))
		return ERR_BUSY;
	struct raft_config next;
	raft_config_init(&next);
	raft_config_copy(&next, config);
	enum err err = raft_config_apply_all(&next, changes, count);
	/* Two majorities are sure to overlap only if at most one voter came or went: thesis §4.1. */
	if (err == ERR_OK && raft_config_voters_differ(config, &next) > 1)
		err = ERR_INVALID;
	return raft_config_take(config, &next, err);
}

enum err raft_config_enter_joint(struct raft_config *config, const struct raft_change *changes, size_t count)
{
	if (raft_config_is_joint(config))
		return ERR_BUSY;
	if (raft_config_count_voters(config) == 0)
		return ERR_INVALID;
	struct raft_config next;
	raft_config_init(&next);
	raft_config_copy(&next, config);
	for (size_t i = 0; i < next.count; i++)
		next.members[i].voter_outgoing = next.members[i].voter;
	return raft_config_take(config, &next, raft_config_apply_all(&next, changes, count));
}

enum err raft_config_leave_joint(struct raft_config *config)
{
	if (!raft_config_is_joint(config))
		return ERR_INVALID;
	size_t kept = 0;
	for (size_t i = 0; i < config->count; i++) {
		struct raft_member member = config->members[i];
		if (member.voter_outgoing && !member.voter && !member.learner_next)
			continue;
		member.voter_outgoing = false;
		member.learner_next = false;
		config->members[kept++] = member;
	}
	config->count = kept;
	config->auto_leave = false;
	return ERR_OK;
}

/* Can `next` follow `config` in one entry? */
bool raft_config_may_follow(const struct raft_config *config, const struct raft_config *next)
{
	if (raft_config_count_voters(next) == 0)
		return false;
	if (raft_config_is_joint(config)) {
		struct raft_config left;
		raft_config_init(&left);
		raft_config_copy(&left, config);
		enum err err = raft_config_leave_joint(&left);
		bool same = err == ERR_OK && raft_config_equal(&left, next);
		raft_config_fini(&left);
		return same;
	}
	if (!raft_config_is_joint(next))
		return raft_config_voters_differ(config, next) <= 1;
	for (size_t i = 0; i < config->count; i++)
		if (config->members[i].voter && !raft_config_votes(next, config->members[i].id))
			return false;
	for (size_t i = 0; i < next->count; i++) {
		const struct raft_member *old = raft_config_find(config, next->members[i].id);
		if (next->members[i].voter_outgoing != (old != NULL && old->voter))
			return false;
	}
	return true;
}

/* ---- encoding: version, flags, count, then (id, flags) each ---- */

void raft_config_encode(const struct raft_config *config, struct buffer *buffer)
{
	check(config->count <= LIMIT_MEMBERS);
	buffer_put_u8(buffer, RAFT_CONFIG_VERSION);
	buffer_put_u8(buffer, config->auto_leave ? RAFT_CONFIG_AUTO_LEAVE : 0);
	buffer_put_varint(buffer, config->count);
	for (size_t i = 0; i < config->count; i++) {
		const struct raft_member *member = &config->members[i];
		buffer_put_u64(buffer, member->id);
		buffer_put_u8(buffer, (uint8_t)((member->voter ? RAFT_MEMBER_VOTER : 0) |
		                                (member->voter_outgoing ? RAFT_MEMBER_OUTGOING : 0) |
		                                (member->learner_next ? RAFT_MEMBER_LEARNER_NEXT : 0)));
	}
}

static enum err raft_config_decode_member(struct cursor *cursor, struct raft_config *config)
{
	uint64_t id = cursor_u64(cursor);
	uint8_t flags = cursor_u8(cursor);
	bool ascends = config->count == 0 || id > config->members[config->count - 1].id;
	if (cursor->bad || !ascends || (flags & ~RAFT_MEMBER_FLAGS) != 0)
		return ERR_CORRUPT;
	struct raft_member member = {.id = id,
	                             .voter = (flags & RAFT_MEMBER_VOTER) != 0,
	                             .voter_outgoing = (flags & RAFT_MEMBER_OUTGOING) != 0,
	                             .learner_next = (flags & RAFT_MEMBER_LEARNER_NEXT) != 0};
	if (member.learner_next && (member.voter || !member.voter_outgoing))
		return ERR_CORRUPT;
	return raft_config_set(config, member) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

enum err raft_config_decode(struct bytes payload, struct raft_config *ret_config, struct bytes *ret_rest)
{
	struct raft_config config;
	struct cursor cursor = cursor_over(payload);
	raft_config_init(&config);
	if (payload.size == 0) {
		*ret_rest = payload;
		return raft_config_take(ret_config, &config, ERR_OK);
	}
	uint8_t version = cursor_u8(&cursor);
	uint8_t flags = cursor_u8(&cursor);
	uint64_t count = cursor_varint(&cursor);
	if (cursor.bad || version != RAFT_CONFIG_VERSION || flags > RAFT_CONFIG_AUTO_LEAVE || count > LIMIT_MEMBERS)
		return ERR_CORRUPT;
	enum err err = ERR_OK;
	for (uint64_t i = 0; i < count && err == ERR_OK; i++)
		err = raft_config_decode_member(&cursor, &config);
	config.auto_leave = flags == RAFT_CONFIG_AUTO_LEAVE;
	if (err == ERR_OK)
		*ret_rest = cursor.rest;
	return raft_config_take(ret_config, &config, err);
}

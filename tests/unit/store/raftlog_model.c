/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/raftlog_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/raftlog_private.h"
#include "tests/unit/unit.h"

void model_begin(struct model *model)
{
	memset(model, 0, sizeof *model);
}

uint64_t model_term_at(const struct model *model, uint64_t index)
{
	if (index == model->start)
		return model->start_term;
	check(index > model->base && index <= model->last);
	return model->entries[index].term;
}

struct bytes model_payload(uint32_t nonce)
{
	static _Thread_local uint8_t payload[MODEL_PAYLOAD_BYTES_MAX];
	struct random random;
	random_init(&random, nonce);
	static const uint32_t sizes[] = {0, 1, 200, 300, 4000, 4048, 9000, MODEL_PAYLOAD_BYTES_MAX};
	size_t kind = (size_t)random_below(&random, 24); /* large ones are rare */
	size_t size = (size_t)random_below(&random, sizes[kind < 8 ? kind : 2] + 1);
	for (size_t i = 0; i < size; i++)
		payload[i] = (uint8_t)random_next(&random);
	return bytes_of(payload, size);
}

static bool entry_equals(const struct model *model, const struct raftlog_entry *entry, uint64_t index)
{
	const struct model_entry *expected = &model->entries[index];
	return entry->index == index && entry->term == expected->term && entry->kind == 1 + expected->nonce % 3 &&
	       entry->time_ns == (int64_t)expected->nonce &&
	       bytes_equal(entry->payload, model_payload(expected->nonce));
}

/* What reads say of [from, last]. */
static bool range_equals(const struct model *model, struct raftlog *log, uint64_t from, size_t size_bytes_max)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	while (from <= model->last) {
		struct raftlog_entry *entries;
		size_t count;
		arena_reset(&arena);
		if (raftlog_read(log, from, 100, size_bytes_max, &arena, &entries, &count) != ERR_OK)
			return false;
		for (size_t i = 0; i < count; i++)
			if (!entry_equals(model, &entries[i], from + i))
				return false;
		from += count;
	}
	return true;
}

bool model_equals(const struct model *model, struct raftlog *log, const struct raftlog_state *state)
{
	uint64_t start = state->first_index - 1;
	if (state->term != model->term || state->vote != model->vote || state->last_index != model->last)
		return false;
	if (start < model->base || start > model->start)
		return false;
	uint64_t start_term = start == model->start  ? model->start_term
	                      : start == model->base ? state->start_term
	                                             : model->entries[start].term;
	return state->start_term == start_term && range_equals(model, log, start + 1, 1 << 16);
}

/* A vote that was under way may be there before the entries that came with it. */
static bool model_equals_with_vote(const struct model *model, const struct model *vote, struct raftlog *log,
                                   const struct raftlog_state *state)
{
	struct raftlog_state other = *state;
	if (state->term == vote->term && state->vote == vote->vote) {
		other.term = model->term;
		other.vote = model->vote;
	}
	return model_equals(model, log, &other);
}

void model_user_open(struct model_user *user)
{
	struct raftlog_state state;
	assert_int_equal(raftlog_recover(&user->options, &user->log, &state), ERR_OK);
	if (state.damaged)
		fail_msg("damaged: %s", raftlog_damage(user->log));
	if (model_equals(&user->next, user->log, &state)) {
		user->now = user->next;
	} else if (!model_equals_with_vote(&user->now, &user->next, user->log, &state)) {
		fail_msg("step %d: term %lu vote %lu first %lu last %lu; expected now %lu %lu %lu %lu or next %lu %lu "
		         "%lu %lu",
		         user->step, state.term, state.vote, state.first_index, state.last_index, user->now.term,
		         user->now.vote, user->now.start + 1, user->now.last, user->next.term, user->next.vote,
		         user->next.start + 1, user->next.last);
	}
	user->now.term = state.term;
	user->now.vote = state.vote;
	user->now.start = state.first_index - 1;
	user->now.start_term = state.start_term;
	user->next = user->now;
	user->step = STEP_NONE;
}

/* ---- steps ---- */

static void vote_step(struct model_user *user)
{
	struct model *next = &user->next;
	uint64_t kind = random_below(&user->random, 8);
	if (kind == 0) {
		next->term += 1 + random_below(&user->random, 3);
		next->vote = random_below(&user->random, 4);
	} else if (kind == 1 && next->vote == 0) {
		next->vote = 1 + random_below(&user->random, 3);
	}
	if (next->term == 0)
		next->term = 1;
}

static void step_write(struct model_user *user)
{
	struct model *next = &user->next;
	struct raftlog_entry entries[MODEL_ENTRIES_MAX];
	vote_step(user);
	struct raftlog_batch batch = {.term = next->term, .vote = next->vote, .entries = entries};
	if (random_below(&user->random, 5) == 0 && next->last > next->start) {
		batch.truncate_from = next->start + 1 + random_below(&user->random, next->last - next->start);
		next->last = batch.truncate_from - 1;
	}
	batch.count = (size_t)random_below(&user->random, random_below(&user->random, 4) == 0 ? MODEL_ENTRIES_MAX : 4);
	if (next->last + batch.count >= MODEL_INDEX_MAX)
		batch.count = 0;
	for (size_t i = 0; i < batch.count; i++) {
		struct model_entry *entry = &next->entries[++next->last];
		*entry = (struct model_entry){next->term, (uint32_t)random_next(&user->random)};
		struct bytes payload = model_payload(entry->nonce);
		entries[i] = (struct raftlog_entry){.index = next->last,
		                                    .term = entry->term,
		                                    .kind = (uint8_t)(1 + entry->nonce % 3),
		                                    .time_ns = (int64_t)entry->nonce,
		                                    .payload = bytes_of(NULL, 0)};
		uint8_t *copy = malloc(payload.size + 1);
		memcpy(copy, payload.data, payload.size);
		entries[i].payload = bytes_of(copy, payload.size);
	}
	raftlog_write(user->log, &batch);
	for (size_t i = 0; i < batch.count; i++)
		free((void *)entries[i].payload.data);
}

static void step_trim(struct model_user *user)
{
	struct model *next = &user->next;
	uint64_t index = next->start + random_below(&user->random, next->last - next->start + 1);
	next->start_term = model_term_at(next, index);
	next->start = index;
	raftlog_trim(user->log, index);
	assert_int_equal(raftlog_first(user->log), index + 1);
}

static void step_reset(struct model_user *user)
{
	struct model *next = &user->next;
	uint64_t index = next->last + random_below(&user->random, 3);
	if (index + 1 >= MODEL_INDEX_MAX)
		index = 0;
	next->base = next->start = next->last = index;
	next->start_term = next->term;
	raftlog_reset(user->log, index, next->term);
}

static void step_read(struct model_user *user)
{
	const struct model *model = &user->now;
	uint64_t from = model->start + 1 + random_below(&user->random, model->last - model->start + 1);
	assert_true(range_equals(model, user->log, from, (size_t)random_below(&user->random, 20000)));
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct raftlog_entry *entries;
	size_t count;
	assert_int_equal(raftlog_read(user->log, model->start, 1, 1, &arena, &entries, &count), ERR_COMPACTED);
	assert_int_equal(raftlog_read(user->log, model->last + 1, 1, 1, &arena, &entries, &count), ERR_NOT_FOUND);
}

static void step_reopen(struct model_user *user)
{
	raftlog_close(user->log);
	user->log = NULL;
	model_user_open(user);
}

static enum model_step_kind step_choose(struct model_user *user)
{
	uint64_t kind = random_below(&user->random, 40);
	if (kind < 26)
		return STEP_WRITE;
	if (kind < 29)
		return STEP_TRIM;
	if (kind < 34)
		return STEP_KEEP;
	if (kind < 38)
		return STEP_READ;
	return kind < 39 ? STEP_REOPEN : STEP_RESET;
}

void model_user_step(struct model_user *user)
{
	user->step = step_choose(user);
	if (user->step == STEP_WRITE)
		step_write(user);
	else if (user->step == STEP_TRIM)
		step_trim(user);
	else if (user->step == STEP_RESET)
		step_reset(user);
	else if (user->step == STEP_KEEP)
		assert_int_equal(raftlog_keep(user->log), ERR_OK);
	else if (user->step == STEP_READ)
		step_read(user);
	else
		step_reopen(user);
	user->now = user->next;
	user->step = STEP_NONE;
}

void model_user_drop(struct model_user *user)
{
	raftlog_free(user->log);
	user->log = NULL;
}

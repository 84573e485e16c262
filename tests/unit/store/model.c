/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

struct model *model_new(void)
{
	struct model *model = memory_new(sizeof *model);
	model->states = memory_new_array(MODEL_REVISIONS_MAX, sizeof *model->states);
	model->revision = 1;
	return model;
}

void model_free(struct model *model)
{
	free(model->states);
	free(model);
}

struct model_state *model_now(struct model *model)
{
	return &model->states[model->revision];
}

struct model_key *model_find(struct model_state *state, const char *name)
{
	for (size_t i = 0; i < state->count; i++)
		if (strcmp(state->keys[i].name, name) == 0)
			return &state->keys[i];
	return NULL;
}

struct model_directory *model_directory(struct model *model, const char *prefix)
{
	for (size_t i = 0; i < model->directory_count; i++)
		if (strcmp(model->directories[i].prefix, prefix) == 0)
			return &model->directories[i];
	return NULL;
}

static void name_copy(char *to, struct bytes from)
{
	check(from.size < MODEL_NAME_MAX);
	memcpy(to, from.data, from.size);
	to[from.size] = '\0';
}

static struct model_key *model_add(struct model_state *state, const char *name)
{
	check(state->count < MODEL_KEYS_MAX);
	size_t at = 0;
	while (at < state->count && strcmp(state->keys[at].name, name) < 0)
		at++;
	memmove(&state->keys[at + 1], &state->keys[at], (state->count - at) * sizeof state->keys[0]);
	state->count++;
	state->keys[at] = (struct model_key){0};
	snprintf(state->keys[at].name, MODEL_NAME_MAX, "%s", name);
	return &state->keys[at];
}

static void model_remove(struct model_state *state, const struct model_key *key)
{
	size_t at = (size_t)(key - state->keys);
	state->count--;
	memmove(&state->keys[at], &state->keys[at + 1], (state->count - at) * sizeof state->keys[0]);
}

static struct model_key *model_write(struct model_state *state, const char *name, int64_t revision)
{
	struct model_key *key = model_find(state, name);
	if (key == NULL) {
		key = model_add(state, name);
		key->create = revision;
	}
	key->version++;
	key->mod = revision;
	return key;
}

static bool is_below(const char *name, const char *end)
{
	size_t size = strlen(end);
	return end[size - 1] == '/' ? strncmp(name, end, size) == 0 : strcmp(name, end) == 0;
}

static void model_delete_below(struct model_state *state, const char *end)
{
	for (size_t i = state->count; i-- > 0;)
		if (is_below(state->keys[i].name, end))
			model_remove(state, &state->keys[i]);
}

static void model_carry(struct model *model, const char *from, const char *to)
{
	size_t size = strlen(from);
	for (size_t i = 0; i < model->directory_count && from[size - 1] == '/'; i++) {
		if (strncmp(model->directories[i].prefix, from, size) != 0)
			continue;
		check(model->carried_count < MODEL_DIRECTORIES_MAX);
		struct model_directory *carried = &model->carried[model->carried_count++];
		*carried = model->directories[i];
		snprintf(carried->prefix, MODEL_NAME_MAX, "%s%s", to, model->directories[i].prefix + size);
	}
}

/* What is below `from` in `before`, put below `to` in `after`. */
static size_t model_put_below(const struct model_state *before, struct model_state *after, const char *from,
                              const char *to, int64_t revision)
{
	size_t count = 0;
	for (size_t i = 0; i < before->count; i++) {
		const struct model_key *source = &before->keys[i];
		if (!is_below(source->name, from))
			continue;
		char name[2 * MODEL_NAME_MAX];
		snprintf(name, sizeof name, "%s%s", to, source->name + strlen(from));
		check(strlen(name) < MODEL_NAME_MAX);
		struct model_key *target = model_write(after, name, revision);
		memcpy(target->value, source->value, sizeof target->value);
		target->id = source->id;
		count++;
	}
	return count;
}

/* Both ends are emptied but for what is written anew; what is written at a living key updates it. */
static enum err model_move(struct model *model, struct model_state *state, const struct kv_op *op, int64_t revision)
{
	static struct model_state before;
	char from[MODEL_NAME_MAX], to[MODEL_NAME_MAX];
	name_copy(from, op->move.from);
	name_copy(to, op->move.to);
	before = *state;
	size_t moved = model_put_below(&before, state, from, to, revision), back = 0;
	if (op->kind == KV_EXCHANGE)
		back = model_put_below(&before, state, to, from, revision);
	if (moved == 0 || (op->kind == KV_EXCHANGE && back == 0))
		return ERR_NOT_FOUND;
	for (size_t i = state->count; i-- > 0;) {
		const struct model_key *key = &state->keys[i];
		if ((is_below(key->name, from) || is_below(key->name, to)) && key->mod != revision)
			model_remove(state, key);
	}
	model_carry(model, from, to);
	if (op->kind == KV_EXCHANGE)
		model_carry(model, to, from);
	return ERR_OK;
}

static enum err model_op(struct model *model, struct model_state *state, const struct kv_op *op, int64_t revision)
{
	char name[MODEL_NAME_MAX];
	if (op->kind == KV_MOVE || op->kind == KV_EXCHANGE)
		return model_move(model, state, op, revision);
	if (op->kind == KV_DELETE) {
		name_copy(name, op->del.range.start);
		if (op->del.range.end.size != 0)
			model_delete_below(state, name);
		else if (model_find(state, name) != NULL)
			model_remove(state, model_find(state, name));
		return ERR_OK;
	}
	name_copy(name, op->put.key);
	if (op->put.keep_value && model_find(state, name) == NULL)
		return ERR_NOT_FOUND;
	struct model_key *key = model_write(state, name, revision);
	if (!op->put.keep_value)
		name_copy(key->value, op->put.value);
	return ERR_OK;
}

static bool states_differ(const struct model_state *left, const struct model_state *right)
{
	if (left->count != right->count)
		return true;
	for (size_t i = 0; i < left->count; i++)
		if (strcmp(left->keys[i].name, right->keys[i].name) != 0 || left->keys[i].mod != right->keys[i].mod)
			return true;
	return false;
}

enum err model_apply(struct model *model, const struct kv_op *ops, size_t count)
{
	check(model->revision + 1 < MODEL_REVISIONS_MAX);
	struct model_state *next = &model->states[model->revision + 1];
	*next = *model_now(model);
	model->carried_count = 0;
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = model_op(model, next, &ops[i], model->revision + 1);
	if (err == ERR_OK && states_differ(next, model_now(model)))
		model->revision++;
	return err;
}

/* ---- directories ---- */

static struct model_directory *found_add(struct model_directory *found, size_t *count, const char *prefix, size_t size)
{
	for (size_t i = 0; i < *count; i++)
		if (strlen(found[i].prefix) == size && strncmp(found[i].prefix, prefix, size) == 0)
			return &found[i];
	check(*count < MODEL_DIRECTORIES_MAX);
	struct model_directory *added = &found[(*count)++];
	*added = (struct model_directory){0};
	memcpy(added->prefix, prefix, size);
	return added;
}

static uint64_t member_mix(const char *name, size_t size, uint64_t id)
{
	uint64_t hash = id * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static void model_inherit(struct model *model, struct model_directory *directory)
{
	const struct model_directory *was = model_directory(model, directory->prefix);
	for (size_t i = 0; i < model->carried_count; i++) {
		if (strcmp(model->carried[i].prefix, directory->prefix) == 0) {
			was = &model->carried[i];
			directory->carried = true;
		}
	}
	if (was != NULL) {
		directory->id = was->id;
		directory->create = was->create;
		directory->changed = was->changed;
	} else {
		directory->create = directory->changed = model->revision;
	}
}

static void model_count(struct model_state *state, struct model_directory *found, size_t *count)
{
	for (size_t i = 0; i < state->count; i++) {
		const char *name = state->keys[i].name;
		size_t size = strlen(name);
		for (size_t end = 1; end <= size; end++) {
			if (name[end - 1] != '/')
				continue;
			struct model_directory *directory = found_add(found, count, name, end);
			directory->marker |= end == size;
			if (end < size && strchr(name + end, '/') == NULL) {
				directory->children++;
				directory->members += member_mix(name + end, size - end, state->keys[i].id);
			}
		}
	}
}

static void found_count_directories(struct model_directory *found, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(found[i].prefix) - 1;
		while (size > 0 && found[i].prefix[size - 1] != '/')
			size--;
		for (size_t j = 0; j < count && size > 0; j++) {
			if (strlen(found[j].prefix) != size || strncmp(found[j].prefix, found[i].prefix, size) != 0)
				continue;
			found[j].children++;
			found[j].directories++;
			found[j].members += member_mix(found[i].prefix, strlen(found[i].prefix), found[i].id);
		}
	}
}

void model_settle(struct model *model)
{
	static struct model_directory found[MODEL_DIRECTORIES_MAX];
	size_t count = 0;
	model_count(model_now(model), found, &count);
	for (size_t i = 0; i < count; i++)
		model_inherit(model, &found[i]);
	found_count_directories(found, count);
	for (size_t i = 0; i < count; i++) {
		const struct model_directory *was = model_directory(model, found[i].prefix);
		if (!found[i].carried && was != NULL && was->members != found[i].members)
			found[i].changed = model->revision;
	}
	memcpy(model->directories, found, count * sizeof found[0]);
	model->directory_count = count;
}

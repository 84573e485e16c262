/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/stack_world.h"

struct version {
	uint64_t index, number; /* number 0: the key is absent */
	int64_t create_revision, mod_revision, version;
};

struct key_history {
	struct version *versions;
	size_t count, capacity;
};

static struct key_history model_keys[MODEL_KEYS];

void model_begin(void)
{
	memset(model_keys, 0, sizeof model_keys);
}

void model_end(void)
{
	for (int key = 0; key < MODEL_KEYS; key++)
		free(model_keys[key].versions);
}

static struct version model_now(unsigned key)
{
	const struct key_history *history = &model_keys[key];
	return history->count != 0 ? history->versions[history->count - 1] : (struct version){0};
}

/* ---- commands ---- */

void model_command_new(struct model_command *command, uint64_t number, unsigned client)
{
	unsigned key = (unsigned)world_below(MODEL_KEYS);
	*command = (struct model_command){.number = number,
	                                  .kind = (enum model_kind)world_below(MODEL_KINDS),
	                                  .key = key,
	                                  .client = client,
	                                  .expected = model_now(key).number};
	if (world_chance(200000) && number > 1)
		command->expected = 1 + world_below(number - 1);
}

static struct kv_op model_put(const char *key, const char *value)
{
	return (struct kv_op){.kind = KV_PUT, .put = {.key = bytes_of_string(key), .value = bytes_of_string(value)}};
}

/* Each branch leaves a mark of its own, so that every command that takes effect is seen to. */
void model_txn_fill(struct model_txn *txn, const struct model_command *command)
{
	*txn = (struct model_txn){0};
	snprintf(txn->key, sizeof txn->key, "/key/%u", command->key);
	snprintf(txn->mark, sizeof txn->mark, "/mark/%u", command->client);
	snprintf(txn->failed, sizeof txn->failed, "/failed/%u", command->client);
	snprintf(txn->value, sizeof txn->value, "%ju", (uintmax_t)command->number);
	snprintf(txn->expected, sizeof txn->expected, "%ju", (uintmax_t)command->expected);
	txn->success[0] = model_put(txn->mark, txn->value);
	txn->success[1] = model_put(txn->key, txn->value);
	if (command->kind == MODEL_DELETE)
		txn->success[1] =
		    (struct kv_op){.kind = KV_DELETE, .del = {.range = {.start = bytes_of_string(txn->key)}}};
	txn->txn = (struct kv_txn){.success = txn->success, .success_count = 2};
	if (command->kind != MODEL_COMPARE)
		return;
	txn->compare = (struct kv_compare){.target = KV_VALUE,
	                                   .result = KV_EQUAL,
	                                   .range = {.start = bytes_of_string(txn->key)},
	                                   .value = bytes_of_string(txn->expected)};
	txn->failure[0] = model_put(txn->failed, txn->value);
	txn->txn.compares = &txn->compare;
	txn->txn.compare_count = 1;
	txn->txn.failure = txn->failure;
	txn->txn.failure_count = 1;
}

static uint64_t model_parse(struct bytes text)
{
	char copy[MODEL_TEXT_BYTES] = "";
	if (text.size == 0 || text.size >= sizeof copy)
		return 0;
	memcpy(copy, text.data, text.size);
	return strtoull(copy, NULL, 10);
}

uint64_t model_number(const struct kv_txn *txn)
{
	bool ours = txn->success_count == 2 && txn->success[0].kind == KV_PUT &&
	            bytes_have_prefix(txn->success[0].put.key, BYTES_LITERAL("/mark/"));
	return ours ? model_parse(txn->success[0].put.value) : 0;
}

/* ---- effects ---- */

static const struct kv_event *model_event(const struct kv_change *change, const char *key)
{
	for (size_t i = 0; i < change->event_count; i++)
		if (bytes_equal(change->events[i].record.key, bytes_of_string(key)))
			return &change->events[i];
	return NULL;
}

static bool model_is_put(const struct kv_change *change, const char *key, uint64_t number)
{
	const struct kv_event *event = model_event(change, key);
	return event != NULL && event->type == KV_EVENT_PUT && model_parse(event->record.value) == number &&
	       event->record.mod_revision == change->revision;
}

static void model_set(unsigned key, struct version version)
{
	struct key_history *history = &model_keys[key];
	if (history->count == history->capacity) {
		history->capacity = history->capacity * 2 + 64;
		history->versions = memory_resize(history->versions, history->capacity, sizeof *history->versions);
	}
	history->versions[history->count++] = version;
}

static bool model_apply_delete(const struct model_command *command, const char *key, const struct version *now,
                               const struct kv_change *change)
{
	const struct kv_event *event = model_event(change, key);
	bool was_there = now->number != 0;
	if (was_there)
		model_set(command->key, (struct version){.index = change->index});
	return was_there ? event != NULL && event->type == KV_EVENT_DELETE && change->event_count == 2
	                 : event == NULL && change->event_count == 1;
}

static bool model_apply_put(const struct model_command *command, const char *key, const struct version *now,
                            const struct kv_change *change)
{
	struct version next = {.index = change->index,
	                       .number = command->number,
	                       .create_revision = now->number != 0 ? now->create_revision : change->revision,
	                       .mod_revision = change->revision,
	                       .version = now->number != 0 ? now->version + 1 : 1};
	const struct kv_event *event = model_event(change, key);
	model_set(command->key, next);
	return change->event_count == 2 && model_is_put(change, key, command->number) &&
	       event->record.version == next.version && event->record.create_revision == next.create_revision;
}

bool model_apply(struct model_command *command, const struct kv_change *change)
{
	struct version now = model_now(command->key);
	struct model_txn txn;
	model_txn_fill(&txn, command);
	command->succeeded = command->kind != MODEL_COMPARE || (now.number != 0 && now.number == command->expected);
	if (!command->succeeded)
		return change->event_count == 1 && model_is_put(change, txn.failed, command->number);
	if (!model_is_put(change, txn.mark, command->number))
		return false;
	return command->kind == MODEL_DELETE ? model_apply_delete(command, txn.key, &now, change)
	                                     : model_apply_put(command, txn.key, &now, change);
}

/* ---- reads ---- */

enum err model_read(struct kv_view *view, unsigned key, struct arena *arena, struct kv_record *ret_record)
{
	char text[MODEL_TEXT_BYTES];
	snprintf(text, sizeof text, "/key/%u", key);
	return kv_get(view, bytes_of_string(text), arena, ret_record);
}

uint64_t model_number_of(const struct kv_record *record)
{
	return record != NULL ? model_parse(record->value) : 0;
}

bool model_shows(unsigned key, uint64_t index, const struct kv_record *record)
{
	const struct key_history *history = &model_keys[key];
	size_t at = history->count;
	while (at > 0 && history->versions[at - 1].index > index)
		at--;
	struct version then = at > 0 ? history->versions[at - 1] : (struct version){0};
	if (record == NULL || then.number == 0)
		return record == NULL && then.number == 0;
	return model_parse(record->value) == then.number && record->version == then.version &&
	       record->mod_revision == then.mod_revision && record->create_revision == then.create_revision;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Random transactions against the store and against the model, and what must be the same afterwards. */
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "tests/unit/store/fixture.h"
#include "tests/unit/store/model.h"

enum { STEPS = 400, OPS_MAX = 4, ENTRIES_MAX = 4096 };

static struct random dice;

/* ---- what is asked ---- */

static const char *random_name(struct arena *arena, bool directory)
{
	static const char *const names[] = {"a", "b", "b.", "c"};
	const char *name = "/";
	size_t depth = 1 + random_below(&dice, 3);
	for (size_t i = 0; i < depth; i++)
		name = arena_format(arena, "%s%s%s", name, names[random_below(&dice, 4)],
		                    i + 1 < depth || directory ? "/" : "");
	return name;
}

static struct kv_op random_op(struct arena *arena)
{
	bool directory = random_below(&dice, 2) == 0;
	struct bytes name = bytes_of_string(random_name(arena, directory));
	struct bytes other = bytes_of_string(random_name(arena, directory));
	switch (random_below(&dice, 12)) {
	case 0:
		return (struct kv_op)DELETE(.range =
		                                directory ? kv_prefix(name, arena) : (struct kv_range){.start = name});
	case 1:
	case 2:
		return (struct kv_op)DELETE(.range = {.start = name});
	case 3:
	case 4:
		return (struct kv_op){.kind = KV_MOVE, .move = {.from = name, .to = other}};
	case 5:
		return (struct kv_op){.kind = KV_EXCHANGE, .move = {.from = name, .to = other}};
	case 6:
		return (struct kv_op)PUT(.key = name, .keep_value = true);
	default:
		return (struct kv_op)PUT(.key = name,
		                         .value = bytes_of_string(arena_format(
		                             arena, "%llu", (unsigned long long)random_next(&dice) % 1000)));
	}
}

/* ---- what is compared ---- */

static void take_new_ids(struct fixture *f, struct model *model)
{
	struct model_state *now = model_now(model);
	for (size_t i = 0; i < now->count; i++)
		if (now->keys[i].id == 0)
			now->keys[i].id = fixture_get(f, now->keys[i].name).id;
}

static void take_new_directory_ids(struct fixture *f, struct model *model)
{
	for (size_t i = 0; i < model->directory_count; i++) {
		struct model_directory *directory = &model->directories[i];
		if (directory->id == 0)
			directory->id = fixture_directory(f, directory->prefix).id;
	}
}

static void ids_are_never_shared(struct model *model)
{
	const struct model_state *now = model_now(model);
	for (size_t i = 0; i < now->count; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(now->keys[i].id != now->keys[j].id);
	for (size_t i = 0; i < model->directory_count; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(model->directories[i].id != model->directories[j].id);
}

static void records_agree(struct fixture *f, struct kv_view *view, struct model *model, int64_t revision)
{
	const struct model_state *expected = &model->states[revision];
	struct kv_range_request request = {.range = {B("\0"), B("\0")}, .revision = revision};
	struct kv_response response;
	assert_int_equal(kv_range(view, &request, &f->arena, &response), ERR_OK);
	assert_int_equal(response.count, expected->count);
	assert_int_equal(response.record_count, expected->count);
	for (size_t i = 0; i < expected->count; i++) {
		const struct kv_record *record = &response.records[i];
		const struct model_key *key = &expected->keys[i];
		assert_bytes(record->key, key->name);
		assert_bytes(record->value, key->value);
		assert_int_equal(record->create_revision, key->create);
		assert_int_equal(record->mod_revision, key->mod);
		assert_int_equal(record->version, key->version);
		assert_int_equal(record->id, key->id);
	}
}

static void directories_agree(struct fixture *f, struct model *model)
{
	static const char *const names[] = {"a", "b", "b.", "c"};
	for (size_t i = 0; i < model->directory_count; i++) {
		const struct model_directory *expected = &model->directories[i];
		struct kv_directory directory = fixture_directory(f, expected->prefix);
		assert_int_equal(directory.children, expected->children);
		assert_int_equal(directory.directories, expected->directories);
		assert_int_equal(directory.marker, expected->marker);
		assert_int_equal(directory.id, expected->id);
		assert_int_equal(directory.create_revision, expected->create);
		assert_int_equal(directory.changed_revision, expected->changed);
		for (size_t j = 0; j < 4; j++) {
			const char *below = arena_format(&f->arena, "%s%s/", expected->prefix, names[j]);
			assert_int_equal(fixture_has_directory(f, below), model_directory(model, below) != NULL);
		}
	}
}

static void lists_agree(struct fixture *f, struct kv_view *view, struct model *model)
{
	for (size_t i = 0; i < model->directory_count; i++) {
		const struct model_directory *expected = &model->directories[i];
		struct kv_list_request request = {
		    .prefix = bytes_of_string(expected->prefix), .max = 100, .value_bytes_max = 100};
		struct kv_child *children;
		size_t count;
		assert_int_equal(kv_list(view, &request, &f->arena, &children, &count), ERR_OK);
		assert_int_equal(count, expected->children);
		for (size_t j = 0; j < count; j++) {
			const char *name =
			    arena_format(&f->arena, "%s%.*s%s", expected->prefix, (int)children[j].name.size,
			                 (const char *)children[j].name.data, children[j].is_directory ? "/" : "");
			if (children[j].is_directory) {
				assert_int_equal(children[j].directory.id, model_directory(model, name)->id);
				continue;
			}
			assert_bytes(children[j].record.value, model_find(model_now(model), name)->value);
		}
	}
}

/* The newest change, from the observer and from the change log, is what differs between the last two states. */
static void events_agree(struct fixture *f, struct kv_view *view, struct model *model)
{
	struct kv_change logged;
	assert_int_equal(kv_change_until(view, model->revision, &f->arena, &logged), ERR_OK);
	const struct kv_change *seen = &f->changes[(f->change_count - 1) % 64];
	assert_int_equal(logged.revision, model->revision);
	assert_int_equal(seen->revision, model->revision);
	assert_int_equal(logged.event_count, seen->event_count);
	struct model_state *now = model_now(model), *before = now - 1;
	size_t changed = 0;
	for (size_t i = 0; i < now->count; i++)
		changed += now->keys[i].mod == model->revision;
	for (size_t i = 0; i < before->count; i++)
		changed += model_find(now, before->keys[i].name) == NULL;
	assert_int_equal(seen->event_count, changed);
	for (size_t i = 0; i < changed; i++) {
		const struct kv_event *event = &seen->events[i], *again = &logged.events[i];
		const char *name = arena_dup_string(&f->arena, event->record.key);
		const struct model_key *key = model_find(now, name), *prev = model_find(before, name);
		assert_int_equal(event->type, key != NULL ? KV_EVENT_PUT : KV_EVENT_DELETE);
		assert_int_equal(again->type, event->type);
		assert_int_equal(event->has_prev, prev != NULL);
		assert_int_equal(again->has_prev, prev != NULL);
		assert_int_equal(again->record.id, event->record.id);
		assert_bytes(again->record.key, name);
		if (key != NULL) {
			assert_bytes(event->record.value, key->value);
			assert_bytes(again->record.value, key->value);
		}
		if (prev != NULL) {
			assert_bytes(event->prev.value, prev->value);
			assert_bytes(again->prev.value, prev->value);
			assert_int_equal(again->prev.mod_revision, prev->mod);
		}
	}
}

static void stats_agree(struct kv_view *view, struct model *model)
{
	struct kv_stats stats;
	int64_t size = 0;
	const struct model_state *now = model_now(model);
	for (size_t i = 0; i < now->count; i++)
		size += (int64_t)(strlen(now->keys[i].name) + strlen(now->keys[i].value));
	assert_int_equal(kv_stats(view, &stats), ERR_OK);
	assert_int_equal(stats.keys, now->count);
	assert_int_equal(stats.value_bytes, size);
}

static void all_agrees(struct fixture *f, struct model *model, int64_t *compacted)
{
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_view_revision(view), model->revision);
	records_agree(f, view, model, 0 + model->revision);
	int64_t past = *compacted + (int64_t)random_below(&dice, (uint64_t)(model->revision - *compacted + 1));
	records_agree(f, view, model, past > 0 ? past : 1);
	directories_agree(f, model);
	lists_agree(f, view, model);
	stats_agree(view, model);
	kv_view_close(view);
}

/* ---- steps ---- */

static bool is_static(enum err err)
{
	return err == ERR_DUPLICATE_KEY || err == ERR_INVALID;
}

static void step_txn(struct fixture *f, struct model *model)
{
	struct kv_op ops[OPS_MAX];
	size_t count = 1 + random_below(&dice, OPS_MAX);
	for (size_t i = 0; i < count; i++)
		ops[i] = random_op(&f->arena);
	int64_t before = model->revision;
	enum err err = fixture_ops(f, ops, count);
	if (is_static(err))
		return;
	assert_int_equal(err, model_apply(model, ops, count));
	if (model->revision == before)
		return;
	take_new_ids(f, model);
	model_settle(model);
	take_new_directory_ids(f, model);
	model_settle(model); /* now that the new ones have ids, their parents' members are right */
	struct kv_view *view = kv_view_open(f->kv);
	events_agree(f, view, model);
	kv_view_close(view);
}

static void step_compact(struct fixture *f, struct model *model, int64_t *compacted)
{
	int64_t revision = 1 + (int64_t)random_below(&dice, (uint64_t)model->revision);
	if (fixture_compact(f, revision) == ERR_OK)
		*compacted = revision;
}

static void run_seed(uint64_t seed)
{
	random_init(&dice, seed);
	struct fixture fixture;
	fixture_open(&fixture);
	struct model *model = model_new();
	int64_t compacted = 0;
	for (int step = 0; step < STEPS; step++) {
		step_txn(&fixture, model);
		if (random_below(&dice, 20) == 0)
			step_compact(&fixture, model, &compacted);
		if (random_below(&dice, 60) == 0)
			fixture_reopen(&fixture);
		if (random_below(&dice, 5) == 0 || step + 1 == STEPS) {
			all_agrees(&fixture, model, &compacted);
			ids_are_never_shared(model);
		}
		arena_reset(&fixture.arena);
	}
	model_free(model);
	fixture_close(&fixture);
}

static void the_store_does_what_the_model_does(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++)
		run_seed(seed);
}

/* ---- determinism ---- */

struct log {
	struct arena arena;
	struct store_entry entries[ENTRIES_MAX];
	size_t count;
};

static void log_add(struct log *log, struct kv_command *command)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, LIMIT_ENTRY_BYTES);
	command->proposer = 1 + random_below(&dice, 3);
	assert_int_equal(kv_command_encode(command, &buffer), ERR_OK);
	log->entries[log->count] = (struct store_entry){.index = log->count + 1,
	                                                .term = 1 + log->count / 100,
	                                                .time_ns = (int64_t)random_below(&dice, 100000),
	                                                .payload = arena_dup(&log->arena, buffer_bytes(&buffer))};
	log->count++;
}

static void log_add_random(struct log *log)
{
	struct kv_op ops[OPS_MAX];
	struct kv_lease_left lefts[1];
	struct kv_command command = {.kind = KV_COMMAND_TXN,
	                             .txn = {.success = ops, .success_count = 1 + random_below(&dice, OPS_MAX)}};
	if (log->count > 2) {
		command.session = 1 + random_below(&dice, 2);
		command.sequence = log->count - random_below(&dice, 3);
		command.done_below = command.sequence > 20 ? command.sequence - 20 : 0;
	}
	int64_t lease = 1 + (int64_t)random_below(&dice, 3);
	switch (random_below(&dice, 14)) {
	case 0:
		command = (struct kv_command){.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {lease, 5}};
		break;
	case 1:
		command = (struct kv_command){.kind = KV_COMMAND_LEASE_REVOKE, .lease_revoke = {lease}};
		break;
	case 2:
		lefts[0] = (struct kv_lease_left){lease, (int64_t)random_below(&dice, 6000)};
		command = (struct kv_command){.kind = KV_COMMAND_LEASE_CHECKPOINT,
		                              .lease_checkpoint = {1 + log->count / 100, lefts, 1}};
		break;
	case 3:
		command = (struct kv_command){.kind = KV_COMMAND_LEASE_EXPIRE, .lease_expire = {lease, 1}};
		break;
	case 4:
		command = (struct kv_command){.kind = KV_COMMAND_COMPACT,
		                              .compact = {(int64_t)random_below(&dice, log->count + 1)}};
		break;
	default:
		for (size_t i = 0; i < command.txn.success_count; i++) {
			ops[i] = random_op(&log->arena);
			if (ops[i].kind == KV_PUT && random_below(&dice, 4) == 0)
				ops[i].put.lease = lease;
		}
		if (random_below(&dice, 4) == 0)
			ops[0] = (struct kv_op)RANGE(.range = {B("/"), B("0")},
			                             .revision = (int64_t)random_below(&dice, log->count + 1));
		break;
	}
	log_add(log, &command);
}

static void log_apply(const struct log *log, struct fixture *f, size_t batch_max)
{
	for (size_t at = 0; at < log->count;) {
		size_t count = 1 + random_below(&dice, batch_max);
		if (count > log->count - at)
			count = log->count - at;
		store_apply(f->store, &log->entries[at], count, NULL, NULL);
		at += count;
		if (random_below(&dice, 200) == 0) {
			f->index = log->entries[at - 1].index;
			fixture_reopen(f);
		}
	}
}

static void views_are_equal(struct fixture *one, struct fixture *other)
{
	struct kv_view *left = kv_view_open(one->kv), *right = kv_view_open(other->kv);
	struct kv_stats a, b;
	assert_int_equal(kv_stats(left, &a), ERR_OK);
	assert_int_equal(kv_stats(right, &b), ERR_OK);
	assert_int_equal(kv_view_index(left), kv_view_index(right));
	assert_int_equal(kv_view_revision(left), kv_view_revision(right));
	assert_int_equal(kv_view_compacted(left), kv_view_compacted(right));
	assert_int_equal(a.checksum, b.checksum);
	assert_int_equal(a.mark_index, b.mark_index);
	assert_int_equal(a.mark_checksum, b.mark_checksum);
	assert_true(a.mark_index > 0);
	assert_int_equal(a.keys, b.keys);
	assert_int_equal(a.value_bytes, b.value_bytes);
	int64_t compacted = kv_view_compacted(left) > 0 ? kv_view_compacted(left) : 1;
	for (int64_t revision = compacted; revision <= kv_view_revision(left); revision += 7)
		assert_string_equal(fixture_range(one, "/", "0", revision), fixture_range(other, "/", "0", revision));
	const char *const prefixes[] = {"/", "/a/", "/b/", "/b./", "/a/b/"};
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(fixture_has_directory(one, prefixes[i]), fixture_has_directory(other, prefixes[i]));
		if (!fixture_has_directory(one, prefixes[i]))
			continue;
		struct kv_directory mine = fixture_directory(one, prefixes[i]),
		                    theirs = fixture_directory(other, prefixes[i]);
		assert_memory_equal(&mine, &theirs, sizeof mine);
		assert_string_equal(fixture_list(one, prefixes[i]), fixture_list(other, prefixes[i]));
	}
	kv_view_close(left);
	kv_view_close(right);
}

static void where_a_batch_ends_makes_no_difference(void **state)
{
	(void)state;
	struct log *log = memory_new(sizeof *log);
	arena_init(&log->arena);
	random_init(&dice, 99);
	log_add(log, &(struct kv_command){.kind = KV_COMMAND_SESSION, .session_open = {1, 1}});
	log_add(log, &(struct kv_command){.kind = KV_COMMAND_SESSION, .session_open = {2, 1}});
	while (log->count < 1500)
		log_add_random(log);
	struct fixture one, many;
	fixture_open(&one);
	fixture_open(&many);
	log_apply(log, &one, 1);
	log_apply(log, &many, 64);
	views_are_equal(&one, &many);
	fixture_close(&one);
	fixture_close(&many);
	arena_fini(&log->arena);
	free(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_store_does_what_the_model_does),
	    cmocka_unit_test(where_a_batch_ends_makes_no_difference),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"

enum { MEMORY_BYTES = 8 << 20 };

static struct kv_record record_kept(const struct kv_record *record, struct arena *arena)
{
	struct kv_record copy = *record;
	copy.key = arena_dup(arena, record->key);
	copy.value = arena_dup(arena, record->value);
	copy.attr = arena_dup(arena, record->attr);
	return copy;
}

static void fixture_changed(void *argument, const struct kv_change *change)
{
	struct fixture *fixture = argument;
	size_t at = fixture->change_count++ % (sizeof fixture->changes / sizeof fixture->changes[0]);
	struct kv_event *events = arena_take(&fixture->arena, change->event_count * sizeof *events);
	fixture->changes[at] = *change;
	fixture->changes[at].note = arena_dup(&fixture->arena, change->note);
	fixture->changes[at].events = events;
	for (size_t i = 0; i < change->event_count; i++) {
		events[i] = change->events[i];
		events[i].record = record_kept(&change->events[i].record, &fixture->arena);
		events[i].prev = record_kept(&change->events[i].prev, &fixture->arena);
	}
}

static void fixture_replaced(void *argument, int64_t revision)
{
	struct fixture *fixture = argument;
	assert_int_equal(revision, fixture_revision(fixture));
	fixture->replaced_count++;
}

static void fixture_leased(void *argument, const struct kv_lease_event *event)
{
	struct fixture *fixture = argument;
	fixture->lease_events[fixture->lease_event_count++ % 64] = *event;
}

void fixture_start(struct fixture *fixture)
{
	struct store_options options = {.directory = fixture->directory, .memory_bytes = MEMORY_BYTES};
	assert_int_equal(store_open(&options, &fixture->store), ERR_OK);
	fixture->kv = store_kv(fixture->store);
	fixture->index = store_applied(fixture->store);
	store_observe(fixture->store,
	              &(struct kv_observer){fixture_changed, fixture_replaced, fixture, fixture_leased});
}

void fixture_open(struct fixture *fixture)
{
	*fixture = (struct fixture){.directory = "/tmp/etcfs-store-XXXXXX", .term = 1, .time_ns = 1000};
	arena_init(&fixture->arena);
	assert_non_null(mkdtemp(fixture->directory));
	fixture_start(fixture);
}

void fixture_stop(struct fixture *fixture)
{
	store_close(fixture->store);
	fixture->store = NULL;
}

void fixture_reopen(struct fixture *fixture)
{
	fixture_stop(fixture);
	fixture_start(fixture);
}

void fixture_close(struct fixture *fixture)
{
	if (fixture->store != NULL)
		fixture_stop(fixture);
	arena_fini(&fixture->arena);
	assert_int_equal(file_remove_tree(fixture->directory), ERR_OK);
}

struct kv_result *fixture_apply(struct fixture *fixture, struct kv_command *command)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, LIMIT_ENTRY_BYTES);
	command->proposer = 7;
	command->session = fixture->session;
	command->sequence = fixture->sequence;
	command->done_below = fixture->done_below;
	command->quota_bytes = fixture->quota_bytes;
	assert_int_equal(kv_command_encode(command, &buffer), ERR_OK);
	struct store_entry entry = {.index = ++fixture->index,
	                            .term = fixture->term,
	                            .time_ns = ++fixture->time_ns,
	                            .payload = buffer_bytes(&buffer)};
	struct kv_result *result = NULL;
	store_apply(fixture->store, &entry, 1, (const bool[]){true}, &result);
	assert_non_null(result);
	return result;
}

struct kv_result *fixture_txn(struct fixture *fixture, const struct kv_txn *txn)
{
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = *txn};
	return fixture_apply(fixture, &command);
}

enum err fixture_ops(struct fixture *fixture, const struct kv_op *ops, size_t count)
{
	struct kv_result *result = fixture_txn(fixture, &(struct kv_txn){.success = ops, .success_count = count});
	enum err err = result->err;
	assert_int_equal(result->succeeded, err == ERR_OK);
	kv_result_free(result);
	return err;
}

enum err fixture_op(struct fixture *fixture, struct kv_op op)
{
	return fixture_ops(fixture, &op, 1);
}

enum err fixture_put(struct fixture *fixture, const char *key, const char *value)
{
	return fixture_op(fixture, (struct kv_op)PUT(.key = bytes_of_string(key), .value = bytes_of_string(value),
	                                             .keep_attr = true));
}

enum err fixture_delete(struct fixture *fixture, const char *key)
{
	return fixture_op(fixture, (struct kv_op)DELETE(.range = {.start = bytes_of_string(key)}));
}

static enum err fixture_outcome(struct fixture *fixture, struct kv_command command)
{
	struct kv_result *result = fixture_apply(fixture, &command);
	enum err err = result->err;
	kv_result_free(result);
	return err;
}

enum err fixture_compact(struct fixture *fixture, int64_t revision)
{
	return fixture_outcome(fixture, (struct kv_command){.kind = KV_COMMAND_COMPACT, .compact = {revision}});
}

enum err fixture_grant(struct fixture *fixture, int64_t lease, int64_t ttl_s)
{
	struct kv_command command = {.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {lease, ttl_s}};
	struct kv_result *result = fixture_apply(fixture, &command);
	enum err err = result->err;
	if (err == ERR_OK)
		assert_true(result->lease == lease && result->lease_ttl_s == ttl_s);
	kv_result_free(result);
	return err;
}

enum err fixture_revoke(struct fixture *fixture, int64_t lease)
{
	return fixture_outcome(fixture, (struct kv_command){.kind = KV_COMMAND_LEASE_REVOKE, .lease_revoke = {lease}});
}

/* ---- reading ---- */

int64_t fixture_revision(struct fixture *fixture)
{
	struct kv_view *view = kv_view_open(fixture->kv);
	int64_t revision = kv_view_revision(view);
	kv_view_close(view);
	return revision;
}

struct kv_record fixture_get(struct fixture *fixture, const char *key)
{
	struct kv_view *view = kv_view_open(fixture->kv);
	struct kv_record record = {0};
	assert_int_equal(kv_get(view, bytes_of_string(key), &fixture->arena, &record), ERR_OK);
	kv_view_close(view);
	return record;
}

bool fixture_has(struct fixture *fixture, const char *key)
{
	struct kv_view *view = kv_view_open(fixture->kv);
	struct kv_record record;
	enum err err = kv_get(view, bytes_of_string(key), &fixture->arena, &record);
	kv_view_close(view);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return err == ERR_OK;
}

struct kv_directory fixture_directory(struct fixture *fixture, const char *prefix)
{
	struct kv_view *view = kv_view_open(fixture->kv);
	struct kv_directory directory = {0};
	assert_int_equal(kv_directory(view, bytes_of_string(prefix), &directory), ERR_OK);
	kv_view_close(view);
	return directory;
}

bool fixture_has_directory(struct fixture *fixture, const char *prefix)
{
	struct kv_view *view = kv_view_open(fixture->kv);
	struct kv_directory directory;
	enum err err = kv_directory(view, bytes_of_string(prefix), &directory);
	kv_view_close(view);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return err == ERR_OK;
}

const char *fixture_list(struct fixture *fixture, const char *prefix)
{
	struct kv_view *view = kv_view_open(fixture->kv);
	struct kv_list_request request = {.prefix = bytes_of_string(prefix), .max = 1000};
	struct kv_child *children = NULL;
	size_t count = 0;
	assert_int_equal(kv_list(view, &request, &fixture->arena, &children, &count), ERR_OK);
	const char *text = "";
	for (size_t i = 0; i < count; i++)
		text = arena_format(&fixture->arena, "%s%s%.*s%s", text, i > 0 ? " " : "", (int)children[i].name.size,
		                    (const char *)children[i].name.data, children[i].is_directory ? "/" : "");
	kv_view_close(view);
	return text;
}

const char *fixture_range(struct fixture *fixture, const char *start, const char *end, int64_t revision)
{
	struct kv_view *view = kv_view_open(fixture->kv);
	struct kv_range_request request = {.range = {bytes_of_string(start), bytes_of_string(end)},
	                                   .revision = revision};
	struct kv_response response = {0};
	assert_int_equal(kv_range(view, &request, &fixture->arena, &response), ERR_OK);
	const char *text = "";
	for (size_t i = 0; i < response.record_count; i++)
		text = arena_format(&fixture->arena, "%s%s%.*s=%.*s", text, i > 0 ? " " : "",
		                    (int)response.records[i].key.size, (const char *)response.records[i].key.data,
		                    (int)response.records[i].value.size, (const char *)response.records[i].value.data);
	kv_view_close(view);
	return text;
}

void assert_bytes(struct bytes actual, const char *expected)
{
	assert_int_equal(actual.size, strlen(expected));
	assert_memory_equal(actual.size != 0 ? (const char *)actual.data : "", expected, actual.size);
}

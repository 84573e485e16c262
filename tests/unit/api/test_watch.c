/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/fixture.h"

/* A watch that has begun. */
static int watch(struct fixture *fixture, const char *path, int64_t revision)
{
	int fd = fixture_connect(fixture);
	Etcfs__Control__WatchRequest request = ETCFS__CONTROL__WATCH_REQUEST__INIT;
	request.path = proto_data(bytes_of_string(path));
	request.start_revision = revision;
	fixture_send(fixture, fd, "watch", false, &request);
	const Etcfs__Control__WatchResponse *begun =
	    fixture_response(fixture, fixture_answer(fixture, fd), &etcfs__control__watch_response__descriptor);
	assert_null(begun->change);
	return fd;
}

static const Etcfs__Control__Change *next(struct fixture *fixture, int fd)
{
	const Etcfs__Control__WatchResponse *response =
	    fixture_response(fixture, fixture_answer(fixture, fd), &etcfs__control__watch_response__descriptor);
	assert_non_null(response->change);
	return response->change;
}

static void change_is(const Etcfs__Control__Change *change, const char *key, const char *value)
{
	assert_int_equal(change->n_events, 1);
	const Etcfs__Control__Record *record = change->events[0]->record;
	assert_int_equal(record->key.len, strlen(key));
	assert_memory_equal(record->key.data, key, strlen(key));
	assert_int_equal(record->value.len, strlen(value));
	assert_memory_equal(record->value.data, value, strlen(value));
}

static void a_watch_sees_what_comes_below_its_path(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/w/old", "before");
	int fd = watch(fixture, "/w", 0);
	fixture_put_elsewhere(fixture, "/wx", BYTES_LITERAL("beside"));
	fixture_put_elsewhere(fixture, "/w/a", BYTES_LITERAL("one"));
	change_is(next(fixture, fd), "/w/a", "one");
	fixture_put(fixture, "/w", "itself");
	change_is(next(fixture, fd), "/w", "itself");
	Etcfs__Control__DeleteRequest request = ETCFS__CONTROL__DELETE_REQUEST__INIT;
	request.key = proto_data(BYTES_LITERAL("/w/a"));
	fixture_ask(fixture, "delete", false, &request);
	const Etcfs__Control__Change *change = next(fixture, fd);
	assert_int_equal(change->events[0]->type, ETCFS__CONTROL__EVENT_TYPE__delete);
	assert_string_equal(change->node, "n1");
	close(fd);
}

static void a_watch_from_a_revision_begins_with_the_past(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a", "1");
	fixture_put(fixture, "/a", "2");
	int fd = watch(fixture, "", 1);
	change_is(next(fixture, fd), "/a", "1");
	change_is(next(fixture, fd), "/a", "2");
	fixture_put(fixture, "/a", "3");
	change_is(next(fixture, fd), "/a", "3");
	close(fd);
}

static void a_slow_client_gets_every_change_once_and_in_order(void **state)
{
	struct fixture *fixture = fixture_of(state);
	enum { CHANGES = 1500, VALUE_BYTES = 16 << 10 }; /* far more than sockets and the backlog hold */
	AUTO_FREE uint8_t *value = memory_new(VALUE_BYTES);
	int fd = watch(fixture, "", 0);
	for (int turn = 0; turn < CHANGES; turn++) {
		memcpy(value, &turn, sizeof turn);
		fixture_put_elsewhere(fixture, "/slow", bytes_of(value, VALUE_BYTES));
	}
	int64_t revision = 0;
	for (int turn = 0; turn < CHANGES; turn++) {
		const Etcfs__Control__Change *change = next(fixture, fd);
		assert_true(change->revision > revision);
		revision = change->revision;
		assert_int_equal(change->n_events, 1);
		assert_memory_equal(change->events[0]->record->value.data, &turn, sizeof turn);
		arena_reset(&fixture->arena);
	}
	close(fd);
}

static void a_change_of_many_keys_comes_in_parts(void **state)
{
	struct fixture *fixture = fixture_of(state);
	enum { KEYS = 40, VALUE_BYTES = 64 << 10 }; /* more than one answer, and than the backlog */
	AUTO_FREE uint8_t *value = memory_new(VALUE_BYTES);
	struct kv_op ops[KEYS];
	for (int at = 0; at < KEYS; at++)
		ops[at] = (struct kv_op){.kind = KV_PUT,
		                         .put = {.key = bytes_of_string(arena_format(&fixture->arena, "/m/%02d", at)),
		                                 .value = bytes_of(value, VALUE_BYTES)}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = ops, .success_count = KEYS}};
	int fd = watch(fixture, "/m", 0);
	kv_result_free(solo_apply_remote(fixture->replica, &command));
	int seen = 0, answers = 0;
	for (int64_t revision = 0; seen < KEYS; answers++) {
		const Etcfs__Control__Change *change = next(fixture, fd);
		assert_int_equal(change->event_count, KEYS);
		assert_true(revision == 0 || change->revision == revision);
		revision = change->revision;
		for (size_t at = 0; at < change->n_events; at++, seen++)
			assert_memory_equal(change->events[at]->record->key.data, ops[seen].put.key.data, 5);
	}
	assert_int_equal(seen, KEYS);
	assert_true(answers > 4);
	fixture_put(fixture, "/m/last", "z"); /* and what comes after is not lost */
	change_is(next(fixture, fd), "/m/last", "z");
	close(fd);
}

static void a_watch_of_what_was_compacted_ends_with_a_reason(void **state)
{
	struct fixture *fixture = fixture_of(state);
	for (int turn = 0; turn < 5; turn++)
		fixture_put(fixture, "/a", "x");
	struct kv_command compact = {.kind = KV_COMMAND_COMPACT, .compact.revision = 4};
	kv_result_free(solo_apply_remote(fixture->replica, &compact));
	int fd = watch(fixture, "", 1);
	const Etcfs__Control__Answer *answer = fixture_answer(fixture, fd);
	assert_string_equal(answer->error, "COMPACTED");
	assert_true(answer->last);
	close(fd);
}

static void watches_may_be_left_at_any_time(void **state)
{
	struct fixture *fixture = fixture_of(state);
	for (int turn = 0; turn < 20; turn++) {
		int gone = watch(fixture, "", 0), stays = watch(fixture, "", 0);
		close(gone);
		fixture_put(fixture, "/a", "x");
		change_is(next(fixture, stays), "/a", "x");
		close(stays);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_watch_sees_what_comes_below_its_path),
	    CASE(a_watch_from_a_revision_begins_with_the_past),
	    CASE(a_slow_client_gets_every_change_once_and_in_order),
	    CASE(a_change_of_many_keys_comes_in_parts),
	    CASE(a_watch_of_what_was_compacted_ends_with_a_reason),
	    CASE(watches_may_be_left_at_any_time),
	};
	return UNIT_RUN(tests);
}

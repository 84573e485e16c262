/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/fixture.h"

static const Etcfs__Control__Answer *get(struct fixture *fixture, const char *key, int64_t revision, bool local)
{
	Etcfs__Control__GetRequest request = ETCFS__CONTROL__GET_REQUEST__INIT;
	request.key = proto_data(bytes_of_string(key));
	request.revision = revision;
	return fixture_ask(fixture, "get", local, &request);
}

static void value_is(struct fixture *fixture, const char *key, int64_t revision, const char *expected)
{
	const Etcfs__Control__GetResponse *response =
	    fixture_response(fixture, get(fixture, key, revision, false), &etcfs__control__get_response__descriptor);
	assert_int_equal(response->record->value.len, strlen(expected));
	assert_memory_equal(response->record->value.data, expected, strlen(expected));
}

static const Etcfs__Control__Answer *del(struct fixture *fixture, struct bytes key, bool recursive)
{
	Etcfs__Control__DeleteRequest request = ETCFS__CONTROL__DELETE_REQUEST__INIT;
	request.key = proto_data(key);
	request.recursive = recursive;
	return fixture_ask(fixture, "delete", false, &request);
}

static int64_t revision_now(struct fixture *fixture)
{
	Etcfs__Control__StatusRequest request = ETCFS__CONTROL__STATUS_REQUEST__INIT;
	const Etcfs__Control__StatusResponse *status = fixture_response(
	    fixture, fixture_ask(fixture, "status", false, &request), &etcfs__control__status_response__descriptor);
	return status->revision;
}

static void what_is_put_is_got(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a", "one");
	int64_t before = revision_now(fixture);
	fixture_put(fixture, "/a", "two");
	value_is(fixture, "/a", 0, "two");
	value_is(fixture, "/a", before, "one");
	assert_string_equal(get(fixture, "/a", before + 100, false)->error, "FUTURE");
	const Etcfs__Control__Answer *answer = get(fixture, "/absent", 0, false);
	assert_string_equal(answer->error, "NOT_FOUND");
	assert_non_null(strstr(answer->detail, "/absent"));
}

static void a_put_keeps_the_files_attributes(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct kv_op op = {
	    .kind = KV_PUT,
	    .put = {.key = BYTES_LITERAL("/f"), .value = BYTES_LITERAL("v"), .attr = BYTES_LITERAL("mode")}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	kv_result_free(solo_apply_remote(fixture->replica, &command));
	fixture_put(fixture, "/f", "changed");
	struct kv_view *view = kv_view_open(replica_kv(fixture->replica));
	struct kv_record record;
	assert_int_equal(kv_get(view, BYTES_LITERAL("/f"), &fixture->arena, &record), ERR_OK);
	kv_view_close(view);
	assert_true(bytes_equal(record.attr, BYTES_LITERAL("mode")));
	assert_true(bytes_equal(record.value, BYTES_LITERAL("changed")));
}

static void a_delete_takes_one_key_or_all_below(void **state)
{
	struct fixture *fixture = fixture_of(state);
	static const char *const keys[] = {"/a", "/a/b", "/a/c/d", "/ab", "/a0"};
	for (size_t at = 0; at < sizeof keys / sizeof *keys; at++)
		fixture_put(fixture, keys[at], "x");
	const Etcfs__Control__DeleteResponse *one = fixture_response(fixture, del(fixture, BYTES_LITERAL("/a"), false),
	                                                             &etcfs__control__delete_response__descriptor);
	assert_int_equal(one->deleted, 1);
	value_is(fixture, "/a/b", 0, "x");
	fixture_put(fixture, "/a", "x");
	const Etcfs__Control__DeleteResponse *all = fixture_response(fixture, del(fixture, BYTES_LITERAL("/a/"), true),
	                                                             &etcfs__control__delete_response__descriptor);
	assert_int_equal(all->deleted, 3);
	value_is(fixture, "/ab", 0, "x");
	value_is(fixture, "/a0", 0, "x");
	assert_string_equal(del(fixture, BYTES_LITERAL("/a"), true)->error, "NOT_FOUND");
	assert_string_equal(del(fixture, BYTES_NONE, true)->error, "INVALID");
}

static void a_zero_byte_does_not_end_a_key(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a/kept", "x");
	assert_string_equal(del(fixture, BYTES_LITERAL("/a\0b"), true)->error, "NOT_FOUND");
	value_is(fixture, "/a/kept", 0, "x");
}

static const Etcfs__Control__ListResponse *list(struct fixture *fixture, Etcfs__Control__ListRequest *request)
{
	return fixture_response(fixture, fixture_ask(fixture, "list", false, request),
	                        &etcfs__control__list_response__descriptor);
}

static void a_list_has_files_directories_and_pages(void **state)
{
	struct fixture *fixture = fixture_of(state);
	static const char *const keys[] = {"/l/a", "/l/b/x", "/l/b/y", "/l/c"}, *const names[] = {"a", "b", "c"};
	for (size_t at = 0; at < sizeof keys / sizeof *keys; at++)
		fixture_put(fixture, keys[at], "four");
	Etcfs__Control__ListRequest request = ETCFS__CONTROL__LIST_REQUEST__INIT;
	request.directory = proto_data(BYTES_LITERAL("/l"));
	request.limit = 1;
	for (size_t at = 0; at < 3; at++) {
		const Etcfs__Control__ListResponse *page = list(fixture, &request);
		assert_int_equal(page->n_entries, 1);
		const Etcfs__Control__Entry *entry = page->entries[0];
		assert_memory_equal(entry->name.data, names[at], 1);
		assert_int_equal(entry->directory, at == 1);
		assert_int_equal(entry->directory ? entry->children : entry->size, entry->directory ? 2 : 4);
		request.after = entry->name;
		request.after_is_directory = entry->directory;
	}
	assert_int_equal(list(fixture, &request)->n_entries, 0);
	request.directory = proto_data(BYTES_LITERAL("/absent"));
	assert_string_equal(fixture_ask(fixture, "list", false, &request)->error, "NOT_FOUND");
}

static void a_recursive_list_goes_on_where_it_stopped(void **state)
{
	struct fixture *fixture = fixture_of(state);
	static const char *const keys[] = {"/r/a", "/r/b/x", "/r/c"};
	fixture_put(fixture, "/s", "");
	for (size_t at = 0; at < 3; at++)
		fixture_put(fixture, keys[at], "");
	Etcfs__Control__ListRequest request = ETCFS__CONTROL__LIST_REQUEST__INIT;
	request.directory = proto_data(BYTES_LITERAL("/r"));
	request.recursive = true;
	request.limit = 2;
	const Etcfs__Control__ListResponse *page = list(fixture, &request);
	assert_int_equal(page->n_entries, 2);
	assert_true(page->more);
	assert_memory_equal(page->entries[1]->name.data, "/r/b/x", 6);
	request.after = page->entries[1]->name;
	page = list(fixture, &request);
	assert_int_equal(page->n_entries, 1);
	assert_false(page->more);
	assert_memory_equal(page->entries[0]->name.data, "/r/c", 4);
}

static void an_empty_store_has_a_root(void **state)
{
	Etcfs__Control__ListRequest request = ETCFS__CONTROL__LIST_REQUEST__INIT;
	assert_int_equal(list(fixture_of(state), &request)->n_entries, 0);
}

static void the_log_goes_backwards_along_a_path(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a", "1");
	fixture_put(fixture, "/b", "2");
	fixture_put_elsewhere(fixture, "/a/x", BYTES_LITERAL("3"));
	fixture_put(fixture, "/ab", "4");
	Etcfs__Control__LogRequest request = ETCFS__CONTROL__LOG_REQUEST__INIT;
	request.path = proto_data(BYTES_LITERAL("/a"));
	request.limit = 1;
	static const char *const expected[] = {"/a/x", "/a"};
	for (size_t at = 0; at < 2; at++) {
		const Etcfs__Control__LogResponse *page = fixture_response(
		    fixture, fixture_ask(fixture, "log", false, &request), &etcfs__control__log_response__descriptor);
		assert_int_equal(page->n_changes, 1);
		const Etcfs__Control__Change *change = page->changes[0];
		assert_int_equal(change->n_events, 1);
		assert_memory_equal(change->events[0]->record->key.data, expected[at], strlen(expected[at]));
		assert_true(change->events[0]->created);
		assert_int_equal(change->events[0]->record->value.len, 0);
		if (at == 1)
			assert_string_equal(change->node, "n1");
		request.before = page->next;
	}
	const Etcfs__Control__LogResponse *last = fixture_response(
	    fixture, fixture_ask(fixture, "log", false, &request), &etcfs__control__log_response__descriptor);
	assert_int_equal(last->n_changes, 0);
	assert_int_equal(last->next, 0);
}

static void without_a_quorum_only_local_reads_and_the_status_answer(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a", "one");
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	assert_string_equal(get(fixture, "/a", 0, false)->error, "TIMEOUT");
	assert_string_equal(get(fixture, "/a", 0, true)->error, "");
	Etcfs__Control__PutRequest put = ETCFS__CONTROL__PUT_REQUEST__INIT;
	put.key = proto_data(BYTES_LITERAL("/a"));
	assert_string_equal(fixture_ask(fixture, "put", false, &put)->error, "TIMEOUT");
	Etcfs__Control__StatusRequest request = ETCFS__CONTROL__STATUS_REQUEST__INIT;
	const Etcfs__Control__StatusResponse *status = fixture_response(
	    fixture, fixture_ask(fixture, "status", false, &request), &etcfs__control__status_response__descriptor);
	assert_false(status->has_quorum);
	assert_string_equal(status->name, "n1");
	solo_set_weather(fixture->replica, SOLO_FAIR);
	value_is(fixture, "/a", 0, "one");
}

static void a_client_may_want_to_wait_less_or_longer(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a", "one");
	Etcfs__Control__GetRequest ask = ETCFS__CONTROL__GET_REQUEST__INIT;
	ask.key = proto_data(BYTES_LITERAL("/a"));
	solo_hold(fixture->replica);
	int patient = fixture_connect(fixture), impatient = fixture_connect(fixture);
	fixture->timeout_ms = 60 * 1000;
	fixture_send(fixture, patient, "get", false, &ask);
	fixture->timeout_ms = 1;
	fixture_send(fixture, impatient, "get", false, &ask);
	fixture->timeout_ms = 0;
	assert_string_equal(fixture_answer(fixture, impatient)->error, "TIMEOUT");
	assert_string_equal(fixture_ask(fixture, "get", false, &ask)->error, "TIMEOUT"); /* as the daemon is told */
	solo_release(fixture->replica);
	assert_string_equal(fixture_answer(fixture, patient)->error, "");
	close(patient);
	close(impatient);
}

static void the_members_have_names_and_urls(void **state)
{
	struct fixture *fixture = fixture_of(state);
	Etcfs__Control__MembersRequest request = ETCFS__CONTROL__MEMBERS_REQUEST__INIT;
	const Etcfs__Control__MembersResponse *members = fixture_response(
	    fixture, fixture_ask(fixture, "members", false, &request), &etcfs__control__members_response__descriptor);
	assert_int_equal(members->n_members, 1);
	assert_string_equal(members->members[0]->name, "n1");
	assert_string_equal(members->members[0]->id, "1");
	assert_true(members->members[0]->voter);
}

static void a_value_above_the_limit_is_refused_with_the_limit(void **state)
{
	struct fixture *fixture = fixture_of(state);
	AUTO_FREE uint8_t *value = memory_new(FIXTURE_VALUE_BYTES_MAX + 1);
	Etcfs__Control__PutRequest request = ETCFS__CONTROL__PUT_REQUEST__INIT;
	request.key = proto_data(BYTES_LITERAL("/big"));
	request.value = proto_data(bytes_of(value, FIXTURE_VALUE_BYTES_MAX + 1));
	const Etcfs__Control__Answer *answer = fixture_ask(fixture, "put", false, &request);
	assert_string_equal(answer->error, "TOO_LARGE");
	assert_non_null(strstr(answer->detail, "--max-file-size"));
	request.value.len--;
	assert_string_equal(fixture_ask(fixture, "put", false, &request)->error, "");
}

static void a_connection_serves_one_call_after_the_other(void **state)
{
	struct fixture *fixture = fixture_of(state);
	int fd = fixture_connect(fixture);
	Etcfs__Control__PutRequest put = ETCFS__CONTROL__PUT_REQUEST__INIT;
	put.key = proto_data(BYTES_LITERAL("/a"));
	put.value = proto_data(BYTES_LITERAL("v"));
	Etcfs__Control__GetRequest ask = ETCFS__CONTROL__GET_REQUEST__INIT;
	ask.key = put.key;
	fixture_send(fixture, fd, "put", false, &put); /* three at once: answered in their order */
	fixture_send(fixture, fd, "get", false, &ask);
	fixture_send(fixture, fd, "frobnicate", false, &ask);
	assert_string_equal(fixture_answer(fixture, fd)->error, "");
	const Etcfs__Control__GetResponse *got =
	    fixture_response(fixture, fixture_answer(fixture, fd), &etcfs__control__get_response__descriptor);
	assert_int_equal(got->record->value.len, 1);
	const Etcfs__Control__Answer *unknown = fixture_answer(fixture, fd);
	assert_string_equal(unknown->error, "UNSUPPORTED");
	assert_non_null(strstr(unknown->detail, "frobnicate"));
	close(fd);
}

static void nonsense_ends_the_call_or_the_connection(void **state)
{
	struct fixture *fixture = fixture_of(state);
	int fd = fixture_connect(fixture);
	assert_int_equal(write(fd, "\x03\x00\x00\x00\xff\xff\xff", 7), 7);
	assert_string_equal(fixture_answer(fixture, fd)->error, "PROTOCOL");
	assert_int_equal(write(fd, "\xff\xff\xff\xff", 4), 4);
	assert_true(fixture_is_closed(fd));
	close(fd);
}

static void a_client_may_leave_while_its_call_waits(void **state)
{
	struct fixture *fixture = fixture_of(state);
	Etcfs__Control__PutRequest put = ETCFS__CONTROL__PUT_REQUEST__INIT;
	Etcfs__Control__GetRequest ask = ETCFS__CONTROL__GET_REQUEST__INIT;
	put.key = ask.key = proto_data(BYTES_LITERAL("/a"));
	solo_hold(fixture->replica);
	for (int turn = 0; turn < 10; turn++) {
		int writer = fixture_connect(fixture), reader = fixture_connect(fixture);
		fixture_send(fixture, writer, "put", false, &put);
		fixture_send(fixture, reader, "get", false, &ask);
		close(writer);
		close(reader);
	}
	solo_release(fixture->replica);
	fixture_put(fixture, "/a", "after"); /* the loop lives, and the sanitizers see what is left behind */
	value_is(fixture, "/a", 0, "after");
}

static void a_stop_answers_nobody_and_forgets_nobody(void **state)
{
	struct fixture *fixture = fixture_of(state);
	Etcfs__Control__PutRequest put = ETCFS__CONTROL__PUT_REQUEST__INIT;
	put.key = proto_data(BYTES_LITERAL("/a"));
	solo_hold(fixture->replica);
	int fd = fixture_connect(fixture);
	fixture_send(fixture, fd, "put", false, &put);
	get(fixture, "/a", 0, true); /* the loop has seen the put by now */
	close(fd);
	solo_release(fixture->replica); /* the sanitizers see what fixture_end() leaves behind */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(what_is_put_is_got),
	    CASE(a_put_keeps_the_files_attributes),
	    CASE(a_delete_takes_one_key_or_all_below),
	    CASE(a_zero_byte_does_not_end_a_key),
	    CASE(a_list_has_files_directories_and_pages),
	    CASE(a_recursive_list_goes_on_where_it_stopped),
	    CASE(an_empty_store_has_a_root),
	    CASE(the_log_goes_backwards_along_a_path),
	    CASE(without_a_quorum_only_local_reads_and_the_status_answer),
	    CASE(a_client_may_want_to_wait_less_or_longer),
	    CASE(the_members_have_names_and_urls),
	    CASE(a_value_above_the_limit_is_refused_with_the_limit),
	    CASE(a_connection_serves_one_call_after_the_other),
	    CASE(nonsense_ends_the_call_or_the_connection),
	    CASE(a_client_may_leave_while_its_call_waits),
	    CASE(a_stop_answers_nobody_and_forgets_nobody),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/rpc_fixture.h"

#define WATCH "/etcdserverpb.Watch/Watch"
#define COMPACTED "etcdserver: mvcc: required revision has been compacted"

enum { MANY = 300, LARGE_BYTES = 400000 };

static struct client_call *stream_begin(void)
{
	return client_begin(&rpc_client, WATCH, NULL);
}

static Etcdserverpb__WatchCreateRequest create(const char *key, const char *end, int64_t from)
{
	Etcdserverpb__WatchCreateRequest request = ETCDSERVERPB__WATCH_CREATE_REQUEST__INIT;
	request.key = proto_data(bytes_of_string(key));
	request.range_end = proto_data(bytes_of_string(end));
	request.start_revision = from;
	request.prev_kv = true;
	return request;
}

static void send_create(struct client_call *call, Etcdserverpb__WatchCreateRequest *create)
{
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CREATE_REQUEST;
	request.create_request = create;
	client_send(call, &request.base);
}

static void send_cancel(struct client_call *call, int64_t id)
{
	Etcdserverpb__WatchCancelRequest cancel = ETCDSERVERPB__WATCH_CANCEL_REQUEST__INIT;
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	cancel.watch_id = id;
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CANCEL_REQUEST;
	request.cancel_request = &cancel;
	client_send(call, &request.base);
}

static void send_progress(struct client_call *call)
{
	Etcdserverpb__WatchProgressRequest progress = ETCDSERVERPB__WATCH_PROGRESS_REQUEST__INIT;
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_PROGRESS_REQUEST;
	request.progress_request = &progress;
	client_send(call, &request.base);
}

static const Etcdserverpb__WatchResponse *response(struct client_call *call, size_t at)
{
	client_until_messages(call, at + 1);
	return client_message(call, at, &etcdserverpb__watch_response__descriptor);
}

static void assert_created(const Etcdserverpb__WatchResponse *answer, int64_t id, int64_t revision)
{
	assert_true(answer->created && !answer->canceled);
	assert_int_equal(answer->watch_id, id);
	assert_int_equal(answer->header->revision, revision);
	assert_int_equal(answer->n_events, 0);
}

static void assert_not_created(const Etcdserverpb__WatchResponse *answer, const char *why)
{
	assert_true(answer->created && answer->canceled);
	assert_int_equal(answer->watch_id, -1);
	assert_string_equal(answer->cancel_reason, why);
}

static void assert_key(const Mvccpb__Event *event, const char *key)
{
	assert_true(bytes_equal(proto_bytes(event->kv->key), bytes_of_string(key)));
}

static void delete (const char *key)
{
	Etcdserverpb__DeleteRangeRequest request = ETCDSERVERPB__DELETE_RANGE_REQUEST__INIT;
	request.key = proto_data(bytes_of_string(key));
	rpc_answer_of("/etcdserverpb.KV/DeleteRange", &request, &etcdserverpb__delete_range_response__descriptor);
}

static void compact(int64_t revision)
{
	Etcdserverpb__CompactionRequest request = ETCDSERVERPB__COMPACTION_REQUEST__INIT;
	request.revision = revision;
	rpc_answer_of("/etcdserverpb.KV/Compact", &request, &etcdserverpb__compaction_response__descriptor);
}

static void changes_come_as_they_are_made(void **state)
{
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a/", "/a0", 0);
	send_create(call, &request);
	assert_created(response(call, 0), 0, 1);
	fixture_put(fixture_of(state), "/b", "elsewhere");
	fixture_put(fixture_of(state), "/a/x", "one");
	const Etcdserverpb__WatchResponse *put = response(call, 1);
	assert_int_equal(put->n_events, 1);
	assert_key(put->events[0], "/a/x");
	assert_int_equal(put->header->revision, 3);
	assert_int_equal(put->events[0]->kv->create_revision, 3);
	assert_null(put->events[0]->prev_kv);
	delete ("/a/x");
	const Etcdserverpb__WatchResponse *gone = response(call, 2);
	assert_int_equal(gone->events[0]->type, MVCCPB__EVENT__EVENT_TYPE__DELETE);
	assert_int_equal(gone->events[0]->kv->mod_revision, 4);
	assert_int_equal(gone->events[0]->kv->create_revision, 0);
	assert_int_equal(gone->events[0]->kv->version, 0);
	assert_int_equal(gone->events[0]->prev_kv->mod_revision, 3);
}

static void history_comes_before_what_is_new(void **state)
{
	for (int at = 0; at < MANY; at++)
		fixture_put(fixture_of(state), "/a", "again");
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a", "", 2);
	send_create(call, &request);
	assert_created(response(call, 0), 0, MANY + 1);
	fixture_put(fixture_of(state), "/a", "new");
	int64_t next = 2;
	for (size_t at = 1; next <= MANY + 2; at++) {
		const Etcdserverpb__WatchResponse *answer = response(call, at);
		assert_true(answer->n_events > 0);
		for (size_t event = 0; event < answer->n_events; event++)
			assert_int_equal(answer->events[event]->kv->mod_revision, next++);
		assert_int_equal(answer->header->revision, next - 1);
	}
}

static void a_watch_may_begin_in_the_future(void **state)
{
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a", "", 4);
	send_create(call, &request);
	assert_created(response(call, 0), 0, 1);
	send_progress(call);
	for (int at = 0; at < 3; at++)
		fixture_put(fixture_of(state), "/a", "one");
	const Etcdserverpb__WatchResponse *answer = response(call, 1);
	if (answer->n_events == 0) { /* progress: allowed once nothing that it wants can be missing */
		assert_int_equal(answer->header->revision, 3);
		answer = response(call, 2);
	}
	assert_int_equal(answer->n_events, 1);
	assert_int_equal(answer->events[0]->kv->mod_revision, 4);
}

static void what_was_compacted_is_said_to_be(void **state)
{
	for (int at = 0; at < 5; at++)
		fixture_put(fixture_of(state), "/a", "one");
	compact(4);
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest early = create("/a", "", 3), just = create("/a", "", 4),
	                                 never = create("/a", "", -1);
	send_create(call, &early);
	assert_created(response(call, 0), 0, 6);
	const Etcdserverpb__WatchResponse *lost = response(call, 1);
	assert_true(lost->canceled && !lost->created);
	assert_int_equal(lost->watch_id, 0);
	assert_int_equal(lost->compact_revision, 4);
	assert_int_equal(lost->header->revision, 0);
	assert_string_equal(lost->cancel_reason, "");
	send_create(call, &just);
	assert_created(response(call, 2), 1, 6);
	const Etcdserverpb__WatchResponse *first = response(call, 3);
	assert_int_equal(first->events[0]->kv->mod_revision, 4);
	assert_int_equal(first->n_events, 3);
	send_create(call, &never);
	assert_not_created(response(call, 4), COMPACTED);
}

static void ids_are_given_or_taken(void **state)
{
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a", "", 0), empty = create("/b", "/a", 0),
	                                 none = create("", "", 0);
	request.watch_id = 1;
	send_create(call, &request);
	assert_created(response(call, 0), 1, 1);
	request.watch_id = 0;
	send_create(call, &request);
	assert_created(response(call, 1), 0, 1);
	send_create(call, &request);
	assert_created(response(call, 2), 2, 1);
	request.watch_id = 1;
	send_create(call, &request);
	assert_not_created(response(call, 3), "mvcc: duplicate watch ID provided on the WatchStream");
	request.watch_id = -1;
	send_create(call, &request);
	assert_not_created(response(call, 4), "mvcc: duplicate watch ID provided on the WatchStream");
	send_create(call, &empty);
	assert_not_created(response(call, 5), "mvcc: watcher range is empty");
	send_create(call, &none);
	assert_created(response(call, 6), 3, 1);
	send_cancel(call, 7); /* unknown: not answered */
	send_cancel(call, 2);
	const Etcdserverpb__WatchResponse *canceled = response(call, 7);
	assert_true(canceled->canceled && !canceled->created);
	assert_int_equal(canceled->watch_id, 2);
	send_cancel(call, 2);
	fixture_put(fixture_of(state), "/a", "one");
	assert_int_not_equal(response(call, 8)->watch_id, 2);
	assert_int_not_equal(response(call, 9)->watch_id, 2);
	send_progress(call);
	assert_int_equal(response(call, 10)->watch_id, -1);
}

static void filters_leave_out(void **state)
{
	static Etcdserverpb__WatchCreateRequest__FilterType
	    no_put[] = {ETCDSERVERPB__WATCH_CREATE_REQUEST__FILTER_TYPE__NOPUT},
	    no_delete[] = {ETCDSERVERPB__WATCH_CREATE_REQUEST__FILTER_TYPE__NODELETE};
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a", "", 0);
	request.n_filters = 1;
	request.filters = no_put;
	send_create(call, &request);
	request.filters = no_delete;
	send_create(call, &request);
	response(call, 1);
	fixture_put(fixture_of(state), "/a", "one");
	assert_int_equal(response(call, 2)->watch_id, 1);
	delete ("/a");
	assert_int_equal(response(call, 3)->watch_id, 0);
	assert_int_equal(response(call, 3)->events[0]->type, MVCCPB__EVENT__EVENT_TYPE__DELETE);
}

static void progress_is_behind_the_events(void **state)
{
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a", "", 2);
	for (int at = 0; at < MANY; at++)
		fixture_put(fixture_of(state), "/a", "one");
	send_create(call, &request);
	send_progress(call);
	response(call, 0);
	int64_t seen = 1;
	for (size_t at = 1;; at++) {
		const Etcdserverpb__WatchResponse *answer = response(call, at);
		if (answer->watch_id == -1) {
			assert_int_equal(answer->header->revision, seen);
			assert_int_equal(answer->n_events, 0);
			break;
		}
		seen = answer->events[answer->n_events - 1]->kv->mod_revision;
	}
	assert_int_equal(seen, MANY + 1);
}

static void quiet_watches_are_told_so(void **state)
{
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a", "", 0);
	request.progress_notify = true;
	send_create(call, &request);
	fixture_put(fixture_of(state), "/b", "elsewhere");
	response(call, 0);
	const Etcdserverpb__WatchResponse *notice = response(call, 1);
	assert_int_equal(notice->watch_id, 0);
	assert_int_equal(notice->n_events, 0);
	assert_int_equal(notice->header->revision, 2);
}

/* All keys of one transaction, in one message, or in fragments for who asks for them. */
static void a_revision_is_whole(void **state)
{
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a/", "/a0", 0);
	char *value = memset(malloc(LARGE_BYTES), 'x', LARGE_BYTES);
	struct kv_op ops[12] = {0};
	send_create(call, &request);
	request.fragment = true;
	send_create(call, &request);
	response(call, 1);
	for (size_t at = 0; at < 12; at++)
		ops[at] = (struct kv_op){
		    .kind = KV_PUT,
		    .put = {.key = bytes_of_string(arena_format(&fixture_of(state)->arena, "/a/%zu", at)),
		            .value = bytes_of(value, LARGE_BYTES)}};
	const struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = ops, .success_count = 12}};
	kv_result_free(solo_apply_remote(fixture_of(state)->replica, &command));
	size_t whole = 0, parts = 0;
	bool ended = false;
	for (size_t at = 2; whole == 0 || !ended; at++) {
		const Etcdserverpb__WatchResponse *answer = response(call, at);
		if (answer->watch_id == 0) {
			assert_int_equal(answer->n_events, 12);
			assert_false(answer->fragment);
			whole++;
			continue;
		}
		assert_false(ended);
		assert_true(answer->n_events > 0 && answer->n_events < 12);
		parts += answer->n_events;
		ended = !answer->fragment;
	}
	assert_int_equal(whole, 1);
	assert_int_equal(parts, 12);
	free(value);
}

/* It is served from the change log once it fetches again, and nobody else waits for it meanwhile. */
static void a_slow_one_loses_nothing_and_delays_nobody(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct client slow;
	client_open(&slow, fixture_connect_http(fixture));
	struct client_call *sleeps = client_begin(&slow, WATCH, NULL), *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a", "", 0);
	request.prev_kv = false;
	send_create(sleeps, &request);
	client_until_messages(sleeps, 1);
	request.key = proto_data(bytes_of_string("/b"));
	send_create(call, &request);
	response(call, 0);
	char *value = memset(malloc(LARGE_BYTES), 'x', LARGE_BYTES);
	for (int at = 0; at < 40; at++)
		fixture_put_elsewhere(fixture, "/a", bytes_of(value, LARGE_BYTES));
	fixture_put(fixture, "/b", "small");
	assert_int_equal(response(call, 1)->events[0]->kv->mod_revision, 42);
	int64_t next = 2;
	for (size_t at = 1; next <= 41; at++) {
		const Etcdserverpb__WatchResponse *answer = response(sleeps, at);
		for (size_t event = 0; event < answer->n_events; event++)
			assert_int_equal(answer->events[event]->kv->mod_revision, next++);
	}
	free(value);
	client_close(&slow);
}

static void one_that_has_nothing_more_to_ask_is_told_all_the_same(void **state)
{
	struct client_call *call = stream_begin();
	Etcdserverpb__WatchCreateRequest request = create("/a", "", 0);
	send_create(call, &request);
	client_end(call);
	response(call, 0);
	fixture_put(fixture_of(state), "/a", "one");
	assert_int_equal(response(call, 1)->n_events, 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rpc_fixture_begin, rpc_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(changes_come_as_they_are_made),
	    CASE(history_comes_before_what_is_new),
	    CASE(a_watch_may_begin_in_the_future),
	    CASE(what_was_compacted_is_said_to_be),
	    CASE(ids_are_given_or_taken),
	    CASE(filters_leave_out),
	    CASE(progress_is_behind_the_events),
	    CASE(quiet_watches_are_told_so),
	    CASE(a_revision_is_whole),
	    CASE(a_slow_one_loses_nothing_and_delays_nobody),
	    CASE(one_that_has_nothing_more_to_ask_is_told_all_the_same),
	};
	return UNIT_RUN(tests);
}

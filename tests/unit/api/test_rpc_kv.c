/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/rpc_fixture.h"

#define KV "/etcdserverpb.KV/"

static const char compacted[] = "etcdserver: mvcc: required revision has been compacted";

/* ---- compaction ---- */

static void a_physical_compaction_is_answered_when_what_it_left_is_gone(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct kv *kv = replica_kv(fixture->replica);
	Etcdserverpb__CompactionRequest request = ETCDSERVERPB__COMPACTION_REQUEST__INIT;
	for (int at = 0; at < 3000; at++)
		fixture_put_elsewhere(fixture, "/a", BYTES_LITERAL("x"));
	request.revision = 3000;
	request.physical = true;
	const Etcdserverpb__CompactionResponse *answer =
	    rpc_answer_of(KV "Compact", &request, &etcdserverpb__compaction_response__descriptor);
	assert_int_equal(kv_swept(kv), 3000);
	assert_int_equal(answer->header->revision, 3001);
	assert_refused(KV "Compact", &request, RPC_OUT_OF_RANGE, compacted);
	request.revision = 3002;
	assert_refused(KV "Compact", &request, RPC_OUT_OF_RANGE,
	               "etcdserver: mvcc: required revision is a future revision");
}

static void who_waits_for_a_compaction_may_go(void **state)
{
	struct fixture *fixture = fixture_of(state);
	Etcdserverpb__CompactionRequest request = ETCDSERVERPB__COMPACTION_REQUEST__INIT;
	for (int at = 0; at < 3000; at++)
		fixture_put_elsewhere(fixture, "/a", BYTES_LITERAL("x"));
	request.revision = 3000;
	request.physical = true;
	struct client_call *call = client_begin(&rpc_client, KV "Compact", NULL);
	client_send(call, &request.base);
	client_end(call);
	client_turn(&rpc_client);
	client_reset(call);
	client_until_over(call);
}

/* ---- ranges ---- */

enum { KEYS = 100, VALUE_BYTES = 50000 }; /* several pieces, and more than a stream holds at once */

static char value[VALUE_BYTES];

static void fill(struct fixture *fixture)
{
	memset(value, 'x', sizeof value);
	for (int at = 0; at < KEYS; at++)
		fixture_put_elsewhere(fixture, arena_format(&fixture->arena, "/r/%03d", at),
		                      bytes_of(value, sizeof value));
}

static Etcdserverpb__RangeRequest range_of(const char *start, const char *end)
{
	Etcdserverpb__RangeRequest request = ETCDSERVERPB__RANGE_REQUEST__INIT;
	request.key = proto_data(bytes_of_string(start));
	request.range_end = proto_data(bytes_of_string(end));
	return request;
}

static struct client_call *stream_begin(const Etcdserverpb__RangeRequest *request)
{
	struct client_call *call = client_begin(&rpc_client, KV "RangeStream", NULL);
	client_send(call, &request->base);
	client_end(call);
	return call;
}

static const Etcdserverpb__RangeResponse *piece(const struct client_call *call, size_t at)
{
	const Etcdserverpb__RangeStreamResponse *message =
	    client_message(call, at, &etcdserverpb__range_stream_response__descriptor);
	return message->range_response;
}

/* The pieces put together are `count` keys of what was filled, from the first on. */
static const Etcdserverpb__RangeResponse *assert_pieces(const struct client_call *call, size_t count)
{
	size_t seen = 0;
	assert_string_equal(call->message, "");
	assert_int_equal(call->code, RPC_OK);
	for (size_t at = 0; at < call->message_count; at++) {
		const Etcdserverpb__RangeResponse *part = piece(call, at);
		bool last = at + 1 == call->message_count;
		assert_true(last ? part->header != NULL : part->header == NULL && part->n_kvs != 0);
		for (size_t i = 0; i < part->n_kvs; i++, seen++)
			assert_int_equal(part->kvs[i]->mod_revision, (int64_t)seen + 2);
	}
	assert_int_equal(seen, count);
	return piece(call, call->message_count - 1);
}

static void a_range_is_streamed_in_pieces(void **state)
{
	fill(fixture_of(state));
	Etcdserverpb__RangeRequest request = range_of("/r/", "/r0");
	struct client_call *call = stream_begin(&request);
	client_until_closed(call);
	assert_true(call->message_count > 10);
	const Etcdserverpb__RangeResponse *last = assert_pieces(call, KEYS);
	assert_int_equal(last->count, KEYS);
	assert_int_equal(last->header->revision, KEYS + 1);
	assert_false(last->more);
	request.limit = 30;
	call = stream_begin(&request);
	client_until_closed(call);
	last = assert_pieces(call, 30);
	assert_int_equal(last->count, KEYS);
	assert_true(last->more);
	request = range_of("/none", "/nonf");
	call = stream_begin(&request);
	client_until_closed(call);
	assert_int_equal(assert_pieces(call, 0)->count, 0);
}

/* What comes after the limit is counted, in pieces of its own, of which nothing is sent. */
static void only_what_has_records_is_sent_before_the_end(void **state)
{
	enum { MANY = 10000 };
	struct fixture *fixture = fixture_of(state);
	struct kv_op *ops = arena_zero(&fixture->arena, MANY, sizeof *ops);
	for (int at = 0; at < MANY; at++)
		ops[at] = (struct kv_op){
		    .kind = KV_PUT,
		    .put = {.key = bytes_of_string(arena_format(&fixture->arena, "/r/%05d", at)), .keep_attr = true}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = ops, .success_count = MANY}};
	struct kv_result *result = solo_apply_remote(fixture->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	kv_result_free(result);
	Etcdserverpb__RangeRequest request = range_of("/r/", "/r0");
	request.limit = 1;
	struct client_call *call = stream_begin(&request);
	client_until_closed(call);
	assert_int_equal(call->message_count, 2); /* the record, and the end */
	assert_int_equal(assert_pieces(call, 1)->count, MANY);
}

/* As clients of Kubernetes list: at the revision of the first page, each from behind the one before. */
static void pages_count_what_is_left_whoever_changes_what_meanwhile(void **state)
{
	enum { PAGES = 7, PAGE = 3, ALL = PAGES * PAGE - 1 };
	struct fixture *fixture = fixture_of(state);
	for (int at = 0; at < ALL; at++)
		fixture_put_elsewhere(fixture, arena_format(&fixture->arena, "/r/%03d", at), BYTES_LITERAL("x"));
	Etcdserverpb__RangeRequest request = range_of("/r/", "/r0");
	request.limit = PAGE;
	for (int page = 0; page < PAGES; page++) {
		const Etcdserverpb__RangeResponse *answer =
		    rpc_answer_of(KV "Range", &request, &etcdserverpb__range_response__descriptor);
		bool last = page == PAGES - 1;
		assert_int_equal(answer->count, ALL - page * PAGE);
		assert_int_equal(answer->n_kvs, last ? PAGE - 1 : PAGE);
		assert_true(answer->more == !last);
		if (page == 0)
			request.revision = answer->header->revision;
		struct bytes key = proto_bytes(answer->kvs[answer->n_kvs - 1]->key);
		request.key = proto_data(
		    bytes_of_string(arena_format(&fixture->arena, "%.*s ", (int)key.size, (const char *)key.data)));
		request.key.data[request.key.len - 1] = 0;
		fixture_put_elsewhere(fixture, arena_format(&fixture->arena, "/r/9%02d", page), BYTES_LITERAL("x"));
	}
	request = range_of("/r/", "/r0");
	request.limit = 1; /* and now there are more */
	const Etcdserverpb__RangeResponse *answer =
	    rpc_answer_of(KV "Range", &request, &etcdserverpb__range_response__descriptor);
	assert_int_equal(answer->count, ALL + PAGES);
}

/* It has fetched a part, and holds nothing up meanwhile. */
static void a_stream_stands_at_the_state_that_it_began_with(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fill(fixture);
	const Etcdserverpb__RangeRequest request = range_of("/r/", "/r0");
	struct client_call *call = stream_begin(&request);
	client_until_messages(call, 1);
	fixture_put_elsewhere(fixture, "/r/099", BYTES_LITERAL("new"));
	struct kv_command compact = {.kind = KV_COMMAND_COMPACT, .compact = {.revision = KEYS + 2}};
	kv_result_free(solo_apply_remote(fixture->replica, &compact));
	client_until_closed(call);
	assert_int_equal(assert_pieces(call, KEYS)->header->revision, KEYS + 1);
}

static void what_cannot_be_streamed_says_so(void **state)
{
	Etcdserverpb__RangeRequest request = range_of("/r/", "/r0");
	request.sort_order = ETCDSERVERPB__RANGE_REQUEST__SORT_ORDER__DESCEND;
	assert_refused(KV "RangeStream", &request, RPC_UNIMPLEMENTED,
	               "etcdserver: a range in another order than that of its keys is not streamed");
	request.sort_order = ETCDSERVERPB__RANGE_REQUEST__SORT_ORDER__ASCEND;
	request.revision = 9;
	assert_refused(KV "RangeStream", &request, RPC_OUT_OF_RANGE,
	               "etcdserver: mvcc: required revision is a future revision");
	request = range_of("", "");
	assert_refused(KV "RangeStream", &request, RPC_INVALID_ARGUMENT, "etcdserver: key is not provided");
}

static void who_leaves_a_stream_leaves_nothing_behind(void **state)
{
	fill(fixture_of(state));
	const Etcdserverpb__RangeRequest request = range_of("/r/", "/r0");
	struct client_call *call = stream_begin(&request);
	client_until_messages(call, 1);
	client_reset(call);
	client_until_over(call);
	call = stream_begin(&request);
	client_turn(&rpc_client);
}

static void a_range_of_many_pieces_is_one_answer(void **state)
{
	fill(fixture_of(state));
	Etcdserverpb__RangeRequest request = range_of("/r/", "/r0");
	for (int round = 0; round < 2; round++) {
		const Etcdserverpb__RangeResponse *answer =
		    rpc_answer_of(KV "Range", &request, &etcdserverpb__range_response__descriptor);
		assert_int_equal(answer->n_kvs, KEYS);
		assert_int_equal(answer->count, KEYS);
		assert_int_equal(answer->kvs[round == 0 ? 0 : KEYS - 1]->mod_revision, 2);
		assert_int_equal(answer->kvs[0]->value.len, VALUE_BYTES);
		request.sort_order = ETCDSERVERPB__RANGE_REQUEST__SORT_ORDER__DESCEND;
	}
}

/* What one client does not fetch is not gathered for another. */
static void answers_that_wait_have_a_bound_together(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fill(fixture);
	const Etcdserverpb__RangeRequest request = range_of("/r/", "/r0");
	struct client other;
	client_open(&other, fixture_connect_http(fixture));
	struct client_call *slow = client_begin(&rpc_client, KV "Range", NULL), *refused;
	client_send(slow, &request.base);
	client_end(slow);
	while (slow->came.size == 0 && client_turn(&rpc_client))
		; /* gathered, and partly fetched */
	refused = client_ask(&other, KV "Range", &request.base);
	assert_int_equal(refused->code, RPC_RESOURCE_EXHAUSTED);
	assert_string_equal(refused->message, "etcdserver: too much is asked for at once: use limits, or RangeStream");
	client_until_closed(slow);
	assert_int_equal(slow->code, RPC_OK);
	assert_int_equal(client_ask(&other, KV "Range", &request.base)->code, RPC_OK);
	client_close(&other);
}

/* ---- transactions that change nothing ---- */

struct question {
	Etcdserverpb__TxnRequest txn;
	Etcdserverpb__Compare compare, *compares[1];
	Etcdserverpb__RequestOp op, *ops[1];
	Etcdserverpb__RangeRequest range;
};

/* Is the first revision of /a 2? With a range of /a, if it is. */
static void ask(struct question *question, bool ranges, bool serializable)
{
	etcdserverpb__txn_request__init(&question->txn);
	etcdserverpb__compare__init(&question->compare);
	etcdserverpb__request_op__init(&question->op);
	question->range = range_of("/a", "");
	question->range.serializable = serializable;
	question->op.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_RANGE;
	question->op.request_range = &question->range;
	question->compare.key = proto_data(BYTES_LITERAL("/a"));
	question->compare.target = ETCDSERVERPB__COMPARE__COMPARE_TARGET__CREATE;
	question->compare.target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_CREATE_REVISION;
	question->compare.create_revision = 2;
	question->compares[0] = &question->compare;
	question->ops[0] = &question->op;
	question->txn.compare = question->compares;
	question->txn.n_compare = 1;
	question->txn.success = question->ops;
	question->txn.n_success = ranges ? 1 : 0;
}

static void what_changes_nothing_is_no_entry_of_the_log(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct question question;
	fixture_put(fixture, "/a", "one");
	uint64_t proposals = solo_proposals(fixture->replica);
	ask(&question, true, false);
	const Etcdserverpb__TxnResponse *answer =
	    rpc_answer_of(KV "Txn", &question.txn, &etcdserverpb__txn_response__descriptor);
	assert_true(answer->succeeded);
	assert_int_equal(answer->header->revision, 2);
	assert_int_equal(answer->responses[0]->response_range->header->revision, 2);
	assert_int_equal(answer->responses[0]->response_range->n_kvs, 1);
	assert_int_equal(solo_proposals(fixture->replica), proposals);
	question.range.revision = 9;
	assert_refused(KV "Txn", &question.txn, RPC_OUT_OF_RANGE,
	               "etcdserver: mvcc: required revision is a future revision");
}

/* One that only compares is no exception; one whose client says so for all that it reads is. */
static void what_it_reads_is_never_old_unless_that_is_asked_for(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct question question;
	fixture_put(fixture, "/a", "one");
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	static const char *const soon[] = {"grpc-timeout", "200m", NULL};
	for (int round = 0; round < 2; round++) {
		ask(&question, round == 0, false);
		struct client_call *call = client_begin(&rpc_client, KV "Txn", soon);
		client_send(call, &question.txn.base);
		client_end(call);
		client_until_closed(call);
		assert_int_equal(call->code, RPC_DEADLINE_EXCEEDED);
	}
	ask(&question, true, true);
	const Etcdserverpb__TxnResponse *answer =
	    rpc_answer_of(KV "Txn", &question.txn, &etcdserverpb__txn_response__descriptor);
	assert_true(answer->succeeded);
	solo_set_weather(fixture->replica, SOLO_FAIR);
}

static struct client_call *begin_to_ask(const char *path, const ProtobufCMessage *request)
{
	struct client_call *call = client_begin(&rpc_client, path, NULL);
	client_send(call, request);
	client_end(call);
	return call;
}

/* It is read in pieces: what comes behind it, and is little, is answered before it. So large an answer would be, too: this one only counts. */
static void one_that_reads_much_holds_nobody_up(void **state)
{
	struct question question;
	Etcdserverpb__RequestOp *ops[64];
	fixture_put(fixture_of(state), "/a", "one");
	fill(fixture_of(state));
	ask(&question, true, true);
	question.range = range_of("/r/", "/r0");
	question.range.serializable = question.range.count_only = true;
	for (size_t at = 0; at < sizeof ops / sizeof *ops; at++)
		ops[at] = &question.op;
	question.txn.success = ops;
	question.txn.n_success = sizeof ops / sizeof *ops;
	Etcdserverpb__RangeRequest little = range_of("/a", "");
	little.serializable = true;
	struct client_call *much = begin_to_ask(KV "Txn", &question.txn.base);
	struct client_call *behind = begin_to_ask(KV "Range", &little.base);
	client_until_closed(behind);
	assert_false(much->closed);
	assert_int_equal(behind->code, RPC_OK);
	client_until_closed(much);
	const Etcdserverpb__TxnResponse *answer = client_message(much, 0, &etcdserverpb__txn_response__descriptor);
	assert_int_equal(answer->n_responses, question.txn.n_success);
	assert_int_equal(answer->responses[63]->response_range->count, KEYS);
	assert_int_equal(answer->header->revision, KEYS + 2);
	much = begin_to_ask(KV "Txn", &question.txn.base); /* one that goes away leaves nothing behind */
	behind = begin_to_ask(KV "Range", &little.base);
	client_until_closed(behind);
	client_reset(much);
	client_until_closed(much);
}

static void one_that_reads_too_much_is_refused(void **state)
{
	struct question question;
	fill(fixture_of(state));
	ask(&question, true, false);
	question.range = range_of("/r/", "/r0");
	question.txn.n_compare = 0;
	question.txn.n_success = 2;
	question.txn.success = (Etcdserverpb__RequestOp *[]){&question.op, &question.op};
	assert_refused(KV "Txn", &question.txn, RPC_RESOURCE_EXHAUSTED,
	               "etcdserver: too much is asked for at once: use limits, or RangeStream");
	question.txn.n_success = 1;
	const Etcdserverpb__TxnResponse *answer =
	    rpc_answer_of(KV "Txn", &question.txn, &etcdserverpb__txn_response__descriptor);
	assert_int_equal(answer->responses[0]->response_range->n_kvs, KEYS);
}

static void requests_that_change_have_a_size(void **state)
{
	enum { MOST = 1536 << 10 };
	static char large[MOST];
	(void)state;
	Etcdserverpb__PutRequest put = ETCDSERVERPB__PUT_REQUEST__INIT;
	put.key = proto_data(BYTES_LITERAL("/a"));
	put.value = proto_data(bytes_of(large, MOST - 20));
	rpc_answer_of(KV "Put", &put, &etcdserverpb__put_response__descriptor);
	put.value.len = MOST;
	assert_refused(KV "Put", &put, RPC_INVALID_ARGUMENT, "etcdserver: request is too large");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rpc_fixture_begin, rpc_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_physical_compaction_is_answered_when_what_it_left_is_gone),
	    CASE(who_waits_for_a_compaction_may_go),
	    CASE(a_range_is_streamed_in_pieces),
	    CASE(pages_count_what_is_left_whoever_changes_what_meanwhile),
	    CASE(only_what_has_records_is_sent_before_the_end),
	    CASE(a_stream_stands_at_the_state_that_it_began_with),
	    CASE(what_cannot_be_streamed_says_so),
	    CASE(who_leaves_a_stream_leaves_nothing_behind),
	    CASE(a_range_of_many_pieces_is_one_answer),
	    CASE(answers_that_wait_have_a_bound_together),
	    CASE(what_changes_nothing_is_no_entry_of_the_log),
	    CASE(what_it_reads_is_never_old_unless_that_is_asked_for),
	    CASE(one_that_reads_much_holds_nobody_up),
	    CASE(one_that_reads_too_much_is_refused),
	    CASE(requests_that_change_have_a_size),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/grpc.h"
#include "api/proto/health.pb-c.h"
#include "api/unpack.h"
#include "base/proto.h"
#include "base/random.h"
#include "tests/support/solo.h"
#include "tests/unit/api/fixture.h"
#include "tests/unit/api/grpc_client.h"

#define KV "/etcdserverpb.KV/"
#define HEALTH "/grpc.health.v1.Health/"

static struct client client;

static int begin(void **state)
{
	int failed = fixture_begin(state);
	client_open(&client, fixture_connect_http(fixture_of(state)));
	return failed;
}

static int end(void **state)
{
	client_close(&client);
	return fixture_end(state);
}

static Etcdserverpb__PutRequest put_of(const char *key, struct bytes value)
{
	Etcdserverpb__PutRequest put = ETCDSERVERPB__PUT_REQUEST__INIT;
	put.key = proto_data(bytes_of_string(key));
	put.value = proto_data(value);
	return put;
}

static Etcdserverpb__RangeRequest range_of(const char *key)
{
	Etcdserverpb__RangeRequest range = ETCDSERVERPB__RANGE_REQUEST__INIT;
	range.key = proto_data(bytes_of_string(key));
	return range;
}

static void assert_ends(const struct client_call *call, enum rpc_code code, const char *message)
{
	assert_string_equal(call->message, message);
	assert_int_equal(call->code, code);
	assert_int_equal(call->http_status, 200);
}

static void what_is_put_is_ranged(void **state)
{
	Etcdserverpb__PutRequest put = put_of("/a", BYTES_LITERAL("one"));
	struct client_call *call = client_ask(&client, KV "Put", &put.base);
	assert_ends(call, RPC_OK, "");
	const Etcdserverpb__PutResponse *done = client_message(call, 0, &etcdserverpb__put_response__descriptor);
	assert_int_equal(done->header->revision, 2);
	assert_int_equal(done->header->cluster_id, 1);
	assert_int_equal(done->header->member_id, SOLO_MEMBER);
	Etcdserverpb__RangeRequest range = range_of("/a");
	call = client_ask(&client, KV "Range", &range.base);
	assert_ends(call, RPC_OK, "");
	assert_int_equal(call->message_count, 1);
	const Etcdserverpb__RangeResponse *found = client_message(call, 0, &etcdserverpb__range_response__descriptor);
	assert_int_equal(found->n_kvs, 1);
	assert_true(bytes_equal(proto_bytes(found->kvs[0]->value), BYTES_LITERAL("one")));
	assert_int_equal(found->kvs[0]->mod_revision, 2);
}

static void a_whole_url_is_taken_for_an_authority(void **state)
{
	const Etcdserverpb__RangeRequest range = range_of("/a");
	struct client_call *call =
	    client_begin(&client, KV "Range", (const char *[]){":authority", "http://127.0.0.1:2379", NULL});
	client_send(call, &range.base);
	client_end(call);
	client_until_closed(call);
	assert_ends(call, RPC_OK, "");
}

/* Larger than every window on the way, in both directions. */
static void a_large_value_goes_and_comes(void **state)
{
	struct fixture *fixture = fixture_of(state);
	size_t size = FIXTURE_VALUE_BYTES_MAX - 64;
	uint8_t *value = arena_take(&fixture->arena, size);
	for (size_t at = 0; at < size; at++)
		value[at] = (uint8_t)(at * 7);
	Etcdserverpb__PutRequest put = put_of("/large", bytes_of(value, size));
	assert_ends(client_ask(&client, KV "Put", &put.base), RPC_OK, "");
	Etcdserverpb__RangeRequest range = range_of("/large");
	struct client_call *call = client_ask(&client, KV "Range", &range.base);
	const Etcdserverpb__RangeResponse *found = client_message(call, 0, &etcdserverpb__range_response__descriptor);
	assert_true(bytes_equal(proto_bytes(found->kvs[0]->value), bytes_of(value, size)));
}

static void calls_on_one_connection_do_not_wait_for_each_other(void **state)
{
	struct client_call *calls[100];
	struct client_call *slow = client_begin(&client, KV "Put", NULL);
	Etcdserverpb__PutRequest put = put_of("/slow", BYTES_LITERAL("x"));
	for (size_t at = 0; at < 100; at++) {
		Etcdserverpb__RangeRequest range = range_of("/nothing");
		calls[at] = client_begin(&client, KV "Range", NULL);
		client_send(calls[at], &range.base);
		client_end(calls[at]);
	}
	for (size_t at = 0; at < 100; at++) {
		client_until_closed(calls[at]);
		assert_ends(calls[at], RPC_OK, "");
	}
	assert_false(slow->closed);
	client_send(slow, &put.base);
	client_end(slow);
	client_until_closed(slow);
	assert_ends(slow, RPC_OK, "");
}

static void what_nobody_serves_is_unimplemented(void **state)
{
	Etcdserverpb__RangeRequest range = range_of("/a");
	assert_ends(client_ask(&client, KV "Fly", &range.base), RPC_UNIMPLEMENTED,
	            "unknown method Fly for service etcdserverpb.KV");
	assert_ends(client_ask(&client, "/some.Bird/Fly", &range.base), RPC_UNIMPLEMENTED, "unknown service some.Bird");
	assert_ends(client_ask(&client, "/fly", &range.base), RPC_UNIMPLEMENTED, "malformed method name: \"/fly\"");
}

static void errors_have_the_words_of_etcd(void **state)
{
	Etcdserverpb__RangeRequest range = range_of("");
	assert_ends(client_ask(&client, KV "Range", &range.base), RPC_INVALID_ARGUMENT,
	            "etcdserver: key is not provided");
	range = range_of("/a");
	range.revision = 99;
	assert_ends(client_ask(&client, KV "Range", &range.base), RPC_OUT_OF_RANGE,
	            "etcdserver: mvcc: required revision is a future revision");
}

/* PROTOCOL-HTTP2: Percent-Encoded. */
static void a_message_that_is_not_plain_is_encoded(void **state)
{
	Etcdserverpb__RangeRequest range = range_of("/a");
	struct client_call *call = client_ask(&client, "/x%y\xc3\xa4/z", &range.base);
	assert_string_equal(call->message, "unknown service x%25y%C3%A4");
}

static struct client_call *client_request(const char *method, const char *path, const char *body)
{
	const char *const plain[] = {"content-type", "application/json", ":method", method, NULL};
	struct client_call *call = client_begin(&client, path, plain);
	client_send_raw(call, bytes_of_string(body));
	return call;
}

static void answers(const char *method, const char *path, const char *body, int status, const char *expected)
{
	struct client_call *call = client_request(method, path, body);
	client_end(call);
	client_until_closed(call);
	if (call->http_status != status || strstr(call->text, expected) == NULL)
		fail_msg("%s: %d '%s' is not %d '%s'", path, call->http_status, call->text, status, expected);
}

static void headers_of_the_gateway_are_read_here_too(void **state)
{
	static const char
	    *const bad[] = {"content-type", "application/json", ":method", "POST", "grpc-timeout", "soon", NULL},
	           *const leader[] = {
	               "content-type", "application/json", ":method", "POST", "grpc-metadata-hasleader", "true", NULL};
	struct client_call *call = client_begin(&client, "/v3/kv/range", bad);
	client_end(call);
	client_until_closed(call);
	assert_int_equal(call->http_status, 400);
	assert_non_null(strstr(call->text, "invalid grpc-timeout: soon"));
	solo_set_weather(fixture_of(state)->replica, SOLO_NO_QUORUM);
	call = client_begin(&client, "/v3/kv/range", leader);
	client_send_raw(call, BYTES_LITERAL("{\"key\":\"Zm9v\",\"serializable\":true}"));
	client_end(call);
	client_until_closed(call);
	assert_int_equal(call->http_status, 503);
	assert_non_null(strstr(call->text, "etcdserver: no leader"));
}

/* What HTTP/1.1 has, HTTP/2 has, beside calls of gRPC. */
static void what_is_no_call_is_served_as_http(void **state)
{
	answers("GET", "/health", "", 200, "{\"health\":\"true\",\"reason\":\"\"}");
	answers("GET", "/readyz?verbose", "", 200, "[+]non_learner ok\nok\n");
	answers("HEAD", "/health", "", 405, "");
	answers("GET", "/metrics", "", 200, "etcd_server_has_leader 1");
	answers("POST", KV "Range", "", 404, "/metrics");
	answers("POST", "/v3/kv/put", "{\"key\":\"Zm9v\",\"value\":\"YmFy\"}", 200, "\"revision\":\"");
	answers("POST", "/v3/kv/range", "{\"key\":\"Zm9v\"}", 200, "\"value\":\"YmFy\"");
	answers("POST", "/v3/kv/range", "{", 400, "\"message\":\"unexpected EOF\"");
	answers("GET", "/v3/kv/range", "", 501, "Method Not Allowed");
	answers("GET", "/nothing", "", 404, "/metrics");
}

static void put_of_bytes(void **state, const char *key, size_t size)
{
	fixture_put_elsewhere(fixture_of(state), key, bytes_of(arena_zero(&client.arena, 1, size), size));
}

/* Behind each other in the body, answered as they come; more than the client fetches waits. */
static void requests_of_json_come_while_answers_go(void **state)
{
	enum { CHANGES = 30, BYTES = 200000 };
	struct client_call *call =
	    client_request("POST", "/v3/watch", "{\"create_request\":{\"key\":\"Zm9v\"}}{\"crea");
	assert_non_null(strstr(client_line(call), "\"created\":true}}"));
	assert_int_equal(call->http_status, 200);
	for (int at = 0; at < CHANGES; at++)
		put_of_bytes(state, "foo", BYTES);
	size_t events = 0;
	while (events < CHANGES)
		for (const char *at = client_line(call); (at = strstr(at, "\"version\"")) != NULL; at++)
			events++;
	assert_int_equal(events, CHANGES);
	client_send_raw(call, BYTES_LITERAL("te_request\":{\"key\":\"YQ==\",\"watch_id\":7}}"));
	assert_non_null(strstr(client_line(call), "\"watch_id\":\"7\",\"created\":true}}"));
	client_send_raw(call, BYTES_LITERAL("[]"));
	assert_non_null(strstr(client_line(call), "{\"error\":{\"grpc_code\":3,"));
	client_until_closed(call);
	what_is_no_call_is_served_as_http(state);
}

/* The end of its stream is told, though more of the body comes; the connection serves on. */
static void a_body_that_is_too_large_ends_its_request_alone(void **state)
{
	struct client_call *call = client_request("POST", "/v3/kv/put", "");
	client_send_raw(call, bytes_of(arena_zero(&client.arena, 1, 5 << 20), 5 << 20));
	client_until_closed(call);
	assert_int_equal(call->http_status, 413);
	answers("GET", "/livez", "", 200, "ok\n");
}

/* More of one stream than the window of its connection. */
static void what_was_taken_of_a_body_is_given_back_to_the_window(void **state)
{
	enum { BYTES = 1 << 20 };
	char *cancel = arena_take(&client.arena, BYTES);
	memset(cancel, ' ', BYTES);
	memcpy(cancel, "{\"cancel_request\":{\"watch_id\":99}}", 34);
	struct client_call *call = client_request("POST", "/v3/watch", "");
	for (int at = 0; at < 12; at++) {
		client_send_raw(call, bytes_of(cancel, BYTES));
		client_send_raw(call, BYTES_LITERAL("{\"create_request\":{\"key\":\"Zm9v\"}}"));
		assert_non_null(strstr(client_line(call), "\"created\":true}}"));
	}
	client_reset(call);
	client_until_closed(call);
}

/* What one client does not fetch is not there for the others. */
static void a_plain_answer_that_waits_is_counted(void **state)
{
	static const char all[] = "{\"key\":\"AA==\",\"range_end\":\"AA==\"}";
	static const char *const plain[] = {"content-type", "application/json", NULL};
	struct client other;
	for (int at = 0; at < 3; at++)
		put_of_bytes(state, at == 0 ? "/0" : at == 1 ? "/1" : "/2", 900000);
	struct client_call *slow = client_request("POST", "/v3/kv/range", all);
	client_end(slow);
	while (slow->http_status == -1)
		client_turn(&client);
	assert_int_equal(slow->http_status, 200);
	client_open(&other, fixture_connect_http(fixture_of(state)));
	struct client_call *refused = client_begin(&other, "/v3/kv/range", plain);
	client_send_raw(refused, bytes_of_string(all));
	client_end(refused);
	client_until_closed(refused);
	assert_int_equal(refused->http_status, 429);
	client_close(&other);
	client_until_closed(slow);
	answers("POST", "/v3/kv/range", all, 200, "\"count\":\"3\"");
}

static void who_leaves_a_request_is_forgotten(void **state)
{
	struct fixture *fixture = fixture_of(state);
	solo_hold(fixture->replica);
	struct client_call *put = client_request("POST", "/v3/kv/put", "{\"key\":\"Zm9v\"}");
	client_end(put);
	struct client_call *health = client_request("GET", "/health", "");
	client_end(health);
	struct client_call *watch = client_request("POST", "/v3/watch", "{\"create_request\":{\"key\":\"Zm9v\"}}");
	assert_non_null(strstr(client_line(watch), "\"created\":true}}"));
	client_reset(put);
	client_reset(health);
	client_reset(watch);
	client_until_closed(put);
	client_until_closed(health);
	client_until_closed(watch);
	solo_release(fixture->replica);
	answers("GET", "/livez", "", 200, "ok\n");
}

static void a_message_that_is_too_large_ends_its_call_alone(void **state)
{
	static const uint8_t head[] = {0, 0x7f, 0xff, 0xff, 0xff};
	struct client_call *call = client_begin(&client, KV "Put", NULL);
	client_send_raw(call, bytes_of(head, sizeof head));
	client_until_closed(call);
	assert_int_equal(call->code, RPC_RESOURCE_EXHAUSTED);
	assert_string_equal(call->message, "grpc: received message larger than max (2147483647 vs. 2097152)");
	what_is_put_is_ranged(state);
}

static void a_message_that_is_no_message_ends_its_call_alone(void **state)
{
	static const uint8_t compressed[] = {1, 0, 0, 0, 0}, broken[] = {0, 0, 0, 0, 2, 0x0a, 0x7f};
	static const uint8_t cut[] = {0, 0, 0, 0, 9, 1};
	static const struct {
		const uint8_t *bytes;
		size_t size;
		enum rpc_code code;
	} cases[] = {{compressed, sizeof compressed, RPC_UNIMPLEMENTED},
	             {broken, sizeof broken, RPC_INTERNAL},
	             {cut, sizeof cut, RPC_INTERNAL},
	             {NULL, 0, RPC_INTERNAL}};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
		struct client_call *call = client_begin(&client, KV "Put", NULL);
		client_send_raw(call, bytes_of(cases[at].bytes, cases[at].size));
		client_end(call);
		client_until_closed(call);
		assert_int_equal(call->code, cases[at].code);
	}
	what_is_put_is_ranged(state);
}

/* A transaction within a transaction, and so on; in the client's arena. */
static struct bytes nested(unsigned depth)
{
	Etcdserverpb__TxnRequest *inner = NULL;
	for (unsigned at = 0; at < depth; at++) {
		Etcdserverpb__TxnRequest *txn = arena_take(&client.arena, sizeof *txn);
		etcdserverpb__txn_request__init(txn);
		if (inner != NULL) {
			Etcdserverpb__RequestOp *op = arena_take(&client.arena, sizeof *op);
			etcdserverpb__request_op__init(op);
			op->request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_TXN;
			op->request_txn = inner;
			txn->success = arena_take(&client.arena, sizeof *txn->success);
			txn->success[0] = op;
			txn->n_success = 1;
		}
		inner = txn;
	}
	size_t size = etcdserverpb__txn_request__get_packed_size(inner);
	uint8_t *bytes = arena_take(&client.arena, size);
	etcdserverpb__txn_request__pack(inner, bytes);
	return bytes_of(bytes, size);
}

/* It would take the stack of who unpacks it: a request of 2 MiB may hold some 200,000. */
static void messages_within_messages_have_an_end(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	assert_non_null(unpack_message(&etcdserverpb__txn_request__descriptor, nested(150), &arena));
	assert_null(unpack_message(&etcdserverpb__txn_request__descriptor, nested(151), &arena));
	struct bytes body = nested(2000);
	uint8_t head[] = {0, 0, 0, (uint8_t)(body.size >> 8), (uint8_t)body.size};
	struct client_call *call = client_begin(&client, KV "Txn", NULL);
	client_send_raw(call, bytes_of(head, sizeof head));
	client_send_raw(call, body);
	client_end(call);
	client_until_closed(call);
	assert_ends(call, RPC_INTERNAL, "grpc: error unmarshalling request");
	what_is_put_is_ranged(state);
}

static void a_stream_stays_until_its_client_goes(void **state)
{
	Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	struct client_call *call = client_begin(&client, HEALTH "Watch", NULL);
	client_send(call, &request.base);
	client_end(call);
	client_until_messages(call, 1);
	const Grpc__Health__V1__HealthCheckResponse *health =
	    client_message(call, 0, &grpc__health__v1__health_check_response__descriptor);
	assert_int_equal(health->status, GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING);
	client_reset(call);
	client_until_closed(call);
	what_is_put_is_ranged(state);
}

/* Without a quorum both wait: one until its own deadline, the other for the time that the node gives it. */
static void a_call_ends_by_the_clients_deadline(void **state)
{
	static const char *const soon[] = {"grpc-timeout", "100m", NULL};
	struct fixture *fixture = fixture_of(state);
	Etcdserverpb__RangeRequest range = range_of("/a");
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	struct client_call *call = client_begin(&client, KV "Range", soon);
	client_send(call, &range.base);
	client_end(call);
	client_until_closed(call);
	assert_ends(call, RPC_DEADLINE_EXCEEDED, "context deadline exceeded");
	range.serializable = true;
	assert_ends(client_ask(&client, KV "Range", &range.base), RPC_OK, "");
}

/* What it waited for comes later, to nobody. */
static void a_client_may_go_while_its_call_waits(void **state)
{
	static const char *const soon[] = {"grpc-timeout", "200m", NULL};
	struct fixture *fixture = fixture_of(state);
	Etcdserverpb__PutRequest put = put_of("/a", BYTES_LITERAL("one"));
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	for (int at = 0; at < 3; at++) {
		struct client_call *call = client_begin(&client, KV "Put", soon);
		client_send(call, &put.base);
		client_end(call);
		if (at == 0) {
			client_until_closed(call);
			continue;
		}
		Grpc__Health__V1__HealthCheckRequest health = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
		assert_ends(client_ask(&client, HEALTH "Check", &health.base), RPC_OK, ""); /* the put has begun */
		client_reset(call);
		client_until_closed(call);
	}
	solo_set_weather(fixture->replica, SOLO_FAIR);
	assert_ends(client_ask(&client, KV "Put", &put.base), RPC_OK, "");
}

static void a_bad_timeout_resets_the_call(void **state)
{
	static const char *const bad[] = {"grpc-timeout", "soon", NULL};
	struct client_call *call = client_begin(&client, KV "Range", bad);
	client_end(call);
	client_until_closed(call);
	assert_int_not_equal(call->error_code, NGHTTP2_NO_ERROR);
	what_is_put_is_ranged(state);
}

static void a_client_that_pings_too_often_is_sent_away(void **state)
{
	for (int at = 0; at < 10; at++)
		client_ping(&client);
	client_until_hung_up(&client);
	assert_int_equal(client.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void a_client_that_begins_and_gives_up_is_sent_away(void **state)
{
	Grpc__Health__V1__HealthCheckRequest health = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
	bool served = true;
	for (int at = 0; at < 10000 && served; at++) {
		struct client_call *call = client_begin(&client, HEALTH "Watch", NULL);
		served = nghttp2_session_send(client.session) == 0;
		if (at % 16 == 0) { /* not faster than it is read, so that the last word is heard */
			client_send(call, &health.base);
			client_end(call);
			while (served && call->message_count == 0)
				served = client_turn(&client);
		}
		client_reset(call);
		client_until_over(call);
	}
	assert_false(served);
	assert_int_not_equal(client.goaway, UINT32_MAX);
}

/* Whatever comes after the preface, and in whatever pieces: the next client is served. */
static void nonsense_ends_its_connection_alone(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct random random;
	random_init(&random, 3);
	for (int round = 0; round < 200; round++) {
		int fd = fixture_connect_http(fixture);
		uint8_t bytes[256];
		size_t cut = random_below(&random, sizeof GRPC_PREFACE);
		for (size_t at = 0; at < sizeof bytes; at++)
			bytes[at] = (uint8_t)random_below(&random, round % 2 == 0 ? 256 : 8);
		ssize_t sent = send(fd, GRPC_PREFACE, round % 3 == 0 ? cut : sizeof GRPC_PREFACE - 1, MSG_NOSIGNAL);
		sent += send(fd, bytes, random_below(&random, sizeof bytes), MSG_NOSIGNAL);
		(void)sent; /* it may have hung up already */
		close(fd);
	}
	what_is_put_is_ranged(state);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    CASE(what_is_put_is_ranged),
	    CASE(a_whole_url_is_taken_for_an_authority),
	    CASE(a_large_value_goes_and_comes),
	    CASE(calls_on_one_connection_do_not_wait_for_each_other),
	    CASE(what_nobody_serves_is_unimplemented),
	    CASE(errors_have_the_words_of_etcd),
	    CASE(a_message_that_is_not_plain_is_encoded),
	    CASE(headers_of_the_gateway_are_read_here_too),
	    CASE(what_is_no_call_is_served_as_http),
	    CASE(requests_of_json_come_while_answers_go),
	    CASE(a_body_that_is_too_large_ends_its_request_alone),
	    CASE(what_was_taken_of_a_body_is_given_back_to_the_window),
	    CASE(a_plain_answer_that_waits_is_counted),
	    CASE(who_leaves_a_request_is_forgotten),
	    CASE(a_message_that_is_too_large_ends_its_call_alone),
	    CASE(a_message_that_is_no_message_ends_its_call_alone),
	    CASE(messages_within_messages_have_an_end),
	    CASE(a_stream_stays_until_its_client_goes),
	    CASE(a_call_ends_by_the_clients_deadline),
	    CASE(a_client_may_go_while_its_call_waits),
	    CASE(a_bad_timeout_resets_the_call),
	    CASE(a_client_that_pings_too_often_is_sent_away),
	    CASE(a_client_that_begins_and_gives_up_is_sent_away),
	    CASE(nonsense_ends_its_connection_alone),
	};
	return UNIT_RUN(tests);
}

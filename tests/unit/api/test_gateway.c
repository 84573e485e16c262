/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/random.h"
#include "tests/support/solo.h"
#include "tests/unit/api/fixture.h"
#include "tests/unit/api/http_client.h"

static struct http_client client;

static int begin(void **state)
{
	int failed = fixture_begin(state);
	http_client_open(&client, fixture_connect_http(fixture_of(state)));
	return failed;
}

static int end(void **state)
{
	http_client_close(&client);
	return fixture_end(state);
}

static void says(const char *answer, const char *expected)
{
	if (strstr(answer, expected) == NULL)
		fail_msg("'%s' does not say '%s'", answer, expected);
}

static void answers(const char *path, const char *body, int status, const char *expected)
{
	const char *answer = http_client_ask(&client, path, body);
	if (strstr(answer, expected) == NULL || client.status != status)
		fail_msg("%s %s: %d '%s' is not %d '%s'", path, body, client.status, answer, status, expected);
}

static void refuses(const char *path, const char *body, int status, int code, const char *message)
{
	const char *answer = http_client_ask(&client, path, body);
	assert_string_equal(answer, arena_format(&client.arena, "{\"error\":\"%s\",\"code\":%d,\"message\":\"%s\"}",
	                                         message, code, message));
	assert_int_equal(client.status, status);
}

/* With one header more. Streams end by themselves, or never. */
static const char *answer_with(const char *header, const char *path, const char *body)
{
	http_client_send_text(
	    &client, arena_format(&client.arena, "POST %s HTTP/1.1\r\nHost: h\r\n%s\r\nContent-Length: %zu\r\n\r\n%s",
	                          path, header, strlen(body), body));
	return http_client_answer(&client);
}

static void what_is_put_is_ranged(void **state)
{
	answers("/v3/kv/put", "{\"key\":\"Zm9v\",\"value\":\"YmFy\"}", 200,
	        "{\"header\":{\"cluster_id\":\"1\",\"member_id\":\"");
	answers("/v3/kv/range", "{\"key\":\"Zm9v\"}", 200,
	        "\"kvs\":[{\"key\":\"Zm9v\",\"create_revision\":\"2\",\"mod_revision\":\"2\",\"version\":\"1\","
	        "\"value\":\"YmFy\"}],\"count\":\"1\"}");
	answers("/v3/kv/txn",
	        "{\"compare\":[{\"key\":\"Zm9v\",\"target\":\"MOD\",\"modRevision\":\"2\"}],"
	        "\"success\":[{\"requestDeleteRange\":{\"key\":\"Zm9v\"}}]}",
	        200,
	        "\"succeeded\":true,\"responses\":[{\"response_delete_range\":{\"header\":{\"revision\":\"3\"},"
	        "\"deleted\":\"1\"}}]}");
}

static void old_paths_and_second_paths_are_the_same(void **state)
{
	answers("/v3beta/kv/range", "{\"key\":\"Zm9v\"}", 200, "\"revision\":\"1\"");
	refuses("/v3beta/kv/fly", "{}", 404, 5, "Not Found");
	refuses("/v3/v3beta/kv/range", "{}", 404, 5, "Not Found");
}

/* grpc-gateway v2: HTTPStatusFromCode. */
static void errors_have_the_words_of_etcd(void **state)
{
	refuses("/v3/kv/range", "{}", 400, 3, "etcdserver: key is not provided");
	refuses("/v3/kv/range", "", 400, 3, "etcdserver: key is not provided");
	refuses("/v3/kv/compaction", "{\"revision\":99}", 400, 11,
	        "etcdserver: mvcc: required revision is a future revision");
	refuses("/v3/auth/authenticate", "{}", 400, 9, "etcdserver: authentication is not enabled");
	refuses("/v3/kv/put", "{\"key\":\"?\"}", 400, 3, "proto: invalid value for bytes field key: \\\"?\\\"");
	refuses("/v3/kv/put", "{\"key\":", 400, 3, "unexpected EOF");
	refuses("/v3/kv/fly", "{}", 404, 5, "Not Found");
	http_client_send_text(&client, "GET /v3/kv/range HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_string_equal(http_client_answer(&client),
	                    "{\"error\":\"Method Not Allowed\",\"code\":12,\"message\":\"Method Not Allowed\"}");
	assert_int_equal(client.status, 501);
	http_client_send_text(&client, "OPTIONS /v3/kv/range HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_string_equal(http_client_answer(&client), "");
	assert_int_equal(client.status, 200);
}

static void without_a_quorum_it_is_unavailable(void **state)
{
	solo_set_weather(fixture_of(state)->replica, SOLO_NO_QUORUM);
	answers("/v3/kv/range", "{\"key\":\"Zm9v\",\"serializable\":true}", 200, "\"revision\":\"1\"");
	const char *answer = http_client_ask(&client, "/v3/kv/range", "{\"key\":\"Zm9v\"}");
	says(answer, "\"message\":\"etcdserver: request timed out\"");
	assert_int_equal(client.status, 503);
}

/* A put of so many bytes, of the letter x. */
static const char *large_put(size_t size)
{
	size_t text_size = base64_text_size(size);
	uint8_t *value = arena_take(&client.arena, size);
	char *text = arena_take(&client.arena, text_size);
	memset(value, 'x', size);
	base64_write(bytes_of(value, size), text);
	return arena_format(&client.arena, "{\"key\":\"YQ==\",\"value\":\"%.*s\"}", (int)text_size, text);
}

#define RANGE_LOCALLY "{\"key\":\"Zm9v\",\"serializable\":true}"

static void a_client_may_say_how_long_it_waits(void **state)
{
	says(answer_with("Grpc-Timeout: 20S", "/v3/kv/range", RANGE_LOCALLY), "{\"header\"");
	says(answer_with("grpc-timeout: +0u", "/v3/kv/range", RANGE_LOCALLY), "{\"header\"");
	says(answer_with("Grpc-Timeout: 99999999999999999999999999999H", "/v3/kv/range", RANGE_LOCALLY), "{\"header\"");
	says(answer_with("Grpc-Timeout: -1S", "/v3/kv/range", RANGE_LOCALLY),
	     "{\"error\":\"context deadline exceeded\",\"code\":4,");
	assert_int_equal(client.status, 504);
	solo_set_weather(fixture_of(state)->replica, SOLO_NO_QUORUM);
	says(answer_with("Grpc-Timeout: 100m", "/v3/kv/range", "{\"key\":\"Zm9v\"}"), "\"code\":4,");
	assert_int_equal(client.status, 504);
}

static void a_stream_ends_when_its_client_does_not_wait_longer(void **state)
{
	const char *answer = answer_with("Grpc-Timeout: 150m", "/v3/watch", "{\"create_request\":{\"key\":\"Zm9v\"}}");
	says(answer, "\"created\":true}}\n{\"error\":{\"grpc_code\":4,");
	says(answer, "\"message\":\"context deadline exceeded\"");
	assert_int_equal(client.status, 200);
}

static void a_time_that_is_none_is_refused(void **state)
{
	static const char *const wrong[] = {"1", "S", "soon", "1s", "1.5S", "--1S", "0x1S", "1 S"};
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
		const char *header = arena_format(&client.arena, "Grpc-Timeout: %s", wrong[at]);
		const char *expected = arena_format(
		    &client.arena,
		    "{\"error\":\"invalid grpc-timeout: %s\",\"code\":3,\"message\":\"invalid grpc-timeout: %s\"}",
		    wrong[at], wrong[at]);
		assert_string_equal(answer_with(header, "/v3/kv/range", RANGE_LOCALLY), expected);
		assert_int_equal(client.status, 400);
		struct http_client other;
		http_client_open(&other, fixture_connect_http(fixture_of(state)));
		http_client_send_text(
		    &other,
		    arena_format(&other.arena,
		                 "POST /v3/watch HTTP/1.1\r\nHost: h\r\n%s\r\nContent-Length: 2\r\n\r\n{}", header));
		assert_string_equal(http_client_answer(&other), expected);
		http_client_close(&other);
	}
}

static void a_client_may_ask_for_a_leader(void **state)
{
	static const char *const wants = "Grpc-Metadata-HasLeader: true", *const not = "Grpc-Metadata-hasleader: True";
	says(answer_with(wants, "/v3/kv/range", RANGE_LOCALLY), "{\"header\"");
	solo_set_weather(fixture_of(state)->replica, SOLO_NO_QUORUM);
	says(answer_with("hasleader: true", "/v3/kv/range", RANGE_LOCALLY), "{\"header\"");
	says(answer_with(not, "/v3/kv/range", RANGE_LOCALLY), "{\"header\"");
	says(answer_with(wants, "/v3/kv/range", RANGE_LOCALLY), "{\"error\":\"etcdserver: no leader\",\"code\":14,");
	assert_int_equal(client.status, 503);
	says(answer_with(wants, "/v3/watch", "{\"create_request\":{\"key\":\"Zm9v\"}}"), "etcdserver: no leader");
}

static void large_values_go_and_come(void **state)
{
	const char *put = large_put(FIXTURE_VALUE_BYTES_MAX - 64);
	answers("/v3/kv/put", put, 200, "\"revision\":\"2\"");
	const char *answer = http_client_ask(&client, "/v3/kv/range", "{\"key\":\"YQ==\"}");
	says(answer, strstr(put, "\"value\""));
	refuses("/v3/kv/put", large_put((2 << 20) + 1), 429, 8,
	        "grpc: received message larger than max (2097161 vs. 2097152)");
}

#define RANGE_OF_ALL "{\"key\":\"AA==\",\"range_end\":\"AA==\"}"

static void fill(void **state, int count)
{
	static uint8_t value[900000];
	for (int at = 0; at < count; at++)
		fixture_put_elsewhere(fixture_of(state), arena_format(&client.arena, "/%d", at),
		                      bytes_of(value, sizeof value));
}

/* As JSON it is larger than what it was gathered from, and both are there for a moment. */
static void an_answer_that_is_written_is_counted(void **state)
{
	fill(state, 5);
	answers("/v3/kv/range", RANGE_OF_ALL, 429, "the answer is larger than can be sent");
	answers("/v3/kv/range", "{\"key\":\"AA==\",\"range_end\":\"AA==\",\"limit\":2}", 200, "\"count\":\"5\"");
	answers("/v3/kv/range", "{\"key\":\"AA==\",\"range_end\":\"AA==\",\"limit\":2}", 200, "\"count\":\"5\"");
}

static void a_body_may_come_in_chunks_and_slowly(void **state)
{
	static const char *const pieces[] = {"{\"key\"", ":", "\"Zm", "9v\",\"val", "ue\":\"YmFy\"}"};
	http_client_begin(&client, "/v3/kv/put");
	for (size_t at = 0; at < sizeof pieces / sizeof *pieces; at++)
		http_client_chunk(&client, pieces[at]);
	http_client_end(&client);
	says(http_client_answer(&client), "\"revision\":\"2\"");
	answers("/v3/kv/range", "{\"key\":\"Zm9v\"}", 200, "\"YmFy\"");
}

static void requests_that_are_sent_ahead_are_answered_in_order(void **state)
{
	enum { REQUESTS = 500 };
	for (int at = 0; at < REQUESTS; at++)
		http_client_post(&client, at % 2 == 0 ? "/v3/kv/put" : "/v3/kv/range", "{\"key\":\"Zm9v\"}");
	for (int at = 0; at < REQUESTS; at++)
		says(http_client_answer(&client), arena_format(&client.arena, "\"revision\":\"%d\"", 2 + at / 2));
}

/* RFC 9110 §10.1.1. */
static void who_asks_whether_to_send_is_told(void **state)
{
	http_client_send_text(&client, "POST /v3/kv/range HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n"
	                               "Expect: 100-Continue\r\n\r\n");
	char line[64] = {0};
	assert_int_equal(recv(client.fd, line, 25, MSG_WAITALL), 25);
	assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
	http_client_send_text(&client, "{\"key\":\"Zm9v\"}");
	says(http_client_answer(&client), "\"revision\":\"1\"");
	http_client_send_text(&client, "POST /v3/kv/range HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n"
	                               "Expect: 100-continue\r\n\r\n");
	says(http_client_answer(&client), "larger");
	assert_int_equal(client.status, 413);
	assert_int_equal(client.continues, 0);
	http_client_until_closed(&client);
}

static void a_body_that_is_too_large_ends_its_connection(void **state)
{
	char *chunk = arena_take(&client.arena, 60001);
	memset(chunk, ' ', 60000);
	chunk[60000] = '\0';
	http_client_begin(&client, "/v3/kv/put");
	for (int at = 0; at < 71; at++) /* one more than is taken */
		http_client_chunk(&client, chunk);
	says(http_client_answer(&client), "larger");
	assert_int_equal(client.status, 413);
}

/* Many that begin and do not end: they get no more than all of them may, and it comes back when they go. */
static void bodies_of_all_together_have_a_size(void **state)
{
	enum { CLIENTS = 16, BYTES = 4 << 20 }; /* EXCHANGE_BODIES_BYTES_MAX, all but a byte of each */
	struct http_client others[CLIENTS];
	struct bytes body = bytes_of(arena_zero(&client.arena, 1, BYTES - 1), BYTES - 1);
	for (int at = 0; at < CLIENTS; at++) {
		http_client_open(&others[at], fixture_connect_http(fixture_of(state)));
		http_client_send_text(&others[at],
		                      "POST /v3/kv/put HTTP/1.1\r\nHost: h\r\nContent-Length: 4194304\r\n\r\n");
		http_client_send(&others[at], body);
	}
	const char *answer = http_client_ask(&client, "/v3/kv/range", "{\"key\":\"Zm9v\"}    ");
	for (int at = 0; client.status == 200 && at < 50000; at++) /* until all of it is there */
		answer = http_client_ask(&client, "/v3/kv/range", "{\"key\":\"Zm9v\"}    ");
	says(answer, "too many bodies");
	assert_int_equal(client.status, 503);
	for (int at = 0; at < CLIENTS; at++)
		http_client_close(&others[at]);
	do {
		http_client_close(&client);
		http_client_open(&client, fixture_connect_http(fixture_of(state)));
		answer = http_client_ask(&client, "/v3/kv/range", "{\"key\":\"Zm9v\"}");
	} while (client.status == 503);
	says(answer, "\"revision\":\"1\"");
}

/* etcd's Snapshot: many messages, of which more waits than the connection may hold ahead. */
static void a_stream_comes_in_lines(void **state)
{
	for (int at = 0; at < 6; at++)
		fixture_put_elsewhere(fixture_of(state), arena_format(&client.arena, "/%d", at),
		                      bytes_of(arena_zero(&client.arena, 1, 900000), 900000));
	http_client_post(&client, "/v3/maintenance/snapshot", "{}");
	http_client_until_head(&client);
	assert_int_equal(client.status, 200);
	size_t size = 0;
	json_t *line;
	for (bool last = false; !last; json_decref(line)) {
		line = json_loads(http_client_line(&client), 0, NULL);
		json_t *result = json_object_get(line, "result");
		assert_non_null(result);
		size += strlen(json_string_value(json_object_get(result, "blob")));
		last = json_object_get(result, "remaining_bytes") == NULL;
	}
	assert_true(size > 6 * 900000);
	assert_string_equal(http_client_answer(&client), "");
	answers("/v3/kv/range", "{\"key\":\"Zm9v\"}", 200, "\"revision\":\"7\"");
}

static void put_elsewhere(void **state, const char *key)
{
	fixture_put_elsewhere(fixture_of(state), key, BYTES_LITERAL("bar"));
}

static void a_watch_is_asked_for_and_lasts(void **state)
{
	http_client_post(&client, "/v3/watch", "{\"create_request\":{\"key\":\"Zm9v\",\"start_revision\":\"2\"}}");
	says(http_client_line(&client), "\"created\":true}}");
	assert_int_equal(client.status, 200);
	put_elsewhere(state, "foo");
	says(http_client_line(&client), "\"events\":[{\"kv\":{\"key\":\"Zm9v\",\"create_revision\":\"2\"");
	put_elsewhere(state, "foo");
	says(http_client_line(&client), "\"mod_revision\":\"3\"");
}

/* The body stays open: each request is answered as it comes, whatever its pieces. */
static void requests_come_while_answers_go(void **state)
{
	http_client_begin(&client, "/v3/watch");
	http_client_chunk(&client, "{\"create_request\":{\"key\":\"Zm9v\"}} {\"create_re");
	says(http_client_line(&client), "\"created\":true}}");
	put_elsewhere(state, "foo");
	says(http_client_line(&client), "\"events\":[");
	http_client_chunk(&client,
	                  "quest\":{\"key\":\"YQ==\",\"watch_id\":7}}\n{\"cancel_request\":{\"watch_id\":7}}\n");
	says(http_client_line(&client), "\"watch_id\":\"7\",\"created\":true}}");
	says(http_client_line(&client), "\"watch_id\":\"7\",\"canceled\":true");
	put_elsewhere(state, "a");
	put_elsewhere(state, "foo");
	says(http_client_line(&client), "\"mod_revision\":\"4\"");
}

static void what_is_wrong_within_a_stream_ends_it(void **state)
{
	http_client_begin(&client, "/v3/watch");
	http_client_chunk(&client, "{\"create_request\":{\"key\":\"Zm9v\"}}");
	says(http_client_line(&client), "\"created\":true}}");
	http_client_chunk(&client, "{\"create_request\":{\"key\":1}}{}{}");
	assert_string_equal(
	    http_client_line(&client),
	    "{\"error\":{\"grpc_code\":3,\"http_code\":400,\"message\":\"proto: invalid value for bytes "
	    "field key: 1\",\"http_status\":\"Bad Request\",\"code\":3}}");
	http_client_answer(&client);
	http_client_until_closed(&client);
}

static void what_is_wrong_at_once_has_a_status(void **state)
{
	static const char *const wrong[] = {"[]", "{\"create_request\":3}", "{\"create_request\":{", "\"\"", "x"};
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
		struct http_client other;
		http_client_open(&other, fixture_connect_http(fixture_of(state)));
		says(http_client_ask(&other, "/v3/watch", wrong[at]), "{\"error\":{\"grpc_code\":3,");
		assert_int_equal(other.status, 400);
		http_client_close(&other);
	}
}

/* A message of a stream that does not come to its end. */
static void a_message_of_a_stream_has_a_size(void **state)
{
	char *chunk = arena_take(&client.arena, 60001);
	memset(chunk, 'A', 60000);
	chunk[60000] = '\0';
	http_client_begin(&client, "/v3/watch");
	http_client_chunk(&client, "{\"create_request\":{\"key\":\"");
	for (int at = 0; at < 70; at++)
		http_client_chunk(&client, chunk);
	says(http_client_answer(&client), "larger");
	assert_int_equal(client.status, 413);
}

static void who_leaves_a_stream_is_forgotten(void **state)
{
	for (int at = 0; at < 20; at++) {
		struct http_client other;
		http_client_open(&other, fixture_connect_http(fixture_of(state)));
		http_client_post(&other, "/v3/watch", "{\"create_request\":{\"key\":\"Zm9v\"}}");
		says(http_client_line(&other), "\"created\":true}}");
		http_client_close(&other);
	}
	put_elsewhere(state, "foo");
	answers("/v3/kv/range", "{\"key\":\"Zm9v\"}", 200, "\"revision\":\"2\"");
}

/* It reads nothing for a while: what it has missed is there when it does, and others are served meanwhile. */
static void who_does_not_fetch_holds_nobody_up(void **state)
{
	enum { CHANGES = 40, BYTES = 700000 };
	http_client_post(&client, "/v3/watch", "{\"create_request\":{\"key\":\"Zm9v\"}}");
	says(http_client_line(&client), "\"created\":true}}");
	for (int at = 0; at < CHANGES; at++)
		fixture_put_elsewhere(fixture_of(state), "foo", bytes_of(arena_zero(&client.arena, 1, BYTES), BYTES));
	struct http_client other;
	http_client_open(&other, fixture_connect_http(fixture_of(state)));
	says(http_client_ask(&other, "/v3/kv/range", "{\"key\":\"Zg==\"}"), "\"revision\":\"41\"");
	http_client_close(&other);
	size_t events = 0;
	while (events < CHANGES)
		for (const char *at = http_client_line(&client); (at = strstr(at, "\"version\"")) != NULL; at++)
			events++;
	assert_int_equal(events, CHANGES);
}

/* RFC 9112 §7: HTTP/1.0 knows no chunks. */
static void a_stream_without_chunks_ends_with_its_connection(void **state)
{
	http_client_send_text(&client, "POST /v3/maintenance/snapshot HTTP/1.0\r\nContent-Length: 2\r\n"
	                               "Connection: keep-alive\r\n\r\n{}");
	http_client_until_head(&client);
	says(http_client_line(&client), "{\"result\":{\"header\":");
	http_client_until_closed(&client);
}

static void a_client_may_leave_at_any_time(void **state)
{
	struct fixture *fixture = fixture_of(state);
	static const char *const texts[] = {
	    "POST /v3/kv/put HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n\r\n{\"key\":\"Zm9v\"}",
	    "POST /v3/kv/put HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\n\r\n{\"key\":",
	    "POST /v3/maintenance/snapshot HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}",
	    "POST /v3/kv/range HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"k"};
	solo_hold(fixture->replica);
	for (size_t at = 0; at < 4 * sizeof texts / sizeof *texts; at++) {
		struct http_client other;
		http_client_open(&other, fixture_connect_http(fixture));
		http_client_send_text(&other, texts[at % 4]);
		struct linger at_once = {.l_onoff = 1};
		if (at >= 8)
			setsockopt(other.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		http_client_close(&other);
	}
	solo_release(fixture->replica);
	answers("/v3/kv/range", "{\"key\":\"Zm9v\"}", 200, "\"header\"");
}

/* What comes of it is an error or an answer, and the next client is served. */
static void any_request_is_survived(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct random random;
	random_init(&random, 5);
	static const char *const words[] = {"POST /v3/kv/range HTTP/1.1\r\n",
	                                    "POST /v3/maintenance/snapshot HTTP/1.1\r\n",
	                                    "GET /v3/kv/put HTTP/1.0\r\n",
	                                    "HEAD /v3/watch HTTP/1.1\r\n",
	                                    "Content-Length: 14\r\n",
	                                    "Content-Length: 2\r\n",
	                                    "Transfer-Encoding: chunked\r\n",
	                                    "Expect: 100-continue\r\n",
	                                    "Connection: close\r\n",
	                                    "\r\n",
	                                    "{\"key\":\"Zm9v\"}",
	                                    "{}",
	                                    "e\r\n",
	                                    "2\r\n",
	                                    "0\r\n\r\n",
	                                    "\xff"};
	for (int turn = 0; turn < 300; turn++) {
		const char *text = words[random_below(&random, 4)];
		for (uint64_t count = random_below(&random, 12); count > 0; count--)
			text = arena_format(&fixture->arena, "%s%s", text,
			                    words[random_below(&random, sizeof words / sizeof *words)]);
		fixture_http(fixture, text);
		arena_reset(&fixture->arena);
	}
	answers("/v3/kv/range", "{\"key\":\"Zm9v\"}", 200, "\"header\"");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(what_is_put_is_ranged),
	    CASE(old_paths_and_second_paths_are_the_same),
	    CASE(errors_have_the_words_of_etcd),
	    CASE(without_a_quorum_it_is_unavailable),
	    CASE(a_client_may_say_how_long_it_waits),
	    CASE(a_stream_ends_when_its_client_does_not_wait_longer),
	    CASE(a_time_that_is_none_is_refused),
	    CASE(a_client_may_ask_for_a_leader),
	    CASE(large_values_go_and_come),
	    CASE(an_answer_that_is_written_is_counted),
	    CASE(a_body_may_come_in_chunks_and_slowly),
	    CASE(requests_that_are_sent_ahead_are_answered_in_order),
	    CASE(who_asks_whether_to_send_is_told),
	    CASE(a_body_that_is_too_large_ends_its_connection),
	    CASE(bodies_of_all_together_have_a_size),
	    CASE(a_stream_comes_in_lines),
	    CASE(a_watch_is_asked_for_and_lasts),
	    CASE(requests_come_while_answers_go),
	    CASE(what_is_wrong_within_a_stream_ends_it),
	    CASE(what_is_wrong_at_once_has_a_status),
	    CASE(a_message_of_a_stream_has_a_size),
	    CASE(who_leaves_a_stream_is_forgotten),
	    CASE(who_does_not_fetch_holds_nobody_up),
	    CASE(a_stream_without_chunks_ends_with_its_connection),
	    CASE(a_client_may_leave_at_any_time),
	    CASE(any_request_is_survived),
	};
	return UNIT_RUN(tests);
}

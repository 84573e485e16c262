/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/support/solo.h"
#include "tests/unit/api/fixture.h"

static void says(const char *answer, const char *expected)
{
	if (strstr(answer, expected) == NULL)
		fail_msg("'%s' does not say '%s'", answer, expected);
}

static const char *ask(struct fixture *fixture, const char *path)
{
	return fixture_http(
	    fixture, arena_format(&fixture->arena, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path));
}

static void each_path_answers(void **state)
{
	struct fixture *fixture = fixture_of(state);
	says(ask(fixture, "/health"), "200 OK");
	says(ask(fixture, "/health"), "{\"health\":\"true\",\"reason\":\"\"}");
	says(ask(fixture, "/livez"), "\r\n\r\nok\n");
	says(ask(fixture, "/readyz"), "\r\n\r\nok\n");
	says(ask(fixture, "/readyz?verbose"), "[+]linearizable_read ok\n");
	says(ask(fixture, "/readyz?verbose"), "[+]non_learner ok\nok\n");
	says(ask(fixture, "/version"), "{\"etcdserver\":\"3.6.11\",\"etcdcluster\":\"3.6.0\",\"storage\":\"3.6.0\","
	                               "\"etcfs\":\"1.2.3\"}");
	says(ask(fixture, "/metrics"), "etcd_server_has_leader 1");
	says(ask(fixture, "/metrics"), "Content-Type: text/plain; version=0.0.4");
}

static void without_a_quorum_the_node_lives_and_is_not_ready(void **state)
{
	struct fixture *fixture = fixture_of(state);
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	says(ask(fixture, "/livez"), "200 OK");
	says(ask(fixture, "/readyz"), "503 Service Unavailable");
	says(ask(fixture, "/readyz"), "[-]linearizable_read failed: etcdserver: request timed out\n");
	says(ask(fixture, "/health"), "\"health\":\"false\"");
	says(ask(fixture, "/health?serializable=true"), "\"health\":\"true\"");
	says(ask(fixture, "/health?exclude=&serializable=true&x"), "\"health\":\"true\"");
	says(ask(fixture, "/health?serializable=truer"), "\"health\":\"false\"");
}

static void a_member_whom_the_cluster_does_not_know_is_not_ready(void **state)
{
	struct fixture *fixture = fixture_of(state);
	solo_unpublish(fixture->replica);
	says(ask(fixture, "/livez"), "200 OK");
	says(ask(fixture, "/readyz"), "[-]linearizable_read failed: the cluster does not know the client URLs");
	says(ask(fixture, "/health"), "\"health\":\"false\"");
	says(ask(fixture, "/health?serializable=true"), "\"health\":\"true\"");
}

static void a_check_can_be_asked_for_alone_or_left_out(void **state)
{
	struct fixture *fixture = fixture_of(state);
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	says(ask(fixture, "/readyz/linearizable_read"), "503 ");
	says(ask(fixture, "/readyz/non_learner"), "\r\n\r\nok\n");
	says(ask(fixture, "/readyz/non_learner?verbose"), "\r\n\r\n[+]non_learner ok\nok\n");
	says(ask(fixture, "/readyz?exclude=linearizable_read"), "\r\n\r\nok\n");
	says(ask(fixture, "/readyz?exclude=linear&exclude=nothing"), "503 ");
	says(ask(fixture, "/livez?exclude=serializable_read&verbose"), "\r\n\r\nok\n");
	says(ask(fixture, "/livez/serializable_read"), "200 OK");
	says(ask(fixture, "/livez/linearizable_read"), "404 ");
	says(ask(fixture, "/readyzz"), "404 ");
}

static void other_paths_and_methods_are_refused_with_a_hint(void **state)
{
	struct fixture *fixture = fixture_of(state);
	says(ask(fixture, "/"), "404 Not Found");
	says(ask(fixture, "/"), "/metrics");
	const char *answer = fixture_http(fixture, "DELETE /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	says(answer, "405 Method Not Allowed");
	says(answer, "Allow: GET\r\n");
	answer = fixture_http(fixture, "POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
	                               "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n");
	says(answer, "405 Method Not Allowed");
	says(answer, "\r\n\r\nok\n");
}

/* RFC 9110 §9.3.2: nothing but the head, and then the next answer. */
static void a_head_has_no_body(void **state)
{
	const char *answer = fixture_http(fixture_of(state), "HEAD /health HTTP/1.1\r\nHost: h\r\n\r\n"
	                                                     "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n");
	says(answer, "HTTP/1.1 405 Method Not Allowed\r\n");
	says(answer, "Allow: GET\r\n\r\nHTTP/1.1 200 OK\r\n");
}

/* RFC 9110 §7.8: it is passed over. */
static void an_upgrade_may_be_offered(void **state)
{
	says(fixture_http(fixture_of(state), "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
	                                     "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n\r\n"),
	     "\r\n\r\nok\n");
	says(fixture_http(fixture_of(state), "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), "405 ");
}

static void requests_in_one_packet_are_answered_in_order(void **state)
{
	const char *answer = fixture_http(fixture_of(state), "GET /version HTTP/1.1\r\nHost: h\r\n\r\n"
	                                                     "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
	                                                     "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
	const char *version = strstr(answer, "\"etcfs\""), *health = strstr(answer, "\"health\""),
	           *last = strstr(answer, "404");
	assert_non_null(version);
	assert_true(version < health && health < last);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	struct fixture *fixture = fixture_of(state);
	static const char text[] = "GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
	int fd = fixture_connect_http(fixture);
	for (size_t at = 0; at < sizeof text - 1; at++)
		assert_int_equal(send(fd, text + at, 1, 0), 1);
	char answer[512];
	ssize_t size = recv(fd, answer, sizeof answer - 1, MSG_WAITALL);
	assert_true(size > 0);
	answer[size] = '\0';
	says(answer, "200 OK");
	close(fd);
}

/* `count` times the letter x, in the arena. */
static const char *xs(struct fixture *fixture, int count)
{
	char *text = arena_take(&fixture->arena, (size_t)count + 1);
	memset(text, 'x', (size_t)count);
	text[count] = '\0';
	return text;
}

static void what_a_stranger_sends_has_limits(void **state)
{
	struct fixture *fixture = fixture_of(state);
	says(fixture_http(fixture, arena_format(&fixture->arena, "GET /%s HTTP/1.1\r\n\r\n", xs(fixture, 3000))),
	     "414 ");
	says(
	    fixture_http(fixture, arena_format(&fixture->arena, "GET / HTTP/1.1\r\nA: %s\r\n\r\n", xs(fixture, 17000))),
	    "431 ");
	says(fixture_http(fixture, "POST /health HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc"), "413 ");
	says(fixture_http(fixture, "\x16\x03\x01\x02\x00 this is TLS"), "400 Bad Request");
}

/* The daemon survives, and still answers. */
static void any_bytes_are_survived(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct random random;
	random_init(&random, 20260102);
	static const char *const words[] = {"GET",
	                                    " ",
	                                    "/health",
	                                    "HTTP/1.1",
	                                    "\r\n",
	                                    "\r\n\r\n",
	                                    ":",
	                                    "Host",
	                                    "Content-Length",
	                                    "Transfer-Encoding",
	                                    "chunked",
	                                    "0",
	                                    "-1",
	                                    "\xff",
	                                    "Upgrade",
	                                    "Connection",
	                                    "99999999999999999999"};
	for (int turn = 0; turn < 300; turn++) {
		const char *text = "";
		for (uint64_t count = random_below(&random, 20); count > 0; count--)
			text = arena_format(&fixture->arena, "%s%s", text,
			                    words[random_below(&random, sizeof words / sizeof *words)]);
		fixture_http(fixture, text);
		arena_reset(&fixture->arena);
	}
	says(ask(fixture, "/livez"), "200 OK");
}

static void a_client_may_leave_while_it_waits(void **state)
{
	struct fixture *fixture = fixture_of(state);
	solo_hold(fixture->replica);
	for (int turn = 0; turn < 10; turn++) {
		int fd = fixture_connect_http(fixture);
		static const char text[] = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
		assert_int_equal(send(fd, text, sizeof text - 1, 0), sizeof text - 1);
		struct linger at_once = {.l_onoff = 1};
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		close(fd);
	}
	solo_release(fixture->replica);
	says(ask(fixture, "/health"), "200 OK");
}

/* proc(5), net/tcp: the timer of the daemon's end is that of probes. */
static void a_client_that_is_silent_is_probed(void **state)
{
	struct fixture *fixture = fixture_of(state);
	char line[512], local[16];
	int fd = fixture_connect_http(fixture), timer = 0;
	static const char text[] = "GET /livez HTTP/1.1\r\nHost: h\r\n\r\n";
	assert_int_equal(send(fd, text, sizeof text - 1, 0), sizeof text - 1);
	assert_true(recv(fd, line, sizeof line, 0) > 0); /* it was accepted */
	snprintf(local, sizeof local, ":%04X", (unsigned)strtoul(fixture->http_port, NULL, 10));
	FILE *file = fopen("/proc/self/net/tcp", "r");
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		char from[64];
		unsigned is_established, found;
		int fields = sscanf(line, "%*s %63s %*s %x %*s %x:", from, &is_established, &found);
		if (fields == 3 && is_established == 1 && strstr(from, local) != NULL)
			timer = (int)found;
	}
	fclose(file);
	close(fd);
	assert_int_equal(timer, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(each_path_answers),
	    CASE(without_a_quorum_the_node_lives_and_is_not_ready),
	    CASE(a_member_whom_the_cluster_does_not_know_is_not_ready),
	    CASE(other_paths_and_methods_are_refused_with_a_hint),
	    CASE(a_check_can_be_asked_for_alone_or_left_out),
	    CASE(a_head_has_no_body),
	    CASE(an_upgrade_may_be_offered),
	    CASE(requests_in_one_packet_are_answered_in_order),
	    CASE(a_request_may_come_byte_by_byte),
	    CASE(what_a_stranger_sends_has_limits),
	    CASE(any_bytes_are_survived),
	    CASE(a_client_may_leave_while_it_waits),
	    CASE(a_client_that_is_silent_is_probed),
	};
	return UNIT_RUN(tests);
}

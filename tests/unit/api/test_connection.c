/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/connection.h"
#include "base/log.h"

/* A protocol of lines: each is answered with itself; "hold\n" is never answered, "flood\n" with more than a socket takes, "more\n" with
 * some of that. */
enum { FLOOD_BYTES = 8 << 20, MORE_BYTES = 1 << 20 };

static int closed_count;

static void lines_opened(struct connection *connection)
{
}

static void lines_answer(struct connection *connection, struct bytes line)
{
	static uint8_t flood[FLOOD_BYTES];
	connection_pause(connection);
	if (bytes_equal(line, BYTES_LITERAL("hold\n")))
		return;
	struct bytes answer = bytes_equal(line, BYTES_LITERAL("flood\n"))  ? bytes_of(flood, FLOOD_BYTES)
	                      : bytes_equal(line, BYTES_LITERAL("more\n")) ? bytes_of(flood, MORE_BYTES)
	                                                                   : line;
	assert_int_equal(buffer_append(connection_output(connection), answer), ERR_OK);
	connection_resume(connection);
}

static void lines_received(struct connection *connection)
{
	while (!connection_is_busy(connection)) {
		const uint8_t *end =
		    connection->input.size > 0 ? memchr(connection->input.data, '\n', connection->input.size) : NULL;
		if (end == NULL)
			return;
		size_t size = (size_t)(end - connection->input.data) + 1;
		lines_answer(connection, bytes_of(connection->input.data, size));
		if (!connection->closed)
			buffer_consume(&connection->input, size);
	}
}

static void lines_drained(struct connection *connection)
{
}

static void lines_closed(struct connection *connection)
{
	closed_count++;
}

static struct connection_protocol lines = {
    .name = "lines",
    .connections_max = 3,
    .input_bytes_max = 64,
    .output_bytes_max = FLOOD_BYTES + 64,
    .opened = lines_opened,
    .received = lines_received,
    .drained = lines_drained,
    .closed = lines_closed,
};

static struct reactor *reactor;
static struct connection_set set;
static int clients[5];

static int set_begin(uint64_t ms_max)
{
	lines.request_ms_max = lines.idle_ms_max = lines.stalled_ms_max = ms_max;
	log_level_set(LOG_ERROR_LEVEL);
	closed_count = 0;
	assert_int_equal(reactor_new(&reactor), ERR_OK);
	assert_int_equal(connection_set_init(&set, reactor, &lines, NULL), ERR_OK);
	for (size_t at = 0; at < 5; at++) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		struct timeval long_enough = {.tv_sec = 20};
		setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &long_enough, sizeof long_enough);
		clients[at] = pair[0];
		connection_open(&set, pair[1]);
	}
	assert_int_equal(reactor_start(reactor), ERR_OK);
	return 0;
}

static int patient_begin(void **state)
{
	return set_begin(60 * 1000);
}

static int impatient_begin(void **state)
{
	return set_begin(50);
}

static int patient_between_begin(void **state)
{
	int status = impatient_begin(state);
	lines.idle_ms_max = 60 * 1000;
	return status;
}

static int set_end(void **state)
{
	reactor_stop(reactor);
	connection_set_fini(&set);
	reactor_free(reactor);
	for (size_t at = 0; at < 5; at++)
		close(clients[at]);
	return closed_count == 3 ? 0 : -1; /* each that was opened, exactly once */
}

static void say(int client, const char *text)
{
	assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void hear(int client, const char *expected)
{
	char text[64];
	assert_int_equal(recv(client, text, strlen(expected), MSG_WAITALL), strlen(expected));
	assert_memory_equal(text, expected, strlen(expected));
}

static bool is_ended(int client)
{
	char byte;
	return recv(client, &byte, 1, 0) <= 0;
}

static void more_than_the_limit_are_refused(void **state)
{
	assert_true(is_ended(clients[3]));
	assert_true(is_ended(clients[4]));
	say(clients[0], "a\n");
	hear(clients[0], "a\n");
}

static void requests_that_came_together_are_served_in_order(void **state)
{
	say(clients[0], "a\nb\nc\nd");
	hear(clients[0], "a\nb\nc\n");
	say(clients[0], "\n");
	hear(clients[0], "d\n");
}

static void a_request_that_never_ends_is_given_up(void **state)
{
	say(clients[0], "half");
	assert_true(is_ended(clients[0]));
}

static void a_connection_without_requests_is_given_up(void **state)
{
	assert_true(is_ended(clients[0]));
}

static void the_time_of_a_request_ends_with_it(void **state)
{
	say(clients[0], "a\n");
	hear(clients[0], "a\n");
	say(clients[1], "half");
	assert_true(is_ended(clients[1])); /* longer than a request may take */
	say(clients[0], "b\n");
	hear(clients[0], "b\n");
}

static void a_request_under_way_is_waited_for(void **state)
{
	say(clients[0], "hold\n");
	assert_true(is_ended(clients[1])); /* idle for longer than any limit by now */
	char byte;
	assert_int_equal(recv(clients[0], &byte, 1, MSG_DONTWAIT), -1); /* and still open: no end is seen */
}

static void an_answer_that_is_not_fetched_is_given_up(void **state)
{
	say(clients[0], "flood\n");
	assert_true(is_ended(clients[1])); /* time passes, in which nothing is fetched */
	char bytes[4096];
	size_t got = 0;
	for (ssize_t size; (size = recv(clients[0], bytes, sizeof bytes, 0)) > 0;)
		got += (size_t)size;
	assert_true(got < FLOOD_BYTES);
}

static void an_answer_that_is_fetched_comes_whole(void **state)
{
	say(clients[0], "flood\n");
	char bytes[4096];
	for (size_t got = 0; got < FLOOD_BYTES;) {
		ssize_t size = recv(clients[0], bytes, sizeof bytes, 0);
		assert_true(size > 0);
		got += (size_t)size;
	}
}

static void fetch(int client, size_t size)
{
	static char bytes[64 << 10];
	while (size > 0) {
		ssize_t got = recv(client, bytes, size < sizeof bytes ? size : sizeof bytes, 0);
		assert_true(got > 0);
		size -= (size_t)got;
	}
}

/* Its output is never empty, and all that went through it is more than it may hold. */
static void what_has_been_fetched_takes_no_room(void **state)
{
	say(clients[0], "flood\n");
	fetch(clients[0], 2 * MORE_BYTES);
	for (int at = 0; at < 20; at++) {
		say(clients[0], "more\n");
		fetch(clients[0], MORE_BYTES);
	}
	fetch(clients[0], FLOOD_BYTES - 2 * MORE_BYTES);
	say(clients[0], "a\n");
	hear(clients[0], "a\n");
}

static void input_has_a_limit(void **state)
{
	static char text[256 << 10];
	memset(text, 'x', sizeof text);
	(void)!send(clients[0], text, sizeof text, MSG_NOSIGNAL);
	assert_true(is_ended(clients[0]));
}

#define PATIENT(name) cmocka_unit_test_setup_teardown(name, patient_begin, set_end)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, impatient_begin, set_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    PATIENT(more_than_the_limit_are_refused),
	    PATIENT(requests_that_came_together_are_served_in_order),
	    PATIENT(an_answer_that_is_fetched_comes_whole),
	    PATIENT(what_has_been_fetched_takes_no_room),
	    PATIENT(input_has_a_limit),
	    IMPATIENT(a_request_that_never_ends_is_given_up),
	    IMPATIENT(a_connection_without_requests_is_given_up),
	    cmocka_unit_test_setup_teardown(the_time_of_a_request_ends_with_it, patient_between_begin, set_end),
	    IMPATIENT(a_request_under_way_is_waited_for),
	    IMPATIENT(an_answer_that_is_not_fetched_is_given_up),
	};
	return UNIT_RUN(tests);
}

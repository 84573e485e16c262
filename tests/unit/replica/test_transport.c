/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proto.h"
#include "replica/join.h"
#include "tests/unit/unit.h"

enum { CLUSTER = 99, PATIENCE_S = 30, LOOK_MS = 2 };

struct end {
	struct transport *transport;
	uint64_t id;
	uint32_t election_timeout_ms;
	char url[64];
	atomic_uint received, unreachable;
	atomic_uint_fast64_t last; /* the attempt in the newest message */
	atomic_bool disorder;
	/* What it makes of others, and others of it. */
	_Atomic enum transport_verdict verdict;
	atomic_uint judged[TRANSPORT_OTHER_DIRECTORY + 1];
	atomic_bool deaf; /* to who speaks */
	atomic_uint asks;
	atomic_uint_fast64_t ticket, directory;
};

static bool end_received(void *argument, struct arena *arena, Peer__Envelope *envelope)
{
	struct end *end = argument;
	assert_int_equal(envelope->body_case, PEER__ENVELOPE__BODY_FORWARD);
	if (envelope->forward->attempt <= atomic_load(&end->last))
		atomic_store(&end->disorder, true);
	atomic_store(&end->last, envelope->forward->attempt);
	atomic_fetch_add(&end->received, 1);
	return false;
}

static void end_unreachable(void *argument, uint64_t peer)
{
	struct end *end = argument;
	atomic_fetch_add(&end->unreachable, 1);
}

static bool end_is_fresh(void *argument)
{
	return false;
}

static enum transport_verdict end_judge(void *argument, const Peer__Hello *hello)
{
	struct end *end = argument;
	return atomic_load(&end->verdict);
}

static void end_judged(void *argument, const Peer__Hello *answer)
{
	struct end *end = argument;
	atomic_fetch_add(&end->judged[answer->verdict], 1);
}

static bool end_speaks(void *argument, uint64_t peer, uint64_t directory)
{
	struct end *end = argument;
	atomic_store(&end->directory, directory);
	return !atomic_load(&end->deaf);
}

static void end_asked(void *argument, uint64_t ticket, const Peer__Join *join)
{
	struct end *end = argument;
	atomic_store(&end->ticket, ticket);
	atomic_fetch_add(&end->asks, 1);
}

static void free_url(char url[64])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(url, 64, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
	close(fd);
}

static void end_open_as(struct end *end, uint64_t id, uint64_t cluster, uint64_t incarnation)
{
	log_level_set(LOG_ERROR_LEVEL);
	if (end->url[0] == 0)
		free_url(end->url);
	struct transport_options options = {.cluster = cluster,
	                                    .member = id,
	                                    .incarnation = incarnation,
	                                    .election_timeout_ms = end->election_timeout_ms,
	                                    .name = "test",
	                                    .listen_url = end->url,
	                                    .received = end_received,
	                                    .unreachable = end_unreachable,
	                                    .directory = 1000 + id,
	                                    .is_fresh = end_is_fresh,
	                                    .judge = end_judge,
	                                    .judged = end_judged,
	                                    .speaks = end_speaks,
	                                    .asked = end_asked,
	                                    .argument = end};
	if (end->id != id) /* a thread that sends to it may be reading */
		end->id = id;
	assert_int_equal(transport_open(&options, &end->transport), ERR_OK);
}

static void end_open(struct end *end, uint64_t id)
{
	end_open_as(end, id, CLUSTER, 1);
	transport_start(end->transport);
}

static void end_close(struct end *end)
{
	transport_stop(end->transport);
	transport_close(end->transport);
}

static enum err end_send(struct end *from, struct end *to, uint64_t number, size_t size_bytes)
{
	static uint8_t command[1 << 20];
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 2 << 20);
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Forward forward = PEER__FORWARD__INIT;
	forward.attempt = number;
	forward.command = proto_data(bytes_of(command, size_bytes));
	envelope.cluster = CLUSTER;
	envelope.from = from->id;
	envelope.to = to->id;
	envelope.body_case = PEER__ENVELOPE__BODY_FORWARD;
	envelope.forward = &forward;
	assert_int_equal(frame_pack(&envelope, &buffer), ERR_OK);
	return transport_send(from->transport, to->id, buffer_bytes(&buffer));
}

#define WAIT_FOR(condition)                                                                                            \
	for (uint64_t deadline_ns = clock_steady_ns() + PATIENCE_S * CLOCK_NS_PER_S; !(condition);) {                  \
		assert_true(clock_steady_ns() < deadline_ns);                                                          \
		poll(NULL, 0, LOOK_MS);                                                                                \
	}

static void frames_arrive_whole_and_in_order(void **state)
{
	enum { FRAMES = 2000 };
	struct end one = {0}, other = {0};
	end_open(&one, 1);
	end_open(&other, 2);
	assert_int_equal(end_send(&one, &other, 1, 10), ERR_UNREACHABLE);
	assert_int_equal(transport_peer(one.transport, 2, "other", other.url), ERR_OK);
	WAIT_FOR(transport_is_up(one.transport, 2));
	for (uint64_t i = 1; i <= FRAMES; i++) {
		assert_int_equal(end_send(&one, &other, i, i % 100 == 0 ? 1 << 20 : i), ERR_OK);
		if (i % 7 == 0)
			transport_flush(one.transport);
		if (i % 100 == 0)
			WAIT_FOR((transport_flush(one.transport), atomic_load(&other.received) == i));
	}
	transport_flush(one.transport);
	WAIT_FOR(atomic_load(&other.received) == FRAMES);
	assert_false(atomic_load(&other.disorder));
	end_close(&one);
	end_close(&other);
}

static void a_peer_that_comes_back_is_dialled_again(void **state)
{
	struct end one = {0}, other = {0};
	end_open(&one, 1);
	free_url(other.url);
	assert_int_equal(transport_peer(one.transport, 2, "other", other.url), ERR_OK); /* before it is there */
	end_open(&other, 2);
	WAIT_FOR(transport_is_up(one.transport, 2));
	end_close(&other);
	WAIT_FOR(!transport_is_up(one.transport, 2) && atomic_load(&one.unreachable) == 1);
	end_open_as(&other, 2, CLUSTER, 2);
	transport_start(other.transport);
	WAIT_FOR(transport_is_up(one.transport, 2));
	assert_int_equal(end_send(&one, &other, 1, 10), ERR_OK);
	transport_flush(one.transport);
	WAIT_FOR(atomic_load(&other.received) == 1);
	end_close(&one);
	end_close(&other);
}

struct sender {
	struct end *from, *to;
	atomic_bool stopping;
};

static void *sender_run(void *argument)
{
	struct sender *sender = argument;
	for (uint64_t i = 1; !atomic_load(&sender->stopping); i++) {
		(void)!end_send(sender->from, sender->to, i, 10);
		transport_flush(sender->from->transport);
	}
	return NULL;
}

/* By chance: each time the connection ends at another point of a send. */
static void a_peer_that_goes_in_the_middle_of_a_send_is_dialled_again(void **state)
{
	enum { TURNS = 100 };
	struct end one = {0}, other = {.id = 2};
	end_open(&one, 1);
	free_url(other.url);
	assert_int_equal(transport_peer(one.transport, 2, "other", other.url), ERR_OK);
	struct sender sender = {.from = &one, .to = &other};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, sender_run, &sender), 0);
	for (uint64_t turn = 1; turn <= TURNS; turn++) {
		end_open_as(&other, 2, CLUSTER, turn);
		atomic_store(&other.last, 0);
		transport_start(other.transport);
		unsigned before = atomic_load(&other.received);
		WAIT_FOR(atomic_load(&other.received) > before);
		end_close(&other);
	}
	atomic_store(&sender.stopping, true);
	pthread_join(thread, NULL);
	end_close(&one);
}

static void another_cluster_or_member_is_not_spoken_to(void **state)
{
	struct end one = {0}, stranger = {0};
	struct transport_stats stats;
	end_open(&one, 1);
	end_open_as(&stranger, 2, CLUSTER + 1, 1);
	transport_start(stranger.transport);
	assert_int_equal(transport_peer(one.transport, 2, "stranger", stranger.url), ERR_OK);
	assert_int_equal(transport_peer(stranger.transport, 1, "one", one.url), ERR_OK);
	struct end third = {0};
	end_open(&third, 3); /* answers where the second is looked for */
	assert_int_equal(transport_peer(third.transport, 1, "one", one.url), ERR_OK);
	WAIT_FOR(transport_is_up(third.transport, 1)); /* the others had the same time */
	assert_int_equal(transport_peer(one.transport, 4, "fourth", third.url), ERR_OK);
	for (int i = 0; i < 100; i++) {
		assert_false(transport_is_up(one.transport, 2));
		assert_false(transport_is_up(one.transport, 4));
		assert_false(transport_is_up(stranger.transport, 1));
		poll(NULL, 0, LOOK_MS);
	}
	transport_stats(one.transport, &stats);
	assert_int_equal(stats.frames_received, 0);
	end_close(&one);
	end_close(&stranger);
	end_close(&third);
}

/* Somebody who takes the connection and reads nothing. */
static int deaf_listener(char url[64])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(url, 64, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
	return fd;
}

/* Answers the hello as member 2 would, then reads nothing more. */
static int deaf_accept(int listener)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 4096);
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Hello hello = PEER__HELLO__INIT;
	hello.magic = TRANSPORT_MAGIC;
	hello.version = TRANSPORT_PROTOCOL;
	hello.cluster = envelope.cluster = CLUSTER;
	hello.from = envelope.from = 2;
	hello.to = envelope.to = 1;
	envelope.body_case = PEER__ENVELOPE__BODY_HELLO;
	envelope.hello = &hello;
	assert_int_equal(frame_pack(&envelope, &buffer), ERR_OK);
	int fd = accept(listener, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(send(fd, buffer.data, buffer.size, 0), buffer.size);
	return fd;
}

static void a_full_queue_drops_and_never_blocks(void **state)
{
	struct end one = {0}, deaf = {.id = 2};
	int listener = deaf_listener(deaf.url);
	end_open(&one, 1);
	assert_int_equal(transport_peer(one.transport, 2, "deaf", deaf.url), ERR_OK);
	int connection = deaf_accept(listener);
	WAIT_FOR(transport_is_up(one.transport, 2));
	enum err err = ERR_OK;
	uint64_t sent = 0;
	for (; err == ERR_OK && sent < 1000; sent++) {
		err = end_send(&one, &deaf, sent + 1, 1 << 20);
		transport_flush(one.transport);
	}
	assert_int_equal(err, ERR_BUSY);
	assert_true(sent > 100);
	struct transport_stats stats;
	transport_stats(one.transport, &stats);
	assert_true(stats.frames_dropped > 0);
	end_close(&one); /* with all of it still queued */
	close(connection);
	close(listener);
}

static void strangers_who_talk_nonsense_are_hung_up_on(void **state)
{
	struct end one = {0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned port = 0;
	end_open(&one, 1);
	assert_int_equal(sscanf(one.url, "tcp://127.0.0.1:%u", &port), 1);
	address.sin_port = htons((uint16_t)port);
	const struct bytes nonsense[] = {BYTES_LITERAL("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	                                 BYTES_LITERAL("\x05\0\0\0aaaabbbbb"),
	                                 BYTES_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff")};
	for (int i = 0; i < 3; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		char answer[16];
		assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
		assert_true(send(fd, nonsense[i].data, nonsense[i].size, MSG_NOSIGNAL) > 0);
		assert_true(recv(fd, answer, sizeof answer, 0) <= 0);
		close(fd);
	}
	end_close(&one);
}

static void an_earlier_start_of_a_member_is_refused(void **state)
{
	struct end one = {0}, now = {0}, before = {0};
	end_open(&one, 1);
	end_open_as(&now, 2, CLUSTER, 5);
	end_open_as(&before, 2, CLUSTER, 4);
	transport_start(now.transport);
	transport_start(before.transport);
	assert_int_equal(transport_peer(now.transport, 1, "one", one.url), ERR_OK);
	WAIT_FOR(transport_is_up(now.transport, 1));
	assert_int_equal(transport_peer(before.transport, 1, "one", one.url), ERR_OK);
	for (int i = 0; i < 100; i++) {
		assert_false(transport_is_up(before.transport, 1));
		poll(NULL, 0, LOOK_MS);
	}
	assert_true(transport_is_up(now.transport, 1));
	end_close(&before);
	end_close(&now);
	end_close(&one);
}

/* The lease of a leader with a longer one would outlive the loyalty of the others. */
static void another_election_timeout_is_refused(void **state)
{
	struct end one = {.election_timeout_ms = 1000}, same = one, other = {.election_timeout_ms = 900};
	end_open(&one, 1);
	end_open(&same, 2);
	end_open(&other, 3);
	assert_int_equal(transport_peer(other.transport, 1, "one", one.url), ERR_OK);
	assert_int_equal(transport_peer(one.transport, 3, "other", other.url), ERR_OK);
	assert_int_equal(transport_peer(same.transport, 1, "one", one.url), ERR_OK);
	WAIT_FOR(transport_is_up(same.transport, 1)); /* the other had the same time */
	for (int i = 0; i < 100; i++) {
		assert_false(transport_is_up(other.transport, 1));
		assert_false(transport_is_up(one.transport, 3));
		poll(NULL, 0, LOOK_MS);
	}
	end_close(&other);
	end_close(&same);
	end_close(&one);
}

static void who_is_turned_away_is_told_why(void **state)
{
	struct end one = {0}, removed = {0};
	end_open(&one, 1);
	end_open(&removed, 2);
	atomic_store(&one.verdict, TRANSPORT_REMOVED);
	assert_int_equal(transport_peer(removed.transport, 1, "one", one.url), ERR_OK);
	WAIT_FOR(atomic_load(&removed.judged[TRANSPORT_REMOVED]) > 1); /* and again, when it comes again */
	assert_false(transport_is_up(removed.transport, 1));
	atomic_store(&one.verdict, TRANSPORT_OTHER_DIRECTORY);
	WAIT_FOR(atomic_load(&removed.judged[TRANSPORT_OTHER_DIRECTORY]) > 0);
	assert_int_equal(atomic_load(&removed.judged[TRANSPORT_WELCOME]), 0);
	atomic_store(&one.verdict, TRANSPORT_WELCOME);
	WAIT_FOR(transport_is_up(removed.transport, 1));
	end_close(&one);
	end_close(&removed);
}

static void who_dials_judges_too(void **state)
{
	struct end one = {.verdict = TRANSPORT_OTHER_DIRECTORY}, other = {0}, third = {0};
	end_open(&one, 1);
	end_open(&other, 2);
	end_open(&third, 3);
	assert_int_equal(transport_peer(one.transport, 2, "other", other.url), ERR_OK);
	assert_int_equal(transport_peer(third.transport, 2, "other", other.url), ERR_OK);
	WAIT_FOR(transport_is_up(third.transport, 2)); /* the first had the same time */
	for (int i = 0; i < 100; i++) {
		assert_false(transport_is_up(one.transport, 2));
		poll(NULL, 0, LOOK_MS);
	}
	end_close(&one);
	end_close(&other);
	end_close(&third);
}

static void who_may_not_speak_is_hung_up_on(void **state)
{
	struct end one = {.deaf = true}, other = {0};
	end_open(&one, 1);
	end_open(&other, 2);
	assert_int_equal(transport_peer(other.transport, 1, "one", one.url), ERR_OK);
	WAIT_FOR(transport_is_up(other.transport, 1));
	assert_int_equal(end_send(&other, &one, 1, 10), ERR_OK);
	transport_flush(other.transport);
	WAIT_FOR(atomic_load(&other.unreachable) > 0);
	assert_int_equal(atomic_load(&one.directory), 1002);
	assert_int_equal(atomic_load(&one.received), 0);
	atomic_store(&one.deaf, false);
	WAIT_FOR(transport_is_up(other.transport, 1));
	assert_int_equal(end_send(&other, &one, 2, 10), ERR_OK);
	transport_flush(other.transport);
	WAIT_FOR(atomic_load(&one.received) == 1);
	end_close(&one);
	end_close(&other);
}

static void who_is_forgotten_has_to_say_hello_again(void **state)
{
	struct end one = {0}, other = {0};
	uint64_t ids[4];
	end_open(&one, 1);
	end_open(&other, 2);
	assert_int_equal(transport_peer(one.transport, 2, "other", other.url), ERR_OK);
	assert_int_equal(transport_peer(other.transport, 1, "one", one.url), ERR_OK);
	WAIT_FOR(transport_is_up(one.transport, 2) && transport_is_up(other.transport, 1));
	assert_int_equal(transport_peers(one.transport, ids, 4), 1);
	assert_int_equal(ids[0], 2);
	unsigned welcomes = atomic_load(&other.judged[TRANSPORT_WELCOME]);
	transport_forget(one.transport, 2);
	WAIT_FOR(atomic_load(&other.judged[TRANSPORT_WELCOME]) > welcomes);
	WAIT_FOR(!transport_is_up(one.transport, 2)); /* it is not dialled */
	assert_int_equal(transport_peer(one.transport, 2, "other", other.url), ERR_OK);
	WAIT_FOR(transport_is_up(one.transport, 2));
	end_close(&one);
	end_close(&other);
}

/* ---- strangers ---- */

static int stranger_dial(const struct end *end)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	unsigned port = 0;
	assert_int_equal(sscanf(end->url, "tcp://127.0.0.1:%u", &port), 1);
	address.sin_port = htons((uint16_t)port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static int stranger_ask(const struct end *end, const char *name)
{
	AUTO_BUFFER struct buffer buffer;
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Join join = PEER__JOIN__INIT;
	buffer_init(&buffer, 1 << 20);
	join.magic = TRANSPORT_MAGIC;
	join.name = (char *)name;
	envelope.body_case = PEER__ENVELOPE__BODY_JOIN;
	envelope.join = &join;
	assert_int_equal(frame_pack(&envelope, &buffer), ERR_OK);
	int fd = stranger_dial(end);
	assert_int_equal(send(fd, buffer.data, buffer.size, MSG_NOSIGNAL), buffer.size);
	return fd;
}

/* The outcome in the answer, after which nothing more comes; 0: none came. */
static uint32_t stranger_hear(int fd)
{
	static uint8_t input[1 << 20];
	size_t size = 0;
	ssize_t came;
	while ((came = recv(fd, input + size, sizeof input - size, 0)) > 0)
		size += (size_t)came;
	close(fd);
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes body = BYTES_NONE;
	Peer__Envelope *envelope = NULL;
	if (frame_split(bytes_of(input, size), &body, &size) != ERR_OK)
		return 0;
	assert_int_equal(frame_unpack(body, &arena, &envelope), ERR_OK);
	assert_int_equal(envelope->body_case, PEER__ENVELOPE__BODY_JOIN_ANSWER);
	return envelope->join_answer->outcome;
}

static void who_asks_to_join_is_answered_once(void **state)
{
	static char why[500000];
	struct end one = {0};
	Peer__JoinAnswer answer = PEER__JOIN_ANSWER__INIT;
	end_open(&one, 1);
	int fd = stranger_ask(&one, "n2");
	WAIT_FOR(atomic_load(&one.asks) == 1);
	memset(why, 'x', sizeof why - 1); /* more than a socket takes at once */
	answer.outcome = JOIN_REFUSED;
	answer.why = why;
	uint64_t ticket = atomic_load(&one.ticket);
	transport_answer(one.transport, ticket + 1, &answer); /* nobody's */
	transport_answer(one.transport, ticket, &answer);
	transport_answer(one.transport, ticket, &answer);
	assert_int_equal(stranger_hear(fd), JOIN_REFUSED);
	end_close(&one);
}

static void those_who_ask_do_not_fill_the_node(void **state)
{
	struct end one = {0};
	int asking[TRANSPORT_ASKS_MAX];
	end_open(&one, 1);
	for (unsigned i = 0; i < TRANSPORT_ASKS_MAX; i++) {
		asking[i] = stranger_ask(&one, "n2");
		WAIT_FOR(atomic_load(&one.asks) == i + 1);
	}
	assert_int_equal(stranger_hear(stranger_ask(&one, "n3")), JOIN_LATER);
	assert_int_equal(atomic_load(&one.asks), TRANSPORT_ASKS_MAX);
	/* One is answered: there is room for another. */
	Peer__JoinAnswer answer = PEER__JOIN_ANSWER__INIT;
	answer.outcome = JOIN_REFUSED;
	transport_answer(one.transport, atomic_load(&one.ticket), &answer);
	assert_int_equal(stranger_hear(asking[TRANSPORT_ASKS_MAX - 1]), JOIN_REFUSED);
	int other = stranger_ask(&one, "n4");
	WAIT_FOR(atomic_load(&one.asks) == TRANSPORT_ASKS_MAX + 1);
	end_close(&one); /* the others wait, and are hung up on */
	for (unsigned i = 0; i < TRANSPORT_ASKS_MAX - 1; i++)
		assert_int_equal(stranger_hear(asking[i]), 0);
	assert_int_equal(stranger_hear(other), 0);
}

static void a_stranger_who_says_too_much_is_hung_up_on(void **state)
{
	static char name[TRANSPORT_STRANGER_BYTES_MAX + 1];
	struct end one = {0};
	memset(name, 'x', sizeof name - 1);
	end_open(&one, 1);
	assert_int_equal(stranger_hear(stranger_ask(&one, name)), 0);
	assert_int_equal(atomic_load(&one.asks), 0);
	end_close(&one);
}

/* More than there can be connections, all silent: a member comes in all the same. */
static void silent_strangers_keep_no_member_out(void **state)
{
	enum { STRANGERS = TRANSPORT_INBOUND_MAX + 50 };
	static int strangers[STRANGERS];
	struct end one = {0}, member = {0};
	end_open(&one, 1);
	for (int i = 0; i < STRANGERS; i++)
		strangers[i] = stranger_dial(&one);
	char nothing;
	assert_true(recv(strangers[0], &nothing, 1, 0) <= 0); /* the first had to go, for the last */
	assert_int_equal(recv(strangers[STRANGERS - 1], &nothing, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	end_open(&member, 2);
	assert_int_equal(transport_peer(member.transport, 1, "one", one.url), ERR_OK);
	WAIT_FOR(transport_is_up(member.transport, 1));
	for (int i = 0; i < STRANGERS; i++)
		close(strangers[i]);
	end_close(&member);
	end_close(&one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_arrive_whole_and_in_order),
	    cmocka_unit_test(a_peer_that_comes_back_is_dialled_again),
	    cmocka_unit_test(a_peer_that_goes_in_the_middle_of_a_send_is_dialled_again),
	    cmocka_unit_test(another_cluster_or_member_is_not_spoken_to),
	    cmocka_unit_test(a_full_queue_drops_and_never_blocks),
	    cmocka_unit_test(strangers_who_talk_nonsense_are_hung_up_on),
	    cmocka_unit_test(an_earlier_start_of_a_member_is_refused),
	    cmocka_unit_test(another_election_timeout_is_refused),
	    cmocka_unit_test(who_is_turned_away_is_told_why),
	    cmocka_unit_test(who_dials_judges_too),
	    cmocka_unit_test(who_may_not_speak_is_hung_up_on),
	    cmocka_unit_test(who_is_forgotten_has_to_say_hello_again),
	    cmocka_unit_test(who_asks_to_join_is_answered_once),
	    cmocka_unit_test(those_who_ask_do_not_fill_the_node),
	    cmocka_unit_test(a_stranger_who_says_too_much_is_hung_up_on),
	    cmocka_unit_test(silent_strangers_keep_no_member_out),
	};
	return UNIT_RUN(tests);
}

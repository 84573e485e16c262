/* SPDX-License-Identifier: Apache-2.0 */
/* A joiner against members that this test plays. */
#include "replica/join.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "tests/unit/unit.h"

enum { STEPS_MAX = 8, ASK_BYTES_MAX = FRAME_HEADER_BYTES + TRANSPORT_STRANGER_BYTES_MAX };

/* What the member does with one connection. */
enum step {
	STEP_END,
	STEP_LET_IN,
	STEP_SEND_ON,
	STEP_REFUSE,
	STEP_NOT_NOW,
	STEP_HANG_UP,
	STEP_NONSENSE,
	STEP_TWO_LEADERS
};

struct member {
	int listener;
	char url[64];
	const struct member *leader; /* where it sends a joiner */
	enum step steps[STEPS_MAX];
	uint64_t claims[STEPS_MAX]; /* of each ask */
	size_t heard;
	char name[64], replace[64], peer_urls[64];
	uint32_t election_timeout_ms;
	pthread_t thread;
};

static char directory[64];
static struct arena arena;

static int set_up(void **state)
{
	log_level_set(getenv("VERBOSE") != NULL ? LOG_DEBUG_LEVEL : LOG_ERROR_LEVEL + 1);
	arena_init(&arena);
	snprintf(directory, sizeof directory, "/tmp/etcfs-join-XXXXXX");
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	arena_fini(&arena);
	return file_remove_tree(directory) == ERR_OK ? 0 : -1;
}

/* ---- the member ---- */

static void member_init(struct member *member)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	member->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(member->listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(member->listener, STEPS_MAX), 0);
	assert_int_equal(getsockname(member->listener, (struct sockaddr *)&address, &size), 0);
	snprintf(member->url, sizeof member->url, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
}

static void member_hear(struct member *member, int connection)
{
	uint8_t input[ASK_BYTES_MAX];
	size_t size = 0, wanted = FRAME_HEADER_BYTES;
	struct bytes body = BYTES_NONE;
	struct arena memory;
	Peer__Envelope *envelope = NULL;
	arena_init(&memory);
	while (frame_split(bytes_of(input, size), &body, &wanted) == ERR_NOT_FOUND) {
		ssize_t came = recv(connection, input + size, sizeof input - size, 0);
		assert_true(came > 0);
		size += (size_t)came;
	}
	assert_int_equal(frame_unpack(body, &memory, &envelope), ERR_OK);
	assert_int_equal(envelope->body_case, PEER__ENVELOPE__BODY_JOIN);
	const Peer__Join *ask = envelope->join;
	assert_int_equal(ask->magic, TRANSPORT_MAGIC);
	assert_int_equal(ask->version, TRANSPORT_PROTOCOL);
	member->claims[member->heard++] = ask->claim;
	snprintf(member->name, sizeof member->name, "%s", ask->name);
	snprintf(member->replace, sizeof member->replace, "%s", ask->replace);
	snprintf(member->peer_urls, sizeof member->peer_urls, "%s", ask->peer_urls);
	member->election_timeout_ms = ask->election_timeout_ms;
	arena_fini(&memory);
}

static void member_answer(int connection, const Peer__JoinAnswer *answer)
{
	AUTO_BUFFER struct buffer buffer;
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	buffer_init(&buffer, 1 << 20);
	envelope.body_case = PEER__ENVELOPE__BODY_JOIN_ANSWER;
	envelope.join_answer = (Peer__JoinAnswer *)answer;
	assert_int_equal(frame_pack(&envelope, &buffer), ERR_OK);
	/* In two pieces, as a network may. */
	assert_int_equal(send(connection, buffer.data, 5, MSG_NOSIGNAL), 5);
	assert_int_equal(send(connection, buffer.data + 5, buffer.size - 5, MSG_NOSIGNAL), buffer.size - 5);
}

static void member_let_in(int connection, size_t leaders)
{
	Peer__JoinAnswer answer = PEER__JOIN_ANSWER__INIT;
	Peer__JoinMember one = PEER__JOIN_MEMBER__INIT, joiner = one;
	one.id = 5;
	one.name = (char *)"n1";
	one.peer_urls = (char *)"tcp://a:1";
	joiner.id = 9;
	joiner.name = (char *)"n2";
	joiner.peer_urls = (char *)"tcp://b:1";
	Peer__JoinMember *initial[] = {&one, &one}, *members[] = {&one, &joiner};
	answer.outcome = JOIN_LET_IN;
	answer.cluster = 1;
	answer.token = 3;
	answer.member = 9;
	answer.initial = initial;
	answer.n_initial = leaders;
	answer.members = members;
	answer.n_members = 2;
	member_answer(connection, &answer);
}

static void member_take_step(const struct member *member, enum step step, int connection)
{
	Peer__JoinAnswer answer = PEER__JOIN_ANSWER__INIT;
	switch (step) {
	case STEP_LET_IN:
		member_let_in(connection, 1);
		break;
	case STEP_TWO_LEADERS:
		member_let_in(connection, 2); /* the same id twice */
		break;
	case STEP_SEND_ON:
		answer.outcome = JOIN_ELSEWHERE;
		answer.url = (char *)member->leader->url;
		member_answer(connection, &answer);
		break;
	case STEP_REFUSE:
		answer.outcome = JOIN_REFUSED;
		answer.why = (char *)"the name is taken";
		member_answer(connection, &answer);
		break;
	case STEP_NOT_NOW:
		answer.outcome = JOIN_LATER;
		answer.why = (char *)"there is no leader";
		member_answer(connection, &answer);
		break;
	case STEP_NONSENSE:
		assert_int_equal(send(connection, "HTTP/1.1 400 Bad Request\r\n", 26, MSG_NOSIGNAL), 26);
		break;
	case STEP_HANG_UP:
	case STEP_END:
		break;
	}
}

static void *member_main(void *argument)
{
	struct member *member = argument;
	for (size_t i = 0; i < STEPS_MAX && member->steps[i] != STEP_END; i++) {
		int connection = accept(member->listener, NULL, NULL);
		assert_true(connection >= 0);
		member_hear(member, connection);
		member_take_step(member, member->steps[i], connection);
		close(connection);
	}
	return NULL;
}

static void member_start(struct member *member)
{
	assert_int_equal(pthread_create(&member->thread, NULL, member_main, member), 0);
}

static void member_fini(struct member *member)
{
	pthread_join(member->thread, NULL);
	close(member->listener);
}

/* ---- the joiner ---- */

static struct replica_options options_of(const char *url)
{
	static const struct replica_peer alone = {"n2", "tcp://b:1"};
	return (struct replica_options){.name = "n2",
	                                .data_directory = directory,
	                                .listen_peer_url = "tcp://0.0.0.0:1",
	                                .client_urls = "",
	                                .initial_cluster = &alone,
	                                .initial_count = 1,
	                                .join_url = url,
	                                .election_timeout_ms = 1234};
}

static enum err join_at(const char *url, struct identity *identity)
{
	struct replica_options options = options_of(url);
	return join_cluster(&options, &arena, identity);
}

static void who_is_let_in_learns_who_it_is(void **state)
{
	struct member member = {.steps = {STEP_LET_IN}};
	struct identity identity = {0};
	member_init(&member);
	member_start(&member);
	assert_int_equal(join_at(member.url, &identity), ERR_OK);
	member_fini(&member);
	assert_int_equal(identity.cluster, 1);
	assert_int_equal(identity.token, 3);
	assert_int_equal(identity.member, 9);
	assert_int_equal(identity.member_count, 1);
	assert_int_equal(identity.members[0].id, 5);
	assert_int_equal(identity.contact_count, 2);
	assert_string_equal(identity.contacts[1].peer_urls, "tcp://b:1");
	assert_true(identity.joined && identity.confirmed && !identity.removed);
	assert_int_not_equal(identity.directory, 0);
	assert_string_equal(member.name, "n2");
	assert_string_equal(member.peer_urls, "tcp://b:1");
	assert_string_equal(member.replace, "");
	assert_int_equal(member.election_timeout_ms, 1234);
}

static void it_asks_until_somebody_can_say_and_always_as_the_same(void **state)
{
	struct member leader = {.steps = {STEP_HANG_UP, STEP_LET_IN}};
	struct member member = {.steps = {STEP_NOT_NOW, STEP_HANG_UP, STEP_SEND_ON, STEP_SEND_ON}, .leader = &leader};
	struct identity identity = {0};
	member_init(&member);
	member_init(&leader);
	member_start(&member);
	member_start(&leader);
	assert_int_equal(join_at(member.url, &identity), ERR_OK);
	member_fini(&member);
	member_fini(&leader);
	assert_int_equal(member.heard, 4);
	assert_int_equal(leader.heard, 2);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(member.claims[i], leader.claims[0]);
	assert_int_equal(leader.claims[1], leader.claims[0]);
	assert_true(leader.claims[0] > KV_CLAIM_OPEN);
}

/* The process ended after the answer and before the identity was saved. */
static void after_a_crash_it_asks_as_the_same(void **state)
{
	struct member member = {.steps = {STEP_LET_IN, STEP_LET_IN, STEP_LET_IN}};
	struct identity identity = {0};
	member_init(&member);
	member_start(&member);
	assert_int_equal(join_at(member.url, &identity), ERR_OK);
	assert_int_equal(join_at(member.url, &identity), ERR_OK);
	assert_int_equal(join_check_none(directory), ERR_INVALID);
	assert_int_equal(join_forget_claim(directory), ERR_OK);
	assert_int_equal(join_check_none(directory), ERR_OK);
	assert_int_equal(join_at(member.url, &identity), ERR_OK); /* another machine, as it were */
	member_fini(&member);
	assert_int_equal(member.claims[1], member.claims[0]);
	assert_int_not_equal(member.claims[2], member.claims[0]);
}

static void a_claim_that_is_not_whole_is_not_replaced_by_another(void **state)
{
	char path[96];
	struct identity identity = {0};
	snprintf(path, sizeof path, "%s/joining", directory);
	assert_int_equal(file_replace(path, BYTES_LITERAL("garbage of 16 b."), 0600), ERR_OK);
	assert_int_equal(join_at("tcp://127.0.0.1:1", &identity), ERR_CORRUPT);
}

static void what_is_refused_is_over(void **state)
{
	struct member member = {.steps = {STEP_NOT_NOW, STEP_REFUSE}};
	struct identity identity = {0};
	struct replica_options options;
	member_init(&member);
	member_start(&member);
	options = options_of(member.url);
	options.replace = "n9";
	assert_int_equal(join_cluster(&options, &arena, &identity), ERR_INVALID);
	member_fini(&member);
	assert_string_equal(member.replace, "n9");
	assert_int_equal(identity.member, 0);
}

static void who_does_not_speak_our_language_is_told_from_who_is_not_there(void **state)
{
	struct member member = {.steps = {STEP_NONSENSE, STEP_TWO_LEADERS}};
	struct identity identity = {0};
	member_init(&member);
	member_start(&member);
	assert_int_equal(join_at(member.url, &identity), ERR_PROTOCOL);
	assert_int_equal(join_at(member.url, &identity), ERR_PROTOCOL);
	member_fini(&member);
	assert_int_equal(join_at("nonsense", &identity), ERR_ADDRESS_INVALID);
}

static bool after_some_looks(void *argument)
{
	unsigned *looks = argument;
	return ++*looks > 3;
}

/* To somebody who takes the connection and says nothing, and where nobody listens. */
static void it_can_be_given_up_whatever_it_waits_for(void **state)
{
	struct member silent = {0};
	struct identity identity = {0};
	unsigned looks = 0;
	member_init(&silent);
	struct replica_options options = options_of(silent.url);
	options.give_up = after_some_looks;
	options.give_up_argument = &looks;
	assert_int_equal(join_cluster(&options, &arena, &identity), ERR_CANCELED);
	close(silent.listener);
	looks = 0;
	assert_int_equal(join_cluster(&options, &arena, &identity), ERR_CANCELED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(who_is_let_in_learns_who_it_is, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(it_asks_until_somebody_can_say_and_always_as_the_same, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(after_a_crash_it_asks_as_the_same, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_claim_that_is_not_whole_is_not_replaced_by_another, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_refused_is_over, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(who_does_not_speak_our_language_is_told_from_who_is_not_there, set_up,
	                                    tear_down),
	    cmocka_unit_test_setup_teardown(it_can_be_given_up_whatever_it_waits_for, set_up, tear_down),
	};
	return UNIT_RUN(tests);
}

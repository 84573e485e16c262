/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "tests/support/solo.h"
#include "tests/unit/api/fixture.h"

static struct replica_change asked; /* its strings are the caller's: what they said is checked where it is asked */
static char asked_name[32], asked_urls[64];
static struct replica_change_outcome answer = {.err = ERR_OK, .why = "", .id = SOLO_MEMBER};

static struct replica_change_outcome decide(const struct replica_change *change)
{
	asked = *change;
	snprintf(asked_name, sizeof asked_name, "%s", change->name);
	snprintf(asked_urls, sizeof asked_urls, "%s", change->peer_urls);
	return answer;
}

static int members_begin(void **state)
{
	int status = fixture_begin(state);
	answer = (struct replica_change_outcome){.err = ERR_OK, .why = "", .id = SOLO_MEMBER};
	asked = (struct replica_change){0};
	solo_decide(fixture_of(state)->replica, decide);
	return status;
}

static const Etcfs__Control__Answer *change(struct fixture *fixture, int kind, const char *member, const char *urls)
{
	Etcfs__Control__MemberChangeRequest request = ETCFS__CONTROL__MEMBER_CHANGE_REQUEST__INIT;
	request.kind = (Etcfs__Control__MemberChangeKind)kind;
	request.member = (char *)member;
	request.peer_url = (char *)urls;
	return fixture_ask(fixture, "member_change", false, &request);
}

static const Etcfs__Control__Answer *lead(struct fixture *fixture, const char *member)
{
	Etcfs__Control__LeaderMoveRequest request = ETCFS__CONTROL__LEADER_MOVE_REQUEST__INIT;
	request.member = (char *)member;
	return fixture_ask(fixture, "leader_move", false, &request);
}

static const Etcfs__Control__MemberResponse *done(struct fixture *fixture, const Etcfs__Control__Answer *said)
{
	return fixture_response(fixture, said, &etcfs__control__member_response__descriptor);
}

static void each_change_is_asked_for_as_what_it_is(void **state)
{
	static const struct {
		Etcfs__Control__MemberChangeKind asked;
		enum replica_change_kind done;
	} kinds[] = {
	    {ETCFS__CONTROL__MEMBER_CHANGE_KIND__remove, REPLICA_REMOVE},
	    {ETCFS__CONTROL__MEMBER_CHANGE_KIND__promote, REPLICA_PROMOTE},
	    {ETCFS__CONTROL__MEMBER_CHANGE_KIND__demote, REPLICA_DEMOTE},
	    {ETCFS__CONTROL__MEMBER_CHANGE_KIND__update, REPLICA_UPDATE},
	};
	for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++) {
		const Etcfs__Control__MemberResponse *response =
		    done(fixture_of(state), change(fixture_of(state), kinds[at].asked, "n1", "tcp://h:1"));
		assert_int_equal(asked.kind, kinds[at].done);
		assert_int_equal(asked.id, SOLO_MEMBER);
		assert_string_equal(asked_urls, kinds[at].done == REPLICA_UPDATE ? "tcp://h:1" : "");
		assert_string_equal(response->id, "1");
		assert_string_equal(response->name, "n1");
	}
}

static void an_added_member_has_a_name_of_its_own(void **state)
{
	answer.id = 0x5eed;
	const Etcfs__Control__MemberResponse *response = done(
	    fixture_of(state), change(fixture_of(state), ETCFS__CONTROL__MEMBER_CHANGE_KIND__add, "n4", "tcp://h:4"));
	assert_int_equal(asked.kind, REPLICA_ADD);
	assert_int_equal(asked.id, 0);
	assert_string_equal(asked_name, "n4");
	assert_string_equal(asked_urls, "tcp://h:4");
	assert_string_equal(response->id, "5eed");
	assert_string_equal(response->name, ""); /* not known here yet */
}

static void who_is_not_there_is_not_changed(void **state)
{
	const Etcfs__Control__Answer *refused =
	    change(fixture_of(state), ETCFS__CONTROL__MEMBER_CHANGE_KIND__remove, "n2", "");
	assert_string_equal(refused->error, "NOT_FOUND");
	assert_non_null(strstr(refused->detail, "n1 (1)"));
	assert_int_equal(asked.kind, 0);
	refused = change(fixture_of(state), 5, "n1", "");
	assert_string_equal(refused->error, "UNSUPPORTED");
	assert_int_equal(asked.kind, 0);
}

static void what_cannot_be_a_name_or_an_address_goes_nowhere(void **state)
{
	struct fixture *fixture = fixture_of(state);
	static const char *const wrong[][3] = {{"n 4", "tcp://h:4", "name"},         {"", "tcp://h:4", "name"},
	                                       {"n4", "", "tcp://HOST:PORT"},        {"n4", "h:4", "tcp://HOST:PORT"},
	                                       {"n4", "tcp://h:4,tcp://h:5", "URL"}, {"n4", "tls://h:4", "TLS"}};
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
		const Etcfs__Control__Answer *refused =
		    change(fixture, ETCFS__CONTROL__MEMBER_CHANGE_KIND__add, wrong[at][0], wrong[at][1]);
		assert_string_equal(refused->error, "INVALID");
		assert_non_null(strstr(refused->detail, wrong[at][2]));
	}
	assert_string_equal(change(fixture, ETCFS__CONTROL__MEMBER_CHANGE_KIND__update, "n1", "h:1")->error, "INVALID");
	assert_int_equal(asked.kind, 0);
	change(fixture, ETCFS__CONTROL__MEMBER_CHANGE_KIND__update, "n1", "http://h:1/");
	assert_string_equal(asked_urls, "tcp://h:1"); /* as everybody writes it */
}

static void what_is_yet_to_come_of_it_is_said(void **state)
{
	answer.why = "n1 votes once it has caught up";
	const Etcfs__Control__MemberResponse *response =
	    done(fixture_of(state), change(fixture_of(state), ETCFS__CONTROL__MEMBER_CHANGE_KIND__promote, "n1", ""));
	assert_string_equal(response->note, "n1 votes once it has caught up");
}

static void a_refusal_says_why(void **state)
{
	answer = (struct replica_change_outcome){.err = ERR_INVALID, .why = "n1 is the last voter"};
	const Etcfs__Control__Answer *refused =
	    change(fixture_of(state), ETCFS__CONTROL__MEMBER_CHANGE_KIND__remove, "n1", "");
	assert_string_equal(refused->error, "INVALID");
	assert_string_equal(refused->detail, "n1 is the last voter");
}

static void leadership_goes_to_one_or_to_anyone(void **state)
{
	struct fixture *fixture = fixture_of(state);
	assert_string_equal(done(fixture, lead(fixture, ""))->name, "n1");
	assert_int_equal(asked.id, 0);
	done(fixture, lead(fixture, "n1"));
	assert_int_equal(asked.id, SOLO_MEMBER);
	assert_string_equal(lead(fixture, "n2")->error, "NOT_FOUND");
}

static void a_change_waits_no_longer_than_it_may(void **state)
{
	struct fixture *fixture = fixture_of(state);
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	assert_string_equal(change(fixture, ETCFS__CONTROL__MEMBER_CHANGE_KIND__demote, "n1", "")->error, "TIMEOUT");
}

static void a_client_may_leave_while_its_change_waits(void **state)
{
	struct fixture *fixture = fixture_of(state);
	solo_hold(fixture->replica);
	int fd = fixture_connect(fixture);
	Etcfs__Control__MemberChangeRequest demote = ETCFS__CONTROL__MEMBER_CHANGE_REQUEST__INIT;
	demote.kind = ETCFS__CONTROL__MEMBER_CHANGE_KIND__demote;
	demote.member = (char *)"n1";
	fixture_send(fixture, fd, "member_change", false, &demote);
	close(fd);
	Etcfs__Control__StatusRequest request = ETCFS__CONTROL__STATUS_REQUEST__INIT;
	fixture_ask(fixture, "status", false, &request);
	solo_release(fixture->replica); /* the sanitizers see what is left behind */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, members_begin, fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(each_change_is_asked_for_as_what_it_is),    CASE(an_added_member_has_a_name_of_its_own),
	    CASE(who_is_not_there_is_not_changed),           CASE(what_cannot_be_a_name_or_an_address_goes_nowhere),
	    CASE(what_is_yet_to_come_of_it_is_said),         CASE(a_refusal_says_why),
	    CASE(leadership_goes_to_one_or_to_anyone),       CASE(a_change_waits_no_longer_than_it_may),
	    CASE(a_client_may_leave_while_its_change_waits),
	};
	return UNIT_RUN(tests);
}

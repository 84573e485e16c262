/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "tests/support/solo.h"
#include "tests/unit/api/rpc_fixture.h"

#define CLUSTER "/etcdserverpb.Cluster/"
#define STRANGER UINT64_C(0x1234)

/* What the replica was asked for last, and what it says to it. */
static struct replica_change asked;
static char asked_urls[64];
static size_t asked_count;
static enum err outcome;

static struct replica_change_outcome decide(const struct replica_change *change)
{
	asked = *change;
	asked_count++;
	snprintf(asked_urls, sizeof asked_urls, "%s", change->peer_urls);
	return (struct replica_change_outcome){.err = outcome, .why = "", .id = SOLO_MEMBER};
}

static int begin(void **state)
{
	int failed = rpc_fixture_begin(state);
	outcome = ERR_OK;
	asked_count = 0;
	solo_decide(fixture_of(state)->replica, decide);
	return failed;
}

static Etcdserverpb__MemberAddRequest addition(char **urls, size_t count)
{
	Etcdserverpb__MemberAddRequest request = ETCDSERVERPB__MEMBER_ADD_REQUEST__INIT;
	request.peerurls = urls;
	request.n_peerurls = count;
	return request;
}

static void the_members_are_listed_without_a_revision(void **state)
{
	Etcdserverpb__MemberListRequest request = ETCDSERVERPB__MEMBER_LIST_REQUEST__INIT;
	request.linearizable = true;
	const Etcdserverpb__MemberListResponse *answer =
	    rpc_answer_of(CLUSTER "MemberList", &request, &etcdserverpb__member_list_response__descriptor);
	assert_int_equal(answer->n_members, 1);
	assert_int_equal(answer->members[0]->id, SOLO_MEMBER);
	assert_false(answer->members[0]->islearner);
	assert_int_equal(answer->header->revision, 0);
	assert_int_equal(answer->header->cluster_id, 1);
}

static void without_a_quorum_only_a_local_list_is_given(void **state)
{
	Etcdserverpb__MemberListRequest request = ETCDSERVERPB__MEMBER_LIST_REQUEST__INIT;
	solo_set_weather(fixture_of(state)->replica, SOLO_NO_QUORUM);
	rpc_answer_of(CLUSTER "MemberList", &request, &etcdserverpb__member_list_response__descriptor);
	request.linearizable = true;
	struct client_call *call =
	    client_begin(&rpc_client, CLUSTER "MemberList", (const char *[]){"grpc-timeout", "50m", NULL});
	client_send(call, &request.base);
	client_end(call);
	client_until_closed(call);
	assert_int_not_equal(call->code, RPC_OK);
}

static void a_member_is_added_under_all_its_urls(void **state)
{
	char *urls[] = {(char *)"http://10.0.0.1:2380", (char *)"tcp://10.0.0.2:2380"};
	const Etcdserverpb__MemberAddRequest request = addition(urls, 2);
	const Etcdserverpb__MemberAddResponse *answer =
	    rpc_answer_of(CLUSTER "MemberAdd", &request, &etcdserverpb__member_add_response__descriptor);
	assert_int_equal(asked.kind, REPLICA_ADD);
	assert_string_equal(asked_urls, "tcp://10.0.0.1:2380,tcp://10.0.0.2:2380");
	assert_false(asked.wants_no_vote);
	assert_int_equal(answer->member->id, SOLO_MEMBER);
	assert_int_equal(answer->n_members, 1);
}

static void one_that_is_added_as_a_learner_is_not_promoted_by_itself(void **state)
{
	char *urls[] = {(char *)"http://10.0.0.1:2380"};
	Etcdserverpb__MemberAddRequest request = addition(urls, 1);
	request.islearner = true;
	rpc_answer_of(CLUSTER "MemberAdd", &request, &etcdserverpb__member_add_response__descriptor);
	assert_true(asked.wants_no_vote);
}

static void urls_that_nobody_could_dial_are_refused(void **state)
{
	char *urls[] = {(char *)"http://10.0.0.1:2380", (char *)"nonsense"};
	Etcdserverpb__MemberAddRequest request = addition(urls, 2);
	assert_refused(CLUSTER "MemberAdd", &request, RPC_INVALID_ARGUMENT,
	               "etcdserver: given member URLs are invalid");
	request.n_peerurls = 0;
	assert_refused(CLUSTER "MemberAdd", &request, RPC_INVALID_ARGUMENT,
	               "etcdserver: given member URLs are invalid");
	assert_int_equal(asked_count, 0);
}

static void a_stranger_is_not_changed(void **state)
{
	char *urls[] = {(char *)"http://10.0.0.1:2380"};
	Etcdserverpb__MemberRemoveRequest remove = ETCDSERVERPB__MEMBER_REMOVE_REQUEST__INIT;
	Etcdserverpb__MemberUpdateRequest update = ETCDSERVERPB__MEMBER_UPDATE_REQUEST__INIT;
	Etcdserverpb__MemberPromoteRequest promote = ETCDSERVERPB__MEMBER_PROMOTE_REQUEST__INIT;
	remove.id = update.id = promote.id = STRANGER;
	update.peerurls = urls;
	update.n_peerurls = 1;
	assert_refused(CLUSTER "MemberRemove", &remove, RPC_NOT_FOUND, "etcdserver: member not found");
	assert_refused(CLUSTER "MemberUpdate", &update, RPC_NOT_FOUND, "etcdserver: member not found");
	assert_refused(CLUSTER "MemberPromote", &promote, RPC_NOT_FOUND, "etcdserver: member not found");
	assert_int_equal(asked_count, 0);
}

static void a_voter_is_not_promoted(void **state)
{
	Etcdserverpb__MemberPromoteRequest request = ETCDSERVERPB__MEMBER_PROMOTE_REQUEST__INIT;
	request.id = SOLO_MEMBER;
	assert_refused(CLUSTER "MemberPromote", &request, RPC_FAILED_PRECONDITION,
	               "etcdserver: can only promote a learner member");
}

static void what_the_leader_refuses_has_etcds_words(void **state)
{
	static const struct {
		enum err err;
		enum rpc_code code;
		const char *message;
	} rows[] = {
	    {ERR_NOT_FOUND, RPC_NOT_FOUND, "etcdserver: member not found"},
	    {ERR_EXISTS, RPC_FAILED_PRECONDITION, "etcdserver: Peer URLs already exists"},
	    {ERR_INVALID, RPC_UNKNOWN, "etcdserver: re-configuration failed due to not enough started members"},
	    {ERR_NO_LEADER, RPC_UNAVAILABLE, "etcdserver: no leader"},
	};
	Etcdserverpb__MemberRemoveRequest request = ETCDSERVERPB__MEMBER_REMOVE_REQUEST__INIT;
	request.id = SOLO_MEMBER;
	for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
		outcome = rows[at].err;
		assert_refused(CLUSTER "MemberRemove", &request, rows[at].code, rows[at].message);
		assert_int_equal(asked.kind, REPLICA_REMOVE);
		assert_int_equal(asked.id, SOLO_MEMBER);
	}
}

static void a_members_urls_are_changed(void **state)
{
	char *urls[] = {(char *)"http://10.0.0.9:2380"};
	Etcdserverpb__MemberUpdateRequest request = ETCDSERVERPB__MEMBER_UPDATE_REQUEST__INIT;
	request.id = SOLO_MEMBER;
	request.peerurls = urls;
	request.n_peerurls = 1;
	rpc_answer_of(CLUSTER "MemberUpdate", &request, &etcdserverpb__member_update_response__descriptor);
	assert_int_equal(asked.kind, REPLICA_UPDATE);
	assert_string_equal(asked_urls, "tcp://10.0.0.9:2380");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, rpc_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_members_are_listed_without_a_revision),
	    CASE(without_a_quorum_only_a_local_list_is_given),
	    CASE(a_member_is_added_under_all_its_urls),
	    CASE(one_that_is_added_as_a_learner_is_not_promoted_by_itself),
	    CASE(urls_that_nobody_could_dial_are_refused),
	    CASE(a_stranger_is_not_changed),
	    CASE(a_voter_is_not_promoted),
	    CASE(what_the_leader_refuses_has_etcds_words),
	    CASE(a_members_urls_are_changed),
	};
	return UNIT_RUN(tests);
}

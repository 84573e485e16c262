/* SPDX-License-Identifier: Apache-2.0 */
/* The services Lock and Election, which are queues of keys. */
#include "tests/unit/unit.h"

#include "api/proto/v3election.pb-c.h"
#include "api/proto/v3lock.pb-c.h"
#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/rpc_fixture.h"

#define LOCK "/v3lockpb.Lock/"
#define ELECTION "/v3electionpb.Election/"

static int begin(void **state)
{
	int failed = rpc_fixture_begin(state);
	for (int64_t id = 0x11; id <= 0x13; id++) {
		const struct kv_command command = {.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {id, 60}};
		kv_result_free(solo_apply_remote(fixture_of(state)->replica, &command));
	}
	return failed;
}

/* What was sent before it has come. */
static void pass_by(void)
{
	Etcdserverpb__StatusRequest request = ETCDSERVERPB__STATUS_REQUEST__INIT;
	rpc_answer_of("/etcdserverpb.Maintenance/Status", &request, &etcdserverpb__status_response__descriptor);
}

static struct client_call *lock_begin(int64_t lease)
{
	V3lockpb__LockRequest request = V3LOCKPB__LOCK_REQUEST__INIT;
	request.name = proto_data(BYTES_LITERAL("l"));
	request.lease = lease;
	struct client_call *call = client_begin(&rpc_client, LOCK "Lock", NULL);
	client_send(call, &request.base);
	client_end(call);
	pass_by();
	return call;
}

static void assert_locked(struct client_call *call, const char *key)
{
	client_until_closed(call);
	assert_int_equal(call->code, RPC_OK);
	const V3lockpb__LockResponse *answer = client_message(call, 0, &v3lockpb__lock_response__descriptor);
	assert_true(bytes_equal(proto_bytes(answer->key), bytes_of_string(key)));
	assert_true(answer->header->revision > 1);
}

static void unlock(const char *key)
{
	V3lockpb__UnlockRequest request = V3LOCKPB__UNLOCK_REQUEST__INIT;
	request.key = proto_data(bytes_of_string(key));
	rpc_answer_of(LOCK "Unlock", &request, &v3lockpb__unlock_response__descriptor);
}

static void a_lock_is_handed_on_in_order(void **state)
{
	(void)state;
	assert_locked(lock_begin(0x11), "l/11");
	assert_locked(lock_begin(0x11), "l/11"); /* its own */
	struct client_call *second = lock_begin(0x12), *third = lock_begin(0x13);
	assert_false(second->closed);
	unlock("l/11");
	assert_locked(second, "l/12");
	pass_by();
	assert_false(third->closed);
	unlock("l/12");
	assert_locked(third, "l/13");
	unlock("l/13");
}

static void who_leaves_gives_its_place_back(void **state)
{
	(void)state;
	assert_locked(lock_begin(0x11), "l/11");
	struct client_call *second = lock_begin(0x12), *third = lock_begin(0x13);
	client_reset(second);
	pass_by();
	unlock("l/11");
	assert_locked(third, "l/13");
}

static void who_has_lost_its_key_is_told(void **state)
{
	assert_locked(lock_begin(0x11), "l/11");
	struct client_call *second = lock_begin(0x12);
	const struct kv_command command = {.kind = KV_COMMAND_LEASE_REVOKE, .lease_revoke = {0x12}};
	kv_result_free(solo_apply_remote(fixture_of(state)->replica, &command));
	client_until_closed(second);
	assert_int_equal(second->code, RPC_UNKNOWN);
	assert_string_equal(second->message, "mutex: session is expired");
	second = lock_begin(0x12);
	client_until_closed(second);
	assert_string_equal(second->message, "etcdserver: requested lease not found");
}

/* ---- elections ---- */

static struct client_call *campaign_begin(int64_t lease, const char *value)
{
	V3electionpb__CampaignRequest request = V3ELECTIONPB__CAMPAIGN_REQUEST__INIT;
	request.name = proto_data(BYTES_LITERAL("e"));
	request.value = proto_data(bytes_of_string(value));
	request.lease = lease;
	struct client_call *call = client_begin(&rpc_client, ELECTION "Campaign", NULL);
	client_send(call, &request.base);
	client_end(call);
	pass_by();
	return call;
}

static V3electionpb__LeaderKey *won(struct client_call *call)
{
	client_until_closed(call);
	assert_int_equal(call->code, RPC_OK);
	const V3electionpb__CampaignResponse *answer =
	    client_message(call, 0, &v3electionpb__campaign_response__descriptor);
	return answer->leader;
}

static void resign(V3electionpb__LeaderKey *leader)
{
	V3electionpb__ResignRequest request = V3ELECTIONPB__RESIGN_REQUEST__INIT;
	request.leader = leader;
	rpc_answer_of(ELECTION "Resign", &request, &v3electionpb__resign_response__descriptor);
}

static void assert_observed(struct client_call *call, size_t at, const char *value)
{
	client_until_messages(call, at + 1);
	const V3electionpb__LeaderResponse *answer =
	    client_message(call, at, &v3electionpb__leader_response__descriptor);
	assert_true(bytes_equal(proto_bytes(answer->kv->value), bytes_of_string(value)));
}

static void observers_see_each_proclamation_of_each_leader(void **state)
{
	(void)state;
	V3electionpb__LeaderRequest name = V3ELECTIONPB__LEADER_REQUEST__INIT;
	name.name = proto_data(BYTES_LITERAL("e"));
	assert_refused(ELECTION "Leader", &name, RPC_UNKNOWN, "election: no leader");
	struct client_call *observer = client_begin(&rpc_client, ELECTION "Observe", NULL);
	client_send(observer, &name.base);
	client_end(observer);
	pass_by();
	V3electionpb__LeaderKey *first = won(campaign_begin(0x11, "one"));
	assert_observed(observer, 0, "one");
	struct client_call *second = campaign_begin(0x12, "two");
	V3electionpb__ProclaimRequest proclaim = V3ELECTIONPB__PROCLAIM_REQUEST__INIT;
	proclaim.leader = first;
	proclaim.value = proto_data(BYTES_LITERAL("more"));
	rpc_answer_of(ELECTION "Proclaim", &proclaim, &v3electionpb__proclaim_response__descriptor);
	assert_observed(observer, 1, "more");
	const V3electionpb__LeaderResponse *leader =
	    rpc_answer_of(ELECTION "Leader", &name, &v3electionpb__leader_response__descriptor);
	assert_true(bytes_equal(proto_bytes(leader->kv->value), BYTES_LITERAL("more")));
	V3electionpb__LeaderKey bare = *first;
	bare.lease = 0; /* it keeps the one that it has */
	proclaim.leader = &bare;
	rpc_answer_of(ELECTION "Proclaim", &proclaim, &v3electionpb__proclaim_response__descriptor);
	assert_observed(observer, 2, "more");
	leader = rpc_answer_of(ELECTION "Leader", &name, &v3electionpb__leader_response__descriptor);
	assert_int_equal(leader->kv->lease, 0x11);
	assert_false(second->closed);
	resign(first);
	assert_int_equal(won(second)->lease, 0x12);
	assert_observed(observer, 3, "two");
	assert_refused(ELECTION "Proclaim", &proclaim, RPC_UNKNOWN, "election: not leader");
	resign(first); /* it is a success */
	proclaim.leader = NULL;
	assert_refused(ELECTION "Proclaim", &proclaim, RPC_UNKNOWN, "\"leader\" field must be provided");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, rpc_fixture_end)
	const struct CMUnitTest tests[] = {
	    TEST(a_lock_is_handed_on_in_order),
	    TEST(who_leaves_gives_its_place_back),
	    TEST(who_has_lost_its_key_is_told),
	    TEST(observers_see_each_proclamation_of_each_leader),
	};
	return UNIT_RUN(tests);
}

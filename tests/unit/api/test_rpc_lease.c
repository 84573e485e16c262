/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/rpc_fixture.h"

#define LEASE "/etcdserverpb.Lease/"
#define NOT_FOUND "etcdserver: requested lease not found"

enum { MANY = 1500 };

static const Etcdserverpb__LeaseGrantResponse *grant(int64_t id, int64_t ttl)
{
	Etcdserverpb__LeaseGrantRequest request = ETCDSERVERPB__LEASE_GRANT_REQUEST__INIT;
	request.id = id;
	request.ttl = ttl;
	return rpc_answer_of(LEASE "LeaseGrant", &request, &etcdserverpb__lease_grant_response__descriptor);
}

static void put(const char *key, int64_t lease)
{
	Etcdserverpb__PutRequest request = ETCDSERVERPB__PUT_REQUEST__INIT;
	request.key = proto_data(bytes_of_string(key));
	request.lease = lease;
	rpc_answer_of("/etcdserverpb.KV/Put", &request, &etcdserverpb__put_response__descriptor);
}

static void a_lease_has_at_least_its_least_time_and_a_positive_id(void **state)
{
	(void)state;
	const Etcdserverpb__LeaseGrantResponse *answer = grant(0, 100);
	assert_true(answer->id > 0);
	assert_int_equal(answer->ttl, 100);
	assert_string_equal(answer->error, "");
	assert_int_equal(answer->header->revision, 1);
	assert_int_equal(grant(-5, -7)->id, -5);
	assert_true(grant(6, 0)->ttl > 0);
	assert_int_equal(grant(7, INT64_C(9000000000))->ttl, INT64_C(9000000000));
	Etcdserverpb__LeaseGrantRequest request = ETCDSERVERPB__LEASE_GRANT_REQUEST__INIT;
	request.ttl = INT64_C(9000000001);
	assert_refused(LEASE "LeaseGrant", &request, RPC_OUT_OF_RANGE, "etcdserver: too large lease TTL");
	request.ttl = 5;
	request.id = -5;
	assert_refused(LEASE "LeaseGrant", &request, RPC_FAILED_PRECONDITION, "etcdserver: lease already exists");
}

static void a_revoked_lease_takes_its_keys_with_it(void **state)
{
	(void)state;
	Etcdserverpb__LeaseRevokeRequest request = ETCDSERVERPB__LEASE_REVOKE_REQUEST__INIT;
	request.id = 5;
	assert_refused(LEASE "LeaseRevoke", &request, RPC_NOT_FOUND, NOT_FOUND);
	grant(5, 10);
	put("/a", 5);
	put("/b", 5);
	const Etcdserverpb__LeaseRevokeResponse *answer =
	    rpc_answer_of(LEASE "LeaseRevoke", &request, &etcdserverpb__lease_revoke_response__descriptor);
	assert_int_equal(answer->header->revision, 4);
	assert_refused(LEASE "LeaseRevoke", &request, RPC_NOT_FOUND, NOT_FOUND);
}

static const Etcdserverpb__LeaseTimeToLiveResponse *look(int64_t id, bool keys)
{
	Etcdserverpb__LeaseTimeToLiveRequest request = ETCDSERVERPB__LEASE_TIME_TO_LIVE_REQUEST__INIT;
	request.id = id;
	request.keys = keys;
	return rpc_answer_of(LEASE "LeaseTimeToLive", &request, &etcdserverpb__lease_time_to_live_response__descriptor);
}

static void what_is_left_is_told_with_the_keys_if_they_are_wanted(void **state)
{
	(void)state;
	grant(5, 60);
	put("/b", 5);
	put("/a", 5);
	const Etcdserverpb__LeaseTimeToLiveResponse *answer = look(5, false);
	assert_int_equal(answer->id, 5);
	assert_int_equal(answer->ttl, 60);
	assert_int_equal(answer->grantedttl, 60);
	assert_int_equal(answer->n_keys, 0);
	assert_int_equal(answer->header->revision, 3);
	answer = look(5, true);
	assert_int_equal(answer->id, 5);
	assert_int_equal(answer->ttl, 60);
	assert_int_equal(answer->n_keys, 2);
	assert_true(bytes_equal(proto_bytes(answer->keys[0]), BYTES_LITERAL("/a")));
	assert_int_equal(answer->header->revision, 3);
	answer = look(6, true);
	assert_int_equal(answer->id, 6);
	assert_int_equal(answer->ttl, -1);
	assert_int_equal(answer->grantedttl, 0);
}

static const Etcdserverpb__LeaseLeasesResponse *list(void)
{
	Etcdserverpb__LeaseLeasesRequest request = ETCDSERVERPB__LEASE_LEASES_REQUEST__INIT;
	return rpc_answer_of(LEASE "LeaseLeases", &request, &etcdserverpb__lease_leases_response__descriptor);
}

static void all_leases_are_listed(void **state)
{
	assert_int_equal(list()->n_leases, 0);
	for (int64_t id = 1; id <= MANY; id++) {
		const struct kv_command command = {.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {id, 10}};
		kv_result_free(solo_apply_remote(fixture_of(state)->replica, &command));
	}
	const Etcdserverpb__LeaseLeasesResponse *answer = list();
	assert_int_equal(answer->n_leases, MANY);
	for (size_t at = 0; at < MANY; at++)
		assert_int_equal(answer->leases[at]->id, at + 1);
}

static void those_that_end_first_are_listed_first(void **state)
{
	static const struct {
		int64_t id, ttl_s;
	} leases[] = {{7, 600}, {3, 600}, {9, 100}, {5, 300}, {1, 600}, {4, KV_LEASE_TTL_S_MAX}, {2, 1000}};
	for (size_t at = 0; at < sizeof leases / sizeof *leases; at++) {
		const struct kv_command command = {.kind = KV_COMMAND_LEASE_GRANT,
		                                   .lease_grant = {leases[at].id, leases[at].ttl_s}};
		kv_result_free(solo_apply_remote(fixture_of(state)->replica, &command));
	}
	const struct kv_lease_left left = {.id = 2, .left_ms = 200 * 1000};
	const struct kv_command checkpoint = {.kind = KV_COMMAND_LEASE_CHECKPOINT,
	                                      .lease_checkpoint = {.term = 1, .lefts = &left, .count = 1}};
	kv_result_free(solo_apply_remote(fixture_of(state)->replica, &checkpoint));
	static const int64_t expected[] = {9, 2, 5, 7, 3, 1, 4};
	const Etcdserverpb__LeaseLeasesResponse *answer = list();
	assert_int_equal(answer->n_leases, sizeof expected / sizeof *expected);
	for (size_t at = 0; at < answer->n_leases; at++)
		assert_int_equal(answer->leases[at]->id, expected[at]);
}

/* ---- LeaseKeepAlive ---- */

static void send_keep(struct client_call *call, int64_t id)
{
	Etcdserverpb__LeaseKeepAliveRequest request = ETCDSERVERPB__LEASE_KEEP_ALIVE_REQUEST__INIT;
	request.id = id;
	client_send(call, &request.base);
}

static void assert_kept(struct client_call *call, size_t at, int64_t id, int64_t ttl)
{
	client_until_messages(call, at + 1);
	const Etcdserverpb__LeaseKeepAliveResponse *answer =
	    client_message(call, at, &etcdserverpb__lease_keep_alive_response__descriptor);
	assert_int_equal(answer->id, id);
	assert_int_equal(answer->ttl, ttl);
	assert_int_equal(answer->header->revision, 1);
}

/* What was sent before it has come. */
static void pass_by(void)
{
	Etcdserverpb__StatusRequest request = ETCDSERVERPB__STATUS_REQUEST__INIT;
	rpc_answer_of("/etcdserverpb.Maintenance/Status", &request, &etcdserverpb__status_response__descriptor);
}

static void a_stream_is_answered_in_order_and_to_its_end(void **state)
{
	(void)state;
	grant(5, 10);
	grant(6, 20);
	struct client_call *call = client_begin(&rpc_client, LEASE "LeaseKeepAlive", NULL);
	send_keep(call, 5);
	assert_kept(call, 0, 5, 10);
	send_keep(call, 6);
	send_keep(call, 7);
	send_keep(call, 5);
	client_end(call);
	client_until_closed(call);
	assert_int_equal(call->code, RPC_OK);
	assert_int_equal(call->message_count, 4);
	assert_kept(call, 1, 6, 20);
	assert_kept(call, 2, 7, 0); /* there is no such lease */
	assert_kept(call, 3, 5, 10);
}

static void a_stream_waits_for_its_answers_before_it_ends(void **state)
{
	struct replica *replica = fixture_of(state)->replica;
	grant(5, 10);
	solo_hold(replica);
	struct client_call *call = client_begin(&rpc_client, LEASE "LeaseKeepAlive", NULL);
	send_keep(call, 5);
	client_end(call);
	pass_by();
	assert_false(call->closed);
	solo_release(replica);
	client_until_closed(call);
	assert_int_equal(call->code, RPC_OK);
	assert_int_equal(call->message_count, 1);
}

static void without_a_quorum_a_stream_fails(void **state)
{
	grant(5, 10);
	solo_set_weather(fixture_of(state)->replica, SOLO_NO_QUORUM);
	struct client_call *call =
	    client_begin(&rpc_client, LEASE "LeaseKeepAlive", (const char *[]){"grpc-timeout", "50m", NULL});
	send_keep(call, 5);
	client_until_closed(call);
	assert_int_equal(call->message_count, 0);
	assert_int_not_equal(call->code, RPC_OK);
}

static void a_client_that_leaves_meanwhile_is_forgotten(void **state)
{
	struct replica *replica = fixture_of(state)->replica;
	grant(5, 10);
	solo_hold(replica);
	struct client_call *call = client_begin(&rpc_client, LEASE "LeaseKeepAlive", NULL);
	send_keep(call, 5);
	send_keep(call, 6);
	pass_by();
	client_reset(call);
	pass_by();
	solo_release(replica);
	assert_int_equal(list()->n_leases, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rpc_fixture_begin, rpc_fixture_end)
	const struct CMUnitTest tests[] = {
	    TEST(a_lease_has_at_least_its_least_time_and_a_positive_id),
	    TEST(a_revoked_lease_takes_its_keys_with_it),
	    TEST(what_is_left_is_told_with_the_keys_if_they_are_wanted),
	    TEST(all_leases_are_listed),
	    TEST(those_that_end_first_are_listed_first),
	    TEST(a_stream_is_answered_in_order_and_to_its_end),
	    TEST(a_stream_waits_for_its_answers_before_it_ends),
	    TEST(without_a_quorum_a_stream_fails),
	    TEST(a_client_that_leaves_meanwhile_is_forgotten),
	};
	return UNIT_RUN(tests);
}

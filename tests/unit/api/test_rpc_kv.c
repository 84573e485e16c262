/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/rpc_fixture.h"

#define KV "/etcdserverpb.KV/"

static const char compacted[] = "etcdserver: mvcc: required revision has been compacted";

/* ---- compaction ---- */

static void a_physical_compaction_is_answered_when_what_it_left_is_gone(void **state)
{
	struct fixture *fixture = fixture_of(state);
	struct kv *kv = replica_kv(fixture->replica);
	Etcdserverpb__CompactionRequest request = ETCDSERVERPB__COMPACTION_REQUEST__INIT;
	for (int at = 0; at < 3000; at++)
		fixture_put_elsewhere(fixture, "/a", BYTES_LITERAL("x"));
	request.revision = 3000;
	request.physical = true;
	const Etcdserverpb__CompactionResponse *answer =
	    rpc_answer_of(KV "Compact", &request, &etcdserverpb__compaction_response__descriptor);
	assert_int_equal(kv_swept(kv), 3000);
	assert_int_equal(answer->header->revision, 3001);
	assert_refused(KV "Compact", &request, RPC_OUT_OF_RANGE, compacted);
	request.revision = 3002;
	assert_refused(KV "Compact", &request, RPC_OUT_OF_RANGE,
	               "etcdserver: mvcc: required revision is a future revision");
}

static void who_waits_for_a_compaction_may_go(void **state)
{
	struct fixture *fixture = fixture_of(state);
	Etcdserverpb__CompactionRequest request = ETCDSERVERPB__COMPACTION_REQUEST__INIT;
	for (int at = 0; at < 3000; at++)
		fixture_put_elsewhere(fixture, "/a", BYTES_LITERAL("x"));
	request.revision = 3000;
	request.physical = true;
	struct client_call *call = client_begin(&rpc_client, KV "Compact", NULL);
	client_send(call, &request.base);
	client_end(call);
	client_turn(&rpc_client);
	client_reset(call);
	client_until_over(call);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rpc_fixture_begin, rpc_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_physical_compaction_is_answered_when_what_it_left_is_gone),
	    CASE(who_waits_for_a_compaction_may_go),
	};
	return UNIT_RUN(tests);
}

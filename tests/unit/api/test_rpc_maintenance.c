/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/rpc_fixture.h"

#define MAINTENANCE "/etcdserverpb.Maintenance/"
#define STRANGER UINT64_C(0x1234)

enum { DIGEST_BYTES = 32, BLOCK_BYTES = 512, KEYS = 60, VALUE_BYTES = 100000 };

static const Etcdserverpb__StatusResponse *status_now(void)
{
	const Etcdserverpb__StatusRequest request = ETCDSERVERPB__STATUS_REQUEST__INIT;
	return rpc_answer_of(MAINTENANCE "Status", &request, &etcdserverpb__status_response__descriptor);
}

static void the_status_tells_of_this_member(void **state)
{
	fixture_put(fixture_of(state), "/a", "one");
	const Etcdserverpb__StatusResponse *answer = status_now();
	assert_string_equal(answer->version, "3.6.11");
	assert_string_equal(answer->storageversion, "3.6.0");
	assert_int_equal(answer->leader, SOLO_MEMBER);
	assert_int_equal(answer->header->revision, 2);
	assert_true(answer->raftindex != 0 && answer->raftindex == answer->raftappliedindex);
	assert_int_equal(answer->raftterm, answer->header->raft_term);
	assert_true(answer->dbsizeinuse > 0 && answer->dbsize >= answer->dbsizeinuse);
	assert_false(answer->islearner);
	assert_int_equal(answer->n_errors, 0);
	assert_non_null(answer->downgradeinfo);
}

static void a_store_has_a_size_from_the_beginning(void **state)
{
	const Etcdserverpb__StatusResponse *empty = status_now();
	assert_true(empty->dbsizeinuse > 0 && empty->dbsize >= empty->dbsizeinuse);
	fixture_put(fixture_of(state), "/a", "some bytes");
	assert_true(status_now()->dbsizeinuse >= empty->dbsizeinuse + 10);
}

static const Etcdserverpb__HashKVResponse *hash_at(int64_t revision)
{
	Etcdserverpb__HashKVRequest request = ETCDSERVERPB__HASH_KVREQUEST__INIT;
	request.revision = revision;
	return rpc_answer_of(MAINTENANCE "HashKV", &request, &etcdserverpb__hash_kvresponse__descriptor);
}

static void a_hash_is_that_of_its_revision(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a", "one");
	const Etcdserverpb__HashKVResponse *before = hash_at(0);
	fixture_put(fixture, "/a", "two");
	const Etcdserverpb__HashKVResponse *now = hash_at(0), *again = hash_at(2);
	assert_int_equal(before->hash_revision, 2);
	assert_int_equal(now->hash_revision, 3);
	assert_int_equal(now->compact_revision, -1);
	assert_int_not_equal(now->hash, before->hash);
	assert_int_equal(again->hash, before->hash);
	assert_int_equal(again->header->revision, 3);
	Etcdserverpb__HashKVRequest request = ETCDSERVERPB__HASH_KVREQUEST__INIT;
	request.revision = 4;
	assert_refused(MAINTENANCE "HashKV", &request, RPC_OUT_OF_RANGE,
	               "etcdserver: mvcc: required revision is a future revision");
}

static void the_hash_of_all_changes_with_it(void **state)
{
	const Etcdserverpb__HashRequest request = ETCDSERVERPB__HASH_REQUEST__INIT;
	const Etcdserverpb__HashResponse *before =
	    rpc_answer_of(MAINTENANCE "Hash", &request, &etcdserverpb__hash_response__descriptor);
	fixture_put(fixture_of(state), "/a", "one");
	const Etcdserverpb__HashResponse *after =
	    rpc_answer_of(MAINTENANCE "Hash", &request, &etcdserverpb__hash_response__descriptor);
	assert_int_not_equal(before->hash, after->hash);
}

/* Values that a stream does not hold at once. */
static void fill(struct fixture *fixture)
{
	char *value = malloc(VALUE_BYTES + 1);
	memset(value, 'x', VALUE_BYTES);
	value[VALUE_BYTES] = '\0';
	for (int at = 0; at < KEYS; at++)
		fixture_put(fixture, arena_format(&fixture->arena, "/fill/%d", at), value);
	free(value);
}

static void a_snapshot_is_whole_and_says_so(void **state)
{
	const Etcdserverpb__SnapshotRequest request = ETCDSERVERPB__SNAPSHOT_REQUEST__INIT;
	struct fixture *fixture = fixture_of(state);
	for (int at = 0; at < 20; at++)
		fixture_put(fixture, arena_format(&fixture->arena, "/a/%d", at), "one");
	const struct client_call *call = client_ask(&rpc_client, MAINTENANCE "Snapshot", &request.base);
	assert_int_equal(call->code, RPC_OK);
	AUTO_BUFFER struct buffer whole;
	buffer_init(&whole, 64 << 20);
	uint64_t remaining = UINT64_MAX;
	for (size_t at = 0; at < call->message_count; at++) {
		const Etcdserverpb__SnapshotResponse *piece =
		    client_message(call, at, &etcdserverpb__snapshot_response__descriptor);
		assert_true(piece->remaining_bytes <= remaining);
		remaining = piece->remaining_bytes;
		assert_int_equal(remaining == 0, at + 1 == call->message_count);
		assert_int_equal(piece->header->revision, 21);
		buffer_put(&whole, proto_bytes(piece->blob));
	}
	assert_int_equal(whole.size % BLOCK_BYTES, DIGEST_BYTES);
	uint8_t digest[DIGEST_BYTES];
	size_t size = whole.size - DIGEST_BYTES;
	assert_int_equal(EVP_Digest(whole.data, size, digest, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(digest, whole.data + size, DIGEST_BYTES);
	assert_memory_equal(whole.data, "etcfs-archive\n", 14);
}

/* The windows of its client are smaller than anything that would wake it otherwise. */
static void a_snapshot_goes_on_as_its_client_takes_it(void **state)
{
	const Etcdserverpb__SnapshotRequest request = ETCDSERVERPB__SNAPSHOT_REQUEST__INIT;
	fill(fixture_of(state));
	const struct client_call *call = client_ask(&rpc_client, MAINTENANCE "Snapshot", &request.base);
	assert_int_equal(call->code, RPC_OK);
	size_t bytes = 0;
	for (size_t at = 0; at < call->message_count; at++)
		bytes += call->messages[at].size;
	assert_true(bytes > (size_t)KEYS * VALUE_BYTES);
}

/* One that stops fetching is waited for, and one that goes away is forgotten; the others are served all the while. */
static void a_snapshot_waits_for_its_client(void **state)
{
	const Etcdserverpb__SnapshotRequest request = ETCDSERVERPB__SNAPSHOT_REQUEST__INIT;
	struct client slow;
	fill(fixture_of(state));
	client_open(&slow, fixture_connect_http(fixture_of(state)));
	struct client_call *call = client_begin(&slow, MAINTENANCE "Snapshot", NULL);
	client_send(call, &request.base);
	client_end(call);
	client_until_messages(call, 1);
	assert_int_equal(hash_at(0)->hash_revision, KEYS + 1);
	client_close(&slow);
	assert_int_equal(hash_at(0)->hash_revision, KEYS + 1);
}

static enum err leads;

static struct replica_change_outcome decide(const struct replica_change *change)
{
	return (struct replica_change_outcome){.err = leads, .why = "", .id = change->id};
}

static void leadership_goes_to_a_voter(void **state)
{
	Etcdserverpb__MoveLeaderRequest request = ETCDSERVERPB__MOVE_LEADER_REQUEST__INIT;
	solo_decide(fixture_of(state)->replica, decide);
	request.targetid = STRANGER;
	assert_refused(MAINTENANCE "MoveLeader", &request, RPC_FAILED_PRECONDITION,
	               "etcdserver: bad leader transferee");
	request.targetid = SOLO_MEMBER;
	leads = ERR_OK;
	const Etcdserverpb__MoveLeaderResponse *answer =
	    rpc_answer_of(MAINTENANCE "MoveLeader", &request, &etcdserverpb__move_leader_response__descriptor);
	assert_null(answer->header);
	leads = ERR_TIMEOUT;
	assert_refused(MAINTENANCE "MoveLeader", &request, RPC_UNAVAILABLE,
	               "etcdserver: request timed out, leader transfer took too long");
}

/* ---- alarms ---- */

static const Etcdserverpb__AlarmResponse *alarm(Etcdserverpb__AlarmRequest__AlarmAction action,
                                                Etcdserverpb__AlarmType type, uint64_t member)
{
	Etcdserverpb__AlarmRequest request = ETCDSERVERPB__ALARM_REQUEST__INIT;
	request.action = action;
	request.alarm = type;
	request.memberid = member;
	return rpc_answer_of(MAINTENANCE "Alarm", &request, &etcdserverpb__alarm_response__descriptor);
}

#define GET ETCDSERVERPB__ALARM_REQUEST__ALARM_ACTION__GET
#define ACTIVATE ETCDSERVERPB__ALARM_REQUEST__ALARM_ACTION__ACTIVATE
#define DEACTIVATE ETCDSERVERPB__ALARM_REQUEST__ALARM_ACTION__DEACTIVATE
#define NONE ETCDSERVERPB__ALARM_TYPE__NONE
#define NOSPACE ETCDSERVERPB__ALARM_TYPE__NOSPACE
#define CORRUPT ETCDSERVERPB__ALARM_TYPE__CORRUPT

static void assert_put_is_refused(enum rpc_code code, const char *message)
{
	Etcdserverpb__PutRequest put = ETCDSERVERPB__PUT_REQUEST__INIT;
	put.key = proto_data(BYTES_LITERAL("/b"));
	assert_refused("/etcdserverpb.KV/Put", &put, code, message);
}

static void an_alarm_is_raised_listed_and_cleared(void **state)
{
	(void)state;
	const Etcdserverpb__AlarmResponse *answer = alarm(GET, NONE, 0);
	assert_int_equal(answer->n_alarms, 0);
	assert_int_equal(answer->header->revision, 1);
	answer = alarm(ACTIVATE, NOSPACE, STRANGER);
	assert_int_equal(answer->n_alarms, 1);
	assert_int_equal(answer->alarms[0]->memberid, STRANGER);
	assert_int_equal(answer->alarms[0]->alarm, NOSPACE);
	assert_int_equal(alarm(ACTIVATE, NONE, STRANGER)->n_alarms, 0);
	assert_put_is_refused(RPC_RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded");
	assert_int_equal(alarm(ACTIVATE, CORRUPT, 7)->n_alarms, 1);
	assert_put_is_refused(RPC_DATA_LOSS, "etcdserver: corrupt cluster");
	answer = alarm(GET, NONE, 0);
	assert_int_equal(answer->n_alarms, 2);
	assert_int_equal(answer->header->revision, 1);
	answer = alarm(GET, CORRUPT, STRANGER); /* by its kind alone */
	assert_int_equal(answer->n_alarms, 1);
	assert_int_equal(answer->alarms[0]->memberid, 7);
	assert_int_equal(alarm(DEACTIVATE, CORRUPT, STRANGER)->n_alarms, 0); /* there is none */
	assert_int_equal(alarm(DEACTIVATE, CORRUPT, 7)->n_alarms, 1);
	assert_int_equal(alarm(DEACTIVATE, NOSPACE, STRANGER)->n_alarms, 1);
	fixture_put(fixture_of(state), "/b", "");
}

/* By another member, whose quota it passes. */
static void fill_elsewhere(struct fixture *fixture)
{
	struct kv_op op = {.kind = KV_PUT, .put = {.key = BYTES_LITERAL("/b"), .keep_attr = true}};
	struct kv_command command = {
	    .kind = KV_COMMAND_TXN, .quota_bytes = 2, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = solo_apply_remote(fixture->replica, &command);
	assert_int_equal(result->err, ERR_QUOTA);
	kv_result_free(result);
}

static void alarms_show_in_the_status_and_the_health(void **state)
{
	const Etcdserverpb__StatusRequest request = ETCDSERVERPB__STATUS_REQUEST__INIT;
	struct fixture *fixture = fixture_of(state);
	const char *const ask = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	                  *const ask_without =
	                      "GET /health?exclude=NOSPACE HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	fixture_put(fixture, "/a", "");
	assert_non_null(strstr(fixture_http(fixture, ask), "200 OK"));
	fill_elsewhere(fixture);
	const Etcdserverpb__StatusResponse *answer =
	    rpc_answer_of(MAINTENANCE "Status", &request, &etcdserverpb__status_response__descriptor);
	assert_int_equal(answer->n_errors, 1);
	assert_string_equal(answer->errors[0], "memberID:2 alarm:NOSPACE ");
	assert_put_is_refused(RPC_RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded");
	assert_non_null(strstr(fixture_http(fixture, ask), "503"));
	assert_non_null(strstr(fixture_http(fixture, ask), "{\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}"));
	assert_non_null(strstr(fixture_http(fixture, ask_without), "200 OK"));
}

static void there_is_nothing_to_defragment(void **state)
{
	const Etcdserverpb__DefragmentRequest request = ETCDSERVERPB__DEFRAGMENT_REQUEST__INIT;
	const Etcdserverpb__DefragmentResponse *answer =
	    rpc_answer_of(MAINTENANCE "Defragment", &request, &etcdserverpb__defragment_response__descriptor);
	assert_null(answer->header);
}

static void there_is_no_version_to_go_down_to(void **state)
{
	static const struct {
		const char *version, *message;
	} rows[] = {
	    {"3.5.0", "etcdserver: invalid downgrade target version"},
	    {"3.5", "etcdserver: invalid downgrade target version"},
	    {"3.5.0-rc.1", "etcdserver: invalid downgrade target version"},
	    {"", "etcdserver: wrong downgrade target version format"},
	    {"3", "etcdserver: wrong downgrade target version format"},
	    {"three.five", "etcdserver: wrong downgrade target version format"},
	    {"3.5.x", "etcdserver: wrong downgrade target version format"},
	};
	Etcdserverpb__DowngradeRequest request = ETCDSERVERPB__DOWNGRADE_REQUEST__INIT;
	for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
		request.version = (char *)rows[at].version;
		assert_refused(MAINTENANCE "Downgrade", &request, RPC_INVALID_ARGUMENT, rows[at].message);
	}
	request.action = ETCDSERVERPB__DOWNGRADE_REQUEST__DOWNGRADE_ACTION__CANCEL;
	assert_refused(MAINTENANCE "Downgrade", &request, RPC_FAILED_PRECONDITION,
	               "etcdserver: no inflight downgrade job");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rpc_fixture_begin, rpc_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(the_status_tells_of_this_member),       CASE(a_store_has_a_size_from_the_beginning),
	    CASE(a_hash_is_that_of_its_revision),        CASE(the_hash_of_all_changes_with_it),
	    CASE(a_snapshot_is_whole_and_says_so),       CASE(a_snapshot_goes_on_as_its_client_takes_it),
	    CASE(a_snapshot_waits_for_its_client),       CASE(leadership_goes_to_a_voter),
	    CASE(an_alarm_is_raised_listed_and_cleared), CASE(alarms_show_in_the_status_and_the_health),
	    CASE(there_is_nothing_to_defragment),        CASE(there_is_no_version_to_go_down_to),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Field numbers and names, against bytes that were written from etcd's protocol and not by our own descriptors. */
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/proto/health.pb-c.h"
#include "api/proto/rpc.pb-c.h"
#include "api/proto/v3election.pb-c.h"
#include "api/proto/v3lock.pb-c.h"
#include "base/bytes.h"

struct field {
	const ProtobufCFieldDescriptor *descriptor;
	const void *value;
};

static void message_print(FILE *file, const ProtobufCMessage *message);

static void field_print(FILE *file, struct field field, const char *gap)
{
	fprintf(file, "%s%s", gap, field.descriptor->name);
	if (field.descriptor->type == PROTOBUF_C_TYPE_MESSAGE) {
		fputc('{', file);
		message_print(file, *(ProtobufCMessage *const *)field.value);
		fputc('}', file);
	} else if (field.descriptor->type == PROTOBUF_C_TYPE_STRING) {
		fprintf(file, "=%s", *(char *const *)field.value);
	} else if (field.descriptor->type == PROTOBUF_C_TYPE_BYTES) {
		const ProtobufCBinaryData *data = field.value;
		fprintf(file, "=%.*s", (int)data->len, (const char *)data->data);
	} else if (field.descriptor->type == PROTOBUF_C_TYPE_INT64 ||
	           field.descriptor->type == PROTOBUF_C_TYPE_UINT64) {
		fprintf(file, "=%lld", *(const long long *)field.value);
	} else { /* bool, enum and uint32 are four bytes */
		fprintf(file, "=%u", *(const unsigned *)field.value);
	}
}

static size_t value_size(const ProtobufCFieldDescriptor *field)
{
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return sizeof(ProtobufCBinaryData);
	bool is_wide = field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_UINT64 ||
	               field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
	return is_wide ? sizeof(uint64_t) : sizeof(uint32_t);
}

static bool is_set(const ProtobufCFieldDescriptor *field, const void *value)
{
	static const ProtobufCBinaryData none;
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return (*(char *const *)value)[0] != '\0';
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)value)->len != 0;
	return memcmp(value, &none, value_size(field)) != 0;
}

/* As `name=value name{name=value}`, what is not set left out. */
static void message_print(FILE *file, const ProtobufCMessage *message)
{
	const char *gap = "";
	for (unsigned at = 0; at < message->descriptor->n_fields; at++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[at];
		const char *value = (const char *)message + field->offset;
		size_t count = 1;
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			count = *(const size_t *)((const char *)message + field->quantifier_offset);
			value = *(const char *const *)value;
		} else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
			count = *(const unsigned *)((const char *)message + field->quantifier_offset) == field->id;
		} else {
			count = is_set(field, value);
		}
		for (; count > 0; count--, value += value_size(field), gap = " ")
			field_print(file, (struct field){field, value}, gap);
	}
}

/* BYTES_LITERAL() for initializers of static objects. */
#define ROW_BYTES(literal)                                                                                             \
	{                                                                                                              \
		(const uint8_t *)("" literal), sizeof(literal) - 1                                                     \
	}

struct row {
	const ProtobufCMessageDescriptor *descriptor;
	struct bytes bytes;
	const char *text;
};

static void row_holds(const struct row *row)
{
	ProtobufCMessage *message = protobuf_c_message_unpack(row->descriptor, NULL, row->bytes.size, row->bytes.data);
	assert_non_null(message);
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	message_print(file, message);
	fclose(file);
	assert_string_equal(text, row->text);
	uint8_t packed[256];
	assert_int_equal(protobuf_c_message_get_packed_size(message), row->bytes.size);
	protobuf_c_message_pack(message, packed);
	assert_memory_equal(packed, row->bytes.data, row->bytes.size);
	free(text);
	protobuf_c_message_free_unpacked(message, NULL);
}

/* Every field is set, scalars to their number and 20. */
static const struct row filled[] = {
    {&etcdserverpb__response_header__descriptor, ROW_BYTES("\x08\x15\x10\x16\x18\x17\x20\x18"),
     "cluster_id=21 member_id=22 revision=23 raft_term=24"},
    {&mvccpb__key_value__descriptor, ROW_BYTES("\x0a\x01\x61\x10\x16\x18\x17\x20\x18*\x01\x65\x30\x1a"),
     "key=a create_revision=22 mod_revision=23 version=24 value=e lease=26"},
    {&mvccpb__event__descriptor, ROW_BYTES("\x08\x01\x12\x06\x0a\x01k*\x01v\x1a\x06\x0a\x01k*\x01v"),
     "type=1 kv{key=k value=v} prev_kv{key=k value=v}"},
    {&etcdserverpb__range_request__descriptor,
     ROW_BYTES("\x0a\x01\x61\x12\x01\x62\x18\x17\x20\x18(\x02\x30\x04\x38\x01@\x01H\x01P\x1eX\x1f`\x20h!"),
     "key=a range_end=b limit=23 revision=24 sort_order=2 sort_target=4 serializable=1 "
     "keys_only=1 count_only=1 min_mod_revision=30 max_mod_revision=31 min_create_revision=32 "
     "max_create_revision=33"},
    {&etcdserverpb__range_response__descriptor,
     ROW_BYTES("\x0a\x02\x18\x09\x12\x06\x0a\x01k*\x01v\x12\x06\x0a\x01k*\x01v\x18\x01\x20\x18"),
     "header{revision=9} kvs{key=k value=v} kvs{key=k value=v} more=1 count=24"},
    {&etcdserverpb__put_request__descriptor, ROW_BYTES("\x0a\x01\x61\x12\x01\x62\x18\x17\x20\x01(\x01\x30\x01"),
     "key=a value=b lease=23 prev_kv=1 ignore_value=1 ignore_lease=1"},
    {&etcdserverpb__put_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x12\x06\x0a\x01k*\x01v"),
     "header{revision=9} prev_kv{key=k value=v}"},
    {&etcdserverpb__delete_range_request__descriptor, ROW_BYTES("\x0a\x01\x61\x12\x01\x62\x18\x01"),
     "key=a range_end=b prev_kv=1"},
    {&etcdserverpb__delete_range_response__descriptor,
     ROW_BYTES("\x0a\x02\x18\x09\x10\x16\x1a\x06\x0a\x01k*\x01v\x1a\x06\x0a\x01k*\x01v"),
     "header{revision=9} deleted=22 prev_kvs{key=k value=v} prev_kvs{key=k value=v}"},
    {&etcdserverpb__compaction_request__descriptor, ROW_BYTES("\x08\x15\x10\x01"), "revision=21 physical=1"},
    {&etcdserverpb__hash_kvrequest__descriptor, ROW_BYTES("\x08\x15"), "revision=21"},
    {&etcdserverpb__hash_kvresponse__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x10\x16\x18\x17\x20\x18"),
     "header{revision=9} hash=22 compact_revision=23 hash_revision=24"},
    {&etcdserverpb__snapshot_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x10\x16\x1a\x01\x63\x22\x01\x64"),
     "header{revision=9} remaining_bytes=22 blob=c version=d"},
    {&etcdserverpb__watch_create_request__descriptor,
     ROW_BYTES("\x0a\x01\x61\x12\x01\x62\x18\x17\x20\x01*\x02\x00\x01\x30\x01\x38\x1b@\x01"),
     "key=a range_end=b start_revision=23 progress_notify=1 filters=0 filters=1 prev_kv=1 "
     "watch_id=27 fragment=1"},
    {&etcdserverpb__watch_response__descriptor,
     ROW_BYTES("\x0a\x02\x18\x09\x10\x16\x18\x01\x20\x01(\x19\x32\x01\x66\x38\x01Z\x02\x08\x01Z\x02\x08\x01"),
     "header{revision=9} watch_id=22 created=1 canceled=1 compact_revision=25 cancel_reason=f "
     "fragment=1 events{type=1} events{type=1}"},
    {&etcdserverpb__lease_grant_request__descriptor, ROW_BYTES("\x08\x15\x10\x16"), "TTL=21 ID=22"},
    {&etcdserverpb__lease_grant_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x10\x16\x18\x17\x22\x01\x64"),
     "header{revision=9} ID=22 TTL=23 error=d"},
    {&etcdserverpb__lease_keep_alive_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x10\x16\x18\x17"),
     "header{revision=9} ID=22 TTL=23"},
    {&etcdserverpb__lease_time_to_live_request__descriptor, ROW_BYTES("\x08\x15\x10\x01"), "ID=21 keys=1"},
    {&etcdserverpb__lease_time_to_live_response__descriptor,
     ROW_BYTES("\x0a\x02\x18\x09\x10\x16\x18\x17\x20\x18*\x01\x65*\x01\x66"),
     "header{revision=9} ID=22 TTL=23 grantedTTL=24 keys=e keys=f"},
    {&etcdserverpb__lease_leases_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x12\x02\x08\x07\x12\x02\x08\x07"),
     "header{revision=9} leases{ID=7} leases{ID=7}"},
    {&etcdserverpb__member__descriptor,
     ROW_BYTES("\x08\x15\x12\x01\x62\x1a\x01\x63\x1a\x01\x64\x22\x01\x64\x22\x01\x65(\x01"),
     "ID=21 name=b peerURLs=c peerURLs=d clientURLs=d clientURLs=e isLearner=1"},
    {&etcdserverpb__member_add_request__descriptor, ROW_BYTES("\x0a\x01\x61\x0a\x01\x62\x10\x01"),
     "peerURLs=a peerURLs=b isLearner=1"},
    {&etcdserverpb__member_add_response__descriptor,
     ROW_BYTES("\x0a\x02\x18\x09\x12\x02\x08\x07\x1a\x02\x08\x07\x1a\x02\x08\x07"),
     "header{revision=9} member{ID=7} members{ID=7} members{ID=7}"},
    {&etcdserverpb__member_update_request__descriptor, ROW_BYTES("\x08\x15\x12\x01\x62\x12\x01\x63"),
     "ID=21 peerURLs=b peerURLs=c"},
    {&etcdserverpb__member_list_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x12\x02\x08\x07\x12\x02\x08\x07"),
     "header{revision=9} members{ID=7} members{ID=7}"},
    {&etcdserverpb__alarm_request__descriptor, ROW_BYTES("\x08\x02\x10\x16\x18\x02"), "action=2 memberID=22 alarm=2"},
    {&etcdserverpb__alarm_response__descriptor,
     ROW_BYTES("\x0a\x02\x18\x09\x12\x04\x08\x07\x10\x02\x12\x04\x08\x07\x10\x02"),
     "header{revision=9} alarms{memberID=7 alarm=2} alarms{memberID=7 alarm=2}"},
    {&etcdserverpb__status_response__descriptor,
     ROW_BYTES("\x0a\x02\x18\x09\x12\x01\x62\x18\x17\x20\x18(\x19\x30\x1a\x38\x1b\x42\x01hB\x01iH\x1dP\x01Z\x01k`"
               "\x20j\x05\x08\x01\x12\x01x"),
     "header{revision=9} version=b dbSize=23 leader=24 raftIndex=25 raftTerm=26 "
     "raftAppliedIndex=27 errors=h errors=i dbSizeInUse=29 isLearner=1 storageVersion=k "
     "dbSizeQuota=32 downgradeInfo{enabled=1 targetVersion=x}"},
    {&etcdserverpb__hash_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x10\x16"), "header{revision=9} hash=22"},
    {&etcdserverpb__move_leader_request__descriptor, ROW_BYTES("\x08\x15"), "targetID=21"},
    {&etcdserverpb__downgrade_request__descriptor, ROW_BYTES("\x08\x02\x12\x01\x62"), "action=2 version=b"},
    {&etcdserverpb__auth_status_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x10\x01\x18\x17"),
     "header{revision=9} enabled=1 authRevision=23"},
    {&etcdserverpb__authenticate_request__descriptor, ROW_BYTES("\x0a\x01\x61\x12\x01\x62"), "name=a password=b"},
    {&etcdserverpb__auth_user_add_request__descriptor,
     ROW_BYTES("\x0a\x01\x61\x12\x01\x62\x1a\x02\x08\x01\x22\x01\x64"),
     "name=a password=b options{no_password=1} hashedPassword=d"},
    {&etcdserverpb__auth_user_change_password_request__descriptor, ROW_BYTES("\x0a\x01\x61\x12\x01\x62\x1a\x01\x63"),
     "name=a password=b hashedPassword=c"},
    {&etcdserverpb__auth_user_grant_role_request__descriptor, ROW_BYTES("\x0a\x01\x61\x12\x01\x62"), "user=a role=b"},
    {&etcdserverpb__auth_user_revoke_role_request__descriptor, ROW_BYTES("\x0a\x01\x61\x12\x01\x62"), "name=a role=b"},
    {&etcdserverpb__auth_role_grant_permission_request__descriptor,
     ROW_BYTES("\x0a\x01\x61\x12\x08\x08\x02\x12\x01k\x1a\x01l"), "name=a perm{permType=2 key=k range_end=l}"},
    {&etcdserverpb__auth_role_revoke_permission_request__descriptor, ROW_BYTES("\x0a\x01\x61\x12\x01\x62\x1a\x01\x63"),
     "role=a key=b range_end=c"},
    {&etcdserverpb__auth_role_get_response__descriptor,
     ROW_BYTES("\x0a\x02\x18\x09\x12\x08\x08\x02\x12\x01k\x1a\x01l\x12\x08\x08\x02\x12\x01k\x1a\x01l"),
     "header{revision=9} perm{permType=2 key=k range_end=l} perm{permType=2 key=k range_end=l}"},
    {&v3lockpb__lock_request__descriptor, ROW_BYTES("\x0a\x01\x61\x10\x16"), "name=a lease=22"},
    {&v3lockpb__lock_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x12\x01\x62"), "header{revision=9} key=b"},
    {&v3electionpb__leader_key__descriptor, ROW_BYTES("\x0a\x01\x61\x12\x01\x62\x18\x17\x20\x18"),
     "name=a key=b rev=23 lease=24"},
    {&v3electionpb__campaign_request__descriptor, ROW_BYTES("\x0a\x01\x61\x10\x16\x1a\x01\x63"),
     "name=a lease=22 value=c"},
    {&v3electionpb__campaign_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x12\x05\x12\x01k\x18\x05"),
     "header{revision=9} leader{key=k rev=5}"},
    {&v3electionpb__proclaim_request__descriptor, ROW_BYTES("\x0a\x05\x12\x01k\x18\x05\x12\x01\x62"),
     "leader{key=k rev=5} value=b"},
    {&v3electionpb__leader_response__descriptor, ROW_BYTES("\x0a\x02\x18\x09\x12\x06\x0a\x01k*\x01v"),
     "header{revision=9} kv{key=k value=v}"},
    {&grpc__health__v1__health_check_request__descriptor, ROW_BYTES("\x0a\x01\x61"), "service=a"},
    {&grpc__health__v1__health_check_response__descriptor, ROW_BYTES("\x08\x02"), "status=2"},
};

/* What is only one of several: bytes, and the text. */
static const struct row unions[] = {
    {&etcdserverpb__request_op__descriptor, ROW_BYTES("\x0a\x03\x0a\x01k"), "request_range{key=k}"},
    {&etcdserverpb__request_op__descriptor, ROW_BYTES("\x12\x03\x0a\x01k"), "request_put{key=k}"},
    {&etcdserverpb__request_op__descriptor, ROW_BYTES("\x1a\x03\x0a\x01k"), "request_delete_range{key=k}"},
    {&etcdserverpb__request_op__descriptor, ROW_BYTES("\x22\x00"), "request_txn{}"},
    {&etcdserverpb__response_op__descriptor, ROW_BYTES("\x0a\x02\x18\x01"), "response_range{more=1}"},
    {&etcdserverpb__response_op__descriptor, ROW_BYTES("\x12\x00"), "response_put{}"},
    {&etcdserverpb__response_op__descriptor, ROW_BYTES("\x1a\x02\x10\x07"), "response_delete_range{deleted=7}"},
    {&etcdserverpb__response_op__descriptor, ROW_BYTES("\x22\x02\x10\x01"), "response_txn{succeeded=1}"},
    {&etcdserverpb__compare__descriptor, ROW_BYTES("\x08\x03\x1a\x01k\x20\x05"), "result=3 key=k version=5"},
    {&etcdserverpb__compare__descriptor, ROW_BYTES("\x10\x01(\x05"), "target=1 create_revision=5"},
    {&etcdserverpb__compare__descriptor, ROW_BYTES("\x10\x02\x30\x05"), "target=2 mod_revision=5"},
    {&etcdserverpb__compare__descriptor, ROW_BYTES("\x10\x03:\x01v"), "target=3 value=v"},
    {&etcdserverpb__compare__descriptor, ROW_BYTES("\x10\x04@\x05\x82\x04\x01z"), "target=4 lease=5 range_end=z"},
    {&etcdserverpb__txn_request__descriptor, ROW_BYTES("\x0a\x00\x12\x02\x22\x00\x1a\x02\x22\x00"),
     "compare{} success{request_txn{}} failure{request_txn{}}"},
    {&etcdserverpb__watch_request__descriptor, ROW_BYTES("\x0a\x00"), "create_request{}"},
    {&etcdserverpb__watch_request__descriptor, ROW_BYTES("\x12\x02\x08\x05"), "cancel_request{watch_id=5}"},
    {&etcdserverpb__watch_request__descriptor, ROW_BYTES("\x1a\x00"), "progress_request{}"},
};

static void a_message_with_every_field_reads_and_writes_as_etcd_has_it(void **state)
{
	for (size_t at = 0; at < sizeof filled / sizeof *filled; at++)
		row_holds(&filled[at]);
}

static void a_union_is_what_its_number_says(void **state)
{
	for (size_t at = 0; at < sizeof unions / sizeof *unions; at++)
		row_holds(&unions[at]);
}

static void a_service_is_named_as_its_path(void **state)
{
	static const struct {
		const ProtobufCServiceDescriptor *service;
		const char *name, *methods;
	} rows[] = {
	    {&etcdserverpb__kv__descriptor, "etcdserverpb.KV", "Range RangeStream Put DeleteRange Txn Compact"},
	    {&etcdserverpb__watch__descriptor, "etcdserverpb.Watch", "Watch"},
	    {&etcdserverpb__lease__descriptor, "etcdserverpb.Lease",
	     "LeaseGrant LeaseRevoke LeaseKeepAlive LeaseTimeToLive LeaseLeases"},
	    {&etcdserverpb__cluster__descriptor, "etcdserverpb.Cluster",
	     "MemberAdd MemberRemove MemberUpdate MemberList MemberPromote"},
	    {&etcdserverpb__maintenance__descriptor, "etcdserverpb.Maintenance",
	     "Alarm Status Defragment Hash HashKV Snapshot MoveLeader Downgrade"},
	    {&etcdserverpb__auth__descriptor, "etcdserverpb.Auth",
	     "AuthEnable AuthDisable AuthStatus Authenticate UserAdd UserGet UserList UserDelete UserChangePassword "
	     "UserGrantRole UserRevokeRole RoleAdd RoleGet RoleList RoleDelete RoleGrantPermission "
	     "RoleRevokePermission"},
	    {&v3lockpb__lock__descriptor, "v3lockpb.Lock", "Lock Unlock"},
	    {&v3electionpb__election__descriptor, "v3electionpb.Election", "Campaign Proclaim Leader Observe Resign"},
	    {&grpc__health__v1__health__descriptor, "grpc.health.v1.Health", "Check Watch"},
	};
	for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
		char methods[512] = "";
		assert_string_equal(rows[at].service->name, rows[at].name);
		for (unsigned method = 0; method < rows[at].service->n_methods; method++)
			snprintf(methods + strlen(methods), sizeof methods - strlen(methods), "%s%s",
			         method > 0 ? " " : "", rows[at].service->methods[method].name);
		assert_string_equal(methods, rows[at].methods);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_with_every_field_reads_and_writes_as_etcd_has_it),
	    cmocka_unit_test(a_union_is_what_its_number_says),
	    cmocka_unit_test(a_service_is_named_as_its_path),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of strangers as messages: the first byte chooses the message. What could be read is written, and read again: the same message. */
#include "api/proto/rpc.pb-c.h"
#include "api/proto/v3election.pb-c.h"
#include "api/proto_json.h"
#include "base/check.h"
#include "base/proto.h"
#include "tests/fuzz/fuzz.h"

enum { JSON_BYTES_MAX = 1 << 20 };

static const ProtobufCMessageDescriptor *const types[] = {
    &etcdserverpb__range_request__descriptor,    &etcdserverpb__txn_request__descriptor,
    &etcdserverpb__put_request__descriptor,      &etcdserverpb__watch_request__descriptor,
    &etcdserverpb__alarm_request__descriptor,    &etcdserverpb__member_add_request__descriptor,
    &v3electionpb__proclaim_request__descriptor, &etcdserverpb__watch_response__descriptor,
};

enum { TYPES = sizeof types / sizeof *types };

static struct bytes packed(const ProtobufCMessage *message, struct arena *arena)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = arena_take(arena, size);
	protobuf_c_message_pack(message, data);
	return bytes_of(data, size);
}

/* A text in pieces ends where it ends as a whole. */
static void cut(struct bytes text)
{
	struct proto_json_cutter whole = {0}, pieces = {0};
	size_t size = 0, other = 0, given = 0;
	bool ends = proto_json_cut(&whole, text, &size);
	bool found = false;
	while (!found && given < text.size)
		found = proto_json_cut(&pieces, bytes_of(text.data, ++given), &other);
	check(found == ends && (!ends || (other == size && size <= text.size)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ProtobufCMessage *message, *again;
	const char *why;
	if (size == 0)
		return 0;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	const ProtobufCMessageDescriptor *type = types[data[0] % TYPES];
	struct bytes text = bytes_of(data + 1, size - 1);
	cut(text);
	if (proto_json_read(type, text, &arena, &message, &why) != ERR_OK) {
		check(why != NULL && why[0] != '\0');
		return 0;
	}
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, JSON_BYTES_MAX);
	check(proto_json_write(&buffer, message) == ERR_OK);
	check(proto_json_read(type, buffer_bytes(&buffer), &arena, &again, &why) == ERR_OK);
	check(bytes_equal(packed(message, &arena), packed(again, &arena)));
	return 0;
}

void fuzz_seed(struct random *random, uint64_t kind, struct buffer *buffer)
{
	static const char *const texts[] = {
	    "{\"key\":\"Zm9v\",\"rangeEnd\":\"AA==\",\"limit\":\"3\",\"sort_order\":\"DESCEND\",\"serializable\":true}",
	    "{\"compare\":[{\"target\":\"VALUE\",\"key\":\"Zm9v\",\"value\":\"YmFy\"}],\"success\":[{\"request_put\":{"
	    "\"key\":\"Zg==\"}},"
	    "{\"requestTxn\":{\"failure\":[{\"request_range\":{\"key\":\"Zg\"}}]}}]}",
	    "{\"key\":\"Zm9v\",\"value\":\"YmFy\",\"lease\":123,\"unknown\":{\"a\":[1,2.5e3,null]}}",
	    "{\"create_request\":{\"key\":\"Zm9v\",\"filters\":[\"NOPUT\",1],\"start_revision\":\"-1\"}}",
	    "{\"action\":\"ACTIVATE\",\"memberID\":\"18446744073709551615\",\"alarm\":2}",
	    "{\"peerURLs\":[\"http:\\/\\/h\\u00e9:1\",\"x\\ud83d\\ude00\"],\"isLearner\":false}",
	    "{\"leader\":{\"name\":\"bg==\",\"key\":\"aw==\",\"rev\":1,\"lease\":-2},\"value\":\"_-8\"}",
	    "{\"header\":{\"revision\":\"5\"},\"events\":[{\"kv\":{\"key\":\"aw==\"}},{\"type\":\"DELETE\"}],"
	    "\"canceled\":true}",
	};
	buffer_put_u8(buffer, (uint8_t)(kind % TYPES));
	buffer_put(buffer, bytes_of_string(texts[kind % TYPES]));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/proto_json.h"

#include <stdlib.h>

#include "api/proto/rpc.pb-c.h"
#include "base/memory.h"
#include "base/proto.h"
#include "base/random.h"
#include "tests/unit/unit.h"

static struct arena arena;

static int begin(void **state)
{
	arena_init(&arena);
	return 0;
}

static int end(void **state)
{
	arena_fini(&arena);
	return 0;
}

static const char *written(const void *message)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1 << 20);
	assert_int_equal(proto_json_write(&buffer, message), ERR_OK);
	return arena_dup_string(&arena, buffer_bytes(&buffer));
}

static const char *refused(const ProtobufCMessageDescriptor *type, const char *text)
{
	ProtobufCMessage *message = NULL;
	const char *why = "it is taken";
	enum err err = proto_json_read(type, bytes_of_string(text), &arena, &message, &why);
	assert_int_equal(err, err == ERR_OK ? ERR_OK : ERR_INVALID);
	return why;
}

static void *read_of(const ProtobufCMessageDescriptor *type, const char *text)
{
	ProtobufCMessage *message = NULL;
	const char *why = "";
	enum err err = proto_json_read(type, bytes_of_string(text), &arena, &message, &why);
	assert_string_equal(why, "");
	assert_int_equal(err, ERR_OK);
	return message;
}

/* What is read and written again, in the one way that there is. */
static void every_form_is_read(void **state)
{
	static const struct {
		const ProtobufCMessageDescriptor *type;
		const char *text, *again;
	} cases[] = {
	    {&etcdserverpb__range_request__descriptor, "", "{}"},
	    {&etcdserverpb__range_request__descriptor, " \n\t", "{}"},
	    {&etcdserverpb__range_request__descriptor, "{}", "{}"},
	    {&etcdserverpb__range_request__descriptor, "{\"key\":\"Zm9v\"}", "{\"key\":\"Zm9v\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"key\":\"-_-_\"}", "{\"key\":\"+/+/\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"key\":\"Zg\",\"value\":{\"a\":[1,{}]}}",
	     "{\"key\":\"Zg==\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"rangeEnd\":\"Zg==\"}", "{\"range_end\":\"Zg==\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"range_end\":\"Zg==\"}", "{\"range_end\":\"Zg==\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"RangeEnd\":\"Zg==\",\"range_End\":\"\"}", "{}"},
	    {&etcdserverpb__range_request__descriptor, "{\"key\":null,\"limit\":null}", "{}"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":7}", "{\"limit\":\"7\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":\"7\"}", "{\"limit\":\"7\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":0,\"revision\":\"0\"}", "{}"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":1e3}", "{\"limit\":\"1000\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":-9223372036854775808}",
	     "{\"limit\":\"-9223372036854775808\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":9223372036854775807}",
	     "{\"limit\":\"9223372036854775807\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"sort_order\":\"DESCEND\",\"sortTarget\":1}",
	     "{\"sort_order\":\"DESCEND\",\"sort_target\":\"VERSION\"}"},
	    {&etcdserverpb__range_request__descriptor, "{\"sort_order\":77}", "{\"sort_order\":77}"},
	    {&etcdserverpb__range_request__descriptor, "{\"sort_order\":\"SIDEWAYS\"}", "{}"},
	    {&etcdserverpb__range_request__descriptor, "{\"serializable\":true,\"count_only\":false}",
	     "{\"serializable\":true}"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":1} and more", "{\"limit\":\"1\"}"},
	    {&etcdserverpb__member_remove_request__descriptor, "{\"ID\":18446744073709551615}",
	     "{\"ID\":\"18446744073709551615\"}"},
	    {&etcdserverpb__member_remove_request__descriptor, "{\"ID\" : 9223372036854775808 }",
	     "{\"ID\":\"9223372036854775808\"}"},
	    {&etcdserverpb__member_remove_request__descriptor, "{\"ID\":\"18446744073709551615\"}",
	     "{\"ID\":\"18446744073709551615\"}"},
	    {&etcdserverpb__member_add_request__descriptor, "{\"peerURLs\":[\"http://a\",\"http://\\u00e4\"]}",
	     "{\"peerURLs\":[\"http://a\",\"http://\xc3\xa4\"]}"},
	    {&etcdserverpb__member_add_request__descriptor, "{\"peerURLs\":[],\"isLearner\":true}",
	     "{\"isLearner\":true}"},
	    {&etcdserverpb__hash_kvresponse__descriptor, "{\"hash\":4294967295}", "{\"hash\":4294967295}"},
	    {&etcdserverpb__watch_create_request__descriptor, "{\"filters\":[\"NODELETE\",\"LATER\",0]}",
	     "{\"filters\":[\"NODELETE\",\"NOPUT\"]}"},
	    {&etcdserverpb__compare__descriptor, "{\"target\":\"CREATE\",\"create_revision\":0,\"key\":\"Zg==\"}",
	     "{\"target\":\"CREATE\",\"key\":\"Zg==\",\"create_revision\":\"0\"}"},
	    {&etcdserverpb__txn_request__descriptor,
	     "{\"success\":[{\"requestPut\":{\"key\":\"Zg==\"}},{\"request_txn\":{\"failure\":[{}]}}]}",
	     "{\"success\":[{\"request_put\":{\"key\":\"Zg==\"}},{\"request_txn\":{\"failure\":[{}]}}]}"},
	    {&etcdserverpb__txn_request__descriptor, "{\"success\":[{\"request_range\":{}}]}",
	     "{\"success\":[{\"request_range\":{}}]}"},
	};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++)
		assert_string_equal(written(read_of(cases[at].type, cases[at].text)), cases[at].again);
}

static void what_is_wrong_is_said(void **state)
{
	static const struct {
		const ProtobufCMessageDescriptor *type;
		const char *text, *why;
	} cases[] = {
	    {&etcdserverpb__range_request__descriptor, "{\"key\":\"!!\"}",
	     "proto: invalid value for bytes field key: \"!!\""},
	    {&etcdserverpb__range_request__descriptor, "{\"key\":5}", "proto: invalid value for bytes field key: 5"},
	    {&etcdserverpb__range_request__descriptor, "{\"rangeEnd\":[]}",
	     "proto: invalid value for bytes field range_end: []"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":1.5}",
	     "proto: invalid value for int64 field limit: 1.5"},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":\" 1\"}",
	     "proto: invalid value for int64 field limit: \" 1\""},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":\"01\"}",
	     "proto: invalid value for int64 field limit: \"01\""},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":\"\"}",
	     "proto: invalid value for int64 field limit: \"\""},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":9223372036854775808}",
	     "proto: invalid value for int64 field limit: \"9223372036854775808\""},
	    {&etcdserverpb__range_request__descriptor, "{\"limit\":\"-9223372036854775809\"}",
	     "proto: invalid value for int64 field limit: \"-9223372036854775809\""},
	    {&etcdserverpb__range_request__descriptor, "{\"serializable\":\"true\"}",
	     "proto: invalid value for bool field serializable: \"true\""},
	    {&etcdserverpb__range_request__descriptor, "{\"sort_order\":1.0}",
	     "proto: invalid value for enum field sort_order: 1.0"},
	    {&etcdserverpb__range_request__descriptor, "{\"range_end\":\"\",\"rangeEnd\":\"\"}",
	     "proto: duplicate field \"rangeEnd\""},
	    {&etcdserverpb__member_remove_request__descriptor, "{\"ID\":-1}",
	     "proto: invalid value for uint64 field ID: -1"},
	    {&etcdserverpb__member_remove_request__descriptor, "{\"ID\":18446744073709551616}",
	     "proto: invalid value for uint64 field ID: \"18446744073709551616\""},
	    {&etcdserverpb__hash_kvresponse__descriptor, "{\"hash\":4294967296}",
	     "proto: invalid value for uint32 field hash: 4294967296"},
	    {&etcdserverpb__auth_user_add_request__descriptor, "{\"name\":\"a\\u0000b\"}",
	     "proto: invalid value for string field name: \"a\\u0000b\""},
	    {&etcdserverpb__member_add_request__descriptor, "{\"peerURLs\":\"http://a\"}",
	     "proto: unexpected token \"http://a\""},
	    {&etcdserverpb__member_add_request__descriptor, "{\"peerURLs\":[null]}",
	     "proto: invalid value for string field peerURLs: null"},
	    {&etcdserverpb__txn_request__descriptor, "{\"compare\":[3]}", "proto: unexpected token 3"},
	    {&etcdserverpb__txn_request__descriptor, "{\"success\":[{\"request_put\":{},\"requestRange\":{}}]}",
	     "proto: error parsing \"request_range\", its oneof is already set"},
	    {&etcdserverpb__range_request__descriptor, "[]", "proto: unexpected token ["},
	    {&etcdserverpb__range_request__descriptor, "null", "proto: unexpected token null"},
	    {&etcdserverpb__range_request__descriptor, "{\"key\":\"Zm9v\"", "unexpected EOF"},
	    {&etcdserverpb__range_request__descriptor, "{\"key\"", "unexpected EOF"},
	};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++)
		assert_string_equal(refused(cases[at].type, cases[at].text), cases[at].why);
	static const char syntax[] = "proto: syntax error (line 1:";
	assert_memory_equal(refused(&etcdserverpb__range_request__descriptor, "{key:1}"), syntax, sizeof syntax - 1);
	assert_memory_equal(refused(&etcdserverpb__range_request__descriptor, "\xff\xfe"), syntax, sizeof syntax - 1);
	assert_memory_equal(refused(&etcdserverpb__range_request__descriptor, "{\"limit\":1e999}"), syntax,
	                    sizeof syntax - 1);
}

static void what_is_shown_of_a_value_is_short(void **state)
{
	char text[4096];
	memset(text, 'x', sizeof text);
	memcpy(text, "{\"limit\":\"", 10);
	memcpy(text + sizeof text - 3, "\"}", 3);
	assert_true(strlen(refused(&etcdserverpb__range_request__descriptor, text)) < 150);
}

/* One inside of the other, with a last one that is empty. */
static const char *nested(unsigned depth)
{
	AUTO_BUFFER struct buffer text;
	buffer_init(&text, 1 << 20);
	for (unsigned at = 0; at < depth; at++)
		buffer_put(&text, BYTES_LITERAL("{\"success\":[{\"request_txn\":"));
	buffer_put(&text, BYTES_LITERAL("{}"));
	for (unsigned at = 0; at < depth; at++)
		buffer_put(&text, BYTES_LITERAL("}]}"));
	return arena_dup_string(&arena, buffer_bytes(&text));
}

static void depth_and_number_of_values_have_an_end(void **state)
{
	const ProtobufCMessageDescriptor *type = &etcdserverpb__txn_request__descriptor;
	const char *text = nested(128);
	assert_string_equal(written(read_of(type, text)), text);
	assert_string_equal(refused(type, nested(200)), "proto: exceeded maximum recursion depth");
	assert_memory_equal(refused(type, nested(5000)), "proto: ", 7);
	char *many = arena_take(&arena, 300000);
	memset(many, ',', 300000 - 1);
	memcpy(many, "{\"peerURLs\":[\"", 14);
	many[300000 - 1] = '\0';
	assert_string_equal(refused(&etcdserverpb__member_add_request__descriptor, many),
	                    "proto: more than 65536 values in one message");
}

static void a_buffer_that_is_full_is_left_as_it_was(void **state)
{
	Etcdserverpb__PutRequest put = ETCDSERVERPB__PUT_REQUEST__INIT;
	put.key = proto_data(BYTES_LITERAL("some key that is long"));
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 20);
	buffer_put(&buffer, BYTES_LITERAL("before"));
	assert_int_equal(proto_json_write(&buffer, &put.base), ERR_TOO_LARGE);
	assert_true(bytes_equal(buffer_bytes(&buffer), BYTES_LITERAL("before")));
}

static void strings_are_text(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
	    {"a\"b\\c\n", "\"a\\\"b\\\\c\\n\""}, {"k\xc3\xa4se", "\"k\xc3\xa4se\""}, {"\xff", "\"\xef\xbf\xbd\""}};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
		AUTO_BUFFER struct buffer buffer;
		buffer_init(&buffer, 64);
		assert_int_equal(proto_json_write_string(&buffer, cases[at].text), ERR_OK);
		assert_string_equal(arena_dup_string(&arena, buffer_bytes(&buffer)), cases[at].expected);
	}
}

/* Cuts the text with so many bytes of it coming at a time, and joins the values by bars. */
static const char *cut(const char *text, size_t step)
{
	struct proto_json_cutter cutter = {0};
	size_t size, begin = 0, whole = strlen(text);
	const char *all = "";
	for (size_t seen = 0; seen < whole;) {
		seen = seen + step < whole ? seen + step : whole;
		while (proto_json_cut(&cutter, bytes_of(text + begin, seen - begin), &size)) {
			all = arena_format(&arena, "%s%.*s|", all, (int)size, text + begin);
			begin += size;
		}
	}
	return all;
}

static void values_behind_each_other_are_cut(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
	    {"{}", "{}|"},
	    {"{}{\"a\":1}\n{", "{}|{\"a\":1}|"},
	    {" {\"a\":{\"b\":[1,2]}} {\"c\":\"}{\\\"}\"}", " {\"a\":{\"b\":[1,2]}}| {\"c\":\"}{\\\"}\"}|"},
	    {"{\"\\\\\":1}x", "{\"\\\\\":1}|x|"},
	    {"  ]", "  ]|"},
	    {"  \"a\"", "  \"|a|\"|"},
	    {" \n\t", ""},
	};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++)
		for (size_t step = 1; step < 20; step++)
			assert_string_equal(cut(cases[at].text, step), cases[at].expected);
}

/* Whatever comes: an error with words, or a message that can be written and read again to the same. */
static void any_text_is_survived(void **state)
{
	static const char *const pieces[] = {"{",
	                                     "}",
	                                     "[",
	                                     "]",
	                                     ",",
	                                     ":",
	                                     "\"",
	                                     "\\",
	                                     "\"key\":",
	                                     "\"Zm9v\"",
	                                     "\"success\":[",
	                                     "\"request_txn\":",
	                                     "\"request_put\":",
	                                     "{\"compare\":[",
	                                     "\"limit\":",
	                                     "18446744073709551615",
	                                     "-1",
	                                     "1e400",
	                                     "0.5",
	                                     "null",
	                                     "true",
	                                     "\"target\":\"MOD\"",
	                                     "\"mod_revision\":",
	                                     "\xff",
	                                     "\\u0000",
	                                     " ",
	                                     "{\"request_range\":{\"key\":\"Zg\"}}",
	                                     "\"ID\":"};
	static const ProtobufCMessageDescriptor *const types[] = {
	    &etcdserverpb__txn_request__descriptor, &etcdserverpb__range_request__descriptor,
	    &etcdserverpb__watch_request__descriptor, &etcdserverpb__member_remove_request__descriptor};
	struct random random;
	random_init(&random, 11);
	unsigned understood = 0;
	for (int turn = 0; turn < 20000; turn++) {
		AUTO_BUFFER struct buffer text;
		const ProtobufCMessageDescriptor *type = types[random_below(&random, 4)];
		ProtobufCMessage *message;
		const char *why;
		buffer_init(&text, 4096);
		for (uint64_t count = random_below(&random, 14); count > 0; count--)
			buffer_put(&text,
			           bytes_of_string(pieces[random_below(&random, sizeof pieces / sizeof *pieces)]));
		if (proto_json_read(type, buffer_bytes(&text), &arena, &message, &why) == ERR_OK) {
			const char *once = written(message);
			assert_string_equal(written(read_of(type, once)), once);
			understood++;
		} else {
			assert_true(why[0] != '\0');
		}
		arena_reset(&arena);
	}
	assert_true(understood > 100);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(every_form_is_read),
	    CASE(what_is_wrong_is_said),
	    CASE(what_is_shown_of_a_value_is_short),
	    CASE(depth_and_number_of_values_have_an_end),
	    CASE(a_buffer_that_is_full_is_left_as_it_was),
	    CASE(strings_are_text),
	    CASE(values_behind_each_other_are_cut),
	    CASE(any_text_is_survived),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "api/control.h"
#include "base/proto.h"

/* The JSON of a message in one line; the caller frees it. */
static char *json_text(const void *message)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	control_print_json(file, message, CONTROL_ONE_LINE);
	fclose(file);
	return text;
}

static void json_is(const void *message, const char *expected)
{
	char *text = json_text(message);
	assert_string_equal(text, expected);
	free(text);
}

static void every_scalar_is_there_and_an_unset_message_is_not(void **state)
{
	Etcfs__Control__GetResponse response = ETCFS__CONTROL__GET_RESPONSE__INIT;
	response.revision = 7;
	json_is(&response, "{\"revision\":7}\n");
	Etcfs__Control__DeleteRequest request = ETCFS__CONTROL__DELETE_REQUEST__INIT;
	json_is(&request, "{\"key\":\"\",\"recursive\":false}\n");
}

static void sixty_four_bits_stay_exact(void **state)
{
	Etcfs__Control__LogRequest request = ETCFS__CONTROL__LOG_REQUEST__INIT;
	request.before = INT64_MIN;
	request.limit = UINT32_MAX;
	json_is(&request, "{\"path\":\"\",\"before\":-9223372036854775808,\"limit\":4294967295}\n");
	Etcfs__Control__Change change = ETCFS__CONTROL__CHANGE__INIT;
	change.event_count = UINT64_MAX;
	json_is(
	    &change,
	    "{\"revision\":0,\"time\":\"\",\"node\":\"\",\"events\":[],\"event_count\":\"18446744073709551615\"}\n");
}

static void bytes_are_text_when_they_are_utf8(void **state)
{
	Etcfs__Control__PutRequest request = ETCFS__CONTROL__PUT_REQUEST__INIT;
	request.key = proto_data(BYTES_LITERAL("/k\xc3\xa4se\n"));
	request.value = proto_data(BYTES_LITERAL("a\0b"));
	json_is(&request, "{\"key\":\"/k\xc3\xa4se\\n\",\"value\":\"a\\u0000b\"}\n");
}

static void other_bytes_are_marked_base64(void **state)
{
	static const struct {
		struct bytes value;
		const char *text;
	} cases[] = {
	    {BYTES_LITERAL("\xff"), "/w=="},
	    {BYTES_LITERAL("\xff\x00"), "/wA="},
	    {BYTES_LITERAL("\xff\x00\x7f"), "/wB/"},
	    {BYTES_LITERAL("\xed\xa0\x80"), "7aCA"}, /* a surrogate is not UTF-8 */
	};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
		Etcfs__Control__PutRequest request = ETCFS__CONTROL__PUT_REQUEST__INIT;
		request.value = proto_data(cases[at].value);
		char expected[64];
		snprintf(expected, sizeof expected, "{\"key\":\"\",\"value_base64\":\"%s\"}\n", cases[at].text);
		json_is(&request, expected);
	}
}

static void lists_and_enumerations_have_names(void **state)
{
	Etcfs__Control__Event event = ETCFS__CONTROL__EVENT__INIT;
	event.type = ETCFS__CONTROL__EVENT_TYPE__delete;
	Etcfs__Control__Event *events[] = {&event, &event};
	Etcfs__Control__Change change = ETCFS__CONTROL__CHANGE__INIT;
	change.n_events = 2;
	change.events = events;
	json_is(&change,
	        "{\"revision\":0,\"time\":\"\",\"node\":\"\",\"events\":[{\"type\":\"delete\",\"created\":false},"
	        "{\"type\":\"delete\",\"created\":false}],\"event_count\":0}\n");
	char first[] = "http://a", second[] = "http://b", *urls[] = {first, second};
	Etcfs__Control__MemberAddress member = ETCFS__CONTROL__MEMBER_ADDRESS__INIT;
	member.n_peer_urls = 2;
	member.peer_urls = urls;
	json_is(&member, "{\"id\":\"\",\"name\":\"\",\"voter\":false,\"peer_urls\":[\"http://a\",\"http://"
	                 "b\"],\"client_urls\":[]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_scalar_is_there_and_an_unset_message_is_not),
	    cmocka_unit_test(sixty_four_bits_stay_exact),
	    cmocka_unit_test(bytes_are_text_when_they_are_utf8),
	    cmocka_unit_test(other_bytes_are_marked_base64),
	    cmocka_unit_test(lists_and_enumerations_have_names),
	};
	return UNIT_RUN(tests);
}

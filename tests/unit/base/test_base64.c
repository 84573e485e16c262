/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include "base/random.h"
#include "tests/unit/unit.h"

static void reads(const char *text, struct bytes expected)
{
	uint8_t data[64];
	size_t size = 99;
	assert_int_equal(base64_read(bytes_of_string(text), data, &size), ERR_OK);
	assert_true(bytes_equal(bytes_of(data, size), expected));
}

/* RFC 4648 §10. */
static void the_vectors_of_the_standard_hold(void **state)
{
	static const struct {
		const char *plain, *text;
	} vectors[] = {{"", ""},
	               {"f", "Zg=="},
	               {"fo", "Zm8="},
	               {"foo", "Zm9v"},
	               {"foob", "Zm9vYg=="},
	               {"fooba", "Zm9vYmE="},
	               {"foobar", "Zm9vYmFy"}};
	for (size_t at = 0; at < sizeof vectors / sizeof *vectors; at++) {
		struct bytes plain = bytes_of_string(vectors[at].plain);
		char text[16] = {0};
		assert_int_equal(base64_text_size(plain.size), strlen(vectors[at].text));
		base64_write(plain, text);
		assert_string_equal(text, vectors[at].text);
		reads(text, plain);
	}
}

static void both_alphabets_are_read_with_padding_or_without(void **state)
{
	reads("+/+/", BYTES_LITERAL("\xfb\xff\xbf"));
	reads("-_-_", BYTES_LITERAL("\xfb\xff\xbf"));
	reads("Zg", BYTES_LITERAL("f"));
	reads("Zm8", BYTES_LITERAL("fo"));
	reads("Zm\r\n9v\n", BYTES_LITERAL("foo"));
}

static void what_is_no_base64_is_refused(void **state)
{
	static const char *const wrong[] = {
	    "Z", "Zm9vY", "Zg=", "Zg===", "Zg====", "====", "Zm9v=", "Zg==Zm9v", "Zm 9", "Zm9!", "Zm9v\xc3"};
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
		uint8_t data[64];
		size_t size = 99;
		assert_int_equal(base64_read(bytes_of_string(wrong[at]), data, &size), ERR_INVALID);
		assert_int_equal(size, 99);
	}
}

static void what_is_written_is_read(void **state)
{
	struct random random;
	random_init(&random, 7);
	for (size_t size = 0; size < 200; size++) {
		uint8_t plain[200], back[210];
		char text[280];
		size_t back_size = 0;
		for (size_t at = 0; at < size; at++)
			plain[at] = (uint8_t)random_below(&random, 256);
		base64_write(bytes_of(plain, size), text);
		assert_int_equal(base64_read(bytes_of(text, base64_text_size(size)), back, &back_size), ERR_OK);
		assert_true(bytes_equal(bytes_of(plain, size), bytes_of(back, back_size)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_vectors_of_the_standard_hold),
	    cmocka_unit_test(both_alphabets_are_read_with_padding_or_without),
	    cmocka_unit_test(what_is_no_base64_is_refused),
	    cmocka_unit_test(what_is_written_is_read),
	};
	return UNIT_RUN(tests);
}

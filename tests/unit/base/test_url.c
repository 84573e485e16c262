/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/url.h"

static struct arena arena;

static int arena_begin(void **state)
{
	arena_init(&arena);
	return 0;
}

static int arena_end(void **state)
{
	arena_fini(&arena);
	return 0;
}

static struct url url_of(const char *text)
{
	struct url url;
	struct problem problem;
	assert_int_equal(url_parse(text, "--x", &arena, &url, &problem), ERR_OK);
	return url;
}

static void the_four_schemes_are_two(void **state)
{
	assert_false(url_of("tcp://h:1").tls);
	assert_false(url_of("http://h:1").tls);
	assert_true(url_of("tls://h:1").tls);
	assert_true(url_of("HTTPS://h:1").tls);
	struct url left = url_of("tcp://Host:2380"), right = url_of("http://host:2380/");
	assert_true(url_equal(&left, &right));
}

static void an_address_of_ipv6_keeps_its_brackets_in_text_alone(void **state)
{
	struct url url = url_of("tcp://[fd00::1]:2380");
	assert_string_equal(url.host, "fd00::1");
	assert_string_equal(url.port, "2380");
	assert_string_equal(url_format(&url, "tcp", &arena), "tcp://[fd00::1]:2380");
}

static void loopback_is_known_by_address_and_name(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
	} cases[] = {{"tcp://127.0.0.1:1", true}, {"tcp://127.3.2.1:1", true}, {"tcp://localhost:1", true},
	             {"tcp://[::1]:1", true},     {"tcp://10.0.0.1:1", false}, {"tcp://127.example.com:1", false},
	             {"tcp://0.0.0.0:1", false},  {"tcp://[::]:1", false}};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
		struct url url = url_of(cases[at].text);
		assert_int_equal(url_is_loopback(&url), cases[at].loopback);
	}
}

static void what_is_no_url_is_refused_and_named(void **state)
{
	static const char *const wrong[] = {"",
	                                    "host:2380",
	                                    "tcp://host",
	                                    "tcp://:2380",
	                                    "tcp://host:0",
	                                    "tcp://host:65536",
	                                    "tcp://host:x",
	                                    "ftp://host:1",
	                                    "unix:///tmp/x",
	                                    "tcp://host:1/path",
	                                    "tcp://host:1?q",
	                                    "tcp://user@host:1",
	                                    "tcp://ho st:1"};
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
		struct url url;
		struct problem problem = {""};
		assert_int_equal(url_parse(wrong[at], "--x", &arena, &url, &problem), ERR_INVALID);
		assert_non_null(strstr(problem.text, wrong[at]));
		assert_non_null(strstr(problem.text, "--x"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(the_four_schemes_are_two, arena_begin, arena_end),
	    cmocka_unit_test_setup_teardown(an_address_of_ipv6_keeps_its_brackets_in_text_alone, arena_begin,
	                                    arena_end),
	    cmocka_unit_test_setup_teardown(loopback_is_known_by_address_and_name, arena_begin, arena_end),
	    cmocka_unit_test_setup_teardown(what_is_no_url_is_refused_and_named, arena_begin, arena_end),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/configuration.h"

#include "base/limits.h"
#include "base/random.h"
#include "tests/unit/unit.h"

enum { ROUNDS = 20000 };

static struct arena arena;
static struct buffer buffer;

static int setup(void **state)
{
	arena_init(&arena);
	buffer_init(&buffer, CONFIGURATION_BYTES_MAX);
	return 0;
}

static int teardown(void **state)
{
	arena_fini(&arena);
	buffer_fini(&buffer);
	return 0;
}

static const struct kv_member facts[] = {
    {.id = 2, .claim = UINT64_MAX, .replaces = 1, .name = "n2", .peer_urls = "tcp://b:1", .client_urls = ""},
    {.id = 1, .wants_no_vote = true},
};

static void encode(size_t fact_count)
{
	struct raft_config config;
	raft_config_init(&config);
	assert_int_equal(raft_config_set(&config, (struct raft_member){.id = 1, .voter_outgoing = true}), ERR_OK);
	assert_int_equal(raft_config_set(&config, (struct raft_member){.id = 2, .voter = true}), ERR_OK);
	configuration_encode(&config, facts, fact_count, &buffer);
	raft_config_fini(&config);
}

static void what_is_said_of_members_comes_back(void **state)
{
	struct configuration back;
	encode(2);
	assert_int_equal(configuration_decode(buffer_bytes(&buffer), &arena, &back), ERR_OK);
	assert_int_equal(back.member_count, 2);
	assert_int_equal(back.members[0], 1); /* of the half that is left behind */
	assert_int_equal(back.members[1], 2);
	assert_int_equal(back.fact_count, 2);
	assert_int_equal(back.facts[0].id, 2);
	assert_int_equal(back.facts[0].claim, UINT64_MAX);
	assert_int_equal(back.facts[0].replaces, 1);
	assert_false(back.facts[0].wants_no_vote);
	assert_string_equal(back.facts[0].name, "n2");
	assert_string_equal(back.facts[0].peer_urls, "tcp://b:1");
	assert_string_equal(back.facts[0].client_urls, "");
	assert_true(back.facts[1].wants_no_vote);
	assert_null(back.facts[1].name);
	assert_null(back.facts[1].peer_urls);
	assert_null(back.facts[1].client_urls);
}

static void nothing_said_takes_no_room(void **state)
{
	struct configuration back;
	struct raft_config config;
	struct bytes rest;
	encode(0);
	raft_config_init(&config);
	assert_int_equal(raft_config_decode(buffer_bytes(&buffer), &config, &rest), ERR_OK);
	assert_int_equal(rest.size, 0);
	raft_config_fini(&config);
	assert_int_equal(configuration_decode(buffer_bytes(&buffer), &arena, &back), ERR_OK);
	assert_int_equal(back.member_count, 2);
	assert_int_equal(back.fact_count, 0);
}

static void a_string_beyond_its_limit_is_refused(void **state)
{
	static char text[LIMIT_MEMBER_STRING_BYTES + 2];
	struct configuration back;
	struct raft_config config;
	raft_config_init(&config);
	memset(text, 'x', sizeof text - 1);
	struct kv_member fact = {.id = 1, .name = text};
	configuration_encode(&config, &fact, 1, &buffer);
	assert_int_equal(configuration_decode(buffer_bytes(&buffer), &arena, &back), ERR_CORRUPT);
}

static void what_is_cut_off_or_garbled_is_survived(void **state)
{
	struct random dice;
	struct configuration back;
	random_init(&dice, 3);
	encode(2);
	struct bytes whole = buffer_bytes(&buffer);
	size_t alone = 0; /* the core's part by itself is whole */
	for (size_t size = 1; size < whole.size; size++)
		alone += configuration_decode(bytes_of(whole.data, size), &arena, &back) == ERR_OK;
	assert_int_equal(alone, 1);
	for (int i = 0; i < ROUNDS; i++) {
		uint8_t *copy = arena_take(&arena, whole.size);
		memcpy(copy, whole.data, whole.size);
		copy[random_below(&dice, whole.size)] = (uint8_t)random_next(&dice);
		copy[random_below(&dice, whole.size)] = (uint8_t)random_next(&dice);
		enum err err = configuration_decode(bytes_of(copy, whole.size), &arena, &back);
		assert_true(err == ERR_OK || err == ERR_CORRUPT);
		arena_reset(&arena);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_said_of_members_comes_back),
	    TEST(nothing_said_takes_no_room),
	    TEST(a_string_beyond_its_limit_is_refused),
	    TEST(what_is_cut_off_or_garbled_is_survived),
	};
	return UNIT_RUN(tests);
}

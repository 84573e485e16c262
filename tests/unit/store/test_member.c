/* SPDX-License-Identifier: Apache-2.0 */
/* Who is a member, and what is said of it: configurations and what members publish of themselves. */
#include "base/buffer.h"
#include "base/limits.h"
#include "tests/unit/store/fixture.h"

static int setup(void **state)
{
	static struct fixture fixtures[2];
	fixture_open(&fixtures[0]);
	fixture_open(&fixtures[1]);
	*state = fixtures;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixtures = *state;
	fixture_close(&fixtures[0]);
	fixture_close(&fixtures[1]);
	return 0;
}

/* A configuration of members 1 … `last`, less `without`, that says this of one of them. */
struct config {
	uint64_t ids[8];
	struct kv_member fact;
	struct store_entry entry;
};

static void config_init(struct config *config, uint64_t index, uint64_t last, uint64_t without)
{
	*config = (struct config){
	    .entry = {.index = index, .term = 1, .is_config = true, .payload = B("configuration"), .time_ns = 1}};
	for (uint64_t id = 1; id <= last; id++)
		if (id != without)
			config->ids[config->entry.member_count++] = id;
	config->entry.members = config->ids;
	config->entry.facts = &config->fact;
}

static void config_apply(struct fixture *f, uint64_t last, uint64_t without)
{
	struct config config;
	config_init(&config, ++f->index, last, without);
	store_apply(f->store, &config.entry, 1, NULL, NULL);
}

static void config_say(struct fixture *f, uint64_t last, const struct kv_member *fact)
{
	struct config config;
	config_init(&config, ++f->index, last, 0);
	config.fact = *fact;
	config.entry.fact_count = 1;
	store_apply(f->store, &config.entry, 1, NULL, NULL);
}

static struct kv_member_list members(struct fixture *f)
{
	struct kv_member_list list = {0};
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_members(view, &f->arena, &list), ERR_OK);
	kv_view_close(view);
	return list;
}

static struct kv_member_list removed(struct fixture *f)
{
	struct kv_member_list list = {0};
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_members_removed(view, &f->arena, &list), ERR_OK);
	kv_view_close(view);
	return list;
}

static bool was_removed(struct fixture *f, uint64_t id)
{
	bool was = false;
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_member_was_removed(view, id, &was), ERR_OK);
	kv_view_close(view);
	return was;
}

static uint64_t checksum(struct fixture *f)
{
	struct kv_stats stats;
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_stats(view, &stats), ERR_OK);
	kv_view_close(view);
	return stats.checksum;
}

static enum err publish(struct fixture *f, uint64_t id, const char *name, const char *urls)
{
	struct kv_command command = {.kind = KV_COMMAND_MEMBER,
	                             .member = {.id = id, .name = name, .peer_urls = urls, .client_urls = ""}};
	struct kv_result *result = fixture_apply(f, &command);
	enum err err = result->err;
	kv_result_free(result);
	return err;
}

static void the_configuration_says_who_is_a_member(void **state)
{
	struct fixture *f = *state;
	config_apply(f, 3, 0);
	struct kv_member_list list = members(f);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.members[2].id, 3);
	assert_string_equal(list.members[2].name, "");
	config_apply(f, 3, 2);
	list = members(f);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.members[1].id, 3);
}

static void what_the_configuration_says_of_a_member_is_kept(void **state)
{
	struct fixture *f = *state;
	config_say(f, 1,
	           &(struct kv_member){.id = 1,
	                               .name = "n1",
	                               .peer_urls = "tcp://a:1",
	                               .client_urls = "http://a:2",
	                               .claim = 77,
	                               .replaces = 9,
	                               .wants_no_vote = true});
	config_apply(f, 2, 0); /* says nothing of it */
	fixture_reopen(f);
	struct kv_member member = members(f).members[0];
	assert_string_equal(member.name, "n1");
	assert_string_equal(member.peer_urls, "tcp://a:1");
	assert_string_equal(member.client_urls, "http://a:2");
	assert_int_equal(member.claim, 77);
	assert_int_equal(member.replaces, 9);
	assert_true(member.wants_no_vote);
}

/* Whoever made the configuration may not have known yet what the member had published of itself. */
static void what_the_configuration_does_not_speak_of_stays(void **state)
{
	struct fixture *f = *state;
	config_say(f, 1,
	           &(struct kv_member){
	               .id = 1, .name = "n1", .peer_urls = "tcp://a:1", .client_urls = "", .wants_no_vote = true});
	assert_int_equal(publish(f, 1, "renamed", "tcp://b:1"), ERR_OK);
	config_say(f, 1, &(struct kv_member){.id = 1, .claim = 5});
	struct kv_member member = members(f).members[0];
	assert_string_equal(member.name, "renamed");
	assert_string_equal(member.peer_urls, "tcp://b:1");
	assert_int_equal(member.claim, 5);
	assert_false(member.wants_no_vote);
}

static void a_member_publishes_its_name_and_addresses_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	config_say(f, 1,
	           &(struct kv_member){.id = 1,
	                               .name = "n1",
	                               .peer_urls = "tcp://a:1",
	                               .client_urls = "http://a:2",
	                               .claim = 77,
	                               .replaces = 9,
	                               .wants_no_vote = true});
	assert_int_equal(publish(f, 1, "n1", "tcp://b:1"), ERR_OK);
	struct kv_member member = members(f).members[0];
	assert_string_equal(member.peer_urls, "tcp://b:1");
	assert_string_equal(member.client_urls, "");
	assert_int_equal(member.claim, 77);
	assert_int_equal(member.replaces, 9);
	assert_true(member.wants_no_vote);
	assert_int_equal(fixture_revision(f), 1);
}

static void who_is_not_a_member_publishes_nothing(void **state)
{
	struct fixture *f = *state;
	config_apply(f, 2, 0);
	assert_int_equal(publish(f, 3, "n3", "tcp://c:1"), ERR_NOT_FOUND);
	assert_int_equal(publish(f, 0, "n0", "tcp://c:1"), ERR_INVALID);
	config_apply(f, 2, 2);
	assert_int_equal(publish(f, 2, "n2", "tcp://c:1"), ERR_NOT_FOUND);
	assert_int_equal(members(f).count, 1);
	static char long_name[LIMIT_MEMBER_STRING_BYTES + 2];
	memset(long_name, 'n', sizeof long_name - 1);
	assert_int_equal(publish(f, 1, long_name, "tcp://c:1"), ERR_TOO_LARGE);
}

static void a_removed_member_is_remembered_for_ever(void **state)
{
	struct fixture *f = *state, *to = f + 1;
	config_say(f, 2, &(struct kv_member){.id = 2, .name = "n2", .peer_urls = "tcp://b:1", .claim = 77});
	assert_false(was_removed(f, 2));
	config_apply(f, 2, 2);
	config_apply(f, 1, 0);
	fixture_reopen(f);
	assert_true(was_removed(f, 2));
	assert_false(was_removed(f, 1));
	assert_int_equal(removed(f).count, 1);
	assert_string_equal(removed(f).members[0].name, "n2");
	assert_int_equal(removed(f).members[0].claim, 77);
	/* A snapshot carries it. */
	struct store_snapshot snapshot;
	const char *directory = arena_format(&to->arena, "%s/snap", to->directory);
	assert_int_equal(store_snapshot_make(f->store, directory, &f->arena, &snapshot), ERR_OK);
	assert_int_equal(store_snapshot_install(to->store, directory), ERR_OK);
	assert_true(was_removed(to, 2));
	assert_int_equal(members(to).count, 1);
}

/* The rows of members are looked up in the database, so what an entry before left there must be written. */
static void batches_do_not_matter(void **state)
{
	struct fixture *one = *state, *other = one + 1;
	AUTO_BUFFER struct buffer encoded;
	struct kv_command command = {
	    .kind = KV_COMMAND_MEMBER,
	    .member = {.id = 2, .name = "renamed", .peer_urls = "tcp://b:9", .client_urls = ""}};
	buffer_init(&encoded, LIMIT_ENTRY_BYTES);
	assert_int_equal(kv_command_encode(&command, &encoded), ERR_OK);
	struct config first, second, third;
	config_init(&first, 1, 3, 0);
	first.fact = (struct kv_member){.id = 2, .name = "n2", .peer_urls = "tcp://b:1", .replaces = 3};
	first.entry.fact_count = 1;
	config_init(&second, 3, 3, 2);
	config_init(&third, 4, 2, 2);
	struct store_entry entries[] = {
	    first.entry,
	    {.index = 2, .term = 1, .time_ns = 1, .payload = buffer_bytes(&encoded)},
	    second.entry,
	    third.entry,
	};
	store_apply(one->store, entries, 4, NULL, NULL);
	for (size_t i = 0; i < 4; i++)
		store_apply(other->store, &entries[i], 1, NULL, NULL);
	assert_int_equal(checksum(one), checksum(other));
	assert_int_equal(members(one).count, 1);
	assert_int_equal(removed(one).count, 2);
	assert_string_equal(removed(one).members[0].name, "renamed");
	assert_int_equal(removed(one).members[0].replaces, 3);
}

static void the_checksum_tells_members_apart(void **state)
{
	struct fixture *one = *state, *other = one + 1;
	config_say(one, 1, &(struct kv_member){.id = 1, .claim = 5});
	config_say(other, 1, &(struct kv_member){.id = 1, .claim = 6});
	assert_int_not_equal(checksum(one), checksum(other));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_configuration_says_who_is_a_member),
	    TEST(what_the_configuration_says_of_a_member_is_kept),
	    TEST(what_the_configuration_does_not_speak_of_stays),
	    TEST(a_member_publishes_its_name_and_addresses_and_nothing_else),
	    TEST(who_is_not_a_member_publishes_nothing),
	    TEST(a_removed_member_is_remembered_for_ever),
	    TEST(batches_do_not_matter),
	    TEST(the_checksum_tells_members_apart),
	};
	return UNIT_RUN(tests);
}

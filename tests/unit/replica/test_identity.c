/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/identity.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/unit/unit.h"

static char directory[64];
static struct arena arena;
static struct kv_member initial[] = {{.id = 5, .name = "n1", .peer_urls = "tcp://a:1", .client_urls = ""}};
static struct kv_member contacts[] = {{.id = 5, .name = "n1", .peer_urls = "tcp://a:1", .client_urls = ""},
                                      {.id = 9, .name = "n2", .peer_urls = "tcp://b:1", .client_urls = ""}};

static int set_up(void **state)
{
	log_level_set(LOG_ERROR_LEVEL + 1);
	arena_init(&arena);
	snprintf(directory, sizeof directory, "/tmp/etcfs-identity-XXXXXX");
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	arena_fini(&arena);
	return file_remove_tree(directory) == ERR_OK ? 0 : -1;
}

static struct identity joiner(void)
{
	return (struct identity){.cluster = 1,
	                         .member = 9,
	                         .token = 3,
	                         .directory = 4,
	                         .boot = 2,
	                         .promised_ms = 1000,
	                         .joined = true,
	                         .confirmed = true,
	                         .name = "n2",
	                         .members = initial,
	                         .member_count = 1,
	                         .contacts = contacts,
	                         .contact_count = 2};
}

static struct identity loaded(void)
{
	struct identity identity = {0};
	assert_int_equal(identity_load(directory, &arena, &identity), ERR_OK);
	return identity;
}

static void what_is_saved_is_loaded(void **state)
{
	struct identity identity = joiner();
	assert_int_equal(identity_save(directory, &identity), ERR_OK);
	struct identity again = loaded();
	assert_int_equal(again.cluster, 1);
	assert_int_equal(again.member, 9);
	assert_int_equal(again.token, 3);
	assert_int_equal(again.directory, 4);
	assert_int_equal(again.boot, 2);
	assert_int_equal(again.promised_ms, 1000);
	assert_string_equal(again.name, "n2");
	assert_int_equal(again.member_count, 1);
	assert_int_equal(again.contact_count, 2);
	assert_int_equal(again.contacts[1].id, 9);
	assert_string_equal(again.contacts[1].peer_urls, "tcp://b:1");
}

static void each_flag_is_kept_by_itself(void **state)
{
	for (int i = 0; i < 16; i++) {
		struct identity identity = joiner();
		identity.formed = (i & 1) != 0;
		identity.joined = (i & 2) != 0;
		identity.confirmed = (i & 4) != 0;
		identity.removed = (i & 8) != 0;
		assert_int_equal(identity_save(directory, &identity), ERR_OK);
		struct identity again = loaded();
		assert_int_equal(again.formed, identity.formed);
		assert_int_equal(again.joined, identity.joined);
		assert_int_equal(again.confirmed, identity.confirmed);
		assert_int_equal(again.removed, identity.removed);
	}
}

/* As version 1 of the file was written. */
static void save_version_1(bool formed)
{
	char path[96];
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 4096);
	snprintf(path, sizeof path, "%s/identity", directory);
	buffer_put_u32(&buffer, 0x64494545);
	buffer_put_u32(&buffer, 1);
	for (uint64_t i = 1; i <= 4; i++)
		buffer_put_u64(&buffer, i); /* cluster, member, token, boot */
	buffer_put_u32(&buffer, 1000);
	buffer_put_u8(&buffer, formed);
	buffer_put_sized(&buffer, BYTES_LITERAL("n1"));
	buffer_put_varint(&buffer, 1);
	buffer_put_u64(&buffer, 2);
	buffer_put_sized(&buffer, BYTES_LITERAL("n1"));
	buffer_put_sized(&buffer, BYTES_LITERAL("tcp://a:1"));
	buffer_put_u32(&buffer, crc32c(0, buffer_bytes(&buffer)));
	assert_int_equal(file_replace(path, buffer_bytes(&buffer), 0600), ERR_OK);
}

static void an_older_version_is_read_and_gets_a_number(void **state)
{
	save_version_1(true);
	struct identity identity = loaded();
	assert_int_equal(identity.boot, 4);
	assert_true(identity.formed && identity.confirmed && !identity.joined && !identity.removed);
	assert_int_not_equal(identity.directory, 0);
	assert_string_equal(identity.members[0].peer_urls, "tcp://a:1");
	assert_int_equal(identity.contact_count, 0);
	save_version_1(false); /* it never came to take part */
	assert_false(loaded().confirmed);
}

static void what_is_cut_or_changed_is_not_taken(void **state)
{
	char path[96];
	struct identity identity = joiner();
	struct bytes content = BYTES_NONE;
	snprintf(path, sizeof path, "%s/identity", directory);
	assert_int_equal(identity_save(directory, &identity), ERR_OK);
	assert_int_equal(file_read(path, 1 << 20, &arena, &content), ERR_OK);
	for (size_t size = 0; size < content.size; size++) {
		assert_int_equal(file_replace(path, bytes_of(content.data, size), 0600), ERR_OK);
		assert_int_equal(identity_load(directory, &arena, &identity), ERR_CORRUPT);
	}
	for (size_t at = 0; at < content.size; at++) {
		uint8_t *copy = (uint8_t *)arena_dup(&arena, content).data;
		copy[at] ^= 0x80;
		assert_int_equal(file_replace(path, bytes_of(copy, content.size), 0600), ERR_OK);
		enum err err = identity_load(directory, &arena, &identity);
		assert_true(err == ERR_CORRUPT || err == ERR_FORMAT_NEWER);
	}
}

static struct identity derived_of(const char *name, const struct replica_peer *peers, size_t count)
{
	struct replica_options options = {
	    .name = name, .initial_cluster = peers, .initial_count = count, .cluster_token = "test"};
	struct identity identity = {0};
	assert_int_equal(identity_derive(&options, &arena, &identity), ERR_OK);
	return identity;
}

static void a_joiner_starts_again_without_naming_its_cluster(void **state)
{
	static const struct replica_peer peers[] = {{"n2", "tcp://b:1"}, {"n3", "tcp://c:1"}};
	struct identity stored = joiner(), alone = derived_of("n2", peers, 1);
	assert_int_equal(identity_check(directory, &stored, &alone), ERR_OK);
	struct identity other = derived_of("n2", peers, 2); /* a cluster, and not its own */
	assert_int_equal(identity_check(directory, &stored, &other), ERR_WRONG_CLUSTER);
	struct identity renamed = derived_of("n3", &peers[1], 1);
	assert_int_equal(identity_check(directory, &stored, &renamed), ERR_WRONG_MEMBER);
	stored.joined = false;
	assert_int_equal(identity_check(directory, &stored, &alone), ERR_WRONG_CLUSTER);
}

static void one_that_was_removed_does_not_start(void **state)
{
	static const struct replica_peer peer = {"n2", "tcp://b:1"};
	struct identity stored = joiner(), alone = derived_of("n2", &peer, 1);
	stored.removed = true;
	assert_int_equal(identity_check(directory, &stored, &alone), ERR_REMOVED);
}

static void of_several_a_new_one_is_not_confirmed(void **state)
{
	static const struct replica_peer peers[] = {{"n2", "tcp://b:1"}, {"n3", "tcp://c:1"}};
	struct identity one = derived_of("n2", peers, 2), again = derived_of("n2", peers, 2);
	assert_false(one.confirmed);
	assert_true(derived_of("n2", peers, 1).confirmed);
	assert_int_equal(one.member, again.member);
	assert_int_not_equal(one.directory, again.directory); /* what the id alone does not tell */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_saved_is_loaded, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(each_flag_is_kept_by_itself, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(an_older_version_is_read_and_gets_a_number, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_cut_or_changed_is_not_taken, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_joiner_starts_again_without_naming_its_cluster, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(one_that_was_removed_does_not_start, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(of_several_a_new_one_is_not_confirmed, set_up, tear_down),
	};
	return UNIT_RUN(tests);
}

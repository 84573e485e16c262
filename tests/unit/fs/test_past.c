/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of an older revision, over a store that has changed since. */
#include "fs/past.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "tests/support/solo.h"
#include "tests/unit/unit.h"

struct world {
	char directory[40];
	struct replica *replica;
	struct arena arena;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	snprintf(world->directory, sizeof world->directory, "/tmp/etcfs-past.XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	struct replica_options options = {.name = "solo",
	                                  .data_directory = world->directory,
	                                  .value_bytes_max = LIMIT_VALUE_BYTES_DEFAULT,
	                                  .memory_bytes = 8 << 20};
	assert_int_equal(replica_open(&options, &world->replica), ERR_OK);
	assert_int_equal(replica_start(world->replica), ERR_OK);
	arena_init(&world->arena);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	replica_stop(world->replica);
	replica_close(world->replica);
	assert_int_equal(file_remove_tree(world->directory), ERR_OK);
	arena_fini(&world->arena);
	free(world);
	return 0;
}

/* The revision that it made. */
static int64_t does(struct world *world, struct kv_op op)
{
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = solo_apply_remote(world->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	int64_t revision = result->revision;
	kv_result_free(result);
	return revision;
}

static int64_t client_puts_with_mode(struct world *world, const char *key, uint32_t mode, uint32_t owner)
{
	struct attr attr = {.mode = mode, .uid = owner, .gid = owner};
	return does(world, (struct kv_op){.kind = KV_PUT,
	                                  .put = {.key = bytes_of_string(key),
	                                          .value = bytes_of_string(key),
	                                          .attr = attr_encode(&attr, &world->arena)}});
}

static int64_t client_puts(struct world *world, const char *key)
{
	return client_puts_with_mode(world, key, ATTR_MODE_FILE, 0);
}

static int64_t deletes(struct world *world, const char *prefix)
{
	return does(world, (struct kv_op){.kind = KV_DELETE,
	                                  .del = {.range = kv_prefix(bytes_of_string(prefix), &world->arena)}});
}

static int64_t moves(struct world *world, const char *from, const char *to)
{
	return does(world, (struct kv_op){.kind = KV_MOVE, .move = {bytes_of_string(from), bytes_of_string(to)}});
}

static struct past past_at(struct world *world, int64_t revision)
{
	return (struct past){.view = kv_view_open(replica_kv(world->replica)),
	                     .revision = revision,
	                     .time_ns = 77,
	                     .root_key = BYTES_LITERAL("/")};
}

static void lists(struct world *world, int64_t revision, const char *directory, const char *expected)
{
	struct past past = past_at(world, revision);
	struct past_child child = {0};
	const char *all = "";
	while (past_next(&past, bytes_of_string(directory), child.segment, child.is_directory, &world->arena, &child) ==
	       ERR_OK)
		all = arena_format(&world->arena, "%s%s%s ", all, child.name.text, child.is_directory ? "/" : "");
	kv_view_close(past.view);
	assert_string_equal(all, expected);
}

static enum err permits(struct world *world, int64_t revision, const char *key, uint32_t uid)
{
	struct past past = past_at(world, revision);
	struct past_caller caller = {.uid = uid, .gid = uid};
	enum err err = past_permits(&past, bytes_of_string(key), PAST_READ, &caller);
	kv_view_close(past.view);
	return err;
}

static enum err finds(struct world *world, int64_t revision, const char *directory, const char *name,
                      struct object *object)
{
	struct past past = past_at(world, revision);
	enum err err = past_find(&past, bytes_of_string(directory), name, &world->arena, object);
	kv_view_close(past.view);
	return err;
}

static void a_listing_shows_what_was_there_and_nothing_else(void **state)
{
	struct world *world = *state;
	client_puts(world, "/a");
	client_puts(world, "/d/x");
	client_puts(world, "/d/y/z");
	client_puts(world, "/d-e");
	client_puts(world, "/d.f/g");
	int64_t then = client_puts(world, "/z");
	deletes(world, "/d/");
	client_puts(world, "/b");
	client_puts(world, "/d");
	lists(world, then, "/", "a d-e d.f/ d/ z ");
	lists(world, then, "/d/", "x y/ ");
	lists(world, then + 1, "/", "a d-e d.f/ z ");
	lists(world, then + 1, "/d/", "");
	lists(world, 1, "/", "");
}

static void a_value_beside_a_directory_has_the_other_name(void **state)
{
	struct world *world = *state;
	struct object object;
	client_puts(world, "/k");
	int64_t then = client_puts(world, "/k/below");
	deletes(world, "/k/");
	lists(world, then, "/", ".etcfs:vk k/ ");
	lists(world, then - 1, "/", "k ");
	assert_int_equal(finds(world, then, "/", "k", &object), ERR_OK);
	assert_true(object.is_directory);
	assert_int_equal(finds(world, then, "/", ".etcfs:vk", &object), ERR_OK);
	assert_false(object.is_directory);
	assert_int_equal(finds(world, then - 1, "/", ".etcfs:vk", &object), ERR_NOT_FOUND);
	assert_int_equal(finds(world, then - 1, "/", ".etcfs", &object), ERR_NOT_FOUND);
}

static void a_revision_that_is_not_kept_or_not_made_says_so(void **state)
{
	struct world *world = *state;
	struct object object;
	int64_t then = client_puts(world, "/a");
	client_puts(world, "/a");
	assert_int_equal(finds(world, then + 2, "/", "a", &object), ERR_FUTURE);
	struct kv_command compact = {.kind = KV_COMMAND_COMPACT, .compact.revision = then + 1};
	kv_result_free(solo_apply_remote(world->replica, &compact));
	assert_int_equal(finds(world, then, "/", "a", &object), ERR_COMPACTED);
	assert_int_equal(finds(world, then + 1, "/", "a", &object), ERR_OK);
}

static void a_marker_tells_the_mode_and_the_times_of_a_directory(void **state)
{
	struct world *world = *state;
	struct object object;
	struct stat stat;
	client_puts_with_mode(world, "/d/", S_IFDIR | 0700, 5);
	client_puts(world, "/d/f");
	int64_t then = client_puts(world, "/e/f");
	client_puts_with_mode(world, "/d/", S_IFDIR | 0755, 5);
	deletes(world, "/d/f");
	struct past past = past_at(world, then);
	assert_int_equal(past_read(&past, BYTES_LITERAL("/d/"), &world->arena, &object), ERR_OK);
	assert_int_equal(past_stat(&past, &object, &stat), ERR_OK);
	assert_int_equal(stat.st_mode, S_IFDIR | 0700);
	assert_int_equal(past_read(&past, BYTES_LITERAL("/e/"), &world->arena, &object), ERR_OK);
	assert_int_equal(past_stat(&past, &object, &stat), ERR_OK);
	assert_int_equal(stat.st_mode, S_IFDIR | 0755);
	assert_int_equal(stat.st_mtim.tv_nsec, 77);
	kv_view_close(past.view);
}

static void what_is_closed_then_or_today_is_closed(void **state)
{
	struct world *world = *state;
	client_puts_with_mode(world, "/shut", S_IFREG | 0600, 5);
	int64_t then = client_puts_with_mode(world, "/open", S_IFREG | 0644, 5);
	assert_int_equal(permits(world, then, "/open", 6), ERR_OK);
	assert_int_equal(permits(world, then, "/shut", 6), ERR_PERMISSION);
	assert_int_equal(permits(world, then, "/shut", 5), ERR_OK);
	assert_int_equal(permits(world, then, "/shut", 0), ERR_OK);
	client_puts_with_mode(world, "/shut", S_IFREG | 0644, 5);
	client_puts_with_mode(world, "/open", S_IFREG | 0600, 5);
	assert_int_equal(permits(world, then, "/open", 6), ERR_PERMISSION);
	assert_int_equal(permits(world, then, "/open", 5), ERR_OK);
	assert_int_equal(permits(world, then, "/shut", 6), ERR_PERMISSION);
}

static void a_directory_above_that_is_closed_today_closes_what_was_below(void **state)
{
	struct world *world = *state;
	client_puts_with_mode(world, "/d/", S_IFDIR | 0755, 5);
	int64_t then = client_puts_with_mode(world, "/d/e/f", S_IFREG | 0644, 5);
	assert_int_equal(permits(world, then, "/d/e/f", 6), ERR_OK);
	client_puts_with_mode(world, "/d/", S_IFDIR | 0700, 5);
	assert_int_equal(permits(world, then, "/d/e/f", 6), ERR_PERMISSION);
	assert_int_equal(permits(world, then, "/d/e/f", 5), ERR_OK);
}

static void what_is_gone_or_another_today_is_its_owners(void **state)
{
	struct world *world = *state;
	client_puts_with_mode(world, "/gone", S_IFREG | 0644, 5);
	int64_t then = client_puts_with_mode(world, "/other", S_IFREG | 0644, 5);
	deletes(world, "/gone");
	moves(world, "/other", "/elsewhere");
	client_puts_with_mode(world, "/other", S_IFREG | 0644, 6);
	for (int i = 0; i < 2; i++) {
		const char *key = i == 0 ? "/gone" : "/other";
		assert_int_equal(permits(world, then, key, 6), ERR_PERMISSION);
		assert_int_equal(permits(world, then, key, 7), ERR_PERMISSION);
		assert_int_equal(permits(world, then, key, 5), ERR_OK);
	}
	client_puts_with_mode(world, "/other", S_IFREG | 0600, 6);
	assert_int_equal(permits(world, then, "/other", 5), ERR_PERMISSION);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(a_listing_shows_what_was_there_and_nothing_else),
	    CASE(a_value_beside_a_directory_has_the_other_name),
	    CASE(a_revision_that_is_not_kept_or_not_made_says_so),
	    CASE(a_marker_tells_the_mode_and_the_times_of_a_directory),
	    CASE(what_is_closed_then_or_today_is_closed),
	    CASE(a_directory_above_that_is_closed_today_closes_what_was_below),
	    CASE(what_is_gone_or_another_today_is_its_owners),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Plans of many files against a store: what they make of it, and what they are guarded against. */
#include "tree/tree.h"

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
	struct tree_plan plan;
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	snprintf(world->directory, sizeof world->directory, "/tmp/etcfs-tree.XXXXXX");
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
	if (world->plan.view)
		kv_view_close(world->plan.view);
	replica_stop(world->replica);
	replica_close(world->replica);
	assert_int_equal(file_remove_tree(world->directory), ERR_OK);
	arena_fini(&world->arena);
	free(world);
	return 0;
}

/* ---- the words of the cases ---- */

static int64_t does(struct world *world, struct kv_op op)
{
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = solo_apply_remote(world->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	int64_t revision = result->revision;
	kv_result_free(result);
	return revision;
}

static int64_t makes(struct world *world, const char *key, uint32_t mode, const char *value)
{
	struct attr attr = {.mode = mode, .uid = 5, .gid = 6};
	return does(world, (struct kv_op){.kind = KV_PUT,
	                                  .put = {.key = bytes_of_string(key),
	                                          .value = bytes_of_string(value),
	                                          .attr = attr_encode(&attr, &world->arena)}});
}

static int64_t file(struct world *world, const char *key, const char *value)
{
	return makes(world, key, S_IFREG | 0644, value);
}

static int64_t client(struct world *world, const char *key, const char *value)
{
	return does(
	    world,
	    (struct kv_op){.kind = KV_PUT,
	                   .put = {.key = bytes_of_string(key), .value = bytes_of_string(value), .keep_attr = true}});
}

static int64_t removes(struct world *world, const char *key)
{
	return does(world, (struct kv_op){.kind = KV_DELETE, .del.range.start = bytes_of_string(key)});
}

static int64_t removes_below(struct world *world, const char *prefix)
{
	return does(world,
	            (struct kv_op){.kind = KV_DELETE, .del.range = kv_prefix(bytes_of_string(prefix), &world->arena)});
}

static struct tree_plan *planning(struct world *world, const char *path)
{
	if (world->plan.view)
		kv_view_close(world->plan.view);
	tree_plan_init(&world->plan, kv_view_open(replica_kv(world->replica)), bytes_of_string(path), &world->arena);
	world->plan.now_ns = 99;
	world->plan.ids = 1000;
	return &world->plan;
}

/* True: its guards held. */
static bool applied(struct world *world)
{
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = tree_plan_txn(&world->plan)};
	struct kv_result *result = solo_apply_remote(world->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	bool succeeded = result->succeeded;
	kv_result_free(result);
	return succeeded;
}

static void planned_is(struct world *world, const char *expected)
{
	static const char letters[] = {
	    [TREE_ADDED] = '+', [TREE_REMOVED] = '-', [TREE_CHANGED] = '*', [TREE_ATTRIBUTES] = '%'};
	const char *all = "";
	for (size_t at = 0; at < world->plan.change_count; at++) {
		const struct tree_change *change = &world->plan.changes[at];
		all = arena_format(&world->arena, "%s%c%.*s ", all, letters[change->kind], (int)change->key.size,
		                   (const char *)change->key.data);
	}
	assert_string_equal(all, expected);
}

static void restores(struct world *world, const char *path, int64_t revision, const char *expected)
{
	assert_int_equal(tree_restore(planning(world, path), revision), ERR_OK);
	planned_is(world, expected);
}

/* All keys with their values. */
static void store_is(struct world *world, const char *expected)
{
	const char *all = "";
	struct kv_response response;
	struct kv_view *view = kv_view_open(replica_kv(world->replica));
	struct kv_range_request request = {.range = kv_prefix(BYTES_LITERAL("/"), &world->arena)};
	assert_int_equal(kv_range(view, &request, &world->arena, &response), ERR_OK);
	kv_view_close(view);
	for (size_t at = 0; at < response.record_count; at++)
		all = arena_format(&world->arena, "%s%s=%s ", all,
		                   arena_dup_string(&world->arena, response.records[at].key),
		                   arena_dup_string(&world->arena, response.records[at].value));
	assert_string_equal(all, expected);
}

static struct kv_record record_at(struct world *world, const char *key)
{
	struct kv_record record;
	struct kv_view *view = kv_view_open(replica_kv(world->replica));
	assert_int_equal(kv_get(view, bytes_of_string(key), &world->arena, &record), ERR_OK);
	kv_view_close(view);
	return record;
}

static struct attr attr_at(struct world *world, const char *key)
{
	struct attr attr;
	struct kv_record record = record_at(world, key);
	assert_int_equal(tree_attr(&record, &attr), ERR_OK);
	return attr;
}

/* ---- restore ---- */

static void what_was_removed_returns_and_what_was_added_goes(void **state)
{
	struct world *world = *state;
	file(world, "/d/changed", "1");
	file(world, "/d/gone", "2");
	file(world, "/d/same", "3");
	int64_t then = file(world, "/outside", "4");
	file(world, "/d/changed", "5");
	removes(world, "/d/gone");
	file(world, "/d/late", "6");
	file(world, "/d/new/deep/x", "7");
	file(world, "/d/new/y", "8");
	file(world, "/outside", "9");
	uint64_t id = record_at(world, "/d/changed").id;
	restores(world, "/d", then, "*/d/changed +/d/gone -/d/late -/d/new/ ");
	assert_true(applied(world));
	store_is(world, "/d/changed=1 /d/gone=2 /d/same=3 /outside=9 ");
	assert_true(record_at(world, "/d/changed").id == id);
	restores(world, "/d", then, "");
	assert_int_equal(world->plan.op_count, 0);
}

static void modes_and_owners_return_and_the_change_is_of_now(void **state)
{
	struct world *world = *state;
	makes(world, "/d/", S_IFDIR | 0700, "");
	int64_t then = makes(world, "/d/f", S_IFREG | 0600, "1");
	makes(world, "/d/", S_IFDIR | 0755, "");
	makes(world, "/d/f", S_IFREG | 0644, "1");
	restores(world, "/d", then, "%/d/ %/d/f ");
	assert_true(applied(world));
	assert_int_equal(attr_at(world, "/d/").mode, S_IFDIR | 0700);
	assert_int_equal(attr_at(world, "/d/f").mode, S_IFREG | 0600);
	assert_int_equal(attr_at(world, "/d/f").ctime_ns, 99);
	assert_int_equal(attr_at(world, "/d/f").mtime_ns, 0);
}

static void what_a_client_had_put_is_without_attr_again(void **state)
{
	struct world *world = *state;
	int64_t then = client(world, "/c/k", "1");
	makes(world, "/c/", S_IFDIR | 0700, "");
	makes(world, "/c/k", S_IFREG | 0600, "2");
	restores(world, "/c", then, "%/c/ */c/k ");
	assert_true(applied(world));
	assert_int_equal(record_at(world, "/c/k").attr.size, 0);
	assert_int_equal(attr_at(world, "/c/").mode, ATTR_MODE_DIRECTORY);
}

static void another_type_is_another_object(void **state)
{
	struct world *world = *state;
	makes(world, "/l", S_IFLNK | 0777, "a");
	int64_t then = file(world, "/f", "1");
	uint64_t link = record_at(world, "/l").id, plain = record_at(world, "/f").id;
	makes(world, "/l", S_IFLNK | 0777, "b");
	makes(world, "/f", S_IFIFO | 0644, "1");
	restores(world, "", then, "*/f */l ");
	assert_true(applied(world));
	assert_true(record_at(world, "/l").id != link);
	assert_true(record_at(world, "/f").id != plain);
	assert_true(record_at(world, "/l").id != record_at(world, "/f").id);
}

static void a_directory_that_is_emptied_by_it_stays(void **state)
{
	struct world *world = *state;
	int64_t then = file(world, "/other", "1");
	client(world, "/d/only", "1");
	restores(world, "/d/only", then, "-/d/only ");
	assert_true(applied(world));
	store_is(world, "/d/= /other=1 ");
	client(world, "/e/one", "1");
	client(world, "/e/two", "2");
	restores(world, "/e/one", then, "-/e/one ");
	assert_true(applied(world));
	store_is(world, "/d/= /e/two=2 /other=1 ");
}

static void directories_above_come_back_as_closed_as_they_were(void **state)
{
	struct world *world = *state;
	makes(world, "/a/", S_IFDIR | 0700, "");
	int64_t then = file(world, "/a/b/c", "1");
	removes_below(world, "/a/");
	restores(world, "/a/b/c", then, "+/a/ +/a/b/c ");
	assert_true(applied(world));
	assert_int_equal(attr_at(world, "/a/").mode, S_IFDIR | 0700);
	removes_below(world, "/a/");
	file(world, "/a", "in the way");
	assert_int_equal(tree_restore(planning(world, "/a/b/c"), then), ERR_CONFLICT);
	assert_int_equal(tree_restore(planning(world, "/x"), then), ERR_NOT_FOUND);
	assert_int_equal(tree_restore(planning(world, "/a"), then + 100), ERR_FUTURE);
}

static int64_t leases(struct world *world, const char *key, int64_t lease)
{
	struct kv_command grant = {.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {.id = lease, .ttl_s = 1000}};
	kv_result_free(solo_apply_remote(world->replica, &grant));
	return does(world, (struct kv_op){.kind = KV_PUT,
	                                  .put = {.key = bytes_of_string(key), .lease = lease, .keep_attr = true}});
}

static void what_hangs_on_a_lease_is_left_alone(void **state)
{
	struct world *world = *state;
	file(world, "/d/f", "1");
	leases(world, "/d/dead", 7);
	file(world, "/d/held", "plain");
	int64_t then = leases(world, "/d/same", 8);
	struct kv_command revoke = {.kind = KV_COMMAND_LEASE_REVOKE, .lease_revoke.id = 7};
	kv_result_free(solo_apply_remote(world->replica, &revoke));
	leases(world, "/d/new/lock", 9);
	leases(world, "/d/held", 10);
	file(world, "/d/new/x", "2");
	file(world, "/d/f", "2");
	restores(world, "/d", then, "*/d/f -/d/new/x ");
	assert_true(applied(world));
	store_is(world, "/d/f=1 /d/held= /d/new/lock= /d/same= ");
	struct tree_apply nothing = {.remove = true};
	assert_int_equal(tree_apply(planning(world, "/d"), &nothing), ERR_OK);
	planned_is(world, "-/d/f ");
}

/* Each of these comes between the plan and its transaction. */
static void who_was_first_is_noticed(void **state)
{
	struct world *world = *state;
	file(world, "/d/changed", "1");
	file(world, "/d/gone", "2");
	int64_t then = file(world, "/d/gone2/x", "3");
	struct {
		int64_t (*does)(struct world *world, const char *key, const char *value);
		const char *key;
		bool disturbs;
	} firsts[] = {
	    {file, "/d/changed", true},    {file, "/d/gone", true},     {file, "/d/gone2", true},
	    {file, "/d/gone2/y", true},    {file, "/d/late", true},     {file, "/d/new/z", true},
	    {client, "/d/gone/sub", true}, {file, "/elsewhere", false}, {file, "/d/quite_other", false},
	};
	for (size_t at = 0; at < sizeof firsts / sizeof *firsts; at++) {
		removes_below(world, "/d/");
		file(world, "/d/changed", "5");
		file(world, "/d/late", "6");
		file(world, "/d/new/x", "7");
		restores(world, "/d", then, "*/d/changed +/d/gone +/d/gone2/x -/d/late -/d/new/ ");
		firsts[at].does(world, firsts[at].key, "first");
		assert_int_equal(applied(world), !firsts[at].disturbs);
	}
}

/* ---- apply ---- */

static void applies(struct world *world, const char *path, struct tree_apply asked, const char *expected)
{
	assert_int_equal(tree_apply(planning(world, path), &asked), ERR_OK);
	planned_is(world, expected);
}

static const struct tree_want wants[] = {
    {BYTES_LITERAL("/p/q/"), S_IFDIR | 0711, BYTES_NONE},
    {BYTES_LITERAL("/p/q/a"), S_IFREG | 0600, BYTES_LITERAL("A")},
    {BYTES_LITERAL("/p/q/d/"), S_IFDIR | 0750, BYTES_NONE},
    {BYTES_LITERAL("/p/q/d/l"), S_IFLNK | 0777, BYTES_LITERAL("../a")},
};

static const struct tree_apply asked = {.wants = wants, .count = 4, .uid = 7, .gid = 8};

static void what_is_new_belongs_to_who_applies(void **state)
{
	struct world *world = *state;
	applies(world, "/p/q", asked, "+/p/ +/p/q/ +/p/q/a +/p/q/d/ +/p/q/d/l ");
	assert_true(applied(world));
	store_is(world, "/p/= /p/q/= /p/q/a=A /p/q/d/= /p/q/d/l=../a ");
	assert_int_equal(attr_at(world, "/p/q/").mode, S_IFDIR | 0711);
	assert_int_equal(attr_at(world, "/p/q/a").uid, 7);
	assert_int_equal(attr_at(world, "/p/q/a").mtime_ns, 99);
	applies(world, "/p/q", asked, "");
}

static void what_is_there_keeps_its_owner_and_the_top_its_mode(void **state)
{
	struct world *world = *state;
	makes(world, "/p/q/", S_IFDIR | 0755, "");
	makes(world, "/p/q/a", S_IFREG | 0644, "old");
	file(world, "/p/q/extra", "x");
	applies(world, "/p/q", asked, "*/p/q/a +/p/q/d/ +/p/q/d/l ");
	assert_true(applied(world));
	assert_int_equal(attr_at(world, "/p/q/a").uid, 5);
	assert_int_equal(attr_at(world, "/p/q/a").mode, S_IFREG | 0600);
	assert_int_equal(attr_at(world, "/p/q/").mode, S_IFDIR | 0755);
	struct tree_apply removing = asked;
	removing.remove = true;
	applies(world, "/p/q", removing, "-/p/q/extra ");
}

static void what_is_in_the_way_is_refused_unless_it_may_go(void **state)
{
	struct world *world = *state;
	file(world, "/p/q/a/sub", "x");
	assert_int_equal(tree_apply(planning(world, "/p/q"), &asked), ERR_CONFLICT);
	struct tree_apply removing = asked;
	removing.remove = true;
	applies(world, "/p/q", removing, "+/p/q/a -/p/q/a/ +/p/q/d/ +/p/q/d/l ");
	assert_true(applied(world));
	removes_below(world, "/p/");
	file(world, "/p", "x");
	assert_int_equal(tree_apply(planning(world, "/p/q"), &removing), ERR_CONFLICT);
}

static void what_was_changed_since_the_base_is_refused(void **state)
{
	struct world *world = *state;
	file(world, "/p/q/a", "old");
	struct tree_apply based = asked;
	based.base_revision = file(world, "/p/q/b", "old");
	assert_int_equal(tree_apply(planning(world, "/p/q"), &based), ERR_OK);
	file(world, "/p/other", "x");
	assert_int_equal(tree_apply(planning(world, "/p/q"), &based), ERR_OK);
	removes(world, "/p/q/a");
	assert_int_equal(tree_apply(planning(world, "/p/q"), &based), ERR_CONFLICT);
	based.base_revision = file(world, "/p/q/a", "new");
	removes(world, "/p/q/b");
	assert_int_equal(tree_apply(planning(world, "/p/q"), &based), ERR_CONFLICT);
	based.base_revision = file(world, "/p/q/a", "new");
	file(world, "/p/q/c", "new");
	assert_int_equal(tree_apply(planning(world, "/p/q"), &based), ERR_CONFLICT);
}

static void more_than_a_transaction_holds_is_refused(void **state)
{
	struct world *world = *state;
	size_t count = TREE_OPS_MAX + 1;
	struct tree_want *many = arena_zero(&world->arena, count, sizeof *many);
	for (size_t at = 0; at < count; at++)
		many[at] = (struct tree_want){bytes_of_string(arena_format(&world->arena, "/m/%05zu", at)),
		                              S_IFREG | 0644, BYTES_NONE};
	struct tree_apply too_many = {.wants = many, .count = count};
	assert_int_equal(tree_apply(planning(world, "/m"), &too_many), ERR_LIMIT);
	assert_non_null(strstr(world->plan.why, "one revision can hold"));
	uint8_t *large = arena_zero(&world->arena, TREE_BYTES_MAX, 1);
	many[0].value = many[1].value = bytes_of(large, TREE_BYTES_MAX / 2);
	too_many.count = 2;
	assert_int_equal(tree_apply(planning(world, "/m"), &too_many), ERR_TOO_LARGE);
}

static void a_point_of_the_history_is_a_revision(void **state)
{
	struct world *world = *state;
	int64_t revision = 0, then = file(world, "/a", "1");
	file(world, "/a", "2");
	struct kv_view *view = planning(world, "/a")->view;
	assert_int_equal(tree_when(view, arena_format(&world->arena, "%d", (int)then), 0, &revision), ERR_OK);
	assert_int_equal(revision, then);
	assert_int_equal(tree_when(view, "2100-01-01", 0, &revision), ERR_OK);
	assert_int_equal(revision, then + 1);
	assert_int_equal(tree_when(view, "1000000", 0, &revision), ERR_FUTURE);
	assert_int_equal(tree_when(view, "soon", 0, &revision), ERR_INVALID);
	struct kv_command compact = {.kind = KV_COMMAND_COMPACT, .compact.revision = then + 1};
	kv_result_free(solo_apply_remote(world->replica, &compact));
	view = planning(world, "/a")->view;
	assert_int_equal(tree_when(view, arena_format(&world->arena, "%d", (int)then), 0, &revision), ERR_COMPACTED);
	assert_int_equal(tree_when(view, "1971-01-01", 0, &revision), ERR_COMPACTED);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(what_was_removed_returns_and_what_was_added_goes),
	    CASE(modes_and_owners_return_and_the_change_is_of_now),
	    CASE(what_a_client_had_put_is_without_attr_again),
	    CASE(another_type_is_another_object),
	    CASE(a_directory_that_is_emptied_by_it_stays),
	    CASE(directories_above_come_back_as_closed_as_they_were),
	    CASE(what_hangs_on_a_lease_is_left_alone),
	    CASE(who_was_first_is_noticed),
	    CASE(what_is_new_belongs_to_who_applies),
	    CASE(what_is_there_keeps_its_owner_and_the_top_its_mode),
	    CASE(what_is_in_the_way_is_refused_unless_it_may_go),
	    CASE(what_was_changed_since_the_base_is_refused),
	    CASE(more_than_a_transaction_holds_is_refused),
	    CASE(a_point_of_the_history_is_a_revision),
	};
	return UNIT_RUN(tests);
}

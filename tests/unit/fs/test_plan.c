/* SPDX-License-Identifier: Apache-2.0 */
/* Plans against a store: what they do when nobody interferes, and that each thing they were decided by is guarded. */
#include "fs/plan.h"

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
	snprintf(world->directory, sizeof world->directory, "/tmp/etcfs-plan.XXXXXX");
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

/* ---- the words of the cases ---- */

static void client_does(struct world *world, struct kv_op op)
{
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = solo_apply_remote(world->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	kv_result_free(result);
}

static void client_puts(struct world *world, const char *key, const char *value)
{
	client_does(
	    world,
	    (struct kv_op){.kind = KV_PUT,
	                   .put = {.key = bytes_of_string(key), .value = bytes_of_string(value), .keep_attr = true}});
}

static void client_deletes(struct world *world, const char *key)
{
	client_does(world, (struct kv_op){.kind = KV_DELETE, .del = {.range = {.start = bytes_of_string(key)}}});
}

static bool exists(struct world *world, const char *key)
{
	struct object object;
	struct kv_view *view = kv_view_open(replica_kv(world->replica));
	enum err err = object_read(view, bytes_of_string(key), &world->arena, &object);
	kv_view_close(view);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return err == ERR_OK;
}

static struct object object_at(struct world *world, const char *key)
{
	struct object object;
	struct kv_view *view = kv_view_open(replica_kv(world->replica));
	assert_int_equal(object_read(view, bytes_of_string(key), &world->arena, &object), ERR_OK);
	kv_view_close(view);
	return object;
}

static struct spot spot_at(struct world *world, const char *parent, const char *name)
{
	struct object directory = {.key = bytes_of_string(parent), .is_directory = true, .is_root = true};
	if (strcmp(parent, "/") != 0)
		directory = object_at(world, parent);
	struct spot spot;
	struct kv_view *view = kv_view_open(replica_kv(world->replica));
	assert_int_equal(spot_read(view, &directory, name, &world->arena, &spot), VERDICT_GO);
	kv_view_close(view);
	return spot;
}

/* True: it was done; false: a guard did not hold. */
static bool apply(struct world *world, const struct plan *plan)
{
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = plan_txn(plan)};
	struct kv_result *result = solo_apply_remote(world->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	bool succeeded = result->succeeded;
	kv_result_free(result);
	return succeeded;
}

static struct plan planned(struct world *world)
{
	struct plan plan;
	plan_init(&plan, &world->arena);
	return plan;
}

static enum verdict make_at(struct world *world, struct plan *plan, const char *parent, const char *name,
                            enum note_kind kind)
{
	struct spot spot = spot_at(world, parent, name);
	struct plan_make make = {.kind = kind, .value = BYTES_LITERAL("v")};
	if (kind == NOTE_MKDIR)
		make.value = BYTES_NONE;
	return plan_make(plan, &spot, &make);
}

static void make(struct world *world, const char *parent, const char *name, enum note_kind kind)
{
	struct plan plan = planned(world);
	assert_int_equal(make_at(world, &plan, parent, name, kind), VERDICT_GO);
	assert_true(apply(world, &plan));
}

static enum verdict rename_at(struct world *world, struct plan *plan, const char *from[2], const char *to[2],
                              enum plan_rename_mode mode)
{
	struct spot from_spot = spot_at(world, from[0], from[1]), to_spot = spot_at(world, to[0], to[1]);
	return plan_rename(plan, &from_spot, &to_spot, mode, 42);
}

#define AT(parent, name) ((const char *[2]){parent, name})

/* ---- make ---- */

static void a_name_is_taken_once(void **state)
{
	struct world *world = *state;
	struct plan first = planned(world), second = planned(world), directory = planned(world);
	assert_int_equal(make_at(world, &first, "/", "f", NOTE_CREATE), VERDICT_GO);
	assert_int_equal(make_at(world, &second, "/", "f", NOTE_CREATE), VERDICT_GO);
	assert_int_equal(make_at(world, &directory, "/", "f", NOTE_MKDIR), VERDICT_GO);
	assert_true(apply(world, &first));
	assert_false(apply(world, &second));
	assert_false(apply(world, &directory));
	assert_int_equal(make_at(world, &second, "/", "f", NOTE_CREATE), VERDICT_EXISTS);
}

static void a_name_below_which_keys_live_is_taken(void **state)
{
	struct world *world = *state;
	struct plan file = planned(world);
	assert_int_equal(make_at(world, &file, "/", "d", NOTE_CREATE), VERDICT_GO);
	client_puts(world, "/d/k", "1");
	assert_false(apply(world, &file));
	assert_int_equal(make_at(world, &file, "/", "d", NOTE_CREATE), VERDICT_EXISTS);
}

static void nothing_is_made_in_a_directory_that_is_another_by_now(void **state)
{
	struct world *world = *state;
	make(world, "/", "d", NOTE_MKDIR);
	struct plan plan = planned(world), gone = planned(world);
	assert_int_equal(make_at(world, &plan, "/d/", "f", NOTE_CREATE), VERDICT_GO);
	assert_int_equal(make_at(world, &gone, "/d/", "g", NOTE_CREATE), VERDICT_GO);
	client_deletes(world, "/d/");
	assert_false(apply(world, &gone));
	make(world, "/", "d", NOTE_MKDIR);
	assert_false(apply(world, &plan));
}

static void a_directory_that_keys_imply_is_a_parent_too(void **state)
{
	struct world *world = *state;
	client_puts(world, "/api/k", "1");
	make(world, "/api/", "f", NOTE_CREATE);
	assert_true(exists(world, "/api/f"));
}

static void a_reserved_name_is_refused(void **state)
{
	struct world *world = *state;
	struct plan plan = planned(world);
	assert_int_equal(make_at(world, &plan, "/", ".etcfs:x", NOTE_CREATE), VERDICT_NAME_RESERVED);
	assert_int_equal(make_at(world, &plan, "/", ".etcfs", NOTE_MKDIR), VERDICT_NAME_RESERVED);
}

/* ---- remove ---- */

static void unlinking_the_last_entry_keeps_the_directory_and_its_identity(void **state)
{
	struct world *world = *state;
	client_puts(world, "/d/only", "1");
	uint64_t id = object_id(&(struct object[]){object_at(world, "/d/")}[0]);
	struct plan plan = planned(world);
	struct spot spot = spot_at(world, "/d/", "only");
	assert_int_equal(plan_unlink(&plan, &spot), VERDICT_GO);
	assert_true(apply(world, &plan));
	assert_false(exists(world, "/d/only"));
	struct object directory = object_at(world, "/d/");
	assert_true(object_id(&directory) == id && directory.has_record);
}

static void unlinking_one_of_two_makes_no_marker(void **state)
{
	struct world *world = *state;
	client_puts(world, "/d/a", "1");
	client_puts(world, "/d/b", "1");
	struct plan first = planned(world), second = planned(world);
	struct spot a = spot_at(world, "/d/", "a"), b = spot_at(world, "/d/", "b");
	assert_int_equal(plan_unlink(&first, &a), VERDICT_GO);
	assert_int_equal(plan_unlink(&second, &b), VERDICT_GO);
	assert_true(apply(world, &first));
	assert_false(object_at(world, "/d/").has_record);
	/* planned when there were two, and it is the last by now */
	assert_true(apply(world, &second));
	assert_true(object_at(world, "/d/").has_record);
}

static void a_file_that_is_another_by_now_is_not_unlinked(void **state)
{
	struct world *world = *state;
	client_puts(world, "/f", "1");
	struct plan plan = planned(world);
	struct spot spot = spot_at(world, "/", "f");
	assert_int_equal(plan_unlink(&plan, &spot), VERDICT_GO);
	client_deletes(world, "/f");
	client_puts(world, "/f", "2");
	assert_false(apply(world, &plan));
	assert_true(exists(world, "/f"));
}

static void a_directory_is_removed_only_when_it_is_empty_at_that_moment(void **state)
{
	struct world *world = *state;
	make(world, "/", "d", NOTE_MKDIR);
	struct plan plan = planned(world);
	struct spot spot = spot_at(world, "/", "d");
	assert_int_equal(plan_rmdir(&plan, &spot), VERDICT_GO);
	make(world, "/d/", "f", NOTE_CREATE);
	assert_false(apply(world, &plan));
	spot = spot_at(world, "/", "d");
	assert_int_equal(plan_rmdir(&plan, &spot), VERDICT_NOT_EMPTY);
	assert_int_equal(plan_unlink(&plan, &spot), VERDICT_IS_DIRECTORY);
	struct spot file = spot_at(world, "/d/", "f"), nothing = spot_at(world, "/d/", "g");
	assert_int_equal(plan_rmdir(&plan, &file), VERDICT_NOT_DIRECTORY);
	assert_int_equal(plan_rmdir(&plan, &nothing), VERDICT_ABSENT);
	assert_int_equal(plan_unlink(&plan, &nothing), VERDICT_ABSENT);
}

/* ---- rename ---- */

static void a_rename_keeps_the_identity_and_replaces_a_file(void **state)
{
	struct world *world = *state;
	make(world, "/", "a", NOTE_CREATE);
	make(world, "/", "b", NOTE_CREATE);
	uint64_t id = object_at(world, "/a").record.id;
	struct plan plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/", "a"), AT("/", "b"), PLAN_NO_REPLACE), VERDICT_EXISTS);
	plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/", "a"), AT("/", "b"), PLAN_REPLACE), VERDICT_GO);
	assert_true(apply(world, &plan));
	assert_false(exists(world, "/a"));
	assert_true(object_at(world, "/b").record.id == id);
}

static void a_full_directory_moves_whole_and_keeps_its_old_parent(void **state)
{
	struct world *world = *state;
	client_puts(world, "/p/d/x/f", "1");
	make(world, "/", "q", NOTE_MKDIR);
	uint64_t id = object_at(world, "/p/d/").directory.id;
	struct plan plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/p/", "d"), AT("/q/", "e"), PLAN_REPLACE), VERDICT_GO);
	assert_true(apply(world, &plan));
	assert_true(exists(world, "/q/e/x/f") && exists(world, "/p/") && !exists(world, "/p/d/"));
	assert_true(object_at(world, "/q/e/").directory.id == id);
}

static void a_directory_replaces_only_an_empty_directory(void **state)
{
	struct world *world = *state;
	make(world, "/", "a", NOTE_MKDIR);
	make(world, "/", "b", NOTE_MKDIR);
	make(world, "/", "f", NOTE_CREATE);
	struct plan plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/", "a"), AT("/", "f"), PLAN_REPLACE), VERDICT_NOT_DIRECTORY);
	assert_int_equal(rename_at(world, &plan, AT("/", "f"), AT("/", "a"), PLAN_REPLACE), VERDICT_IS_DIRECTORY);
	plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/", "a"), AT("/", "b"), PLAN_REPLACE), VERDICT_GO);
	make(world, "/b/", "late", NOTE_CREATE);
	assert_false(apply(world, &plan));
	plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/", "a"), AT("/", "b"), PLAN_REPLACE), VERDICT_NOT_EMPTY);
}

static void nothing_is_renamed_into_itself(void **state)
{
	struct world *world = *state;
	make(world, "/", "a", NOTE_MKDIR);
	make(world, "/a/", "b", NOTE_MKDIR);
	make(world, "/a/", "f", NOTE_CREATE);
	struct plan plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/", "a"), AT("/a/b/", "c"), PLAN_REPLACE), VERDICT_INTO_ITSELF);
	assert_int_equal(rename_at(world, &plan, AT("/a/", "f"), AT("/", "a"), PLAN_EXCHANGE), VERDICT_INTO_ITSELF);
	assert_int_equal(rename_at(world, &plan, AT("/a/", "b"), AT("/", "a"), PLAN_REPLACE), VERDICT_NOT_EMPTY);
	plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/a/", "f"), AT("/a/", "f"), PLAN_REPLACE), VERDICT_DONE);
}

static void a_file_and_a_directory_change_places(void **state)
{
	struct world *world = *state;
	make(world, "/", "f", NOTE_CREATE);
	make(world, "/", "d", NOTE_MKDIR);
	make(world, "/d/", "in", NOTE_CREATE);
	uint64_t file = object_at(world, "/f").record.id, directory = object_at(world, "/d/").directory.id;
	struct plan plan = planned(world);
	assert_int_equal(rename_at(world, &plan, AT("/", "f"), AT("/", "d"), PLAN_EXCHANGE), VERDICT_GO);
	assert_true(apply(world, &plan));
	assert_true(object_at(world, "/d").record.id == file && object_at(world, "/f/").directory.id == directory);
	assert_true(exists(world, "/f/in") && !exists(world, "/f") && !exists(world, "/d/"));
}

/* ---- change ---- */

static void what_somebody_else_changed_is_not_overwritten(void **state)
{
	struct world *world = *state;
	make(world, "/", "f", NOTE_CREATE);
	struct object object = object_at(world, "/f");
	struct plan content = planned(world), attr = planned(world);
	struct attr changed = {.mode = S_IFREG | 0600};
	struct plan_content asked = {.kind = NOTE_WRITE, .value = BYTES_LITERAL("mine")};
	assert_int_equal(plan_content(&content, &object, &asked), VERDICT_GO);
	assert_int_equal(plan_attr(&attr, &object, &changed), VERDICT_GO);
	client_puts(world, "/f", "theirs");
	assert_false(apply(world, &content));
	assert_false(apply(world, &attr));
	object = object_at(world, "/f");
	attr = planned(world);
	assert_int_equal(plan_attr(&attr, &object, &changed), VERDICT_GO);
	assert_true(apply(world, &attr));
	object = object_at(world, "/f");
	assert_true(bytes_equal(object.record.value, BYTES_LITERAL("theirs")));
	assert_int_equal(object_attr(&object, &changed), ERR_OK);
	assert_int_equal(changed.mode, S_IFREG | 0600);
}

static void the_attributes_of_an_implied_directory_get_a_marker(void **state)
{
	struct world *world = *state;
	client_puts(world, "/d/k", "1");
	struct object object = object_at(world, "/d/");
	uint64_t id = object.directory.id;
	struct plan plan = planned(world);
	struct attr attr = {.mode = S_IFDIR | 0700};
	assert_int_equal(plan_attr(&plan, &object, &attr), VERDICT_GO);
	assert_true(apply(world, &plan));
	object = object_at(world, "/d/");
	assert_true(object.has_record && object.directory.id == id);
	struct plan_content content = {.kind = NOTE_WRITE};
	assert_int_equal(plan_content(&plan, &object, &content), VERDICT_IS_DIRECTORY);
}

/* ---- what spots show ---- */

static void a_value_beside_a_directory_has_the_other_name(void **state)
{
	struct world *world = *state;
	client_puts(world, "/k", "value");
	assert_int_equal(spot_at(world, "/", "k").kind, SPOT_FILE);
	assert_int_equal(spot_at(world, "/", ".etcfs:vk").kind, SPOT_EMPTY);
	client_puts(world, "/k/below", "1");
	assert_int_equal(spot_at(world, "/", "k").kind, SPOT_DIRECTORY);
	struct spot value = spot_at(world, "/", ".etcfs:vk");
	assert_int_equal(value.kind, SPOT_FILE);
	assert_true(bytes_equal(value.object.record.value, BYTES_LITERAL("value")));
}

static void a_segment_that_is_too_long_is_found_by_its_id(void **state)
{
	struct world *world = *state;
	char key[400] = "/";
	memset(key + 1, 'x', 300);
	client_puts(world, key, "long");
	struct object object = object_at(world, key);
	struct name name = name_of_segment(bytes_of_string(key + 1), NAME_OF_FILE, object.record.id);
	struct spot spot = spot_at(world, "/", name.text);
	assert_int_equal(spot.kind, SPOT_FILE);
	assert_true(object_id(&spot.object) == object.record.id);
	assert_int_equal(spot_at(world, "/", ".etcfs:f00000000000000ff").kind, SPOT_EMPTY);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_name_is_taken_once),
	    CASE(a_name_below_which_keys_live_is_taken),
	    CASE(nothing_is_made_in_a_directory_that_is_another_by_now),
	    CASE(a_directory_that_keys_imply_is_a_parent_too),
	    CASE(a_reserved_name_is_refused),
	    CASE(unlinking_the_last_entry_keeps_the_directory_and_its_identity),
	    CASE(unlinking_one_of_two_makes_no_marker),
	    CASE(a_file_that_is_another_by_now_is_not_unlinked),
	    CASE(a_directory_is_removed_only_when_it_is_empty_at_that_moment),
	    CASE(a_rename_keeps_the_identity_and_replaces_a_file),
	    CASE(a_full_directory_moves_whole_and_keeps_its_old_parent),
	    CASE(a_directory_replaces_only_an_empty_directory),
	    CASE(nothing_is_renamed_into_itself),
	    CASE(a_file_and_a_directory_change_places),
	    CASE(what_somebody_else_changed_is_not_overwritten),
	    CASE(the_attributes_of_an_implied_directory_get_a_marker),
	    CASE(a_value_beside_a_directory_has_the_other_name),
	    CASE(a_segment_that_is_too_long_is_found_by_its_id),
	};
	return UNIT_RUN(tests);
}

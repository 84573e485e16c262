/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/node.h"

#include <stdlib.h>

#include "fs/note.h"
#include "tests/unit/unit.h"

enum { ID_A = 5001, ID_B, ID_FILE, ID_OTHER };

struct world {
	struct node_table *table;
	struct arena arena;
	struct node *root;
	int64_t revision;
	int left; /* nodes that leaving() was told of */
};

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	world->table = node_table_new("/r", NULL);
	world->root = node_find(world->table, NODE_ID_ROOT);
	world->revision = 10;
	node_table_start(world->table, world->revision);
	arena_init(&world->arena);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	node_unpin(world->table, world->root);
	node_table_free(world->table);
	arena_fini(&world->arena);
	free(world);
	return 0;
}

/* ---- the words of the cases ---- */

static struct node *see(struct world *world, struct node *parent, const char *segment, bool is_directory, uint64_t id)
{
	struct node_place place = {.parent = parent,
	                           .segment = bytes_of_string(segment),
	                           .is_directory = is_directory,
	                           .record_id = id,
	                           .view_revision = world->revision};
	struct node *node;
	assert_int_equal(node_bind(world->table, &place, &node), ERR_OK);
	return node;
}

static void assert_key(struct world *world, struct node *node, const char *expected)
{
	struct bytes key;
	int64_t revision;
	assert_int_equal(node_key(world->table, node, &world->arena, &key, &revision), ERR_OK);
	assert_int_equal(key.size, strlen(expected));
	assert_memory_equal(key.data, expected, key.size);
}

static enum node_state state_of(struct world *world, struct node *node)
{
	return node_look(world->table, node, &world->arena).state;
}

static void leaving(void *argument, struct node *node, const struct kv_record *prev)
{
	struct world *world = argument;
	world->left++;
}

static void follow(struct world *world, const struct kv_event *events, size_t count, const struct note *note)
{
	struct kv_change change = {.revision = ++world->revision, .events = events, .event_count = count};
	node_follow(world->table, &change, note, leaving, world);
}

static struct kv_event put(const char *key, uint64_t id, uint64_t prev_id)
{
	struct kv_event event = {.type = KV_EVENT_PUT,
	                         .record = {.key = bytes_of_string(key), .id = id, .mod_revision = 99},
	                         .has_prev = prev_id != 0,
	                         .prev = {.key = bytes_of_string(key), .id = prev_id}};
	return event;
}

static struct kv_event deleted(const char *key, uint64_t id)
{
	struct kv_event event = {
	    .type = KV_EVENT_DELETE, .record = {.key = bytes_of_string(key), .id = id}, .has_prev = true};
	return event;
}

/* ---- cases ---- */

static void a_node_lives_as_long_as_something_holds_it(void **state)
{
	struct world *world = *state;
	struct node *a = see(world, world->root, "a", true, ID_A), *file = see(world, a, "f", false, ID_FILE);
	assert_key(world, file, "/r/a/f");
	node_unpin(world->table, a); /* the child holds it */
	node_looked_up(world->table, file);
	node_unpin(world->table, file);
	struct node *found = node_find_key(world->table, BYTES_LITERAL("/r/a/f"));
	assert_ptr_equal(found, file);
	node_unpin(world->table, found);
	node_forget(world->table, ID_FILE, 1);
	assert_null(node_find(world->table, ID_FILE));
	assert_null(node_find(world->table, ID_A));
	node_forget(world->table, 12345, 1); /* never given: harmless */
}

static void a_rename_of_a_directory_moves_what_is_in_it(void **state)
{
	struct world *world = *state;
	struct node *a = see(world, world->root, "a", true, ID_A), *file = see(world, a, "f", false, ID_FILE);
	struct note note = {.kind = NOTE_RENAME, .path = BYTES_LITERAL("/r/a/"), .to = BYTES_LITERAL("/r/x/y/b/")};
	struct kv_event events[] = {deleted("/r/a/f", ID_FILE), put("/r/x/y/b/f", ID_FILE, 0)};
	follow(world, events, 2, &note);
	assert_key(world, a, "/r/x/y/b/");
	assert_key(world, file, "/r/x/y/b/f");
	assert_int_equal(world->left, 0);
	/* and when the directories above are looked up at last, they are these */
	struct node *x = see(world, world->root, "x", true, ID_B);
	struct node *found = node_find_key(world->table, BYTES_LITERAL("/r/x/"));
	assert_ptr_equal(found, x);
	assert_key(world, file, "/r/x/y/b/f");
	node_unpin(world->table, found);
	node_unpin(world->table, x);
	node_unpin(world->table, file);
	node_unpin(world->table, a);
}

static void a_directory_renamed_over_an_empty_one_takes_its_place(void **state)
{
	struct world *world = *state;
	struct node *a = see(world, world->root, "a", true, ID_A), *b = see(world, world->root, "b", true, ID_B);
	struct node *file = see(world, a, "f", false, ID_FILE);
	struct kv_event events[] = {deleted("/r/b/", ID_B), deleted("/r/a/f", ID_FILE), put("/r/b/f", ID_FILE, 0)};
	follow(world, events, 3,
	       &(struct note){.kind = NOTE_RENAME, .path = BYTES_LITERAL("/r/a/"), .to = BYTES_LITERAL("/r/b/")});
	assert_key(world, a, "/r/b/");
	assert_key(world, file, "/r/b/f");
	assert_int_equal(state_of(world, b), NODE_GONE);
	node_unpin(world->table, file);
	node_unpin(world->table, b);
	node_unpin(world->table, a);
}

static void a_file_that_is_deleted_or_replaced_is_buried(void **state)
{
	struct world *world = *state;
	struct node *file = see(world, world->root, "f", false, ID_FILE);
	struct node *other = see(world, world->root, "o", false, ID_OTHER);
	follow(world, (struct kv_event[]){deleted("/r/f", ID_FILE)}, 1, NULL);
	assert_int_equal(state_of(world, file), NODE_GONE);
	follow(world, (struct kv_event[]){put("/r/o", ID_B, ID_OTHER)}, 1, NULL);
	assert_int_equal(state_of(world, other), NODE_GONE);
	assert_int_equal(world->left, 2);
	struct bytes key;
	int64_t revision;
	assert_int_equal(node_key(world->table, file, &world->arena, &key, &revision), ERR_NOT_FOUND);
	node_unpin(world->table, file);
	node_unpin(world->table, other);
}

static void a_file_renamed_over_another_takes_its_place(void **state)
{
	struct world *world = *state;
	struct node *file = see(world, world->root, "f", false, ID_FILE);
	struct node *other = see(world, world->root, "o", false, ID_OTHER);
	struct kv_event events[] = {deleted("/r/f", ID_FILE), put("/r/o", ID_FILE, ID_OTHER)};
	follow(world, events, 2, NULL);
	assert_key(world, file, "/r/o");
	assert_int_equal(state_of(world, other), NODE_GONE);
	assert_int_equal(world->left, 1);
	node_unpin(world->table, file);
	node_unpin(world->table, other);
}

static void two_files_change_places(void **state)
{
	struct world *world = *state;
	struct node *file = see(world, world->root, "f", false, ID_FILE);
	struct node *other = see(world, world->root, "o", false, ID_OTHER);
	struct kv_event events[] = {put("/r/f", ID_OTHER, ID_FILE), put("/r/o", ID_FILE, ID_OTHER)};
	follow(world, events, 2, NULL);
	assert_key(world, file, "/r/o");
	assert_key(world, other, "/r/f");
	assert_int_equal(world->left, 0);
	node_unpin(world->table, file);
	node_unpin(world->table, other);
}

static void two_directories_change_places(void **state)
{
	struct world *world = *state;
	struct node *a = see(world, world->root, "a", true, ID_A), *b = see(world, world->root, "b", true, ID_B);
	struct note note = {.kind = NOTE_EXCHANGE, .path = BYTES_LITERAL("/r/a/"), .to = BYTES_LITERAL("/r/b/")};
	follow(world, NULL, 0, &note);
	assert_key(world, a, "/r/b/");
	assert_key(world, b, "/r/a/");
	node_unpin(world->table, a);
	node_unpin(world->table, b);
}

static void a_file_and_a_directory_change_places(void **state)
{
	struct world *world = *state;
	struct node *a = see(world, world->root, "a", true, ID_A), *file = see(world, world->root, "f", false, ID_FILE);
	struct node *in = see(world, a, "in", false, ID_OTHER);
	struct kv_event there[] = {deleted("/r/a/in", ID_OTHER), deleted("/r/f", ID_FILE), put("/r/a", ID_FILE, 0),
	                           put("/r/f/in", ID_OTHER, 0)};
	follow(world, there, 4,
	       &(struct note){.kind = NOTE_EXCHANGE, .path = BYTES_LITERAL("/r/f"), .to = BYTES_LITERAL("/r/a/")});
	assert_key(world, a, "/r/f/");
	assert_key(world, in, "/r/f/in");
	assert_key(world, file, "/r/a");
	struct kv_event back[] = {deleted("/r/a", ID_FILE), deleted("/r/f/in", ID_OTHER), put("/r/a/in", ID_OTHER, 0),
	                          put("/r/f", ID_FILE, 0)};
	follow(world, back, 4,
	       &(struct note){.kind = NOTE_EXCHANGE, .path = BYTES_LITERAL("/r/f/"), .to = BYTES_LITERAL("/r/a")});
	assert_key(world, in, "/r/a/in");
	assert_key(world, file, "/r/f");
	assert_int_equal(world->left, 0);
	node_unpin(world->table, in);
	node_unpin(world->table, file);
	node_unpin(world->table, a);
}

static void a_view_from_before_a_rename_places_nothing(void **state)
{
	struct world *world = *state;
	struct node_place old = {.parent = world->root,
	                         .segment = BYTES_LITERAL("f"),
	                         .record_id = ID_FILE,
	                         .view_revision = world->revision};
	struct node *node;
	follow(world, (struct kv_event[]){deleted("/r/f", ID_FILE)}, 1, NULL);
	assert_int_equal(node_bind(world->table, &old, &node), ERR_CONFLICT);
}

static void a_staged_file_becomes_what_it_is_committed_as(void **state)
{
	struct world *world = *state;
	struct node_place place = {.parent = world->root, .segment = BYTES_LITERAL("new"), .record_id = KV_ID_OWN | 7};
	struct node *node, *again, *staged[2];
	assert_int_equal(node_stage(world->table, &place, &node), ERR_OK);
	assert_int_equal(node_stage(world->table, &place, &again), ERR_EXISTS);
	assert_int_equal(state_of(world, node), NODE_STAGED);
	assert_int_equal(node_staged_in(world->table, world->root, staged, 2), 1);
	node_unpin(world->table, staged[0]);
	follow(world, (struct kv_event[]){put("/r/new", KV_ID_OWN | 7, 0)}, 1, NULL);
	assert_int_equal(state_of(world, node), NODE_LINKED);
	assert_int_equal(node_staged_in(world->table, world->root, staged, 2), 0);
	node_unpin(world->table, node);
}

static void a_staged_file_can_become_one_that_was_there_first(void **state)
{
	struct world *world = *state;
	struct node_place place = {.parent = world->root, .segment = BYTES_LITERAL("new"), .record_id = KV_ID_OWN | 7};
	struct node *node;
	assert_int_equal(node_stage(world->table, &place, &node), ERR_OK);
	node_commit(world->table, node, ID_OTHER, 11);
	struct node *found = node_find_record(world->table, ID_OTHER);
	assert_ptr_equal(found, node);
	assert_true(node_id(node) == (KV_ID_OWN | 7));
	follow(world, (struct kv_event[]){deleted("/r/new", ID_OTHER)}, 1, NULL);
	assert_int_equal(state_of(world, node), NODE_GONE);
	node_unpin(world->table, found);
	node_unpin(world->table, node);
}

static void keys_outside_the_root_are_nobodys(void **state)
{
	struct world *world = *state;
	struct node *file = see(world, world->root, "f", false, ID_FILE);
	follow(world, (struct kv_event[]){deleted("/f", ID_FILE)}, 1, NULL);
	assert_key(world, file, "/r/f");
	assert_null(node_find_key(world->table, BYTES_LITERAL("/f")));
	node_unpin(world->table, file);
}

static void no_directory_gets_below_itself(void **state)
{
	struct world *world = *state;
	struct node *a = see(world, world->root, "a", true, ID_A), *b = see(world, a, "b", true, ID_B);
	struct node_place below = {.parent = b, .segment = BYTES_LITERAL("a"), .is_directory = true, .record_id = ID_A};
	node_unpin(world->table, node_bind_anyway(world->table, &below));
	assert_key(world, b, "/r/a/b/");
	node_unpin(world->table, b);
	node_unpin(world->table, a);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(a_node_lives_as_long_as_something_holds_it),
	    CASE(a_rename_of_a_directory_moves_what_is_in_it),
	    CASE(a_directory_renamed_over_an_empty_one_takes_its_place),
	    CASE(a_file_that_is_deleted_or_replaced_is_buried),
	    CASE(a_file_renamed_over_another_takes_its_place),
	    CASE(two_files_change_places),
	    CASE(two_directories_change_places),
	    CASE(a_file_and_a_directory_change_places),
	    CASE(a_view_from_before_a_rename_places_nothing),
	    CASE(a_staged_file_becomes_what_it_is_committed_as),
	    CASE(a_staged_file_can_become_one_that_was_there_first),
	    CASE(keys_outside_the_root_are_nobodys),
	    CASE(no_directory_gets_below_itself),
	};
	return UNIT_RUN(tests);
}

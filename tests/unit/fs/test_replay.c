/* SPDX-License-Identifier: Apache-2.0 */
/* From committed changes to the steps that wait, on a replica of one and a table of nodes; no mount, and no helper. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/limits.h"
#include "fs/replay_state.h"
#include "tests/support/solo.h"

static struct world {
	char folder[32];
	struct replica *replica;
	struct node_table *nodes;
	struct replay *replay;
	enum replay_origin origin;
} world;

static void changed(void *argument, const struct kv_change *change)
{
	struct note note;
	bool has = change->note.size != 0 && note_decode(change->note, &note) == ERR_OK;
	replay_changing(world.replay, change, has ? &note : NULL, world.origin);
	node_follow(world.nodes, change, has ? &note : NULL, NULL, NULL);
	replay_changed(world.replay);
}

static enum err attributes(void *argument, struct node *node, struct stat *ret_stat)
{
	return ERR_NOT_FOUND;
}

static enum err child(void *argument, struct node *parent, const char *name, struct node **ret_node)
{
	return ERR_NOT_FOUND;
}

static int world_make(void **state)
{
	world = (struct world){.folder = "/tmp/etcfs-replay-XXXXXX", .origin = REPLAY_REMOTE};
	if (mkdtemp(world.folder) == NULL)
		return -1;
	struct replica_options replica = {
	    .name = "solo",
	    .data_directory = world.folder,
	    .value_bytes_max = LIMIT_VALUE_BYTES_DEFAULT,
	    .memory_bytes = 16 << 20,
	};
	assert_int_equal(replica_open(&replica, &world.replica), ERR_OK);
	world.nodes = node_table_new("", NULL);
	struct replay_options options = {
	    .mount_point = "/nowhere",
	    .root_key = "",
	    .kv = replica_kv(world.replica),
	    .nodes = world.nodes,
	    .attributes = attributes,
	    .child = child,
	};
	world.replay = replay_new(&options);
	struct kv_observer observer = {.changed = changed};
	replica_observe(world.replica, &observer);
	assert_int_equal(replica_start(world.replica), ERR_OK);
	return 0;
}

static int world_end(void **state)
{
	replica_stop(world.replica);
	replay_free(world.replay);
	node_table_free(world.nodes);
	replica_close(world.replica);
	return file_remove_tree(world.folder) == ERR_OK ? 0 : -1;
}

static void apply(struct kv_op op, enum note_kind kind, const char *path, const char *to)
{
	struct buffer encoded;
	buffer_init(&encoded, LIMIT_NOTE_BYTES);
	struct note note = {.kind = kind, .mount = 1, .op = 1};
	note.path = bytes_of_string(path);
	note.to = bytes_of_string(to);
	assert_int_equal(note_encode(&note, &encoded), ERR_OK);
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	if (kind != 0)
		command.txn.note = buffer_bytes(&encoded);
	struct kv_result *result = solo_apply_remote(world.replica, &command);
	assert_int_equal(result->err, ERR_OK);
	kv_result_free(result);
	buffer_fini(&encoded);
}

static void put(enum note_kind kind, const char *key)
{
	struct kv_put put = {.key = bytes_of_string(key), .value = BYTES_LITERAL("x"), .keep_attr = true};
	apply((struct kv_op){KV_PUT, {.put = put}}, kind, key, "");
}

static void drop(enum note_kind kind, const char *key)
{
	apply((struct kv_op){KV_DELETE, {.del = {.range = {.start = bytes_of_string(key)}}}}, kind, key, "");
}

static void move(const char *from, const char *to)
{
	struct kv_move move = {.from = bytes_of_string(from), .to = bytes_of_string(to)};
	apply((struct kv_op){KV_MOVE, {.move = move}}, NOTE_RENAME, from, to);
}

/* As if the kernel had looked up the directory, or the file in it. */
static uint64_t hold(const char *directory, const char *name)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_view *view = kv_view_open(replica_kv(world.replica));
	char *key = arena_format(&arena, "/%s/", directory);
	struct kv_directory found;
	assert_int_equal(kv_directory(view, bytes_of_string(key), &found), ERR_OK);
	struct node *root = node_find(world.nodes, NODE_ID_ROOT);
	struct node_place place = {.parent = root, .segment = bytes_of_string(directory), .is_directory = true};
	place.record_id = found.id;
	struct node *node = node_bind_anyway(world.nodes, &place);
	struct node *file = NULL;
	if (name != NULL) {
		struct kv_record record;
		key = arena_format(&arena, "/%s/%s", directory, name);
		assert_int_equal(kv_get(view, bytes_of_string(key), &arena, &record), ERR_OK);
		place = (struct node_place){.parent = node, .segment = bytes_of_string(name), .record_id = record.id};
		file = node_bind_anyway(world.nodes, &place);
	}
	uint64_t id = node_id(file != NULL ? file : node);
	node_looked_up(world.nodes, file != NULL ? file : node);
	kv_view_close(view);
	node_unpin(world.nodes, file);
	node_unpin(world.nodes, node);
	node_unpin(world.nodes, root);
	return id;
}

static const char *const kind_names[] = {
    [HELPER_CREATE_WRITTEN] = "create", [HELPER_MAKE] = "make",     [HELPER_CONTENT] = "content",
    [HELPER_REMOVE] = "remove",         [HELPER_RENAME] = "rename",
};

/* The steps that wait, taken away: "create a; rename a b". */
static const char *steps(void)
{
	static char text[512];
	size_t size = 0;
	text[0] = 0;
	struct step *all = step_queue_clear(&world.replay->queue);
	for (struct step *step = all; step != NULL; step = step->next)
		size += (size_t)snprintf(text + size, sizeof text - size, "%s%s %s%s%s", size != 0 ? "; " : "",
		                         kind_names[step->kind], step->at.name, step->to.name != NULL ? " " : "",
		                         step->to.name != NULL ? step->to.name : "");
	replay_count_pending(world.replay);
	step_free_all(world.replay, all);
	return text;
}

static void what_the_kernel_does_not_hold_gives_no_step(void **state)
{
	put(0, "/d/file");
	assert_string_equal(steps(), "make d"); /* the root is always held */
	put(0, "/d/other");
	drop(NOTE_UNLINK, "/d/other");
	assert_string_equal(steps(), "");
	uint64_t id = hold("d", NULL);
	struct node *node = node_find(world.nodes, id); /* a call or a handle may hold what the kernel has forgotten */
	node_forget(world.nodes, id, 1);
	put(NOTE_CREATE, "/d/new");
	assert_string_equal(steps(), "");
	node_unpin(world.nodes, node);
}

static void in_a_directory_that_it_holds_every_change_is_a_step(void **state)
{
	put(0, "/d/file");
	hold("d", NULL);
	steps();
	put(NOTE_CREATE, "/d/new");
	put(NOTE_WRITE, "/d/new");
	move("/d/new", "/d/file");
	drop(NOTE_UNLINK, "/d/file");
	assert_string_equal(steps(), "create new; content new; rename new file; remove file");
}

static void a_file_that_alone_is_held_is_followed_by_its_directory(void **state)
{
	put(0, "/d/file");
	uint64_t file = hold("d", "file");
	steps();
	put(NOTE_WRITE, "/d/file");
	assert_int_equal(world.replay->queue.first->object.id, file);
	assert_string_equal(steps(), "content file");
	drop(0, "/d/file"); /* by a client of the API, and the directory with it */
	assert_int_equal(world.replay->queue.first->object.id, file);
	assert_int_equal(replay_links(world.replay, file), 1);
	assert_string_equal(steps(), "remove file; remove d");
	assert_int_equal(replay_links(world.replay, file), 0);
}

static void what_is_replaced_unseen_is_a_phantom(void **state)
{
	put(0, "/d/file");
	put(0, "/d/other");
	hold("d", NULL);
	steps();
	move("/d/file", "/d/other");
	const struct step *step = world.replay->queue.first;
	assert_non_null(step->object.node); /* it lives on */
	assert_null(step->other.node);
	assert_int_not_equal(step->other.id, 0);
	assert_true(replay_is_pending(world.replay, step->at.directory_id, "file"));
	assert_true(replay_is_pending(world.replay, step->at.directory_id, "other"));
	assert_false(replay_is_pending(world.replay, step->at.directory_id, "neither"));
	assert_string_equal(steps(), "rename file other");
}

static void an_own_change_is_told_again_only_after_a_step_of_its_name(void **state)
{
	put(0, "/d/file");
	uint64_t directory = hold("d", NULL);
	steps();
	world.origin = REPLAY_OWN;
	put(NOTE_CREATE, "/d/own");
	assert_string_equal(steps(), "");
	world.origin = REPLAY_REMOTE;
	put(NOTE_CREATE, "/d/both");
	world.origin = REPLAY_OWN;
	drop(NOTE_UNLINK, "/d/both");
	put(NOTE_WRITE, "/d/file");
	assert_true(replay_is_pending(world.replay, directory, "both"));
	assert_string_equal(steps(), "create both; remove both");
}

static void a_file_beside_a_directory_of_its_name_has_its_own(void **state)
{
	put(0, "/d/name");
	hold("d", NULL);
	put(0, "/d/name/below");
	steps();
	put(0, "/d/name");
	assert_string_equal(steps(), "content .etcfs:vname");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_the_kernel_does_not_hold_gives_no_step, world_make, world_end),
	    cmocka_unit_test_setup_teardown(in_a_directory_that_it_holds_every_change_is_a_step, world_make, world_end),
	    cmocka_unit_test_setup_teardown(a_file_that_alone_is_held_is_followed_by_its_directory, world_make,
	                                    world_end),
	    cmocka_unit_test_setup_teardown(what_is_replaced_unseen_is_a_phantom, world_make, world_end),
	    cmocka_unit_test_setup_teardown(an_own_change_is_told_again_only_after_a_step_of_its_name, world_make,
	                                    world_end),
	    cmocka_unit_test_setup_teardown(a_file_beside_a_directory_of_its_name_has_its_own, world_make, world_end),
	};
	return UNIT_RUN(tests);
}

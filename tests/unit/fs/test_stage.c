/* SPDX-License-Identifier: Apache-2.0 */
/* Staged content and its commits on a replica of one, without a mount: what other members, timeouts and lost answers do to a save. */
#include "fs/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/wait.h"
#include "fs/call.h"
#include "fs/handle.h"
#include "fs/warden.h"
#include "tests/support/solo.h"
#include "tests/unit/unit.h"

enum { TIMEOUT_MS = 200, NEVER_MS = 30000 };

struct world {
	char directory[40], data[64], mount[64];
	struct replica *replica;
	struct fs *fs;
	struct arena arena;
	pthread_mutex_t mutex; /* protects what follows */
	pthread_cond_t told;
	bool is_told;
	int error;
};

static struct world *the_world; /* a call has nothing that points to it */

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	snprintf(world->directory, sizeof world->directory, "/tmp/etcfs-stage.XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->data, sizeof world->data, "%s/data", world->directory);
	snprintf(world->mount, sizeof world->mount, "%s/mnt", world->directory);
	assert_int_equal(mkdir(world->data, 0700), 0);
	assert_int_equal(mkdir(world->mount, 0700), 0);
	struct replica_options options = {.name = "solo",
	                                  .data_directory = world->data,
	                                  .value_bytes_max = LIMIT_VALUE_BYTES_DEFAULT,
	                                  .memory_bytes = 8 << 20};
	struct fs_options fs_options = {.mount_point = world->mount,
	                                .read_timeout_ms = TIMEOUT_MS,
	                                .write_timeout_ms = TIMEOUT_MS,
	                                .file_bytes_max = LIMIT_VALUE_BYTES_DEFAULT};
	assert_int_equal(replica_open(&options, &world->replica), ERR_OK);
	assert_int_equal(fs_open(&fs_options, world->replica, &world->fs), ERR_OK);
	assert_int_equal(replica_start(world->replica), ERR_OK);
	arena_init(&world->arena);
	pthread_mutex_init(&world->mutex, NULL);
	wait_cond_init(&world->told);
	*state = the_world = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;
	warden_wait(world->fs->warden, clock_steady_ns() + NEVER_MS * CLOCK_NS_PER_MS);
	replica_stop(world->replica);
	fs_close(world->fs);
	replica_close(world->replica);
	assert_int_equal(file_remove_tree(world->directory), ERR_OK);
	arena_fini(&world->arena);
	pthread_cond_destroy(&world->told);
	pthread_mutex_destroy(&world->mutex);
	free(world);
	return 0;
}

/* ---- the words of the cases ---- */

static void client_puts(struct world *world, const char *value)
{
	struct kv_op op = {.kind = KV_PUT,
	                   .put = {.key = bytes_of_string("/f"), .value = bytes_of_string(value), .keep_attr = true}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = solo_apply_remote(world->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	kv_result_free(result);
}

static void client_deletes(struct world *world)
{
	struct kv_op op = {.kind = KV_DELETE, .del = {.range = {.start = bytes_of_string("/f")}}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = solo_apply_remote(world->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	kv_result_free(result);
}

static void expect_stored(struct world *world, const char *value)
{
	struct kv_record record;
	struct kv_view *view = kv_view_open(world->fs->kv);
	assert_int_equal(kv_get(view, bytes_of_string("/f"), &world->arena, &record), ERR_OK);
	assert_true(bytes_equal(record.value, bytes_of_string(value)));
	kv_view_close(view);
}

/* The file /f. */
static struct handle *opened(struct world *world)
{
	struct kv_record record;
	struct kv_view *view = kv_view_open(world->fs->kv);
	assert_int_equal(kv_get(view, bytes_of_string("/f"), &world->arena, &record), ERR_OK);
	struct node *root = node_find(world->fs->nodes, NODE_ID_ROOT), *node;
	struct node_place place = {.parent = root,
	                           .segment = bytes_of_string("f"),
	                           .record_id = record.id,
	                           .revision = record.mod_revision,
	                           .view_revision = kv_view_revision(view)};
	assert_int_equal(node_bind(world->fs->nodes, &place, &node), ERR_OK);
	kv_view_close(view);
	struct handle *handle = handle_new_file(world->fs, node, O_RDWR);
	node_unpin(world->fs->nodes, node);
	node_unpin(world->fs->nodes, root);
	return handle;
}

static void load(struct world *world, struct handle *handle)
{
	struct kv_view *view = fs_view(world->fs);
	assert_int_equal(stage_load(handle->stage, view, &world->arena), VERDICT_GO);
	kv_view_close(view);
}

static void append(struct handle *handle, const char *text)
{
	struct stage_write write = {.data = bytes_of_string(text), .append = true};
	assert_int_equal(stage_write(handle->stage, &write, NULL), STAGE_DONE);
}

static void expect_read(struct world *world, struct handle *handle, const char *text)
{
	struct bytes data;
	assert_int_equal(stage_read(handle->stage, 0, 100, &world->arena, &data), STAGE_DONE);
	assert_true(bytes_equal(data, bytes_of_string(text)));
}

static void save_finish(struct call *call, int error)
{
	(void)call;
	pthread_mutex_lock(&the_world->mutex);
	the_world->is_told = true;
	the_world->error = error;
	pthread_cond_signal(&the_world->told);
	pthread_mutex_unlock(&the_world->mutex);
}

static const struct call_kind save_kind = {.name = "save", .need = CALL_CHANGES, .finish = save_finish};

/* As fsync(2) and close(2): the errno. */
static int save(struct world *world, struct handle *handle)
{
	struct call *call = call_new(world->fs, NULL, &save_kind);
	call->stage = handle->stage;
	call->nodes[0] = node_pin(world->fs->nodes, handle->node);
	call->resume = stage_saved;
	if (!stage_commit(handle->stage, call))
		stage_saved(call, 0);
	uint64_t deadline_ns = clock_steady_ns() + NEVER_MS * CLOCK_NS_PER_MS;
	pthread_mutex_lock(&world->mutex);
	while (!world->is_told && wait_until(&world->told, &world->mutex, deadline_ns))
		;
	assert_true(world->is_told);
	world->is_told = false;
	int error = world->error;
	pthread_mutex_unlock(&world->mutex);
	return error;
}

/* As the warden after a second without a write. */
static void save_unasked(struct world *world, struct handle *handle)
{
	assert_true(stage_commit(handle->stage, NULL));
	warden_wait(world->fs->warden, clock_steady_ns() + NEVER_MS * CLOCK_NS_PER_MS);
}

/* ---- cases ---- */

static void a_view_older_than_the_node_is_not_asked_for_ever(void **state)
{
	struct world *world = *state;
	client_puts(world, "old");
	struct handle *handle = opened(world);
	struct kv_view *view = fs_view(world->fs);
	client_puts(world, "new");
	struct stage_write write = {.data = bytes_of_string("x")};
	assert_int_equal(stage_write(handle->stage, &write, NULL), STAGE_LOAD);
	assert_int_equal(stage_load(handle->stage, view, &world->arena), VERDICT_AGAIN);
	assert_int_equal(stage_write(handle->stage, &write, NULL), STAGE_LOAD);
	assert_int_equal(stage_load(handle->stage, view, &world->arena), VERDICT_AGAIN);
	kv_view_close(view);
	load(world, handle);
	assert_int_equal(stage_write(handle->stage, &write, NULL), STAGE_DONE);
	assert_int_equal(save(world, handle), 0);
	expect_stored(world, "xew");
	handle_free(world->fs, handle);
}

static void attributes_laid_on_a_newer_content_take_it_for_their_base(void **state)
{
	struct world *world = *state;
	client_puts(world, "old");
	struct handle *handle = opened(world);
	load(world, handle);
	struct stat asked = {.st_mode = S_IFREG | 0600};
	assert_int_equal(stage_set_attr(handle->stage, &asked, FUSE_SET_ATTR_MODE, NULL), STAGE_DONE);
	client_puts(world, "newer");
	assert_int_equal(save(world, handle), 0);
	expect_read(world, handle, "newer");
	append(handle, "!");
	assert_int_equal(save(world, handle), 0);
	expect_stored(world, "newer!");
	handle_free(world->fs, handle);
}

/* The kernel lets go of a file after close(2) has returned: by then the next save may have emptied it, and not written it yet. */
static void letting_go_of_one_does_not_save_half_of_the_next(void **state)
{
	struct world *world = *state;
	client_puts(world, "old");
	struct handle *first = opened(world), *next = opened(world);
	load(world, next);
	assert_int_equal(stage_resize(next->stage, 0, NULL), STAGE_DONE);
	stage_commit_last(first->stage);
	first->writable = false;
	handle_free(world->fs, first);
	assert_true(stage_wants_commit(next->stage));
	expect_stored(world, "old");
	append(next, "new");
	stage_commit_last(next->stage);
	next->writable = false;
	warden_wait(world->fs->warden, clock_steady_ns() + NEVER_MS * CLOCK_NS_PER_MS);
	expect_stored(world, "new");
	handle_free(world->fs, next);
}

static void what_was_said_to_be_unsaved_is_not_saved_later(void **state)
{
	struct world *world = *state;
	client_puts(world, "old");
	struct handle *handle = opened(world);
	load(world, handle);
	append(handle, "+");
	solo_set_weather(world->replica, SOLO_NO_QUORUM);
	assert_int_equal(save(world, handle), EROFS);
	solo_set_weather(world->replica, SOLO_FAIR);
	assert_false(stage_commit(handle->stage, NULL));
	handle_free(world->fs, handle);
	handle = opened(world);
	assert_int_equal(save(world, handle), 0);
	handle_free(world->fs, handle);
	expect_stored(world, "old");
}

static void an_fsync_that_failed_can_be_tried_again(void **state)
{
	struct world *world = *state;
	client_puts(world, "old");
	struct handle *handle = opened(world);
	load(world, handle);
	append(handle, "+");
	solo_set_weather(world->replica, SOLO_NO_QUORUM);
	assert_int_equal(save(world, handle), EROFS);
	solo_set_weather(world->replica, SOLO_FAIR);
	assert_int_equal(save(world, handle), 0);
	expect_stored(world, "old+");
	handle_free(world->fs, handle);
}

static void a_loss_that_nobody_heard_of_is_told_once(void **state)
{
	struct world *world = *state;
	client_puts(world, "old");
	struct handle *handle = opened(world);
	load(world, handle);
	append(handle, "+");
	solo_set_weather(world->replica, SOLO_ANSWERS_LOST);
	save_unasked(world, handle);
	solo_set_weather(world->replica, SOLO_FAIR);
	assert_int_equal(save(world, handle), EIO);
	assert_int_equal(save(world, handle), 0);
	expect_stored(world, "old+"); /* and not "old++" */
	handle_free(world->fs, handle);
}

static void the_warden_keeps_what_was_written_meanwhile(void **state)
{
	struct world *world = *state;
	client_puts(world, "old");
	struct handle *handle = opened(world);
	load(world, handle);
	append(handle, "+");
	warden_remove(world->fs->warden, handle->stage);
	warden_commit_all(world->fs->warden);
	warden_wait(world->fs->warden, clock_steady_ns() + NEVER_MS * CLOCK_NS_PER_MS);
	expect_stored(world, "old+");
	handle_free(world->fs, handle);
}

/* A snapshot came in place of the changes: a table that never followed them. */
static void a_replaced_state_tells_nodes_of_newer_contents(void **state)
{
	struct world *world = *state;
	client_puts(world, "old");
	struct kv_record record;
	struct kv_view *view = kv_view_open(world->fs->kv);
	assert_int_equal(kv_get(view, bytes_of_string("/f"), &world->arena, &record), ERR_OK);
	struct node_table *table = node_table_new("", stage_free);
	struct node *root = node_find(table, NODE_ID_ROOT);
	struct node *node = node_bind_anyway(
	    table, &(struct node_place){
	               .parent = root, .segment = bytes_of_string("f"), .record_id = record.id, .revision = 1});
	node_follow_replaced(table, view);
	kv_view_close(view);
	struct node_look look = node_look(table, node, &world->arena);
	assert_int_equal(look.state, NODE_LINKED);
	assert_int_equal(look.revision, record.mod_revision);
	node_unpin(table, node);
	node_unpin(table, root);
	node_table_free(table);
}

/* The kernel has looked it up and opens it next: it reads up to the size that it was told. */
static void what_goes_before_it_is_opened_has_the_size_that_it_had(void **state)
{
	struct world *world = *state;
	client_puts(world, "five!");
	struct handle *handle = opened(world);
	struct node *node = node_find(world->fs->nodes, node_id(handle->node));
	handle_free(world->fs, handle);
	client_deletes(world);
	struct stage *stage = node_get_stage(world->fs->nodes, node);
	struct stat stat = {0};
	assert_true(stage_is_lost(stage));
	assert_true(stage_stat(stage, &stat));
	assert_int_equal(stat.st_size, 5);
	node_unpin(world->fs->nodes, node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    CASE(a_view_older_than_the_node_is_not_asked_for_ever),
	    CASE(attributes_laid_on_a_newer_content_take_it_for_their_base),
	    CASE(letting_go_of_one_does_not_save_half_of_the_next),
	    CASE(what_was_said_to_be_unsaved_is_not_saved_later),
	    CASE(an_fsync_that_failed_can_be_tried_again),
	    CASE(a_loss_that_nobody_heard_of_is_told_once),
	    CASE(the_warden_keeps_what_was_written_meanwhile),
	    CASE(a_replaced_state_tells_nodes_of_newer_contents),
	    CASE(what_goes_before_it_is_opened_has_the_size_that_it_had),
	};
	return UNIT_RUN(tests);
}

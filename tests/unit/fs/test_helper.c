/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's calls on an ordinary directory: here they do change things, and the kernel raises the events that they are for. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fs.h"
#include "fs/helper.h"
#include "fs/node.h"

struct world {
	char directory[32];
	int root, watch;
};

static int world_make(void **state)
{
	struct world *world = calloc(1, sizeof *world);
	snprintf(world->directory, sizeof world->directory, "/tmp/etcfs-helper-XXXXXX");
	if (world == NULL || mkdtemp(world->directory) == NULL)
		return -1;
	world->root = open(world->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	world->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	inotify_add_watch(world->watch, world->directory, IN_ALL_EVENTS);
	*state = world;
	return 0;
}

static int world_end(void **state)
{
	struct world *world = *state;
	close(world->watch);
	static const char *const names[] = {"file", "other", "link", "pipe"};
	for (size_t at = 0; at < sizeof names / sizeof *names; at++)
		unlinkat(world->root, names[at], 0);
	unlinkat(world->root, "directory/inside", 0);
	unlinkat(world->root, "directory", AT_REMOVEDIR);
	close(world->root);
	int result = rmdir(world->directory);
	free(world);
	return result;
}

static const struct {
	uint32_t mask;
	const char *name;
} mask_names[] = {
    {IN_OPEN, "OPEN"},     {IN_CREATE, "CREATE"},         {IN_MODIFY, "MODIFY"},     {IN_ATTRIB, "ATTRIB"},
    {IN_DELETE, "DELETE"}, {IN_MOVED_FROM, "MOVED_FROM"}, {IN_MOVED_TO, "MOVED_TO"}, {IN_CLOSE_WRITE, "CLOSE_WRITE"},
};

/* Of the directory's watch since the last time: "CREATE file, OPEN file". */
static const char *events(struct world *world)
{
	static char text[512];
	char room[4096] __attribute__((aligned(8)));
	ssize_t size = read(world->watch, room, sizeof room);
	size_t length = 0;
	text[0] = 0;
	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *event = (const struct inotify_event *)(room + at);
		for (size_t mask = 0; mask < sizeof mask_names / sizeof *mask_names; mask++)
			if ((event->mask & mask_names[mask].mask) != 0)
				length += (size_t)snprintf(text + length, sizeof text - length, "%s%s %s",
				                           length != 0 ? ", " : "", mask_names[mask].name, event->name);
		at += (ssize_t)(sizeof *event + event->len);
	}
	return text;
}

/* Over the wire and back, as the helper gets it. */
static int call(struct world *world, struct helper_call call)
{
	call.number = 1;
	call.at.directory = call.at.path != NULL ? 2 : NODE_ID_ROOT;
	call.to.directory = NODE_ID_ROOT;
	call.at.path = call.at.path != NULL ? call.at.path : "";
	call.to.path = "";
	call.to.name = call.to.name != NULL ? call.to.name : "";
	struct buffer buffer;
	buffer_init(&buffer, HELPER_CALL_BYTES);
	assert_int_equal(helper_call_encode(&call, &buffer), ERR_OK);
	struct helper_call decoded;
	assert_int_equal(helper_call_decode(buffer_bytes(&buffer), &decoded), ERR_OK);
	int error = helper_do(world->root, &decoded);
	buffer_fini(&buffer);
	return error;
}

static int call_at(struct world *world, enum helper_kind kind, mode_t type, const char *name)
{
	return call(world, (struct helper_call){.kind = kind, .type = type, .at = {.name = name}});
}

static void a_created_file_raises_what_a_shell_raises(void **state)
{
	assert_int_equal(call_at(*state, HELPER_CREATE, S_IFREG, "file"), 0);
	assert_string_equal(events(*state), "CREATE file, OPEN file, CLOSE_WRITE file");
	assert_int_equal(call_at(*state, HELPER_CREATE, S_IFREG, "file"), EEXIST);
	assert_int_equal(call_at(*state, HELPER_CREATE_WRITTEN, S_IFREG, "other"), 0);
	assert_string_equal(events(*state), "CREATE other, OPEN other, MODIFY other, CLOSE_WRITE other");
}

static void each_type_is_made_with_create_alone(void **state)
{
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFDIR, "directory"), 0);
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFLNK, "link"), 0);
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFIFO, "pipe"), 0);
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFREG, "file"), 0);
	assert_string_equal(events(*state), "CREATE directory, CREATE link, CREATE pipe, CREATE file");
}

static void content_truncation_and_attributes_differ(void **state)
{
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFREG, "file"), 0);
	events(*state);
	assert_int_equal(call_at(*state, HELPER_CONTENT, S_IFREG, "file"), 0);
	assert_string_equal(events(*state), "OPEN file, MODIFY file, CLOSE_WRITE file");
	assert_int_equal(call_at(*state, HELPER_TRUNCATE, S_IFREG, "file"), 0);
	assert_string_equal(events(*state), "MODIFY file");
	assert_int_equal(call_at(*state, HELPER_ATTR, S_IFREG, "file"), 0);
	assert_string_equal(events(*state), "ATTRIB file");
}

static void content_of_what_cannot_be_opened_is_modify_alone(void **state)
{
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFLNK, "link"), 0);
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFIFO, "pipe"), 0);
	events(*state);
	assert_int_equal(call_at(*state, HELPER_CONTENT, S_IFLNK, "link"), 0);
	assert_int_equal(call_at(*state, HELPER_CONTENT, S_IFIFO, "pipe"), 0);
	assert_string_equal(events(*state), "MODIFY link, MODIFY pipe");
}

static void removals_are_by_type(void **state)
{
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFREG, "file"), 0);
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFDIR, "directory"), 0);
	events(*state);
	assert_int_equal(call_at(*state, HELPER_REMOVE, S_IFDIR, "file"), ENOTDIR);
	assert_int_equal(call_at(*state, HELPER_REMOVE, S_IFREG, "file"), 0);
	assert_int_equal(call_at(*state, HELPER_REMOVE, S_IFDIR, "directory"), 0);
	assert_int_equal(call_at(*state, HELPER_REMOVE, S_IFDIR, "directory"), ENOENT);
	assert_string_equal(events(*state), "DELETE file, DELETE directory");
}

static void renames_and_exchanges_are_moves(void **state)
{
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFREG, "file"), 0);
	events(*state);
	struct helper_call rename = {.kind = HELPER_RENAME, .at = {.name = "file"}, .to = {.name = "other"}};
	assert_int_equal(call(*state, rename), 0);
	assert_string_equal(events(*state), "MOVED_FROM file, MOVED_TO other");
	assert_int_equal(call_at(*state, HELPER_MAKE, S_IFREG, "file"), 0);
	events(*state);
	rename.kind = HELPER_EXCHANGE;
	assert_int_equal(call(*state, rename), 0);
	assert_string_equal(events(*state), "MOVED_FROM file, MOVED_TO other, MOVED_FROM other, MOVED_TO file");
}

static void a_path_is_followed_below_the_root_alone(void **state)
{
	struct world *world = *state;
	assert_int_equal(call_at(world, HELPER_MAKE, S_IFDIR, "directory"), 0);
	struct helper_call inside = {.kind = HELPER_MAKE, .type = S_IFREG, .at = {.name = "inside"}};
	inside.at.path = "directory/";
	assert_int_equal(call(world, inside), 0);
	inside.at.path = "directory/../..";
	assert_int_equal(call(world, inside), EXDEV);
	assert_int_equal(symlinkat("directory", world->root, "link"), 0);
	inside.at.path = "link";
	assert_int_equal(call(world, inside), ELOOP);
}

static void a_malformed_call_is_refused(void **state)
{
	struct helper_call whole = {.kind = HELPER_RENAME,
	                            .at = {.directory = 7, .path = "a/b", .name = "one"},
	                            .to = {.directory = 8, .path = "", .name = "two"}};
	struct buffer buffer;
	buffer_init(&buffer, HELPER_CALL_BYTES);
	assert_int_equal(helper_call_encode(&whole, &buffer), ERR_OK);
	struct helper_call decoded;
	for (size_t size = 0; size < buffer.size; size++)
		assert_int_equal(helper_call_decode(bytes_of(buffer.data, size), &decoded), ERR_CORRUPT);
	buffer.data[4] = HELPER_STAT + 1;
	assert_int_equal(helper_call_decode(buffer_bytes(&buffer), &decoded), ERR_CORRUPT);
	buffer_fini(&buffer);
	char long_name[HELPER_NAME_BYTES + 2];
	memset(long_name, 'n', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = 0;
	whole.at.name = long_name;
	buffer_init(&buffer, HELPER_CALL_BYTES);
	assert_int_equal(helper_call_encode(&whole, &buffer), ERR_TOO_LARGE);
	buffer_fini(&buffer);
}

static void another_program_line_is_not_the_helpers(void **state)
{
	int status = 0;
	const char *plain[] = {"etcfsd", "--mount", "/mnt", "--name=x", NULL};
	assert_false(fs_helper_main(4, (char **)plain, &status));
	const char *stranger[] = {"etcfs-replay", HELPER_ARGUMENT, "1", "/nowhere", NULL};
	assert_true(fs_helper_main(4, (char **)stranger, &status)); /* its parent is not process 1: it ends at once */
	assert_int_equal(status, HELPER_EXIT_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_created_file_raises_what_a_shell_raises, world_make, world_end),
	    cmocka_unit_test_setup_teardown(each_type_is_made_with_create_alone, world_make, world_end),
	    cmocka_unit_test_setup_teardown(content_truncation_and_attributes_differ, world_make, world_end),
	    cmocka_unit_test_setup_teardown(content_of_what_cannot_be_opened_is_modify_alone, world_make, world_end),
	    cmocka_unit_test_setup_teardown(removals_are_by_type, world_make, world_end),
	    cmocka_unit_test_setup_teardown(renames_and_exchanges_are_moves, world_make, world_end),
	    cmocka_unit_test_setup_teardown(a_path_is_followed_below_the_root_alone, world_make, world_end),
	    cmocka_unit_test(a_malformed_call_is_refused),
	    cmocka_unit_test(another_program_line_is_not_the_helpers),
	};
	return UNIT_RUN(tests);
}

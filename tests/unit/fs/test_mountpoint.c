/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/mountpoint.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

static char *scratch(void)
{
	char directory[] = "/tmp/etcfs-test-mountpoint-XXXXXX";
	assert_non_null(mkdtemp(directory));
	return memory_dup_string(directory);
}

static void a_line_of_mountinfo_is_understood(void **state)
{
	char line[] =
	    "36 35 98:0 /mnt1 /etc\\040of\\011all rw,noatime master:1 - fuse.etcfs etcfs rw,errors=continue\n";
	struct mountpoint_line parsed;
	assert_true(mountpoint_parse(line, &parsed));
	assert_string_equal(parsed.mount_point, "/etc of\tall");
	assert_string_equal(parsed.type, "fuse.etcfs");
}

static void a_line_without_its_fields_is_refused(void **state)
{
	struct mountpoint_line parsed;
	char short_line[] = "36 35 - ext4", no_separator[] = "36 35 98:0 / /a rw ext4 x";
	assert_false(mountpoint_parse(short_line, &parsed));
	assert_false(mountpoint_parse(no_separator, &parsed));
}

static void an_empty_directory_is_fit_and_gets_no_mode(void **state)
{
	AUTO_FREE char *directory = scratch();
	assert_int_equal(mountpoint_prepare(directory), ERR_OK);
	assert_int_equal(mountpoint_protect(directory), ERR_OK);
	struct stat status;
	assert_int_equal(stat(directory, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0);
	AUTO_FREE char *fallen = memory_format("%s/fallen-through", directory);
	int flags = 0, fd = open(directory, O_RDONLY | O_DIRECTORY);
	bool knows_flags = geteuid() == 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
	close(fd);
	if (knows_flags)
		assert_int_equal(open(fallen, O_WRONLY | O_CREAT, 0600), -1);
	assert_int_equal(mountpoint_prepare(directory), ERR_OK);
	mountpoint_release(directory);
	assert_int_equal(file_remove_tree(directory), ERR_OK);
}

static void what_is_no_empty_directory_is_refused(void **state)
{
	AUTO_FREE char *directory = scratch();
	AUTO_FREE char *missing = memory_format("%s/missing", directory);
	AUTO_FREE char *file = memory_format("%s/file", directory);
	assert_int_equal(mountpoint_prepare(missing), ERR_NOT_FOUND);
	assert_int_equal(file_replace(file, BYTES_LITERAL("x"), 0600), ERR_OK);
	assert_int_equal(mountpoint_prepare(file), ERR_INVALID);
	assert_int_equal(mountpoint_prepare(directory), ERR_EXISTS);
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(file_remove_tree(directory), ERR_OK);
}

static void a_mount_of_another_type_is_not_ours(void **state)
{
	assert_false(mountpoint_is_ours("/proc"));
	assert_false(mountpoint_is_ours("/"));
	assert_false(mountpoint_is_ours("/nowhere/at/all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_of_mountinfo_is_understood),
	    cmocka_unit_test(a_line_without_its_fields_is_refused),
	    cmocka_unit_test(an_empty_directory_is_fit_and_gets_no_mode),
	    cmocka_unit_test(what_is_no_empty_directory_is_refused),
	    cmocka_unit_test(a_mount_of_another_type_is_not_ours),
	};
	return UNIT_RUN(tests);
}

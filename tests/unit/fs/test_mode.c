/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "fs/mode.h"

static void a_write_takes_the_bits_that_give_rights(void **state)
{
	assert_int_equal(mode_after_write(S_IFREG | 06755), S_IFREG | 0755);
	/* sgid without group execution is a lock flag of old, not a right */
	assert_int_equal(mode_after_write(S_IFREG | 02644), S_IFREG | 02644);
	assert_int_equal(mode_after_write(S_IFREG | 0644), S_IFREG | 0644);
}

static void only_what_is_asked_changes(void **state)
{
	struct attr attr = {.mode = S_IFREG | 0644, .uid = 1, .gid = 2, .atime_ns = 10, .mtime_ns = 20, .ctime_ns = 30};
	struct stat asked = {.st_mode = 0600, .st_uid = 9, .st_mtim = {.tv_sec = 5, .tv_nsec = 7}};
	mode_set_attr(&attr, &asked, FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_MTIME, 99);
	assert_int_equal(attr.mode, S_IFREG | 0600);
	assert_int_equal(attr.uid, 1);
	assert_int_equal(attr.atime_ns, 10);
	assert_int_equal(attr.mtime_ns, 5000000007);
	assert_int_equal(attr.ctime_ns, 99);
	mode_set_attr(&attr, &asked, FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW, 100);
	assert_int_equal(attr.atime_ns, 100);
}

static void a_chown_takes_the_suid_bit_of_a_file(void **state)
{
	struct attr attr = {.mode = S_IFREG | 04755};
	mode_set_attr(&attr, &(struct stat){.st_uid = 5}, FUSE_SET_ATTR_UID, 1);
	assert_int_equal(attr.mode, S_IFREG | 0755);
	struct attr directory = {.mode = S_IFDIR | 02755};
	mode_set_attr(&directory, &(struct stat){.st_gid = 5}, FUSE_SET_ATTR_GID, 1);
	assert_int_equal(directory.mode, S_IFDIR | 02755);
}

static void a_directory_with_the_sgid_bit_gives_its_group(void **state)
{
	const struct attr plain = {.mode = S_IFDIR | 0755, .gid = 7}, sgid = {.mode = S_IFDIR | 02755, .gid = 7};
	struct mode_new file = {.mode = S_IFREG | 0644, .gid = 3}, directory = {.mode = S_IFDIR | 0755, .gid = 3};
	assert_int_equal(mode_new_attr(&file, &plain).gid, 3);
	assert_int_equal(mode_new_attr(&file, &sgid).gid, 7);
	assert_int_equal(mode_new_attr(&file, &sgid).mode, S_IFREG | 0644);
	assert_int_equal(mode_new_attr(&directory, &sgid).mode, S_IFDIR | 02755);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_write_takes_the_bits_that_give_rights),
	    cmocka_unit_test(only_what_is_asked_changes),
	    cmocka_unit_test(a_chown_takes_the_suid_bit_of_a_file),
	    cmocka_unit_test(a_directory_with_the_sgid_bit_gives_its_group),
	};
	return UNIT_RUN(tests);
}

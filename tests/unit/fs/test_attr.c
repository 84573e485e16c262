/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/attr.h"

#include "base/random.h"
#include "tests/unit/unit.h"

static const struct attr sample = {
    .mode = S_IFREG | 04755,
    .uid = 1000,
    .gid = UINT32_MAX,
    .rdev = 7,
    .atime_ns = -1,
    .mtime_ns = 2,
    .ctime_ns = 3,
    .tree_revision = 4,
    .xattrs = {(const uint8_t *)"xattrs", 6},
};

static void what_is_encoded_is_decoded(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct attr again;
	assert_int_equal(attr_decode(attr_encode(&sample, &arena), &again), ERR_OK);
	assert_int_equal(again.mode, sample.mode);
	assert_int_equal(again.uid, 1000);
	assert_true(again.gid == UINT32_MAX);
	assert_int_equal(again.rdev, 7);
	assert_true(again.atime_ns == -1 && again.mtime_ns == 2 && again.ctime_ns == 3);
	assert_int_equal(again.tree_revision, 4);
	assert_true(bytes_equal(again.xattrs, sample.xattrs));
}

static void damaged_bytes_are_refused_and_never_overrun(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct attr again;
	struct bytes encoded = attr_encode(&sample, &arena);
	for (size_t size = 0; size < encoded.size; size++)
		assert_int_equal(attr_decode(arena_dup(&arena, bytes_of(encoded.data, size)), &again), ERR_CORRUPT);
	uint8_t *changed = arena_take(&arena, encoded.size);
	memcpy(changed, encoded.data, encoded.size);
	changed[0] = 2;
	assert_int_equal(attr_decode(bytes_of(changed, encoded.size), &again), ERR_FORMAT_NEWER);
	struct random random;
	random_init(&random, 3);
	for (int i = 0; i < 20000; i++) {
		memcpy(changed, encoded.data, encoded.size);
		changed[random_below(&random, encoded.size)] ^= (uint8_t)(1 + random_below(&random, 255));
		enum err err = attr_decode(bytes_of(changed, encoded.size), &again);
		assert_true(err == ERR_OK || err == ERR_CORRUPT || err == ERR_FORMAT_NEWER);
	}
}

static void a_key_of_an_etcd_client_has_the_defaults(void **state)
{
	struct kv_record record = {.time_ns = 5};
	struct kv_directory directory = {.create_time_ns = 6, .changed_time_ns = 9, .changed_revision = 3};
	struct attr attr;
	assert_int_equal(attr_of_file(&record, &attr), ERR_OK);
	assert_int_equal(attr.mode, S_IFREG | 0644);
	assert_int_equal(attr.uid, 0);
	assert_int_equal(attr.mtime_ns, 5);
	assert_int_equal(attr_of_directory(&directory, NULL, &attr), ERR_OK);
	assert_int_equal(attr.mode, S_IFDIR | 0755);
	assert_int_equal(attr.mtime_ns, 9);
	assert_int_equal(attr.ctime_ns, 9);
}

static void a_put_by_an_etcd_client_shows_as_the_time_of_change(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct attr attr;
	struct kv_record record = {.time_ns = 50, .attr_is_older = true, .attr = attr_encode(&sample, &arena)};
	assert_int_equal(attr_of_file(&record, &attr), ERR_OK);
	assert_int_equal(attr.mtime_ns, 50);
	assert_int_equal(attr.ctime_ns, 50);
	assert_int_equal(attr.uid, 1000);
	record.attr_is_older = false;
	assert_int_equal(attr_of_file(&record, &attr), ERR_OK);
	assert_int_equal(attr.mtime_ns, 2);
}

static void a_directory_shows_a_later_change_of_its_membership_and_keeps_set_times(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct attr set = {.mode = S_IFDIR | 0700, .mtime_ns = 1, .ctime_ns = 100, .tree_revision = 10}, attr;
	struct kv_record marker = {.attr = attr_encode(&set, &arena)};
	struct kv_directory directory = {.create_revision = 5, .changed_revision = 10, .changed_time_ns = 90};
	assert_int_equal(attr_of_directory(&directory, &marker, &attr), ERR_OK);
	assert_int_equal(attr.mtime_ns, 1);
	directory.changed_revision = 11;
	assert_int_equal(attr_of_directory(&directory, &marker, &attr), ERR_OK);
	assert_int_equal(attr.mtime_ns, 90);
	assert_int_equal(attr.ctime_ns, 100);
	assert_int_equal(attr.mode, S_IFDIR | 0700);
}

static void times_before_1970_keep_their_nanoseconds(void **state)
{
	struct stat status = attr_stat(&sample, 42, 1000);
	assert_int_equal(status.st_atim.tv_sec, -1);
	assert_int_equal(status.st_atim.tv_nsec, 999999999);
	assert_int_equal(status.st_ino, 42);
	assert_int_equal(status.st_size, 1000);
	assert_int_equal(status.st_blocks, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_encoded_is_decoded),
	    cmocka_unit_test(damaged_bytes_are_refused_and_never_overrun),
	    cmocka_unit_test(a_key_of_an_etcd_client_has_the_defaults),
	    cmocka_unit_test(a_put_by_an_etcd_client_shows_as_the_time_of_change),
	    cmocka_unit_test(a_directory_shows_a_later_change_of_its_membership_and_keeps_set_times),
	    cmocka_unit_test(times_before_1970_keep_their_nanoseconds),
	};
	return UNIT_RUN(tests);
}

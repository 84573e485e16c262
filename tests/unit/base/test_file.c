/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

static void a_replaced_file_has_the_new_content_and_no_leftover(void **state)
{
	char directory[] = "/tmp/etcfs-test-file-XXXXXX";
	assert_non_null(mkdtemp(directory));
	AUTO_FREE char *path = memory_format("%s/name", directory);
	AUTO_FREE char *leftover = memory_format("%s.new", path);
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes content;
	assert_int_equal(file_read(path, 100, &arena, &content), ERR_NOT_FOUND);
	assert_int_equal(file_replace(path, BYTES_LITERAL("one"), 0600), ERR_OK);
	assert_int_equal(file_replace(path, BYTES_LITERAL("second"), 0600), ERR_OK);
	assert_int_equal(file_read(path, 100, &arena, &content), ERR_OK);
	assert_true(bytes_equal(content, BYTES_LITERAL("second")));
	assert_int_equal(file_read(path, 5, &arena, &content), ERR_TOO_LARGE);
	assert_int_equal(access(leftover, F_OK), -1);
	assert_int_equal(file_remove_tree(directory), ERR_OK);
	assert_int_equal(access(directory, F_OK), -1);
	assert_int_equal(file_remove_tree(directory), ERR_OK);
}

static void a_checksum_is_of_all_of_a_file(void **state)
{
	char directory[] = "/tmp/etcfs-test-file-XXXXXX";
	uint64_t size = 0;
	uint32_t checksum = 0;
	assert_non_null(mkdtemp(directory));
	AUTO_FREE char *path = memory_format("%s/name", directory);
	AUTO_FREE uint8_t *content = memory_new_array(1 << 20, 1);
	struct bytes bytes = bytes_of(content, (1 << 20) - 7);
	content[bytes.size - 1] = 1;
	assert_int_equal(file_checksum(path, &size, &checksum), ERR_NOT_FOUND);
	assert_int_equal(file_replace(path, bytes, 0600), ERR_OK);
	assert_int_equal(file_checksum(path, &size, &checksum), ERR_OK);
	assert_int_equal(size, bytes.size);
	assert_int_equal(checksum, crc32c(0, bytes));
	assert_int_equal(file_remove_tree(directory), ERR_OK);
}

static void a_directory_is_made_once(void **state)
{
	char directory[] = "/tmp/etcfs-test-file-XXXXXX";
	assert_non_null(mkdtemp(directory));
	assert_int_equal(file_make_directory(directory, 0700), ERR_OK);
	AUTO_FREE char *deep = memory_format("%s/a/b", directory);
	assert_int_equal(file_make_directory(deep, 0700), ERR_NOT_FOUND);
	assert_int_equal(file_remove_tree(directory), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_replaced_file_has_the_new_content_and_no_leftover),
	    cmocka_unit_test(a_checksum_is_of_all_of_a_file),
	    cmocka_unit_test(a_directory_is_made_once),
	};
	return UNIT_RUN(tests);
}

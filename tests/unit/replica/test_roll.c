/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/roll.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "tests/unit/unit.h"

static char directory[64];

static int make_directory(void **state)
{
	log_level_set(LOG_ERROR_LEVEL + 1);
	snprintf(directory, sizeof directory, "/tmp/etcfs-roll-XXXXXX");
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
	return file_remove_tree(directory) == ERR_OK ? 0 : -1;
}

static void what_is_noted_is_known_after_a_restart(void **state)
{
	struct roll *roll = NULL;
	assert_int_equal(roll_open(directory, &roll), ERR_OK);
	assert_int_equal(roll_find(roll, 1), 0);
	assert_int_equal(roll_note(roll, 1, 11), ERR_OK);
	assert_int_equal(roll_note(roll, 2, 22), ERR_OK);
	assert_int_equal(roll_note(roll, 1, 11), ERR_OK);
	roll_close(roll);
	assert_int_equal(roll_open(directory, &roll), ERR_OK);
	assert_int_equal(roll_find(roll, 1), 11);
	assert_int_equal(roll_find(roll, 2), 22);
	roll_close(roll);
}

static void another_directory_is_told_and_not_taken(void **state)
{
	struct roll *roll = NULL;
	assert_int_equal(roll_open(directory, &roll), ERR_OK);
	assert_int_equal(roll_note(roll, 1, 11), ERR_OK);
	assert_int_equal(roll_note(roll, 1, 12), ERR_EXISTS);
	assert_int_equal(roll_find(roll, 1), 11);
	roll_close(roll);
}

static void who_is_forgotten_leaves_its_place(void **state)
{
	struct roll *roll = NULL;
	assert_int_equal(roll_open(directory, &roll), ERR_OK);
	for (uint64_t id = 1; id <= LIMIT_MEMBERS; id++)
		assert_int_equal(roll_note(roll, id, id), ERR_OK);
	assert_int_equal(roll_note(roll, LIMIT_MEMBERS + 1, 1), ERR_LIMIT);
	roll_forget(roll, 5);
	assert_int_equal(roll_note(roll, LIMIT_MEMBERS + 1, 1), ERR_OK);
	roll_close(roll);
	assert_int_equal(roll_open(directory, &roll), ERR_OK);
	assert_int_equal(roll_find(roll, 5), 0);
	assert_int_equal(roll_find(roll, LIMIT_MEMBERS), LIMIT_MEMBERS);
	assert_int_equal(roll_find(roll, LIMIT_MEMBERS + 1), 1);
	roll_close(roll);
}

/* Who forgets whom it has heard could hear the same member twice. */
static void a_roll_that_is_not_whole_is_refused(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct roll *roll = NULL;
	char path[96];
	struct bytes content = BYTES_NONE;
	snprintf(path, sizeof path, "%s/peers", directory);
	assert_int_equal(roll_open(directory, &roll), ERR_OK);
	assert_int_equal(roll_note(roll, 1, 11), ERR_OK);
	roll_close(roll);
	assert_int_equal(file_read(path, 1 << 20, &arena, &content), ERR_OK);
	for (size_t size = 0; size < content.size; size++) {
		assert_int_equal(file_replace(path, bytes_of(content.data, size), 0600), ERR_OK);
		assert_int_equal(roll_open(directory, &roll), ERR_CORRUPT);
	}
	for (size_t at = 0; at < content.size; at++) {
		uint8_t *copy = (uint8_t *)arena_dup(&arena, content).data;
		copy[at] ^= 1;
		assert_int_equal(file_replace(path, bytes_of(copy, content.size), 0600), ERR_OK);
		enum err err = roll_open(directory, &roll);
		assert_true(err == ERR_CORRUPT || (err == ERR_FORMAT_NEWER && at >= 4 && at < 8));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_is_noted_is_known_after_a_restart, make_directory, remove_directory),
	    cmocka_unit_test_setup_teardown(another_directory_is_told_and_not_taken, make_directory, remove_directory),
	    cmocka_unit_test_setup_teardown(who_is_forgotten_leaves_its_place, make_directory, remove_directory),
	    cmocka_unit_test_setup_teardown(a_roll_that_is_not_whole_is_refused, make_directory, remove_directory),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/rim.h"

#include <errno.h>

#include "tests/unit/unit.h"

static void without_a_quorum_a_write_says_whether_it_may_have_happened(void **state)
{
	assert_int_equal(rim_errno_of_write(ERR_TIMEOUT), EROFS);
	assert_int_equal(rim_errno_of_write(ERR_NO_LEADER), EROFS);
	assert_int_equal(rim_errno_of_write(ERR_UNKNOWN_OUTCOME), EIO);
}

static void a_read_is_never_told_of_a_read_only_filesystem(void **state)
{
	for (int err = ERR_OK; err <= ERR_MOUNT; err++)
		assert_int_not_equal(rim_errno_of_read((enum err)err), EROFS);
	assert_int_equal(rim_errno_of_read(ERR_TIMEOUT), EIO);
}

static void only_success_is_success(void **state)
{
	assert_int_equal(rim_errno_of_write(ERR_OK), 0);
	for (int err = ERR_OK + 1; err <= ERR_MOUNT; err++)
		assert_true(rim_errno_of_write((enum err)err) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(without_a_quorum_a_write_says_whether_it_may_have_happened),
	    cmocka_unit_test(a_read_is_never_told_of_a_read_only_filesystem),
	    cmocka_unit_test(only_success_is_success),
	};
	return UNIT_RUN(tests);
}

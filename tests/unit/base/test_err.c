/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>

#include "tests/unit/unit.h"

static void every_condition_has_a_name_and_a_text(void **state)
{
	assert_string_equal(err_name(ERR_OK), "OK");
	assert_string_equal(err_name(ERR_MOUNT), "MOUNT");
	for (int err = ERR_OK; err <= ERR_MOUNT; err++)
		assert_true(err_text((enum err)err)[0] != '\0');
}

static void errnos_become_conditions(void **state)
{
	assert_int_equal(err_from_errno(ENOSPC), ERR_NO_SPACE);
	assert_int_equal(err_from_errno(EACCES), ERR_PERMISSION);
	assert_int_equal(err_from_errno(EIO), ERR_IO);
	assert_int_equal(err_from_errno(0), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_condition_has_a_name_and_a_text),
	    cmocka_unit_test(errnos_become_conditions),
	};
	return UNIT_RUN(tests);
}

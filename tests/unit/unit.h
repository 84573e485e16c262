/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka, and the headers that it wants before it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define UNIT_RUN(tests) cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL)

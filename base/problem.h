/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with what the user asked for, in words that name the thing and the remedy. */
#pragma once

#include "base/err.h"

struct problem {
	char text[1024];
};

/* Always ERR_INVALID, so that a check ends with `return problem_set(...)`. */
enum err problem_set(struct problem *problem, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* SPDX-License-Identifier: Apache-2.0 */
/* Runs in processes of their own, which end when a rule is broken. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "tests/sim/plan.h"
#include "tests/sim/verdict.h"

/* The work of a child; it ends with 0 unless the work ends it. What a run in it comes to is in the shared verdict. */
pid_t child_begin(struct verdict *shared, void (*work)(void *argument), void *argument);
/* True if it broke a rule, or died otherwise, which then is its verdict. */
bool child_broke(int status, struct verdict *shared);
/* One run, waited for; true if it broke a rule. */
bool child_run(const struct plan_options *options, struct verdict *shared);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same history, without its witnesses, given to the checker that searches for an order (tests/checker/linear.h): it knows
 * nothing of logs and indexes, so that an error in what they are taken to say would not go unnoticed. What its limits do not
 * let it decide is counted, not held against the run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/stack_model.h"

enum { CROSS_EVERY = 4 }; /* seeds: the search is no cheaper than the run */

void cross_begin(void);
/* Checks all that was noted, and frees it. */
void cross_end(void);

/* What ended now, and was called then. */
void cross_wrote(const struct model_command *command, uint64_t called_us);
void cross_maybe_wrote(const struct model_command *command, uint64_t called_us); /* without an answer */
/* number 0: the key was absent */
void cross_read(unsigned key, uint64_t number, uint64_t called_us);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fewest decisions of a run that still break the same rule (delta debugging: Zeller and Hildebrandt, 2002), and what happens
 * when only they are made, as a text to read.
 */
#pragma once

#include "tests/sim/verdict.h"

void shrink_print(const struct verdict *failure);

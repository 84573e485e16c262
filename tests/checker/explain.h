/* SPDX-License-Identifier: Apache-2.0 */
/* Why there is no order: the fewest operations that still have none, and how far one comes with them. */
#pragma once

#include "tests/checker/component.h"
#include "tests/checker/linear.h"

/* Of a component whose verdict is NO, before it was reduced. */
void explain(const struct history *history, const struct component *component, FILE *why);

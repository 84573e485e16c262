/* SPDX-License-Identifier: Apache-2.0 */
/* Wing and Gong's search for an order of one component's operations, with Lowe's cache; see linear.h. */
#pragma once

#include "tests/checker/component.h"
#include "tests/checker/linear.h"

struct search_result {
	enum linear_verdict verdict;
	/* Unless YES, of the furthest way that was found: */
	size_t *order; /* operations by number, as they could have happened */
	size_t order_count;
	size_t
	    stuck; /* the operation that has no place after them, and must have one before all that begin after its return */
	uint64_t *values;  /* of the keys, after the order */
	const char *limit; /* which one was reached, if UNKNOWN */
};

void search_run(const struct component *component, const struct linear_limits *limits,
                struct search_result *ret_result);
void search_result_fini(struct search_result *result);

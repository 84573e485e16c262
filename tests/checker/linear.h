/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a history linearizable: is there one order of its operations that explains every answer and agrees with real time?
 *
 * The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993) with Lowe's cache of configurations
 * ("Testing for linearizability", 2017), on each set of keys that some operations join by itself (Horn and Kroening's
 * P-compositionality, "Faster linearizability checking", 2015). It is exponential in how much is concurrent: at most some ten
 * clients and a thousand operations a key, and some ten writes without an answer, are a matter of milliseconds. Where every
 * answer tells its revision, a sweep over time needs no search.
 */
#pragma once

#include "tests/checker/history.h"

enum linear_verdict { LINEAR_YES, LINEAR_NO, LINEAR_UNKNOWN };

struct linear_limits {           /* of each search; past one of them the verdict is UNKNOWN */
	size_t memory_bytes_max; /* of the cache */
	uint64_t time_ms_max;    /* 0: none, so that the same history has the same verdict on any machine */
};

#define LINEAR_LIMITS_DEFAULT ((struct linear_limits){.memory_bytes_max = (size_t)512 << 20, .time_ms_max = 60000})

/* What is wrong, or could not be found out, is written to `why` (NULL: nowhere) as text for people. */
enum linear_verdict linear_check(const struct history *history, const struct linear_limits *limits, FILE *why);

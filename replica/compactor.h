/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much history is kept: from which revision on, as a leader sees it. Time is handed in. Times of changes stand in the log of
 * changes, so what is kept does not depend on how long this leader leads, or runs.
 *
 * Source: etcd v3compactor (periodic.go, revision.go).
 */
#pragma once

#include "replica/replica.h"

enum {
	/* By time: a tenth of what is kept, but never longer. What is kept is that much more at most. */
	COMPACTOR_PARTS = 10,
	COMPACTOR_STEP_MS_MAX = 6 * 60 * 1000,
	COMPACTOR_REVISIONS_MS = 5 * 60 * 1000, /* by revisions: etcd's */
	/* History that takes more on the disk than so many times the quota loses its older half; it is looked at so often. */
	COMPACTOR_QUOTAS = 2,
	COMPACTOR_MEASURE_MS = 60 * 1000,
};

struct compactor {
	enum replica_compaction kind;
	uint64_t retention;   /* milliseconds, or revisions */
	uint64_t quota_bytes; /* 0: none, and history may take whatever it takes */
	uint64_t looked_ns, measured_ns;
};

/* The revision to compact to; 0: nothing is to be done now. */
int64_t compactor_target(struct compactor *compactor, struct kv_view *view, uint64_t steady_ns, int64_t wall_ns);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each member said of itself last. Statuses go from each to each, every second and when a role changes, beside consensus
 * and not through it: so they are there without a quorum, and are no more than reports.
 */
#pragma once

#include "base/arena.h"
#include "replica/frame.h"

enum {
	REPORT_MARKS = 8, /* newest checksums that a status carries */
	REPORT_VERSION_BYTES_MAX = 64,
};

struct report_mark {
	uint64_t index, checksum;
};

struct report {
	uint64_t member;
	uint64_t heard_ns; /* steady clock */
	int64_t heard_wall_ns, started_ns, revision;
	uint64_t term, commit, applied, first_index, last_index, leader;
	uint64_t commit_here; /* that we knew of when we heard it */
	uint64_t store_bytes, log_bytes, keys, memory_bytes;
	uint64_t snapshot_done_bytes, snapshot_total_bytes; /* of one that it is fetching */
	int role;
	char version[REPORT_VERSION_BYTES_MAX];
	struct report_mark marks[REPORT_MARKS];
	size_t mark_count;
};

struct reports;
struct reports *reports_new(void);
void reports_free(struct reports *reports);
/* commit: the index that is known here to be committed. ON_ANY_THREAD */
void reports_heard(struct reports *reports, uint64_t member, const Peer__Status *status, uint64_t commit);
struct report report_of(uint64_t member, const Peer__Status *status, uint64_t commit);
/* Forgets those of all others than these members. ON_ANY_THREAD */
void reports_keep(struct reports *reports, const uint64_t *members, size_t count);
/* Copies of all of them; in the arena. ON_ANY_THREAD */
size_t reports_all(struct reports *reports, struct arena *arena, struct report **ret_reports);
/* False when nothing was heard from it yet. ON_ANY_THREAD */
bool reports_find(struct reports *reports, uint64_t member, struct report *ret_report);

/* The voters, and this one's own marks (at most REPORT_MARKS), which are in no report. */
struct report_jury {
	const uint64_t *voters;
	size_t voter_count;
	uint64_t self;
	const struct report_mark *marks;
	size_t mark_count;
};
/* Does a majority of the voters agree on a checksum that is not the accused member's, at an index where it has told one? */
bool reports_contradict(struct reports *reports, const struct report_jury *jury, uint64_t accused, uint64_t *ret_index);

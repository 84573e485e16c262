/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/coverage.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

static atomic_uint_fast64_t coverage_own[COVERAGE_COUNT], *coverage = coverage_own;

#define COVERAGE_TEXT(name, text) text,
static const char *const coverage_texts[] = {COVERAGE(COVERAGE_TEXT)};

/* A line counts for each that is its beginning and, if one is named, contains the rest. */
static const struct {
	const char *begin, *rest;
	enum coverage what;
} coverage_lines[] = {
    {"pre_campaign ", NULL, COVERAGE_PRE_CAMPAIGN},
    {"campaign ", NULL, COVERAGE_CAMPAIGN},
    {"lead ", NULL, COVERAGE_LEAD},
    {"pre_vote ", "granted=0", COVERAGE_PRE_VOTE_REFUSED},
    {"vote ", "granted=0", COVERAGE_VOTE_REFUSED},
    {"vote_ignored ", NULL, COVERAGE_VOTE_IGNORED},
    {"quorum_lost ", NULL, COVERAGE_QUORUM_LOST},
    {"disk_stalled", NULL, COVERAGE_DISK_STALLED},
    {"stale ", NULL, COVERAGE_STALE},
    {"refuse_message ", NULL, COVERAGE_STRANGER},
    {"reject ", NULL, COVERAGE_REJECTED},
    {"truncate ", NULL, COVERAGE_TRUNCATED},
    {"back_to ", NULL, COVERAGE_BACK_TO},
    {"match_lost ", NULL, COVERAGE_LOST_ACKNOWLEDGED},
    {"needs_snapshot ", NULL, COVERAGE_NEEDS_SNAPSHOT},
    {"snapshot_done ", NULL, COVERAGE_SNAPSHOT_DONE},
    {"fetch ", NULL, COVERAGE_FETCH},
    {"fetch_failed", NULL, COVERAGE_FETCH_FAILED},
    {"installed ", NULL, COVERAGE_INSTALLED},
    {"repair ", NULL, COVERAGE_REPAIR},
    {"leave_joint ", NULL, COVERAGE_LEAVE_JOINT},
    {"removed ", NULL, COVERAGE_REMOVED_LEADER},
    {"transfer_failed ", NULL, COVERAGE_TRANSFER_FAILED},
};

void coverage_share(void)
{
	void *shared =
	    mmap(NULL, COVERAGE_COUNT * sizeof *coverage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared != MAP_FAILED);
	coverage = shared;
}

void coverage_add(enum coverage what)
{
	atomic_fetch_add_explicit(&coverage[what], 1, memory_order_relaxed);
}

void coverage_line(const char *line)
{
	for (size_t i = 0; i < sizeof coverage_lines / sizeof coverage_lines[0]; i++)
		if (strncmp(line, coverage_lines[i].begin, strlen(coverage_lines[i].begin)) == 0 &&
		    (coverage_lines[i].rest == NULL || strstr(line, coverage_lines[i].rest) != NULL))
			coverage_add(coverage_lines[i].what);
}

void coverage_print(void)
{
	for (int i = 0; i < COVERAGE_COUNT; i++)
		printf("%12ju  %s\n", (uintmax_t)atomic_load(&coverage[i]), coverage_texts[i]);
}

bool coverage_is_complete(void)
{
	bool complete = true;
	for (int i = 0; i < COVERAGE_COUNT; i++) {
		if (atomic_load(&coverage[i]) != 0)
			continue;
		printf("never reached: %s\n", coverage_texts[i]);
		complete = false;
	}
	return complete;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the simulator of whole nodes find what it is for? Plants one fault after the other (base/bug.h) and requires that each
 * is found within a number of seeds.
 *
 *     stack_bugs [--trace] [NAME [SEED]]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/check.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_jobs.h"
#include "tests/sim/stack_world.h"

enum { BUGS_SEEDS_MAX = 1000 };

enum bug bug_planted;

static const struct {
	enum bug bug;
	const char *name;
} bugs[] = {
    {BUG_NO_SYNC, "no-sync"},
    {BUG_WRITTEN_BEFORE_SYNC, "written-before-sync"},
    {BUG_SENT_BEFORE_DURABLE, "sent-before-durable"},
    {BUG_TRIM_BEYOND_FLUSHED, "trim-beyond-flushed"},
    {BUG_INSTALL_KEEPS_LOG, "install-keeps-log"},
    {BUG_INSTALL_NOT_NOTED, "install-not-noted"},
    {BUG_APPLIED_APART, "applied-apart"},
    {BUG_SESSION_FORGOTTEN, "session-forgotten"},
    {BUG_SESSION_NOT_LOADED, "session-not-loaded"},
    {BUG_NEVER_IN_DOUBT, "never-in-doubt"},
    {BUG_BARRIER_IGNORES_APPLIED, "barrier-ignores-applied"},
    {BUG_BARRIER_JOINS_ROUND, "barrier-joins-round"},
    {BUG_LEASE_WITHOUT_CLOCK, "lease-without-clock"},
};

static bool bugs_is_found(size_t at)
{
	struct jobs jobs = {.first = 1, .last = BUGS_SEEDS_MAX, .count = jobs_of_machine()};
	bug_planted = bugs[at].bug;
	struct jobs_outcome outcome = jobs_run(&jobs);
	if (outcome.good)
		printf("%-24s NOT FOUND in %d seeds\n", bugs[at].name, BUGS_SEEDS_MAX);
	else
		printf("%-24s found by seed %ju\n", bugs[at].name, (uintmax_t)outcome.seed);
	return !outcome.good;
}

/* By hand: the one seed, with all that it says. */
static int bugs_show(size_t at, const char *seed)
{
	struct jobs jobs = {.count = 1};
	jobs.first = jobs.last = strtoull(seed, NULL, 10);
	bug_planted = bugs[at].bug;
	return jobs_run(&jobs).good ? 0 : 1;
}

static void bugs_hush(void)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	check(nowhere >= 0);
	dup2(nowhere, STDERR_FILENO);
	close(nowhere);
}

int main(int argc, char **argv)
{
	unsigned missed = 0;
	world_traces = argc > 1 && strcmp(argv[1], "--trace") == 0;
	const char *name = argc > 1 + world_traces ? argv[1 + world_traces] : NULL;
	const char *seed = argc > 2 + world_traces ? argv[2 + world_traces] : NULL;
	jobs_skip();
	counters_share();
	if (seed == NULL)
		bugs_hush();
	for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
		if (name != NULL && strcmp(name, bugs[i].name) != 0)
			continue;
		if (seed != NULL)
			return bugs_show(i, seed);
		missed += !bugs_is_found(i);
	}
	printf("%u not found\n", missed);
	return missed != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: cores on virtual time under faults, all from one seed.
 *
 *     sim [--seed N | --seeds A..B] [--jobs N] [--twice] [--verbose] [--shrink] [--trace]
 *
 * Without seeds it is the standard range, in which every fault and rare path must be reached; --verbose prints how often each
 * was. Some seeds are run twice, all with --twice: both runs must be the same. Ends with 0 when everything held, and otherwise
 * with a line that reruns the seed. --shrink finds the fewest faults and requests that break the same rule, and prints what
 * happens under them; --trace prints what happens.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/sim/child.h"
#include "tests/sim/coverage.h"
#include "tests/sim/shrink.h"

enum { SIM_SEEDS = 2000, SIM_TWICE_EVERY = 16, SIM_JOBS_MAX = 64 };

struct range {
	uint64_t first, last;
	unsigned jobs;
	bool twice, verbose, shrink, trace;
};

struct totals {
	atomic_uint_fast64_t next; /* seed */
	atomic_uint_fast64_t committed, elections, reads, crashes, delivered, steps, hash;
};

struct job {
	pid_t child;
	struct verdict *verdict;
};

static struct range range;
static struct totals *totals;

static void sim_usage(void)
{
	fprintf(stderr, "usage: sim [--seed N | --seeds A..B] [--jobs N] [--twice] [--verbose] [--shrink] [--trace]\n");
	exit(2);
}

static void sim_options(int argc, char **argv)
{
	range = (struct range){.first = 1, .last = SIM_SEEDS, .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
	static const struct option options[] = {
	    {"seed", required_argument, NULL, 's'}, {"seeds", required_argument, NULL, 'r'},
	    {"jobs", required_argument, NULL, 'j'}, {"twice", no_argument, NULL, 't'},
	    {"verbose", no_argument, NULL, 'v'},    {"shrink", no_argument, NULL, 'k'},
	    {"trace", no_argument, NULL, 'p'},      {0}};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 's')
			range.first = range.last = strtoull(optarg, NULL, 10);
		else if (option == 'r' && sscanf(optarg, "%" SCNu64 "..%" SCNu64, &range.first, &range.last) == 2)
			continue;
		else if (option == 'j')
			range.jobs = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 't')
			range.twice = true;
		else if (option == 'v')
			range.verbose = true;
		else if (option == 'k')
			range.shrink = true;
		else if (option == 'p')
			range.trace = true;
		else
			sim_usage();
	}
	if (range.jobs < 1 || range.jobs > SIM_JOBS_MAX || range.trace)
		range.jobs = 1;
}

static void sim_add(const struct plan_report *report)
{
	atomic_fetch_add(&totals->committed, report->committed);
	atomic_fetch_add(&totals->elections, report->elections);
	atomic_fetch_add(&totals->reads, report->reads);
	atomic_fetch_add(&totals->crashes, report->crashes);
	atomic_fetch_add(&totals->delivered, report->delivered);
	atomic_fetch_add(&totals->steps, report->steps);
	atomic_fetch_xor(&totals->hash, report->trace_hash);
}

/* Of a child: seed after seed. */
static void sim_work(void *argument)
{
	for (uint64_t seed; (seed = atomic_fetch_add(&totals->next, 1)) <= range.last;) {
		struct plan_options options = {.seed = seed, .trace = range.trace ? stdout : NULL};
		struct plan_report report = plan_run(&options);
		bool twice = (range.twice || seed % SIM_TWICE_EVERY == 0) && !range.trace;
		if (twice && plan_run(&options).trace_hash != report.trace_hash)
			verdict_fail(RULE_REPEATABLE, "two runs of it differ");
		sim_add(&report);
	}
}

static bool sim_run(struct job *jobs)
{
	bool good = true;
	for (unsigned i = 0; i < range.jobs; i++) {
		jobs[i].verdict = verdict_share();
		jobs[i].child = child_begin(jobs[i].verdict, sim_work, NULL);
	}
	for (unsigned i = 0; i < range.jobs; i++) {
		int status = 0;
		pid_t ended = waitpid(jobs[i].child, &status, 0);
		check(ended == jobs[i].child);
		if (!child_broke(status, jobs[i].verdict))
			continue;
		const struct verdict *broken = jobs[i].verdict;
		good = false;
		atomic_store(&totals->next, range.last + 1);
		fprintf(stderr,
		        "seed %ju breaks \"%s\" after %ju steps: %s\nrerun: tests/sim/sim --seed %ju --shrink\n",
		        (uintmax_t)broken->seed, rule_text(broken->rule), (uintmax_t)broken->steps, broken->text,
		        (uintmax_t)broken->seed);
		if (range.shrink)
			shrink_print(broken);
	}
	return good;
}

int main(int argc, char **argv)
{
	struct job jobs[SIM_JOBS_MAX];
	sim_options(argc, argv);
	totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(totals != MAP_FAILED);
	atomic_store(&totals->next, range.first);
	coverage_share();
	bool good = sim_run(jobs);
	if (range.verbose)
		coverage_print();
	if (good && range.first == 1 && range.last == SIM_SEEDS)
		good = coverage_is_complete();
	printf("seeds %ju..%ju: %s committed=%ju elections=%ju reads=%ju crashes=%ju delivered=%ju steps=%ju "
	       "hash=%016jx\n",
	       (uintmax_t)range.first, (uintmax_t)range.last, good ? "good" : "FAILED",
	       (uintmax_t)atomic_load(&totals->committed), (uintmax_t)atomic_load(&totals->elections),
	       (uintmax_t)atomic_load(&totals->reads), (uintmax_t)atomic_load(&totals->crashes),
	       (uintmax_t)atomic_load(&totals->delivered), (uintmax_t)atomic_load(&totals->steps),
	       (uintmax_t)atomic_load(&totals->hash));
	return good ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator: cores on virtual time under faults, all from one seed.
 *
 *     sim [--seed N | --seeds A..B] [--twice] [--verbose]
 *
 * Some seeds are run twice, all with --twice: both runs must be the same. Ends with 0 when everything held, and otherwise with a line that reruns the seed. SIM_TRACE=1 prints what the cores say.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/checker.h"
#include "tests/sim/faults.h"

enum { SIM_TWICE_EVERY = 16 };

struct range {
	uint64_t first, last;
	bool twice, verbose;
};

/* A check() in the core has failed: say how to see it again. */
static void sim_on_abort(int signal)
{
	fprintf(stderr, "rerun: tests/sim/sim --seed %ju\n", (uintmax_t)checker_seed);
	_Exit(1);
}

static void sim_usage(void)
{
	fprintf(stderr, "usage: sim [--seed N | --seeds A..B] [--twice] [--verbose]\n");
	exit(2);
}

static struct range sim_options(int argc, char **argv)
{
	struct range range = {.first = 1, .last = 300};
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
	                                        {"seeds", required_argument, NULL, 'r'},
	                                        {"twice", no_argument, NULL, 't'},
	                                        {"verbose", no_argument, NULL, 'v'},
	                                        {0}};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 's')
			range.first = range.last = strtoull(optarg, NULL, 10);
		else if (option == 'r' && sscanf(optarg, "%" SCNu64 "..%" SCNu64, &range.first, &range.last) == 2)
			continue;
		else if (option == 't')
			range.twice = true;
		else if (option == 'v')
			range.verbose = true;
		else
			sim_usage();
	}
	return range;
}

static void sim_add(struct faults_report *total, const struct faults_report *one)
{
	total->committed += one->committed;
	total->elections += one->elections;
	total->reads += one->reads;
	total->crashes += one->crashes;
	total->delivered += one->delivered;
}

static void sim_print(const char *what, uint64_t number, const struct faults_report *report)
{
	printf("%s %ju: committed=%ju elections=%ju reads=%ju crashes=%ju delivered=%ju hash=%016jx\n", what,
	       (uintmax_t)number, (uintmax_t)report->committed, (uintmax_t)report->elections, (uintmax_t)report->reads,
	       (uintmax_t)report->crashes, (uintmax_t)report->delivered, (uintmax_t)report->trace_hash);
}

int main(int argc, char **argv)
{
	struct faults_report total = {0};
	struct range range = sim_options(argc, argv);
	signal(SIGABRT, sim_on_abort);
	for (uint64_t seed = range.first; seed <= range.last; seed++) {
		struct faults_report report = faults_run(seed);
		bool twice = range.twice || seed % SIM_TWICE_EVERY == 0;
		if (twice && faults_run(seed).trace_hash != report.trace_hash)
			checker_fail("two runs of it differ");
		if (range.verbose)
			sim_print("seed", seed, &report);
		sim_add(&total, &report);
	}
	sim_print("seeds", range.last - range.first + 1, &total);
	return 0;
}

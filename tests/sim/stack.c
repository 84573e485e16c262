/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator of whole nodes: replicas on virtual time under faults, all from one seed.
 *
 *     stack [--seed N | --seeds A..B] [--jobs N] [--twice] [--trace]
 *
 * Without seeds it is the standard range, in which every fault and rare path must be reached. Some seeds are run twice, all with
 * --twice: both runs must be the same. Ends with 0 when everything held, and otherwise with a line that reruns the seed.
 * --trace prints what happened, for reading.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_jobs.h"
#include "tests/sim/stack_machine.h"

enum {
#ifdef __SANITIZE_ADDRESS__
	STACK_SEEDS = 200,
#else
	STACK_SEEDS = 2000,
#endif
};

static void stack_on_signal(int signal)
{
	fprintf(stderr, "stack: seed %ju ends by signal %d\n", (uintmax_t)world_seed, signal);
	machine_rerun_line();
	_Exit(1);
}

static void stack_usage(void)
{
	fprintf(stderr, "usage: stack [--seed N | --seeds A..B] [--jobs N] [--twice] [--trace]\n");
	exit(2);
}

static struct jobs stack_options(int argc, char **argv)
{
	struct jobs jobs = {.first = 1, .last = STACK_SEEDS, .count = jobs_of_machine()};
	static const struct option options[] = {
	    {"seed", required_argument, NULL, 's'}, {"seeds", required_argument, NULL, 'r'},
	    {"jobs", required_argument, NULL, 'j'}, {"twice", no_argument, NULL, 'w'},
	    {"trace", no_argument, NULL, 't'},      {0}};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 's')
			jobs.first = jobs.last = strtoull(optarg, NULL, 10);
		else if (option == 'r' && sscanf(optarg, "%" SCNu64 "..%" SCNu64, &jobs.first, &jobs.last) == 2)
			continue;
		else if (option == 'j')
			jobs.count = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'w')
			jobs.twice = true;
		else if (option == 't')
			world_traces = true;
		else
			stack_usage();
	}
	return jobs;
}

int main(int argc, char **argv)
{
	struct jobs jobs = stack_options(argc, argv);
	jobs_skip();
	counters_share();
	signal(SIGABRT, stack_on_signal);
	signal(SIGSEGV, stack_on_signal);
	struct jobs_outcome outcome = jobs_run(&jobs);
	if (!world_traces)
		counters_print();
	if (outcome.good && jobs.first == 1 && jobs.last == STACK_SEEDS)
		outcome.good = counters_are_complete();
	printf("seeds %ju..%ju: %s hash=%016jx\n", (uintmax_t)jobs.first, (uintmax_t)jobs.last,
	       outcome.good ? "good" : "FAILED", (uintmax_t)outcome.hash);
	return outcome.good ? 0 : 1;
}

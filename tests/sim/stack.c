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
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_faults.h"
#include "tests/sim/stack_fibre.h"
#include "tests/sim/stack_machine.h"

enum {
#ifdef __SANITIZE_ADDRESS__
	STACK_SEEDS = 200,
#else
	STACK_SEEDS = 2000,
#endif
	STACK_TWICE_EVERY = 16,
	STACK_JOBS_MAX = 64,
	STACK_SEEDS_PER_PROCESS = 16, /* what crashed nodes had in memory is given back by the end of a process */
};

struct range {
	uint64_t first, last;
	unsigned jobs;
	bool twice;
};

static struct {
	atomic_uint_fast64_t next, hash;
} * stack_shared;

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

static struct range stack_options(int argc, char **argv)
{
	struct range range = {.first = 1, .last = STACK_SEEDS, .jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
	static const struct option options[] = {
	    {"seed", required_argument, NULL, 's'}, {"seeds", required_argument, NULL, 'r'},
	    {"jobs", required_argument, NULL, 'j'}, {"twice", no_argument, NULL, 'w'},
	    {"trace", no_argument, NULL, 't'},      {0}};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 's')
			range.first = range.last = strtoull(optarg, NULL, 10);
		else if (option == 'r' && sscanf(optarg, "%" SCNu64 "..%" SCNu64, &range.first, &range.last) == 2)
			continue;
		else if (option == 'j')
			range.jobs = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'w')
			range.twice = true;
		else if (option == 't')
			world_traces = true;
		else
			stack_usage();
	}
	if (range.jobs < 1 || range.jobs > STACK_JOBS_MAX)
		range.jobs = 1;
	return range;
}

/* Of a child: some seeds, one after the other. */
static void stack_work(const struct range *range)
{
	for (int i = 0; i < STACK_SEEDS_PER_PROCESS; i++) {
		uint64_t seed = atomic_fetch_add(&stack_shared->next, 1);
		if (seed > range->last)
			break;
		uint64_t hash = faults_run_stack(seed);
		bool twice = range->twice || (seed % STACK_TWICE_EVERY == 0 && !world_traces);
		if (twice && faults_run_stack(seed) != hash)
			world_fail("two runs of it differ");
		atomic_fetch_xor(&stack_shared->hash, hash);
	}
	fflush(stdout);
	_Exit(0);
}

static void stack_fork(const struct range *range)
{
	fflush(stdout);
	pid_t child = fork();
	check(child >= 0);
	if (child == 0)
		stack_work(range);
}

/* False: it failed. */
static bool stack_wait(void)
{
	int status = 0;
	pid_t child = wait(&status);
	check(child > 0);
	machine_remove_place(child);
	return status == 0;
}

static bool stack_run(const struct range *range)
{
	unsigned running = 0;
	bool good = true;
	while (running > 0 || (good && atomic_load(&stack_shared->next) <= range->last)) {
		if (good && running < range->jobs && atomic_load(&stack_shared->next) <= range->last) {
			stack_fork(range);
			running++;
			continue;
		}
		good = stack_wait() && good;
		running--;
		if (!good)
			atomic_store(&stack_shared->next, range->last + 1);
	}
	return good;
}

int main(int argc, char **argv)
{
	struct range range = stack_options(argc, argv);
	void *shared = mmap(NULL, sizeof *stack_shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared != MAP_FAILED);
	stack_shared = shared;
	atomic_store(&stack_shared->next, range.first);
	counters_share();
	signal(SIGABRT, stack_on_signal);
	signal(SIGSEGV, stack_on_signal);
	bool good = stack_run(&range);
	if (!world_traces)
		counters_print();
	if (good && range.first == 1 && range.last == STACK_SEEDS)
		good = counters_are_complete();
	printf("seeds %ju..%ju: %s hash=%016jx\n", (uintmax_t)range.first, (uintmax_t)range.last,
	       good ? "good" : "FAILED", (uintmax_t)atomic_load(&stack_shared->hash));
	return good ? 0 : 1;
}

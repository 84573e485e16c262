/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_jobs.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/sim/stack_faults.h"
#include "tests/sim/stack_machine.h"

enum {
	JOBS_MAX = 64,
	JOBS_SKIPPED = 77, /* what automake takes for "skipped" */
	JOBS_TWICE_EVERY = 16,
	JOBS_SEEDS_PER_PROCESS = 16, /* what crashed nodes had in memory is given back by the end of a process */
};

static struct jobs_shared {
	atomic_uint_fast64_t next, hash;
	atomic_uint_fast64_t seeds[JOBS_MAX]; /* by place */
} * jobs_shared;

static struct {
	pid_t children[JOBS_MAX]; /* 0: a free place */
	unsigned running;
} jobs_now;

/* The threads of a node are fibres of one thread: there is no race to be found, and the thread sanitizer does not follow their stacks. */
void jobs_skip(void)
{
#ifdef __SANITIZE_THREAD__
	printf("SKIPPED: the simulator of whole nodes has one thread, which the thread sanitizer loses sight of\n");
	exit(JOBS_SKIPPED);
#endif
}

unsigned jobs_of_machine(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (unsigned)cores;
}

static void jobs_run_seed(const struct jobs *jobs, uint64_t seed)
{
	uint64_t hash = faults_run_stack(seed);
	bool twice = jobs->twice || (seed % JOBS_TWICE_EVERY == 0 && !world_traces);
	if (twice && faults_run_stack(seed) != hash)
		world_fail("two runs of it differ");
	atomic_fetch_xor(&jobs_shared->hash, hash);
}

static _Noreturn void jobs_work(const struct jobs *jobs, unsigned place)
{
	for (int i = 0; i < JOBS_SEEDS_PER_PROCESS; i++) {
		uint64_t seed = atomic_fetch_add(&jobs_shared->next, 1);
		atomic_store(&jobs_shared->seeds[place], seed);
		if (seed > jobs->last)
			break;
		jobs_run_seed(jobs, seed);
	}
	fflush(stdout);
	_Exit(0);
}

static void jobs_fork(const struct jobs *jobs)
{
	unsigned place = 0;
	while (jobs_now.children[place] != 0)
		place++;
	check(place < JOBS_MAX);
	fflush(stdout);
	pid_t child = fork();
	check(child >= 0);
	if (child == 0)
		jobs_work(jobs, place);
	jobs_now.children[place] = child;
	jobs_now.running++;
}

static void jobs_wait(const struct jobs *jobs, struct jobs_outcome *outcome)
{
	int status = 0;
	unsigned place = 0;
	pid_t child = wait(&status);
	while (place < JOBS_MAX && jobs_now.children[place] != child)
		place++;
	check(child > 0 && place < JOBS_MAX);
	jobs_now.children[place] = 0;
	jobs_now.running--;
	machine_remove_place(child);
	if (status == 0)
		return;
	if (WIFSIGNALED(status))
		fprintf(stderr, "stack: the process of seed %ju was ended by signal %d\n",
		        (uintmax_t)atomic_load(&jobs_shared->seeds[place]), WTERMSIG(status));
	if (outcome->good)
		outcome->seed = atomic_load(&jobs_shared->seeds[place]);
	outcome->good = false;
	atomic_store(&jobs_shared->next, jobs->last + 1);
}

struct jobs_outcome jobs_run(const struct jobs *jobs)
{
	struct jobs_outcome outcome = {.good = true};
	unsigned count = jobs->count < 1 ? 1 : jobs->count > JOBS_MAX ? JOBS_MAX : jobs->count;
	if (jobs_shared == NULL)
		jobs_shared =
		    mmap(NULL, sizeof *jobs_shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(jobs_shared != MAP_FAILED);
	atomic_store(&jobs_shared->next, jobs->first);
	atomic_store(&jobs_shared->hash, 0);
	for (;;) {
		bool more = atomic_load(&jobs_shared->next) <= jobs->last;
		if (more && jobs_now.running < count)
			jobs_fork(jobs);
		else if (jobs_now.running > 0)
			jobs_wait(jobs, &outcome);
		else
			break;
	}
	outcome.hash = atomic_load(&jobs_shared->hash);
	return outcome;
}

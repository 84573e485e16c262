/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the simulator find what it is for? Plants one fault after the other into the core (raft/bug.h) and requires that
 * each is found within a number of seeds; a simulator that finds none proves nothing.
 *
 *     bugs [NAME]
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "raft/bug.h"
#include "tests/sim/checker.h"
#include "tests/sim/faults.h"

enum { BUGS_SEEDS_MAX = 2000 };

enum raft_bug raft_bug_planted;

static const struct {
	enum raft_bug bug;
	const char *name;
} bugs[] = {
    {RAFT_BUG_COMMIT_OLD_TERM, "commit-old-term"},
    {RAFT_BUG_VOTE_TWICE, "vote-twice"},
    {RAFT_BUG_ACK_BEFORE_DURABLE, "ack-before-durable"},
    {RAFT_BUG_TRUNCATE_ALWAYS, "truncate-always"},
    {RAFT_BUG_READ_OLD_ROUND, "read-old-round"},
    {RAFT_BUG_LEASE_FROM_ACK, "lease-from-ack"},
    {RAFT_BUG_WRITE_ABA, "write-aba"},
    {RAFT_BUG_HEARTBEAT_COMMIT, "heartbeat-commit"},
    {RAFT_BUG_LEADER_NOT_DURABLE, "leader-not-durable"},
    {RAFT_BUG_CONFIG_NOT_ROLLED_BACK, "config-not-rolled-back"},
    {RAFT_BUG_VOTE_NOT_DURABLE, "vote-not-durable"},
    {RAFT_BUG_DISLOYAL, "disloyal"},
};

/* In a child, which ends at the first seed that fails, whether by a rule of the checker or by a check() in the core. */
static void bugs_hunt(enum raft_bug bug, uint64_t *seed)
{
	raft_bug_planted = bug;
	for (*seed = 1; *seed <= BUGS_SEEDS_MAX; ++*seed)
		faults_run(*seed);
	_Exit(0);
}

/* The seed, shared with the child. */
static uint64_t *bugs_seed(void)
{
	void *shared = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared != MAP_FAILED);
	return shared;
}

static bool bugs_is_found(enum raft_bug bug, const char *name, uint64_t *seed)
{
	int status = 0;
	fflush(stdout);
	pid_t child = fork();
	check(child >= 0);
	if (child == 0)
		bugs_hunt(bug, seed);
	pid_t ended = waitpid(child, &status, 0);
	check(ended == child);
	bool found = status != 0;
	printf("%-24s %s after %ju seeds\n", name, found ? "found" : "NOT FOUND", (uintmax_t)*seed);
	return found;
}

int main(int argc, char **argv)
{
	uint64_t *seed = bugs_seed();
	unsigned missed = 0;
	for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++)
		if (argc < 2 || strcmp(argv[1], bugs[i].name) == 0)
			missed += !bugs_is_found(bugs[i].bug, bugs[i].name, seed);
	printf("%u not found\n", missed);
	return missed != 0;
}

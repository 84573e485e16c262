/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/child.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

/* A run takes a part of a second: one that takes this long goes round in circles. */
enum { CHILD_RUN_SECONDS_MAX = 60 };

pid_t child_begin(struct verdict *shared, void (*work)(void *argument), void *argument)
{
	fflush(stdout);
	shared->rule = RULE_NONE;
	pid_t child = fork();
	check(child >= 0);
	if (child != 0)
		return child;
	verdict = shared;
	work(argument);
	exit(0);
}

bool child_broke(int status, struct verdict *shared)
{
	if (status == 0)
		return false;
	if (shared->rule == RULE_NONE) {
		shared->rule = RULE_CHECK;
		snprintf(shared->text, sizeof shared->text, "it dies by signal %d",
		         WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
	return true;
}

static void child_work(void *argument)
{
	const struct plan_options *options = argument;
	struct rlimit limit = {CHILD_RUN_SECONDS_MAX, CHILD_RUN_SECONDS_MAX};
	setrlimit(RLIMIT_CPU, &limit);
	plan_run(options);
}

bool child_run(const struct plan_options *options, struct verdict *shared)
{
	int status = 0;
	struct plan_options copy = *options;
	pid_t child = child_begin(shared, child_work, &copy);
	pid_t ended = waitpid(child, &status, 0);
	check(ended == child);
	return child_broke(status, shared);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the simulator find what it is for? Plants one fault after the other into the core (raft/bug.h) and requires that
 * each is found within a number of seeds; a simulator that finds none proves nothing.
 *
 *     bugs [--shrink] [NAME]
 *
 * Prints of each the seed that found it, after how many steps, and which rule it broke. What one of them looks like when it is
 * shrunk is printed too; with --shrink, what each looks like.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "raft/bug.h"
#include "tests/sim/child.h"
#include "tests/sim/shrink.h"

enum { BUGS_SEEDS_MAX = 2000, BUGS_JOBS_MAX = 64 };

enum raft_bug raft_bug_planted;

#define BUGS_NAME(name, text) #name,
static const char *const bugs_names[] = {RAFT_BUGS(BUGS_NAME)};
#define BUGS_TEXT(name, text) text,
static const char *const bugs_texts[] = {RAFT_BUGS(BUGS_TEXT)};

struct hunt {
	enum raft_bug bug;
	struct verdict *verdict; /* RULE_NONE: not found */
};

/* Ends with 1 when it is found. */
static void bugs_hunt(void *argument)
{
	const struct hunt *hunt = argument;
	raft_bug_planted = hunt->bug;
	for (uint64_t seed = 1; seed <= BUGS_SEEDS_MAX; seed++)
		if (child_run(&(struct plan_options){.seed = seed}, hunt->verdict))
			_Exit(1);
}

static void bugs_hunt_all(struct hunt *hunts, size_t count, unsigned jobs)
{
	unsigned running = 0;
	for (size_t i = 0; i < count; i++) {
		if (running == jobs) {
			wait(NULL);
			running--;
		}
		hunts[i].verdict = verdict_share();
		child_begin(hunts[i].verdict, bugs_hunt, &hunts[i]);
		running++;
	}
	for (; running > 0; running--)
		wait(NULL);
}

static bool bugs_is_found(const struct hunt *hunt, bool shrink)
{
	const struct verdict *found = hunt->verdict;
	if (found->rule == RULE_NONE) {
		printf("%-22s NOT FOUND in %d seeds: %s\n", bugs_names[hunt->bug], BUGS_SEEDS_MAX,
		       bugs_texts[hunt->bug]);
		return false;
	}
	printf("%-22s seed %4ju step %6ju  %s: %s\n", bugs_names[hunt->bug], (uintmax_t)found->seed,
	       (uintmax_t)found->steps, rule_text(found->rule), found->text);
	raft_bug_planted = hunt->bug;
	if (shrink)
		shrink_print(found);
	return true;
}

int main(int argc, char **argv)
{
	struct hunt hunts[RAFT_BUG_COUNT];
	size_t count = 0;
	bool shrink = argc > 1 && strcmp(argv[1], "--shrink") == 0;
	const char *name = argc > 1 + shrink ? argv[1 + shrink] : NULL;
	unsigned missed = 0, jobs = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	for (enum raft_bug bug = RAFT_BUG_NONE + 1; bug < RAFT_BUG_COUNT; bug++)
		if (name == NULL || strcmp(name, bugs_names[bug]) == 0)
			hunts[count++] = (struct hunt){.bug = bug};
	bugs_hunt_all(hunts, count, jobs < BUGS_JOBS_MAX ? jobs : BUGS_JOBS_MAX);
	for (size_t i = 0; i < count; i++)
		missed += !bugs_is_found(&hunts[i],
		                         shrink || (name == NULL && hunts[i].bug == RAFT_BUG_COMMIT_NOT_LOOKED_AT));
	printf("%zu planted, %u not found\n", count, missed);
	return missed != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Raft log on a disk that forgets: a random user is crashed before each call that changes the disk, with each kind of
 * loss; the log must then hold what was reported, and what was under way wholly or not at all. From there the user goes on,
 * and is crashed again.
 *
 * ETCFS_CRASH_SEEDS and ETCFS_CRASH_STEPS make it longer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "store/raftlog_private.h"
#include "tests/unit/store/memory_disk.h"
#include "tests/unit/store/raftlog_model.h"
#include "tests/unit/unit.h"

enum { DEPTH_MAX = 3, STEPS_AFTER_CRASH = 6, SEEDS_DEFAULT = 3, STEPS_DEFAULT = 50 };

struct crash_run {
	struct model_user user;
	struct memory_disk *disk;
	unsigned depth;    /* crashes before this one */
	uint64_t crash_at; /* before which call; 0: before each */
	uint64_t crashes;
};

static void run_begin(struct crash_run *run, struct memory_disk *disk, uint64_t seed);
static void run_end(struct crash_run *run);

static struct raftlog_options options_of(struct memory_disk *disk)
{
	return (struct raftlog_options){
	    .directory = "log", .cluster_id = 7, .member_id = 3, .segment_bytes = 64 << 10, .io = &disk->io};
}

static void crash_with(struct crash_run *run, enum memory_loss loss)
{
	struct random random;
	random_init(&random, run->disk->calls * MEMORY_LOSSES + loss);
	struct crash_run *after = memory_new(sizeof *after);
	run_begin(after, memory_disk_crash(run->disk, loss, &random), random_next(&random));
	after->depth = run->depth + 1;
	after->user.now = run->user.now;
	after->user.next = run->user.next;
	after->user.step = run->user.step;
	after->crash_at = 1 + random_below(&random, 12);
	model_user_open(&after->user);
	for (int i = 0; i < STEPS_AFTER_CRASH; i++)
		model_user_step(&after->user);
	run_end(after);
	free(after);
	run->crashes++;
}

static void before_call(void *argument)
{
	struct crash_run *run = argument;
	uint64_t call = run->disk->calls + 1;
	if (run->depth >= DEPTH_MAX || (run->crash_at != 0 && run->crash_at != call))
		return;
	if (run->crash_at != 0) {
		struct random random;
		random_init(&random, call);
		crash_with(run, (enum memory_loss)random_below(&random, MEMORY_LOSSES));
		return;
	}
	for (enum memory_loss loss = 0; loss < MEMORY_LOSSES; loss++)
		crash_with(run, loss);
}

static void run_begin(struct crash_run *run, struct memory_disk *disk, uint64_t seed)
{
	*run = (struct crash_run){.disk = disk};
	disk->before = before_call;
	disk->argument = run;
	run->user.options = options_of(disk);
	random_init(&run->user.random, seed);
}

static void run_end(struct crash_run *run)
{
	run->disk->before = NULL;
	model_user_drop(&run->user);
	memory_disk_free(run->disk);
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);
	return value != NULL ? strtoul(value, NULL, 10) : otherwise;
}

static void a_crash_at_any_call_loses_nothing_that_was_reported(void **state)
{
	(void)state;
	unsigned long seeds = setting("ETCFS_CRASH_SEEDS", SEEDS_DEFAULT),
	              steps = setting("ETCFS_CRASH_STEPS", STEPS_DEFAULT);
	struct crash_run *run = memory_new(sizeof *run);
	for (unsigned long seed = 1; seed <= seeds; seed++) {
		run_begin(run, memory_disk_new(), seed);
		model_begin(&run->user.now);
		model_begin(&run->user.next);
		model_user_open(&run->user);
		for (unsigned long i = 0; i < steps; i++)
			model_user_step(&run->user);
		print_message("seed %lu: %lu calls, %lu crashes\n", seed, (unsigned long)run->disk->calls,
		              (unsigned long)run->crashes);
		run_end(run);
	}
	free(run);
}

/* ---- killed, started again, and then the power fails ---- */

struct failing {
	struct memory_disk *disk;
	void (*crashed)(struct memory_disk *after);
	enum memory_loss loss;
	uint64_t crashes; /* at each call */
};

static void recover_whole(struct memory_disk *disk)
{
	struct raftlog_options options = options_of(disk);
	struct raftlog *log = NULL;
	struct raftlog_state found = {0};
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	assert_false(found.damaged);
	raftlog_free(log);
	memory_disk_free(disk);
}

static void before_failing_call(void *argument)
{
	struct failing *failing = argument;
	for (uint64_t seed = 1; seed <= failing->crashes; seed++) {
		struct random random;
		random_init(&random, seed);
		failing->crashed(memory_disk_crash(failing->disk, failing->loss, &random));
	}
}

static void start_after_kill(struct memory_disk *disk)
{
	struct failing failing = {.disk = disk, .crashed = recover_whole, .loss = MEMORY_GARBLED, .crashes = 16};
	struct raftlog_options options = options_of(disk);
	struct raftlog *log = NULL;
	struct raftlog_state found = {0};
	disk->before = before_failing_call;
	disk->argument = &failing;
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	raftlog_free(log);
	disk->before = NULL;
	memory_disk_free(disk);
}

static void term_and_vote_survive_a_power_failure_in_the_start_after_a_kill(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct failing failing = {.disk = disk, .crashed = start_after_kill, .loss = MEMORY_KILLED, .crashes = 1};
	struct raftlog_options options = options_of(disk);
	struct raftlog *log = NULL;
	struct raftlog_state found = {0};
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	disk->before = before_failing_call;
	disk->argument = &failing;
	for (uint64_t term = 1; term <= 3; term++) {
		raftlog_write(log, &(struct raftlog_batch){.term = term, .vote = 1});
		assert_int_equal(raftlog_keep(log), ERR_OK);
	}
	disk->before = NULL;
	raftlog_free(log);
	memory_disk_free(disk);
}

static void a_long_life_without_crashes_keeps_to_the_model(void **state)
{
	(void)state;
	struct crash_run *run = memory_new(sizeof *run);
	run_begin(run, memory_disk_new(), 99);
	run->depth = DEPTH_MAX;
	model_user_open(&run->user);
	for (int i = 0; i < 3000; i++)
		model_user_step(&run->user);
	run_end(run);
	free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_long_life_without_crashes_keeps_to_the_model),
	    cmocka_unit_test(a_crash_at_any_call_loses_nothing_that_was_reported),
	    cmocka_unit_test(term_and_vote_survive_a_power_failure_in_the_start_after_a_kill),
	};
	return UNIT_RUN(tests);
}

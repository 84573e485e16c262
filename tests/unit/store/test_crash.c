/* SPDX-License-Identifier: Apache-2.0 */
/* A store whose process is killed stands at an index that was applied, whole, and not below what it called flushed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "tests/unit/store/fixture.h"

enum { ENTRIES = 1200, VALUE_BYTES = 3000, KILLS = 8, BATCH_MAX = 16 };

static struct {
	struct arena arena;
	struct store_entry entries[ENTRIES];
	uint64_t checksums[ENTRIES + 1]; /* of the state after so many entries */
} history;

static struct kv_command random_command(struct random *dice, struct kv_op *op)
{
	const char *name =
	    arena_format(&history.arena, "/d%d/f%d", (int)random_below(dice, 5), (int)random_below(dice, 20));
	uint8_t *value = arena_take(&history.arena, VALUE_BYTES);
	for (size_t i = 0; i < VALUE_BYTES; i++)
		value[i] = (uint8_t)random_next(dice); /* does not compress: memtables fill up */
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = op, .success_count = 1}};
	*op = (struct kv_op)PUT(.key = bytes_of_string(name), .value = bytes_of(value, VALUE_BYTES));
	if (random_below(dice, 4) == 0)
		*op = (struct kv_op)DELETE(.range = {.start = bytes_of_string(name)});
	if (random_below(dice, 20) == 0)
		*op = (struct kv_op)MOVE("/d1/", "/d7/");
	if (random_below(dice, 20) == 0)
		*op = (struct kv_op)MOVE("/d7/", "/d1/");
	return command;
}

static void history_init(void)
{
	struct random dice;
	random_init(&dice, 4711);
	arena_init(&history.arena);
	for (size_t i = 0; i < ENTRIES; i++) {
		AUTO_BUFFER struct buffer buffer;
		buffer_init(&buffer, LIMIT_ENTRY_BYTES);
		struct kv_op op;
		struct kv_command command = random_command(&dice, &op);
		if (i == 0)
			command = (struct kv_command){.kind = KV_COMMAND_SESSION, .session_open = {1, 1}};
		command.session = i == 0 ? 0 : 1;
		command.sequence = i;
		command.done_below = i > 10 ? i - 10 : 0;
		if (i > 600 && i % 300 == 0)
			command.kind = KV_COMMAND_COMPACT, command.compact.revision = (int64_t)i / 3;
		assert_int_equal(kv_command_encode(&command, &buffer), ERR_OK);
		history.entries[i] = (struct store_entry){.index = i + 1,
		                                          .term = 1,
		                                          .time_ns = (int64_t)i,
		                                          .payload = arena_dup(&history.arena, buffer_bytes(&buffer))};
	}
}

static uint64_t checksum_of(struct fixture *f)
{
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_stats stats;
	assert_int_equal(kv_stats(view, &stats), ERR_OK);
	kv_view_close(view);
	return stats.checksum;
}

/* ---- the process that is killed ---- */

struct report {
	uint64_t applied, flushed;
};

static void child_report(int pipe, uint64_t applied, struct store *store)
{
	struct report report = {applied, store_flushed(store)};
	if (write(pipe, &report, sizeof report) != sizeof report)
		_exit(3);
}

static void child_run(const char *directory, int pipe, uint64_t seed)
{
	struct random dice;
	random_init(&dice, seed);
	struct store *store = NULL;
	if (store_open(&(struct store_options){.directory = directory, .memory_bytes = 1}, &store) != ERR_OK)
		_exit(2);
	uint64_t at = store_applied(store);
	child_report(pipe, at, store);
	while (at < ENTRIES) {
		uint64_t count = 1 + random_below(&dice, BATCH_MAX);
		count = count > ENTRIES - at ? ENTRIES - at : count;
		store_apply(store, &history.entries[at], count, NULL, NULL);
		at += count;
		if (random_below(&dice, 10) == 0)
			store_flush(store);
		child_report(pipe, at, store);
	}
	for (;;)
		pause();
}

/* Reads reports until the given number, or the last entry; then kills. */
static struct report child_kill_after(pid_t child, int pipe, uint64_t reports)
{
	struct report report = {0};
	for (uint64_t i = 0; i < reports && report.applied < ENTRIES; i++)
		if (read(pipe, &report, sizeof report) != sizeof report)
			break;
	assert_int_equal(kill(child, SIGKILL), 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status)); /* it did not end by itself */
	struct report later;
	while (read(pipe, &later, sizeof later) == sizeof later)
		report = later;
	return report;
}

/* A program of its own: RocksDB's threads do not survive a fork. */
static struct report crash_once(const char *directory, uint64_t seed, uint64_t reports)
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	char pipe_text[16], seed_text[16];
	snprintf(pipe_text, sizeof pipe_text, "%d", ends[1]);
	snprintf(seed_text, sizeof seed_text, "%d", (int)seed);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		execl("/proc/self/exe", "test_crash", directory, pipe_text, seed_text, (char *)NULL);
		_exit(4);
	}
	close(ends[1]);
	struct report report = child_kill_after(child, ends[0], reports);
	close(ends[0]);
	return report;
}

/* ---- tests ---- */

static void state_is_as_after_its_index(struct fixture *f)
{
	uint64_t applied = store_applied(f->store);
	assert_true(applied <= ENTRIES);
	if (applied != 0)
		assert_int_equal(checksum_of(f), history.checksums[applied]);
}

static void a_killed_store_stands_at_a_flushed_index_and_goes_on_from_there(void **state)
{
	struct fixture *f = *state;
	struct random dice;
	random_init(&dice, 7);
	uint64_t stood = 0;
	for (uint64_t i = 0; i < KILLS; i++) {
		fixture_stop(f);
		struct report report = crash_once(f->directory, i, 5 + random_below(&dice, 25));
		fixture_start(f);
		assert_true(store_applied(f->store) >= report.flushed);
		/* Its own answer may have come after the last report. */
		assert_true(store_applied(f->store) >= stood);
		stood = store_applied(f->store);
		state_is_as_after_its_index(f);
	}
	for (uint64_t at = store_applied(f->store); at < ENTRIES; at++)
		store_apply(f->store, &history.entries[at], 1, NULL, NULL);
	state_is_as_after_its_index(f);
}

static void the_replayed_state_has_the_same_content(void **state)
{
	struct fixture *f = *state, reference;
	fixture_stop(f);
	crash_once(f->directory, 3, 30);
	fixture_start(f);
	fixture_open(&reference);
	for (uint64_t at = store_applied(f->store); at < ENTRIES; at++)
		store_apply(f->store, &history.entries[at], 1, NULL, NULL);
	store_apply(reference.store, history.entries, ENTRIES, NULL, NULL);
	assert_string_equal(fixture_range(f, "/", "0", 0), fixture_range(&reference, "/", "0", 0));
	assert_string_equal(fixture_list(f, "/"), fixture_list(&reference, "/"));
	int64_t past = fixture_revision(f) - 50;
	assert_string_equal(fixture_range(f, "/", "0", past), fixture_range(&reference, "/", "0", past));
	fixture_close(&reference);
}

static int setup(void **state)
{
	static struct fixture fixture;
	fixture_open(&fixture);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static int group_setup(void **state)
{
	(void)state;
	history_init();
	struct fixture fixture;
	fixture_open(&fixture);
	for (size_t i = 0; i < ENTRIES; i++) {
		store_apply(fixture.store, &history.entries[i], 1, NULL, NULL);
		history.checksums[i + 1] = checksum_of(&fixture);
	}
	fixture_close(&fixture);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	arena_fini(&history.arena);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4) {
		history_init();
		child_run(argv[1], (int)strtol(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	}
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_killed_store_stands_at_a_flushed_index_and_goes_on_from_there, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(the_replayed_state_has_the_same_content, setup, teardown),
	};
	return cmocka_run_group_tests_name(__FILE__, tests, group_setup, group_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Disks that fail and disks that are full: the node ends before it can lose anything, and can be started again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "store/raftlog_private.h"
#include "tests/unit/store/memory_disk.h"
#include "tests/unit/unit.h"

enum { STATUS_DONE = 0, STATUS_ENDED = 1, STATUS_REFUSED = 3, PAYLOAD_BYTES = 3000, ROUNDS = 40 };

static enum err log_open(struct memory_disk *disk, struct raftlog **ret_log, struct raftlog_state *ret_state)
{
	struct raftlog_options options = {
	    .directory = "log", .cluster_id = 7, .member_id = 3, .segment_bytes = 64 << 10, .io = &disk->io};
	return raftlog_recover(&options, ret_log, ret_state);
}

static void append(struct raftlog *log, uint64_t index, uint64_t term)
{
	static uint8_t payload[PAYLOAD_BYTES];
	struct raftlog_entry entry = {
	    .index = index, .term = term, .kind = 1, .payload = bytes_of(payload, sizeof payload)};
	raftlog_write(log, &(struct raftlog_batch){.term = term, .vote = 1, .entries = &entry, .count = 1});
}

/* Every way to change a log, with several segments. */
static int life(struct memory_disk *disk)
{
	struct raftlog *log;
	struct raftlog_state found;
	if (log_open(disk, &log, &found) != ERR_OK)
		return STATUS_REFUSED;
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		append(log, i, 1 + i / 10);
		if (i % 4 == 0 && raftlog_keep(log) != ERR_OK)
			return STATUS_REFUSED;
		if (i % 15 == 0)
			raftlog_trim(log, i - 1);
	}
	raftlog_write(log, &(struct raftlog_batch){.term = 9, .vote = 2, .truncate_from = ROUNDS - 2});
	raftlog_reset(log, 100, 9);
	append(log, 101, 10);
	raftlog_close(log);
	return STATUS_DONE;
}

/* In a process of its own, because it may end. */
static int status_of_a_life(uint64_t fail_at, int error)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDERR_FILENO);
		struct memory_disk *disk = memory_disk_new();
		disk->fail_at = fail_at;
		disk->fail_error = error;
		_exit(life(disk));
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static uint64_t calls_of_an_open(void)
{
	struct memory_disk *disk = memory_disk_new();
	struct raftlog *log;
	struct raftlog_state found;
	assert_int_equal(log_open(disk, &log, &found), ERR_OK);
	uint64_t calls = disk->calls;
	raftlog_free(log);
	memory_disk_free(disk);
	return calls;
}

static uint64_t calls_of_a_life(void)
{
	struct memory_disk *disk = memory_disk_new();
	assert_int_equal(life(disk), STATUS_DONE);
	uint64_t calls = disk->calls;
	memory_disk_free(disk);
	return calls;
}

static void an_error_of_any_call_ends_the_node(void **state)
{
	(void)state;
	uint64_t opened = calls_of_an_open(), all = calls_of_a_life();
	assert_true(all > 150);
	for (uint64_t n = 1; n <= all; n++) {
		int status = status_of_a_life(n, EIO);
		if (status != (n <= opened ? STATUS_REFUSED : STATUS_ENDED))
			fail_msg("call %lu of %lu: status %d", n, all, status);
	}
	assert_int_equal(status_of_a_life(all + 1, EIO), STATUS_DONE);
}

static void a_full_disk_is_never_taken_for_success(void **state)
{
	(void)state;
	/* The last two calls are raftlog_close()'s, which only would have known the log a little better. */
	uint64_t all = calls_of_a_life();
	for (uint64_t n = 1; n <= all - 2; n++)
		assert_int_not_equal(status_of_a_life(n, ENOSPC), STATUS_DONE);
}

/* A log whose last segment has no room for another entry, with a reserve, on a disk that is full. */
static struct raftlog *given_a_full_log(struct memory_disk *disk)
{
	struct raftlog *log;
	struct raftlog_state found;
	assert_int_equal(log_open(disk, &log, &found), ERR_OK);
	assert_int_equal(raftlog_keep(log), ERR_OK);
	assert_true(log->reserve);
	uint64_t index = 1;
	while (log->segments.count < 4 ||
	       raftlog_active(log)->file.size_bytes - raftlog_active(log)->end >= PAYLOAD_BYTES)
		append(log, index++, 1);
	disk->space_bytes = 0;
	return log;
}

static void a_full_disk_ends_the_node_when_it_needs_a_segment_and_not_before(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct raftlog *log = given_a_full_log(disk);
	assert_int_equal(raftlog_keep(log), ERR_NO_SPACE); /* ahead of need: it goes on */
	pid_t child = fork();
	if (child == 0) {
		close(STDERR_FILENO);
		append(log, log->last.index + 1, 1);
		_exit(STATUS_DONE);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), STATUS_ENDED);
	raftlog_free(log);
	memory_disk_free(disk);
}

static void a_node_on_a_full_disk_starts_with_the_reserve_votes_and_trims(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct raftlog *log = given_a_full_log(disk);
	uint64_t last = log->last.index;
	raftlog_free(log);
	struct raftlog_state found;
	assert_int_equal(log_open(disk, &log, &found), ERR_OK);
	assert_false(found.damaged);
	assert_int_equal(found.last_index, last);
	assert_false(log->reserve);
	raftlog_write(log, &(struct raftlog_batch){.term = 2, .vote = 1});
	raftlog_trim(log, last);
	for (uint64_t i = 1; i <= 20; i++) /* more than the reserve holds: into what was trimmed */
		append(log, last + i, 2);
	raftlog_free(log);
	assert_int_equal(log_open(disk, &log, &found), ERR_OK);
	assert_int_equal(found.last_index, last + 20);
	assert_int_equal(raftlog_keep(log), ERR_OK); /* and the reserve is made again */
	assert_true(log->reserve);
	raftlog_free(log);
	memory_disk_free(disk);
}

static void without_space_and_reserve_the_log_is_not_opened(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct raftlog *log = given_a_full_log(disk);
	raftlog_free(log);
	memory_disk_remove(disk, "log/reserve");
	struct raftlog_state found;
	assert_int_equal(log_open(disk, &log, &found), ERR_NO_SPACE);
	memory_disk_free(disk);
}

static void an_entry_that_rotted_is_not_handed_out(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct raftlog *log;
	struct raftlog_state found;
	assert_int_equal(log_open(disk, &log, &found), ERR_OK);
	append(log, 1, 1);
	raftlog_close(log);
	assert_int_equal(log_open(disk, &log, &found), ERR_OK);
	struct raftlog_segment *first = *(struct raftlog_segment **)raftlog_deque_at(&log->segments, 0);
	memory_disk_find(disk, "log/0000000000000001.log")->data[first->end - 2 * RAFTLOG_BLOCK_BYTES + 1000] ^= 1;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct raftlog_entry *entries;
	size_t count;
	assert_int_equal(raftlog_read(log, 1, 1, 1, &arena, &entries, &count), ERR_CORRUPT);
	raftlog_free(log);
	memory_disk_free(disk);
}

int main(void)
{
	log_level_set(LOG_ERROR_LEVEL + 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_error_of_any_call_ends_the_node),
	    cmocka_unit_test(a_full_disk_is_never_taken_for_success),
	    cmocka_unit_test(a_full_disk_ends_the_node_when_it_needs_a_segment_and_not_before),
	    cmocka_unit_test(a_node_on_a_full_disk_starts_with_the_reserve_votes_and_trims),
	    cmocka_unit_test(without_space_and_reserve_the_log_is_not_opened),
	    cmocka_unit_test(an_entry_that_rotted_is_not_handed_out),
	};
	return UNIT_RUN(tests);
}

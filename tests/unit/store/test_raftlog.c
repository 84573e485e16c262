/* SPDX-License-Identifier: Apache-2.0 */
/* The Raft log on a real directory, with its keeper's thread. */
#include "store/raftlog.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

static char directory[] = "/tmp/etcfs-test-raftlog-XXXXXX";
static char log_path[sizeof directory + 8];

static int given_a_directory(void **state)
{
	(void)state;
	memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(directory));
	snprintf(log_path, sizeof log_path, "%s/log", directory);
	return 0;
}

static int the_directory_goes(void **state)
{
	(void)state;
	assert_int_equal(file_remove_tree(directory), ERR_OK);
	return 0;
}

static struct raftlog *given_the_log(struct raftlog_state *ret_state)
{
	struct raftlog *log;
	struct raftlog_options options = {
	    .directory = log_path, .cluster_id = 7, .member_id = 3, .segment_bytes = 1 << 20};
	assert_int_equal(raftlog_open(&options, &log, ret_state), ERR_OK);
	return log;
}

static void append(struct raftlog *log, uint64_t from, size_t count, uint64_t term, size_t payload_bytes)
{
	struct raftlog_entry entries[100];
	AUTO_FREE uint8_t *payload = memory_new(payload_bytes);
	assert_true(count <= 100);
	for (size_t i = 0; i < count; i++)
		entries[i] = (struct raftlog_entry){.index = from + i,
		                                    .term = term,
		                                    .kind = 2,
		                                    .time_ns = (int64_t)(from + i),
		                                    .payload = bytes_of(payload, payload_bytes)};
	raftlog_write(log, &(struct raftlog_batch){.term = term, .vote = 3, .entries = entries, .count = count});
}

static void count_entry(void *argument, const struct raftlog_entry *entry)
{
	uint64_t *next = argument;
	assert_int_equal(entry->index, *next);
	++*next;
}

static void what_was_written_is_read_before_and_after_a_restart(void **state)
{
	struct raftlog_state found;
	struct raftlog *log = given_the_log(&found);
	assert_int_equal(found.first_index, 1);
	assert_int_equal(found.last_index, 0);
	append(log, 1, 10, 4, 256);
	for (int round = 0; round < 2; round++) {
		AUTO_ARENA struct arena arena;
		arena_init(&arena);
		struct raftlog_entry *entries;
		size_t count;
		assert_int_equal(raftlog_read(log, 3, 4, 1 << 20, &arena, &entries, &count), ERR_OK);
		assert_int_equal(count, 4);
		assert_int_equal(entries[3].index, 6);
		assert_int_equal(entries[3].term, 4);
		assert_int_equal(entries[3].kind, 2);
		assert_int_equal(entries[3].time_ns, 6);
		assert_int_equal(entries[3].payload.size, 256);
		assert_int_equal(raftlog_read(log, 3, 100, 600, &arena, &entries, &count), ERR_OK);
		assert_int_equal(count, 2);
		assert_int_equal(raftlog_read(log, 3, 100, 1, &arena, &entries, &count), ERR_OK);
		assert_int_equal(count, 1);
		assert_int_equal(raftlog_read(log, 0, 1, 1, &arena, &entries, &count), ERR_COMPACTED);
		assert_int_equal(raftlog_read(log, 11, 1, 1, &arena, &entries, &count), ERR_NOT_FOUND);
		raftlog_close(log);
		log = given_the_log(&found);
		assert_false(found.damaged);
		assert_int_equal(found.term, 4);
		assert_int_equal(found.vote, 3);
		assert_int_equal(found.last_index, 10);
	}
	raftlog_close(log);
}

static void a_log_of_many_segments_is_scanned_trimmed_and_reset(void **state)
{
	struct raftlog_state found;
	struct raftlog *log = given_the_log(&found);
	for (uint64_t i = 0; i < 60; i++)
		append(log, 1 + i * 100, 100, 1, 2000);
	raftlog_close(log);
	log = given_the_log(&found);
	assert_int_equal(found.last_index, 6000);
	uint64_t next = 1;
	assert_int_equal(raftlog_scan(log, count_entry, &next), ERR_OK);
	assert_int_equal(next, 6001);
	uint64_t before = raftlog_disk_bytes(log);
	raftlog_trim(log, 5500);
	assert_int_equal(raftlog_first(log), 5501);
	assert_true(raftlog_disk_bytes(log) < before / 2);
	append(log, 6001, 1, 1, 100);
	raftlog_close(log);
	log = given_the_log(&found);
	assert_int_equal(found.first_index, 5501);
	assert_int_equal(found.last_index, 6001);
	assert_int_equal(found.start_term, 1);
	raftlog_reset(log, 9000, 1);
	append(log, 9001, 1, 1, 100);
	raftlog_close(log);
	log = given_the_log(&found);
	assert_int_equal(found.first_index, 9001);
	assert_int_equal(found.last_index, 9001);
	assert_int_equal(found.term, 1);
	raftlog_close(log);
}

static void an_entry_larger_than_a_segment_has_one_of_its_own(void **state)
{
	struct raftlog_state found;
	struct raftlog *log = given_the_log(&found);
	append(log, 1, 1, 1, 10);
	append(log, 2, 1, 1, 5 << 20);
	append(log, 3, 1, 1, 10);
	raftlog_close(log);
	log = given_the_log(&found);
	assert_false(found.damaged);
	uint64_t next = 1;
	assert_int_equal(raftlog_scan(log, count_entry, &next), ERR_OK);
	assert_int_equal(next, 4);
	raftlog_close(log);
}

static void what_was_dropped_does_not_come_back(void **state)
{
	struct raftlog_state found;
	struct raftlog *log = given_the_log(&found);
	append(log, 1, 50, 1, 3000);
	raftlog_write(log, &(struct raftlog_batch){.term = 2, .vote = 0, .truncate_from = 20});
	append(log, 20, 3, 2, 10);
	for (int round = 0; round < 2; round++) {
		AUTO_ARENA struct arena arena;
		arena_init(&arena);
		struct raftlog_entry *entries;
		size_t count;
		uint64_t terms[2] = {0, 0};
		for (uint64_t index = 18; index <= 22; index += count) {
			assert_int_equal(raftlog_read(log, index, 100, 1 << 20, &arena, &entries, &count), ERR_OK);
			for (size_t i = 0; i < count; i++)
				terms[entries[i].term - 1]++;
		}
		assert_int_equal(terms[0], 2);
		assert_int_equal(terms[1], 3);
		raftlog_close(log);
		log = given_the_log(&found);
		assert_int_equal(found.last_index, 22);
	}
	raftlog_close(log);
}

static void the_start_has_the_term_of_what_was_left_after_a_drop(void **state)
{
	(void)state;
	struct raftlog_state found;
	struct raftlog *log = given_the_log(&found);
	append(log, 1, 3, 1, 10);
	append(log, 4, 3, 2, 10);
	raftlog_write(log, &(struct raftlog_batch){.term = 3, .vote = 0, .truncate_from = 3});
	raftlog_trim(log, 2);
	raftlog_close(log);
	log = given_the_log(&found);
	assert_int_equal(found.first_index, 3);
	assert_int_equal(found.last_index, 2);
	assert_int_equal(found.start_term, 1);
	raftlog_close(log);
}

static void a_directory_of_another_cluster_or_member_is_refused(void **state)
{
	struct raftlog_state found;
	struct raftlog *log = given_the_log(&found);
	raftlog_close(log);
	struct raftlog_options options = {.directory = log_path, .cluster_id = 8, .member_id = 3};
	assert_int_equal(raftlog_open(&options, &log, &found), ERR_WRONG_CLUSTER);
	options = (struct raftlog_options){.directory = log_path, .cluster_id = 7, .member_id = 4};
	assert_int_equal(raftlog_open(&options, &log, &found), ERR_WRONG_MEMBER);
	options = (struct raftlog_options){.directory = "/nonexistent/log", .cluster_id = 7, .member_id = 4};
	assert_int_equal(raftlog_open(&options, &log, &found), ERR_NOT_FOUND);
}

#define LOG_TEST(function) cmocka_unit_test_setup_teardown(function, given_a_directory, the_directory_goes)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    LOG_TEST(what_was_written_is_read_before_and_after_a_restart),
	    LOG_TEST(a_log_of_many_segments_is_scanned_trimmed_and_reset),
	    LOG_TEST(an_entry_larger_than_a_segment_has_one_of_its_own),
	    LOG_TEST(what_was_dropped_does_not_come_back),
	    LOG_TEST(the_start_has_the_term_of_what_was_left_after_a_drop),
	    LOG_TEST(a_directory_of_another_cluster_or_member_is_refused),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Readers beside the writer and the keeper on a real directory: appends, drops, trims and reused segments under their feet. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "base/random.h"
#include "store/raftlog_private.h"
#include "tests/unit/store/memory_disk.h"
#include "tests/unit/unit.h"

enum { BATCHES = 800, BATCH_ENTRIES = 4, READERS = 3, PAYLOAD_BYTES = 16000, TAIL = 10 };

struct shared {
	struct raftlog *log;
	_Atomic uint64_t first, stable; /* entries in it are never dropped, and trimmed only after `first` has moved */
	_Atomic uint64_t terms[BATCHES * BATCH_ENTRIES + TAIL];
	_Atomic uint64_t reads;
	atomic_bool done;
};

struct reader {
	struct shared *shared;
	pthread_t thread;
	uint64_t seed;
};

/* Each payload tells whose it is. */
static void payload_fill(uint64_t *payload, uint64_t index, uint64_t term)
{
	payload[0] = index;
	payload[PAYLOAD_BYTES / sizeof *payload - 1] = term;
}

static void entry_holds(const struct raftlog_entry *entry)
{
	uint64_t payload[PAYLOAD_BYTES / sizeof(uint64_t)];
	check(entry->payload.size == sizeof payload);
	memcpy(payload, entry->payload.data, sizeof payload);
	check(payload[0] == entry->index);
	check(payload[PAYLOAD_BYTES / sizeof *payload - 1] == entry->term);
}

static void read_once(struct shared *shared, struct random *random, struct arena *arena)
{
	uint64_t first = atomic_load(&shared->first), stable = atomic_load(&shared->stable);
	uint64_t index = first + random_below(random, stable - first + TAIL);
	struct raftlog_entry *entries;
	size_t count;
	enum err err = raftlog_read(shared->log, index, 1 + random_below(random, 20), 1 << 20, arena, &entries, &count);
	if (err == ERR_COMPACTED) {
		check(index < atomic_load(&shared->first));
		return;
	}
	if (err == ERR_NOT_FOUND) {
		check(index > stable);
		return;
	}
	check(err == ERR_OK && count > 0);
	for (size_t i = 0; i < count; i++) {
		check(entries[i].index == index + i);
		entry_holds(&entries[i]);
		if (index + i <= stable)
			check(entries[i].term == atomic_load(&shared->terms[index + i]));
	}
	atomic_fetch_add(&shared->reads, 1);
}

static void *reader_main(void *argument)
{
	struct reader *reader = argument;
	struct random random;
	random_init(&random, reader->seed);
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	while (!atomic_load(&reader->shared->done)) {
		read_once(reader->shared, &random, &arena);
		arena_reset(&arena);
	}
	return NULL;
}

static void write_once(struct shared *shared, struct random *random, uint64_t *last, uint64_t *term)
{
	uint64_t payloads[BATCH_ENTRIES][PAYLOAD_BYTES / sizeof(uint64_t)];
	struct raftlog_entry entries[BATCH_ENTRIES];
	struct raftlog_batch batch = {.entries = entries, .count = 1 + random_below(random, BATCH_ENTRIES)};
	uint64_t stable = atomic_load(&shared->stable);
	if (random_below(random, 10) == 0 && *last > stable) {
		batch.truncate_from = stable + 1 + random_below(random, *last - stable);
		*last = batch.truncate_from - 1;
		++*term;
	}
	batch.term = *term;
	memset(payloads, 0, sizeof payloads);
	for (size_t i = 0; i < batch.count; i++) {
		uint64_t index = ++*last;
		payload_fill(payloads[i], index, *term);
		atomic_store(&shared->terms[index], *term);
		entries[i] = (struct raftlog_entry){
		    .index = index, .term = *term, .kind = 1, .payload = bytes_of(payloads[i], PAYLOAD_BYTES)};
	}
	raftlog_write(shared->log, &batch);
	if (*last > stable + TAIL)
		atomic_store(&shared->stable, *last - TAIL);
}

static void readers_see_what_is_there_while_it_changes(void **state)
{
	(void)state;
	char directory[] = "/tmp/etcfs-test-raftlog-XXXXXX", path[sizeof directory + 8];
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/log", directory);
	static struct shared shared;
	struct raftlog_state found;
	struct raftlog_options options = {
	    .directory = path, .cluster_id = 1, .member_id = 1, .segment_bytes = 256 << 10};
	assert_int_equal(raftlog_open(&options, &shared.log, &found), ERR_OK);
	shared.first = 1;
	struct reader readers[READERS];
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){.shared = &shared, .seed = i};
		assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]), 0);
	}
	struct random random;
	random_init(&random, 77);
	uint64_t last = 0, term = 1;
	for (int i = 0; i < BATCHES; i++) {
		write_once(&shared, &random, &last, &term);
		if (i % 100 == 99) { /* leaves more than the cache holds */
			uint64_t keep = 800, stable = shared.stable;
			shared.first = stable > keep ? stable - keep : 1;
			raftlog_trim(shared.log, shared.first - 1);
		}
	}
	shared.done = true;
	for (size_t i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	assert_true(shared.reads > 100);
	raftlog_close(shared.log);
	assert_int_equal(raftlog_open(&options, &shared.log, &found), ERR_OK);
	assert_false(found.damaged);
	assert_int_equal(found.last_index, last);
	raftlog_close(shared.log);
	assert_int_equal(file_remove_tree(directory), ERR_OK);
}

/* Between taking a segment and having read it, a reader must not find another use of its file. */
static void a_segment_that_is_being_read_is_not_used_again(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct raftlog *log;
	struct raftlog_state found;
	struct raftlog_options options = {
	    .directory = "log", .cluster_id = 1, .member_id = 1, .segment_bytes = 64 << 10, .io = &disk->io};
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	uint64_t payload[PAYLOAD_BYTES / sizeof(uint64_t)] = {0};
	for (uint64_t i = 1; i <= 10; i++) {
		struct raftlog_entry entry = {
		    .index = i, .term = 1, .kind = 1, .payload = bytes_of(payload, PAYLOAD_BYTES)};
		raftlog_write(log, &(struct raftlog_batch){.term = 1, .entries = &entry, .count = 1});
	}
	struct raftlog_segment *read = *(struct raftlog_segment **)raftlog_deque_at(&log->segments, 0);
	read->readers++;
	raftlog_trim(log, 9);
	assert_true(log->spares.count > 0); /* others are used again */
	for (size_t i = 0; i < log->spares.count; i++)
		assert_ptr_not_equal(*(struct raftlog_segment **)raftlog_deque_at(&log->spares, i), read);
	assert_true(read->retired);
	read->readers--;
	raftlog_segment_free(&log->disk, read);
	raftlog_free(log);
	memory_disk_free(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_segment_that_is_being_read_is_not_used_again),
	    cmocka_unit_test(readers_see_what_is_there_while_it_changes),
	};
	return UNIT_RUN(tests);
}

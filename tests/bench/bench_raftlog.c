/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Raft log on a real disk: `bench_raftlog DIRECTORY [BATCHES]` prints, for batches of 1, 10 and 100 entries of 256 bytes,
 * the latency of a durable write and the processor time per entry, and what it costs to read entries back from memory and
 * from the disk.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/raftlog.h"

enum { BATCHES_DEFAULT = 2000, ENTRY_BYTES = 256, BATCH_MAX = 100, READS = 2000 };

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return a < b ? -1 : a > b;
}

static double cpu_us(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static struct raftlog *log_open(const char *path, struct raftlog_state *ret_state)
{
	struct raftlog *log;
	struct raftlog_options options = {.directory = path, .cluster_id = 1, .member_id = 1};
	uint64_t begin_ns = clock_steady_ns();
	if (raftlog_open(&options, &log, ret_state) != ERR_OK)
		exit(1);
	printf("open: %.1f ms, %" PRIu64 " entries\n", us(clock_steady_ns() - begin_ns) / 1e3,
	       ret_state->last_index + 1 - ret_state->first_index);
	return log;
}

static uint64_t bench_batch(struct raftlog *log, uint64_t next, size_t batch, size_t batches)
{
	static uint8_t payload[ENTRY_BYTES];
	struct raftlog_entry entries[BATCH_MAX];
	uint64_t *took_ns = memory_new_array(batches, sizeof *took_ns);
	double cpu_begin_us = cpu_us();
	for (size_t i = 0; i < batches; i++) {
		for (size_t k = 0; k < batch; k++)
			entries[k] = (struct raftlog_entry){
			    .index = next++, .term = 1, .kind = 2, .payload = bytes_of(payload, sizeof payload)};
		uint64_t begin_ns = clock_steady_ns();
		raftlog_write(log, &(struct raftlog_batch){.term = 1, .vote = 1, .entries = entries, .count = batch});
		took_ns[i] = clock_steady_ns() - begin_ns;
	}
	double cpu_entry_us = (cpu_us() - cpu_begin_us) / (double)(batches * batch);
	qsort(took_ns, batches, sizeof *took_ns, compare_u64);
	printf("batch %3zu: p50 %6.1f us, p99 %7.1f us, max %8.1f us, cpu/entry %.2f us\n", batch,
	       us(took_ns[batches / 2]), us(took_ns[batches * 99 / 100]), us(took_ns[batches - 1]), cpu_entry_us);
	free(took_ns);
	return next;
}

static void bench_read(struct raftlog *log, const char *name, uint64_t from, uint64_t to, size_t count)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	size_t got_total = 0;
	uint64_t begin_ns = clock_steady_ns();
	for (uint64_t i = 0; i < READS; i++) {
		struct raftlog_entry *entries;
		size_t got;
		arena_reset(&arena);
		uint64_t index = from + i * (to - from) / READS;
		if (raftlog_read(log, index, count, SIZE_MAX, &arena, &entries, &got) != ERR_OK)
			exit(1);
		got_total += got;
	}
	uint64_t took_ns = clock_steady_ns() - begin_ns;
	printf("read %s, %zu asked: %.2f us, %.2f us/entry\n", name, count, us(took_ns) / READS,
	       us(took_ns) / (double)got_total);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s DIRECTORY [BATCHES]\n", argv[0]);
		return 2;
	}
	AUTO_FREE char *path = memory_format("%s/bench-raftlog", argv[1]);
	size_t batches = argc > 2 ? strtoul(argv[2], NULL, 10) : BATCHES_DEFAULT;
	if (file_remove_tree(path) != ERR_OK || batches == 0)
		return 1;
	struct raftlog_state state;
	struct raftlog *log = log_open(path, &state);
	uint64_t next = 1;
	static const size_t sizes[] = {1, 10, 100, 1, 10, 100};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		next = bench_batch(log, next, sizes[i], batches);
	bench_read(log, "from memory", next - 5000, next - 200, 1);
	bench_read(log, "from memory", next - 5000, next - 200, 100);
	bench_read(log, "from the disk", 1, next / 2, 1);
	bench_read(log, "from the disk", 1, next / 2, 100);
	raftlog_close(log);
	log = log_open(path, &state);
	raftlog_trim(log, next - 1);
	bench_batch(log, next, 1, batches); /* into segments that were used before */
	raftlog_close(log);
	return file_remove_tree(path) == ERR_OK ? 0 : 1;
}

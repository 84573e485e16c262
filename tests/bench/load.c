/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One kind of file operation, again and again, from some threads; prints how many and how long as one line of JSON.
 *
 *     load KIND PATH THREADS SECONDS
 *     load fill DIRECTORY THREADS COUNT
 *
 *     save         rewrite a file of 256 bytes, one per thread     (open O_TRUNC, write, close)
 *     save-synced  the same with an fsync before the close: what a local disk needs for a save to be safe
 *     stat, read   of PATH                                         (read: open, read, close)
 *     list         of the directory PATH                           (opendir, readdir to the end, closedir)
 *     put          rewrite a key of 256 bytes through the control socket PATH, one connection and key per thread: /puts/w0 ...
 *     put-top      the same with keys directly below the top: /w0 ...; every node's kernel holds that directory
 *     fill         COUNT new files of 256 bytes in directories of 1,000
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "tests/bench/putter.h"

enum { THREADS_MAX = 256, SAMPLES_MAX = 1 << 20, VALUE_BYTES = 256, FOLDER_FILES = 1000, PATH_BYTES = 4096 };

struct load;
typedef void (*load_kind)(struct load *load, int thread);

struct load {
	load_kind run;
	const char *path;
	uint64_t end_ns;
	_Atomic int64_t rest; /* of fill */
	int64_t count;
	struct putter putters[THREADS_MAX];
};

struct worker {
	struct load *load;
	int number;
	uint32_t *samples_us;
	size_t count;
	pthread_t thread;
};

static const char value[VALUE_BYTES] = "value";

static _Noreturn void load_fail(const char *what, const char *path)
{
	fprintf(stderr, "load: %s %s: %s\n", what, path, strerror(errno));
	exit(1);
}

enum file_end { FILE_CLOSED, FILE_SYNCED };

static void file_write(const char *path, enum file_end end)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		load_fail("open", path);
	if (write(fd, value, VALUE_BYTES) != VALUE_BYTES)
		load_fail("write", path);
	if (end == FILE_SYNCED && fsync(fd) != 0)
		load_fail("fsync", path);
	if (close(fd) != 0)
		load_fail("close", path);
}

static void run_save(struct load *load, int thread)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "%s/w%d", load->path, thread);
	file_write(path, FILE_CLOSED);
}

static void run_save_synced(struct load *load, int thread)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "%s/w%d", load->path, thread);
	file_write(path, FILE_SYNCED);
}

static void run_stat(struct load *load, int thread)
{
	struct stat status;
	if (stat(load->path, &status) != 0)
		load_fail("stat", load->path);
}

static void run_read(struct load *load, int thread)
{
	char content[PATH_BYTES];
	int fd = open(load->path, O_RDONLY);
	if (fd < 0)
		load_fail("open", load->path);
	if (read(fd, content, sizeof(content)) < 0)
		load_fail("read", load->path);
	close(fd);
}

static void run_list(struct load *load, int thread)
{
	DIR *directory = opendir(load->path);
	if (directory == NULL)
		load_fail("opendir", load->path);
	while (readdir(directory) != NULL)
		;
	closedir(directory);
}

static void run_fill(struct load *load, int thread)
{
	int64_t rest = atomic_fetch_sub(&load->rest, 1);
	if (rest <= 0)
		return;
	int64_t number = load->count - rest;
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "%s/d%04" PRId64, load->path, number / FOLDER_FILES);
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		load_fail("mkdir", path);
	snprintf(path, sizeof(path), "%s/d%04" PRId64 "/f%07" PRId64, load->path, number / FOLDER_FILES, number);
	file_write(path, FILE_CLOSED);
}

static void run_put(struct load *load, int thread)
{
	putter_put(&load->putters[thread]);
}

static void run_put_top(struct load *load, int thread)
{
	run_put(load, thread);
}

static bool load_puts(const struct load *load)
{
	return load->run == run_put || load->run == run_put_top;
}

static void putters_open(struct load *load, int threads)
{
	const char *folder = load->run == run_put_top ? "" : "/puts";
	for (int i = 0; i < threads; i++) {
		char key[PATH_BYTES];
		snprintf(key, sizeof(key), "%s/w%d", folder, i);
		putter_open(&load->putters[i], load->path, key, bytes_of(value, VALUE_BYTES));
	}
}

static void putters_close(struct load *load, int threads)
{
	for (int i = 0; i < threads; i++)
		putter_close(&load->putters[i]);
}

static const struct {
	const char *name;
	load_kind run;
} kinds[] = {
    {"save", run_save}, {"save-synced", run_save_synced},
    {"stat", run_stat}, {"read", run_read},
    {"list", run_list}, {"fill", run_fill},
    {"put", run_put},   {"put-top", run_put_top},
};

static load_kind kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].run;
	fprintf(stderr, "load: unknown kind %s\n", name);
	exit(2);
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;
	struct load *load = worker->load;
	while (load->run == run_fill ? atomic_load(&load->rest) > 0 : clock_steady_ns() < load->end_ns) {
		uint64_t start_ns = clock_steady_ns();
		load->run(load, worker->number);
		worker->samples_us[worker->count++ % SAMPLES_MAX] = (uint32_t)((clock_steady_ns() - start_ns) / 1000);
	}
	return NULL;
}

static int compare_u32(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return (a > b) - (a < b);
}

static void load_print(const struct worker *workers, int threads, uint64_t took_ns)
{
	size_t count = 0, kept = 0;
	for (int i = 0; i < threads; i++)
		count += workers[i].count;
	uint32_t *all = memory_new_array(count + 1, sizeof(*all));
	for (int i = 0; i < threads; i++) {
		size_t size = workers[i].count < SAMPLES_MAX ? workers[i].count : SAMPLES_MAX;
		memcpy(all + kept, workers[i].samples_us, size * sizeof(*all));
		kept += size;
	}
	qsort(all, kept, sizeof(*all), compare_u32);
	size_t last = kept > 0 ? kept - 1 : 0;
	printf("{\"count\": %zu, \"seconds\": %.3f, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n", count,
	       (double)took_ns / CLOCK_NS_PER_S, all[last / 2], all[last * 99 / 100], all[last]);
	free(all);
}

int main(int count, char **words)
{
	int threads = count == 5 ? (int)strtol(words[3], NULL, 10) : 0;
	if (threads < 1 || threads > THREADS_MAX) {
		fprintf(stderr, "usage: load KIND PATH THREADS SECONDS|COUNT\n");
		return 2;
	}
	static struct load load;
	load = (struct load){.run = kind_find(words[1]), .path = words[2], .count = strtoll(words[4], NULL, 10)};
	load.rest = load.count;
	if (load_puts(&load))
		putters_open(&load, threads);
	uint64_t start_ns = clock_steady_ns();
	load.end_ns = start_ns + (uint64_t)(strtod(words[4], NULL) * CLOCK_NS_PER_S);
	struct worker workers[THREADS_MAX];
	for (int i = 0; i < threads; i++) {
		workers[i] = (struct worker){.load = &load, .number = i};
		workers[i].samples_us = memory_new_array(SAMPLES_MAX, sizeof(uint32_t));
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) != 0)
			load_fail("start", "thread");
	}
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	load_print(workers, threads, clock_steady_ns() - start_ns);
	for (int i = 0; i < threads; i++)
		free(workers[i].samples_us);
	if (load_puts(&load))
		putters_close(&load, threads);
	return 0;
}

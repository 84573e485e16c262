/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load on a server of etcd's API, as thin as can be: one thread, one call after the other in each of CONNECTIONS x STREAMS places.
 * Prints how many and how long as one line of JSON.
 *
 *     rpcload KIND HOST:PORT[,HOST:PORT...] CONNECTIONS STREAMS SECONDS [KEYS [VALUE_BYTES]]
 *     rpcload fill HOST:PORT CONNECTIONS STREAMS KEYS [ignored [VALUE_BYTES]]
 *
 *     put                 of a random key among KEYS
 *     range               of such a key, linearizable
 *     range-serializable
 *     txn                 in turns: a compare and two reads; a compare, a put and a read
 *     watch               CONNECTIONS x STREAMS watchers of a prefix, each on a stream of its own, and one who puts below it when all have
 *                         seen the put before: the latencies are from the sending of a put to each watcher's event
 *     fill                the first KEYS keys, 100 in a transaction
 *     compact             once, to the revision that is
 *
 * Connections are spread over the addresses. What was begun when the time is over is waited for and counted.
 */
#include "tests/bench/rpcload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
	CHANNELS_MAX = 1024,
	CALLS_MAX = 16384,
	SAMPLES_MAX = 1 << 26,
	EVENTS_MAX = 256,
	KEYS_DEFAULT = 10000,
	VALUE_BYTES_DEFAULT = 256,
	VALUE_BYTES_MAX = 1 << 20,
	PATIENCE_MS = 60 * 1000,
};

void load_fail(const char *what, const char *why)
{
	fprintf(stderr, "rpcload: %s: %s\n", what, why);
	exit(1);
}

void load_sample(struct load *load, uint64_t took_ns)
{
	if (load->sample_count == load->sample_room) {
		load->sample_room = load->sample_room == 0 ? 1 << 16 : load->sample_room * 2;
		if (load->sample_room > SAMPLES_MAX)
			load_fail("samples", "there are too many: measure for a shorter time");
		load->samples_ns = memory_resize(load->samples_ns, load->sample_room, sizeof *load->samples_ns);
	}
	load->samples_ns[load->sample_count++] = took_ns;
}

void load_error(struct load *load, int code)
{
	if (load->error_count++ == 0)
		load->first_error = code;
}

/* ---- the loop ---- */

static void load_join(struct load *load, struct channel *channel)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = channel};
	if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, channel->fd, &event) != 0)
		load_fail("epoll", strerror(errno));
}

void load_turn(struct load *load)
{
	struct epoll_event events[EVENTS_MAX];
	for (size_t at = 0; at < load->channel_count; at++)
		channel_flush(&load->channels[at]);
	int count = epoll_wait(load->epoll_fd, events, EVENTS_MAX, PATIENCE_MS);
	if (count < 0 && errno != EINTR)
		load_fail("epoll", strerror(errno));
	if (count == 0)
		load_fail("the server", "nothing is answered any more");
	for (int at = 0; at < count; at++)
		channel_receive(events[at].data.ptr);
}

/* ---- call after call ---- */

static void load_next(struct load *load, struct channel_call *call)
{
	bool first = load->turn < load->channel_count * load->streams; /* however short the time */
	if (!load->kind->counts && !first && clock_steady_ns() >= load->end_ns)
		return;
	arena_reset(&load->arena);
	buffer_clear(&call->request);
	const char *path = load->kind->make(load, call);
	load->turn++;
	if (path == NULL)
		return;
	load->waiting++;
	channel_call_begin(call, path);
}

static void load_came(struct channel_call *call, struct bytes message)
{
	struct load *load = call->state;
	if (load->kind->answered != NULL)
		load->kind->answered(load, message);
}

static void load_ended(struct channel_call *call, int code)
{
	struct load *load = call->state;
	uint64_t now_ns = clock_steady_ns();
	load->waiting--;
	load->ended_ns = now_ns;
	if (code == CHANNEL_OK)
		load_sample(load, now_ns - call->begun_ns);
	else
		load_error(load, code);
	load_next(load, call);
}

static void load_run_calls(struct load *load)
{
	static const struct channel_user user = {load_came, load_ended};
	size_t count = load->channel_count * load->streams;
	struct channel_call *calls = memory_new_array(count, sizeof *calls);
	for (size_t at = 0; at < count; at++) {
		channel_call_init(&calls[at], &load->channels[at % load->channel_count], &user, load);
		load_next(load, &calls[at]);
	}
	while (load->waiting != 0)
		load_turn(load);
	for (size_t at = 0; at < count; at++)
		channel_call_fini(&calls[at]);
	free(calls);
}

/* ---- what came of it ---- */

static int compare_u64(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
	return (a > b) - (a < b);
}

static double load_percentile_us(const struct load *load, double part)
{
	if (load->sample_count == 0)
		return 0;
	return (double)load->samples_ns[(size_t)((double)(load->sample_count - 1) * part)] / 1000;
}

static void load_print(struct load *load)
{
	static const struct {
		const char *name;
		double part;
	} percentiles[] = {{"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p999_us", 0.999}, {"max_us", 1}};
	if (load->sample_count != 0)
		qsort(load->samples_ns, load->sample_count, sizeof *load->samples_ns, compare_u64);
	printf("{\"kind\": \"%s\", \"count\": %zu, \"seconds\": %.4f, \"errors\": %llu, \"first_error\": %d",
	       load->kind->name, load->sample_count, (double)(load->ended_ns - load->begun_ns) / CLOCK_NS_PER_S,
	       (unsigned long long)load->error_count, load->first_error);
	for (size_t at = 0; at < sizeof percentiles / sizeof *percentiles; at++)
		printf(", \"%s\": %.1f", percentiles[at].name, load_percentile_us(load, percentiles[at].part));
	printf("}\n");
}

/* ---- what is asked for ---- */

static void load_open(struct load *load, const char *list)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	const char *addresses[CHANNELS_MAX];
	size_t count = 0;
	for (char *rest = arena_dup_string(&arena, bytes_of_string(list)), *word;
	     count < CHANNELS_MAX && (word = strsep(&rest, ",")) != NULL;)
		addresses[count++] = word;
	load->channels = memory_new_array(load->channel_count, sizeof *load->channels);
	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (load->epoll_fd < 0)
		load_fail("epoll", strerror(errno));
	for (size_t at = 0; at < load->channel_count; at++) {
		channel_open(&load->channels[at], addresses[at % count]);
		load_join(load, &load->channels[at]);
	}
}

static void load_close(struct load *load)
{
	for (size_t at = 0; at < load->channel_count; at++)
		channel_close(&load->channels[at]);
	free(load->channels);
	free(load->samples_ns);
	arena_fini(&load->arena);
	close(load->epoll_fd);
}

static size_t load_number(const char *word, size_t max)
{
	char *end;
	unsigned long long number = strtoull(word, &end, 10);
	if (*end != '\0' || end == word || number == 0 || number > max)
		load_fail(word, "this is no such number");
	return (size_t)number;
}

int main(int count, char **words)
{
	if (count < 6 || count > 8) {
		fprintf(stderr,
		        "usage: rpcload KIND HOST:PORT[,...] CONNECTIONS STREAMS SECONDS|COUNT [KEYS [VALUE_BYTES]]\n");
		return 2;
	}
	struct load load = {.kind = load_kind_find(words[1]),
	                    .channel_count = load_number(words[3], CHANNELS_MAX),
	                    .streams = load_number(words[4], CALLS_MAX),
	                    .amount = strtod(words[5], NULL),
	                    .key_count = count > 6 ? load_number(words[6], SIZE_MAX) : KEYS_DEFAULT,
	                    .value_bytes = count > 7 ? load_number(words[7], VALUE_BYTES_MAX) : VALUE_BYTES_DEFAULT};
	if (load.kind == NULL)
		load_fail(words[1], "there is no such kind");
	arena_init(&load.arena);
	random_init(&load.random, random_from_system());
	load_open(&load, words[2]);
	load.begun_ns = load.ended_ns = clock_steady_ns();
	load.end_ns = load.begun_ns + (uint64_t)(load.amount * CLOCK_NS_PER_S);
	if (load.kind->run != NULL)
		load.kind->run(&load);
	else
		load_run_calls(&load);
	load_print(&load);
	load_close(&load);
	return 0;
}

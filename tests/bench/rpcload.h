/* SPDX-License-Identifier: Apache-2.0 */
/* A load of calls of etcd's API: what all its kinds share. */
#pragma once

#include "base/arena.h"
#include "base/random.h"
#include "tests/bench/channel.h"

struct load;

/* What is called, again and again. */
struct load_kind {
	const char *name;
	/* Puts a request into the call and names the method. NULL: there is nothing to do any more. */
	const char *(*make)(struct load *load, struct channel_call *call);
	void (*answered)(struct load *load, struct bytes message); /* may be NULL */
	/* Instead of these two: a kind that is no call after call. */
	void (*run)(struct load *load);
	bool counts; /* the last number is one of calls, not of seconds */
};

struct load {
	const struct load_kind *kind;
	struct channel *channels;
	size_t channel_count, streams;
	size_t key_count, value_bytes;
	double amount; /* seconds, or how many */
	int epoll_fd;

	struct random random;
	struct arena arena; /* of one request */
	uint64_t begun_ns, end_ns, ended_ns;
	uint64_t turn;    /* of requests that were made */
	int64_t revision; /* of an answer, for kinds that need one */
	size_t waiting;   /* calls that were begun and not answered */
	uint64_t *samples_ns;
	size_t sample_count, sample_room;
	uint64_t error_count;
	int first_error;
};

/* A call was answered, or an event seen, so long after it was sent. */
void load_sample(struct load *load, uint64_t took_ns);
void load_error(struct load *load, int code);
/* One turn of the loop: waits for what comes, and sends what there is to be sent. */
void load_turn(struct load *load);
_Noreturn void load_fail(const char *what, const char *why);

/* In the arena: the key of a number, of the shape /d0000/f0000000; and bytes that cannot be compressed. */
ProtobufCBinaryData load_key(struct load *load, size_t number);
ProtobufCBinaryData load_random_key(struct load *load);
ProtobufCBinaryData load_value(struct load *load);
#define LOAD_FOLDER_KEYS 1000

#define LOAD_KV "/etcdserverpb.KV/"

/* rpcload_kinds.c; NULL: there is none of that name. */
const struct load_kind *load_kind_find(const char *name);
/* rpcload_watch.c */
void load_run_watch(struct load *load);

/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot that is being fetched: a state machine over offers, chunks and time; its files are its only I/O. By the snapshot
 * thread alone. */
#pragma once

#include "base/arena.h"
#include "replica/frame.h"

enum fetch_state {
	FETCH_NONE,
	FETCH_ASKING,  /* what is in it */
	FETCH_PULLING, /* its chunks */
	FETCH_DONE,    /* all is here, and durable */
	FETCH_FAILED,
};

struct fetch_file {
	char *name;
	uint64_t size;
};

struct fetch {
	enum fetch_state state;
	uint64_t from, index, term;
	char *directory;
	struct fetch_file *files;
	size_t count;
	int fd; /* of files[file] */
	size_t file;
	uint64_t offset; /* what is here */
	size_t asked_file;
	uint64_t asked_offset; /* what was asked for, up to here */
	unsigned asked;        /* chunks that were asked for and did not come yet */
	uint64_t asked_ns, heard_ns;
	uint64_t done_bytes, total_bytes;
};

void fetch_init(struct fetch *fetch);
/* Begins; `directory` must not exist. */
void fetch_begin(struct fetch *fetch, uint64_t from, uint64_t index, uint64_t term, const char *directory,
                 uint64_t now_ns);
/* Ends it, and removes what was fetched, unless it was taken. */
void fetch_end(struct fetch *fetch);
/* The directory of a fetch that is done: taken by the caller, freed with free(). */
char *fetch_take(struct fetch *fetch);

void fetch_offered(struct fetch *fetch, uint64_t from, const Peer__SnapshotOffer *offer, uint64_t now_ns);
void fetch_came(struct fetch *fetch, uint64_t from, const Peer__Chunk *chunk, uint64_t now_ns);
/* What is to be sent to fetch->from now: the body of *ret_envelope, in the arena. False when there is nothing (more). */
bool fetch_next(struct fetch *fetch, uint64_t now_ns, struct arena *arena, Peer__Envelope *ret_envelope);
/* When fetch_next() is to be called again though nothing came. */
uint64_t fetch_wake_ns(const struct fetch *fetch);

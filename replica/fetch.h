/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot that is being fetched: a state machine over offers, chunks and time; its files are its only I/O. By the snapshot
 * thread alone.
 *
 * Invariants:
 *  1. A file counts as here once it was synced, and what the disk then gives back has the checksum that was offered.
 *  2. What an earlier fetch of the same snapshot has left in the directory is looked at in the same way, so a restart goes on
 *     where it stopped.
 */
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

enum { FETCH_SPOILT_MAX = 3 /* files that came otherwise than offered, before another snapshot is wanted */ };

struct fetch_file {
	char *name;
	uint64_t size;
	uint32_t checksum;
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
	unsigned spoilt;
	bool is_broken; /* failed: what was offered cannot be had from there */
	bool is_silent; /* failed: what is here is of use when the same one is fetched again */
};

void fetch_init(struct fetch *fetch);
/* Begins; in `directory` may be what an earlier one of the same snapshot has left. */
void fetch_begin(struct fetch *fetch, uint64_t from, uint64_t index, uint64_t term, const char *directory,
                 uint64_t now_ns);
/* Ends it, and removes what was fetched, unless it was taken, or the sender fell silent. */
void fetch_end(struct fetch *fetch);
/* Ends it, and leaves what was fetched to a later one. */
void fetch_leave(struct fetch *fetch);
/* What is here is no whole state. */
void fetch_refute(struct fetch *fetch);
/* The directory of a fetch that is done: taken by the caller, freed with free(). */
char *fetch_take(struct fetch *fetch);

void fetch_offered(struct fetch *fetch, uint64_t from, const Peer__SnapshotOffer *offer, uint64_t now_ns);
void fetch_came(struct fetch *fetch, uint64_t from, const Peer__Chunk *chunk, uint64_t now_ns);
/* What is to be sent to fetch->from now: the body of *ret_envelope, in the arena. False when there is nothing (more). */
bool fetch_next(struct fetch *fetch, uint64_t now_ns, struct arena *arena, Peer__Envelope *ret_envelope);
/* When fetch_next() is to be called again though nothing came. */
uint64_t fetch_wake_ns(const struct fetch *fetch);

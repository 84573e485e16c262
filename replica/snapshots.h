/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole states for members that are too far behind, or whose log is damaged. The leader makes a checkpoint and keeps it while
 * it is wanted; the follower pulls its files in bounded chunks, checks them, installs them on the apply role and resets its
 * log. A broken connection, or an answer that does not come, is asked for again from where it stood.
 *
 * A thread of its own does all that touches files, so that none of it holds up consensus.
 *
 *     none --snapshots_fetch--> asking --offer--> pulling --all there, checked--> installing --done--> none
 *                                  ^  a newer one is offered: from the start  |
 */
#pragma once

#include "base/arena.h"
#include "replica/frame.h"

enum {
	SNAPSHOT_CHUNK_BYTES = 1 << 20,
	SNAPSHOT_CHUNKS_MAX = 4, /* asked for and not yet there */
	SNAPSHOT_FILES_MAX = 16384,
	SNAPSHOT_PATIENCE_MS = 1000, /* before a chunk is asked for again */
	SNAPSHOT_SILENCE_MS = 10000, /* of the sender, before the fetch is given up */
	SNAPSHOT_KEEP_MS = 60000,    /* a snapshot that nobody has asked of for so long is removed */
	SNAPSHOT_INBOX_MAX = 256,
};

struct replica;
struct snapshots;
struct snapshots *snapshots_new(struct replica *replica);
void snapshots_start(struct snapshots *snapshots);
void snapshots_stop(struct snapshots *snapshots);
void snapshots_free(struct snapshots *snapshots); /* NULL is nothing */

/* By the raft role: answered with a letter to it, later. */
void snapshots_make(struct snapshots *snapshots, uint64_t peer);
void snapshots_fetch(struct snapshots *snapshots, uint64_t from, uint64_t index, uint64_t term);

/* One of the four bodies that concern snapshots; as transport_options.received. ON_ANY_THREAD */
bool snapshots_received(struct snapshots *snapshots, struct arena *arena, Peer__Envelope *envelope);

struct snapshots_progress {
	bool busy;
	uint64_t done_bytes, total_bytes;
};
void snapshots_progress(struct snapshots *snapshots, struct snapshots_progress *ret_progress); /* ON_ANY_THREAD */

/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots that are being handed out: made, listed and read. By the snapshot thread alone. */
#pragma once

#include "base/arena.h"
#include "replica/frame.h"
#include "store/store.h"

enum { SHELF_MAX = 4 }; /* members that are brought up at the same time; the oldest goes first */

struct shelf;
struct shelf *shelf_new(struct store *store, const char *directory);
void shelf_free(struct shelf *shelf); /* removes what is on it */

/* Reads all of it, for the checksums. *ret_snapshot's memory is the arena's. */
enum err shelf_make(struct shelf *shelf, uint64_t now_ns, struct arena *arena,
                    struct store_snapshot *ret_snapshot) MUST_USE;
/* What is in the one at (index, term): an offer without files when it is not there. In the arena. */
Peer__SnapshotOffer *shelf_offer(struct shelf *shelf, uint64_t now_ns, const Peer__SnapshotAsk *ask,
                                 struct arena *arena);
/* NULL when there is nothing there. In the arena. */
Peer__Chunk *shelf_read(struct shelf *shelf, uint64_t now_ns, const Peer__ChunkAsk *ask, struct arena *arena);
bool shelf_has(struct shelf *shelf, uint64_t index, uint64_t term);
/* Somebody fetched it, and it was broken: it is handed out no more. ERR_CORRUPT: this node's state is what is broken; ERR_OK: it is
 * not, or nobody knows any more. */
enum err shelf_refuted(struct shelf *shelf, uint64_t index, uint64_t term) MUST_USE;
/* Removes those that nobody asked of for SNAPSHOT_KEEP_MS. */
void shelf_review(struct shelf *shelf, uint64_t now_ns);

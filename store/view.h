/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views: pinned states, counted by reference. The apply role makes one for each batch that it wrote, and publishes it;
 * opening a view takes a reference to the published one, so that a view never stands between two states, and costs no
 * snapshot of RocksDB of its own.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "store/database.h"
#include "store/row.h"

struct kv_view {
	_Atomic unsigned refs;
	struct database *database; /* a reference */
	const struct database_memory *memory;
	const rocksdb_snapshot_t *snapshot;
	rocksdb_readoptions_t *reads;
	struct state state;
};

struct kv {
	pthread_mutex_t lock;
	struct kv_view *now; /* under the lock; a reference */
	_Atomic int64_t swept;
};

/* A view of what the database holds now, which is `state`: by who writes to it, so that nothing comes between. */
struct kv_view *view_new(struct database *database, const struct database_memory *memory, const struct state *state);

void kv_init(struct kv *kv);
/* No views may be open but the published one. */
void kv_fini(struct kv *kv);
/* The reference is taken; views that are opened from now on are this one. */
void kv_publish(struct kv *kv, struct kv_view *view);

/* May a reader at this view ask for this revision? ERR_COMPACTED, ERR_FUTURE. */
enum err view_check(const struct kv_view *view, int64_t revision) MUST_USE;

/* The record that a row of `head` or `past` is; its key, and the bytes that it borrows, are as given. ERR_NOT_FOUND: a tombstone. */
enum err view_decode(const struct kv_view *view, struct bytes key, struct bytes row,
                     struct kv_record *ret_record) MUST_USE;
enum err view_get(struct kv_view *view, enum family family, struct bytes key, struct arena *arena,
                  struct bytes *ret_value) MUST_USE;
void view_walk(struct kv_view *view, enum family family, struct bytes end, struct walk *ret_walk);
/* The newest record of a key at or before a revision, in whatever family. ERR_NOT_FOUND. */
enum err view_record_at(struct kv_view *view, struct bytes key, int64_t revision, struct arena *arena,
                        struct kv_record *ret_record) MUST_USE;

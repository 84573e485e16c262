/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of the log in memory: the payload is a counted blob, so that the raft, log and apply roles share it without a
 * copy; and a window of the newest entries, so that sending and applying does not read the disk.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "raft/raft.h"

struct blob {
	atomic_uint refs;
	uint32_t size;
	uint8_t data[];
};

struct blob *blob_new(struct bytes content);
struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob); /* NULL is nothing */
struct bytes blob_bytes(const struct blob *blob);

struct entry {
	uint64_t index, term;
	int64_t time_ns;
	enum raft_entry_kind kind;
	struct blob *blob; /* counted by whoever holds the entry; NULL: empty */
};

struct bytes entry_payload(const struct entry *entry);

/*
 * The window: a run of entries without a gap that ends with the newest one. What is not durable yet is always in it; of
 * what is, the newest that fit into its bounds. Owned by the raft role.
 */
enum {
	/* Of durable ones: who is further behind is served from the log, which keeps more of them in memory. */
	WINDOW_ENTRIES_MAX = 8192,
	WINDOW_BYTES_MAX = 4 << 20, /* of payload */
};

struct window {
	struct entry *ring;
	size_t capacity; /* a power of two, or 0 */
	uint64_t first, next;
	size_t size_bytes;
};

void window_init(struct window *window, uint64_t next);
void window_fini(struct window *window);
/* entry->index is window->next; the blob's count is taken. */
void window_append(struct window *window, struct entry entry);
/* Drops entries >= index; the next one appended has this index, even if it is below the window. */
void window_truncate(struct window *window, uint64_t index);
/* Empties it; the next one appended has this index. */
void window_restart(struct window *window, uint64_t next);
/* Lets go of old entries <= durable until the bounds hold. */
void window_shrink(struct window *window, uint64_t durable);
/* NULL when it is not in the window. Lent until the next change. */
const struct entry *window_find(const struct window *window, uint64_t index);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What watchers should be told of a committed change: pure functions from the change, its note, and the directories that are there after it.
 *
 * With a note it is the operation that the note names. Without one (a client of the API) it is what its events say: a put of a new key is
 * a file created and written, of an old one its content replaced; directories that come to be because a key lies below them are made first,
 * the topmost one only, as nobody can watch inside one that was not there; those that end with their last key are removed, deepest first.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "fs/helper_call.h"
#include "fs/note.h"
#include "store/kv.h"

/* Keys of directories end in '/'. */
struct announcement {
	enum helper_kind kind;
	struct bytes key;
	struct bytes to;    /* RENAME, EXCHANGE */
	uint64_t record_id; /* of the file that is or was at the key; 0: a directory */
	uint64_t other_id;  /* of what was at `to` before; 0: nothing, or a directory that was exchanged */
};

/* The state after the change. */
struct announce_world {
	/* False when no live key is at or below the prefix. */
	bool (*directory)(void *argument, struct bytes prefix, struct kv_directory *ret_directory);
	void *argument;
	struct bytes root; /* the key of the root directory: it is always there */
};

struct announcements {
	struct announcement *list;
	size_t count, capacity;
	struct arena *arena;
};

/* Appends to `announcements`, in the order of their steps; they borrow from the change and the note. */
void announce_change(const struct announce_world *world, const struct kv_change *change, const struct note *note,
                     struct announcements *announcements);

/* The directory that the key lies in, with its '/'; the key is not the root's. */
struct bytes announce_parent(struct bytes key);
bool announce_is_directory(struct bytes key);

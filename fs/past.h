/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree as it was at a revision: objects, names and listings, read from the records of that revision. Pure: nothing of this knows the kernel.
 *
 * The store's index of directories knows the newest state alone. So a directory was there if a key was at or below it; a listing finds each child by
 * seeking behind the one before it, over what has come and gone among the keys below since; and of a directory without a marker neither its
 * number nor its times are known: it shows the time of the revision. One with a marker shows the marker's times, unless it is still the same one
 * today and has not changed since: then it shows what it shows today.
 */
#pragma once

#include "fs/object.h"

struct past {
	struct kv_view *view;
	int64_t revision;
	int64_t time_ns;       /* of the commit of that revision */
	struct bytes root_key; /* of the mount's root; ends in '/' */
};

/* The objects have no st_nlink and no number but this, which no other object of any revision has but by chance. */
uint64_t past_number(const struct past *past, struct bytes key);

/* Memory: the arena. The root of the mount was always there. ERR_NOT_FOUND, ERR_COMPACTED, ERR_FUTURE, ERR_CORRUPT, ERR_IO. */
enum err past_read(const struct past *past, struct bytes key, struct arena *arena, struct object *ret_object) MUST_USE;
/* ERR_CORRUPT, ERR_FORMAT_NEWER. */
enum err past_stat(const struct past *past, const struct object *object, struct stat *ret_stat) MUST_USE;
/* What was called `name` in the directory: as past_read(), and ERR_TOO_LARGE for a name or a key that is too long. */
enum err past_find(const struct past *past, struct bytes directory, const char *name, struct arena *arena,
                   struct object *ret_object) MUST_USE;

/* A child of a directory. The order is that of the keys: what stands after it is found by its segment and whether it is a directory. */
struct past_child {
	struct bytes key, segment;
	bool is_directory;
	struct name name;
	uint32_t mode;
};
/* The first child after (segment, is_directory); ("", false): the first of all. ERR_NOT_FOUND: that was the last. */
enum err past_next(const struct past *past, struct bytes directory, struct bytes segment, bool is_directory,
                   struct arena *arena, struct past_child *ret_child) MUST_USE;

/* ---- who may see it ---- */

struct past_caller {
	uint32_t uid, gid;
	const uint32_t *groups; /* beside gid */
	size_t group_count;
};
enum past_want { PAST_SEARCH = 1, PAST_READ = 4 }; /* as a bit of the permissions */

/* Whether the caller might do so then, and may today: with the object itself, and by searching every directory above it. What is not there today
 * any more, or whose name another object has, is its owner's of then alone, and root's. ERR_PERMISSION, and as past_read(). */
enum err past_permits(const struct past *past, struct bytes key, enum past_want want,
                      const struct past_caller *caller) MUST_USE;

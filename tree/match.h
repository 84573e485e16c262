/* SPDX-License-Identifier: Apache-2.0 */
/* What is there beside what shall be there, key by key. */
#pragma once

#include "tree/tree.h"

/* Key, value and attr (encoded) of one that is wanted; `now` is what has its key, whole, or NULL. They may live in the arena. */
struct tree_making {
	struct tree_plan *plan;
	void *argument;
	size_t at;
	const struct kv_record *now;
	struct arena *arena;
};
typedef enum err (*tree_make)(const struct tree_making *making, struct kv_record *ret_wanted);

/* What hangs on a lease is not removed; nor changed, if there are revisions. */
struct tree_match {
	struct tree_records now;
	const struct bytes *wanted; /* keys, ascending */
	/* Of each its mod_revision, if these are records of the history; else NULL. The same one is not looked at. */
	const int64_t *revisions;
	size_t wanted_count;
	bool remove;
	tree_make make;
	void *argument;
};
enum err tree_match(struct tree_plan *plan, const struct tree_match *match) MUST_USE;

/* ---- pieces of a plan: tree/plan.c ---- */

/* ERR_LIMIT, ERR_TOO_LARGE, with a reason. */
enum err tree_plan_check(struct tree_plan *plan) MUST_USE;
enum err tree_fail(struct tree_plan *plan, enum err err, const char *format, ...)
    __attribute__((format(printf, 3, 4))) MUST_USE;
/* `wanted` has key, value and attr, which are copied; now: what is at its key, whole, or NULL. */
enum err tree_plan_put(struct tree_plan *plan, const struct kv_record *now, const struct kv_record *wanted) MUST_USE;
void tree_plan_delete(struct tree_plan *plan, const struct kv_record *now);
/* A directory, whose key ends in '/', with all below it. */
void tree_plan_delete_directory(struct tree_plan *plan, struct bytes directory);
/* What was the last in its directory leaves the directory behind. */
void tree_plan_keep_parent(struct tree_plan *plan);

/* The directory that a key is in, with its '/'; empty for one in no directory. */
struct bytes tree_parent(struct bytes key);
bool tree_is_directory(struct bytes key);
/* The index of the first that is not below the key. */
size_t tree_lower_bound(const struct bytes *keys, size_t count, struct bytes key);

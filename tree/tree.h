/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many files at once: a subtree as it was brought back, or as it is on somebody's disk, by one transaction. Pure functions of a view and of what is
 * asked, as fs/plan is for one operation of the kernel; what they know of attrs is fs/'s.
 *
 * A subtree is named by its path as a key, without a '/' at its end: "/a" is the file /a, or the directory with all below it, or both.
 *
 * Guards: what is written or deleted is as the view showed it; a name that is new is free, and its directory the same one or still missing; in a directory
 * that goes nothing has come since. A change of another file below the path does not disturb, for it could as well have come after.
 */
#pragma once

#include "fs/attr.h"
#include "store/kv.h"

enum {
	TREE_OPS_MAX = KV_TXN_OPS_MAX - 8, /* and compares; some are left for the parent of the path */
	/* What a transaction brings along, and the entry that it becomes. */
	TREE_BYTES_MAX = 64 << 20,
	TREE_KEYS_MAX = 200000, /* looked at below a path, then and now each: they are held in memory */
};

/* "4711", a time or an age (base/when.h) as a revision that can be read. ERR_INVALID, ERR_FUTURE, ERR_COMPACTED (also a time before what
 * is kept), ERR_CORRUPT, ERR_IO. */
enum err tree_when(struct kv_view *view, const char *text, int64_t now_ns, int64_t *ret_revision) MUST_USE;

/* All records at and below the path at a revision, in the order of their keys, without values. Those after `after` (empty: from the first), at
 * most max; TREE_KEYS_MAX + 1 tells that there are too many. */
struct tree_range {
	struct bytes path, after;
	int64_t revision;
	size_t max;
};
struct tree_records {
	struct kv_record *records;
	size_t count;
};
enum err tree_read(struct kv_view *view, const struct tree_range *range, struct arena *arena,
                   struct tree_records *ret_records) MUST_USE;

/* The effective attr of a record of its own: of a directory, its marker's. ERR_CORRUPT, ERR_FORMAT_NEWER. */
enum err tree_attr(const struct kv_record *record, struct attr *ret_attr) MUST_USE;

/* ---- plans ---- */

enum tree_change_kind { TREE_ADDED, TREE_REMOVED, TREE_CHANGED, TREE_ATTRIBUTES };

/* Of a directory that is removed, one change tells of all below it. */
struct tree_change {
	enum tree_change_kind kind;
	struct bytes key;
};

struct tree_plan {
	struct kv_view *view;
	struct arena *arena;
	struct bytes path;
	int64_t now_ns; /* the time of what is changed */
	uint64_t ids;   /* any number that no other plan has: objects that take another's name get theirs from it */
	struct kv_compare *compares;
	struct kv_op *ops;
	struct tree_change *changes;
	size_t compare_count, op_count, change_count, bytes;
	struct bytes guarded_parent; /* the last whose guard was set */
	bool parent_is_new;
	const char *why; /* an error's reason, for people; NULL: its own text says it */
};

/* The view and the path are lent until the plan is not used any more; all else lives in the arena. Then now_ns and ids are to be set. */
void tree_plan_init(struct tree_plan *plan, struct kv_view *view, struct bytes path, struct arena *arena);
/* Borrows from the plan. Without operations: there is nothing to do. */
struct kv_txn tree_plan_txn(const struct tree_plan *plan);

/* As it was at the revision: what was removed since comes back, what was added since goes; what hangs on a lease, then or now, is left alone. ERR_NOT_FOUND: there was nothing at the path, nor is
 * there now; ERR_CONFLICT: a file is in the way of the path; ERR_LIMIT, ERR_TOO_LARGE: more than one transaction can hold; ERR_COMPACTED,
 * ERR_FUTURE, ERR_CORRUPT, ERR_FORMAT_NEWER, ERR_IO. */
enum err tree_restore(struct tree_plan *plan, int64_t revision) MUST_USE;

/* What there shall be: in the order of their keys; a directory's key ends in '/'. */
struct tree_want {
	struct bytes key;
	uint32_t mode;      /* type and permissions: a file, a directory, a symbolic link */
	struct bytes value; /* content, or target */
};
struct tree_apply {
	const struct tree_want *wants;
	size_t count;
	bool remove;           /* what is there and not wanted goes, but for what hangs on a lease */
	uint32_t uid, gid;     /* of what is new; what is there keeps its own, and its extended attributes */
	int64_t base_revision; /* not 0: refused with ERR_CONFLICT if anything at or below the path was changed since */
};
/* As tree_restore(); ERR_CONFLICT also: a directory is where a file is wanted, or a file where a directory is, and it may not be removed. */
enum err tree_apply(struct tree_plan *plan, const struct tree_apply *whole) MUST_USE;

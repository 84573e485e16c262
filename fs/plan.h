/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each operation as a pure function: from what a view showed and what is asked, to one transaction whose compares guard everything that the
 * plan was decided by. A guard that fails says that somebody else was first: read again, plan again. So the verdict that a caller gets is
 * always one that was true at one moment of the cluster.
 *
 * Guards: a directory is the one that was meant (KV_ID of its key), a file likewise and unchanged (KV_MOD), a name is free (no key at it, and
 * nothing below it), a directory is empty (no key below it).
 */
#pragma once

#include "fs/note.h"
#include "fs/object.h"
#include "fs/verdict.h"

enum {
	PLAN_COMPARES_MAX = 8,
	PLAN_OPS_MAX = 6,
};

struct plan {
	struct arena *arena;
	struct kv_compare compares[PLAN_COMPARES_MAX];
	struct kv_op ops[PLAN_OPS_MAX];
	size_t compare_count, op_count;
	struct note note; /* mount and op are filled in by who proposes it */
};

void plan_init(struct plan *plan, struct arena *arena);
/* Borrows from the plan. */
struct kv_txn plan_txn(const struct plan *plan);

/* ---- for the plan_*.c only ---- */

void plan_guard(struct plan *plan, struct bytes key, enum kv_target target, int64_t number);
void plan_guard_empty(struct plan *plan, struct kv_range range);
void plan_guard_parent(struct plan *plan, const struct spot *spot);
/* What the spot showed is still there, or still nothing. */
void plan_guard_spot(struct plan *plan, const struct spot *spot);
void plan_guard_no_children(struct plan *plan, struct bytes directory_key);
struct kv_op *plan_op(struct plan *plan, enum kv_op_kind kind);
/* If the object was the parent's last, the parent gets a marker, so that it stays. */
void plan_keep_parent(struct plan *plan, const struct spot *spot);

/* ---- the operations ---- */

struct plan_make {
	enum note_kind kind; /* CREATE, MKDIR, SYMLINK, MKNOD */
	uint64_t id;         /* 0: the store gives one */
	struct bytes value, attr;
};
/* GO, EXISTS, NAME_RESERVED, NAME_TOO_LONG. */
enum verdict plan_make(struct plan *plan, const struct spot *spot, const struct plan_make *make) MUST_USE;

/* GO, ABSENT, IS_DIRECTORY. */
enum verdict plan_unlink(struct plan *plan, const struct spot *spot) MUST_USE;
/* GO, ABSENT, NOT_DIRECTORY, NOT_EMPTY. */
enum verdict plan_rmdir(struct plan *plan, const struct spot *spot) MUST_USE;

enum plan_rename_mode { PLAN_REPLACE, PLAN_NO_REPLACE, PLAN_EXCHANGE };
/* GO, DONE (both names are one object), and what rename(2) can say. `now_ns` is the file's new ctime. */
enum verdict plan_rename(struct plan *plan, const struct spot *from, const struct spot *to, enum plan_rename_mode mode,
                         int64_t now_ns) MUST_USE;

/* chmod, chown, utimes, xattrs: the object gets the attributes. */
enum verdict plan_attr(struct plan *plan, const struct object *object, const struct attr *attr) MUST_USE;

struct plan_content {
	enum note_kind kind; /* WRITE, APPEND, TRUNCATE */
	struct bytes value, attr;
};
/* A file's content: GO, IS_DIRECTORY. */
enum verdict plan_content(struct plan *plan, const struct object *object, const struct plan_content *content) MUST_USE;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A piece of work that may have to wait for the cluster: a request of the kernel, or the commit of staged content. No thread waits with it: it
 * goes on in the completions of replica_barrier() and replica_propose().
 *
 *     call_run ─ settle ─ barrier ─ look, or plan ─ propose ─┐
 *                            ^                   └─ finish   │
 *                            └── plan again (guard failed) ──┴─ finish
 *
 * States, of which the caller's answer hangs:
 *
 *     WAITING ──> COMMITTED ──> ANSWERED      own_claim(): the change is applied, its caller will get success
 *        ├──────────────────────> ANSWERED    call_finish()
 *        └──> CANCELED                        interrupted: answered EINTR by the warden; what was proposed may still happen
 */
#pragma once

#include <stdatomic.h>

#include "base/arena.h"
#include "base/mailbox.h"
#include "fs/fuse.h"
#include "fs/plan.h"
#include "fs/state.h"

struct stage;
struct handle;

enum call_interrupt { CALL_ARMING, CALL_ARMED, CALL_INTERRUPTED };

enum call_state { CALL_WAITING, CALL_COMMITTED, CALL_CANCELED, CALL_ANSWERED };

enum {
	CALL_LOOKS_MAX = 8,     /* at names that keep moving */
	CALL_ATTEMPTS_MAX = 64, /* of a plan whose guards keep failing */
	CALL_NODES_MAX = 4,
	CALL_ROOT_MS = 500, /* that a barrier for the root's attributes may take */
	/* When a barrier timed out, the same thread's next ones wait only the second time within the first: the kernel asks twice for a
	 * name that it knew, and one system call should take the read timeout once. */
	CALL_FAILED_MS = 1000,
	CALL_FAILED_WAIT_MS = 100,
};

enum call_need {
	CALL_READS, /* linearizable: after a barrier */
	CALL_READS_ROOT, /* after a barrier, or without when there is none soon: what lies below `.etcfs/` is shown without a quorum */
	CALL_READS_HERE, /* what is applied here is new enough */
	CALL_CHANGES,
};

/* What is staged at ... */
enum call_settles { CALL_SETTLES_NOTHING, CALL_SETTLES_NODE, CALL_SETTLES_NAMES };

struct call_kind {
	const char *name;
	enum call_need need;
	enum call_settles settles; /* what is committed first */
	/* One of the two. Answers come from `look`'s findings in the call; a plan is proposed. */
	enum verdict (*look)(struct call *call, struct kv_view *view);
	enum verdict (*plan)(struct call *call, struct kv_view *view, struct plan *plan);
	/* Tells the caller. Runs once, unless the call was canceled. */
	void (*finish)(struct call *call, int error);
	/* Runs last in every case, also for a canceled call; NULL: nothing to do. */
	void (*end)(struct call *call, int error);
};

/* What a look at a name or a node found. */
struct call_found {
	struct node *node; /* pinned, in call->nodes */
	struct stat stat;
	int64_t revision; /* of the file's record */
};

struct call {
	struct mailbox_letter letter; /* to the warden */
	struct call *next_waiter;     /* on a stage */
	struct fs *fs;
	fuse_req_t req; /* NULL: nobody asked */
	const struct call_kind *kind;
	struct arena arena;   /* lives as long as the call */
	struct arena scratch; /* of the last look or plan, and what was found */
	_Atomic int state;    /* enum call_state */
	_Atomic unsigned references;
	_Atomic int interrupt; /* enum call_interrupt */
	bool armed;            /* for interrupts */
	bool fresh;            /* views opened from now on show all that was acknowledged before the call */
	unsigned attempts;
	int32_t thread; /* that asks, as the kernel numbers it; 0: nobody */
	uint64_t deadline_ns, op;
	void (*resume)(struct call *call, int error); /* what to do after waiting for a stage */
	struct plan *plan;
	uint64_t parked[2]; /* directories */

	/* ---- of the operations ---- */
	struct node *nodes[CALL_NODES_MAX]; /* pinned; [0] the node or the parent, [1] the new parent */
	const char *name, *new_name;
	struct handle *handle;
	struct stage *stage;
	struct fuse_file_info info;
	struct call_found found;
	struct stat stat; /* asked for */
	int to_set;
	bool appends;
	uint32_t mode, uid, gid;
	uint64_t rdev, id;
	enum plan_rename_mode rename_mode;
	enum note_kind note_kind;
	struct bytes data, extra;
	off_t offset;
	size_t size;
	int64_t revision; /* of the result */
};

struct call *call_new(struct fs *fs, fuse_req_t req, const struct call_kind *kind);
/* Its node, pinned: false (and the request is answered ESTALE, the call gone) when there is no such node. */
bool call_take_node(struct call *call, size_t at, fuse_ino_t id);
void call_run(struct call *call);
/* From the kind's own start, when it did not use call_run(): looks or plans now. */
void call_work(struct call *call);
/* A `resume` that tries again, whatever became of the commit. */
void call_again(struct call *call, int error);
/* Ends it. The call is gone. */
void call_finish(struct call *call, int error);
/* Interrupts can be heard from now on; before the call is left to others. */
void call_arm(struct call *call);
/* By the warden. */
void call_cancel(struct call *call);
/* False when another was first. */
bool call_move(struct call *call, enum call_state from, enum call_state to);
/* The kernel's directory lock is held meanwhile: replays there have to wait. */
void call_park(struct call *call, size_t at, fuse_ino_t directory);

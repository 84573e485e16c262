/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this mount keeps of a file that is, or was, open here: content that is written but not committed, content of an object that is gone, and
 * a large content that is being read in pieces. All handles of the file on this node share it.
 *
 *              load            write            stage_commit
 *     EMPTY ─────────> LOADED ───────> DIRTY ───────────────> COMMITTING
 *       ^ <───────────  │ ^              ^ failed, certainly not done │
 *       │  not current  │ └──────────────┼────────────────────────────┤ committed
 *       │               │                └────────────────────────────┤
 *       └───────────────┼─────────────────────── the outcome is unknown
 *                       └───> ORPHAN <── from each, when the object is gone: memory is all that is left of it
 *
 * Invariants: outside EMPTY the content is in memory (unless nobody had the file open); while COMMITTING nobody changes it: who wants to, waits.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "fs/draft.h"
#include "fs/state.h"

struct call;

enum stage_state { STAGE_EMPTY, STAGE_LOADED, STAGE_DIRTY, STAGE_COMMITTING, STAGE_ORPHAN };

enum {
	STAGE_IDLE_MS = 1000,           /* after the last write it is committed unasked */
	STAGE_IDLE_UNWRITTEN_MS = 5000, /* what was only made or emptied: most likely somebody is about to write it */
	STAGE_KEEP_BYTES_MIN =
	    131072, /* a content of this size is kept while it is read: one READ of the kernel has less */
};

struct stage {
	struct fs *fs;
	struct node *node;     /* it hangs on */
	pthread_mutex_t mutex; /* protects all below; a leaf */
	enum stage_state state;
	unsigned handles, writers; /* of the handles, those that write */
	struct draft draft;
	struct attr attr;      /* of the content; its xattrs are copied */
	int attr_set;          /* FUSE_SET_ATTR_… that this mount changed, beside size */
	bool lost;             /* ORPHAN: without its content, which was at lost_key in this revision */
	struct bytes lost_key; /* ours */
	int64_t lost_revision;
	size_t lost_size;         /* of the content: what a stat shows, and what the kernel reads up to */
	bool created;             /* the object is not in the store yet */
	bool wrote;               /* more than created or truncated: a FLUSH commits it */
	bool refused;             /* a write went over the limit: half of a save is not committed */
	bool told;                /* that it is certainly not saved: it is tried again when asked, not unasked */
	int failure;              /* errno of a commit that nobody waited for: told by the next fsync or close */
	int64_t content_revision; /* mod_revision of the base; 0: none */
	int64_t pages_revision;   /* of what the kernel has in its page cache; 0: nothing, -1: of several */
	uint64_t written_ns;      /* steady clock */
	int32_t writer;           /* thread that wrote last: its own fchmod is staged with its writes */
	bool kept;                /* by the warden */
	struct call *waiters;     /* resumed in their order when the commit ends */
	struct call **waiters_end;
};

/* The node's; made when there is none. */
struct stage *stage_of(struct fs *fs, struct node *node);
void stage_free(struct stage *stage);

void stage_open(struct stage *stage);
void stage_close(struct stage *stage);
/* Of a handle that writes, besides. */
void stage_begin_writing(struct stage *stage);
void stage_end_writing(struct stage *stage);

enum stage_answer {
	STAGE_DONE,
	STAGE_WAIT, /* a commit is under way: the call was queued, and is resumed */
	STAGE_LOAD, /* load it, and ask again */
	STAGE_TOO_LARGE,
};

/* Reads the content that is committed, where it is needed and not current. GO, STALE, AGAIN, UNREADABLE, IS_DIRECTORY. */
enum verdict stage_load(struct stage *stage, struct kv_view *view, struct arena *arena) MUST_USE;
/* The content of a new file, of a node that is STAGED. */
void stage_create(struct stage *stage, const struct attr *attr, int32_t writer);

struct stage_write {
	struct bytes data;
	size_t offset;
	bool append;
	int32_t writer;
};
enum stage_answer stage_write(struct stage *stage, const struct stage_write *write, struct call *call) MUST_USE;
enum stage_answer stage_resize(struct stage *stage, size_t size, struct call *call) MUST_USE;
/* FUSE_SET_ATTR_… of `asked`, but size. */
enum stage_answer stage_set_attr(struct stage *stage, const struct stat *asked, int to_set, struct call *call) MUST_USE;

/* Into the arena. STAGE_LOAD: it is not here, or not current. */
enum stage_answer stage_read(struct stage *stage, size_t offset, size_t size, struct arena *arena,
                             struct bytes *ret_data) MUST_USE;
/* Tells it which revision the kernel was given a page of. */
void stage_paged(struct stage *stage, int64_t revision);
/* What the kernel has cached of the file is of this revision: it can keep it. */
bool stage_keeps_pages(struct stage *stage, int64_t revision);

/* What a stat shows instead of the committed attributes: true if there is something to show. */
bool stage_stat(struct stage *stage, struct stat *stat);
bool stage_is_dirty(struct stage *stage);
/* It is dirty, and nobody was told that this is not saved; or a commit is under way. */
bool stage_wants_commit(struct stage *stage);
/* The errno that is still to be told, once; or 0. */
int stage_take_failure(struct stage *stage);
bool stage_is_orphan(struct stage *stage);
/* An orphan whose content nobody had open when its object went. */
bool stage_is_lost(struct stage *stage);
/* It is dirty by this thread's writes. */
bool stage_is_written_by(struct stage *stage, int32_t writer);
/* There is more to commit than an empty or emptied file. */
bool stage_has_writes(struct stage *stage);
bool stage_is_idle(struct stage *stage, uint64_t now_ns);

/* Its object is gone. `last` (may be NULL): what its key held. */
void stage_orphan(struct stage *stage, const struct kv_record *last);
/* The content of a lost one, from the history: GO, or STALE when that is compacted. */
enum verdict stage_recover(struct stage *stage, struct kv_view *view, struct arena *arena) MUST_USE;
/* It was seen in the store after all (a snapshot had hidden where it went). */
void stage_revive(struct stage *stage);

/* ---- commit.c ---- */

/* Moves along the diagram, with the mutex held. */
void stage_move(struct stage *stage, enum stage_state to);

/* True: there is something to commit, and call->resume runs when that is done. The call may be NULL: nobody waits. */
bool stage_commit(struct stage *stage, struct call *call);
/* stage_end_writing(), and if that was the last one that wrote, what it left is committed; nobody waits for it. The kernel's RELEASE comes
 * when close(2) has long returned: whoever has opened the file for writing since then says itself when its content is whole. */
void stage_commit_last(struct stage *stage);
/* The `resume` of a call that tells its caller whether all was saved; call->stage is set. */
void stage_saved(struct call *call, int error);

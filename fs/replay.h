/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay: changes that this mount did not make itself are done again as real system calls by a helper process, so that the kernel
 * raises the inotify events which a local change of that kind would have raised. Also the one place that has the kernel forget what it
 * cached.
 *
 *     apply role: replay_changing() → steps in a bounded queue → notify role: hands them to the helper, one by one
 *     helper: system calls on the mount → the kernel's requests → handlers → replay_lookup() … answer them from the step
 *
 * Invariants:
 *  1. Only the notify role waits for the helper; no handler, and nobody for whom a handler waits, does. And no thread of the daemon makes a
 *     call that the kernel may answer only after a request was answered (fuse_lowlevel_notify_* are such calls): a daemon that is killed
 *     meanwhile could not end, and would leave everybody hanging who uses the mount.
 *  2. The steps of one directory run in the order of the changes; a rename keeps its place in both.
 *  3. A request of the helper changes nothing: it is answered from the step that is being replayed and from the applied state.
 *  4. A step's nodes stay in the node table until it has run.
 *  5. What a watcher was told of a name is what the name is, once nothing is queued for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "fs/fs.h"
#include "fs/fuse.h"
#include "fs/node.h"
#include "fs/note.h"
#include "store/kv.h"

struct replay;

struct replay_options {
	const char *mount_point, *root_key; /* as in fs_options */
	struct kv *kv;
	enum fs_reads
	    reads; /* local: names and attributes are cached by the kernel, so every change invalidates them */
	struct node_table *nodes;
	/* The attributes of a node as they are applied here, without a barrier; of a GONE one, the last that are known. st_nlink with
	 * replay_links(). Called on the FUSE and notify roles, with no lock held. ERR_NOT_FOUND. */
	enum err (*attributes)(void *argument, struct node *node, struct stat *ret_stat);
	/* What is at a name in the applied state: pinned and bound, or ERR_NOT_FOUND. On the notify role. */
	enum err (*child)(void *argument, struct node *parent, const char *name, struct node **ret_node);
	void *argument;
};

struct replay *replay_new(const struct replay_options *options);
/* Starts the notify role and the helper, once the session is mounted and about to be served. */
enum err replay_start(struct replay *replay) MUST_USE;
/* Ends the helper (it lets go of the mount) and the notify role, while the session is still served; what is queued is dropped. */
void replay_stop(struct replay *replay);
void replay_free(struct replay *replay);

/* ---- on the apply role ---- */

enum replay_origin {
	REPLAY_REMOTE, /* another node, a client of the API, or a call of this mount whose caller got an error */
	REPLAY_OWN,    /* the caller here got, or will get, its success: its events were raised by that call */
};
/* For every change: replay_changing() before node_follow(), and replay_changed() after it; change and note are lent until then. `note` is
 * NULL when the change has none. Own changes are replayed only when a step for the same name is still to run: a watcher would else be told
 * last of what is no more. (So commit a CREATE before its reply, and do not stage it, when replay_is_pending() for its name.) */
void replay_changing(struct replay *replay, const struct kv_change *change, const struct note *note,
                     enum replay_origin origin);
void replay_changed(struct replay *replay);
/* The whole state was replaced: everything that the kernel holds is invalidated, and no event is raised for what differs. */
void replay_replaced(struct replay *replay);

/* ---- in handlers: on any thread, never waiting ---- */

/* Each first thing in its handler: true, the request was the helper's and has been answered. GETATTR and LOOKUP of the helper are
 * answered without a barrier. */
bool replay_lookup(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name);
bool replay_getattr(struct replay *replay, fuse_req_t req, fuse_ino_t node);
bool replay_setattr(struct replay *replay, fuse_req_t req, fuse_ino_t node);
/* MKNOD, MKDIR, SYMLINK, LINK (parent and name are the new ones) */
bool replay_make(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name);
bool replay_create(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name,
                   struct fuse_file_info *info);
/* UNLINK, RMDIR */
bool replay_remove(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name);
bool replay_rename(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                   const char *new_name);
bool replay_open(struct replay *replay, fuse_req_t req, fuse_ino_t node, struct fuse_file_info *info);
/* By their handle, whoever calls: RELEASE carries no process. */
bool replay_write(fuse_req_t req, size_t size, const struct fuse_file_info *info);
bool replay_flush(fuse_req_t req, const struct fuse_file_info *info);
bool replay_release(fuse_req_t req, const struct fuse_file_info *info);

/* Around a local request that holds its directory's lock in the kernel while it waits for the cluster (CREATE, MKNOD, MKDIR, SYMLINK, LINK,
 * UNLINK, RMDIR, and RENAME in both): the directory's steps wait meanwhile, for a bounded time. Counted. Unpark after the reply. */
void replay_park(struct replay *replay, fuse_ino_t directory);
void replay_unpark(struct replay *replay, fuse_ino_t directory);

/* A step for this name is queued or runs: answer others with entry_timeout 0, and no cached negative. */
bool replay_is_pending(struct replay *replay, fuse_ino_t parent, const char *name);
/* What to add to the link count of a node in every reply: as long as the removal of a name is not replayed the kernel must think that
 * the name counts, or it ends the object's watches too early. Cheap when nothing is queued. */
uint32_t replay_links(struct replay *replay, fuse_ino_t node);
/* Has the kernel ask for the node's attributes, soon; with another mtime or size it drops the pages. */
void replay_invalidate(struct replay *replay, fuse_ino_t node);

/* ---- for .etcfs/metrics ---- */

struct replay_counts {
	uint64_t waiting, replayed, coalesced, dropped, failed, repeated, helper_starts;
};
void replay_counts(struct replay *replay, struct replay_counts *ret_counts);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE: open(2) with O_CREAT of a name that the kernel found free. With O_EXCL the name is taken in the cluster before the answer. Without, the
 * new file is staged: it is committed with its first content, so that no other node sees it empty in between.
 */
#include <errno.h>
#include <fcntl.h>

#include "fs/entry.h"
#include "fs/handle.h"
#include "fs/mode.h"
#include "fs/op.h"
#include "fs/op_file.h"
#include "fs/op_make.h"
#include "fs/reply.h"
#include "fs/stage.h"

static void create_reply(struct call *call)
{
	struct fs *fs = call->fs;
	struct fuse_entry_param param = reply_param(fs, node_id(call->nodes[0]), call->name, &call->found);
	struct handle *handle = call->handle;
	call->info.fh = (uintptr_t)handle;
	call->handle = NULL;
	node_looked_up(fs->nodes, call->found.node);
	if (fuse_reply_create(call->req, &param, &call->info) == 0)
		return;
	node_forget(fs->nodes, param.ino, 1);
	handle_free(fs, handle);
}

/* ---- at once ---- */

/* Without O_EXCL the file may be there by now, and is opened then. */
static enum verdict create_now_plan(struct call *call, struct kv_view *view, struct plan *plan)
{
	enum verdict verdict = make_plan(call, view, plan);
	return verdict == VERDICT_EXISTS && !(call->info.flags & O_EXCL) ? VERDICT_DONE : verdict;
}

static void create_now_finish(struct call *call, int error)
{
	if (error == 0)
		error = entry_made(call, 0, call->name);
	/* To be emptied first, or no file at all: the kernel walks the path again, and opens what is there. */
	bool made = call->revision != 0;
	if (error == 0 && !made && (call->info.flags & O_TRUNC || !S_ISREG(call->found.stat.st_mode)))
		error = ESTALE;
	if (error != 0) {
		fuse_reply_err(call->req, error);
		return;
	}
	call->handle = handle_new_file(call->fs, call->found.node, call->info.flags);
	create_reply(call);
}

static const struct call_kind create_now_kind = {.name = "create",
                                                 .need = CALL_CHANGES,
                                                 .settles = CALL_SETTLES_NAMES,
                                                 .plan = create_now_plan,
                                                 .finish = create_now_finish};

/* ---- staged ---- */

/* What an earlier look found at the name. */
static void create_forget(struct call *call)
{
	if (call->handle)
		handle_free(call->fs, call->handle);
	call->handle = NULL;
	node_unpin(call->fs->nodes, call->nodes[CALL_NODES_MAX - 1]);
	call->nodes[CALL_NODES_MAX - 1] = NULL;
}

static enum verdict create_stage(struct call *call, const struct object *directory, const struct spot *spot)
{
	struct fs *fs = call->fs;
	struct attr parent;
	if (object_attr(directory, &parent) != ERR_OK)
		return VERDICT_UNREADABLE;
	if (!spot->can_make)
		return VERDICT_NAME_RESERVED;
	struct mode_new new = {.mode = call->mode, .uid = call->uid, .gid = call->gid, .now_ns = fs_now_ns(fs)};
	struct attr attr = mode_new_attr(&new, &parent);
	struct node_place place = {.parent = call->nodes[0], .segment = spot->segment, .record_id = call->id};
	struct call_found found = {.stat.st_ino = call->id};
	if (node_stage(fs->nodes, &place, &found.node) != ERR_OK)
		return VERDICT_AGAIN;
	create_forget(call);
	call->found = found;
	call->nodes[CALL_NODES_MAX - 1] = found.node;
	call->handle = handle_new_file(fs, found.node, call->info.flags);
	stage_create(call->handle->stage, &attr, call->thread);
	stage_stat(call->handle->stage, &call->found.stat);
	return VERDICT_GO;
}

/* Somebody made it since the kernel looked: then it is opened, as open(2) without O_EXCL would have. */
static enum verdict create_open(struct call *call, struct kv_view *view)
{
	if (S_ISDIR(call->found.stat.st_mode))
		return VERDICT_IS_DIRECTORY;
	if (!S_ISREG(call->found.stat.st_mode))
		return VERDICT_STALE; /* the kernel walks the path again, and finds what it is */
	return file_open(call, view, call->found.node);
}

static enum verdict create_look(struct call *call, struct kv_view *view)
{
	struct object directory;
	struct spot spot;
	enum verdict verdict = entry_find(call->fs, view, call->nodes[0], call->name, &call->scratch, &call->found);
	if (verdict == VERDICT_GO) {
		if (call->nodes[CALL_NODES_MAX - 1] != call->found.node)
			create_forget(call);
		else
			node_unpin(call->fs->nodes, call->found.node); /* pinned by both looks */
		call->nodes[CALL_NODES_MAX - 1] = call->found.node;
		return create_open(call, view);
	}
	if (verdict != VERDICT_ABSENT)
		return verdict;
	verdict = fs_object(call->fs, view, call->nodes[0], &call->scratch, &directory);
	if (verdict == VERDICT_GO)
		verdict = spot_read(view, &directory, call->name, &call->scratch, &spot);
	return verdict == VERDICT_GO ? create_stage(call, &directory, &spot) : verdict;
}

static void create_finish(struct call *call, int error)
{
	if (error == 0)
		create_reply(call);
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind create_kind = {
    .name = "create", .need = CALL_READS, .look = create_look, .finish = create_finish, .end = file_end};

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *info)
{
	struct fs *fs = op_fs(req);
	if (op_virtual_refuse(req, parent) || replay_create(fs->replay, req, parent, name, info))
		return;
	/* An id of our own is what lets a file be named before it is committed. */
	bool now =
	    info->flags & O_EXCL || replay_is_pending(fs->replay, parent, name) || replica_session(fs->replica) == 0;
	struct call *call = call_new(fs, req, now ? &create_now_kind : &create_kind);
	if (!call_take_node(call, 0, parent))
		return;
	make_fill(call, name, S_IFREG | (mode & ~(mode_t)S_IFMT), now ? NOTE_CREATE_OPEN : NOTE_CREATE);
	call->info = *info;
	call_park(call, 0, parent);
	call_run(call);
}

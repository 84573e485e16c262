/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that make something at once: mknod, mkdir, symlink, and CREATE with O_EXCL (see op_create.c). */
#include "fs/op_make.h"

#include <errno.h>

#include "fs/entry.h"
#include "fs/mode.h"
#include "fs/op.h"
#include "fs/reply.h"

enum verdict make_plan(struct call *call, struct kv_view *view, struct plan *plan)
{
	struct fs *fs = call->fs;
	struct object directory;
	struct spot spot;
	struct attr parent;
	enum verdict verdict = fs_object(fs, view, call->nodes[0], &call->scratch, &directory);
	if (verdict == VERDICT_GO)
		verdict = spot_read(view, &directory, call->name, &call->scratch, &spot);
	if (verdict != VERDICT_GO)
		return verdict;
	if (object_attr(&directory, &parent) != ERR_OK)
		return VERDICT_UNREADABLE;
	struct mode_new new = {.mode = call->mode, .uid = call->uid, .gid = call->gid, .rdev = call->rdev};
	new.now_ns = fs_now_ns(fs);
	struct attr attr = mode_new_attr(&new, &parent);
	struct plan_make make = {.kind = call->note_kind, .id = call->id, .value = call->data};
	make.attr = attr_encode(&attr, &call->scratch);
	return plan_make(plan, &spot, &make);
}

void make_fill(struct call *call, const char *name, uint32_t mode, enum note_kind kind)
{
	const struct fuse_ctx *context = fuse_req_ctx(call->req);
	call->name = arena_dup_string(&call->arena, bytes_of_string(name));
	call->mode = mode;
	call->uid = context->uid;
	call->gid = context->gid;
	call->note_kind = kind;
	/* A directory's id is the tree's, which the store gives. */
	call->id = kind == NOTE_MKDIR ? 0 : fs_new_id(call->fs);
}

static void make_finish(struct call *call, int error)
{
	if (error == 0)
		error = entry_made(call, 0, call->name);
	if (error == 0)
		reply_entry(call, node_id(call->nodes[0]), call->name);
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind make_kind = {
    .name = "make", .need = CALL_CHANGES, .settles = CALL_SETTLES_NAMES, .plan = make_plan, .finish = make_finish};

struct make {
	const char *name, *target;
	uint32_t mode;
	uint64_t rdev;
	enum note_kind kind;
};

static void make(fuse_req_t req, fuse_ino_t parent, const struct make *make)
{
	struct fs *fs = op_fs(req);
	if (op_virtual_refuse(req, parent) || replay_make(fs->replay, req, parent, make->name))
		return;
	struct call *call = call_new(fs, req, &make_kind);
	if (!call_take_node(call, 0, parent))
		return;
	make_fill(call, make->name, make->mode, make->kind);
	call->rdev = make->rdev;
	if (make->target)
		call->data = arena_dup(&call->arena, bytes_of_string(make->target));
	call_park(call, 0, parent);
	call_run(call);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make(req, parent, &(struct make){.name = name, .mode = mode, .rdev = rdev, .kind = NOTE_MKNOD});
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent, &(struct make){.name = name, .mode = S_IFDIR | mode, .kind = NOTE_MKDIR});
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make(req, parent, &(struct make){.name = name, .target = target, .mode = S_IFLNK | 0777, .kind = NOTE_SYMLINK});
}

/* See docs/decisions: one object has one name. */
void op_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t new_parent, const char *new_name)
{
	if (!replay_make(op_fs(req)->replay, req, new_parent, new_name))
		fuse_reply_err(req, EPERM);
}

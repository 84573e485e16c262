/* SPDX-License-Identifier: Apache-2.0 */
/* chmod, chown, utimes, truncate. On a file that the caller itself is writing they are staged with what it writes. */
#include <errno.h>

#include "fs/entry.h"
#include "fs/handle.h"
#include "fs/mode.h"
#include "fs/op.h"
#include "fs/reply.h"
#include "fs/stage.h"

enum {
	SETATTR_ATTRIBUTES =
	    FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME
};

static enum stage_answer setattr_ask(struct call *call)
{
	int rest = call->to_set & SETATTR_ATTRIBUTES;
	enum stage_answer answer = STAGE_DONE;
	call->resume = call_again;
	if (call->to_set & FUSE_SET_ATTR_SIZE)
		answer = stage_resize(call->stage, (size_t)call->stat.st_size, call);
	if (answer == STAGE_DONE && rest != 0)
		answer = stage_set_attr(call->stage, &call->stat, call->to_set & ~FUSE_SET_ATTR_SIZE, call);
	return answer;
}

/* ---- at once ---- */

static enum verdict setattr_resize(struct call *call, struct plan *plan, const struct object *object, struct attr *attr)
{
	size_t size = (size_t)call->stat.st_size, old = object->record.value.size;
	if (call->stat.st_size < 0 || size > call->fs->options.file_bytes_max)
		return VERDICT_TOO_LARGE;
	uint8_t *value = arena_zero(&call->scratch, size, 1);
	if (object->record.value.data && old != 0)
		memcpy(value, object->record.value.data, old < size ? old : size);
	attr->mode = mode_after_write(attr->mode);
	if (!(call->to_set & FUSE_SET_ATTR_MTIME))
		attr->mtime_ns = attr->ctime_ns;
	struct plan_content content = {.kind = NOTE_TRUNCATE, .value = bytes_of(value, size)};
	content.attr = attr_encode(attr, &call->scratch);
	return plan_content(plan, object, &content);
}

/* Replaced or unlinked by another node since the kernel looked it up: what is left of it is changed. */
static enum verdict setattr_orphan(struct call *call)
{
	call->stage = node_get_stage(call->fs->nodes, call->nodes[0]);
	bool done = call->stage && stage_is_orphan(call->stage) && setattr_ask(call) == STAGE_DONE;
	return done ? VERDICT_DONE : VERDICT_STALE;
}

static enum verdict setattr_plan(struct call *call, struct kv_view *view, struct plan *plan)
{
	struct object object;
	struct attr attr;
	enum verdict verdict = fs_object(call->fs, view, call->nodes[0], &call->scratch, &object);
	if (verdict == VERDICT_STALE)
		return setattr_orphan(call);
	if (verdict != VERDICT_GO)
		return verdict;
	if (object_attr(&object, &attr) != ERR_OK)
		return VERDICT_UNREADABLE;
	mode_set_attr(&attr, &call->stat, call->to_set, fs_now_ns(call->fs));
	if (object.is_directory)
		attr.tree_revision = object.directory.changed_revision;
	if (call->to_set & FUSE_SET_ATTR_SIZE)
		return setattr_resize(call, plan, &object, &attr);
	return plan_attr(plan, &object, &attr);
}

static void setattr_finish(struct call *call, int error)
{
	struct stat stat;
	if (error == 0)
		error = verdict_errno(entry_stat_now(call->fs, call->nodes[0], &call->scratch, &stat));
	if (error == 0)
		reply_attr(call, &stat);
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind setattr_kind = {.name = "setattr",
                                              .need = CALL_CHANGES,
                                              .settles = CALL_SETTLES_NODE,
                                              .plan = setattr_plan,
                                              .finish = setattr_finish};

/* ---- staged ---- */

static enum verdict setattr_staged_look(struct call *call, struct kv_view *view)
{
	enum stage_answer answer;
	while ((answer = setattr_ask(call)) == STAGE_LOAD) {
		enum verdict verdict = stage_load(call->stage, view, &call->scratch);
		if (verdict != VERDICT_GO)
			return verdict;
	}
	if (answer == STAGE_WAIT)
		return VERDICT_WAIT;
	return answer == STAGE_TOO_LARGE ? VERDICT_TOO_LARGE : VERDICT_GO;
}

static const struct call_kind setattr_staged_kind = {
    .name = "setattr", .need = CALL_READS_HERE, .look = setattr_staged_look, .finish = setattr_finish};

void op_setattr(fuse_req_t req, fuse_ino_t id, struct stat *asked, int to_set, struct fuse_file_info *info)
{
	struct fs *fs = op_fs(req);
	if (op_virtual_refuse(req, id) || replay_setattr(fs->replay, req, id))
		return;
	struct handle *handle = handle_of(info);
	struct node *node = node_find(fs->nodes, id);
	struct stage *stage = node ? node_get_stage(fs->nodes, node) : NULL;
	bool by_handle = handle && handle->kind == HANDLE_FILE && to_set & FUSE_SET_ATTR_SIZE;
	bool staged =
	    stage && (by_handle || stage_is_orphan(stage) || stage_is_written_by(stage, fuse_req_ctx(req)->pid));
	struct call *call = call_new(fs, req, staged ? &setattr_staged_kind : &setattr_kind);
	call->stage = stage;
	call->stat = *asked;
	call->to_set = to_set;
	if (call_take_node(call, 0, id))
		call_run(call);
	node_unpin(fs->nodes, node);
}

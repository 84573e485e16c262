/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that take or move names: unlink, rmdir, rename. */
#include <errno.h>
#include <linux/fs.h>

#include "fs/call.h"
#include "fs/op.h"
#include "fs/reply.h"

static enum verdict names_spot(struct call *call, struct kv_view *view, size_t parent, const char *name,
                               struct spot *ret_spot)
{
	struct object directory;
	enum verdict verdict = fs_object(call->fs, view, call->nodes[parent], &call->scratch, &directory);
	return verdict == VERDICT_GO ? spot_read(view, &directory, name, &call->scratch, ret_spot) : verdict;
}

static enum verdict unlink_plan(struct call *call, struct kv_view *view, struct plan *plan)
{
	struct spot spot;
	enum verdict verdict = names_spot(call, view, 0, call->name, &spot);
	return verdict == VERDICT_GO ? plan_unlink(plan, &spot) : verdict;
}

static enum verdict rmdir_plan(struct call *call, struct kv_view *view, struct plan *plan)
{
	struct spot spot;
	enum verdict verdict = names_spot(call, view, 0, call->name, &spot);
	return verdict == VERDICT_GO ? plan_rmdir(plan, &spot) : verdict;
}

static enum verdict rename_plan(struct call *call, struct kv_view *view, struct plan *plan)
{
	struct spot from, to;
	enum verdict verdict = names_spot(call, view, 0, call->name, &from);
	if (verdict == VERDICT_GO)
		verdict = names_spot(call, view, 1, call->new_name, &to);
	if (verdict != VERDICT_GO)
		return verdict;
	return plan_rename(plan, &from, &to, call->rename_mode, fs_now_ns(call->fs));
}

static const struct call_kind unlink_kind = {
    .name = "unlink", .need = CALL_CHANGES, .settles = CALL_SETTLES_NAMES, .plan = unlink_plan, .finish = reply_status};
static const struct call_kind rmdir_kind = {
    .name = "rmdir", .need = CALL_CHANGES, .settles = CALL_SETTLES_NAMES, .plan = rmdir_plan, .finish = reply_status};
static const struct call_kind rename_kind = {
    .name = "rename", .need = CALL_CHANGES, .settles = CALL_SETTLES_NAMES, .plan = rename_plan, .finish = reply_status};

static void names_remove(fuse_req_t req, fuse_ino_t parent, const char *name, const struct call_kind *kind)
{
	struct fs *fs = op_fs(req);
	if (op_virtual_refuse(req, parent) || replay_remove(fs->replay, req, parent, name))
		return;
	struct call *call = call_new(fs, req, kind);
	if (!call_take_node(call, 0, parent))
		return;
	call->name = arena_dup_string(&call->arena, bytes_of_string(name));
	call_park(call, 0, parent);
	call_run(call);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	names_remove(req, parent, name, &unlink_kind);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	names_remove(req, parent, name, &rmdir_kind);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
               unsigned flags)
{
	struct fs *fs = op_fs(req);
	if (op_virtual_refuse(req, parent) || op_virtual_refuse(req, new_parent) ||
	    replay_rename(fs->replay, req, parent, name, new_parent, new_name))
		return;
	if (flags != 0 && flags != RENAME_NOREPLACE && flags != RENAME_EXCHANGE) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	struct call *call = call_new(fs, req, &rename_kind);
	if (!call_take_node(call, 0, parent) || !call_take_node(call, 1, new_parent))
		return;
	call->name = arena_dup_string(&call->arena, bytes_of_string(name));
	call->new_name = arena_dup_string(&call->arena, bytes_of_string(new_name));
	call->rename_mode = flags == RENAME_NOREPLACE  ? PLAN_NO_REPLACE
	                    : flags == RENAME_EXCHANGE ? PLAN_EXCHANGE
	                                               : PLAN_REPLACE;
	call_park(call, 0, parent);
	if (new_parent != parent)
		call_park(call, 1, new_parent);
	call_run(call);
}

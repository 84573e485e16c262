/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that only look: lookup, forget, getattr, readlink, statfs. */
#include <errno.h>

#include "fs/call.h"
#include "fs/entry.h"
#include "fs/op.h"
#include "fs/reply.h"

/* Where none is set: etcd's. */
#define STATFS_QUOTA_DEFAULT (UINT64_C(2) << 30)

enum {
	STATFS_BLOCK_BYTES = 4096,
	STATFS_NAMES_FREE = 1 << 20, /* no limit of their own: what the quota of bytes may hold */
};

/* ---- lookup ---- */

static enum verdict lookup_look(struct call *call, struct kv_view *view)
{
	enum verdict verdict = entry_find(call->fs, view, call->nodes[0], call->name, &call->scratch, &call->found);
	if (verdict == VERDICT_GO)
		call->nodes[CALL_NODES_MAX - 1] = call->found.node;
	return verdict;
}

static void lookup_finish(struct call *call, int error)
{
	fuse_ino_t parent = node_id(call->nodes[0]);
	if (error == 0)
		reply_entry(call, parent, call->name);
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind lookup_kind = {
    .name = "lookup", .need = CALL_READS, .look = lookup_look, .finish = lookup_finish};

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = op_fs(req);
	if (op_virtual_lookup(req, parent, name) || replay_lookup(fs->replay, req, parent, name))
		return;
	struct call *call = call_new(fs, req, &lookup_kind);
	if (!call_take_node(call, 0, parent))
		return;
	call->name = arena_dup_string(&call->arena, bytes_of_string(name));
	call_run(call);
}

static void forget(struct fs *fs, fuse_ino_t id, uint64_t count)
{
	if (history_is(id))
		history_forget(fs->history, id, count);
	else
		node_forget(fs->nodes, id, count);
}

void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t count)
{
	forget(op_fs(req), id, count);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(op_fs(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* ---- getattr ---- */

static enum verdict getattr_look(struct call *call, struct kv_view *view)
{
	return entry_stat(call->fs, view, call->nodes[0], &call->scratch, &call->stat);
}

static void getattr_finish(struct call *call, int error)
{
	if (error == 0)
		reply_attr(call, &call->stat);
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind getattr_kind = {
    .name = "getattr", .need = CALL_READS, .look = getattr_look, .finish = getattr_finish};
static const struct call_kind getattr_root_kind = {
    .name = "getattr", .need = CALL_READS_ROOT, .look = getattr_look, .finish = getattr_finish};
static const struct call_kind getattr_here_kind = {
    .name = "getattr", .need = CALL_READS_HERE, .look = getattr_look, .finish = getattr_finish};

void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	struct fs *fs = op_fs(req);
	if (op_virtual_getattr(req, id) || replay_getattr(fs->replay, req, id))
		return;
	/* With a handle it is the kernel itself that asks, before a read(2): as new as the open is enough. */
	const struct call_kind *kind = info                 ? &getattr_here_kind
	                               : id == FUSE_ROOT_ID ? &getattr_root_kind
	                                                    : &getattr_kind;
	struct call *call = call_new(fs, req, kind);
	if (call_take_node(call, 0, id))
		call_run(call);
}

/* ---- readlink ---- */

static enum verdict readlink_look(struct call *call, struct kv_view *view)
{
	struct object object;
	struct attr attr;
	enum verdict verdict = fs_object(call->fs, view, call->nodes[0], &call->scratch, &object);
	if (verdict != VERDICT_GO)
		return verdict;
	if (object_attr(&object, &attr) != ERR_OK || !S_ISLNK(attr.mode))
		return VERDICT_UNREADABLE;
	call->data = object.record.value;
	return VERDICT_GO;
}

static void readlink_finish(struct call *call, int error)
{
	if (error == 0)
		fuse_reply_readlink(call->req, arena_dup_string(&call->scratch, call->data));
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind readlink_kind = {
    .name = "readlink", .need = CALL_READS_HERE, .look = readlink_look, .finish = readlink_finish};

void op_readlink(fuse_req_t req, fuse_ino_t id)
{
	if (history_is(id)) {
		op_history_readlink(req, id);
		return;
	}
	struct call *call = call_new(op_fs(req), req, &readlink_kind);
	if (call_take_node(call, 0, id))
		call_run(call);
}

/* ---- statfs ---- */

void op_statfs(fuse_req_t req, fuse_ino_t id)
{
	struct fs *fs = op_fs(req);
	struct kv_view *view = kv_view_open(fs->kv);
	struct kv_stats stats;
	enum err err = kv_stats(view, &stats);
	kv_view_close(view);
	if (err != ERR_OK) {
		fuse_reply_err(req, EIO);
		return;
	}
	uint64_t used = (uint64_t)stats.value_bytes;
	uint64_t quota = fs->options.quota_bytes ? fs->options.quota_bytes : STATFS_QUOTA_DEFAULT;
	uint64_t total = quota > used ? quota : used;
	struct statvfs statvfs = {
	    .f_bsize = STATFS_BLOCK_BYTES,
	    .f_frsize = STATFS_BLOCK_BYTES,
	    .f_blocks = total / STATFS_BLOCK_BYTES,
	    .f_bfree = (total - used) / STATFS_BLOCK_BYTES,
	    .f_bavail = (total - used) / STATFS_BLOCK_BYTES,
	    .f_files = (fsfilcnt_t)stats.keys + STATFS_NAMES_FREE,
	    .f_ffree = STATFS_NAMES_FREE,
	    .f_favail = STATFS_NAMES_FREE,
	    .f_namemax = NAME_BYTES_MAX,
	};
	fuse_reply_statfs(req, &statvfs);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/reply.h"

#include "fs/entry.h"

double reply_attr_timeout(const struct fs *fs)
{
	return fs_is_local(fs) ? REPLY_KEPT_S : 0.0;
}

struct fuse_entry_param reply_param(struct fs *fs, fuse_ino_t parent, const char *name, const struct call_found *found)
{
	bool kept = fs_is_local(fs) && !replay_is_pending(fs->replay, parent, name);
	return (struct fuse_entry_param){
	    .ino = node_id(found->node),
	    .attr = found->stat,
	    .attr_timeout = kept ? REPLY_KEPT_S : 0.0,
	    .entry_timeout = kept ? REPLY_KEPT_S : 0.0,
	};
}

void reply_entry(struct call *call, fuse_ino_t parent, const char *name)
{
	struct fs *fs = call->fs;
	struct fuse_entry_param param = reply_param(fs, parent, name, &call->found);
	node_looked_up(fs->nodes, call->found.node);
	if (fuse_reply_entry(call->req, &param) != 0)
		node_forget(fs->nodes, param.ino, 1);
}

void reply_attr(struct call *call, const struct stat *stat)
{
	fuse_reply_attr(call->req, stat, reply_attr_timeout(call->fs));
}

void reply_status(struct call *call, int error)
{
	fuse_reply_err(call->req, error);
}

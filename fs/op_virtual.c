/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on `.etcfs/` and what is in it. Nothing here waits for a quorum. */
#include <errno.h>
#include <fcntl.h>

#include "fs/handle.h"
#include "fs/op.h"
#include "fs/virtual.h"

enum { VIRTUAL_MODE_FILE = S_IFREG | 0444, VIRTUAL_MODE_DIRECTORY = S_IFDIR | 0555 };

_Static_assert(OP_VIRTUAL_FILES + VIRTUAL_FILES <= OP_VIRTUAL_END, "the ids of the virtual files suffice");

/* VIRTUAL_NONE: the directory. */
static enum virtual_file virtual_of(fuse_ino_t id)
{
	return id < OP_VIRTUAL_FILES ? VIRTUAL_NONE : (enum virtual_file)(id - OP_VIRTUAL_FILES);
}

static struct stat virtual_stat(struct fs *fs, fuse_ino_t id)
{
	struct attr attr = {
	    .mode = id == OP_VIRTUAL_DIRECTORY ? VIRTUAL_MODE_DIRECTORY : VIRTUAL_MODE_FILE,
	    .uid = fs->owner_uid,
	    .gid = fs->owner_gid,
	    .atime_ns = fs->started_ns,
	    .mtime_ns = fs->started_ns,
	    .ctime_ns = fs->started_ns,
	};
	return attr_stat(&attr, id, 0);
}

bool op_virtual_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_ino_t id = 0;
	if (parent == FUSE_ROOT_ID && strcmp(name, VIRTUAL_DIRECTORY) == 0) {
		id = OP_VIRTUAL_DIRECTORY;
	} else if (parent == OP_VIRTUAL_DIRECTORY) {
		enum virtual_file file = virtual_find(bytes_of_string(name));
		id = file == VIRTUAL_NONE ? 0 : OP_VIRTUAL_FILES + (fuse_ino_t)file;
	} else {
		return false;
	}
	if (id == 0) {
		fuse_reply_err(req, ENOENT);
		return true;
	}
	struct fuse_entry_param param = {.ino = id, .attr = virtual_stat(op_fs(req), id)};
	fuse_reply_entry(req, &param);
	return true;
}

bool op_virtual_getattr(fuse_req_t req, fuse_ino_t id)
{
	if (!op_is_virtual(id))
		return false;
	struct stat stat = virtual_stat(op_fs(req), id);
	fuse_reply_attr(req, &stat, 0.0);
	return true;
}

bool op_virtual_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	if (!op_is_virtual(id))
		return false;
	if ((info->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EACCES);
		return true;
	}
	struct fs *fs = op_fs(req);
	struct handle *handle = handle_new_virtual(fs);
	struct virtual_sources sources = {.replica = fs->replica};
	replay_counts(fs->replay, &sources.replay);
	handle->content = virtual_render(virtual_of(id), &sources, &handle->arena);
	info->fh = (uintptr_t)handle;
	info->direct_io = 1; /* its size is not known before */
	info->noflush = 1;
	if (fuse_reply_open(req, info) != 0)
		handle_free(fs, handle);
	return true;
}

bool op_virtual_read(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	if (handle->kind != HANDLE_VIRTUAL)
		return false;
	size_t all = handle->content.size, start = (size_t)offset < all ? (size_t)offset : all;
	size_t rest = all - start;
	fuse_reply_buf(req, (const char *)handle->content.data + start, rest < size ? rest : size);
	return true;
}

/* Positions: ".", "..", then the files. READDIRPLUS gets them without a node: then they are looked up. */
bool op_virtual_readdir(fuse_req_t req, const struct op_readdir *asked)
{
	if (!op_is_virtual(asked->id))
		return false;
	struct arena arena;
	arena_init(&arena);
	char *buffer = arena_take(&arena, asked->size);
	size_t used = 0;
	for (off_t at = asked->offset; at <= VIRTUAL_FILES; at++) {
		const char *name = at == 0 ? "." : at == 1 ? ".." : virtual_name((enum virtual_file)(at - 1));
		ino_t id = at == 0 ? OP_VIRTUAL_DIRECTORY : at == 1 ? FUSE_ROOT_ID : OP_VIRTUAL_FILES + (ino_t)(at - 1);
		struct fuse_entry_param param = {.attr = {.st_ino = id, .st_mode = at < 2 ? S_IFDIR : S_IFREG}};
		char *place = buffer + used;
		size_t room = asked->size - used;
		size_t length = asked->kind == OP_READDIR_PLUS
		                    ? fuse_add_direntry_plus(req, place, room, name, &param, at + 1)
		                    : fuse_add_direntry(req, place, room, name, &param.attr, at + 1);
		if (length > room)
			break;
		used += length;
	}
	fuse_reply_buf(req, buffer, used);
	arena_fini(&arena);
	return true;
}

bool op_virtual_refuse(fuse_req_t req, fuse_ino_t id)
{
	if (!op_is_virtual(id))
		return false;
	fuse_reply_err(req, EPERM);
	return true;
}

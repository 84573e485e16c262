/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on `.etcfs/` and what is in it. Nothing here waits for a quorum. */
#include <errno.h>
#include <fcntl.h>

#include "fs/handle.h"
#include "fs/op.h"
#include "fs/virtual.h"

enum { VIRTUAL_MODE_FILE = S_IFREG | 0444, VIRTUAL_MODE_DIRECTORY = S_IFDIR | 0555 };

_Static_assert(OP_VIRTUAL_FILES + VIRTUAL_FILES <= OP_VIRTUAL_AT, "the ids of the virtual files suffice");

static bool virtual_is_directory(fuse_ino_t id)
{
	return id == OP_VIRTUAL_DIRECTORY || id == OP_VIRTUAL_AT;
}

/* VIRTUAL_NONE: a directory. */
static enum virtual_file virtual_of(fuse_ino_t id)
{
	return virtual_is_directory(id) ? VIRTUAL_NONE : (enum virtual_file)(id - OP_VIRTUAL_FILES);
}

static struct stat virtual_stat(struct fs *fs, fuse_ino_t id)
{
	struct attr attr = {
	    .mode = virtual_is_directory(id) ? VIRTUAL_MODE_DIRECTORY : VIRTUAL_MODE_FILE,
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
	if (history_is(parent) || parent == OP_VIRTUAL_AT) {
		if (parent == OP_VIRTUAL_AT)
			op_history_lookup_when(req, name);
		else
			op_history_lookup(req, parent, name);
		return true;
	}
	if (parent == FUSE_ROOT_ID && strcmp(name, VIRTUAL_DIRECTORY) == 0) {
		id = OP_VIRTUAL_DIRECTORY;
	} else if (parent == OP_VIRTUAL_DIRECTORY && strcmp(name, VIRTUAL_AT) == 0) {
		id = OP_VIRTUAL_AT;
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
	if (history_is(id)) {
		op_history_getattr(req, id);
		return true;
	}
	if (!op_is_virtual(id))
		return false;
	struct stat stat = virtual_stat(op_fs(req), id);
	fuse_reply_attr(req, &stat, 0.0);
	return true;
}

bool op_virtual_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	if (history_is(id)) {
		op_history_open(req, id, info);
		return true;
	}
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

/* What stands at a position: ".", "..", `at`, then the files. NULL: nothing more. `at` itself shows nothing. */
static const char *virtual_entry(fuse_ino_t directory, off_t at, fuse_ino_t *ret_id)
{
	static const char *const first[] = {".", "..", VIRTUAL_AT};
	bool is_at = directory == OP_VIRTUAL_AT;
	const fuse_ino_t ids[] = {directory, is_at ? OP_VIRTUAL_DIRECTORY : FUSE_ROOT_ID, OP_VIRTUAL_AT};
	if (at < (is_at ? 2 : 3)) {
		*ret_id = ids[at];
		return first[at];
	}
	*ret_id = OP_VIRTUAL_FILES + (fuse_ino_t)(at - 2);
	return is_at || at - 2 >= VIRTUAL_FILES ? NULL : virtual_name((enum virtual_file)(at - 2));
}

/* READDIRPLUS gets them without a node: then they are looked up. */
bool op_virtual_readdir(fuse_req_t req, const struct op_readdir *asked, struct fuse_file_info *info)
{
	if (history_is(asked->id)) {
		op_history_readdir(req, asked, info);
		return true;
	}
	if (!op_is_virtual(asked->id))
		return false;
	struct arena arena;
	arena_init(&arena);
	char *buffer = arena_take(&arena, asked->size);
	size_t used = 0;
	const char *name;
	fuse_ino_t id;
	for (off_t at = asked->offset; (name = virtual_entry(asked->id, at, &id)) != NULL; at++) {
		mode_t type = id == FUSE_ROOT_ID || virtual_is_directory(id) ? S_IFDIR : S_IFREG;
		struct fuse_entry_param param = {.attr = {.st_ino = id, .st_mode = type}};
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
	bool history = history_is(id) || id == OP_VIRTUAL_AT;
	if (!history && !op_is_virtual(id))
		return false;
	fuse_reply_err(req, history ? EROFS : EPERM);
	return true;
}

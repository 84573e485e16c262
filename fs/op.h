/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers of the kernel's requests (fuse_lowlevel.h says what each is asked). On a FUSE thread; none waits for the cluster. */
#pragma once

#include "fs/fuse.h"
#include "fs/state.h"

extern const struct fuse_lowlevel_ops op_table;

static inline struct fs *op_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Ids of the virtual files; the store gives none below 4096. */
enum { OP_VIRTUAL_DIRECTORY = 2, OP_VIRTUAL_FILES = 3, OP_VIRTUAL_AT = 63, OP_VIRTUAL_END = 64 };

static inline bool op_is_virtual(fuse_ino_t id)
{
	return id >= OP_VIRTUAL_DIRECTORY && id < OP_VIRTUAL_END;
}

/* op_lookup.c */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t count);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info);
void op_readlink(fuse_req_t req, fuse_ino_t id);
void op_statfs(fuse_req_t req, fuse_ino_t id);
/* op_setattr.c */
void op_setattr(fuse_req_t req, fuse_ino_t id, struct stat *asked, int to_set, struct fuse_file_info *info);
/* op_make.c */
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t new_parent, const char *new_name);
/* op_create.c */
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *info);
/* op_names.c */
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
               unsigned flags);
/* op_file.c */
void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info);
void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info);
void op_write(fuse_req_t req, fuse_ino_t id, const char *data, size_t size, off_t offset, struct fuse_file_info *info);
void op_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info);
void op_fsync(fuse_req_t req, fuse_ino_t id, int only_data, struct fuse_file_info *info);
void op_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info);
void op_fallocate(fuse_req_t req, fuse_ino_t id, int mode, off_t offset, off_t length, struct fuse_file_info *info);
/* op_directory.c */
void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info);
void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info);
void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info);
void op_releasedir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info);
void op_fsyncdir(fuse_req_t req, fuse_ino_t id, int only_data, struct fuse_file_info *info);
/* op_xattr.c */
void op_setxattr(fuse_req_t req, fuse_ino_t id, const char *name, const char *value, size_t size, int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t id, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t id, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t id, const char *name);
/* What getxattr(2) and listxattr(2) give of an object: GO, NO_ATTRIBUTE, UNREADABLE. */
enum verdict op_xattr_value(const struct object *object, const char *name, struct arena *arena,
                            struct bytes *ret_value) MUST_USE;
enum verdict op_xattr_names(const struct object *object, struct arena *arena, struct bytes *ret_names) MUST_USE;
enum op_readdir_kind { OP_READDIR_NAMES, OP_READDIR_PLUS };
struct op_readdir {
	fuse_ino_t id;
	size_t size;
	off_t offset;
	enum op_readdir_kind kind;
};

/* op_history.c: of objects for whose id history_is() holds */
void op_history_lookup_when(fuse_req_t req, const char *name); /* in `.etcfs/at` itself */
void op_history_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_history_getattr(fuse_req_t req, fuse_ino_t id);
void op_history_readlink(fuse_req_t req, fuse_ino_t id);
void op_history_getxattr(fuse_req_t req, fuse_ino_t id, const char *name, size_t size);
void op_history_listxattr(fuse_req_t req, fuse_ino_t id, size_t size);
void op_history_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info);
void op_history_readdir(fuse_req_t req, const struct op_readdir *asked, struct fuse_file_info *info);
/* 0, or an errno. */
int op_history_may_list(fuse_req_t req, fuse_ino_t id);

/* op_virtual.c: true, it was the request of a virtual file, and is answered */
bool op_virtual_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
bool op_virtual_getattr(fuse_req_t req, fuse_ino_t id);
bool op_virtual_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info);
bool op_virtual_read(fuse_req_t req, size_t size, off_t offset, struct fuse_file_info *info);
bool op_virtual_readdir(fuse_req_t req, const struct op_readdir *asked, struct fuse_file_info *info);
/* Refuses what would change one: EROFS in the history, else EPERM. */
bool op_virtual_refuse(fuse_req_t req, fuse_ino_t id);

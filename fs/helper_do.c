/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of each kind of step: chosen so that a watcher gets the same events as from the program that made the change elsewhere,
 * and so that nothing is written. A change of mtime alone raises IN_MODIFY, of both times IN_ATTRIB (fsnotify_change() in the kernel).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/helper.h"
#include "fs/node.h"

enum {
	FILEID_INO64_GEN = 0x81, /* the kernel's type of a FUSE file handle: node id in two halves, generation */
	FILEID_WORDS = 3,
	RENAME_TRIES_MAX = 3,
};

static const struct timespec only_mtime[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
static const struct timespec both_times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};

static int directory_open_handle(int root, uint64_t id)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + FILEID_WORDS * sizeof(uint32_t)];
	} of;
	uint32_t words[FILEID_WORDS] = {(uint32_t)(id >> 32), (uint32_t)id, 0};
	of.handle.handle_bytes = sizeof words;
	of.handle.handle_type = FILEID_INO64_GEN;
	memcpy(of.room + sizeof(struct file_handle), words, sizeof words);
	return open_by_handle_at(root, &of.handle, O_PATH | O_CLOEXEC);
}

/* The path is the daemon's; a symbolic link on it would be somebody's race, and is not followed. */
static int directory_open_path(int root, const char *path)
{
	struct open_how how = {
	    .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int directory_open(int root, const struct helper_place *place)
{
	if (place->directory == NODE_ID_ROOT)
		return fcntl(root, F_DUPFD_CLOEXEC, 0);
	if (place->path[0] != 0)
		return directory_open_path(root, place->path);
	return directory_open_handle(root, place->directory);
}

static int errno_of(int result)
{
	return result < 0 ? errno : 0;
}

static int do_create(int directory, const struct helper_call *call)
{
	int flags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(directory, call->at.name, flags, 0600);
	if (fd < 0)
		return errno;
	int error = call->kind == HELPER_CREATE_WRITTEN ? errno_of(futimens(fd, only_mtime)) : 0;
	close(fd);
	return error;
}

static int do_make(int directory, const struct helper_call *call)
{
	if (S_ISDIR(call->type))
		return errno_of(mkdirat(directory, call->at.name, 0700));
	if (S_ISLNK(call->type))
		return errno_of(symlinkat("x", directory, call->at.name));
	return errno_of(mknodat(directory, call->at.name, call->type | 0600, 0));
}

static int do_touch(int directory, const struct helper_call *call, const struct timespec times[2])
{
	if (call->at.name[0] == 0) /* the root itself, which is not a name in any directory */
		return errno_of(futimens(directory, times));
	return errno_of(utimensat(directory, call->at.name, times, AT_SYMLINK_NOFOLLOW));
}

static int do_content(int directory, const struct helper_call *call)
{
	/* The attributes first, and with another mtime or size the old pages go; what the open drops is little then, and a reader that sees
	 * old and new pages mixed is rarest. */
	struct statx fresh;
	if (statx(directory, call->at.name, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &fresh) != 0)
		return errno;
	int fd = openat(directory, call->at.name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	/* A program that runs cannot be opened for writing; a symbolic link cannot be opened; a FIFO has no reader. */
	if (fd < 0 && (errno == ETXTBSY || errno == ELOOP || errno == ENXIO))
		return do_touch(directory, call, only_mtime);
	if (fd < 0)
		return errno;
	int error = errno_of(futimens(fd, only_mtime));
	close(fd);
	return error;
}

static int do_remove(int directory, const struct helper_call *call)
{
	return errno_of(unlinkat(directory, call->at.name, S_ISDIR(call->type) ? AT_REMOVEDIR : 0));
}

static int do_rename(int from, int to, const struct helper_call *call)
{
	unsigned flags = call->kind == HELPER_EXCHANGE ? RENAME_EXCHANGE : 0;
	int error = ESTALE;
	for (int tries = 0; tries < RENAME_TRIES_MAX && error == ESTALE; tries++) {
		/* A directory that somebody already found at its new place is pulled back to its old one by looking there. */
		struct stat ignored;
		if (call->at.directory != call->to.directory &&
		    fstatat(from, call->at.name, &ignored, AT_SYMLINK_NOFOLLOW) != 0 && errno != ESTALE)
			return errno;
		error = errno_of(renameat2(from, call->at.name, to, call->to.name, flags));
	}
	return error;
}

/* A name to be made is always looked up anew, whatever is cached for it; and the daemon refuses to make this one. */
static int do_look(int directory, const struct helper_call *call)
{
	int error = errno_of(mkdirat(directory, call->at.name, 0700));
	return error == EEXIST ? 0 : error;
}

static int do_stat(int object)
{
	struct statx fresh;
	return errno_of(statx(object, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &fresh));
}

static int do_call(int directory, int to, const struct helper_call *call)
{
	switch (call->kind) {
	case HELPER_CREATE:
	case HELPER_CREATE_WRITTEN:
		return do_create(directory, call);
	case HELPER_MAKE:
		return do_make(directory, call);
	case HELPER_CONTENT:
		return do_content(directory, call);
	case HELPER_TRUNCATE:
		return do_touch(directory, call, only_mtime);
	case HELPER_ATTR:
		return do_touch(directory, call, both_times);
	case HELPER_REMOVE:
		return do_remove(directory, call);
	case HELPER_RENAME:
	case HELPER_EXCHANGE:
		return do_rename(directory, to, call);
	case HELPER_LOOK:
		return do_look(directory, call);
	case HELPER_STAT:
		return do_stat(directory);
	case HELPER_READY:
		break;
	}
	return EINVAL;
}

int helper_do(int root, const struct helper_call *call)
{
	int directory = directory_open(root, &call->at);
	if (directory < 0)
		return errno;
	bool two = call->kind == HELPER_RENAME || call->kind == HELPER_EXCHANGE;
	int to = two ? directory_open(root, &call->to) : -1;
	int error = two && to < 0 ? errno : do_call(directory, to, call);
	if (to >= 0)
		close(to);
	close(directory);
	return error;
}

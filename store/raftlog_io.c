/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raftlog_io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RAFTLOG_FILE_MODE = 0600, RAFTLOG_DIRECTORY_MODE = 0700 };

static int io_result(int result)
{
	return result < 0 ? -errno : result;
}

/* tmpfs and some overlays refuse O_DIRECT with EINVAL: the page cache serves them as well, only slower. */
static int io_open(void *context, const char *path, enum raftlog_open_kind kind)
{
	(void)context;
	int flags = O_RDWR | O_CLOEXEC | (kind == RAFTLOG_OPEN_NEW ? O_CREAT | O_TRUNC : 0);
	int fd = open(path, flags | O_DIRECT, RAFTLOG_FILE_MODE);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags, RAFTLOG_FILE_MODE);
	return io_result(fd);
}

static int io_close(void *context, int fd)
{
	(void)context;
	return io_result(close(fd));
}

static int64_t io_size(void *context, int fd)
{
	(void)context;
	struct stat status;
	return fstat(fd, &status) < 0 ? -errno : status.st_size;
}

static int64_t io_pread(void *context, int fd, void *data, size_t size, uint64_t offset)
{
	(void)context;
	ssize_t got = pread(fd, data, size, (off_t)offset);
	return got < 0 ? -errno : got;
}

static int64_t io_pwrite(void *context, int fd, const void *data, size_t size, uint64_t offset)
{
	(void)context;
	ssize_t done = pwrite(fd, data, size, (off_t)offset);
	return done < 0 ? -errno : done;
}

static int io_fdatasync(void *context, int fd)
{
	(void)context;
	return io_result(fdatasync(fd));
}

static int io_allocate(void *context, int fd, uint64_t size)
{
	(void)context;
	return io_result(fallocate(fd, 0, 0, (off_t)size));
}

static int io_rename(void *context, const char *from, const char *to)
{
	(void)context;
	return io_result(rename(from, to));
}

static int io_unlink(void *context, const char *path)
{
	(void)context;
	return io_result(unlink(path));
}

static int io_mkdir(void *context, const char *path)
{
	(void)context;
	return io_result(mkdir(path, RAFTLOG_DIRECTORY_MODE));
}

static int io_sync_directory(void *context, const char *path)
{
	(void)context;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int result = io_result(fsync(fd));
	close(fd);
	return result;
}

static int io_list(void *context, const char *path, void (*each)(void *argument, const char *name), void *argument)
{
	(void)context;
	DIR *directory = opendir(path);
	if (directory == NULL)
		return -errno;
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(directory);
		if (entry == NULL)
			break;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			each(argument, entry->d_name);
	}
	int result = -errno;
	closedir(directory);
	return result;
}

const struct raftlog_io raftlog_io_system = {
    .open = io_open,
    .close = io_close,
    .size = io_size,
    .pread = io_pread,
    .pwrite = io_pwrite,
    .fdatasync = io_fdatasync,
    .allocate = io_allocate,
    .rename = io_rename,
    .unlink = io_unlink,
    .mkdir = io_mkdir,
    .sync_directory = io_sync_directory,
    .list = io_list,
};

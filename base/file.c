/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	FILE_TREE_FDS_MAX = 32,
	FILE_READ_BYTES = 256 << 10,
};

static enum err file_failed(const char *what, const char *path)
{
	int error = errno;
	log_error("file_failed", "call=%s path=%s error=\"%s\"", what, path, strerror(error));
	return err_from_errno(error);
}

static enum err file_read_fd(int fd, const char *path, size_t size_max, struct arena *arena, struct bytes *ret_content)
{
	struct stat status;
	if (fstat(fd, &status) != 0)
		return file_failed("fstat", path);
	if (status.st_size < 0 || (size_t)status.st_size > size_max)
		return ERR_TOO_LARGE;
	size_t size = (size_t)status.st_size, done = 0;
	uint8_t *data = arena_take(arena, size + 1);
	while (done < size) {
		ssize_t got = pread(fd, data + done, size - done, (off_t)done);
		if (got < 0 && errno != EINTR)
			return file_failed("pread", path);
		if (got == 0)
			break; /* it shrank meanwhile */
		done += got > 0 ? (size_t)got : 0;
	}
	*ret_content = bytes_of(data, done);
	return ERR_OK;
}

enum err file_read(const char *path, size_t size_max, struct arena *arena, struct bytes *ret_content)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : file_failed("open", path);
	enum err err = file_read_fd(fd, path, size_max, arena, ret_content);
	close(fd);
	return err;
}

static enum err file_checksum_fd(int fd, const char *path, uint64_t *ret_size, uint32_t *ret_checksum)
{
	AUTO_FREE uint8_t *data = memory_new_array(FILE_READ_BYTES, 1);
	uint64_t size = 0;
	uint32_t checksum = 0;
	for (;;) {
		ssize_t got = pread(fd, data, FILE_READ_BYTES, (off_t)size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return file_failed("pread", path);
		if (got == 0)
			break;
		checksum = crc32c(checksum, bytes_of(data, (size_t)got));
		size += (uint64_t)got;
	}
	*ret_size = size;
	*ret_checksum = checksum;
	return ERR_OK;
}

enum err file_checksum(const char *path, uint64_t *ret_size, uint32_t *ret_checksum)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : file_failed("open", path);
	enum err err = file_checksum_fd(fd, path, ret_size, ret_checksum);
	close(fd);
	return err;
}

enum err file_write_all(int fd, struct bytes content)
{
	size_t done = 0;
	while (done < content.size) {
		ssize_t written = write(fd, content.data + done, content.size - done);
		if (written < 0 && errno != EINTR)
			return err_from_errno(errno);
		done += written > 0 ? (size_t)written : 0;
	}
	return ERR_OK;
}

static enum err file_write_temporary(const char *path, struct bytes content, unsigned mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return file_failed("open", path);
	enum err err = file_write_all(fd, content);
	if (err != ERR_OK)
		err = file_failed("write", path);
	else if (fsync(fd) != 0)
		err = file_failed("fsync", path);
	close(fd);
	return err;
}

static char *file_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (slash == NULL)
		return memory_dup_string(".");
	return slash == path ? memory_dup_string("/") : memory_format("%.*s", (int)(slash - path), path);
}

enum err file_replace(const char *path, struct bytes content, unsigned mode)
{
	AUTO_FREE char *temporary = memory_format("%s.new", path);
	AUTO_FREE char *parent = file_parent(path);
	enum err err = file_write_temporary(temporary, content, mode);
	if (err != ERR_OK)
		return err;
	if (rename(temporary, path) != 0)
		return file_failed("rename", path);
	return file_sync_directory(parent);
}

enum err file_sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return file_failed("open", path);
	enum err err = fsync(fd) != 0 ? file_failed("fsync", path) : ERR_OK;
	close(fd);
	return err;
}

enum err file_make_directory(const char *path, unsigned mode)
{
	struct stat status;
	if (mkdir(path, mode) == 0)
		return ERR_OK;
	if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return ERR_OK;
	return file_failed("mkdir", path);
}

static int file_remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

enum err file_remove_tree(const char *path)
{
	struct stat status;
	if (lstat(path, &status) != 0)
		return errno == ENOENT ? ERR_OK : file_failed("lstat", path);
	if (nftw(path, file_remove_one, FILE_TREE_FDS_MAX, FTW_DEPTH | FTW_PHYS) != 0)
		return file_failed("remove", path);
	return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proto.h"

enum {
	LOCAL_FILES_MAX = 100000, /* far more than one revision can hold, and few enough to look at */
	LOCAL_DEPTH_MAX = 256,
	LOCAL_BYTES_MAX = CONTROL_FRAME_BYTES_MAX - (1 << 20), /* of all of it: the call has its frame beside it */
};

struct local {
	struct arena *arena;
	Etcfs__Control__ApplyRequest *request;
	size_t bytes;
};

static enum cli_exit local_fail(const char *path)
{
	return command_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
}

static Etcfs__Control__ApplyFile *local_add(struct local *local, const char *name, uint32_t mode)
{
	Etcfs__Control__ApplyRequest *request = local->request;
	Etcfs__Control__ApplyFile *file = arena_take(local->arena, sizeof *file);
	etcfs__control__apply_file__init(file);
	file->name = proto_data(bytes_of_string(name));
	file->mode = mode;
	request->files = arena_more(local->arena, request->files, request->n_files, sizeof file);
	request->files[request->n_files++] = file;
	local->bytes += strlen(name) + 32;
	return file;
}

static enum cli_exit local_count(struct local *local, const char *path, size_t more)
{
	local->bytes += more;
	if (local->bytes > LOCAL_BYTES_MAX)
		return command_fail(EXIT_FAILED, "%s: with it there is more than the %d MiB that one revision can hold",
		                    path, LIMIT_VALUE_BYTES >> 20);
	if (local->request->n_files > LOCAL_FILES_MAX)
		return command_fail(EXIT_FAILED, "%s: more than %d files", path, LOCAL_FILES_MAX);
	return EXIT_OK;
}

/* It may change while it is read: what has come is what counts. */
static enum cli_exit local_read_open(struct local *local, const char *path, int fd, Etcfs__Control__ApplyFile *file)
{
	AUTO_BUFFER struct buffer content;
	uint8_t piece[64 << 10];
	buffer_init(&content, LOCAL_BYTES_MAX);
	for (ssize_t size; (size = read(fd, piece, sizeof piece)) != 0;) {
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return local_fail(path);
		enum cli_exit status = local_count(local, path, (size_t)size);
		if (status != EXIT_OK)
			return status;
		buffer_put(&content, bytes_of(piece, (size_t)size));
	}
	file->value = proto_data(arena_dup(local->arena, buffer_bytes(&content)));
	return EXIT_OK;
}

static enum cli_exit local_read_file(struct local *local, const char *path, const char *name, uint32_t mode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return local_fail(path);
	enum cli_exit status = local_read_open(local, path, fd, local_add(local, name, mode));
	close(fd);
	return status;
}

static enum cli_exit local_read_link(struct local *local, const char *path, const char *name, uint32_t mode)
{
	char target[4096];
	ssize_t size = readlink(path, target, sizeof target);
	if (size < 0)
		return local_fail(path);
	Etcfs__Control__ApplyFile *file = local_add(local, name, mode);
	file->value = proto_data(arena_dup(local->arena, bytes_of(target, (size_t)size)));
	return local_count(local, path, (size_t)size);
}

static int local_is_no_dot(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static enum cli_exit local_read_any(struct local *local, const char *path, const char *name, unsigned depth);

static enum cli_exit local_read_directory(struct local *local, const char *path, const char *name, unsigned depth)
{
	struct dirent **entries;
	enum cli_exit status = EXIT_OK;
	if (depth == LOCAL_DEPTH_MAX)
		return command_fail(EXIT_FAILED, "%s: more than %d directories deep", path, LOCAL_DEPTH_MAX);
	int count = scandir(path, &entries, local_is_no_dot, NULL);
	if (count < 0)
		return local_fail(path);
	for (int at = 0; at < count; at++) {
		const char *child = entries[at]->d_name;
		if (status == EXIT_OK)
			status = local_read_any(local, arena_format(local->arena, "%s/%s", path, child),
			                        arena_format(local->arena, "%s%s", name, child), depth + 1);
		free(entries[at]);
	}
	free(entries);
	return status;
}

/* name: what it is called below the path in the cluster; "" is that itself. */
static enum cli_exit local_read_any(struct local *local, const char *path, const char *name, unsigned depth)
{
	struct stat stat;
	if ((depth == 0 ? fstatat(AT_FDCWD, path, &stat, 0) : lstat(path, &stat)) != 0)
		return local_fail(path);
	if (S_ISREG(stat.st_mode))
		return local_read_file(local, path, name, stat.st_mode);
	if (S_ISLNK(stat.st_mode))
		return local_read_link(local, path, name, stat.st_mode);
	if (!S_ISDIR(stat.st_mode))
		return command_fail(EXIT_FAILED, "%s: neither a file, a directory nor a symbolic link", path);
	const char *directory = arena_format(local->arena, "%s/", name);
	local_add(local, directory, stat.st_mode);
	enum cli_exit status = local_count(local, path, 0);
	return status == EXIT_OK ? local_read_directory(local, path, depth == 0 ? "" : directory, depth) : status;
}

static int local_order(const void *left, const void *right)
{
	const Etcfs__Control__ApplyFile *const *a = left, *const *b = right;
	/* The path itself is not followed by a '/' here, but is in the key: what it holds comes after it all the same. */
	return bytes_compare(proto_bytes((*a)->name), proto_bytes((*b)->name));
}

enum cli_exit local_read(const char *path, struct arena *arena, Etcfs__Control__ApplyRequest *request)
{
	struct local local = {.arena = arena, .request = request};
	enum cli_exit status = local_read_any(&local, path, "", 0);
	if (status == EXIT_OK && request->n_files > 1) /* the first is the directory itself */
		qsort(request->files + 1, request->n_files - 1, sizeof *request->files, local_order);
	return status;
}

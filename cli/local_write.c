/* SPDX-License-Identifier: Apache-2.0 */
/* The other way: what the cluster has, as a directory of this machine. Keys are others' words: none may lead out of it. */
#include "cli/local.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proto.h"

enum { LOCAL_NAME_BYTES_MAX = 255 };

static enum cli_exit local_write_fail(const char *path)
{
	return command_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
}

static bool local_is_name(struct bytes segment)
{
	return segment.size != 0 && segment.size <= LOCAL_NAME_BYTES_MAX &&
	       memchr(segment.data, 0, segment.size) == NULL && !bytes_equal(segment, BYTES_LITERAL(".")) &&
	       !bytes_equal(segment, BYTES_LITERAL(".."));
}

/* Each directory on the way to the name, made where it is missing; what stands there instead is an error. */
static enum cli_exit local_make_above(const char *folder, const char *name, struct arena *arena)
{
	for (const char *slash = strchr(name, '/'); slash != NULL && slash[1] != '\0'; slash = strchr(slash + 1, '/')) {
		const char *path = arena_format(arena, "%s/%.*s", folder, (int)(slash - name), name);
		struct stat stat;
		if (mkdir(path, 0755) == 0)
			continue;
		if (errno != EEXIST || lstat(path, &stat) != 0)
			return local_write_fail(path);
		if (!S_ISDIR(stat.st_mode))
			return command_fail(EXIT_FAILED, "%s is a file and a directory at once: it cannot be edited",
			                    name);
	}
	return EXIT_OK;
}

static enum cli_exit local_write_content(const char *path, struct bytes content, uint32_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return local_write_fail(path);
	while (content.size != 0) {
		ssize_t size = write(fd, content.data, content.size);
		if (size < 0 && errno != EINTR)
			break;
		content = bytes_from(content, size > 0 ? (size_t)size : 0);
	}
	bool written = content.size == 0 && fchmod(fd, mode & 07777) == 0;
	enum cli_exit status = written ? EXIT_OK : local_write_fail(path);
	if (close(fd) != 0 && status == EXIT_OK)
		status = local_write_fail(path);
	return status;
}

static enum cli_exit local_write_directory(const char *path, uint32_t mode)
{
	struct stat stat;
	if (mkdir(path, 0755) != 0 && (errno != EEXIST || lstat(path, &stat) != 0 || !S_ISDIR(stat.st_mode)))
		return local_write_fail(path);
	return chmod(path, mode & 07777) == 0 ? EXIT_OK : local_write_fail(path);
}

static enum cli_exit local_check_name(struct bytes name, struct arena *arena)
{
	struct bytes rest = name;
	if (rest.size != 0 && rest.data[rest.size - 1] == '/')
		rest.size--;
	for (;;) {
		const uint8_t *slash = rest.size != 0 ? memchr(rest.data, '/', rest.size) : NULL;
		struct bytes segment = bytes_of(rest.data, slash != NULL ? (size_t)(slash - rest.data) : rest.size);
		if (!local_is_name(segment))
			return command_fail(EXIT_FAILED, "'%s' cannot be the name of a file here",
			                    arena_dup_string(arena, name));
		if (slash == NULL)
			return EXIT_OK;
		rest = bytes_from(rest, segment.size + 1);
	}
}

enum cli_exit local_write(const char *folder, const struct local_file *file, struct arena *arena)
{
	enum cli_exit status = local_check_name(file->name, arena);
	if (status != EXIT_OK)
		return status;
	const char *name = arena_dup_string(arena, file->name), *path = arena_format(arena, "%s/%s", folder, name);
	status = local_make_above(folder, name, arena);
	if (status != EXIT_OK)
		return status;
	if (S_ISREG(file->mode))
		return local_write_content(path, file->content, file->mode);
	if (S_ISDIR(file->mode))
		return local_write_directory(path, file->mode);
	if (!S_ISLNK(file->mode))
		return command_fail(EXIT_FAILED, "%s is neither a file, a directory nor a symbolic link", name);
	return symlink(arena_dup_string(arena, file->content), path) == 0 ? EXIT_OK : local_write_fail(path);
}

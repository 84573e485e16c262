/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

enum {
	MOUNTPOINT_FIELDS_BEFORE_POINT = 4, /* id, parent, device, root */
	MOUNTPOINT_STALE_LAYERS_MAX = 16,   /* a daemon that crashed again and again leaves one mount over the other */
};

/* proc(5): space, tab, newline and backslash are written as \ooo. */
static void mountpoint_unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; to++) {
		unsigned code;
		if (*from == '\\' && sscanf(from + 1, "%3o", &code) == 1) {
			*to = (char)code;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

bool mountpoint_parse(char *line, struct mountpoint_line *ret_line)
{
	char *separator = strstr(line, " - ");
	if (separator == NULL)
		return false;
	char *type = separator + 3;
	*separator = '\0';
	type[strcspn(type, " \n")] = '\0';
	char *point = line;
	for (int field = 0; field < MOUNTPOINT_FIELDS_BEFORE_POINT; field++) {
		point = strchr(point, ' ');
		if (point == NULL)
			return false;
		point++;
	}
	point[strcspn(point, " ")] = '\0';
	mountpoint_unescape(point);
	*ret_line = (struct mountpoint_line){.mount_point = point, .type = type};
	return true;
}

/* The path with its last component not followed into a mount: a stale mount cannot be resolved by realpath(3) as a whole. */
static char *mountpoint_absolute(const char *path)
{
	AUTO_FREE char *copy = memory_dup_string(path);
	size_t length = strlen(copy);
	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = '\0';
	char *slash = strrchr(copy, '/');
	const char *name = slash != NULL ? slash + 1 : copy;
	AUTO_FREE char *parent = slash == NULL   ? memory_dup_string(".")
	                         : slash == copy ? memory_dup_string("/")
	                                         : memory_format("%.*s", (int)(slash - copy), copy);
	AUTO_FREE char *resolved = realpath(parent, NULL);
	if (resolved == NULL || name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		char *whole = realpath(path, NULL);
		return whole != NULL ? whole : memory_dup_string(path);
	}
	return memory_format("%s/%s", strcmp(resolved, "/") == 0 ? "" : resolved, name);
}

bool mountpoint_is_ours(const char *path)
{
	AUTO_FREE char *wanted = mountpoint_absolute(path);
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	if (mounts == NULL)
		return false;
	char *line = NULL;
	size_t size = 0;
	bool found = false; /* the last one at a path is the topmost */
	while (getline(&line, &size, mounts) >= 0) {
		struct mountpoint_line parsed;
		if (mountpoint_parse(line, &parsed) && strcmp(parsed.mount_point, wanted) == 0)
			found = strcmp(parsed.type, MOUNTPOINT_TYPE) == 0;
	}
	free(line);
	fclose(mounts);
	return found;
}

static enum err mountpoint_refuse(enum err err, const char *path, const char *problem, const char *remedy)
{
	log_error("mount_point_refused", "path=%s problem=\"%s\" remedy=\"%s\"", path, problem, remedy);
	return err;
}

/* A dead daemon's mount answers ENOTCONN (connection lost) or ECONNABORTED (aborted) to everything. */
static enum err mountpoint_clean_stale(const char *path)
{
	for (int layer = 0; layer < MOUNTPOINT_STALE_LAYERS_MAX && mountpoint_is_ours(path); layer++) {
		struct stat status;
		if (stat(path, &status) == 0)
			return mountpoint_refuse(ERR_EXISTS, path, "another etcfsd serves a mount here",
			                         "stop that daemon, or choose another directory with --mount");
		if (errno != ENOTCONN && errno != ECONNABORTED)
			return mountpoint_refuse(ERR_MOUNT, path, strerror(errno), "unmount it by hand: umount -l");
		if (umount2(path, MNT_DETACH) != 0)
			return mountpoint_refuse(ERR_MOUNT, path, strerror(errno),
			                         "run as root, or unmount it by hand: umount -l");
		log_info("stale_mount_removed", "path=%s", path);
	}
	return ERR_OK;
}

static enum err mountpoint_check_empty(const char *path)
{
	DIR *directory = opendir(path);
	if (directory == NULL)
		return mountpoint_refuse(err_from_errno(errno), path, strerror(errno),
		                         "make the directory readable for etcfsd");
	bool empty = true;
	for (struct dirent *entry = readdir(directory); entry != NULL && empty; entry = readdir(directory))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(directory);
	if (!empty)
		return mountpoint_refuse(
		    ERR_EXISTS, path, "the directory is not empty",
		    "a mount would hide what is in it: move it away, or choose an empty directory with --mount");
	return ERR_OK;
}

enum err mountpoint_prepare(const char *path)
{
	enum err err = mountpoint_clean_stale(path);
	if (err != ERR_OK)
		return err;
	struct stat status;
	if (stat(path, &status) != 0) {
		if (errno == ENOENT)
			return mountpoint_refuse(ERR_NOT_FOUND, path, "there is no such directory",
			                         "create it: mkdir -p");
		return mountpoint_refuse(err_from_errno(errno), path, strerror(errno),
		                         "name an existing, empty directory with --mount");
	}
	if (!S_ISDIR(status.st_mode))
		return mountpoint_refuse(ERR_INVALID, path, "it is not a directory",
		                         "name an existing, empty directory with --mount");
	return mountpoint_check_empty(path);
}

/* Not every filesystem knows flags (ENOTTY, EOPNOTSUPP), and not everybody may set them (EPERM): then mode 0 must do. */
static void mountpoint_set_immutable(const char *path, unsigned flag)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), flags = 0;
	if (fd < 0)
		return;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && ((unsigned)flags & FS_IMMUTABLE_FL) != flag) {
		flags = (int)(((unsigned)flags & ~(unsigned)FS_IMMUTABLE_FL) | flag);
		if (ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0)
			log_debug("mount_point_flag", "path=%s error=\"%s\"", path, strerror(errno));
	}
	close(fd);
}

enum err mountpoint_protect(const char *path)
{
	struct stat status;
	if (stat(path, &status) != 0)
		return mountpoint_refuse(err_from_errno(errno), path, strerror(errno),
		                         "name an existing, empty directory with --mount");
	if (status.st_uid != geteuid())
		return ERR_OK;
	if ((status.st_mode & 07777) != 0 && chmod(path, 0) != 0 && errno != EROFS)
		return mountpoint_refuse(err_from_errno(errno), path, strerror(errno),
		                         "make the directory writable for etcfsd");
	mountpoint_set_immutable(path, FS_IMMUTABLE_FL);
	return ERR_OK;
}

void mountpoint_release(const char *path)
{
	if (!mountpoint_is_ours(path))
		mountpoint_set_immutable(path, 0);
}

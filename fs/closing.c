/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/closing.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CLOSING_FDS_MAX = 256,    /* looked at: a process with more of them is no shell */
	CLOSING_INFO_BYTES = 512, /* of fdinfo: pos, flags, mnt_id, ino come first */
};

/* proc(5), fdinfo: "ino:\t<number>", since Linux 5.14. */
static bool fdinfo_is(int directory, const char *name, uint64_t inode)
{
	char info[CLOSING_INFO_BYTES];
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t size = read(fd, info, sizeof info - 1);
	close(fd);
	if (size <= 0)
		return false;
	info[size] = '\0';
	const char *line = strstr(info, "\nino:");
	return line && strtoull(line + sizeof "\nino:" - 1, NULL, 10) == inode;
}

bool closing_has_another(int32_t thread, uint64_t inode)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/fdinfo", (int)thread);
	DIR *directory = thread > 0 ? opendir(path) : NULL;
	if (!directory)
		return false;
	bool found = false;
	struct dirent *entry;
	for (int i = 0; i < CLOSING_FDS_MAX && !found && (entry = readdir(directory)); i++)
		found = entry->d_name[0] != '.' && fdinfo_is(dirfd(directory), entry->d_name, inode);
	closedir(directory);
	return found;
}

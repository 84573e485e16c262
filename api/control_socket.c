/* SPDX-License-Identifier: Apache-2.0 */
/* The address of the control socket, for both of its ends. */
#include "api/control.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONTROL_BACKLOG = 64 };

static enum err control_err_of_errno(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case ECONNREFUSED:
		return ERR_UNREACHABLE;
	case EAGAIN:
		return ERR_BUSY;
	case EADDRINUSE:
		return ERR_ADDRESS_IN_USE;
	default:
		return err_from_errno(error);
	}
}

/* unix(7): sun_path has 108 bytes. A longer path is reached through its directory: *ret_directory is to be closed after
 * use, or -1. */
static enum err control_address(const char *path, struct sockaddr_un *ret_address, int *ret_directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int directory = -1;
	int length = snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	if (length >= (int)sizeof address.sun_path) {
		struct arena arena;
		arena_init(&arena);
		directory =
		    open(dirname(arena_dup_string(&arena, bytes_of_string(path))), O_PATH | O_DIRECTORY | O_CLOEXEC);
		int error = errno;
		if (directory >= 0)
			length = snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", directory,
			                  basename(arena_dup_string(&arena, bytes_of_string(path))));
		arena_fini(&arena);
		if (directory < 0)
			return control_err_of_errno(error);
	}
	*ret_directory = directory;
	*ret_address = address;
	if (length < (int)sizeof address.sun_path)
		return ERR_OK;
	close(directory);
	return ERR_ADDRESS_INVALID;
}

static enum err control_socket(int *ret_fd)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return control_err_of_errno(errno);
	*ret_fd = fd;
	return ERR_OK;
}

enum err control_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un address;
	int directory, fd = -1;
	enum err err = control_address(path, &address, &directory);
	if (err != ERR_OK)
		return err;
	err = control_socket(&fd);
	if (err == ERR_OK && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		err = control_err_of_errno(errno);
		close(fd);
	}
	if (directory >= 0)
		close(directory);
	if (err == ERR_OK)
		*ret_fd = fd;
	return err;
}

enum err control_listen(const char *path, int *ret_fd)
{
	struct sockaddr_un address;
	int directory, fd = -1;
	enum err err = control_address(path, &address, &directory);
	if (err != ERR_OK)
		return err;
	err = control_socket(&fd);
	if (err == ERR_OK) {
		unlink(address.sun_path);
		if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
		    chmod(address.sun_path, 0600) != 0 || listen(fd, CONTROL_BACKLOG) != 0) {
			err = control_err_of_errno(errno);
			close(fd);
		}
	}
	if (directory >= 0)
		close(directory);
	if (err == ERR_OK)
		*ret_fd = fd;
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "mountd/readiness.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

void readiness_send(const char *assignments)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (path == NULL || path[0] == '\0')
		return;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = strlen(path);
	if (size >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) {
		log_warn("readiness_unsent", "socket=%s reason=\"not a path or an abstract name\"", path);
		return;
	}
	memcpy(address.sun_path, path, size);
	if (path[0] == '@') /* sd_notify(3): an abstract name */
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
	if (fd < 0 || sendto(fd, assignments, strlen(assignments), MSG_NOSIGNAL, (const struct sockaddr *)&address,
	                     address_size) < 0)
		log_warn("readiness_unsent", "socket=%s reason=\"%s\"", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

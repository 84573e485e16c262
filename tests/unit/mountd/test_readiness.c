/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "mountd/readiness.h"

/* A manager that listens; `name` as in NOTIFY_SOCKET. */
static int manager_listen(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t size = strlen(name);
	memcpy(address.sun_path, name, size);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void manager_hears(int fd, const char *expected)
{
	char text[64];
	ssize_t size = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(text, expected, strlen(expected));
}

static void a_manager_at_a_path_is_told(void **state)
{
	char folder[] = "/tmp/test_readiness.XXXXXX", path[64];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/notify", folder);
	int fd = manager_listen(path);
	readiness_send("READY=1");
	manager_hears(fd, "READY=1");
	close(fd);
	unlink(path);
	rmdir(folder);
}

static void a_manager_at_an_abstract_name_is_told(void **state)
{
	char name[64];
	snprintf(name, sizeof name, "@etcfs-test-readiness-%d", (int)getpid());
	int fd = manager_listen(name);
	readiness_send("STOPPING=1");
	manager_hears(fd, "STOPPING=1");
	close(fd);
}

static void nobody_is_told_when_nobody_asked(void **state)
{
	log_level_set(LOG_ERROR_LEVEL);
	unsetenv("NOTIFY_SOCKET");
	readiness_send("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	readiness_send("READY=1");
	setenv("NOTIFY_SOCKET", "relative", 1);
	readiness_send("READY=1");
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	readiness_send("READY=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_manager_at_a_path_is_told),
	    cmocka_unit_test(a_manager_at_an_abstract_name_is_told),
	    cmocka_unit_test(nobody_is_told_when_nobody_asked),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "fs/fs.h"

/* The detached clone of the mount, opened for reading: open_by_handle_at() refuses an O_PATH descriptor. */
static int root_open(const char *mount_point)
{
	int tree = open_tree(AT_FDCWD, mount_point, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0) {
		log_error("replay_helper_clone", "mount=%s reason=\"%s\"", mount_point, strerror(errno));
		return -1;
	}
	int root = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		log_error("replay_helper_open", "mount=%s reason=\"%s\"", mount_point, strerror(errno));
	close(tree);
	return root;
}

/* Asks the filesystem itself, never the cache, so that the daemon sees that it is its mount that the helper holds. */
static bool root_device(int root, unsigned *ret_major, unsigned *ret_minor)
{
	struct statx status;
	if (statx(root, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &status) != 0)
		return false;
	*ret_major = status.stx_dev_major;
	*ret_minor = status.stx_dev_minor;
	return true;
}

/* proc_pid_mountinfo(5): the third word of a line is the device. */
static bool mount_is_there(unsigned major, unsigned minor)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	if (table == NULL)
		return true; /* not known to be gone */
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	bool there = false;
	while (!there && getline(&line, &room, table) > 0) {
		unsigned line_major, line_minor;
		there = sscanf(line, "%*u %*u %u:%u ", &line_major, &line_minor) == 2 && line_major == major &&
		        line_minor == minor;
	}
	fclose(table);
	return there;
}

static bool answer_send(int socket, uint32_t number, int error)
{
	struct helper_answer answer = {.number = number, .error = error};
	return send(socket, &answer, sizeof answer, MSG_NOSIGNAL) == (ssize_t)sizeof answer;
}

/* False when the daemon is gone. */
static bool call_serve(int socket, int root)
{
	uint8_t message[HELPER_CALL_BYTES];
	ssize_t size = recv(socket, message, sizeof message, 0);
	if (size < 0 && errno == EINTR)
		return true;
	if (size <= 0)
		return false;
	struct helper_call call;
	if (helper_call_decode(bytes_of(message, (size_t)size), &call) != ERR_OK)
		return false;
	return answer_send(socket, call.number, helper_do(root, &call));
}

int helper_serve(int socket, int root)
{
	unsigned major, minor;
	if (!root_device(root, &major, &minor) || !answer_send(socket, 0, 0))
		return HELPER_EXIT_FAILED;
	int table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int status = HELPER_EXIT_CLOSED;
	for (bool serving = true; serving;) {
		/* The kernel reports a changed mount table as a priority event, once per change. */
		struct pollfd polls[] = {{.fd = socket, .events = POLLIN}, {.fd = table, .events = POLLPRI}};
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			break;
		if (polls[1].revents != 0 && !mount_is_there(major, minor)) {
			status = HELPER_EXIT_UNMOUNTED;
			break;
		}
		if (polls[0].revents != 0)
			serving = call_serve(socket, root);
	}
	if (table >= 0)
		close(table);
	return status;
}

static void signals_reset(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A terminal's Ctrl-C reaches the whole group: the daemon decides when the helper ends. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

bool fs_helper_main(int argc, char **argv, int *ret_status)
{
	if (argc != 4 || strcmp(argv[1], HELPER_ARGUMENT) != 0)
		return false;
	*ret_status = HELPER_EXIT_FAILED;
	prctl(PR_SET_NAME, "etcfs-replay");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((long)getppid() != strtol(argv[2], NULL, 10))
		return true; /* the daemon ended before its end would have been told */
	signals_reset();
	char go;
	if (recv(HELPER_SOCKET, &go, sizeof go, 0) != (ssize_t)sizeof go)
		return true;
	int root = root_open(argv[3]);
	if (root < 0)
		return true;
	if (chdir("/") == 0)
		*ret_status = helper_serve(HELPER_SOCKET, root);
	close(root);
	return true;
}

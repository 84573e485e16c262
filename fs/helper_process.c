/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/helper_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "fs/helper.h"

extern char **environ;

/* This program again: a process with threads must not fork without an exec. */
static int spawn(const char *mount_point, int socket, pid_t *ret_pid)
{
	char parent[24];
	snprintf(parent, sizeof parent, "%ld", (long)getpid());
	const char *arguments[] = {"etcfs-replay", HELPER_ARGUMENT, parent, mount_point, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, socket, HELPER_SOCKET);
	posix_spawn_file_actions_addclosefrom_np(&actions, HELPER_SOCKET + 1); /* /dev/fuse above all */
	int error = posix_spawn(ret_pid, "/proc/self/exe", &actions, NULL, (char *const *)arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static enum err answer_wait(struct helper_process *helper, struct helper_answer *ret_answer)
{
	struct pollfd polls[] = {{.fd = helper->socket, .events = POLLIN}, {.fd = helper->stop, .events = POLLIN}};
	while (poll(polls, 2, -1) < 0)
		if (errno != EINTR)
			return ERR_CLOSED;
	if (polls[1].revents != 0)
		return ERR_STOPPED;
	ssize_t size = recv(helper->socket, ret_answer, sizeof *ret_answer, 0);
	return size == (ssize_t)sizeof *ret_answer ? ERR_OK : ERR_CLOSED;
}

enum err helper_process_start(struct helper_process *helper, const char *mount_point)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		log_error("replay_helper_start", "reason=\"%s\"", strerror(errno));
		return ERR_MOUNT;
	}
	pid_t pid;
	int error = spawn(mount_point, pair[1], &pid);
	close(pair[1]);
	if (error != 0) {
		close(pair[0]);
		log_error("replay_helper_start", "reason=\"%s\"", strerror(error));
		return ERR_MOUNT;
	}
	helper->socket = pair[0];
	atomic_store(&helper->pid, pid);
	/* It waits for this message, so that its first request already comes from a known process. */
	struct helper_answer ready;
	enum err err = send(helper->socket, "", 1, MSG_NOSIGNAL) == 1 ? answer_wait(helper, &ready) : ERR_CLOSED;
	if (err == ERR_OK)
		return ERR_OK;
	helper_process_end(helper);
	if (err == ERR_STOPPED)
		return err;
	log_error("replay_helper_start", "mount=%s reason=\"it ended\"", mount_point);
	return ERR_MOUNT;
}

enum err helper_process_ask(struct helper_process *helper, struct helper_call *call, int *ret_error)
{
	call->number = ++helper->number;
	AUTO_BUFFER struct buffer message;
	buffer_init(&message, HELPER_CALL_BYTES);
	enum err err = helper_call_encode(call, &message);
	if (err != ERR_OK)
		return err;
	struct helper_answer answer;
	if (send(helper->socket, message.data, message.size, MSG_NOSIGNAL) != (ssize_t)message.size)
		return ERR_CLOSED;
	err = answer_wait(helper, &answer);
	if (err != ERR_OK)
		return err;
	if (answer.number != call->number)
		return ERR_CLOSED;
	*ret_error = answer.error;
	return ERR_OK;
}

int helper_process_end(struct helper_process *helper)
{
	pid_t pid = atomic_load(&helper->pid);
	if (pid == 0)
		return 0;
	close(helper->socket); /* it ends by itself when it is idle, and tells why it had ended */
	helper->socket = -1;
	int status = 0;
	if (waitpid(pid, &status, WNOHANG) == 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	atomic_store(&helper->pid, 0); /* after the reaping only: the number may be given again */
	return status;
}

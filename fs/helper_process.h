/* SPDX-License-Identifier: Apache-2.0 */
/* The helper as its daemon sees it: started, asked, ended. By one thread, which must live as long as it: the kernel kills the helper when
 * the thread that started it ends. */
#pragma once

#include <stdatomic.h>
#include <sys/types.h>

#include "base/err.h"
#include "fs/helper_call.h"

struct helper_process {
	_Atomic pid_t pid; /* 0: there is none; read by handlers, to know its requests */
	int socket;        /* -1 */
	int stop;          /* readable: an ask that waits gives up; lent by the owner */
	uint32_t number;   /* of the last call */
};

/* Returns when it holds the mount, which takes a few requests of the kernel to be served by other threads. ERR_MOUNT: it could not. Logged.
 * ERR_STOPPED. */
enum err helper_process_start(struct helper_process *helper, const char *mount_point) MUST_USE;
/* Waits for the answer. ERR_CLOSED: it ended; helper_process_end() tells why. ERR_STOPPED. ERR_TOO_LARGE: a path too long for one system
 * call. */
enum err helper_process_ask(struct helper_process *helper, struct helper_call *call, int *ret_error) MUST_USE;
/* Kills it if it runs, and reaps it. The status that it ended with, as of waitpid(2). */
int helper_process_end(struct helper_process *helper);

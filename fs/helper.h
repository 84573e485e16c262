/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The helper: a process of its own, without threads, that makes real system calls on the mount so that the kernel raises their events. What
 * the daemon answers to the kernel's requests for them changes nothing.
 *
 * It must be a process: while it sits in a system call on the mount, a daemon that is killed could not end if the caller were one of its
 * threads, and everybody who uses the mount would hang for ever. For the same reason it is the helper that has the kernel forget what it
 * cached, by calls that make it ask again; the notifications of libfuse wait for the same locks and pages. It holds no descriptor of /dev/fuse, is killed with the daemon (PR_SET_PDEATHSIG, and the end of the socket), and keeps the
 * mount through a private detached clone: what is mounted over it, made read-only or unmounted there does not disturb it. Because the clone
 * would keep an unmounted filesystem alive, it watches the mount table and ends itself then.
 */
#pragma once

#include "fs/helper_call.h"

enum {
	HELPER_SOCKET = 3, /* its end of the socket, beside the standard ones */

	/* How it ends, when it is not killed. */
	HELPER_EXIT_CLOSED = 0,
	HELPER_EXIT_FAILED = 1,
	HELPER_EXIT_UNMOUNTED = 17,
};

#define HELPER_ARGUMENT "--etcfs-replay-helper" /* argv[1]; then the daemon's pid and the mount point */

/* Does one call below the root directory of the mount; the errno of what failed, or 0. */
int helper_do(int root, const struct helper_call *call);
/* Serves calls until the socket closes or the mount is gone; the status to exit with. */
int helper_serve(int socket, int root);

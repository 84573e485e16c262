/* SPDX-License-Identifier: Apache-2.0 */
/* The connection with the kernel: mounted, served by a few threads, unmounted. */
#pragma once

#include "base/err.h"
#include "fs/state.h"

/* Makes and mounts it. ERR_MOUNT, ERR_PERMISSION; logged. */
enum err session_mount(struct fs *fs) MUST_USE;
enum err session_serve(struct fs *fs) MUST_USE;
void session_unmount(struct fs *fs); /* and waits for the threads */
void session_free(struct fs *fs);    /* when no call is under way */

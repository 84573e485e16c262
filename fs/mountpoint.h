/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory under a mount: what must be true of it before, and what is done to it so that a mount that is gone is noticed.
 *
 * A mount whose daemon died answers ENOTCONN to everyone: an error, as it should be. A mount that was taken away leaves the directory
 * under it, which must not pass for an empty configuration, nor take files that the next mount would hide: its mode is made 0, so that all but
 * root get EACCES, and it is made immutable where the filesystem knows that, so that root gets EPERM. It stays immutable when a daemon dies, until
 * the next one has stopped cleanly: between the two there is no moment at which a save could fall through.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

#define MOUNTPOINT_TYPE "fuse.etcfs" /* the filesystem type of our mounts in mountinfo */

/*
 * Takes a stale mount of ours away (its daemon is dead), then checks that `path` is an existing, empty directory on which nothing of ours is
 * mounted. ERR_NOT_FOUND, ERR_INVALID (not a directory), ERR_EXISTS (not empty, or a live mount of ours), ERR_PERMISSION, ERR_MOUNT (the stale
 * mount does not go away); logged with the remedy.
 */
enum err mountpoint_prepare(const char *path) MUST_USE;
/* Before mounting over it: mode 0, and immutable (FS_IOC_SETFLAGS). A directory of somebody else is left as it is: ERR_OK. */
enum err mountpoint_protect(const char *path) MUST_USE;
/* After a clean stop: not immutable any more, so that the directory can be removed. What cannot be done is logged. */
void mountpoint_release(const char *path);
/* Is a mount of our type at exactly this path (resolved by the caller's mount namespace)? */
bool mountpoint_is_ours(const char *path);

/* From a line of /proc/PID/mountinfo (proc(5)): the mount point, unescaped in place, and the type. False if it is no such line. */
struct mountpoint_line {
	const char *mount_point, *type;
};
bool mountpoint_parse(char *line, struct mountpoint_line *ret_line);

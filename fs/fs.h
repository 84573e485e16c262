/* SPDX-License-Identifier: Apache-2.0 */
/* The filesystem: the store of a replica, mounted. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "replica/replica.h"

struct fs;

enum fs_reads { FS_READS_LINEARIZABLE, FS_READS_LOCAL };

struct fs_options {
	const char *mount_point; /* an existing, empty directory */
	const char *root_key;    /* "" or "/a/b": where the root is in the key space */
	enum fs_reads reads;
	uint64_t read_timeout_ms, write_timeout_ms;
	size_t file_bytes_max;
	uint64_t quota_bytes; /* what statfs(2) shows as the size; as in replica_options */
	const char *version;
};

/* The first call of main(), before anything else: true if this process is the helper that replays changes as real system calls; it then has
 * done its work, and *ret_status is what to exit with. fs_start() starts it by executing this program again. */
bool fs_helper_main(int argc, char **argv, int *ret_status);

/* Cleans a stale mount of ours away, and looks at the mount point: for a daemon that should fail before it touches anything else.
 * ERR_NOT_FOUND, ERR_INVALID, ERR_EXISTS (not empty, or mounted), ERR_MOUNT, ERR_PERMISSION; logged with the remedy. */
enum err fs_mount_point_prepare(const char *mount_point) MUST_USE;

/* As fs_mount_point_prepare(); and makes the directory safe (a dead mount is an error, not an empty directory). Adds its observer to the replica, so call it between replica_open() and replica_start(). ERR_NOT_FOUND,
 * ERR_EXISTS (not empty), ERR_MOUNT, ERR_PERMISSION; logged with the remedy. */
enum err fs_open(const struct fs_options *options, struct replica *replica, struct fs **ret_fs) MUST_USE;
/* Mounts, and serves on threads of its own until fs_stop() or an umount from outside. */
enum err fs_start(struct fs *fs) MUST_USE;
/* True once the kernel let go of the mount (somebody unmounted it). */
bool fs_is_gone(struct fs *fs);
void fs_stop(struct fs *fs); /* commits what is staged (bounded by the write timeout), unmounts */
void fs_close(struct fs *fs);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files, whole: read, and replaced so that a crash leaves the old or the new content (written under a temporary name,
 * synced, renamed, directory synced). Errors are logged here with the path.
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

/* ERR_NOT_FOUND (not logged), ERR_TOO_LARGE, ERR_PERMISSION, ERR_IO. */
enum err file_read(const char *path, size_t size_max, struct arena *arena, struct bytes *ret_content) MUST_USE;
enum err file_replace(const char *path, struct bytes content, unsigned mode) MUST_USE;
/* The size and the CRC-32C of all of it. ERR_NOT_FOUND (not logged), ERR_PERMISSION, ERR_IO. */
enum err file_checksum(const char *path, uint64_t *ret_size, uint32_t *ret_checksum) MUST_USE;
/* Makes creations, renames and removals in a directory durable. */
enum err file_sync_directory(const char *path) MUST_USE;
/* One directory; ERR_OK if it is there already. */
enum err file_make_directory(const char *path, unsigned mode) MUST_USE;
/* A directory and all in it, not following links; ERR_OK when absent. */
enum err file_remove_tree(const char *path) MUST_USE;
/* Writes all of it, over short writes and EINTR. */
enum err file_write_all(int fd, struct bytes content) MUST_USE;

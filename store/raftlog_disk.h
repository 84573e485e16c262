/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a Raft log: the calls of raftlog_io with whole reads and writes, names instead of paths, and the one
 * rule for failures.
 *
 * While the log is being opened a failure is logged and returned. Once it runs, a failed write, sync, rename or removal ends
 * the process here, because afterwards nobody knows what the disk holds; only a full disk is returned, since the caller
 * may have been working ahead of need.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "store/raftlog_io.h"

enum { RAFTLOG_NAME_BYTES = 40 };

struct raftlog_disk {
	const struct raftlog_io *io;
	char *directory;
	bool running; /* set once, before other threads use it */
};

struct raftlog_file {
	char name[RAFTLOG_NAME_BYTES];
	int fd;
	uint64_t size_bytes;
};

/* ERR_NOT_FOUND is not logged. */
enum err raftlog_disk_open(const struct raftlog_disk *disk, const char *name, enum raftlog_open_kind kind,
                           struct raftlog_file *ret_file) MUST_USE;
void raftlog_disk_close(const struct raftlog_disk *disk, struct raftlog_file *file);
/* Never ends the process. ERR_CORRUPT: the file is shorter. */
enum err raftlog_disk_read(const struct raftlog_disk *disk, const struct raftlog_file *file, void *data, size_t size,
                           uint64_t offset) MUST_USE;
enum err raftlog_disk_write(const struct raftlog_disk *disk, const struct raftlog_file *file, const void *data,
                            size_t size, uint64_t offset) MUST_USE;
enum err raftlog_disk_sync(const struct raftlog_disk *disk, const struct raftlog_file *file) MUST_USE;
/* A new file of zeros that are really written, so that later writes change no metadata; synced. It is removed again when
 * that fails. ERR_NO_SPACE. */
enum err raftlog_disk_make(const struct raftlog_disk *disk, const char *name, uint64_t size_bytes,
                           struct raftlog_file *ret_file) MUST_USE;
enum err raftlog_disk_rename(const struct raftlog_disk *disk, struct raftlog_file *file, const char *name) MUST_USE;
/* ERR_OK when absent. */
enum err raftlog_disk_unlink(const struct raftlog_disk *disk, const char *name) MUST_USE;
enum err raftlog_disk_sync_directory(const struct raftlog_disk *disk) MUST_USE;
enum err raftlog_disk_make_directory(const struct raftlog_disk *disk) MUST_USE;
enum err raftlog_disk_list(const struct raftlog_disk *disk, void (*each)(void *argument, const char *name),
                           void *argument) MUST_USE;

/* Aligned for writes past the page cache, zeroed; freed with free(). */
void *raftlog_disk_memory(size_t size_bytes);
/* The next multiple of a block. */
uint64_t raftlog_disk_round(uint64_t size_bytes);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that the Raft log makes, as a table: the one seam where a test puts a disk of its own that loses, tears
 * and fails what it wants.
 *
 * Each call answers 0 or more for success, and a negative errno. Files are read and written in whole blocks of 4 KiB from
 * memory that is aligned to them, because they are opened past the page cache where the filesystem takes it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum raftlog_open_kind {
	RAFTLOG_OPEN_EXISTING,
	RAFTLOG_OPEN_NEW, /* made, or emptied */
};

struct raftlog_io {
	void *context; /* handed to each call */
	/* The descriptor. */
	int (*open)(void *context, const char *path, enum raftlog_open_kind kind);
	int (*close)(void *context, int fd);
	int64_t (*size)(void *context, int fd);
	/* The bytes read or written, which may be fewer than asked for. */
	int64_t (*pread)(void *context, int fd, void *data, size_t size, uint64_t offset);
	int64_t (*pwrite)(void *context, int fd, const void *data, size_t size, uint64_t offset);
	int (*fdatasync)(void *context, int fd);
	/* Space for that many bytes; -EOPNOTSUPP where a filesystem cannot. */
	int (*allocate)(void *context, int fd, uint64_t size);
	int (*rename)(void *context, const char *from, const char *to);
	int (*unlink)(void *context, const char *path);
	/* -EEXIST when it is there. */
	int (*mkdir)(void *context, const char *path);
	int (*sync_directory)(void *context, const char *path);
	/* Calls `each` for every name in it but "." and "..". */
	int (*list)(void *context, const char *path, void (*each)(void *argument, const char *name), void *argument);
};

extern const struct raftlog_io raftlog_io_system;

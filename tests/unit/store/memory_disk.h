/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk in memory behind raftlog_io, which forgets as a real one does when the power goes.
 *
 * What was not synced may be there or not, in pieces; a file's length and its data come and go independently; a name is durable
 * only once its directory was synced. A crash is taken from a disk as a new disk, so that one run can be crashed at each
 * of its calls.
 */
#pragma once

#include <stdbool.h>

#include "base/random.h"
#include "store/raftlog_io.h"

enum memory_loss {
	MEMORY_KILLED, /* the process is gone, the machine is not: nothing is lost, and nothing is durable that was not */
	MEMORY_KEPT,   /* all writes had reached the disk */
	MEMORY_LOST,   /* none had */
	MEMORY_TORN_512,  /* some sectors had */
	MEMORY_TORN_4096, /* some blocks had */
	MEMORY_ZEROED,    /* and others became zeros */
	MEMORY_GARBLED,   /* or garbage */
	MEMORY_LOSSES,
};

enum {
	MEMORY_PATH_BYTES = 96,
	MEMORY_FILES_MAX = 4096, /* ever made */
	MEMORY_NAMES_MAX = 256,
	MEMORY_FDS_MAX = 4096,    /* ever opened */
	MEMORY_WRITES_MAX = 1024, /* of one file, between two syncs */
};

struct memory_write {
	uint64_t offset;
	size_t size;
	uint8_t *data;
};

struct memory_file {
	uint8_t *data, *stable; /* what is read; what a sync has made durable */
	size_t size, stable_size;
	struct memory_write *writes; /* since the last sync */
	size_t write_count;
};

struct memory_name {
	char path[MEMORY_PATH_BYTES];
	struct memory_file *file; /* NULL: removed */
};

struct memory_change {
	char from[MEMORY_PATH_BYTES]; /* empty: `to` is made */
	char to[MEMORY_PATH_BYTES];   /* empty: `from` is removed */
	struct memory_file *file;
};

struct memory_disk {
	struct raftlog_io io;
	struct memory_file *files[MEMORY_FILES_MAX];
	size_t file_count;
	struct memory_name names[MEMORY_NAMES_MAX], stable_names[MEMORY_NAMES_MAX];
	size_t name_count, stable_name_count;
	struct memory_change *changes; /* of names, since the last sync of the directory */
	size_t change_count;
	struct memory_file *fds[MEMORY_FDS_MAX];
	size_t fd_count, open_count;
	uint64_t space_bytes; /* what files may still grow by */
	uint64_t calls;       /* that change something */
	uint64_t fail_at;     /* the number of the call that fails, from 1; 0: none */
	int fail_error;
	/* Before each call that changes something. */
	void (*before)(void *argument);
	void *argument;
};

struct memory_disk *memory_disk_new(void);
void memory_disk_free(struct memory_disk *disk);
/* What a crash now would leave; the disk itself is as before. */
struct memory_disk *memory_disk_crash(const struct memory_disk *disk, enum memory_loss loss, struct random *random);
/* The file of that name, or NULL: for damaging it. */
struct memory_file *memory_disk_find(struct memory_disk *disk, const char *path);
void memory_disk_remove(struct memory_disk *disk, const char *path);

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/memory_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

enum { BLOCK_BYTES = 4096, SECTOR_BYTES = 512 };

/* ---- files and names ---- */

static struct memory_file *file_new(struct memory_disk *disk)
{
	check(disk->file_count < MEMORY_FILES_MAX);
	struct memory_file *file = memory_new(sizeof *file);
	disk->files[disk->file_count++] = file;
	return file;
}

static void writes_forget(struct memory_file *file)
{
	for (size_t i = 0; i < file->write_count; i++)
		free(file->writes[i].data);
	free(file->writes);
	file->writes = NULL;
	file->write_count = 0;
}

static void file_free(struct memory_file *file)
{
	writes_forget(file);
	free(file->data);
	free(file->stable);
	free(file);
}

static void file_grow(struct memory_file *file, size_t size)
{
	if (size <= file->size)
		return;
	file->data = memory_resize(file->data, size, 1);
	memset(file->data + file->size, 0, size - file->size);
	file->size = size;
}

static struct memory_file *name_find(const struct memory_name *names, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i].path, path) == 0)
			return names[i].file;
	return NULL;
}

static void name_set(struct memory_name *names, size_t *count, const char *path, struct memory_file *file)
{
	size_t i = 0;
	while (i < *count && strcmp(names[i].path, path) != 0)
		i++;
	check(i < MEMORY_NAMES_MAX && strlen(path) < MEMORY_PATH_BYTES);
	if (i == *count)
		snprintf(names[(*count)++].path, MEMORY_PATH_BYTES, "%s", path);
	names[i].file = file;
	if (file == NULL)
		names[i] = names[--*count];
}

/* A rename is one step: it never loses the file, and never shows it twice. */
static void change_apply(struct memory_name *names, size_t *count, const struct memory_change *change)
{
	if (change->from[0] != '\0') {
		if (name_find(names, *count, change->from) != change->file)
			return; /* what it builds on was lost */
		name_set(names, count, change->from, NULL);
	}
	if (change->to[0] != '\0')
		name_set(names, count, change->to, change->file);
}

static void name_change(struct memory_disk *disk, const char *from, const char *to, struct memory_file *file)
{
	struct memory_change change = {.file = file};
	snprintf(change.from, sizeof change.from, "%s", from);
	snprintf(change.to, sizeof change.to, "%s", to);
	change_apply(disk->names, &disk->name_count, &change);
	disk->changes = memory_resize(disk->changes, disk->change_count + 1, sizeof *disk->changes);
	disk->changes[disk->change_count++] = change;
}

/* ---- the calls ---- */

/* 0, or the error that this call shall have. */
static int call_begin(struct memory_disk *disk)
{
	if (disk->before != NULL)
		disk->before(disk->argument);
	disk->calls++;
	return disk->calls == disk->fail_at ? -disk->fail_error : 0;
}

static int disk_open(void *context, const char *path, enum raftlog_open_kind kind)
{
	struct memory_disk *disk = context;
	struct memory_file *file = name_find(disk->names, disk->name_count, path);
	if (kind == RAFTLOG_OPEN_EXISTING && file == NULL)
		return -ENOENT;
	if (kind == RAFTLOG_OPEN_NEW) {
		int failed = call_begin(disk);
		if (failed < 0)
			return failed;
		if (file != NULL)
			name_change(disk, path, "", file);
		file = file_new(disk);
		name_change(disk, "", path, file);
	}
	check(disk->fd_count < MEMORY_FDS_MAX);
	disk->fds[disk->fd_count] = file;
	disk->open_count++;
	return (int)disk->fd_count++;
}

static struct memory_file *disk_fd(struct memory_disk *disk, int fd)
{
	check(fd >= 0 && (size_t)fd < disk->fd_count && disk->fds[fd] != NULL);
	return disk->fds[fd];
}

static int disk_close(void *context, int fd)
{
	struct memory_disk *disk = context;
	disk_fd(disk, fd);
	disk->fds[fd] = NULL;
	disk->open_count--;
	return 0;
}

static int64_t disk_size(void *context, int fd)
{
	return (int64_t)disk_fd(context, fd)->size;
}

static void aligned(const void *data, size_t size, uint64_t offset)
{
	check((uintptr_t)data % BLOCK_BYTES == 0 && size % BLOCK_BYTES == 0 && offset % BLOCK_BYTES == 0);
}

static int64_t disk_pread(void *context, int fd, void *data, size_t size, uint64_t offset)
{
	aligned(data, size, offset);
	const struct memory_file *file = disk_fd(context, fd);
	if (offset >= file->size)
		return 0;
	size_t there = file->size - (size_t)offset;
	size_t got = there < size ? there : size;
	memcpy(data, file->data + offset, got);
	return (int64_t)got;
}

static void write_note(struct memory_file *file, const void *data, size_t size, uint64_t offset)
{
	check(file->write_count < MEMORY_WRITES_MAX);
	file->writes = memory_resize(file->writes, file->write_count + 1, sizeof *file->writes);
	file->writes[file->write_count++] = (struct memory_write){offset, size, memory_dup(data, size)};
}

static int space_take(struct memory_disk *disk, const struct memory_file *file, size_t end)
{
	size_t more = end > file->size ? end - file->size : 0;
	if (more > disk->space_bytes)
		return -ENOSPC;
	disk->space_bytes -= more;
	return 0;
}

static int64_t disk_pwrite(void *context, int fd, const void *data, size_t size, uint64_t offset)
{
	struct memory_disk *disk = context;
	aligned(data, size, offset);
	struct memory_file *file = disk_fd(disk, fd);
	int failed = call_begin(disk);
	if (failed == 0)
		failed = space_take(disk, file, (size_t)offset + size);
	if (failed < 0)
		return failed;
	file_grow(file, (size_t)offset + size);
	memcpy(file->data + offset, data, size);
	write_note(file, data, size, offset);
	return (int64_t)size;
}

static int disk_fdatasync(void *context, int fd)
{
	struct memory_disk *disk = context;
	struct memory_file *file = disk_fd(disk, fd);
	int failed = call_begin(disk);
	if (failed < 0)
		return failed;
	file->stable = memory_resize(file->stable, file->size, 1);
	if (file->size != 0)
		memcpy(file->stable, file->data, file->size);
	file->stable_size = file->size;
	writes_forget(file);
	return 0;
}

static int disk_allocate(void *context, int fd, uint64_t size)
{
	struct memory_disk *disk = context;
	struct memory_file *file = disk_fd(disk, fd);
	int failed = call_begin(disk);
	if (failed == 0)
		failed = space_take(disk, file, size);
	if (failed == 0)
		file_grow(file, size);
	return failed;
}

static int disk_rename(void *context, const char *from, const char *to)
{
	struct memory_disk *disk = context;
	int failed = call_begin(disk);
	struct memory_file *file = name_find(disk->names, disk->name_count, from);
	if (failed < 0 || file == NULL)
		return failed < 0 ? failed : -ENOENT;
	name_change(disk, from, to, file);
	return 0;
}

static int disk_unlink(void *context, const char *path)
{
	struct memory_disk *disk = context;
	int failed = call_begin(disk);
	struct memory_file *file = name_find(disk->names, disk->name_count, path);
	if (failed < 0 || file == NULL)
		return failed < 0 ? failed : -ENOENT;
	disk->space_bytes += file->size;
	name_change(disk, path, "", file);
	return 0;
}

static int disk_mkdir(void *context, const char *path)
{
	(void)context;
	(void)path;
	return -EEXIST;
}

static int disk_sync_directory(void *context, const char *path)
{
	struct memory_disk *disk = context;
	size_t length = strlen(path);
	if (length > 3 && strcmp(path + length - 3, "/..") == 0)
		return 0;
	int failed = call_begin(disk);
	if (failed < 0)
		return failed;
	memcpy(disk->stable_names, disk->names, sizeof disk->names);
	disk->stable_name_count = disk->name_count;
	free(disk->changes);
	disk->changes = NULL;
	disk->change_count = 0;
	return 0;
}

static int disk_list(void *context, const char *path, void (*each)(void *argument, const char *name), void *argument)
{
	struct memory_disk *disk = context;
	size_t length = strlen(path), count = disk->name_count;
	struct memory_name *names = memory_dup(disk->names, sizeof disk->names); /* `each` may remove some */
	for (size_t i = 0; i < count; i++) {
		check(strncmp(names[i].path, path, length) == 0);
		each(argument, names[i].path + length + 1);
	}
	free(names);
	return 0;
}

struct memory_disk *memory_disk_new(void)
{
	struct memory_disk *disk = memory_new(sizeof *disk);
	disk->space_bytes = UINT64_MAX / 2;
	disk->io = (struct raftlog_io){
	    .context = disk,
	    .open = disk_open,
	    .close = disk_close,
	    .size = disk_size,
	    .pread = disk_pread,
	    .pwrite = disk_pwrite,
	    .fdatasync = disk_fdatasync,
	    .allocate = disk_allocate,
	    .rename = disk_rename,
	    .unlink = disk_unlink,
	    .mkdir = disk_mkdir,
	    .sync_directory = disk_sync_directory,
	    .list = disk_list,
	};
	return disk;
}

void memory_disk_free(struct memory_disk *disk)
{
	check(disk->open_count == 0); /* whoever used it has closed all */
	for (size_t i = 0; i < disk->file_count; i++)
		file_free(disk->files[i]);
	free(disk->changes);
	free(disk);
}

struct memory_file *memory_disk_find(struct memory_disk *disk, const char *path)
{
	return name_find(disk->names, disk->name_count, path);
}

void memory_disk_remove(struct memory_disk *disk, const char *path)
{
	check(memory_disk_find(disk, path) != NULL);
	name_set(disk->names, &disk->name_count, path, NULL);
	name_set(disk->stable_names, &disk->stable_name_count, path, NULL);
}

/* ---- the crash ---- */

static void piece_settle(struct memory_file *file, const struct memory_write *write, size_t at, size_t size,
                         enum memory_loss loss, struct random *random)
{
	uint8_t *place = file->data + write->offset + at;
	size_t fate = (size_t)random_below(random, loss >= MEMORY_ZEROED ? 3 : 2);
	if (loss == MEMORY_KEPT || (loss != MEMORY_LOST && fate == 0)) {
		memcpy(place, write->data + at, size);
	} else if (loss == MEMORY_ZEROED && fate == 1) {
		memset(place, 0, size);
	} else if (loss == MEMORY_GARBLED && fate == 1) {
		for (size_t i = 0; i < size; i++)
			place[i] = (uint8_t)random_next(random);
	}
}

static void write_settle(struct memory_file *file, const struct memory_write *write, enum memory_loss loss,
                         struct random *random)
{
	size_t piece_bytes =
	    loss == MEMORY_TORN_4096 || loss == MEMORY_KEPT || loss == MEMORY_LOST ? BLOCK_BYTES : SECTOR_BYTES;
	for (size_t at = 0; at < write->size; at += piece_bytes) {
		if (write->offset + at + piece_bytes <= file->size)
			piece_settle(file, write, at, piece_bytes, loss, random);
	}
}

static struct memory_file *file_after(struct memory_disk *disk, const struct memory_file *from, enum memory_loss loss,
                                      struct random *random)
{
	struct memory_file *file = file_new(disk);
	size_t size = from->stable_size;
	if (loss == MEMORY_KEPT || (loss != MEMORY_LOST && random_below(random, 2) == 0))
		size = from->size;
	file_grow(file, size);
	if (from->stable_size != 0)
		memcpy(file->data, from->stable, from->stable_size < size ? from->stable_size : size);
	for (size_t i = 0; i < from->write_count; i++)
		write_settle(file, &from->writes[i], loss, random);
	file->stable = memory_dup(file->data, file->size);
	file->stable_size = file->size;
	return file;
}

static struct memory_file *file_copy(struct memory_disk *disk, const struct memory_file *from)
{
	struct memory_file *file = file_new(disk);
	file->data = memory_dup(from->data, from->size);
	file->size = from->size;
	file->stable = memory_dup(from->stable, from->stable_size);
	file->stable_size = from->stable_size;
	for (size_t i = 0; i < from->write_count; i++)
		write_note(file, from->writes[i].data, from->writes[i].size, from->writes[i].offset);
	return file;
}

/* Which of the names' changes had reached the disk: all, none, the first ones, or any. */
static void names_after(struct memory_disk *disk, const struct memory_disk *from, enum memory_loss loss,
                        struct random *random)
{
	memcpy(disk->names, from->stable_names, sizeof disk->names);
	disk->name_count = from->stable_name_count;
	size_t first = (size_t)random_below(random, from->change_count + 1);
	bool in_order = random_below(random, 2) == 0;
	for (size_t i = 0; i < from->change_count; i++) {
		bool kept = in_order ? i < first : random_below(random, 2) == 0;
		if (loss == MEMORY_KEPT || (loss != MEMORY_LOST && kept))
			change_apply(disk->names, &disk->name_count, &from->changes[i]);
	}
}

static struct memory_file *file_counterpart(const struct memory_disk *disk, const struct memory_disk *from,
                                            const struct memory_file *file)
{
	for (size_t i = 0; i < from->file_count; i++)
		if (from->files[i] == file)
			return disk->files[i];
	return NULL;
}

static void names_turn(struct memory_disk *disk, const struct memory_disk *from)
{
	for (size_t i = 0; i < disk->name_count; i++)
		disk->names[i].file = file_counterpart(disk, from, disk->names[i].file);
	for (size_t i = 0; i < disk->stable_name_count; i++)
		disk->stable_names[i].file = file_counterpart(disk, from, disk->stable_names[i].file);
	for (size_t i = 0; i < disk->change_count; i++)
		disk->changes[i].file = file_counterpart(disk, from, disk->changes[i].file);
}

/* Some name leads to it, or did at the last sync of the directory. */
static bool file_has_name(const struct memory_disk *disk, const struct memory_file *file)
{
	for (size_t i = 0; i < disk->name_count; i++)
		if (disk->names[i].file == file)
			return true;
	for (size_t i = 0; i < disk->stable_name_count; i++)
		if (disk->stable_names[i].file == file)
			return true;
	for (size_t i = 0; i < disk->change_count; i++)
		if (disk->changes[i].file == file)
			return true;
	return false;
}

struct memory_disk *memory_disk_crash(const struct memory_disk *from, enum memory_loss loss, struct random *random)
{
	struct memory_disk *disk = memory_disk_new();
	disk->space_bytes = from->space_bytes;
	for (size_t i = 0; i < from->file_count; i++) {
		if (!file_has_name(from, from->files[i]))
			file_new(disk); /* keeps the places alike */
		else if (loss == MEMORY_KILLED)
			file_copy(disk, from->files[i]);
		else
			file_after(disk, from->files[i], loss, random);
	}
	if (loss == MEMORY_KILLED) {
		memcpy(disk->names, from->names, sizeof disk->names);
		disk->name_count = from->name_count;
		memcpy(disk->stable_names, from->stable_names, sizeof disk->stable_names);
		disk->stable_name_count = from->stable_name_count;
		disk->changes = memory_dup(from->changes, from->change_count * sizeof *from->changes);
		disk->change_count = from->change_count;
	} else {
		names_after(disk, from, loss, random);
		memcpy(disk->stable_names, disk->names, sizeof disk->names);
		disk->stable_name_count = disk->name_count;
	}
	names_turn(disk, from);
	return disk;
}

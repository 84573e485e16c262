/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raftlog_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/raftlog_format.h"

/* One write of zeros: small, so that a batch of the log hardly waits behind it. */
enum { RAFTLOG_ZEROS_BYTES = 256 << 10 };

static const char *disk_remedy(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "free space on that filesystem and start again";
	case EACCES:
	case EPERM:
	case EROFS:
		return "give the daemon's user write access to it";
	default:
		return "check the disk (dmesg, smartctl); if it fails, replace this member";
	}
}

/* The end of every failed call: see the file comment of the header. */
static enum err disk_failed(const struct raftlog_disk *disk, const char *call, const char *name, int64_t result)
{
	int error = (int)-result;
	enum err err = err_from_errno(error);
	if (disk->running && err != ERR_NO_SPACE)
		log_fatal("raftlog_failed", "call=%s path=%s/%s error=\"%s\" remedy=\"%s\"", call, disk->directory,
		          name, strerror(error), disk_remedy(error));
	log_error("raftlog_failed", "call=%s path=%s/%s error=\"%s\" remedy=\"%s\"", call, disk->directory, name,
	          strerror(error), disk_remedy(error));
	return err;
}

static char *disk_path(const struct raftlog_disk *disk, const char *name)
{
	return memory_format("%s/%s", disk->directory, name);
}

enum err raftlog_disk_open(const struct raftlog_disk *disk, const char *name, enum raftlog_open_kind kind,
                           struct raftlog_file *ret_file)
{
	AUTO_FREE char *path = disk_path(disk, name);
	int fd = disk->io->open(disk->io->context, path, kind);
	if (fd == -ENOENT && kind == RAFTLOG_OPEN_EXISTING)
		return ERR_NOT_FOUND;
	if (fd < 0)
		return disk_failed(disk, "open", name, fd);
	int64_t size = disk->io->size(disk->io->context, fd);
	if (size < 0) {
		disk->io->close(disk->io->context, fd);
		return disk_failed(disk, "fstat", name, size);
	}
	*ret_file = (struct raftlog_file){.fd = fd, .size_bytes = (uint64_t)size};
	snprintf(ret_file->name, sizeof ret_file->name, "%s", name);
	return ERR_OK;
}

void raftlog_disk_close(const struct raftlog_disk *disk, struct raftlog_file *file)
{
	if (file->fd >= 0)
		disk->io->close(disk->io->context, file->fd); /* everything that matters was synced */
	file->fd = -1;
}

enum err raftlog_disk_read(const struct raftlog_disk *disk, const struct raftlog_file *file, void *data, size_t size,
                           uint64_t offset)
{
	for (size_t done = 0; done < size;) {
		int64_t got =
		    disk->io->pread(disk->io->context, file->fd, (uint8_t *)data + done, size - done, offset + done);
		if (got == -EINTR)
			continue;
		if (got == 0)
			return ERR_CORRUPT;
		if (got < 0) {
			log_error("raftlog_read_failed", "call=pread path=%s/%s offset=%llu error=\"%s\"",
			          disk->directory, file->name, (unsigned long long)(offset + done),
			          strerror((int)-got));
			return err_from_errno((int)-got);
		}
		done += (size_t)got;
	}
	return ERR_OK;
}

enum err raftlog_disk_write(const struct raftlog_disk *disk, const struct raftlog_file *file, const void *data,
                            size_t size, uint64_t offset)
{
	check(size % RAFTLOG_BLOCK_BYTES == 0 && offset % RAFTLOG_BLOCK_BYTES == 0);
	for (size_t done = 0; done < size;) {
		int64_t wrote = disk->io->pwrite(disk->io->context, file->fd, (const uint8_t *)data + done, size - done,
		                                 offset + done);
		if (wrote == -EINTR)
			continue;
		if (wrote <= 0)
			return disk_failed(disk, "pwrite", file->name, wrote == 0 ? -EIO : wrote);
		done += (size_t)wrote;
	}
	return ERR_OK;
}

enum err raftlog_disk_sync(const struct raftlog_disk *disk, const struct raftlog_file *file)
{
	int result = disk->io->fdatasync(disk->io->context, file->fd);
	return result < 0 ? disk_failed(disk, "fdatasync", file->name, result) : ERR_OK;
}

static enum err disk_fill(const struct raftlog_disk *disk, struct raftlog_file *file, uint64_t size_bytes)
{
	int result = disk->io->allocate(disk->io->context, file->fd, size_bytes);
	if (result < 0 && result != -EOPNOTSUPP)
		return disk_failed(disk, "fallocate", file->name, result);
	AUTO_FREE void *zeros = raftlog_disk_memory(RAFTLOG_ZEROS_BYTES);
	for (uint64_t done = 0; done < size_bytes; done += RAFTLOG_ZEROS_BYTES) {
		uint64_t rest = size_bytes - done;
		size_t size = rest < RAFTLOG_ZEROS_BYTES ? (size_t)rest : RAFTLOG_ZEROS_BYTES;
		enum err err = raftlog_disk_write(disk, file, zeros, size, done);
		if (err != ERR_OK)
			return err;
	}
	file->size_bytes = size_bytes;
	return raftlog_disk_sync(disk, file);
}

enum err raftlog_disk_make(const struct raftlog_disk *disk, const char *name, uint64_t size_bytes,
                           struct raftlog_file *ret_file)
{
	check(size_bytes % RAFTLOG_BLOCK_BYTES == 0);
	struct raftlog_file file;
	enum err err = raftlog_disk_open(disk, name, RAFTLOG_OPEN_NEW, &file);
	if (err != ERR_OK)
		return err;
	err = disk_fill(disk, &file, size_bytes);
	if (err == ERR_OK) {
		*ret_file = file;
		return ERR_OK;
	}
	raftlog_disk_close(disk, &file);
	enum err removed = raftlog_disk_unlink(disk, name);
	return removed == ERR_OK ? err : removed;
}

enum err raftlog_disk_rename(const struct raftlog_disk *disk, struct raftlog_file *file, const char *name)
{
	AUTO_FREE char *from = disk_path(disk, file->name);
	AUTO_FREE char *to = disk_path(disk, name);
	int result = disk->io->rename(disk->io->context, from, to);
	if (result < 0)
		return disk_failed(disk, "rename", file->name, result);
	snprintf(file->name, sizeof file->name, "%s", name);
	return ERR_OK;
}

enum err raftlog_disk_unlink(const struct raftlog_disk *disk, const char *name)
{
	AUTO_FREE char *path = disk_path(disk, name);
	int result = disk->io->unlink(disk->io->context, path);
	return result < 0 && result != -ENOENT ? disk_failed(disk, "unlink", name, result) : ERR_OK;
}

enum err raftlog_disk_sync_directory(const struct raftlog_disk *disk)
{
	int result = disk->io->sync_directory(disk->io->context, disk->directory);
	return result < 0 ? disk_failed(disk, "fsync", ".", result) : ERR_OK;
}

enum err raftlog_disk_make_directory(const struct raftlog_disk *disk)
{
	int result = disk->io->mkdir(disk->io->context, disk->directory);
	if (result < 0 && result != -EEXIST)
		return disk_failed(disk, "mkdir", ".", result);
	AUTO_FREE char *parent = disk_path(disk, "..");
	result = disk->io->sync_directory(disk->io->context, parent);
	return result < 0 ? disk_failed(disk, "fsync", "..", result) : ERR_OK;
}

enum err raftlog_disk_list(const struct raftlog_disk *disk, void (*each)(void *argument, const char *name),
                           void *argument)
{
	int result = disk->io->list(disk->io->context, disk->directory, each, argument);
	return result < 0 ? disk_failed(disk, "readdir", ".", result) : ERR_OK;
}

void *raftlog_disk_memory(size_t size_bytes)
{
	void *memory = aligned_alloc(RAFTLOG_BLOCK_BYTES, raftlog_disk_round(size_bytes));
	check(memory != NULL);
	return memset(memory, 0, raftlog_disk_round(size_bytes));
}

uint64_t raftlog_disk_round(uint64_t size_bytes)
{
	return (size_bytes + RAFTLOG_BLOCK_BYTES - 1) / RAFTLOG_BLOCK_BYTES * RAFTLOG_BLOCK_BYTES;
}

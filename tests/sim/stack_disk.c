/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_disk.h"

#include "base/check.h"
#include "tests/sim/stack_fibre.h"
#include "tests/sim/stack_machine.h"

static struct raftlog_io disk_tables[WORLD_NODES_MAX + 1];

static struct memory_disk *disk_of(void *context)
{
	return ((struct machine *)context)->disk;
}

/* As the disk is at the moment; slow ones stand still for some election timeouts. */
static void disk_take_time(const struct machine *machine)
{
	const struct machine_plan *plan = machine_plan();
	uint64_t us = 30 + world_below(plan->disk_us_max);
	if (machine->disk_slow)
		us += world_below(3 * plan->election_ms * (uint64_t)WORLD_MS);
	if (fibre_self() != NULL)
		fibre_sleep_us(us);
}

static int disk_open(void *context, const char *path, enum raftlog_open_kind kind)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.open(disk, path, kind);
}

static int disk_close(void *context, int fd)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.close(disk, fd);
}

static int64_t disk_size(void *context, int fd)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.size(disk, fd);
}

static int64_t disk_pread(void *context, int fd, void *data, size_t size, uint64_t offset)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.pread(disk, fd, data, size, offset);
}

static int64_t disk_pwrite(void *context, int fd, const void *data, size_t size, uint64_t offset)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.pwrite(disk, fd, data, size, offset);
}

static int disk_fdatasync(void *context, int fd)
{
	struct memory_disk *disk = disk_of(context);
	disk_take_time(context);
	return disk->io.fdatasync(disk, fd);
}

static int disk_allocate(void *context, int fd, uint64_t size)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.allocate(disk, fd, size);
}

static int disk_rename(void *context, const char *from, const char *to)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.rename(disk, from, to);
}

static int disk_unlink(void *context, const char *path)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.unlink(disk, path);
}

static int disk_mkdir(void *context, const char *path)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.mkdir(disk, path);
}

static int disk_sync_directory(void *context, const char *path)
{
	struct memory_disk *disk = disk_of(context);
	disk_take_time(context);
	return disk->io.sync_directory(disk, path);
}

static int disk_list(void *context, const char *path, void (*each)(void *argument, const char *name), void *argument)
{
	struct memory_disk *disk = disk_of(context);
	return disk->io.list(disk, path, each, argument);
}

const struct raftlog_io *disk_io(unsigned node)
{
	disk_tables[node] = (struct raftlog_io){
	    .context = machine_at(node),
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
	return &disk_tables[node];
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/handle.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/memory.h"
#include "fs/stage.h"

static struct handle *handle_new(struct fs *fs, enum handle_kind kind)
{
	struct handle *handle = memory_new(sizeof *handle);
	handle->kind = kind;
	pthread_mutex_lock(&fs->handles_mutex);
	LIST_INSERT_HEAD(&fs->handles, handle, next);
	pthread_mutex_unlock(&fs->handles_mutex);
	return handle;
}

struct handle *handle_new_file(struct fs *fs, struct node *node, int flags)
{
	struct handle *handle = handle_new(fs, HANDLE_FILE);
	handle->node = node_pin(fs->nodes, node);
	handle->stage = stage_of(fs, node);
	handle->writable = (flags & O_ACCMODE) != O_RDONLY;
	handle->append = (flags & O_APPEND) != 0;
	handle->direct = fs->direct_reads && !handle->writable && !fs_is_local(fs);
	reading_init(&handle->reading);
	stage_open(handle->stage);
	if (handle->writable)
		stage_begin_writing(handle->stage);
	return handle;
}

struct handle *handle_new_directory(struct fs *fs, struct node *node)
{
	struct handle *handle = handle_new(fs, HANDLE_DIRECTORY);
	handle->node = node ? node_pin(fs->nodes, node) : NULL;
	listing_init(&handle->listing);
	return handle;
}

struct handle *handle_new_virtual(struct fs *fs)
{
	struct handle *handle = handle_new(fs, HANDLE_VIRTUAL);
	arena_init(&handle->arena);
	return handle;
}

void handle_free(struct fs *fs, struct handle *handle)
{
	pthread_mutex_lock(&fs->handles_mutex);
	LIST_REMOVE(handle, next);
	pthread_mutex_unlock(&fs->handles_mutex);
	if (handle->kind == HANDLE_FILE) {
		if (handle->writable)
			stage_end_writing(handle->stage);
		stage_close(handle->stage);
		reading_fini(&handle->reading);
	}
	if (handle->kind == HANDLE_DIRECTORY)
		listing_fini(&handle->listing);
	if (handle->kind == HANDLE_VIRTUAL)
		arena_fini(&handle->arena);
	node_unpin(fs->nodes, handle->node);
	free(handle);
}

void handle_free_all(struct fs *fs)
{
	struct handle *handle;
	while ((handle = LIST_FIRST(&fs->handles)) != NULL)
		handle_free(fs, handle);
}

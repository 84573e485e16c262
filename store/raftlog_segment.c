/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raftlog_segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/random.h"

enum { SEGMENT_DIGITS = 16 };

void raftlog_segment_name(uint64_t sequence, char ret_name[RAFTLOG_NAME_BYTES])
{
	snprintf(ret_name, RAFTLOG_NAME_BYTES, "%016" PRIx64 ".log", sequence);
}

bool raftlog_segment_parse(const char *name, uint64_t *ret_sequence)
{
	char *end;
	if (strspn(name, "0123456789abcdef") != SEGMENT_DIGITS)
		return false;
	uint64_t sequence = strtoull(name, &end, 16);
	if (strcmp(end, ".log") != 0)
		return false;
	*ret_sequence = sequence;
	return true;
}

static struct raftlog_segment *segment_new(const struct raftlog_file *file)
{
	struct raftlog_segment *segment = memory_new(sizeof *segment);
	segment->file = *file;
	segment->end = RAFTLOG_BLOCK_BYTES;
	return segment;
}

enum err raftlog_segment_open(const struct raftlog_disk *disk, const char *name, struct raftlog_segment **ret_segment)
{
	struct raftlog_file file;
	enum err err = raftlog_disk_open(disk, name, RAFTLOG_OPEN_EXISTING, &file);
	if (err == ERR_OK)
		*ret_segment = segment_new(&file);
	return err;
}

enum err raftlog_segment_make(const struct raftlog_disk *disk, const char *name, uint64_t size_bytes,
                              struct raftlog_segment **ret_segment)
{
	struct raftlog_file file;
	enum err err = raftlog_disk_make(disk, name, size_bytes, &file);
	if (err == ERR_OK)
		*ret_segment = segment_new(&file);
	return err;
}

enum err raftlog_segment_begin(const struct raftlog_disk *disk, struct raftlog_segment *segment,
                               const struct raftlog_header *header)
{
	segment->header = *header;
	segment->header.size_bytes = segment->file.size_bytes;
	segment->header.salt = (uint32_t)random_from_system();
	segment->end = RAFTLOG_BLOCK_BYTES;
	segment->index_last = header->base.index;
	AUTO_FREE uint8_t *block = raftlog_disk_memory(RAFTLOG_BLOCK_BYTES);
	raftlog_header_encode(&segment->header, block);
	char name[RAFTLOG_NAME_BYTES];
	raftlog_segment_name(header->sequence, name);
	enum err err = raftlog_disk_write(disk, &segment->file, block, RAFTLOG_BLOCK_BYTES, 0);
	if (err == ERR_OK)
		err = raftlog_disk_sync(disk, &segment->file);
	if (err == ERR_OK)
		err = raftlog_disk_rename(disk, &segment->file, name);
	return err == ERR_OK ? raftlog_disk_sync_directory(disk) : err;
}

void raftlog_segment_free(const struct raftlog_disk *disk, struct raftlog_segment *segment)
{
	if (segment == NULL)
		return;
	check(segment->readers == 0);
	raftlog_disk_close(disk, &segment->file);
	free(segment);
}

void raftlog_window_init(struct raftlog_window *window, const struct raftlog_disk *disk, size_t ahead_bytes)
{
	*window = (struct raftlog_window){.disk = disk, .ahead_bytes = ahead_bytes};
}

void raftlog_window_fini(struct raftlog_window *window)
{
	free(window->data);
	window->data = NULL;
}

void raftlog_window_turn(struct raftlog_window *window, const struct raftlog_segment *segment, uint64_t end)
{
	window->segment = segment;
	window->size = 0;
	window->end = end < segment->file.size_bytes ? end : segment->file.size_bytes;
}

static enum err window_fill(struct raftlog_window *window, uint64_t offset, size_t size)
{
	uint64_t begin = offset / RAFTLOG_BLOCK_BYTES * RAFTLOG_BLOCK_BYTES;
	uint64_t end = raftlog_disk_round(offset + size);
	uint64_t ahead = begin + window->ahead_bytes;
	uint64_t limit = raftlog_disk_round(window->end);
	if (end < ahead)
		end = ahead < limit ? ahead : limit;
	if (end > window->segment->file.size_bytes)
		return ERR_CORRUPT; /* a file cut within a block */
	if (end - begin > window->capacity) {
		free(window->data);
		window->data = raftlog_disk_memory(end - begin);
		window->capacity = end - begin;
	}
	window->size = 0;
	enum err err =
	    raftlog_disk_read(window->disk, &window->segment->file, window->data, (size_t)(end - begin), begin);
	if (err != ERR_OK)
		return err;
	window->offset = begin;
	window->size = (size_t)(end - begin);
	return ERR_OK;
}

enum err raftlog_window_get(struct raftlog_window *window, uint64_t offset, size_t size, const uint8_t **ret_data)
{
	if (offset > window->end || size > window->end - offset)
		return ERR_CORRUPT;
	if (offset < window->offset || offset + size > window->offset + window->size) {
		enum err err = window_fill(window, offset, size);
		if (err != ERR_OK)
			return err;
	}
	*ret_data = window->data + (offset - window->offset);
	return ERR_OK;
}

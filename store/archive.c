/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a view as one run of bytes (docs/disk-format.md): every row of every family, and a checksum. It reads what the view
 * has pinned, so it makes no copy on the disk, and holds no more in memory than a row.
 */
#include "store/view.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/memory.h"

enum {
	ARCHIVE_FORMAT = 1,
	ARCHIVE_ROW = 1, /* what follows: a row */
	ARCHIVE_FAMILY,  /* the rows after it are of this family */
	ARCHIVE_END,
	ARCHIVE_ROW_BYTES_MAX = 32, /* beside key and value */
	ARCHIVE_NUMBER_BYTES_MAX = 10,
};

#define ARCHIVE_MAGIC "etcfs-archive\n\0\0"

enum archive_state { ARCHIVE_AT_BEGIN, ARCHIVE_AT_FAMILY, ARCHIVE_AT_ROWS, ARCHIVE_AT_END, ARCHIVE_DONE };

struct kv_archive {
	struct kv_view *view;
	enum archive_state state;
	enum family family;
	struct walk walk; /* in ARCHIVE_AT_ROWS */
	uint64_t bytes, rows;
	uint32_t checksum;
};

struct kv_archive *kv_archive_new(struct kv_view *view)
{
	struct kv_archive *archive = memory_new(sizeof *archive);
	*archive = (struct kv_archive){.view = view, .state = ARCHIVE_AT_BEGIN};
	return archive;
}

void kv_archive_free(struct kv_archive *archive)
{
	if (archive->state == ARCHIVE_AT_ROWS)
		walk_close(&archive->walk);
	kv_view_close(archive->view);
	free(archive);
}

static void archive_begin(struct kv_archive *archive, struct buffer *buffer)
{
	const struct state *state = &archive->view->state;
	buffer_put(buffer, BYTES_LITERAL(ARCHIVE_MAGIC));
	buffer_put_u32(buffer, ARCHIVE_FORMAT);
	buffer_put_u32(buffer, ROW_FORMAT);
	buffer_put_u64(buffer, state->index);
	buffer_put_u64(buffer, state->term);
	buffer_put_u64(buffer, (uint64_t)state->revision);
	buffer_put_u64(buffer, (uint64_t)state->compacted);
	archive->state = ARCHIVE_AT_FAMILY;
}

static void archive_family(struct kv_archive *archive, struct buffer *buffer)
{
	if (archive->family == FAMILY_COUNT) {
		archive->state = ARCHIVE_AT_END;
		return;
	}
	buffer_put_u8(buffer, ARCHIVE_FAMILY);
	buffer_put_sized(buffer, bytes_of_string(family_name(archive->family)));
	walk_open_once(&archive->walk, archive->view->database, archive->view->snapshot, archive->family);
	walk_seek(&archive->walk, BYTES_NONE);
	archive->state = ARCHIVE_AT_ROWS;
}

static enum err archive_row(struct kv_archive *archive, struct buffer *buffer)
{
	if (!walk_at_row(&archive->walk)) {
		enum err err = walk_err(&archive->walk);
		if (err != ERR_OK)
			return err;
		walk_close(&archive->walk);
		archive->family++;
		archive->state = ARCHIVE_AT_FAMILY;
		return ERR_OK;
	}
	struct bytes key = walk_key(&archive->walk), value = walk_value(&archive->walk);
	if (buffer->size_max - buffer->size < key.size + value.size + ARCHIVE_ROW_BYTES_MAX)
		return ERR_TOO_LARGE;
	buffer_put_u8(buffer, ARCHIVE_ROW);
	buffer_put_sized(buffer, key);
	buffer_put_sized(buffer, value);
	archive->rows++;
	walk_next(&archive->walk);
	return ERR_OK;
}

static void archive_count(struct kv_archive *archive, struct bytes bytes)
{
	archive->bytes += bytes.size;
	archive->checksum = crc32c(archive->checksum, bytes);
}

/* The checksum is of all before it; zeros fill the last block. */
static void archive_end(struct kv_archive *archive, struct buffer *buffer)
{
	size_t from = buffer->size;
	buffer_put_u8(buffer, ARCHIVE_END);
	buffer_put_u64(buffer, archive->rows);
	archive_count(archive, bytes_from(buffer_bytes(buffer), from));
	buffer_put_u32(buffer, archive->checksum);
	archive->bytes += sizeof archive->checksum;
	for (; archive->bytes % KV_ARCHIVE_BLOCK_BYTES != 0; archive->bytes++)
		buffer_put_u8(buffer, 0);
	archive->state = ARCHIVE_DONE;
}

enum err kv_archive_step(struct kv_archive *archive, size_t bytes, struct buffer *buffer, bool *ret_done)
{
	size_t from = buffer->size;
	enum err err = ERR_OK;
	check(buffer->size_max - from >= 2 * KV_ARCHIVE_BLOCK_BYTES);
	while (err == ERR_OK && archive->state < ARCHIVE_AT_END && buffer->size - from < bytes) {
		size_t at = buffer->size;
		if (archive->state == ARCHIVE_AT_BEGIN)
			archive_begin(archive, buffer);
		else if (archive->state == ARCHIVE_AT_FAMILY)
			archive_family(archive, buffer);
		else
			err = archive_row(archive, buffer);
		archive_count(archive, bytes_from(buffer_bytes(buffer), at));
	}
	if (err == ERR_TOO_LARGE && buffer->size > from)
		err = ERR_OK; /* it has a buffer of its own next time */
	if (err == ERR_OK && archive->state == ARCHIVE_AT_END && buffer->size - from < bytes)
		archive_end(archive, buffer);
	if (err == ERR_OK)
		*ret_done = archive->state == ARCHIVE_DONE;
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One segment file: made ahead of need under another name, begun with a header, read through a window. */
#pragma once

#include <stdbool.h>

#include "store/raftlog_disk.h"
#include "store/raftlog_format.h"

struct raftlog_segment {
	struct raftlog_file file;
	struct raftlog_header header;
	uint64_t end;        /* where the next batch goes */
	uint64_t index_last; /* of the log when its last batch was written: what it holds above that was dropped */
	unsigned readers;    /* who read its file just now */
	bool retired;        /* closed by the last of them */
};

/* "00000000000000a0.log" */
void raftlog_segment_name(uint64_t sequence, char ret_name[RAFTLOG_NAME_BYTES]);
bool raftlog_segment_parse(const char *name, uint64_t *ret_sequence);

/* The existing file, its header unread. */
enum err raftlog_segment_open(const struct raftlog_disk *disk, const char *name,
                              struct raftlog_segment **ret_segment) MUST_USE;
/* A new one of zeros under that name, not begun. */
enum err raftlog_segment_make(const struct raftlog_disk *disk, const char *name, uint64_t size_bytes,
                              struct raftlog_segment **ret_segment) MUST_USE;
/* Writes the header and gives it the name that its sequence says; durable on return. Size and salt are filled in. */
enum err raftlog_segment_begin(const struct raftlog_disk *disk, struct raftlog_segment *segment,
                               const struct raftlog_header *header) MUST_USE;
/* Closes the file and frees. NULL is fine. */
void raftlog_segment_free(const struct raftlog_disk *disk, struct raftlog_segment *segment);

/* A reader of one segment: aligned reads ahead, into memory of its own. */
struct raftlog_window {
	const struct raftlog_disk *disk;
	const struct raftlog_segment *segment;
	size_t ahead_bytes;
	uint64_t end; /* of what may be read */
	uint8_t *data;
	size_t capacity, size;
	uint64_t offset;
};

void raftlog_window_init(struct raftlog_window *window, const struct raftlog_disk *disk, size_t ahead_bytes);
void raftlog_window_fini(struct raftlog_window *window);
void raftlog_window_turn(struct raftlog_window *window, const struct raftlog_segment *segment, uint64_t end);
/* *ret_data is lent until the next call. ERR_CORRUPT past the end; ERR_IO. */
enum err raftlog_window_get(struct raftlog_window *window, uint64_t offset, size_t size,
                            const uint8_t **ret_data) MUST_USE;

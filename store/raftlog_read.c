/* SPDX-License-Identifier: Apache-2.0 */
/* Reading entries from any thread: from memory, or from the disk without a lock held. */
#include "store/raftlog_private.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/log.h"

enum {
	READ_AHEAD_BYTES = 128 << 10,
	READ_ENTRIES_MAX = 4096, /* of one read: more are read by asking again */
	SCAN_BYTES = 1 << 20,
};

/* What was asked for, and what was found so far. */
struct reading {
	uint64_t next; /* the index wanted next */
	size_t count_max, size_bytes_max, size_bytes;
	struct arena *arena;
	struct raftlog_entry *entries;
	size_t count;
};

static bool reading_wants(const struct reading *reading, uint64_t payload_bytes)
{
	return reading->count == 0 ||
	       (reading->count < reading->count_max && payload_bytes <= reading->size_bytes_max - reading->size_bytes);
}

static void reading_add(struct reading *reading, const struct raftlog_entry_record *record)
{
	reading->entries[reading->count++] = (struct raftlog_entry){
	    .index = record->index,
	    .term = record->term,
	    .kind = (uint8_t)record->kind,
	    .time_ns = record->time_ns,
	    .payload = arena_dup(reading->arena, record->payload),
	};
	reading->next++;
	reading->size_bytes += record->payload.size;
	if (reading->size_bytes > reading->size_bytes_max) /* one that is larger than the maximum */
		reading->size_bytes = reading->size_bytes_max;
}

/* Adds one record that lies at `data`, if it is wanted; *ret_done when no more are. */
static enum err reading_take(struct reading *reading, const uint8_t *data, uint32_t salt, bool *ret_done)
{
	struct raftlog_entry_record record;
	if (raftlog_entry_decode(data, salt, &record) != ERR_OK || record.index != reading->next)
		return ERR_CORRUPT;
	*ret_done = !reading_wants(reading, record.payload.size);
	if (!*ret_done)
		reading_add(reading, &record);
	return ERR_OK;
}

/* From memory; the mutex is held. *ret_done also when the chunk is used up. */
static enum err read_chunk(struct reading *reading, const struct raftlog_chunk *chunk, uint64_t last, bool *ret_done)
{
	size_t at = 0;
	for (uint64_t i = chunk->first; i < reading->next; i++)
		at += raftlog_entry_peek(chunk->records + at);
	while (reading->next < chunk->first + chunk->count && reading->next <= last) {
		uint64_t bytes = raftlog_entry_peek(chunk->records + at);
		enum err err = reading_take(reading, chunk->records + at, chunk->salt, ret_done);
		if (err != ERR_OK || *ret_done)
			return err;
		at += bytes;
	}
	return ERR_OK;
}

static enum err read_cached(struct raftlog *log, struct reading *reading, uint64_t last)
{
	bool done = false;
	while (!done && reading->next <= last) {
		const struct raftlog_chunk *chunk = raftlog_cache_find(&log->cache, reading->next);
		if (chunk == NULL)
			break;
		enum err err = read_chunk(reading, chunk, last, &done);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

/* The entries of one stretch on disk, of which the index says that they lie in a row: [point, limit). */
struct stretch {
	struct raftlog_segment *segment;
	struct raftlog_point point;
	uint64_t limit, end;
};

static struct stretch stretch_find(struct raftlog *log, uint64_t index)
{
	struct stretch stretch = {.limit = 0};
	stretch.point = raftlog_index_find(&log->index, index, &stretch.limit);
	if (stretch.limit > log->last.index)
		stretch.limit = log->last.index + 1;
	const struct raftlog_segment *first = *(struct raftlog_segment **)raftlog_deque_at(&log->segments, 0);
	stretch.segment = *(struct raftlog_segment **)raftlog_deque_at(&log->segments,
	                                                               stretch.point.segment - first->header.sequence);
	check(stretch.segment->header.sequence == stretch.point.segment);
	stretch.end = stretch.segment->end;
	stretch.segment->readers++;
	return stretch;
}

/* The next record of an entry at or after *at, over the ends of batches. */
static enum err stretch_next(struct raftlog_window *window, uint64_t *at, const uint8_t **ret_data, uint64_t *ret_bytes)
{
	for (;;) {
		const uint8_t *data;
		enum err err = raftlog_window_get(window, *at, sizeof(uint32_t), &data);
		if (err != ERR_OK)
			return err;
		if (raftlog_entry_is_at(data))
			break;
		if (*at % RAFTLOG_BLOCK_BYTES == 0 && raftlog_batch_is_at(data))
			*at += RAFTLOG_BATCH_BYTES;
		else if (*at % RAFTLOG_BLOCK_BYTES != 0)
			*at = raftlog_disk_round(*at);
		else
			return ERR_CORRUPT;
	}
	enum err err = raftlog_window_get(window, *at, RAFTLOG_ENTRY_BYTES, ret_data);
	if (err != ERR_OK)
		return err;
	*ret_bytes = raftlog_entry_peek(*ret_data);
	return raftlog_window_get(window, *at, *ret_bytes, ret_data);
}

static enum err stretch_read(struct raftlog *log, const struct stretch *stretch, struct reading *reading)
{
	struct raftlog_window window;
	raftlog_window_init(&window, &log->disk, READ_AHEAD_BYTES);
	raftlog_window_turn(&window, stretch->segment, stretch->end);
	enum err err = ERR_OK;
	bool done = false;
	uint64_t at = stretch->point.offset;
	for (uint64_t index = stretch->point.index; err == ERR_OK && !done && index < stretch->limit; index++) {
		const uint8_t *data;
		uint64_t bytes = 0;
		err = stretch_next(&window, &at, &data, &bytes);
		if (err == ERR_OK && index >= reading->next)
			err = reading_take(reading, data, stretch->segment->header.salt, &done);
		if (err == ERR_OK)
			at += bytes;
	}
	if (err != ERR_OK)
		log_error("raftlog_unreadable", "path=%s/%s offset=%" PRIu64 " index=%" PRIu64 " error=\"%s\"",
		          log->disk.directory, stretch->segment->file.name, at, reading->next, err_text(err));
	raftlog_window_fini(&window);
	return err;
}

static void stretch_done(struct raftlog *log, const struct stretch *stretch)
{
	pthread_mutex_lock(&log->mutex);
	bool last = --stretch->segment->readers == 0 && stretch->segment->retired;
	pthread_mutex_unlock(&log->mutex);
	if (last)
		raftlog_segment_free(&log->disk, stretch->segment);
}

static enum err read_range(const struct raftlog *log, uint64_t index)
{
	if (index <= log->start.index)
		return ERR_COMPACTED;
	return index > log->last.index ? ERR_NOT_FOUND : ERR_OK;
}

enum err raftlog_read(struct raftlog *log, uint64_t index, size_t count_max, size_t size_bytes_max, struct arena *arena,
                      struct raftlog_entry **ret_entries, size_t *ret_count)
{
	check(count_max > 0);
	struct reading reading = {.next = index,
	                          .count_max = count_max < READ_ENTRIES_MAX ? count_max : READ_ENTRIES_MAX,
	                          .size_bytes_max = size_bytes_max,
	                          .arena = arena};
	struct stretch stretch = {.segment = NULL};
	pthread_mutex_lock(&log->mutex);
	enum err err = read_range(log, index);
	if (err == ERR_OK) {
		uint64_t there = log->last.index - index + 1;
		if (reading.count_max > there)
			reading.count_max = (size_t)there;
		reading.entries = arena_zero(arena, reading.count_max, sizeof *reading.entries);
		err = read_cached(log, &reading, log->last.index);
	}
	if (err == ERR_OK && reading.count == 0)
		stretch = stretch_find(log, index);
	pthread_mutex_unlock(&log->mutex);
	if (stretch.segment != NULL) {
		err = stretch_read(log, &stretch, &reading);
		stretch_done(log, &stretch);
	}
	if (err != ERR_OK)
		return err;
	*ret_entries = reading.entries;
	*ret_count = reading.count;
	return ERR_OK;
}

enum err raftlog_scan(struct raftlog *log, void (*fn)(void *argument, const struct raftlog_entry *entry),
                      void *argument)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	pthread_mutex_lock(&log->mutex);
	uint64_t next = log->start.index + 1, last = log->last.index;
	pthread_mutex_unlock(&log->mutex);
	while (next <= last) {
		struct raftlog_entry *entries;
		size_t count;
		enum err err = raftlog_read(log, next, READ_ENTRIES_MAX, SCAN_BYTES, &arena, &entries, &count);
		if (err != ERR_OK)
			return err;
		for (size_t i = 0; i < count; i++)
			fn(argument, &entries[i]);
		next += count;
		arena_reset(&arena);
	}
	return ERR_OK;
}

uint64_t raftlog_first(struct raftlog *log)
{
	pthread_mutex_lock(&log->mutex);
	uint64_t first = log->start.index + 1;
	pthread_mutex_unlock(&log->mutex);
	return first;
}

static uint64_t segments_bytes(const struct raftlog_deque *segments)
{
	uint64_t bytes = 0;
	for (size_t i = 0; i < segments->count; i++)
		bytes += (*(struct raftlog_segment **)raftlog_deque_at(segments, i))->file.size_bytes;
	return bytes;
}

uint64_t raftlog_disk_bytes(struct raftlog *log)
{
	pthread_mutex_lock(&log->mutex);
	uint64_t bytes = segments_bytes(&log->segments) + segments_bytes(&log->spares) + RAFTLOG_IDENTITY_BYTES;
	pthread_mutex_unlock(&log->mutex);
	return bytes;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <rocksdb/c.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/memory.h"

enum {
	ENGINE_FAMILIES_MAX = 8,
	ENGINE_FILE_BYTES_MAX = 1 << 30,
	ENGINE_BATCH_BYTES_MAX = 1 << 30,
	READ_TIER_PERSISTED = 2, /* rocksdb/options.h: kPersistedTier */
};

struct value {
	struct value *older;
	uint64_t number; /* of the write */
	bool removed;
	uint32_t size;
	uint8_t data[];
};

struct row {
	struct value *newest;
	uint32_t size;
	uint8_t key[];
};

struct rocksdb_column_family_handle_t {
	uint32_t family;
};

struct family_rows {
	struct row **rows; /* ascending */
	size_t count, capacity;
};

struct rocksdb_t {
	LIST_ENTRY(rocksdb_t) next;
	char *path;
	bool read_only;
	uint32_t family_count;
	struct family_rows families[ENGINE_FAMILIES_MAX];
	uint64_t newest, flushed; /* writes */
	pthread_mutex_t mutex;    /* guards the families and the numbers; a leaf */
};
static LIST_HEAD(, rocksdb_t) engine_open_ones = LIST_HEAD_INITIALIZER(engine_open_ones);

struct rocksdb_snapshot_t {
	uint64_t number;
};

struct rocksdb_readoptions_t {
	const rocksdb_snapshot_t *snapshot;
	bool persisted;
	struct bytes end;
};

struct rocksdb_writebatch_t {
	struct buffer writes; /* each: kind, family, key, value or end */
};

struct rocksdb_iterator_t {
	rocksdb_t *rocks;
	struct family_rows *rows;
	uint64_t number;
	struct bytes end;
	const struct row *row; /* NULL: none */
	const struct value *value;
};

struct rocksdb_pinnableslice_t {
	const struct value *value;
};

struct rocksdb_checkpoint_t {
	rocksdb_t *rocks;
};

enum write_kind { WRITE_PUT, WRITE_DELETE, WRITE_DELETE_RANGE };

/* ---- rows ---- */

static struct bytes row_key(const struct row *row)
{
	return bytes_of(row->key, row->size);
}

/* The first row >= key. */
static size_t rows_place(const struct family_rows *rows, struct bytes key)
{
	size_t low = 0, high = rows->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (bytes_compare(row_key(rows->rows[middle]), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct row *rows_find(const struct family_rows *rows, struct bytes key)
{
	size_t at = rows_place(rows, key);
	return at < rows->count && bytes_equal(row_key(rows->rows[at]), key) ? rows->rows[at] : NULL;
}

static struct row *rows_have(struct family_rows *rows, struct bytes key)
{
	size_t at = rows_place(rows, key);
	if (at < rows->count && bytes_equal(row_key(rows->rows[at]), key))
		return rows->rows[at];
	if (rows->count == rows->capacity) {
		rows->capacity = rows->capacity * 2 + 64;
		rows->rows = memory_resize(rows->rows, rows->capacity, sizeof(struct row *));
	}
	struct row *row = memory_new(sizeof *row + key.size);
	row->size = (uint32_t)key.size;
	if (key.size != 0)
		memcpy(row->key, key.data, key.size);
	memmove(&rows->rows[at + 1], &rows->rows[at], (rows->count - at) * sizeof(struct row *));
	rows->rows[at] = row;
	rows->count++;
	return row;
}

static void row_set(struct row *row, uint64_t number, bool removed, struct bytes content)
{
	struct value *value = memory_new(sizeof *value + content.size);
	*value =
	    (struct value){.older = row->newest, .number = number, .removed = removed, .size = (uint32_t)content.size};
	if (content.size != 0)
		memcpy(value->data, content.data, content.size);
	row->newest = value;
}

/* As of that write; NULL when there was nothing. */
static const struct value *row_at(const struct row *row, uint64_t number)
{
	const struct value *value = row->newest;
	while (value != NULL && value->number > number)
		value = value->older;
	return value != NULL && !value->removed ? value : NULL;
}

static void rows_free(struct family_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct value *older;
		for (struct value *value = rows->rows[i]->newest; value != NULL; value = older) {
			older = value->older;
			free(value);
		}
		free(rows->rows[i]);
	}
	free(rows->rows);
}

/* ---- files ---- */

static char *engine_file(const char *path)
{
	return memory_format("%s/rows", path);
}

static void engine_put_bytes(struct buffer *buffer, struct bytes bytes)
{
	buffer_put_u32(buffer, (uint32_t)bytes.size);
	buffer_put(buffer, bytes);
}

/* The mutex is held. */
static void engine_save(rocksdb_t *rocks, const char *path, char **error)
{
	AUTO_FREE char *file = engine_file(path);
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, ENGINE_FILE_BYTES_MAX);
	for (uint32_t family = 0; family < rocks->family_count; family++) {
		const struct family_rows *rows = &rocks->families[family];
		for (size_t i = 0; i < rows->count; i++) {
			const struct value *value = row_at(rows->rows[i], rocks->newest);
			if (value == NULL)
				continue;
			buffer_put_u32(&buffer, family);
			engine_put_bytes(&buffer, row_key(rows->rows[i]));
			engine_put_bytes(&buffer, bytes_of(value->data, value->size));
		}
	}
	buffer_put_u32(&buffer, crc32c(0, buffer_bytes(&buffer)));
	if (file_replace(file, buffer_bytes(&buffer), 0600) != ERR_OK)
		*error = memory_dup_string("IO error: the file cannot be written");
	rocks->flushed = rocks->newest;
}

static bool engine_load(rocksdb_t *rocks, struct bytes content)
{
	struct cursor cursor = cursor_over(content);
	if (content.size < sizeof(uint32_t))
		return false;
	struct bytes body = cursor_bytes(&cursor, content.size - sizeof(uint32_t));
	if (cursor_u32(&cursor) != crc32c(0, body))
		return false;
	rocks->newest = rocks->flushed = 1;
	cursor = cursor_over(body);
	while (cursor.rest.size != 0 && !cursor.bad) {
		uint32_t family = cursor_u32(&cursor), size = cursor_u32(&cursor);
		struct bytes key = cursor_bytes(&cursor, size);
		size = cursor_u32(&cursor);
		struct bytes value = cursor_bytes(&cursor, size);
		if (cursor.bad || family >= rocks->family_count)
			return false;
		row_set(rows_have(&rocks->families[family], key), 1, false, value);
	}
	return !cursor.bad;
}

/* ---- open and close ---- */

static void engine_free(rocksdb_t *rocks)
{
	LIST_REMOVE(rocks, next);
	for (uint32_t family = 0; family < rocks->family_count; family++)
		rows_free(&rocks->families[family]);
	pthread_mutex_destroy(&rocks->mutex);
	free(rocks->path);
	free(rocks);
}

void engine_crash(const char *path)
{
	rocksdb_t *rocks, *after;
	size_t length = strlen(path);
	for (rocks = LIST_FIRST(&engine_open_ones); rocks != NULL; rocks = after) {
		after = LIST_NEXT(rocks, next);
		if (strncmp(rocks->path, path, length) == 0 && rocks->path[length] == '/')
			engine_free(rocks);
	}
}

static const char *engine_make(rocksdb_t *rocks)
{
	char *error = NULL;
	if (mkdir(rocks->path, 0700) != 0 && errno != EEXIST)
		return "IO error: the directory cannot be made";
	engine_save(rocks, rocks->path, &error);
	bool failed = error != NULL;
	free(error);
	return failed ? "IO error: the file cannot be made" : NULL;
}

static const char *engine_fill(rocksdb_t *rocks, bool create)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	AUTO_FREE char *file = engine_file(rocks->path);
	struct bytes content = BYTES_NONE;
	enum err err = file_read(file, ENGINE_FILE_BYTES_MAX, &arena, &content);
	if (err == ERR_NOT_FOUND && !create)
		return "Invalid argument: does not exist";
	if (err == ERR_NOT_FOUND)
		return engine_make(rocks);
	if (err != ERR_OK)
		return "IO error: the file cannot be read";
	return engine_load(rocks, content) ? NULL : "Corruption: the file is damaged";
}

static rocksdb_t *engine_open(const char *path, bool create, int count, rocksdb_column_family_handle_t **handles,
                              char **error)
{
	rocksdb_t *rocks = memory_new(sizeof *rocks);
	check(count <= ENGINE_FAMILIES_MAX);
	rocks->path = memory_dup_string(path);
	rocks->family_count = (uint32_t)count;
	pthread_mutex_init(&rocks->mutex, NULL);
	LIST_INSERT_HEAD(&engine_open_ones, rocks, next);
	const char *wrong = engine_fill(rocks, create);
	if (wrong != NULL) {
		*error = memory_dup_string(wrong);
		engine_free(rocks);
		return NULL;
	}
	for (int family = 0; family < count; family++) {
		handles[family] = memory_new(sizeof *handles[family]);
		handles[family]->family = (uint32_t)family;
	}
	return rocks;
}

rocksdb_t *rocksdb_open_column_families(const rocksdb_options_t *options, const char *name, int count,
                                        const char *const *names, const rocksdb_options_t *const *each,
                                        rocksdb_column_family_handle_t **handles, char **error)
{
	(void)names;
	(void)each;
	return engine_open(name, engine_options_create(options), count, handles, error);
}

rocksdb_t *rocksdb_open_for_read_only_column_families(const rocksdb_options_t *options, const char *name, int count,
                                                      const char *const *names, const rocksdb_options_t *const *each,
                                                      rocksdb_column_family_handle_t **handles,
                                                      unsigned char error_if_wal, char **error)
{
	(void)options;
	(void)names;
	(void)each;
	(void)error_if_wal;
	rocksdb_t *rocks = engine_open(name, false, count, handles, error);
	if (rocks != NULL)
		rocks->read_only = true;
	return rocks;
}

void rocksdb_close(rocksdb_t *rocks)
{
	char *error = NULL;
	if (!rocks->read_only && rocks->flushed != rocks->newest)
		engine_save(rocks, rocks->path, &error);
	free(error);
	engine_free(rocks);
}

void rocksdb_column_family_handle_destroy(rocksdb_column_family_handle_t *handle)
{
	free(handle);
}

void rocksdb_free(void *pointer)
{
	free(pointer);
}

/* ---- writing ---- */

rocksdb_writebatch_t *rocksdb_writebatch_create(void)
{
	rocksdb_writebatch_t *batch = memory_new(sizeof *batch);
	buffer_init(&batch->writes, ENGINE_BATCH_BYTES_MAX);
	return batch;
}

void rocksdb_writebatch_destroy(rocksdb_writebatch_t *batch)
{
	buffer_fini(&batch->writes);
	free(batch);
}

void rocksdb_writebatch_clear(rocksdb_writebatch_t *batch)
{
	buffer_clear(&batch->writes);
}

const char *rocksdb_writebatch_data(rocksdb_writebatch_t *batch, size_t *size)
{
	*size = batch->writes.size;
	return (const char *)batch->writes.data;
}

static void batch_note(rocksdb_writebatch_t *batch, enum write_kind kind, const rocksdb_column_family_handle_t *family,
                       struct bytes key, struct bytes value)
{
	buffer_put_u32(&batch->writes, kind);
	buffer_put_u32(&batch->writes, family->family);
	engine_put_bytes(&batch->writes, key);
	engine_put_bytes(&batch->writes, value);
}

void rocksdb_writebatch_put_cf(rocksdb_writebatch_t *batch, rocksdb_column_family_handle_t *family, const char *key,
                               size_t key_size, const char *value, size_t value_size)
{
	batch_note(batch, WRITE_PUT, family, bytes_of(key, key_size), bytes_of(value, value_size));
}

void rocksdb_writebatch_delete_cf(rocksdb_writebatch_t *batch, rocksdb_column_family_handle_t *family, const char *key,
                                  size_t key_size)
{
	batch_note(batch, WRITE_DELETE, family, bytes_of(key, key_size), BYTES_NONE);
}

void rocksdb_writebatch_delete_range_cf(rocksdb_writebatch_t *batch, rocksdb_column_family_handle_t *family,
                                        const char *begin, size_t begin_size, const char *end, size_t end_size)
{
	batch_note(batch, WRITE_DELETE_RANGE, family, bytes_of(begin, begin_size), bytes_of(end, end_size));
}

static void engine_delete_range(rocksdb_t *rocks, struct family_rows *rows, struct bytes begin, struct bytes end)
{
	size_t last = rows_place(rows, end);
	for (size_t at = rows_place(rows, begin); at < last; at++)
		row_set(rows->rows[at], rocks->newest, true, BYTES_NONE);
}

void rocksdb_write(rocksdb_t *rocks, const rocksdb_writeoptions_t *options, rocksdb_writebatch_t *batch, char **error)
{
	(void)options;
	(void)error;
	struct cursor cursor = cursor_over(buffer_bytes(&batch->writes));
	check(!rocks->read_only);
	pthread_mutex_lock(&rocks->mutex);
	rocks->newest++;
	while (cursor.rest.size != 0) {
		enum write_kind kind = cursor_u32(&cursor);
		struct family_rows *rows = &rocks->families[cursor_u32(&cursor)];
		size_t size = cursor_u32(&cursor);
		struct bytes key = cursor_bytes(&cursor, size);
		size = cursor_u32(&cursor);
		struct bytes value = cursor_bytes(&cursor, size);
		if (kind == WRITE_DELETE_RANGE)
			engine_delete_range(rocks, rows, key, value);
		else
			row_set(rows_have(rows, key), rocks->newest, kind == WRITE_DELETE, value);
	}
	pthread_mutex_unlock(&rocks->mutex);
	check(!cursor.bad);
}

void rocksdb_compact_range_cf(rocksdb_t *rocks, rocksdb_column_family_handle_t *family, const char *begin,
                              size_t begin_size, const char *end, size_t end_size)
{
	(void)family;
	(void)begin;
	(void)begin_size;
	(void)end;
	(void)end_size;
	char *error = NULL;
	pthread_mutex_lock(&rocks->mutex);
	if (rocks->flushed != rocks->newest)
		engine_save(rocks, rocks->path, &error);
	pthread_mutex_unlock(&rocks->mutex);
	check(error == NULL);
}

/* ---- checkpoints ---- */

rocksdb_checkpoint_t *rocksdb_checkpoint_object_create(rocksdb_t *rocks, char **error)
{
	(void)error;
	rocksdb_checkpoint_t *checkpoint = memory_new(sizeof *checkpoint);
	checkpoint->rocks = rocks;
	return checkpoint;
}

/* With the write-ahead log off, what is only in memory is flushed first. */
void rocksdb_checkpoint_create(rocksdb_checkpoint_t *checkpoint, const char *directory, uint64_t log_size_for_flush,
                               char **error)
{
	(void)log_size_for_flush;
	if (mkdir(directory, 0700) != 0) {
		*error = memory_dup_string("Invalid argument: the directory exists");
		return;
	}
	rocksdb_t *rocks = checkpoint->rocks;
	pthread_mutex_lock(&rocks->mutex);
	engine_save(rocks, rocks->path, error);
	if (*error == NULL)
		engine_save(rocks, directory, error);
	pthread_mutex_unlock(&rocks->mutex);
}

void rocksdb_checkpoint_object_destroy(rocksdb_checkpoint_t *checkpoint)
{
	free(checkpoint);
}

/* ---- reading ---- */

rocksdb_readoptions_t *rocksdb_readoptions_create(void)
{
	return memory_new(sizeof(rocksdb_readoptions_t));
}

void rocksdb_readoptions_destroy(rocksdb_readoptions_t *options)
{
	free(options);
}

void rocksdb_readoptions_set_snapshot(rocksdb_readoptions_t *options, const rocksdb_snapshot_t *snapshot)
{
	options->snapshot = snapshot;
}

/* Nothing here rots, and nothing is cached. */
void rocksdb_readoptions_set_verify_checksums(rocksdb_readoptions_t *options, unsigned char verify)
{
	(void)options;
	(void)verify;
}

void rocksdb_readoptions_set_fill_cache(rocksdb_readoptions_t *options, unsigned char fill)
{
	(void)options;
	(void)fill;
}

void rocksdb_readoptions_set_read_tier(rocksdb_readoptions_t *options, int tier)
{
	options->persisted = tier == READ_TIER_PERSISTED;
}

void rocksdb_readoptions_set_iterate_upper_bound(rocksdb_readoptions_t *options, const char *key, size_t size)
{
	options->end = bytes_of(key, size);
}

const rocksdb_snapshot_t *rocksdb_create_snapshot(rocksdb_t *rocks)
{
	rocksdb_snapshot_t *snapshot = memory_new(sizeof *snapshot);
	pthread_mutex_lock(&rocks->mutex);
	snapshot->number = rocks->newest;
	pthread_mutex_unlock(&rocks->mutex);
	return snapshot;
}

void rocksdb_release_snapshot(rocksdb_t *rocks, const rocksdb_snapshot_t *snapshot)
{
	(void)rocks;
	free((void *)snapshot);
}

/* The mutex is held. */
static uint64_t engine_number(const rocksdb_t *rocks, const rocksdb_readoptions_t *options)
{
	if (options->persisted)
		return rocks->flushed;
	return options->snapshot != NULL ? options->snapshot->number : rocks->newest;
}

rocksdb_pinnableslice_t *rocksdb_get_pinned_cf(rocksdb_t *rocks, const rocksdb_readoptions_t *options,
                                               rocksdb_column_family_handle_t *family, const char *key, size_t size,
                                               char **error)
{
	(void)error;
	pthread_mutex_lock(&rocks->mutex);
	const struct row *row = rows_find(&rocks->families[family->family], bytes_of(key, size));
	const struct value *value = row != NULL ? row_at(row, engine_number(rocks, options)) : NULL;
	pthread_mutex_unlock(&rocks->mutex);
	if (value == NULL)
		return NULL;
	rocksdb_pinnableslice_t *slice = memory_new(sizeof *slice);
	slice->value = value;
	return slice;
}

const char *rocksdb_pinnableslice_value(const rocksdb_pinnableslice_t *slice, size_t *size)
{
	*size = slice->value->size;
	return (const char *)slice->value->data;
}

void rocksdb_pinnableslice_destroy(rocksdb_pinnableslice_t *slice)
{
	free(slice);
}

/* ---- walking ---- */

rocksdb_iterator_t *rocksdb_create_iterator_cf(rocksdb_t *rocks, const rocksdb_readoptions_t *options,
                                               rocksdb_column_family_handle_t *family)
{
	rocksdb_iterator_t *iterator = memory_new(sizeof *iterator);
	pthread_mutex_lock(&rocks->mutex);
	iterator->rocks = rocks;
	iterator->rows = &rocks->families[family->family];
	iterator->number = engine_number(rocks, options);
	pthread_mutex_unlock(&rocks->mutex);
	iterator->end = options->end;
	return iterator;
}

void rocksdb_iter_destroy(rocksdb_iterator_t *iterator)
{
	free(iterator);
}

/* The first row from that place on that is there, below the bound. The mutex is held. */
static void iterator_settle(rocksdb_iterator_t *iterator, size_t at)
{
	const struct family_rows *rows = iterator->rows;
	iterator->row = NULL;
	for (; at < rows->count; at++) {
		const struct row *row = rows->rows[at];
		if (iterator->end.size != 0 && bytes_compare(row_key(row), iterator->end) >= 0)
			return;
		iterator->value = row_at(row, iterator->number);
		if (iterator->value == NULL)
			continue;
		iterator->row = row;
		return;
	}
}

void rocksdb_iter_seek(rocksdb_iterator_t *iterator, const char *key, size_t size)
{
	pthread_mutex_lock(&iterator->rocks->mutex);
	iterator_settle(iterator, rows_place(iterator->rows, bytes_of(key, size)));
	pthread_mutex_unlock(&iterator->rocks->mutex);
}

void rocksdb_iter_seek_for_prev(rocksdb_iterator_t *iterator, const char *key, size_t size)
{
	const struct family_rows *rows = iterator->rows;
	pthread_mutex_lock(&iterator->rocks->mutex);
	size_t at = rows_place(rows, bytes_of(key, size));
	if (at < rows->count && bytes_equal(row_key(rows->rows[at]), bytes_of(key, size)))
		at++;
	iterator->row = NULL;
	while (at-- > 0 && iterator->row == NULL) {
		iterator->value = row_at(rows->rows[at], iterator->number);
		bool below = iterator->end.size == 0 || bytes_compare(row_key(rows->rows[at]), iterator->end) < 0;
		if (iterator->value != NULL && below)
			iterator->row = rows->rows[at];
	}
	pthread_mutex_unlock(&iterator->rocks->mutex);
}

void rocksdb_iter_next(rocksdb_iterator_t *iterator)
{
	pthread_mutex_lock(&iterator->rocks->mutex);
	iterator_settle(iterator, rows_place(iterator->rows, row_key(iterator->row)) + 1);
	pthread_mutex_unlock(&iterator->rocks->mutex);
}

unsigned char rocksdb_iter_valid(const rocksdb_iterator_t *iterator)
{
	return iterator->row != NULL;
}

const char *rocksdb_iter_key(const rocksdb_iterator_t *iterator, size_t *size)
{
	*size = iterator->row->size;
	return (const char *)iterator->row->key;
}

const char *rocksdb_iter_value(const rocksdb_iterator_t *iterator, size_t *size)
{
	*size = iterator->value->size;
	return (const char *)iterator->value->data;
}

void rocksdb_iter_get_error(const rocksdb_iterator_t *iterator, char **error)
{
	(void)iterator;
	(void)error;
}

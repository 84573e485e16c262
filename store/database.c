/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	MEMORY_BYTES_MIN = 8 << 20,
	OPEN_FILES_MAX = 256, /* beside the Raft log's, the mount's and the peers' */
	LOG_FILES_MAX = 2,    /* of RocksDB's own text log */
	LOG_FILE_BYTES = 1 << 20,
	BLOCK_BYTES = 8 << 10,
	FILE_BYTES = 16 << 20,
	LEVEL_BYTES = 64 << 20,
	MEMTABLES_MAX = 4,       /* of one family: one is written while others are flushed */
	FORMAT_VERSION = 5,      /* of RocksDB's tables: bloom filters in whole cache lines */
	READ_TIER_PERSISTED = 2, /* rocksdb/options.h: kPersistedTier */
};

#define MEMTABLE_FILTER_RATIO 0.05 /* of a memtable's bytes */

/* ---- errors ---- */

static enum err database_err_of(const char *text)
{
	static const struct {
		const char *words;
		enum err err;
	} table[] = {
	    {"Corruption", ERR_CORRUPT}, /* first: it goes on with "block checksum …", and no lock is meant */
	    {"No space left", ERR_NO_SPACE}, {"Disk quota", ERR_NO_SPACE},    {"No locks available", ERR_LOCKED},
	    {"lock ", ERR_LOCKED},           {"Permission", ERR_PERMISSION},  {"Read-only", ERR_PERMISSION},
	    {"No such file", ERR_CORRUPT},   {"does not exist", ERR_CORRUPT}, {"checksum", ERR_CORRUPT},
	};
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (strstr(text, table[i].words) != NULL)
			return table[i].err;
	return ERR_IO;
}

static const char *database_remedy(enum err err)
{
	switch ((int)err) {
	case ERR_NO_SPACE:
		return "free space on this disk, then start the node again: nothing is lost";
	case ERR_LOCKED:
		return "another process has it open: stop that one, or use another data directory";
	case ERR_PERMISSION:
		return "the node must be able to read and write its data directory";
	case ERR_CORRUPT:
		return "this node's copy is damaged: empty its data directory and let it join again";
	default:
		return "look at the disk, then start the node again: it catches up from its log and from the others";
	}
}

enum err database_err(const char *path, char *text)
{
	if (text == NULL)
		return ERR_OK;
	enum err err = database_err_of(text);
	log_error("database_failed", "path=%s condition=%s error=\"%s\" remedy=\"%s\"", path, err_name(err), text,
	          database_remedy(err));
	rocksdb_free(text);
	return err;
}

/* ---- options ---- */

void database_memory_init(struct database_memory *memory, size_t memory_bytes)
{
	size_t total = memory_bytes > MEMORY_BYTES_MIN ? memory_bytes : MEMORY_BYTES_MIN;
	memory->write_bytes = total / 4; /* twice that stands in memory while it is flushed */
	memory->cache = rocksdb_cache_create_lru(total / 2);
}

void database_memory_fini(struct database_memory *memory)
{
	rocksdb_cache_destroy(memory->cache);
}

uint64_t database_cache_bytes(const struct database_memory *memory)
{
	return rocksdb_cache_get_usage(memory->cache);
}

static void database_table_options(rocksdb_options_t *options, enum family family, const struct database_memory *memory)
{
	rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
	rocksdb_block_based_options_set_block_cache(table, memory->cache);
	rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
	rocksdb_block_based_options_set_format_version(table, FORMAT_VERSION);
	/* Index and filters count against the cache, else memory grows with the number of files. */
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
	rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
	if (family == FAMILY_HEAD || family == FAMILY_TREE) /* point reads of what is often absent */
		rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_ribbon_hybrid(10, 1));
	rocksdb_options_set_block_based_table_factory(options, table);
	rocksdb_block_based_options_destroy(table);
}

static rocksdb_options_t *database_options(enum family family, enum database_mode mode,
                                           const struct database_memory *memory)
{
	rocksdb_options_t *options = rocksdb_options_create();
	rocksdb_options_set_create_if_missing(options, mode == DATABASE_CREATE);
	rocksdb_options_set_create_missing_column_families(options, mode == DATABASE_CREATE);
	rocksdb_options_set_paranoid_checks(options, 1);
	rocksdb_options_set_atomic_flush(options, 1);
	rocksdb_options_set_max_open_files(options, OPEN_FILES_MAX);
	rocksdb_options_set_keep_log_file_num(options, LOG_FILES_MAX);
	rocksdb_options_set_max_log_file_size(options, LOG_FILE_BYTES);
	rocksdb_options_set_info_log_level(options, 2 /* warn */);
	rocksdb_options_set_max_background_jobs(options, 2);
	rocksdb_options_set_stats_dump_period_sec(options, 0);
	rocksdb_options_set_db_write_buffer_size(options, memory->write_bytes);
	rocksdb_options_set_write_buffer_size(options, memory->write_bytes);
	rocksdb_options_set_max_write_buffer_number(options, MEMTABLES_MAX);
	rocksdb_options_set_arena_block_size(options, 256 << 10); /* each family has at least one */
	rocksdb_options_set_target_file_size_base(options, FILE_BYTES);
	rocksdb_options_set_max_bytes_for_level_base(options, LEVEL_BYTES);
	rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1);
	rocksdb_options_set_compression(options, rocksdb_lz4_compression);
	if (family == FAMILY_HEAD || family == FAMILY_TREE) { /* as the filters of files, for what is still in memory */
		rocksdb_options_set_memtable_whole_key_filtering(options, 1);
		rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, MEMTABLE_FILTER_RATIO);
	}
	if (family == FAMILY_PAST || family == FAMILY_CHANGES) /* much, and seldom read: small rather than fast */
		rocksdb_options_set_bottommost_compression(options, rocksdb_zstd_compression);
	database_table_options(options, family, memory);
	return options;
}

/* ---- open and close ---- */

static rocksdb_t *database_open_rocks(struct database *database, enum database_mode mode,
                                      const struct database_memory *memory, char **ret_error)
{
	const char *names[FAMILY_COUNT];
	rocksdb_options_t *options[FAMILY_COUNT];
	for (int family = 0; family < FAMILY_COUNT; family++) {
		names[family] = family_name((enum family)family);
		options[family] = database_options((enum family)family, mode, memory);
	}
	const rocksdb_options_t *const *each = (const rocksdb_options_t *const *)options;
	rocksdb_t *rocks =
	    mode == DATABASE_READ_ONLY
	        ? rocksdb_open_for_read_only_column_families(options[0], database->path, FAMILY_COUNT, names, each,
	                                                     database->families, 0, ret_error)
	        : rocksdb_open_column_families(options[0], database->path, FAMILY_COUNT, names, each,
	                                       database->families, ret_error);
	for (int family = 0; family < FAMILY_COUNT; family++)
		rocksdb_options_destroy(options[family]);
	return rocks;
}

enum err database_open(const char *path, enum database_mode mode, const struct database_memory *memory,
                       struct database **ret_database)
{
	struct database *database = memory_new(sizeof *database);
	database->path = memory_dup_string(path);
	atomic_init(&database->refs, 1);
	char *error = NULL;
	database->rocks = database_open_rocks(database, mode, memory, &error);
	if (error != NULL) {
		free(database->path);
		free(database);
		return database_err(path, error);
	}
	database->writes = rocksdb_writeoptions_create();
	rocksdb_writeoptions_disable_WAL(database->writes, 1);
	*ret_database = database;
	return ERR_OK;
}

void database_ref(struct database *database)
{
	unsigned before = atomic_fetch_add(&database->refs, 1);
	check(before > 0);
}

void database_unref(struct database *database)
{
	if (atomic_fetch_sub(&database->refs, 1) != 1)
		return;
	for (int family = 0; family < FAMILY_COUNT; family++)
		rocksdb_column_family_handle_destroy(database->families[family]);
	rocksdb_close(database->rocks);
	rocksdb_writeoptions_destroy(database->writes);
	if (atomic_load(&database->removed) && file_remove_tree(database->path) != ERR_OK)
		log_warn("database_left", "path=%s remedy=\"it is not used any more and may be removed\"",
		         database->path);
	free(database->path);
	free(database);
}

/* ---- writing ---- */

static _Noreturn void database_fail(struct database *database, char *text)
{
	enum err err = database_err(database->path, text);
	log_fatal("store_write_failed", "path=%s condition=%s remedy=\"%s\"", database->path, err_name(err),
	          database_remedy(err));
}

void database_write(struct database *database, rocksdb_writebatch_t *batch)
{
	char *error = NULL;
	rocksdb_write(database->rocks, database->writes, batch, &error);
	if (error != NULL)
		database_fail(database, error);
}

/* RocksDB's C interface can flush one family only, which would tear them apart (atomic_flush keeps the families of one
 * flush together, not those of several). A compaction of a range that has something in memory flushes all families that
 * have, together: the state row is in each batch, and meta is small. */
void database_flush(struct database *database)
{
	struct bytes row = layout_state();
	rocksdb_compact_range_cf(database->rocks, database->families[FAMILY_META], (const char *)row.data, row.size,
	                         (const char *)row.data, row.size);
}

enum err database_checkpoint(struct database *database, const char *directory)
{
	char *error = NULL;
	rocksdb_checkpoint_t *checkpoint = rocksdb_checkpoint_object_create(database->rocks, &error);
	if (error != NULL)
		return database_err(database->path, error);
	rocksdb_checkpoint_create(checkpoint, directory, 0, &error);
	rocksdb_checkpoint_object_destroy(checkpoint);
	return database_err(directory, error);
}

/* ---- reading ---- */

enum err database_get(struct database *database, const rocksdb_readoptions_t *reads, enum family family,
                      struct bytes key, struct arena *arena, struct bytes *ret_value)
{
	char *error = NULL;
	rocksdb_pinnableslice_t *slice = rocksdb_get_pinned_cf(database->rocks, reads, database->families[family],
	                                                       (const char *)key.data, key.size, &error);
	if (error != NULL)
		return database_err(database->path, error);
	if (slice == NULL)
		return ERR_NOT_FOUND;
	size_t size = 0;
	const char *data = rocksdb_pinnableslice_value(slice, &size);
	*ret_value = arena_dup(arena, bytes_of(data, size));
	rocksdb_pinnableslice_destroy(slice);
	return ERR_OK;
}

enum err database_get_flushed(struct database *database, struct arena *arena, struct bytes *ret_value)
{
	rocksdb_readoptions_t *reads = rocksdb_readoptions_create();
	rocksdb_readoptions_set_read_tier(reads, READ_TIER_PERSISTED);
	enum err err = database_get(database, reads, FAMILY_META, layout_state(), arena, ret_value);
	rocksdb_readoptions_destroy(reads);
	return err;
}

uint64_t database_sum(struct database *database, const char *property)
{
	uint64_t sum = 0;
	for (int family = 0; family < FAMILY_COUNT; family++) {
		uint64_t value = 0;
		if (rocksdb_property_int_cf(database->rocks, database->families[family], property, &value) == 0)
			sum += value;
	}
	return sum;
}

/* Tables are counted by RocksDB itself, and are many. */
static bool database_is_table(const char *name)
{
	const char *end = strrchr(name, '.');
	return end != NULL && strcmp(end, ".sst") == 0;
}

uint64_t database_frame_bytes(const struct database *database)
{
	uint64_t sum = 0;
	DIR *directory = opendir(database->path);
	if (directory == NULL)
		return 0; /* it is only told */
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		struct stat status;
		if (!database_is_table(entry->d_name) &&
		    fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(status.st_mode))
			sum += (uint64_t)status.st_size;
	}
	closedir(directory);
	return sum;
}

/* ---- walking ---- */

void walk_open(struct walk *walk, struct database *database, const rocksdb_snapshot_t *snapshot, enum family family,
               struct bytes end)
{
	walk->path = database->path;
	walk->reads = rocksdb_readoptions_create();
	rocksdb_readoptions_set_snapshot(walk->reads, snapshot);
	if (end.size != 0)
		rocksdb_readoptions_set_iterate_upper_bound(walk->reads, (const char *)end.data, end.size);
	walk->rows = rocksdb_create_iterator_cf(database->rocks, walk->reads, database->families[family]);
}

void walk_open_once(struct walk *walk, struct database *database, const rocksdb_snapshot_t *snapshot,
                    enum family family)
{
	walk->path = database->path;
	walk->reads = rocksdb_readoptions_create();
	rocksdb_readoptions_set_snapshot(walk->reads, snapshot);
	rocksdb_readoptions_set_verify_checksums(walk->reads, 1);
	rocksdb_readoptions_set_fill_cache(walk->reads, 0);
	walk->rows = rocksdb_create_iterator_cf(database->rocks, walk->reads, database->families[family]);
}

void walk_close(struct walk *walk)
{
	rocksdb_iter_destroy(walk->rows);
	rocksdb_readoptions_destroy(walk->reads);
}

void walk_seek(struct walk *walk, struct bytes key)
{
	rocksdb_iter_seek(walk->rows, (const char *)key.data, key.size);
}

void walk_seek_backwards(struct walk *walk, struct bytes key)
{
	rocksdb_iter_seek_for_prev(walk->rows, (const char *)key.data, key.size);
}

void walk_next(struct walk *walk)
{
	rocksdb_iter_next(walk->rows);
}

bool walk_at_row(const struct walk *walk)
{
	return rocksdb_iter_valid(walk->rows) != 0;
}

struct bytes walk_key(const struct walk *walk)
{
	size_t size = 0;
	const char *data = rocksdb_iter_key(walk->rows, &size);
	return bytes_of(data, size);
}

struct bytes walk_value(const struct walk *walk)
{
	size_t size = 0;
	const char *data = rocksdb_iter_value(walk->rows, &size);
	return bytes_of(data, size);
}

enum err walk_err(const struct walk *walk)
{
	char *error = NULL;
	rocksdb_iter_get_error(walk->rows, &error);
	return database_err(walk->path, error);
}

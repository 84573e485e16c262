/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's options: only one of them means anything to tables in memory. */
#include <stdlib.h>

#include <rocksdb/c.h>

#include "base/memory.h"
#include "tests/sim/stack_engine.h"

struct rocksdb_options_t {
	bool create;
};

struct rocksdb_cache_t {
	size_t size;
};

struct rocksdb_writeoptions_t {
	int wal_off;
};

struct rocksdb_block_based_table_options_t {
	int nothing;
};

rocksdb_options_t *rocksdb_options_create(void)
{
	return memory_new(sizeof(rocksdb_options_t));
}

void rocksdb_options_destroy(rocksdb_options_t *options)
{
	free(options);
}

void rocksdb_options_set_create_if_missing(rocksdb_options_t *options, unsigned char create)
{
	options->create = create != 0;
}

bool engine_options_create(const rocksdb_options_t *options)
{
	return options->create;
}

rocksdb_writeoptions_t *rocksdb_writeoptions_create(void)
{
	return memory_new(sizeof(rocksdb_writeoptions_t));
}

void rocksdb_writeoptions_destroy(rocksdb_writeoptions_t *options)
{
	free(options);
}

void rocksdb_writeoptions_disable_WAL(rocksdb_writeoptions_t *options, int disable)
{
	options->wal_off = disable;
}

rocksdb_cache_t *rocksdb_cache_create_lru(size_t size)
{
	rocksdb_cache_t *cache = memory_new(sizeof *cache);
	cache->size = size;
	return cache;
}

void rocksdb_cache_destroy(rocksdb_cache_t *cache)
{
	free(cache);
}

size_t rocksdb_cache_get_usage(rocksdb_cache_t *cache)
{
	(void)cache;
	return 0;
}

rocksdb_block_based_table_options_t *rocksdb_block_based_options_create(void)
{
	return memory_new(sizeof(rocksdb_block_based_table_options_t));
}

void rocksdb_block_based_options_destroy(rocksdb_block_based_table_options_t *options)
{
	free(options);
}

rocksdb_filterpolicy_t *rocksdb_filterpolicy_create_ribbon_hybrid(double bits, int level)
{
	(void)bits;
	(void)level;
	return NULL;
}

int rocksdb_property_int_cf(rocksdb_t *rocks, rocksdb_column_family_handle_t *family, const char *name, uint64_t *value)
{
	(void)rocks;
	(void)family;
	(void)name;
	*value = 0;
	return 0;
}

#define ENGINE_IGNORES(function, options_type, value_type)                                                             \
	void function(options_type *options, value_type value)                                                         \
	{                                                                                                              \
		(void)options;                                                                                         \
		(void)value;                                                                                           \
	}

ENGINE_IGNORES(rocksdb_options_set_create_missing_column_families, rocksdb_options_t, unsigned char)
ENGINE_IGNORES(rocksdb_options_set_paranoid_checks, rocksdb_options_t, unsigned char)
ENGINE_IGNORES(rocksdb_options_set_atomic_flush, rocksdb_options_t, unsigned char)
ENGINE_IGNORES(rocksdb_options_set_max_open_files, rocksdb_options_t, int)
ENGINE_IGNORES(rocksdb_options_set_keep_log_file_num, rocksdb_options_t, size_t)
ENGINE_IGNORES(rocksdb_options_set_max_log_file_size, rocksdb_options_t, size_t)
ENGINE_IGNORES(rocksdb_options_set_info_log_level, rocksdb_options_t, int)
ENGINE_IGNORES(rocksdb_options_set_max_background_jobs, rocksdb_options_t, int)
ENGINE_IGNORES(rocksdb_options_set_stats_dump_period_sec, rocksdb_options_t, unsigned int)
ENGINE_IGNORES(rocksdb_options_set_db_write_buffer_size, rocksdb_options_t, size_t)
ENGINE_IGNORES(rocksdb_options_set_write_buffer_size, rocksdb_options_t, size_t)
ENGINE_IGNORES(rocksdb_options_set_max_write_buffer_number, rocksdb_options_t, int)
ENGINE_IGNORES(rocksdb_options_set_arena_block_size, rocksdb_options_t, size_t)
ENGINE_IGNORES(rocksdb_options_set_target_file_size_base, rocksdb_options_t, uint64_t)
ENGINE_IGNORES(rocksdb_options_set_max_bytes_for_level_base, rocksdb_options_t, uint64_t)
ENGINE_IGNORES(rocksdb_options_set_level_compaction_dynamic_level_bytes, rocksdb_options_t, unsigned char)
ENGINE_IGNORES(rocksdb_options_set_compression, rocksdb_options_t, int)
ENGINE_IGNORES(rocksdb_options_set_bottommost_compression, rocksdb_options_t, int)
ENGINE_IGNORES(rocksdb_options_set_memtable_whole_key_filtering, rocksdb_options_t, unsigned char)
ENGINE_IGNORES(rocksdb_options_set_memtable_prefix_bloom_size_ratio, rocksdb_options_t, double)
ENGINE_IGNORES(rocksdb_options_set_block_based_table_factory, rocksdb_options_t, rocksdb_block_based_table_options_t *)
ENGINE_IGNORES(rocksdb_block_based_options_set_block_size, rocksdb_block_based_table_options_t, size_t)
ENGINE_IGNORES(rocksdb_block_based_options_set_format_version, rocksdb_block_based_table_options_t, int)
ENGINE_IGNORES(rocksdb_block_based_options_set_cache_index_and_filter_blocks, rocksdb_block_based_table_options_t,
               unsigned char)
ENGINE_IGNORES(rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority,
               rocksdb_block_based_table_options_t, unsigned char)
ENGINE_IGNORES(rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache,
               rocksdb_block_based_table_options_t, unsigned char)
ENGINE_IGNORES(rocksdb_block_based_options_set_block_cache, rocksdb_block_based_table_options_t, rocksdb_cache_t *)
ENGINE_IGNORES(rocksdb_block_based_options_set_filter_policy, rocksdb_block_based_table_options_t,
               rocksdb_filterpolicy_t *)

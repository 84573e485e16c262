/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RocksDB database: opening with our settings, reading, writing, flushing. The only file that calls RocksDB's options.
 *
 * The write-ahead log is off (the Raft log is the log) and atomic_flush is on, so that after a crash all column families stand
 * at one batch. A write that fails ends the process: the node must not go on with a state that it cannot keep.
 */
#pragma once

#include <stdatomic.h>

#include <rocksdb/c.h>

#include "base/arena.h"
#include "store/kv.h"
#include "store/layout.h"

/* What all databases of a store share. */
struct database_memory {
	rocksdb_cache_t *cache;
	size_t write_bytes; /* for the memtables of all families together */
};
void database_memory_init(struct database_memory *memory, size_t memory_bytes);
void database_memory_fini(struct database_memory *memory);

struct database {
	rocksdb_t *rocks;
	rocksdb_column_family_handle_t *families[FAMILY_COUNT];
	rocksdb_writeoptions_t *writes;
	char *path;
	_Atomic unsigned refs;
	_Atomic bool removed; /* its files go when the last reference does */
};

enum database_mode { DATABASE_EXISTING, DATABASE_CREATE, DATABASE_READ_ONLY };

/* With one reference. ERR_CORRUPT, ERR_LOCKED, ERR_PERMISSION, ERR_NO_SPACE, ERR_IO: logged. */
enum err database_open(const char *path, enum database_mode mode, const struct database_memory *memory,
                       struct database **ret_database) MUST_USE;
void database_ref(struct database *database);
/* The last one flushes and closes. */
void database_unref(struct database *database);

/* Ends the process when it fails. Takes no lock of ours. ON_ANY_THREAD */
void database_write(struct database *database, rocksdb_writebatch_t *batch);
/* All families, at one point; returns when they are on disk. */
void database_flush(struct database *database);
/* A copy by hard links, of what it held at some moment of the call, into a directory that does not exist. */
enum err database_checkpoint(struct database *database, const char *directory) MUST_USE;

/* Into the arena. ERR_NOT_FOUND; ERR_CORRUPT, ERR_IO: logged. */
enum err database_get(struct database *database, const rocksdb_readoptions_t *reads, enum family family,
                      struct bytes key, struct arena *arena, struct bytes *ret_value) MUST_USE;
/* The state row as the files have it, without what is only in memory. ERR_NOT_FOUND. */
enum err database_get_flushed(struct database *database, struct arena *arena, struct bytes *ret_value) MUST_USE;

/* Translates and frees RocksDB's error text. NULL is ERR_OK. Logs with the path. */
enum err database_err(const char *path, char *text);

/* Sum of a property over the families. */
uint64_t database_sum(struct database *database, const char *property);
/* On the disk: its files without rows, of which there are some from the beginning. */
uint64_t database_frame_bytes(const struct database *database);
uint64_t database_cache_bytes(const struct database_memory *memory);

/* An iterator over one family with an upper bound (exclusive; empty: none), lent until walk_close(). */
struct walk {
	rocksdb_iterator_t *rows;
	rocksdb_readoptions_t *reads;
	const char *path;
};
void walk_open(struct walk *walk, struct database *database, const rocksdb_snapshot_t *snapshot, enum family family,
               struct bytes end);
/* Over all rows as they are in the snapshot, or now for NULL, for one who reads each once: blocks are checked, and do not displace
 * what others need. */
void walk_open_once(struct walk *walk, struct database *database, const rocksdb_snapshot_t *snapshot,
                    enum family family);
void walk_close(struct walk *walk);
void walk_seek(struct walk *walk, struct bytes key);           /* the first row >= key */
void walk_seek_backwards(struct walk *walk, struct bytes key); /* the last row <= key */
void walk_next(struct walk *walk);
bool walk_at_row(const struct walk *walk);
/* Lent until the walk moves. */
struct bytes walk_key(const struct walk *walk);
struct bytes walk_value(const struct walk *walk);
/* After walk_at_row() said no: ERR_OK at the end, ERR_CORRUPT, ERR_IO (logged). */
enum err walk_err(const struct walk *walk) MUST_USE;

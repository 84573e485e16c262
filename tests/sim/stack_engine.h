/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In place of RocksDB: the calls of rocksdb/c.h that store/ makes, on sorted tables in memory, because opening a real database
 * costs 15 ms and starts threads. Everything of store/ runs on it unchanged; its own tests are run on it too, to show that it
 * keeps what RocksDB promises them.
 *
 * A row keeps all its values with the number of the write that made them, so that a snapshot is a number. What a flush has
 * written stands in one checksummed file in the database's directory; a crash loses the rest.
 */
#pragma once

#include <stdbool.h>

#include <rocksdb/c.h>

/* Databases below that path are gone, and what was not flushed with them; whoever had them open is gone too. */
void engine_crash(const char *path);
bool engine_options_create(const rocksdb_options_t *options); /* create_if_missing */

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/place.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/row.h"

enum {
	CURRENT_BYTES_MAX = 4096,
	NUMBER_TEXT_BYTES = 32,
	DIRECTORY_MODE = 0700,
	FILE_MODE = 0600,
};
#define DATABASE_NAME "db-%u"

static char *place_path(const char *directory, unsigned number)
{
	return memory_format("%s/" DATABASE_NAME, directory, number);
}

static char *place_current(const char *directory)
{
	return memory_format("%s/current", directory);
}

/* The number in a database's name; 0: it is not one. */
static unsigned place_number(const char *name)
{
	unsigned number = 0;
	char again[NUMBER_TEXT_BYTES];
	if (sscanf(name, DATABASE_NAME, &number) != 1)
		return 0;
	snprintf(again, sizeof again, DATABASE_NAME, number);
	return strcmp(again, name) == 0 ? number : 0;
}

/* ---- the file `current` ---- */

static enum err place_write(const char *directory, unsigned number)
{
	AUTO_FREE char *path = place_current(directory);
	AUTO_FREE char *text =
	    memory_format("etcfs applied state\nformat %d\ndatabase " DATABASE_NAME "\n", ROW_FORMAT, number);
	return file_replace(path, bytes_of_string(text), FILE_MODE);
}

static enum err place_parse(const char *path, const char *text, unsigned *ret_number)
{
	unsigned format = 0, number = 0;
	int found = sscanf(text, "etcfs applied state\nformat %u\ndatabase " DATABASE_NAME "\n", &format, &number);
	if (found >= 1 && format > ROW_FORMAT) {
		log_error("format_newer",
		          "path=%s format=%u known=%d remedy=\"this data was written by a newer version of etcfsd: "
		          "start that one\"",
		          path, format, ROW_FORMAT);
		return ERR_FORMAT_NEWER;
	}
	if (found != 2 || format < ROW_FORMAT_OLDEST || number == 0) {
		log_error("current_unreadable",
		          "path=%s remedy=\"it should have three lines; empty this node's data directory and let it "
		          "join again\"",
		          path);
		return ERR_CORRUPT;
	}
	*ret_number = number;
	return ERR_OK;
}

/* *ret_number 0: there is no such file. */
static enum err place_read(const char *directory, unsigned *ret_number)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	AUTO_FREE char *path = place_current(directory);
	struct bytes content;
	enum err err = file_read(path, CURRENT_BYTES_MAX, &arena, &content);
	*ret_number = 0;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	return err == ERR_OK ? place_parse(path, arena_dup_string(&arena, content), ret_number) : err;
}

/* ---- the databases ---- */

/* Calls fn for each database in the directory until one fails. */
static enum err place_each(const char *directory,
                           enum err (*fn)(const char *directory, unsigned number, void *argument), void *argument)
{
	DIR *entries = opendir(directory);
	if (entries == NULL) {
		enum err err = err_from_errno(errno);
		log_error("store_unreadable", "path=%s error=\"%s\"", directory, strerror(errno));
		return err;
	}
	enum err err = ERR_OK;
	for (const struct dirent *entry; err == ERR_OK && (entry = readdir(entries)) != NULL;) {
		unsigned number = place_number(entry->d_name);
		if (number != 0)
			err = fn(directory, number, argument);
	}
	closedir(entries);
	return err;
}

static enum err place_remove_other(const char *directory, unsigned number, void *argument)
{
	const unsigned *kept = argument;
	if (number == *kept)
		return ERR_OK;
	AUTO_FREE char *path = place_path(directory, number);
	log_info("database_leftover_removed", "path=%s", path);
	return file_remove_tree(path);
}

static enum err place_find_highest(const char *directory, unsigned number, void *argument)
{
	(void)directory;
	unsigned *highest = argument;
	*highest = number > *highest ? number : *highest;
	return ERR_OK;
}

static bool database_is_new(struct database *database)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	rocksdb_readoptions_t *reads = rocksdb_readoptions_create();
	struct bytes row;
	enum err err = database_get(database, reads, FAMILY_META, layout_state(), &arena, &row);
	rocksdb_readoptions_destroy(reads);
	return err == ERR_NOT_FOUND;
}

/* Nothing is named: either nothing was ever here, or the first opening did not come to its end, or the name was lost. In the
 * last case there is a state, which must not be taken for an empty one. */
static enum err place_first(const char *directory, const struct database_memory *memory, struct database **ret_database)
{
	AUTO_FREE char *path = place_path(directory, 1);
	unsigned highest = 0;
	enum err err = place_each(directory, place_find_highest, &highest);
	struct database *database = NULL;
	if (err == ERR_OK && highest <= 1)
		err = database_open(path, DATABASE_CREATE, memory, &database);
	if (err != ERR_OK)
		return err;
	if (database == NULL || !database_is_new(database)) {
		log_error("current_missing",
		          "path=%s/current remedy=\"the state is there and its name is not: empty this node's data "
		          "directory and let "
		          "it join again\"",
		          directory);
		if (database != NULL)
			database_unref(database);
		return ERR_CORRUPT;
	}
	err = file_sync_directory(directory);
	if (err == ERR_OK)
		err = place_write(directory, 1);
	if (err != ERR_OK) {
		database_unref(database);
		return err;
	}
	*ret_database = database;
	return ERR_OK;
}

enum err place_open(const char *directory, const struct database_memory *memory, struct database **ret_database)
{
	enum err err = file_make_directory(directory, DIRECTORY_MODE);
	unsigned number = 0;
	if (err == ERR_OK)
		err = place_read(directory, &number);
	if (err != ERR_OK)
		return err;
	if (number == 0)
		return place_first(directory, memory, ret_database);
	AUTO_FREE char *path = place_path(directory, number);
	err = database_open(path, DATABASE_EXISTING, memory, ret_database);
	if (err != ERR_OK)
		return err;
	err = place_each(directory, place_remove_other, &number); /* after the lock is held */
	if (err != ERR_OK)
		database_unref(*ret_database);
	return err;
}

enum err place_bring(const char *directory, const char *files, const struct database_memory *memory,
                     struct database **ret_database)
{
	unsigned number = 0;
	enum err err = place_each(directory, place_find_highest, &number);
	if (err != ERR_OK)
		return err;
	AUTO_FREE char *path = place_path(directory, number + 1);
	if (rename(files, path) != 0) {
		err = err_from_errno(errno);
		log_error("snapshot_rename_failed", "from=%s to=%s error=\"%s\"", files, path, strerror(errno));
		return err;
	}
	err = database_open(path, DATABASE_EXISTING, memory, ret_database);
	if (err != ERR_OK && file_remove_tree(path) != ERR_OK)
		log_warn("database_left", "path=%s", path);
	return err;
}

enum err place_name(const char *directory, const struct database *database)
{
	unsigned number = place_number(strrchr(database->path, '/') + 1);
	check(number != 0);
	enum err err = file_sync_directory(directory);
	return err == ERR_OK ? place_write(directory, number) : err;
}

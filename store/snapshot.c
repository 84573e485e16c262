/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: RocksDB checkpoints (hard links), whose place in the log is read from what they hold, not from what was published
 * when they were begun.
 */
#include "store/core.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/role.h"
#include "store/place.h"

enum { SNAPSHOT_LOOK_ROWS = 4096 /* between two looks whether to go on */ };

static enum err snapshot_describe(struct database *database, struct arena *arena, struct store_snapshot *ret_snapshot)
{
	rocksdb_readoptions_t *reads = rocksdb_readoptions_create();
	struct bytes row, config = BYTES_NONE;
	struct state state;
	enum err err = database_get(database, reads, FAMILY_META, layout_state(), arena, &row);
	if (err == ERR_OK)
		err = row_state_decode(row, &state);
	enum err found = database_get(database, reads, FAMILY_META, layout_config(), arena, &config);
	rocksdb_readoptions_destroy(reads);
	if (err == ERR_OK && found != ERR_NOT_FOUND)
		err = found;
	if (err == ERR_NOT_FOUND)
		err = ERR_CORRUPT; /* a snapshot of nothing */
	if (err == ERR_OK)
		*ret_snapshot = (struct store_snapshot){
		    .index = state.index, .term = state.term, .config_payload = config, .revision = state.revision};
	return err;
}

static enum err snapshot_look(const struct store *store, const char *directory, struct arena *arena,
                              struct store_snapshot *ret_snapshot)
{
	struct database *database = NULL;
	enum err err = database_open(directory, DATABASE_READ_ONLY, &store->memory, &database);
	if (err != ERR_OK)
		return err;
	err = snapshot_describe(database, arena, ret_snapshot);
	database_unref(database);
	return err;
}

enum err store_snapshot_make(struct store *store, const char *directory, struct arena *arena,
                             struct store_snapshot *ret_snapshot)
{
	struct kv_view *view = kv_view_open(&store->kv);
	enum err err = database_checkpoint(view->database, directory);
	kv_view_close(view);
	if (err == ERR_OK)
		err = snapshot_look(store, directory, arena, ret_snapshot);
	if (err != ERR_OK && file_remove_tree(directory) != ERR_OK)
		log_warn("snapshot_left", "path=%s remedy=\"it may be removed\"", directory);
	return err;
}

/* Every row of a family: so every block is read. */
static enum err snapshot_read(struct database *database, enum family family, const struct store_snapshot_claim *claim)
{
	struct walk walk;
	enum err err = ERR_OK;
	size_t rows = 0;
	walk_open_once(&walk, database, NULL, family);
	for (walk_seek(&walk, BYTES_NONE); err == ERR_OK && walk_at_row(&walk); walk_next(&walk))
		if (++rows % SNAPSHOT_LOOK_ROWS == 0 && claim->give_up != NULL && claim->give_up(claim->argument))
			err = ERR_CANCELED;
	if (err == ERR_OK)
		err = walk_err(&walk);
	walk_close(&walk);
	return err;
}

enum err store_snapshot_check(struct store *store, const struct store_snapshot_claim *claim)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct database *database = NULL;
	struct store_snapshot snapshot = {0};
	enum err err = database_open(claim->directory, DATABASE_READ_ONLY, &store->memory, &database);
	if (err != ERR_OK)
		return err;
	err = snapshot_describe(database, &arena, &snapshot);
	if (err == ERR_OK && (snapshot.index != claim->index || snapshot.term != claim->term))
		err = ERR_CORRUPT;
	for (int family = 0; err == ERR_OK && family < FAMILY_COUNT; family++)
		err = snapshot_read(database, (enum family)family, claim);
	database_unref(database);
	return err;
}

static enum err snapshot_bring(struct store *store, const char *directory, struct database **ret_database)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct store_snapshot snapshot = {0};
	enum err err = snapshot_look(store, directory, &arena, &snapshot);
	if (err == ERR_OK && snapshot.index < store->batch.state.index)
		err = ERR_CONFLICT;
	if (err != ERR_OK) {
		log_error("snapshot_refused", "path=%s condition=%s index=%" PRIu64 " applied=%" PRIu64, directory,
		          err_name(err), snapshot.index, store->batch.state.index);
		return err;
	}
	return place_bring(store->directory, directory, &store->memory, ret_database);
}

static void store_tell_replaced(struct store *store)
{
	for (size_t i = 0; i < store->observer_count; i++)
		store->observers[i].replaced(store->observers[i].argument, store->batch.state.revision);
}

enum err store_snapshot_install(struct store *store, const char *directory)
{
	role_check(&role_apply);
	check(store->batch.state.index == store->batch.base->state.index);
	struct database *database = NULL, *before = store->batch.base->database;
	enum err err = snapshot_bring(store, directory, &database);
	if (err == ERR_OK)
		err = place_name(store->directory, database);
	if (err != ERR_OK) {
		if (database != NULL) {
			atomic_store(&database->removed, true);
			database_unref(database);
		}
		return err;
	}
	atomic_store(&before->removed, true); /* when its last view is closed */
	err = store_stand_on(store, database);
	if (err != ERR_OK)
		log_fatal("snapshot_unreadable", "path=%s condition=%s", store->directory, err_name(err));
	keeper_found_flushed(&store->keeper, store->batch.state.index);
	store_tell_replaced(store);
	log_info("snapshot_installed", "index=%" PRIu64 " revision=%" PRId64, store->batch.state.index,
	         store->batch.state.revision);
	return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/view.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"

struct kv_view *view_new(struct database *database, const struct database_memory *memory, const struct state *state)
{
	struct kv_view *view = memory_new(sizeof *view);
	atomic_init(&view->refs, 1);
	database_ref(database);
	view->database = database;
	view->memory = memory;
	view->snapshot = rocksdb_create_snapshot(database->rocks);
	view->reads = rocksdb_readoptions_create();
	rocksdb_readoptions_set_snapshot(view->reads, view->snapshot);
	view->state = *state;
	return view;
}

static void view_unref(struct kv_view *view)
{
	if (atomic_fetch_sub(&view->refs, 1) != 1)
		return;
	rocksdb_readoptions_destroy(view->reads);
	rocksdb_release_snapshot(view->database->rocks, view->snapshot);
	database_unref(view->database);
	free(view);
}

void kv_init(struct kv *kv)
{
	pthread_mutex_init(&kv->lock, NULL);
	kv->now = NULL;
	atomic_init(&kv->swept, -1);
}

void kv_fini(struct kv *kv)
{
	if (kv->now != NULL) {
		check(atomic_load(&kv->now->refs) == 1);
		view_unref(kv->now);
	}
	pthread_mutex_destroy(&kv->lock);
}

void kv_publish(struct kv *kv, struct kv_view *view)
{
	pthread_mutex_lock(&kv->lock);
	struct kv_view *before = kv->now;
	kv->now = view;
	pthread_mutex_unlock(&kv->lock);
	if (before != NULL)
		view_unref(before);
}

struct kv_view *kv_view_open(struct kv *kv)
{
	pthread_mutex_lock(&kv->lock);
	struct kv_view *view = kv->now;
	atomic_fetch_add(&view->refs, 1);
	pthread_mutex_unlock(&kv->lock);
	return view;
}

void kv_view_close(struct kv_view *view)
{
	view_unref(view);
}

int64_t kv_view_revision(const struct kv_view *view)
{
	return view->state.revision;
}

uint64_t kv_view_index(const struct kv_view *view)
{
	return view->state.index;
}

int64_t kv_view_compacted(const struct kv_view *view)
{
	return view->state.compacted;
}

enum err view_check(const struct kv_view *view, int64_t revision)
{
	if (revision > view->state.revision)
		return ERR_FUTURE;
	return revision < view->state.compacted ? ERR_COMPACTED : ERR_OK;
}

enum err view_get(struct kv_view *view, enum family family, struct bytes key, struct arena *arena,
                  struct bytes *ret_value)
{
	return database_get(view->database, view->reads, family, key, arena, ret_value);
}

void view_walk(struct kv_view *view, enum family family, struct bytes end, struct walk *ret_walk)
{
	walk_open(ret_walk, view->database, view->snapshot, family, end);
}

enum err view_decode(const struct kv_view *view, struct bytes key, struct bytes row, struct kv_record *ret_record)
{
	bool tombstone = false;
	enum err err = row_record_decode(row, ret_record, &tombstone);
	if (err != ERR_OK) {
		log_error("record_unreadable", "path=%s key=\"%.*s\" remedy=\"replace this node's data directory\"",
		          view->database->path, (int)key.size, (const char *)key.data);
		return err;
	}
	ret_record->key = key;
	return tombstone ? ERR_NOT_FOUND : ERR_OK;
}

enum err kv_get(struct kv_view *view, struct bytes key, struct arena *arena, struct kv_record *ret_record)
{
	struct bytes row;
	enum err err = view_get(view, FAMILY_HEAD, key, arena, &row);
	if (err != ERR_OK)
		return err;
	struct kv_record record;
	err = view_decode(view, arena_dup(arena, key), row, &record);
	if (err == ERR_OK)
		*ret_record = record;
	return err;
}

static enum err view_past(struct kv_view *view, struct bytes key, int64_t revision, struct arena *arena,
                          struct kv_record *ret_record)
{
	struct walk walk;
	view_walk(view, FAMILY_PAST, layout_past_end(key, arena), &walk);
	walk_seek(&walk, layout_past(key, revision, arena));
	enum err err = walk_err(&walk);
	if (err == ERR_OK && !walk_at_row(&walk))
		err = ERR_NOT_FOUND;
	if (err == ERR_OK)
		err = view_decode(view, key, arena_dup(arena, walk_value(&walk)), ret_record);
	walk_close(&walk);
	return err;
}

enum err view_record_at(struct kv_view *view, struct bytes key, int64_t revision, struct arena *arena,
                        struct kv_record *ret_record)
{
	struct kv_record record;
	enum err err = kv_get(view, key, arena, &record);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && record.mod_revision > revision))
		err = view_past(view, arena_dup(arena, key), revision, arena, &record);
	if (err == ERR_OK)
		*ret_record = record;
	return err;
}

enum err kv_get_at(struct kv_view *view, struct bytes key, int64_t revision, struct arena *arena,
                   struct kv_record *ret_record)
{
	enum err err = view_check(view, revision);
	return err == ERR_OK ? view_record_at(view, key, revision, arena, ret_record) : err;
}

int64_t kv_swept(struct kv *kv)
{
	return atomic_load(&kv->swept);
}

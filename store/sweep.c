/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cleaning up behind compaction. The change log names each key that changed in the revisions that were compacted: the record
 * that such a change replaced is not readable any more, and goes; so does a deletion's tombstone, unless it is the compacted
 * revision's own (a watch may begin there). The cost is that of the changes compacted, never of the keys that live.
 *
 * It only touches rows that no reader may see, and is of this node alone: nothing of it is in the checksum.
 */
#include "store/keeper.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/log.h"

enum {
	SWEEP_EVENTS_MAX = 200, /* of one write, which those of the changes that are applied wait for */
	SWEPT_ROW_BYTES = 16,
};

struct sweep {
	struct kv_view *view;
	struct walk past;
	rocksdb_writebatch_t *writes;
	struct arena arena;
	size_t events;
	int64_t until; /* revisions below it are swept */
};

/* As it is now: the view may be older than the last step. */
static enum err swept_read(struct kv_view *view, struct arena *arena, int64_t *ret_revision)
{
	struct bytes row;
	*ret_revision = 0;
	rocksdb_readoptions_t *reads = rocksdb_readoptions_create();
	enum err err = database_get(view->database, reads, FAMILY_META, layout_swept(), arena, &row);
	rocksdb_readoptions_destroy(reads);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	return err == ERR_OK ? row_number_decode(row, ret_revision) : err;
}

static void sweep_delete(struct sweep *sweep, enum family family, struct bytes row)
{
	rocksdb_writebatch_delete_cf(sweep->writes, sweep->view->database->families[family], (const char *)row.data,
	                             row.size);
}

/* What the key held before this revision. What it held before that went with the change that replaced it: so a key that is changed
 * a million times costs a million seeks, and not their square. */
static void sweep_event(struct sweep *sweep, const struct kv_event *event, int64_t revision)
{
	struct bytes key = event->record.key, end = layout_past_end(key, &sweep->arena);
	if (event->type == KV_EVENT_DELETE && revision < sweep->view->state.compacted)
		sweep_delete(sweep, FAMILY_PAST, layout_past(key, revision, &sweep->arena));
	walk_seek(&sweep->past, layout_past(key, revision - 1, &sweep->arena));
	if (walk_at_row(&sweep->past) && bytes_compare(walk_key(&sweep->past), end) < 0)
		sweep_delete(sweep, FAMILY_PAST, walk_key(&sweep->past));
	sweep->events++;
}

static enum err sweep_change(struct sweep *sweep, struct bytes row, int64_t revision)
{
	struct kv_change change;
	enum err err = row_change_decode(row, &sweep->arena, &change);
	for (size_t i = 0; err == ERR_OK && i < change.event_count; i++)
		sweep_event(sweep, &change.events[i], revision);
	return err == ERR_OK ? walk_err(&sweep->past) : err;
}

static enum err sweep_changes(struct sweep *sweep, int64_t from)
{
	struct walk changes;
	enum err err = ERR_OK;
	int64_t compacted = sweep->view->state.compacted;
	walk_open(&changes, sweep->view->database, NULL, FAMILY_CHANGES, layout_change(compacted + 1, &sweep->arena));
	walk_seek(&changes, layout_change(from, &sweep->arena));
	for (; err == ERR_OK && walk_at_row(&changes) && sweep->events < SWEEP_EVENTS_MAX; walk_next(&changes)) {
		int64_t revision = layout_change_revision(walk_key(&changes));
		err = sweep_change(sweep, walk_value(&changes), revision);
		sweep->until = revision + 1;
	}
	if (err == ERR_OK && !walk_at_row(&changes)) {
		err = walk_err(&changes);
		sweep->until = compacted + 1;
	}
	walk_close(&changes);
	return err;
}

/* The compacted revision itself is gone over again by the next one: its tombstones, and its change, are still there. Each step deletes a range of its
 * own: ranges that lie one over the other would cost every reader of the change log their square. */
static void sweep_write(struct sweep *sweep, int64_t from)
{
	struct database *database = sweep->view->database;
	int64_t compacted = sweep->view->state.compacted;
	int64_t kept_from = sweep->until <= compacted ? sweep->until : compacted;
	struct bytes begin = layout_change(from, &sweep->arena), end = layout_change(kept_from, &sweep->arena);
	rocksdb_writebatch_delete_range_cf(sweep->writes, database->families[FAMILY_CHANGES], (const char *)begin.data,
	                                   begin.size, (const char *)end.data, end.size);
	struct buffer row;
	buffer_init(&row, SWEPT_ROW_BYTES);
	row_number_encode(kept_from, &row);
	struct bytes key = layout_swept();
	rocksdb_writebatch_put_cf(sweep->writes, database->families[FAMILY_META], (const char *)key.data, key.size,
	                          (const char *)row.data, row.size);
	buffer_fini(&row);
	database_write(database, sweep->writes);
}

static enum err sweep_run(struct sweep *sweep, int64_t from)
{
	walk_open(&sweep->past, sweep->view->database, NULL, FAMILY_PAST, BYTES_NONE);
	enum err err = sweep_changes(sweep, from);
	walk_close(&sweep->past);
	if (err == ERR_OK)
		sweep_write(sweep, from);
	return err;
}

enum sweep_outcome sweep_step(struct kv_view *view)
{
	struct sweep sweep = {.view = view};
	arena_init(&sweep.arena);
	sweep.writes = rocksdb_writebatch_create();
	int64_t from = 0;
	enum err err = swept_read(view, &sweep.arena, &from);
	bool due = err == ERR_OK && from < view->state.compacted;
	if (due)
		err = sweep_run(&sweep, from);
	if (err != ERR_OK)
		log_error("sweep_failed", "path=%s condition=%s", view->database->path, err_name(err));
	rocksdb_writebatch_destroy(sweep.writes);
	arena_fini(&sweep.arena);
	if (err != ERR_OK)
		return SWEEP_FAILED;
	return due && sweep.until <= view->state.compacted ? SWEEP_MORE : SWEEP_DONE;
}

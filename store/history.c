/* SPDX-License-Identifier: Apache-2.0 */
/* Changes from the change log: their events name keys, whose records are looked up as of the change, and before it. */
#include "store/view.h"

#include "base/cursor.h"
#include "base/log.h"

static enum err event_fill(struct kv_view *view, int64_t revision, struct arena *arena, struct kv_event *event)
{
	struct bytes key = event->record.key;
	uint64_t id = event->record.id;
	enum err err = ERR_OK;
	event->record.mod_revision = revision;
	if (event->type == KV_EVENT_PUT)
		err = view_record_at(view, key, revision, arena, &event->record);
	if (err != ERR_OK)
		return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
	event->record.id = id;
	err = view_record_at(view, key, revision - 1, arena, &event->prev);
	event->has_prev = err == ERR_OK;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err change_fill(struct kv_view *view, struct walk *walk, struct arena *arena, struct kv_change *ret_change)
{
	struct kv_change change;
	int64_t revision = layout_change_revision(walk_key(walk));
	enum err err = row_change_decode(arena_dup(arena, walk_value(walk)), arena, &change);
	change.revision = revision;
	struct kv_event *events = (struct kv_event *)change.events;
	for (size_t i = 0; err == ERR_OK && i < change.event_count; i++)
		err = event_fill(view, revision, arena, &events[i]);
	if (err == ERR_OK)
		*ret_change = change;
	else
		log_error("change_unreadable", "path=%s revision=%lld condition=%s", view->database->path,
		          (long long)revision, err_name(err));
	return err;
}

static enum err change_at(struct kv_view *view, struct walk *walk, struct arena *arena, struct kv_change *ret_change)
{
	if (!walk_at_row(walk)) {
		enum err err = walk_err(walk);
		return err == ERR_OK ? ERR_NOT_FOUND : err;
	}
	if (layout_change_revision(walk_key(walk)) < view->state.compacted)
		return ERR_COMPACTED;
	return change_fill(view, walk, arena, ret_change);
}

enum err kv_change_from(struct kv_view *view, int64_t revision, struct arena *arena, struct kv_change *ret_change)
{
	if (revision < view->state.compacted)
		return ERR_COMPACTED;
	struct walk walk;
	view_walk(view, FAMILY_CHANGES, BYTES_NONE, &walk);
	walk_seek(&walk, layout_change(revision > 0 ? revision : 0, arena));
	enum err err = change_at(view, &walk, arena, ret_change);
	walk_close(&walk);
	return err;
}

enum err kv_change_until(struct kv_view *view, int64_t revision, struct arena *arena, struct kv_change *ret_change)
{
	if (revision < view->state.compacted)
		return ERR_COMPACTED;
	struct walk walk;
	view_walk(view, FAMILY_CHANGES, BYTES_NONE, &walk);
	walk_seek_backwards(&walk, layout_change(revision > 0 ? revision : 0, arena));
	enum err err = change_at(view, &walk, arena, ret_change);
	walk_close(&walk);
	return err;
}

/* ---- by time ---- */

/* Its time alone. The store begins with revision 1, which was never made. */
static enum err change_time(struct kv_view *view, int64_t revision, int64_t *ret_time_ns)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes row = BYTES_NONE;
	if (revision <= 1) {
		*ret_time_ns = INT64_MIN;
		return ERR_OK;
	}
	enum err err = view_get(view, FAMILY_CHANGES, layout_change(revision, &arena), &arena, &row);
	struct cursor cursor = cursor_over(row);
	int64_t time_ns = (int64_t)cursor_varint(&cursor);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && cursor.bad)) {
		log_error("change_unreadable", "path=%s revision=%lld condition=%s", view->database->path,
		          (long long)revision, err_name(ERR_CORRUPT));
		err = ERR_CORRUPT;
	}
	if (err == ERR_OK)
		*ret_time_ns = time_ns;
	return err;
}

/* Times do not go back with revisions. */
enum err kv_revision_at(struct kv_view *view, int64_t time_ns, int64_t *ret_revision)
{
	int64_t low = view->state.compacted > 1 ? view->state.compacted : 1, high = view->state.revision, at_ns = 0;
	enum err err = change_time(view, low, &at_ns);
	if (err != ERR_OK)
		return err;
	if (at_ns > time_ns)
		return ERR_NOT_FOUND;
	while (low < high) { /* low was there, and what is after high was not */
		int64_t middle = low + (high - low + 1) / 2;
		err = change_time(view, middle, &at_ns);
		if (err != ERR_OK)
			return err;
		if (at_ns <= time_ns)
			low = middle;
		else
			high = middle - 1;
	}
	*ret_revision = low;
	return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/scan.h"

#include "base/check.h"
#include "base/log.h"

static bool range_is_open(const struct kv_range *range)
{
	return range->end.size == 1 && range->end.data[0] == 0;
}

bool range_is_single(const struct kv_range *range)
{
	return range->end.size == 0;
}

bool range_holds(const struct kv_range *range, struct bytes key)
{
	if (range_is_single(range))
		return bytes_equal(range->start, key);
	return bytes_compare(range->start, key) <= 0 && (range_is_open(range) || bytes_compare(key, range->end) < 0);
}

/* The exclusive end as a key; empty: there is none. */
static struct bytes range_end(const struct kv_range *range, struct arena *arena)
{
	if (range_is_open(range))
		return BYTES_NONE;
	if (!range_is_single(range))
		return range->end;
	uint8_t *end = arena_zero(arena, range->start.size + 1, 1); /* its successor: with a zero behind it */
	memcpy(end, range->start.data, range->start.size);
	return bytes_of(end, range->start.size + 1);
}

/* ---- where `past` stands ---- */

static void scan_past_key(struct scan *scan)
{
	arena_reset(&scan->arena);
	scan->past_key = BYTES_NONE;
	if (scan->err != ERR_OK)
		return;
	if (!walk_at_row(&scan->past)) {
		scan->err = walk_err(&scan->past);
		return;
	}
	int64_t revision;
	if (!layout_past_split(walk_key(&scan->past), &scan->arena, &scan->past_key, &revision)) {
		log_error("past_row_unreadable", "path=%s remedy=\"replace this node's data directory\"",
		          scan->past.path);
		scan->err = ERR_CORRUPT;
	}
}

static void scan_past_seek(struct scan *scan, struct bytes row)
{
	walk_seek(&scan->past, row);
	scan_past_key(scan);
}

void scan_open(struct scan *scan, const struct scan_options *options)
{
	*scan = (struct scan){.revision = options->revision,
	                      .newest = options->revision >= options->view->state.revision,
	                      .patches = options->patches,
	                      .patch_count = options->patch_count};
	arena_init(&scan->arena);
	arena_init(&scan->bounds);
	arena_init(&scan->step);
	check(scan->newest || scan->patch_count == 0);
	struct bytes end = range_end(&options->range, &scan->bounds);
	view_walk(options->view, FAMILY_HEAD, end, &scan->head);
	walk_seek(&scan->head, options->range.start);
	if (scan->newest)
		return;
	struct bytes bound = end.size != 0 ? layout_past_bound(end, &scan->bounds) : BYTES_NONE;
	view_walk(options->view, FAMILY_PAST, bound, &scan->past);
	scan_past_seek(scan, layout_past_bound(options->range.start, &scan->bounds));
}

enum err scan_close(struct scan *scan)
{
	walk_close(&scan->head);
	if (!scan->newest)
		walk_close(&scan->past);
	arena_fini(&scan->arena);
	arena_fini(&scan->bounds);
	arena_fini(&scan->step);
	return scan->err;
}

/* ---- steps ---- */

static bool scan_decode(struct scan *scan, struct bytes row, struct kv_record *ret_record, bool *ret_tombstone)
{
	scan->err = row_record_decode(row, ret_record, ret_tombstone);
	if (scan->err != ERR_OK)
		log_error("record_unreadable", "path=%s remedy=\"replace this node's data directory\"",
		          scan->head.path);
	return scan->err == ERR_OK;
}

static bool scan_head_at_row(struct scan *scan)
{
	if (scan->head_used)
		walk_next(&scan->head);
	scan->head_used = false;
	if (scan->err != ERR_OK)
		return false;
	if (walk_at_row(&scan->head))
		return true;
	scan->err = walk_err(&scan->head);
	return false;
}

static bool scan_head(struct scan *scan, struct kv_record *ret_record)
{
	bool tombstone = false;
	if (!scan_decode(scan, walk_value(&scan->head), ret_record, &tombstone))
		return false;
	ret_record->key = walk_key(&scan->head);
	scan->head_used = true;
	return true;
}

static bool scan_next_newest(struct scan *scan, struct kv_record *ret_record)
{
	while (scan->err == ERR_OK) {
		bool at_row = scan_head_at_row(scan);
		if (scan->patch_count == 0)
			return at_row && scan_head(scan, ret_record);
		int order = at_row ? bytes_compare(walk_key(&scan->head), scan->patches->key) : 1;
		if (order < 0)
			return scan_head(scan, ret_record);
		const struct scan_patch *patch = scan->patches++;
		scan->patch_count--;
		scan->head_used = order == 0;
		if (patch->record != NULL) {
			*ret_record = *patch->record;
			ret_record->key = patch->key;
			return true;
		}
	}
	return false;
}

/* The key at `past` as it was; `past` then stands within the key or after it. */
static bool scan_past(struct scan *scan, struct kv_record *ret_record)
{
	struct bytes key = arena_dup(&scan->step, scan->past_key);
	scan_past_seek(scan, layout_past(key, scan->revision, &scan->step));
	bool tombstone = true;
	if (scan->past_key.data == NULL || !bytes_equal(scan->past_key, key) ||
	    !scan_decode(scan, walk_value(&scan->past), ret_record, &tombstone))
		return false;
	scan->past_used = true;
	ret_record->key = scan->past_key;
	return !tombstone;
}

static void scan_past_skip(struct scan *scan, struct bytes key)
{
	if (scan->past_key.data != NULL && bytes_equal(scan->past_key, key))
		scan_past_seek(scan, layout_past_end(key, &scan->step));
}

static bool scan_next_older(struct scan *scan, struct kv_record *ret_record)
{
	while (scan->err == ERR_OK) {
		arena_reset(&scan->step);
		if (scan->past_used)
			scan_past_skip(scan, arena_dup(&scan->step, scan->past_key));
		scan->past_used = false;
		bool at_head = scan_head_at_row(scan), at_past = scan->past_key.data != NULL;
		if (scan->err != ERR_OK || (!at_head && !at_past))
			return false;
		int order = !at_past ? -1 : !at_head ? 1 : bytes_compare(walk_key(&scan->head), scan->past_key);
		if (order <= 0) {
			struct kv_record record;
			bool newer = !scan_head(scan, &record) || record.mod_revision > scan->revision;
			if (order == 0 && !newer)
				scan->past_used = true; /* its older records are skipped at the next step */
			if (!newer) {
				*ret_record = record;
				return true;
			}
			if (order < 0)
				continue;
		}
		if (scan_past(scan, ret_record))
			return true;
	}
	return false;
}

bool scan_next(struct scan *scan, struct kv_record *ret_record)
{
	return scan->newest ? scan_next_newest(scan, ret_record) : scan_next_older(scan, ret_record);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live keys of a range in order, as they were at a revision. At the newest revision only `head` is read; at an older one
 * it is merged with `past`. Patches are changes that are not in the database yet (of the transaction under way).
 */
#pragma once

#include "store/view.h"

struct scan_patch {
	struct bytes key;
	const struct kv_record *record; /* NULL: deleted */
};

struct scan {
	int64_t revision;
	bool newest;
	bool head_used, past_used; /* what was returned last stood there: moved on at the next step */
	struct walk head, past;
	const struct scan_patch *patches; /* ascending by key; only with the newest revision */
	size_t patch_count;
	struct bytes past_key; /* of the row at which `past` stands, in the arena; no data: none */
	struct arena arena, bounds, step;
	enum err err;
};

struct scan_options {
	struct kv_view *view;
	struct kv_range range;
	int64_t revision; /* between the view's compacted and newest */
	const struct scan_patch *patches;
	size_t patch_count;
};

/* patches and the range are lent until scan_close(). */
void scan_open(struct scan *scan, const struct scan_options *options);
/* False at the end. The record is lent until the next step. */
bool scan_next(struct scan *scan, struct kv_record *ret_record);
/* What went wrong, if anything: ERR_CORRUPT, ERR_IO. */
enum err scan_close(struct scan *scan) MUST_USE;

/* ---- ranges ---- */

bool range_is_single(const struct kv_range *range);
bool range_holds(const struct kv_range *range, struct bytes key);

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/txn.h"

static bool order_holds(int order, enum kv_result_of_compare result)
{
	switch (result) {
	case KV_EQUAL:
		return order == 0;
	case KV_GREATER:
		return order > 0;
	case KV_LESS:
		return order < 0;
	case KV_NOT_EQUAL:
		return order != 0;
	}
	return false;
}

static int64_t record_number(const struct kv_record *record, enum kv_target target)
{
	switch (target) {
	case KV_VERSION:
		return record->version;
	case KV_CREATE:
		return record->create_revision;
	case KV_MOD:
		return record->mod_revision;
	case KV_LEASE:
		return record->lease;
	case KV_ID:
		return (int64_t)record->id;
	case KV_VALUE:
		break;
	}
	return 0;
}

static bool compare_record(const struct kv_compare *compare, const struct kv_record *record)
{
	if (compare->target == KV_VALUE)
		return order_holds(bytes_compare(record->value, compare->value), compare->result);
	int64_t number = record_number(record, compare->target);
	int order = compare->target == KV_ID ? ((uint64_t)number > (uint64_t)compare->number) -
	                                           ((uint64_t)number < (uint64_t)compare->number)
	                                     : (number > compare->number) - (number < compare->number);
	return order_holds(order, compare->result);
}

/* An absent key compares as 0; its value compares with nothing. */
static bool compare_absent(const struct kv_compare *compare)
{
	const struct kv_record nothing = {0};
	return compare->target != KV_VALUE && compare_record(compare, &nothing);
}

/* The id of a directory is the tree's: it has one whether or not its marker is there. */
static bool compare_directory_id(struct batch *batch, const struct kv_compare *compare)
{
	const struct branch *branch = batch_branch(batch, compare->range.start);
	const struct kv_record directory = {.id = branch->exists ? branch->directory.id : 0};
	return compare_record(compare, &directory);
}

static bool compare_single(struct batch *batch, const struct kv_compare *compare)
{
	if (compare->target == KV_ID && layout_is_directory(compare->range.start))
		return compare_directory_id(batch, compare);
	const struct slot *slot = batch_slot(batch, compare->range.start);
	return slot->live ? compare_record(compare, &slot->record) : compare_absent(compare);
}

static enum err compare_range(struct kv_view *view, const struct kv_compare *compare, bool *ret_holds)
{
	struct scan scan;
	scan_open(&scan, &(struct scan_options){.view = view, .range = compare->range, .revision = INT64_MAX});
	bool holds = true, any = false;
	struct kv_record record;
	while (holds && scan_next(&scan, &record)) {
		any = true;
		holds = compare_record(compare, &record);
	}
	enum err err = scan_close(&scan);
	if (err == ERR_OK)
		*ret_holds = any ? holds : compare_absent(compare);
	return err;
}

bool compare_holds(struct batch *batch, const struct kv_compare *compare)
{
	bool holds = false;
	if (range_is_single(&compare->range))
		return compare_single(batch, compare);
	enum err err = compare_range(batch->base, compare, &holds);
	if (err != ERR_OK)
		batch_fail(batch, err);
	return holds;
}

enum err compare_holds_in(struct kv_view *view, const struct kv_compare *compare, bool *ret_holds)
{
	AUTO_ARENA struct arena arena;
	struct kv_record record = {0};
	struct kv_directory directory = {0};
	arena_init(&arena);
	if (!range_is_single(&compare->range))
		return compare_range(view, compare, ret_holds);
	bool is_directory = compare->target == KV_ID && layout_is_directory(compare->range.start);
	enum err err = is_directory ? kv_directory(view, compare->range.start, &directory)
	                            : kv_get(view, compare->range.start, &arena, &record);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	if (is_directory)
		record.id = directory.id;
	*ret_holds = err == ERR_OK || is_directory ? compare_record(compare, &record) : compare_absent(compare);
	return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source: etcd server/etcdserver/txn/range.go. `count` is of all keys in the range, whatever the limit and the filters; a sort
 * or a filter comes before the limit. One fault of etcd is mended: a sort target without an order sorts ascending over the
 * whole range, not over what the limit left.
 */
#include "store/range.h"

#include <stdlib.h>

#include "base/check.h"

struct gathering {
	const struct kv_range_request *request;
	struct arena *arena;
	struct kv_record *records;
	size_t count, capacity;
	int64_t in_range;
	size_t stop; /* no more than these are kept */
};

static bool request_sorts(const struct kv_range_request *request)
{
	return request->sort != KV_SORT_KEY || request->order == KV_DESCEND;
}

static bool request_filters(const struct kv_range_request *request)
{
	return request->min_mod_revision != 0 || request->max_mod_revision != 0 || request->min_create_revision != 0 ||
	       request->max_create_revision != 0;
}

static bool request_wants(const struct kv_range_request *request, const struct kv_record *record)
{
	return (request->min_mod_revision == 0 || record->mod_revision >= request->min_mod_revision) &&
	       (request->max_mod_revision == 0 || record->mod_revision <= request->max_mod_revision) &&
	       (request->min_create_revision == 0 || record->create_revision >= request->min_create_revision) &&
	       (request->max_create_revision == 0 || record->create_revision <= request->max_create_revision);
}

static void gathering_add(struct gathering *gathering, const struct kv_record *record)
{
	gathering->in_range++;
	if (gathering->request->count_only || gathering->count == gathering->stop ||
	    !request_wants(gathering->request, record))
		return;
	if (gathering->count == gathering->capacity) {
		size_t capacity = gathering->capacity != 0 ? gathering->capacity * 2 : 8;
		struct kv_record *records = arena_take(gathering->arena, capacity * sizeof *records);
		if (gathering->count != 0)
			memcpy(records, gathering->records, gathering->count * sizeof *records);
		gathering->records = records;
		gathering->capacity = capacity;
	}
	struct kv_record *kept = &gathering->records[gathering->count++];
	*kept = *record;
	kept->key = arena_dup(gathering->arena, record->key);
	kept->attr = arena_dup(gathering->arena, record->attr);
	bool value = !gathering->request->keys_only || gathering->request->sort == KV_SORT_VALUE;
	kept->value = value ? arena_dup(gathering->arena, record->value) : BYTES_NONE;
}

/* ---- order ---- */

static int number_compare(int64_t left, int64_t right)
{
	return (left > right) - (left < right);
}

static int record_compare(const struct kv_record *left, const struct kv_record *right, enum kv_sort sort)
{
	switch (sort) {
	case KV_SORT_KEY:
		return bytes_compare(left->key, right->key);
	case KV_SORT_VERSION:
		return number_compare(left->version, right->version);
	case KV_SORT_CREATE:
		return number_compare(left->create_revision, right->create_revision);
	case KV_SORT_MOD:
		return number_compare(left->mod_revision, right->mod_revision);
	case KV_SORT_VALUE:
		return bytes_compare(left->value, right->value);
	}
	return 0;
}

/* Ties stand in the order of their keys. */
static int record_order(const void *left, const void *right, void *argument)
{
	const struct kv_range_request *request = argument;
	int order = record_compare(left, right, request->sort);
	if (order == 0)
		return record_compare(left, right, KV_SORT_KEY);
	return request->order == KV_DESCEND ? -order : order;
}

static size_t request_stop(const struct kv_range_request *request)
{
	bool whole = request->limit <= 0 || request_sorts(request) || request_filters(request);
	return whole ? SIZE_MAX : (size_t)request->limit;
}

static void gathering_finish(struct gathering *gathering, struct kv_response *ret_response)
{
	const struct kv_range_request *request = gathering->request;
	if (request_sorts(request) && gathering->count > 1)
		qsort_r(gathering->records, gathering->count, sizeof *gathering->records, record_order,
		        (void *)request);
	size_t limit = request->limit > 0 ? (size_t)request->limit : SIZE_MAX;
	bool cut_early = gathering->stop != SIZE_MAX && gathering->in_range > (int64_t)gathering->count;
	bool cut_late = gathering->count > limit;
	if (request->keys_only)
		for (size_t i = 0; i < gathering->count; i++)
			gathering->records[i].value = BYTES_NONE;
	*ret_response = (struct kv_response){
	    .kind = KV_RANGE,
	    .records = gathering->records,
	    .record_count = cut_late ? limit : gathering->count,
	    .count = gathering->in_range,
	    .more = !request->count_only && (cut_early || cut_late),
	};
}

enum err range_run(const struct range_options *options, const struct kv_range_request *request, struct arena *arena,
                   struct kv_response *ret_response)
{
	int64_t newest = options->view->state.revision;
	int64_t revision = request->revision > 0 ? request->revision : newest;
	enum err err = view_check(options->view, revision);
	if (err != ERR_OK)
		return err;
	bool patched = request->revision <= 0;
	struct gathering gathering = {.request = request, .arena = arena, .stop = request_stop(request)};
	struct scan scan;
	scan_open(&scan, &(struct scan_options){
	                     .view = options->view,
	                     .range = request->range,
	                     .revision = revision,
	                     .patches = patched ? options->patches : NULL,
	                     .patch_count = patched ? options->patch_count : 0,
	                 });
	struct kv_record record;
	while (scan_next(&scan, &record))
		gathering_add(&gathering, &record);
	err = scan_close(&scan);
	if (err == ERR_OK)
		gathering_finish(&gathering, ret_response);
	return err;
}

/* A single key needs no iterator. */
static enum err range_one(struct kv_view *view, const struct kv_range_request *request, struct arena *arena,
                          struct kv_response *ret_response)
{
	struct kv_record record;
	enum err err = request->revision > 0 ? kv_get_at(view, request->range.start, request->revision, arena, &record)
	                                     : kv_get(view, request->range.start, arena, &record);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	struct gathering gathering = {.request = request, .arena = arena, .stop = 1};
	if (err == ERR_OK)
		gathering_add(&gathering, &record);
	gathering.stop = SIZE_MAX; /* one key is never cut */
	gathering_finish(&gathering, ret_response);
	return ERR_OK;
}

enum err kv_range(struct kv_view *view, const struct kv_range_request *request, struct arena *arena,
                  struct kv_response *ret_response)
{
	if (request->range.start.size == 0 || request->order > KV_DESCEND || request->sort > KV_SORT_VALUE)
		return ERR_INVALID;
	if (range_is_single(&request->range))
		return range_one(view, request, arena, ret_response);
	return range_run(&(struct range_options){.view = view}, request, arena, ret_response);
}

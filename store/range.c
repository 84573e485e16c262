/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source: etcd server/etcdserver/txn/range.go. `count` is of all keys in the range, whatever the limit and the filters; a sort
 * or a filter comes before the limit. One fault of etcd is mended: a sort target without an order sorts ascending over the
 * whole range, not over what the limit left.
 */
#include "store/range.h"

#include <stdlib.h>

#include "base/memory.h"

enum {
	READING_ROW_BYTES = 64, /* what a row costs beside its bytes: of a step */
};

struct kv_reading {
	struct kv_view *view; /* of kv_reading_new(): its own; else NULL */
	struct arena arena;   /* of the request's bytes; empty when they are lent */
	struct kv_range_request request;
	struct scan scan;
	int64_t in_range, wanted, kept; /* so far: all, those that pass the filters, and those that were given */
	int64_t stop;                   /* no more than these are given */
};

/* ---- what is asked for ---- */

static bool request_sorts(const struct kv_range_request *request)
{
	return request->sort != KV_SORT_KEY || request->order == KV_DESCEND;
}

static bool request_wants(const struct kv_range_request *request, const struct kv_record *record)
{
	return (request->min_mod_revision == 0 || record->mod_revision >= request->min_mod_revision) &&
	       (request->max_mod_revision == 0 || record->mod_revision <= request->max_mod_revision) &&
	       (request->min_create_revision == 0 || record->create_revision >= request->min_create_revision) &&
	       (request->max_create_revision == 0 || record->create_revision <= request->max_create_revision);
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

static int64_t request_stop(const struct kv_range_request *request)
{
	if (request->count_only)
		return 0;
	return request->limit <= 0 || request_sorts(request) ? INT64_MAX : request->limit;
}

/* ---- a piece ---- */

static void response_add(struct kv_response *response, const struct kv_range_request *request,
                         const struct kv_record *record, struct arena *arena)
{
	response->records = arena_more(arena, response->records, response->record_count, sizeof *response->records);
	struct kv_record *kept = &response->records[response->record_count++];
	*kept = *record;
	kept->key = arena_dup(arena, record->key);
	kept->attr = arena_dup(arena, record->attr);
	bool value = !request->keys_only || request->sort == KV_SORT_VALUE;
	kept->value = value ? arena_dup(arena, record->value) : BYTES_NONE;
}

/* What it cost is returned: a row that is only counted is read all the same. */
static size_t reading_add(struct kv_reading *reading, const struct kv_record *record, struct arena *arena,
                          struct kv_response *response)
{
	bool wanted = request_wants(&reading->request, record);
	reading->in_range++;
	reading->wanted += wanted;
	if (wanted && reading->kept != reading->stop) {
		reading->kept++;
		response_add(response, &reading->request, record, arena);
	}
	return READING_ROW_BYTES + record->key.size + record->value.size + record->attr.size;
}

/* All that is asked for is there, and the rest was counted before. */
static bool reading_knows_the_rest(struct kv_reading *reading)
{
	if (reading->request.known_count == 0 || reading->kept < reading->stop)
		return false;
	reading->in_range = reading->wanted = reading->request.known_count;
	return true;
}

static void reading_finish(const struct kv_reading *reading, struct kv_response *response)
{
	const struct kv_range_request *request = &reading->request;
	int64_t limit = request->limit > 0 && !request->count_only ? request->limit : INT64_MAX;
	if (request_sorts(request) && response->record_count > 1)
		qsort_r(response->records, response->record_count, sizeof *response->records, record_order,
		        (void *)request);
	if (request_sorts(request) && response->record_count > (size_t)limit)
		response->record_count = (size_t)limit;
	for (size_t i = 0; i < response->record_count && request->keys_only; i++)
		response->records[i].value = BYTES_NONE;
	response->count = reading->in_range;
	response->more = reading->wanted > limit;
}

enum err reading_step(struct kv_reading *reading, size_t *bytes, struct arena *arena, struct kv_response *response,
                      bool *ret_done)
{
	struct kv_record record;
	response->kind = KV_RANGE;
	while (*bytes > 0) {
		if (reading_knows_the_rest(reading) || !scan_next(&reading->scan, &record)) {
			if (reading->scan.err == ERR_OK)
				reading_finish(reading, response);
			*ret_done = true;
			return reading->scan.err;
		}
		size_t taken = reading_add(reading, &record, arena, response);
		*bytes -= taken < *bytes ? taken : *bytes;
	}
	*ret_done = false;
	return ERR_OK;
}

/* The request's bytes are lent until the scan is closed. */
static enum err reading_begin(struct kv_reading *reading, const struct range_options *options,
                              const struct kv_range_request *request)
{
	int64_t revision = request->revision > 0 ? request->revision : options->view->state.revision;
	bool patched = request->revision <= 0;
	enum err err = view_check(options->view, revision);
	if (err != ERR_OK)
		return err;
	reading->request = *request;
	reading->stop = request_stop(request);
	scan_open(&reading->scan, &(struct scan_options){
	                              .view = options->view,
	                              .range = request->range,
	                              .revision = revision,
	                              .patches = patched ? options->patches : NULL,
	                              .patch_count = patched ? options->patch_count : 0,
	                          });
	return ERR_OK;
}

enum err range_run(const struct range_options *options, const struct kv_range_request *request, struct arena *arena,
                   struct kv_response *ret_response)
{
	struct kv_reading reading = {0};
	struct kv_response response = {0};
	bool done = false;
	size_t bytes = SIZE_MAX;
	enum err err = reading_begin(&reading, options, request);
	if (err != ERR_OK)
		return err;
	err = reading_step(&reading, &bytes, arena, &response, &done);
	enum err closed = scan_close(&reading.scan);
	if (err == ERR_OK && closed == ERR_OK)
		*ret_response = response;
	return err != ERR_OK ? err : closed;
}

/* ---- all at once ---- */

/* A single key needs no iterator, and is never cut. */
static enum err range_one(struct kv_view *view, const struct kv_range_request *request, struct arena *arena,
                          struct kv_response *ret_response)
{
	struct kv_record record;
	enum err err = request->revision > 0 ? kv_get_at(view, request->range.start, request->revision, arena, &record)
	                                     : kv_get(view, request->range.start, arena, &record);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	struct kv_reading reading = {.request = *request, .stop = request->count_only ? 0 : 1};
	struct kv_response response = {.kind = KV_RANGE};
	if (err == ERR_OK)
		reading_add(&reading, &record, arena, &response);
	reading_finish(&reading, &response);
	*ret_response = response;
	return ERR_OK;
}

static bool request_is_good(const struct kv_range_request *request)
{
	return request->range.start.size != 0 && request->order <= KV_DESCEND && request->sort <= KV_SORT_VALUE;
}

enum err kv_range(struct kv_view *view, const struct kv_range_request *request, struct arena *arena,
                  struct kv_response *ret_response)
{
	if (!request_is_good(request))
		return ERR_INVALID;
	if (range_is_single(&request->range))
		return range_one(view, request, arena, ret_response);
	return range_run(&(struct range_options){.view = view}, request, arena, ret_response);
}

/* ---- a piece at a time ---- */

bool kv_range_sorts(const struct kv_range_request *request)
{
	return request_sorts(request);
}

static struct kv_reading *reading_new(void)
{
	struct kv_reading *reading = memory_new(sizeof *reading);
	arena_init(&reading->arena);
	return reading;
}

static enum err reading_open(struct kv_reading *reading, struct kv_view *view, const struct kv_range_request *request,
                             struct kv_reading **ret_reading)
{
	enum err err = reading_begin(reading, &(struct range_options){.view = view}, request);
	if (err == ERR_OK) {
		*ret_reading = reading;
		return ERR_OK;
	}
	arena_fini(&reading->arena);
	free(reading);
	return err;
}

enum err kv_reading_new(struct kv_view *view, const struct kv_range_request *request, struct kv_reading **ret_reading)
{
	if (!request_is_good(request))
		return ERR_INVALID;
	struct kv_reading *reading = reading_new();
	struct kv_range_request own = *request;
	own.range.start = arena_dup(&reading->arena, request->range.start);
	own.range.end = arena_dup(&reading->arena, request->range.end);
	enum err err = reading_open(reading, view, &own, ret_reading);
	if (err == ERR_OK)
		reading->view = view;
	return err;
}

enum err reading_new_lent(struct kv_view *view, const struct kv_range_request *request, struct kv_reading **ret_reading)
{
	return request_is_good(request) ? reading_open(reading_new(), view, request, ret_reading) : ERR_INVALID;
}

void kv_reading_free(struct kv_reading *reading)
{
	enum err err = scan_close(&reading->scan);
	(void)err; /* the step that met it has told */
	if (reading->view != NULL)
		kv_view_close(reading->view);
	arena_fini(&reading->arena);
	free(reading);
}

enum err kv_reading_step(struct kv_reading *reading, size_t bytes, struct arena *arena, struct kv_response *response,
                         bool *ret_done)
{
	return reading_step(reading, &bytes, arena, response, ret_done);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is, or was, at and below a path. */
#include "tree/match.h"

#include "base/when.h"

enum err tree_when(struct kv_view *view, const char *text, int64_t now_ns, int64_t *ret_revision)
{
	struct when when;
	enum err err = when_parse(text, now_ns, &when);
	if (err != ERR_OK)
		return err;
	if (when.kind == WHEN_TIME) {
		err = kv_revision_at(view, when.time_ns, ret_revision);
		return err == ERR_NOT_FOUND ? ERR_COMPACTED : err;
	}
	if (when.revision > kv_view_revision(view))
		return ERR_FUTURE;
	if (when.revision < kv_view_compacted(view))
		return ERR_COMPACTED;
	*ret_revision = when.revision;
	return ERR_OK;
}

bool tree_is_directory(struct bytes key)
{
	return key.size != 0 && key.data[key.size - 1] == '/';
}

struct bytes tree_parent(struct bytes key)
{
	if (tree_is_directory(key))
		key.size--;
	while (key.size != 0 && key.data[key.size - 1] != '/')
		key.size--;
	return key;
}

static struct bytes tree_with(struct bytes key, char last, struct arena *arena)
{
	uint8_t *longer = arena_take(arena, key.size + 1);
	if (key.size != 0)
		memcpy(longer, key.data, key.size);
	longer[key.size] = (uint8_t)last;
	return bytes_of(longer, key.size + 1);
}

static enum err tree_read_itself(struct kv_view *view, const struct tree_range *range, struct arena *arena,
                                 struct tree_records *records)
{
	struct kv_record record;
	if (range->path.size == 0 || bytes_compare(range->after, range->path) >= 0)
		return ERR_OK;
	enum err err = kv_get_at(view, range->path, range->revision, arena, &record);
	if (err != ERR_OK)
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	records->records = arena_more(arena, records->records, records->count, sizeof record);
	record.value = BYTES_NONE;
	records->records[records->count++] = record;
	return ERR_OK;
}

enum err tree_read(struct kv_view *view, const struct tree_range *range, struct arena *arena,
                   struct tree_records *ret_records)
{
	struct tree_records records = {0};
	enum err err = tree_read_itself(view, range, arena, &records);
	if (err != ERR_OK)
		return err;
	struct kv_range_request request = {.range = kv_prefix(tree_with(range->path, '/', arena), arena),
	                                   .limit = (int64_t)(range->max - records.count),
	                                   .revision = range->revision,
	                                   .keys_only = true,
	                                   .known_count = 1};
	if (bytes_compare(range->after, request.range.start) >= 0)
		request.range.start = tree_with(range->after, '\0', arena);
	struct kv_response response = {0};
	if (request.limit > 0)
		err = kv_range(view, &request, arena, &response);
	for (size_t at = 0; at < response.record_count && err == ERR_OK; at++) {
		records.records = arena_more(arena, records.records, records.count, sizeof *records.records);
		records.records[records.count++] = response.records[at];
	}
	if (err == ERR_OK)
		*ret_records = records;
	return err;
}

enum err tree_attr(const struct kv_record *record, struct attr *ret_attr)
{
	if (!tree_is_directory(record->key))
		return attr_of_file(record, ret_attr);
	struct attr attr = {.mode = ATTR_MODE_DIRECTORY};
	enum err err = record->attr.size != 0 ? attr_decode(record->attr, &attr) : ERR_OK;
	if (err == ERR_OK)
		*ret_attr = attr;
	return err;
}

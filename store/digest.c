/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checksum of what readers may see (etcd's HashKV). It merges `head` and `past` in the order of keys, each key's records
 * newest first, so that it does not matter in which of the two a record stands, nor what compaction has left behind.
 *
 * Of a key count its records and tombstones after the compacted revision, and before that only the one that is readable at it.
 */
#include "store/view.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	DIGEST_ROW_BYTES = 64,     /* what a row costs beside its value */
	DIGEST_NUMBERS_BYTES = 80, /* nine numbers of eight bytes */
};

struct kv_digest {
	struct kv_view *view;
	int64_t revision;
	uint32_t value;
	struct walk head, past;
	struct bytes past_key; /* of the row at which `past` stands, in `at`; no data: none */
	int64_t past_revision;
	struct bytes key; /* of the row before, in `before` */
	bool older;       /* the row before was readable at the compacted revision: what follows of its key is not */
	struct arena at, before;
	enum err err;
};

struct digest_row {
	struct kv_record record;
	bool tombstone;
};

static enum err digest_unreadable(struct kv_digest *digest)
{
	log_error("record_unreadable", "path=%s remedy=\"replace this node's data directory\"", digest->head.path);
	return ERR_CORRUPT;
}

static void digest_find_past(struct kv_digest *digest)
{
	arena_reset(&digest->at);
	digest->past_key = BYTES_NONE;
	if (!walk_at_row(&digest->past))
		digest->err = walk_err(&digest->past);
	else if (!layout_past_split(walk_key(&digest->past), &digest->at, &digest->past_key, &digest->past_revision))
		digest->err = digest_unreadable(digest);
}

enum err kv_digest_new(struct kv_view *view, int64_t revision, struct kv_digest **ret_digest)
{
	enum err err = view_check(view, revision);
	if (err != ERR_OK)
		return err;
	struct kv_digest *digest = memory_new(sizeof *digest);
	*digest = (struct kv_digest){.view = view, .revision = revision};
	arena_init(&digest->at);
	arena_init(&digest->before);
	walk_open_once(&digest->head, view->database, view->snapshot, FAMILY_HEAD);
	walk_open_once(&digest->past, view->database, view->snapshot, FAMILY_PAST);
	walk_seek(&digest->head, BYTES_NONE);
	walk_seek(&digest->past, BYTES_NONE);
	digest_find_past(digest);
	*ret_digest = digest;
	return ERR_OK;
}

void kv_digest_free(struct kv_digest *digest)
{
	walk_close(&digest->head);
	walk_close(&digest->past);
	kv_view_close(digest->view);
	arena_fini(&digest->at);
	arena_fini(&digest->before);
	free(digest);
}

uint32_t kv_digest_value(const struct kv_digest *digest)
{
	return digest->value;
}

static void digest_add(struct kv_digest *digest, const struct digest_row *row)
{
	const struct kv_record *record = &row->record;
	const uint64_t numbers[] = {
	    record->key.size,
	    (uint64_t)record->create_revision,
	    (uint64_t)record->mod_revision,
	    (uint64_t)record->version,
	    (uint64_t)record->lease,
	    (uint64_t)record->time_ns,
	    record->id,
	    record->attr.size,
	    (uint64_t)(row->tombstone ? 1 : 0) | (uint64_t)(record->attr_is_older ? 2 : 0),
	};
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, DIGEST_NUMBERS_BYTES);
	for (size_t at = 0; at < sizeof numbers / sizeof *numbers; at++)
		buffer_put_u64(&buffer, numbers[at]);
	digest->value = crc32c(digest->value, buffer_bytes(&buffer));
	digest->value = crc32c(digest->value, record->key);
	digest->value = crc32c(digest->value, record->attr);
	digest->value = crc32c(digest->value, record->value);
}

static void digest_see(struct kv_digest *digest, const struct digest_row *row)
{
	const struct kv_record *record = &row->record;
	if (!bytes_equal(record->key, digest->key)) {
		arena_reset(&digest->before);
		digest->key = arena_dup(&digest->before, record->key);
		digest->older = false;
	}
	if (record->mod_revision > digest->revision || digest->older)
		return;
	digest->older = record->mod_revision <= digest->view->state.compacted;
	if (!digest->older || !row->tombstone)
		digest_add(digest, row);
}

/* The next row in the order of keys, newest first: at `head` if it has the key as well. */
static bool digest_is_at_head(const struct kv_digest *digest)
{
	if (!walk_at_row(&digest->head))
		return false;
	return digest->past_key.data == NULL || bytes_compare(walk_key(&digest->head), digest->past_key) <= 0;
}

static void digest_row(struct kv_digest *digest, size_t *ret_bytes)
{
	bool at_head = digest_is_at_head(digest);
	struct walk *walk = at_head ? &digest->head : &digest->past;
	struct digest_row row = {0};
	digest->err = row_record_decode(walk_value(walk), &row.record, &row.tombstone);
	if (digest->err != ERR_OK) {
		digest->err = digest_unreadable(digest);
		return;
	}
	row.record.key = at_head ? walk_key(walk) : digest->past_key;
	if (!at_head)
		row.record.mod_revision = digest->past_revision;
	digest_see(digest, &row);
	*ret_bytes = DIGEST_ROW_BYTES + walk_value(walk).size;
	walk_next(walk);
	if (!at_head)
		digest_find_past(digest);
}

enum err kv_digest_step(struct kv_digest *digest, size_t bytes, bool *ret_done)
{
	size_t taken = 0, row_bytes = 0;
	bool done = false;
	while (digest->err == ERR_OK && taken < bytes && !done) {
		done = !walk_at_row(&digest->head) && digest->past_key.data == NULL;
		if (done)
			digest->err = walk_err(&digest->head);
		else
			digest_row(digest, &row_bytes);
		taken += row_bytes;
	}
	if (digest->err == ERR_OK)
		*ret_done = done;
	return digest->err;
}

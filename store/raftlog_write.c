/* SPDX-License-Identifier: Apache-2.0 */
/* Appending, dropping, trimming and starting afresh: everything that changes the log, by its one writer. */
#include "store/raftlog_private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/log.h"

/* Past the opening of the log nothing but a full disk comes back from below as an error. */
static void write_must(struct raftlog *log, enum err err)
{
	if (err == ERR_OK)
		return;
	log_fatal("raftlog_full",
	          "call=write path=%s error=\"%s\" remedy=\"free space on that filesystem and start again; nothing is "
	          "lost\"",
	          log->disk.directory, err_text(err));
}

static void write_enter(struct raftlog *log)
{
	check(!atomic_exchange(&log->writing, true));
}

static void write_leave(struct raftlog *log)
{
	atomic_store(&log->writing, false);
}

struct raftlog_segment *raftlog_active(struct raftlog *log)
{
	struct raftlog_segment **last = raftlog_deque_last(&log->segments);
	check(last != NULL);
	return *last;
}

void raftlog_take_batch(struct raftlog *log, struct raftlog_segment *segment, const struct raftlog_batch_record *batch,
                        const uint8_t *data)
{
	if (batch->after.index < log->last.index) {
		raftlog_index_truncate(&log->index, batch->after.index + 1);
		raftlog_cache_truncate(&log->cache, batch->after.index + 1);
	}
	log->last = batch->after;
	struct raftlog_entry_record entry = {.checksum = batch->checksum};
	for (uint64_t i = 0, at = RAFTLOG_BATCH_BYTES; i < batch->count; i++) {
		enum err err = raftlog_entry_decode(data + at, segment->header.salt, &entry);
		check(err == ERR_OK);
		raftlog_index_add(&log->index,
		                  &(struct raftlog_point){entry.index, segment->header.sequence, batch->offset + at});
		log->last = (struct raftlog_mark){entry.index, entry.term};
		at += raftlog_entry_bytes(entry.payload.size);
	}
	segment->index_last = log->last.index;
	segment->end = batch->offset + raftlog_disk_round(batch->size_bytes);
	log->end = (struct raftlog_position){segment->header.sequence, segment->end, entry.checksum};
}

/* ---- segments ---- */

/* The segment becomes the last one of the log, durably, before anything is written to it. */
static enum err segment_append(struct raftlog *log, struct raftlog_segment *segment,
                               const struct raftlog_header *header)
{
	enum err err = raftlog_segment_begin(&log->disk, segment, header);
	if (err != ERR_OK) {
		raftlog_segment_free(&log->disk, segment);
		return err;
	}
	pthread_mutex_lock(&log->mutex);
	*(struct raftlog_segment **)raftlog_deque_push(&log->segments) = segment;
	log->segment_last = header->sequence;
	if (log->segment_highest < header->sequence)
		log->segment_highest = header->sequence;
	log->end = (struct raftlog_position){header->sequence, segment->end, header->before.chain};
	pthread_mutex_unlock(&log->mutex);
	raftlog_keeper_wish(log);
	return ERR_OK;
}

static enum err segment_provide(struct raftlog *log, uint64_t bytes, struct raftlog_segment **ret_segment)
{
	uint64_t size_bytes = raftlog_disk_round(bytes) + RAFTLOG_BLOCK_BYTES;
	*ret_segment = raftlog_spare_take(log, size_bytes);
	if (*ret_segment != NULL)
		return ERR_OK;
	uint64_t first =
	    RAFTLOG_SEGMENT_BYTES_FIRST < log->segment_bytes ? RAFTLOG_SEGMENT_BYTES_FIRST : log->segment_bytes;
	return raftlog_segment_make(&log->disk, "segment.new", size_bytes > first ? size_bytes : first, ret_segment);
}

enum err raftlog_roll(struct raftlog *log, uint64_t bytes)
{
	struct raftlog_segment *segment;
	enum err err = segment_provide(log, bytes, &segment);
	if (err != ERR_OK)
		return err;
	struct raftlog_header header = {
	    .cluster_id = log->cluster_id,
	    .member_id = log->member_id,
	    .sequence = log->segment_last + 1,
	    .before = log->end,
	    .base = log->last,
	};
	err = segment_append(log, segment, &header);
	return err == ERR_OK ? raftlog_identity_store(log, 1) : err;
}

/* ---- batches ---- */

static void buffer_fit(struct raftlog *log, uint64_t bytes)
{
	if (log->buffer_bytes >= bytes && log->buffer_bytes <= 2 * RAFTLOG_BATCH_BYTES_MAX)
		return;
	size_t size = bytes < RAFTLOG_SEGMENT_BYTES_MIN ? RAFTLOG_SEGMENT_BYTES_MIN : raftlog_disk_round(bytes * 2);
	if (bytes > RAFTLOG_BATCH_BYTES_MAX)
		size = raftlog_disk_round(bytes);
	free(log->buffer);
	log->buffer = raftlog_disk_memory(size);
	log->buffer_bytes = size;
}

static void batch_encode(struct raftlog *log, struct raftlog_batch_record *record, const struct raftlog_entry *entries)
{
	const struct raftlog_segment *segment = raftlog_active(log);
	record->segment = segment->header.sequence;
	record->offset = segment->end;
	record->before = log->end.chain;
	raftlog_batch_encode(record, segment->header.salt, log->buffer);
	uint32_t chain = record->checksum;
	uint64_t at = RAFTLOG_BATCH_BYTES;
	for (uint32_t i = 0; i < record->count; i++) {
		struct raftlog_entry_record entry = {
		    .before = chain,
		    .index = entries[i].index,
		    .term = entries[i].term,
		    .time_ns = entries[i].time_ns,
		    .kind = entries[i].kind,
		    .payload = entries[i].payload,
		};
		check(entry.index == record->after.index + 1 + i);
		raftlog_entry_encode(&entry, segment->header.salt, log->buffer + at);
		chain = entry.checksum;
		at += raftlog_entry_bytes(entry.payload.size);
	}
	check(at == record->size_bytes);
	memset(log->buffer + at, 0, raftlog_disk_round(at) - at);
}

/* The one aligned write and the one sync of a batch. record: count, size_bytes, after. */
static enum err batch_write(struct raftlog *log, struct raftlog_batch_record *record,
                            const struct raftlog_entry *entries)
{
	uint64_t bytes = raftlog_disk_round(record->size_bytes);
	struct raftlog_segment *segment = raftlog_active(log);
	if (segment->file.size_bytes - segment->end < bytes) {
		enum err err = raftlog_roll(log, bytes);
		if (err != ERR_OK)
			return err;
		segment = raftlog_active(log);
	}
	buffer_fit(log, bytes);
	record->term = log->term;
	record->vote = log->vote;
	batch_encode(log, record, entries);
	enum err err = raftlog_disk_write(&log->disk, &segment->file, log->buffer, (size_t)bytes, record->offset);
	if (err == ERR_OK)
		err = HAS_BUG(NO_SYNC) ? ERR_OK : raftlog_disk_sync(&log->disk, &segment->file);
	if (err != ERR_OK)
		return err;
	pthread_mutex_lock(&log->mutex);
	raftlog_take_batch(log, segment, record, log->buffer);
	if (record->count > 0)
		raftlog_cache_add(
		    &log->cache, record->after.index + 1, record->count, segment->header.salt,
		    bytes_of(log->buffer + RAFTLOG_BATCH_BYTES, record->size_bytes - RAFTLOG_BATCH_BYTES));
	pthread_mutex_unlock(&log->mutex);
	raftlog_keeper_wish(log);
	return ERR_OK;
}

enum err raftlog_write_mark(struct raftlog *log)
{
	struct raftlog_batch_record record = {.size_bytes = RAFTLOG_BATCH_BYTES, .after = log->last};
	return batch_write(log, &record, NULL);
}

/* As many of the entries as one write takes; at least one, if there is any. */
static size_t batch_measure(const struct raftlog_entry *entries, size_t count, struct raftlog_batch_record *record)
{
	uint64_t bytes = RAFTLOG_BATCH_BYTES;
	size_t taken = 0;
	while (taken < count) {
		uint64_t more = raftlog_entry_bytes(entries[taken].payload.size);
		check(entries[taken].payload.size <= LIMIT_ENTRY_BYTES);
		if (taken > 0 && bytes + more > RAFTLOG_BATCH_BYTES_MAX)
			break;
		bytes += more;
		taken++;
	}
	record->count = (uint32_t)taken;
	record->size_bytes = (uint32_t)bytes;
	return taken;
}

static uint64_t term_at(struct raftlog *log, uint64_t index)
{
	if (index == log->last.index)
		return log->last.term;
	if (index == log->start.index)
		return log->start.term;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct raftlog_entry *entry;
	size_t count;
	enum err err = raftlog_read(log, index, 1, 0, &arena, &entry, &count);
	if (err != ERR_OK)
		log_fatal("raftlog_unreadable",
		          "path=%s index=%" PRIu64 " error=\"%s\" remedy=\"start again: the log is checked then\"",
		          log->disk.directory, index, err_text(err));
	return entry->term;
}

/* True if the vote must be made durable. thesis §3.8: a term has one vote, and terms do not go back. */
static bool vote_adopt(struct raftlog *log, uint64_t term, uint64_t vote)
{
	if (term == log->term && vote == log->vote)
		return false;
	check(term > log->term || (term == log->term && log->vote == 0));
	pthread_mutex_lock(&log->mutex);
	log->term = term;
	log->vote = vote;
	pthread_mutex_unlock(&log->mutex);
	return true;
}

static void write_healthy(struct raftlog *log, const struct raftlog_batch *batch)
{
	bool vote_is_new = vote_adopt(log, batch->term, batch->vote);
	struct raftlog_batch_record record = {.after = log->last};
	if (batch->truncate_from != 0 && batch->truncate_from <= log->last.index) {
		check(batch->truncate_from > log->start.index);
		record.after.index = batch->truncate_from - 1;
		record.after.term = term_at(log, record.after.index);
	}
	bool something = vote_is_new || record.after.index != log->last.index;
	for (size_t done = 0; done < batch->count || something; record.after = log->last, something = false) {
		const struct raftlog_entry *rest = batch->entries + done;
		done += batch_measure(rest, batch->count - done, &record);
		write_must(log, batch_write(log, &record, rest));
	}
	if (vote_is_new)
		write_must(log, raftlog_identity_store(log, 1));
}

void raftlog_write(struct raftlog *log, const struct raftlog_batch *batch)
{
	write_enter(log);
	if (log->damage == NULL) {
		write_healthy(log, batch);
	} else {
		check(batch->count == 0 && batch->truncate_from == 0);
		if (vote_adopt(log, batch->term, batch->vote)) /* both slots: the log holds no second copy now */
			write_must(log, raftlog_identity_store(log, RAFTLOG_SLOTS));
	}
	write_leave(log);
}

/* ---- trimming ---- */

/* Moves segments that hold nothing after the start to `retired`. The mutex is held. */
static void segments_split(struct raftlog *log, struct raftlog_deque *retired)
{
	while (log->segments.count > 1) {
		struct raftlog_segment *first = *(struct raftlog_segment **)raftlog_deque_at(&log->segments, 0);
		if (first->index_last > log->start.index)
			break;
		*(struct raftlog_segment **)raftlog_deque_push(retired) = first;
		raftlog_deque_drop_first(&log->segments);
	}
	log->segment_first = (*(struct raftlog_segment **)raftlog_deque_at(&log->segments, 0))->header.sequence;
}

/* Both slots first, so that neither speaks of what is then removed. */
static void segments_retire(struct raftlog *log, struct raftlog_deque *retired)
{
	write_must(log, raftlog_identity_store(log, RAFTLOG_SLOTS));
	for (size_t i = 0; i < retired->count; i++)
		write_must(log, raftlog_segment_retire(log, *(struct raftlog_segment **)raftlog_deque_at(retired, i)));
	raftlog_deque_fini(retired);
}

void raftlog_trim(struct raftlog *log, uint64_t index)
{
	write_enter(log);
	check(index <= log->last.index || log->damage != NULL);
	if (log->damage == NULL && index > log->start.index) {
		struct raftlog_deque retired;
		raftlog_deque_init(&retired, sizeof(struct raftlog_segment *));
		uint64_t term = term_at(log, index);
		pthread_mutex_lock(&log->mutex);
		log->start = (struct raftlog_mark){index, term};
		raftlog_index_trim(&log->index, index + 1);
		segments_split(log, &retired);
		pthread_mutex_unlock(&log->mutex);
		if (retired.count > 0)
			segments_retire(log, &retired);
	}
	write_leave(log);
}

/* ---- starting afresh ---- */

static void remove_stranger(void *argument, const char *name)
{
	struct raftlog *log = argument;
	uint64_t sequence;
	if (!raftlog_segment_parse(name, &sequence))
		return;
	for (size_t i = 0; i < log->segments.count; i++) {
		const struct raftlog_segment *segment = *(struct raftlog_segment **)raftlog_deque_at(&log->segments, i);
		if (segment->header.sequence == sequence)
			return;
	}
	enum err err = raftlog_disk_unlink(&log->disk, name);
	if (err != ERR_OK)
		log_warn("raftlog_leftover", "path=%s/%s", log->disk.directory, name);
}

enum err raftlog_remove_strangers(struct raftlog *log)
{
	return raftlog_disk_list(&log->disk, remove_stranger, log);
}

void raftlog_reset(struct raftlog *log, uint64_t index, uint64_t term)
{
	write_enter(log);
	struct raftlog_segment *segment;
	write_must(log, segment_provide(log, RAFTLOG_BLOCK_BYTES, &segment));
	struct raftlog_header header = {
	    .cluster_id = log->cluster_id,
	    .member_id = log->member_id,
	    .sequence = log->segment_highest + 1,
	    .base = {index, term},
	};
	write_must(log, raftlog_segment_begin(&log->disk, segment, &header));
	struct raftlog_deque retired;
	pthread_mutex_lock(&log->mutex);
	retired = log->segments;
	raftlog_deque_init(&log->segments, sizeof(struct raftlog_segment *));
	*(struct raftlog_segment **)raftlog_deque_push(&log->segments) = segment;
	log->segment_first = log->segment_last = log->segment_highest = header.sequence;
	log->start = log->last = header.base;
	log->end = (struct raftlog_position){header.sequence, segment->end, 0};
	raftlog_index_clear(&log->index);
	raftlog_cache_clear(&log->cache);
	char *damage = log->damage;
	log->damage = NULL;
	pthread_mutex_unlock(&log->mutex);
	raftlog_keeper_wish(log);
	segments_retire(log, &retired);
	if (damage != NULL)
		write_must(log, raftlog_remove_strangers(log));
	free(damage);
	write_must(log, raftlog_write_mark(log)); /* term and vote are in the log again */
	write_leave(log);
}

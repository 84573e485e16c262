/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: the log as the disk tells it, torn tail or damage, never a guess. See raftlog_private.h for the rules.
 *
 * Nothing is removed or written before it is certain that the log is whole; a damaged one is left exactly as it was found.
 */
#include "store/raftlog_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	RECOVER_AHEAD_BYTES = 1 << 20,
	RECOVER_ROOM_BYTES = 64 << 10, /* what a start wants to find free in its segment: some thousand votes */
};

struct recovery {
	struct raftlog *log;
	struct raftlog_slots slots;
	struct raftlog_window window;
	uint64_t lowest; /* segment file in the directory; 0: none */
	bool known_met;  /* the known position was found to be the end of a batch */
};

__attribute__((format(printf, 2, 3))) static void recovery_damaged(struct recovery *recovery, const char *format, ...)
{
	if (recovery->log->damage != NULL)
		return; /* the first finding is the cause */
	va_list arguments;
	va_start(arguments, format);
	int length = vasprintf(&recovery->log->damage, format, arguments);
	va_end(arguments);
	check(length >= 0);
}

/* ---- batches ---- */

static void vote_found(struct recovery *recovery, uint64_t term, uint64_t vote)
{
	struct raftlog *log = recovery->log;
	if (term > log->term) {
		log->term = term;
		log->vote = vote;
	} else if (term == log->term && log->vote == 0) {
		log->vote = vote;
	} else if (term == log->term && vote != 0 && vote != log->vote) {
		recovery_damaged(recovery, "two votes are stored for term %" PRIu64, term);
	}
}

/* The entries of a batch that is all in `data`: each whole, in the chain, and in a row. */
static bool batch_entries_hold(const struct raftlog_batch_record *batch, uint32_t salt, const uint8_t *data)
{
	uint64_t at = RAFTLOG_BATCH_BYTES;
	uint32_t chain = batch->checksum;
	uint64_t term = batch->after.term;
	for (uint64_t i = 0; i < batch->count; i++) {
		if (batch->size_bytes - at < RAFTLOG_ENTRY_BYTES ||
		    batch->size_bytes - at < raftlog_entry_peek(data + at))
			return false;
		struct raftlog_entry_record entry;
		if (raftlog_entry_decode(data + at, salt, &entry) != ERR_OK)
			return false;
		if (entry.before != chain || entry.index != batch->after.index + 1 + i || entry.term < term)
			return false;
		chain = entry.checksum;
		term = entry.term;
		at += raftlog_entry_bytes(entry.payload.size);
	}
	return at == batch->size_bytes;
}

/* ERR_CORRUPT: there is no whole batch that continues the chain. */
static enum err batch_load(struct recovery *recovery, const struct raftlog_segment *segment,
                           struct raftlog_batch_record *ret_batch, const uint8_t **ret_data)
{
	struct raftlog *log = recovery->log;
	enum err err = raftlog_window_get(&recovery->window, segment->end, RAFTLOG_BATCH_BYTES, ret_data);
	if (err == ERR_OK)
		err = raftlog_batch_decode(*ret_data, segment->header.salt, ret_batch);
	if (err != ERR_OK)
		return err;
	if (ret_batch->segment != segment->header.sequence || ret_batch->offset != segment->end ||
	    ret_batch->before != log->end.chain || ret_batch->size_bytes < RAFTLOG_BATCH_BYTES)
		return ERR_CORRUPT;
	if (ret_batch->after.index > log->last.index ||
	    (ret_batch->after.index == log->last.index && ret_batch->after.term != log->last.term))
		return ERR_CORRUPT;
	err = raftlog_window_get(&recovery->window, segment->end, ret_batch->size_bytes, ret_data);
	if (err != ERR_OK)
		return err;
	return batch_entries_hold(ret_batch, segment->header.salt, *ret_data) ? ERR_OK : ERR_CORRUPT;
}

/* Takes in all whole batches of a segment. */
static enum err batches_load(struct recovery *recovery, struct raftlog_segment *segment)
{
	struct raftlog *log = recovery->log;
	raftlog_window_turn(&recovery->window, segment, segment->file.size_bytes);
	for (;;) {
		const struct raftlog_position *known = &recovery->slots.newest.known;
		if (known->segment == log->end.segment && known->offset == log->end.offset)
			recovery->known_met = known->chain == log->end.chain;
		struct raftlog_batch_record batch;
		const uint8_t *data;
		enum err err = batch_load(recovery, segment, &batch, &data);
		if (err == ERR_CORRUPT)
			return ERR_OK;
		if (err == ERR_IO) {
			recovery_damaged(recovery, "%s cannot be read at offset %" PRIu64, segment->file.name,
			                 segment->end);
			return ERR_OK;
		}
		if (err != ERR_OK)
			return err;
		raftlog_take_batch(log, segment, &batch, data);
		vote_found(recovery, batch.term, batch.vote);
	}
}

/* A batch that was begun after the end proves that what lies between was durable. */
static bool batch_follows(struct recovery *recovery, const struct raftlog_segment *segment)
{
	for (uint64_t at = segment->end + RAFTLOG_BLOCK_BYTES; at < segment->file.size_bytes;
	     at += RAFTLOG_BLOCK_BYTES) {
		const uint8_t *data;
		struct raftlog_batch_record batch;
		if (raftlog_window_get(&recovery->window, at, RAFTLOG_BATCH_BYTES, &data) != ERR_OK)
			return true; /* what cannot be read may be one */
		if (raftlog_batch_decode(data, segment->header.salt, &batch) == ERR_OK &&
		    batch.segment == segment->header.sequence && batch.offset == at)
			return true;
	}
	return false;
}

/* ---- segments ---- */

static enum err header_load(struct recovery *recovery, struct raftlog_segment *segment, uint64_t sequence)
{
	struct raftlog *log = recovery->log;
	const uint8_t *block;
	raftlog_window_turn(&recovery->window, segment, segment->file.size_bytes);
	enum err err = raftlog_window_get(&recovery->window, 0, RAFTLOG_BLOCK_BYTES, &block);
	if (err == ERR_OK)
		err = raftlog_header_decode(block, &segment->header);
	if (err == ERR_FORMAT_NEWER) {
		log_error("raftlog_format_newer", "path=%s/%s remedy=\"run the version that wrote it, or a newer one\"",
		          log->disk.directory, segment->file.name);
		return err;
	}
	const struct raftlog_header *header = &segment->header;
	if (err != ERR_OK || header->sequence != sequence)
		recovery_damaged(recovery, "the header of %s fails its checksum", segment->file.name);
	else if (header->cluster_id != log->cluster_id || header->member_id != log->member_id)
		recovery_damaged(recovery, "%s belongs to another member or cluster", segment->file.name);
	else if (segment->file.size_bytes < header->size_bytes)
		recovery_damaged(recovery, "%s is cut: %" PRIu64 " of %" PRIu64 " bytes are there", segment->file.name,
		                 segment->file.size_bytes, header->size_bytes);
	return ERR_OK;
}

/* Does the segment continue where the ones before it end? The first one that is left begins by itself. */
static void segment_join(struct recovery *recovery, struct raftlog_segment *segment)
{
	struct raftlog *log = recovery->log;
	const struct raftlog_header *header = &segment->header;
	if (log->segments.count == 0) {
		if (!recovery->slots.exists || recovery->slots.whole == 0)
			log->start = header->base;
		if (header->base.index > log->start.index)
			recovery_damaged(recovery, "%s begins after entry %" PRIu64 ", which is behind the log's start",
			                 segment->file.name, header->base.index);
		log->last = header->base;
	} else if (header->before.segment != log->end.segment || header->before.offset != log->end.offset ||
	           header->before.chain != log->end.chain) {
		recovery_damaged(recovery, "the end of segment %" PRIx64 " is lost: %s continues at offset %" PRIu64,
		                 log->end.segment, segment->file.name, header->before.offset);
	}
	if (log->damage != NULL)
		return;
	segment->index_last = log->last.index;
	if (log->segment_last < header->sequence) /* it was begun, and the crash came before the identity file knew */
		log->segment_last = header->sequence;
	log->end = (struct raftlog_position){header->sequence, RAFTLOG_BLOCK_BYTES, header->before.chain};
	*(struct raftlog_segment **)raftlog_deque_push(&log->segments) = segment;
}

/* *ret_more: it was there, and the next one may be too. */
static enum err segment_load(struct recovery *recovery, uint64_t sequence, bool *ret_more)
{
	struct raftlog *log = recovery->log;
	char name[RAFTLOG_NAME_BYTES];
	raftlog_segment_name(sequence, name);
	struct raftlog_segment *segment;
	enum err err = raftlog_segment_open(&log->disk, name, &segment);
	if (err == ERR_NOT_FOUND) {
		if (sequence <= log->segment_last)
			recovery_damaged(recovery, "%s is missing", name);
		return ERR_OK;
	}
	if (err != ERR_OK)
		return err;
	err = header_load(recovery, segment, sequence);
	/* A reset that the identity file does not tell of never came into force. */
	bool abandoned = err == ERR_OK && log->damage == NULL && log->segments.count > 0 &&
	                 sequence > log->segment_last && segment->header.before.segment == 0;
	if (err == ERR_OK && log->damage == NULL && !abandoned)
		segment_join(recovery, segment);
	if (err != ERR_OK || log->damage != NULL || abandoned) {
		raftlog_segment_free(&log->disk, segment);
		return err;
	}
	*ret_more = true;
	return batches_load(recovery, segment);
}

static void tail_judge(struct recovery *recovery)
{
	struct raftlog *log = recovery->log;
	const struct raftlog_identity *newest = &recovery->slots.newest;
	if (log->segments.count == 0) {
		if (recovery->lowest != 0 || newest->known.segment != 0)
			recovery_damaged(recovery, "the segments are missing");
		return;
	}
	if (newest->known.segment >= log->segment_first && !recovery->known_met)
		recovery_damaged(recovery,
		                 "entries up to %" PRIu64 " were durable, and the batch at offset %" PRIu64
		                 " of segment %" PRIx64 " fails its checksum",
		                 newest->known_entry.index, log->end.offset, log->end.segment);
	else if (batch_follows(recovery, raftlog_active(log)))
		recovery_damaged(recovery,
		                 "the batch at offset %" PRIu64 " of %s fails its checksum, and later ones follow",
		                 log->end.offset, raftlog_active(log)->file.name);
	else if (log->last.index < log->start.index)
		recovery_damaged(recovery, "the log begins after entry %" PRIu64 " and ends at %" PRIu64,
		                 log->start.index, log->last.index);
}

static enum err segments_load(struct recovery *recovery)
{
	struct raftlog *log = recovery->log;
	bool more = true;
	enum err err = ERR_OK;
	for (uint64_t sequence = log->segment_first; err == ERR_OK && more && log->damage == NULL; sequence++) {
		more = false;
		err = segment_load(recovery, sequence, &more);
	}
	if (err == ERR_OK && log->damage == NULL)
		tail_judge(recovery);
	return err;
}

/* ---- the identity ---- */

static enum err identity_check(struct recovery *recovery)
{
	const struct raftlog *log = recovery->log;
	const struct raftlog_identity *newest = &recovery->slots.newest;
	enum err err = newest->cluster_id != log->cluster_id ? ERR_WRONG_CLUSTER
	               : newest->member_id != log->member_id ? ERR_WRONG_MEMBER
	                                                     : ERR_OK;
	if (err != ERR_OK)
		log_error("raftlog_foreign",
		          "path=%s cluster=%" PRIx64 " member=%" PRIx64 " expected_cluster=%" PRIx64
		          " expected_member=%" PRIx64 " remedy=\"give this member its own data directory\"",
		          log->disk.directory, newest->cluster_id, newest->member_id, log->cluster_id, log->member_id);
	return err;
}

static enum err identity_take(struct recovery *recovery)
{
	struct raftlog *log = recovery->log;
	const struct raftlog_identity *newest = &recovery->slots.newest;
	if (recovery->slots.whole == 0) { /* there are segments, or a file that cannot be read */
		recovery_damaged(recovery, recovery->slots.exists ? "the identity file fails its checksums"
		                                                  : "the identity file is missing");
		log->segment_first = recovery->lowest;
		return ERR_OK;
	}
	enum err err = identity_check(recovery);
	if (err != ERR_OK)
		return err;
	if (recovery->slots.whole < RAFTLOG_SLOTS)
		log_warn("raftlog_slot_repaired", "path=%s/identity", log->disk.directory);
	log->term = newest->term;
	log->vote = newest->vote;
	log->start = log->last = newest->start;
	log->segment_first = newest->segment_first;
	log->segment_last = newest->segment_last;
	log->known = newest->known;
	log->known_entry = newest->known_entry;
	if (newest->segment_last > log->segment_highest)
		log->segment_highest = newest->segment_last;
	if (newest->damaged)
		recovery_damaged(recovery, "it was found damaged before");
	return ERR_OK;
}

/* ---- the whole ---- */

static void recovery_name(void *argument, const char *name)
{
	struct recovery *recovery = argument;
	uint64_t sequence;
	if (!raftlog_segment_parse(name, &sequence))
		return;
	if (recovery->lowest == 0 || sequence < recovery->lowest)
		recovery->lowest = sequence;
	if (sequence > recovery->log->segment_highest)
		recovery->log->segment_highest = sequence;
}

/* The identity file comes first: segments without it are damage. */
static enum err log_found(struct raftlog *log)
{
	log->segment_first = 1;
	return raftlog_identity_store(log, RAFTLOG_SLOTS);
}

/* A segment that a node on a full disk can start with; what it then trims gives it space again. */
static enum err reserve_use(struct raftlog *log)
{
	if (!log->reserve)
		return ERR_NO_SPACE;
	struct raftlog_segment *segment;
	enum err err = raftlog_segment_open(&log->disk, RAFTLOG_RESERVE_NAME, &segment);
	if (err != ERR_OK)
		return err;
	log_warn("raftlog_reserve_used", "path=%s remedy=\"free space on that filesystem\"", log->disk.directory);
	log->reserve = false;
	*(struct raftlog_segment **)raftlog_deque_push(&log->spares) = segment;
	return raftlog_roll(log, RAFTLOG_BLOCK_BYTES);
}

static enum err room_make(struct raftlog *log)
{
	if (log->segments.count > 0) {
		const struct raftlog_segment *active = raftlog_active(log);
		uint64_t wanted = active->file.size_bytes / 4;
		if (active->file.size_bytes - active->end >=
		    (wanted < RECOVER_ROOM_BYTES ? wanted : RECOVER_ROOM_BYTES))
			return ERR_OK;
	}
	enum err err = raftlog_roll(log, RAFTLOG_BLOCK_BYTES);
	return err == ERR_NO_SPACE ? reserve_use(log) : err;
}

/* From here on the log is known to be whole, so it may be written. What was read may be in the page cache alone, so it is made
 * durable before anything builds on it; what is not part of the log goes only when neither slot speaks of it any more. */
static enum err log_settle(struct raftlog *log)
{
	enum err err = ERR_OK;
	if (log->segments.count > 0)
		err = raftlog_disk_sync(&log->disk, &raftlog_active(log)->file);
	if (err == ERR_OK)
		err = room_make(log);
	if (err == ERR_OK)
		err = raftlog_write_mark(log);
	if (err == ERR_OK)
		err = raftlog_identity_store(log, RAFTLOG_SLOTS);
	return err == ERR_OK ? raftlog_remove_strangers(log) : err;
}

/* Nothing but the vote is of use now. */
static enum err damage_settle(struct raftlog *log)
{
	log_error("raftlog_damaged",
	          "path=%s damage=\"%s\" remedy=\"none needed while a majority is well: the node neither votes nor "
	          "acknowledges until it has a snapshot from the others\"",
	          log->disk.directory, log->damage);
	return log->identity_file.fd >= 0 ? raftlog_disk_sync(&log->disk, &log->identity_file) : ERR_OK;
}

static enum err recovery_run(struct recovery *recovery)
{
	struct raftlog *log = recovery->log;
	enum err err = raftlog_disk_make_directory(&log->disk);
	if (err == ERR_OK)
		err = raftlog_disk_list(&log->disk, recovery_name, recovery);
	if (err == ERR_OK)
		err = raftlog_identity_load(log, &recovery->slots);
	if (err != ERR_OK)
		return err;
	if (!recovery->slots.exists && recovery->lowest == 0)
		err = log_found(log);
	else
		err = identity_take(recovery);
	bool had_damage = log->damage != NULL;
	char *before = log->damage; /* what is left of a log without identity is still read, for its term and vote */
	log->damage = NULL;
	if (err == ERR_OK && log->segment_first != 0)
		err = segments_load(recovery);
	if (had_damage) {
		free(log->damage);
		log->damage = before;
	}
	if (err == ERR_OK)
		err = raftlog_disk_sync_directory(&log->disk);
	if (err == ERR_OK)
		err = raftlog_spares_find(log);
	if (err != ERR_OK)
		return err;
	return log->damage == NULL ? log_settle(log) : damage_settle(log);
}

static struct raftlog *log_new(const struct raftlog_options *options)
{
	struct raftlog *log = memory_new(sizeof *log);
	log->disk.io = options->io != NULL ? options->io : &raftlog_io_system;
	log->disk.directory = memory_dup_string(options->directory);
	log->cluster_id = options->cluster_id;
	log->member_id = options->member_id;
	log->segment_bytes = options->segment_bytes != 0 ? options->segment_bytes : RAFTLOG_SEGMENT_BYTES_DEFAULT;
	if (log->segment_bytes < RAFTLOG_SEGMENT_BYTES_MIN)
		log->segment_bytes = RAFTLOG_SEGMENT_BYTES_MIN;
	log->segment_bytes = raftlog_disk_round(log->segment_bytes);
	raftlog_deque_init(&log->segments, sizeof(struct raftlog_segment *));
	raftlog_deque_init(&log->spares, sizeof(struct raftlog_segment *));
	raftlog_index_init(&log->index);
	raftlog_cache_init(&log->cache);
	pthread_mutex_init(&log->mutex, NULL);
	pthread_mutex_init(&log->identity_mutex, NULL);
	log->keeper_mailbox = mailbox_new(1);
	log->identity_file.fd = -1;
	log->identity_block = raftlog_disk_memory(RAFTLOG_BLOCK_BYTES);
	return log;
}

enum err raftlog_recover(const struct raftlog_options *options, struct raftlog **ret_log,
                         struct raftlog_state *ret_state)
{
	struct raftlog *log = log_new(options);
	struct recovery recovery = {.log = log};
	raftlog_window_init(&recovery.window, &log->disk, RECOVER_AHEAD_BYTES);
	enum err err = recovery_run(&recovery);
	raftlog_window_fini(&recovery.window);
	if (err != ERR_OK) {
		raftlog_free(log);
		return err;
	}
	log->disk.running = true;
	*ret_log = log;
	*ret_state = (struct raftlog_state){
	    .term = log->term,
	    .vote = log->vote,
	    .first_index = log->start.index + 1,
	    .last_index = log->last.index,
	    .start_term = log->start.term,
	    .damaged = log->damage != NULL,
	    .known_index = log->known_entry.index,
	    .known_term = log->known_entry.term,
	};
	return ERR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The identity file: term, vote, the extent of the log and the position that is known to be durable, in two slots. */
#include "store/raftlog_private.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"

#define IDENTITY_NAME "identity"
#define IDENTITY_NAME_NEW "identity.new"

static uint64_t slot_offset(uint64_t sequence)
{
	return sequence % RAFTLOG_SLOTS * RAFTLOG_BLOCK_BYTES;
}

static enum err slot_load(struct raftlog *log, uint64_t offset, struct raftlog_slots *slots)
{
	struct raftlog_identity identity;
	enum err err =
	    raftlog_disk_read(&log->disk, &log->identity_file, log->identity_block, RAFTLOG_BLOCK_BYTES, offset);
	if (err == ERR_OK)
		err = raftlog_identity_decode(log->identity_block, &identity);
	if (err == ERR_CORRUPT || err == ERR_IO) /* the other slot may do */
		return ERR_OK;
	if (err != ERR_OK)
		return err;
	slots->whole++;
	if (identity.sequence > slots->newest.sequence)
		slots->newest = identity;
	return ERR_OK;
}

enum err raftlog_identity_load(struct raftlog *log, struct raftlog_slots *ret_slots)
{
	*ret_slots = (struct raftlog_slots){.exists = true};
	enum err err = raftlog_disk_open(&log->disk, IDENTITY_NAME, RAFTLOG_OPEN_EXISTING, &log->identity_file);
	if (err == ERR_NOT_FOUND) {
		ret_slots->exists = false;
		return ERR_OK;
	}
	/* The newest slot may be in the page cache alone, left by a process that was killed: it is durable before the other one
	 * is written over. */
	if (err == ERR_OK)
		err = raftlog_disk_sync(&log->disk, &log->identity_file);
	for (uint64_t slot = 0; err == ERR_OK && slot < RAFTLOG_SLOTS; slot++)
		err = slot_load(log, slot_offset(slot), ret_slots);
	if (err == ERR_FORMAT_NEWER)
		log_error("raftlog_format_newer", "path=%s/%s remedy=\"run the version that wrote it, or a newer one\"",
		          log->disk.directory, IDENTITY_NAME);
	log->identity_sequence = ret_slots->newest.sequence;
	return err;
}

static struct raftlog_identity identity_gather(struct raftlog *log)
{
	pthread_mutex_lock(&log->mutex);
	if (log->damage == NULL) {
		log->known = log->end;
		log->known_entry = log->last;
	}
	struct raftlog_identity identity = {
	    .cluster_id = log->cluster_id,
	    .member_id = log->member_id,
	    .term = log->term,
	    .vote = log->vote,
	    .start = log->start,
	    .segment_first = log->segment_first,
	    .segment_last = log->segment_last,
	    .known = log->known,
	    .known_entry = log->known_entry,
	    .damaged = log->damage != NULL,
	};
	pthread_mutex_unlock(&log->mutex);
	return identity;
}

static enum err slot_store(struct raftlog *log)
{
	struct raftlog_identity identity = identity_gather(log);
	identity.sequence = ++log->identity_sequence;
	raftlog_identity_encode(&identity, log->identity_block);
	enum err err = raftlog_disk_write(&log->disk, &log->identity_file, log->identity_block, RAFTLOG_BLOCK_BYTES,
	                                  slot_offset(identity.sequence));
	return err == ERR_OK ? raftlog_disk_sync(&log->disk, &log->identity_file) : err;
}

static enum err slots_store(struct raftlog *log, unsigned slots)
{
	enum err err = ERR_OK;
	for (unsigned i = 0; err == ERR_OK && i < slots; i++)
		err = slot_store(log);
	return err;
}

/* Whole before it has its name: an identity file that exists and cannot be read is damage, never a first start. */
static enum err identity_make(struct raftlog *log)
{
	enum err err = raftlog_disk_make(&log->disk, IDENTITY_NAME_NEW, RAFTLOG_IDENTITY_BYTES, &log->identity_file);
	if (err == ERR_OK)
		err = slots_store(log, RAFTLOG_SLOTS);
	if (err == ERR_OK)
		err = raftlog_disk_rename(&log->disk, &log->identity_file, IDENTITY_NAME);
	return err == ERR_OK ? raftlog_disk_sync_directory(&log->disk) : err;
}

enum err raftlog_identity_store(struct raftlog *log, unsigned slots)
{
	check(slots >= 1 && slots <= RAFTLOG_SLOTS);
	pthread_mutex_lock(&log->identity_mutex);
	enum err err = log->identity_file.fd >= 0 ? slots_store(log, slots) : identity_make(log);
	pthread_mutex_unlock(&log->identity_mutex);
	return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done ahead of need, off the path of a write: the next segment is written with zeros while the present one fills,
 * a reserve is kept so that a node on a full disk can start and trim, and the known position follows the log.
 */
#include "store/raftlog_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	KEEPER_PAUSE_MS = 100,     /* how far the known position may stay behind */
	KEEPER_RETRY_MS = 5000,    /* on a full disk */
	KEEPER_AHEAD_FRACTION = 4, /* the next segment is made when that part of the present one is used */
};

static const char spare_prefix[] = "spare-";

static bool spare_is_wanted(struct raftlog *log)
{
	if (log->spares.count > 0 || log->segments.count == 0)
		return false;
	const struct raftlog_segment *active = raftlog_active(log);
	return active->end > active->file.size_bytes / KEEPER_AHEAD_FRACTION;
}

static bool known_is_behind(const struct raftlog *log)
{
	return log->damage == NULL && (log->known.segment != log->end.segment || log->known.offset != log->end.offset);
}

void raftlog_keeper_wish(struct raftlog *log)
{
	pthread_mutex_lock(&log->mutex);
	enum raftlog_keeper_wish wish = RAFTLOG_KEEPER_SOON;
	if (!log->reserve || spare_is_wanted(log))
		wish = RAFTLOG_KEEPER_NOW;
	bool post = wish > log->keeper_wish && !log->keeper_posted;
	if (wish > log->keeper_wish)
		log->keeper_wish = wish;
	log->keeper_posted = log->keeper_posted || post;
	pthread_mutex_unlock(&log->mutex);
	if (post)
		mailbox_post_always(log->keeper_mailbox, &log->keeper_letter);
}

/* ---- segments that are ready ---- */

static void spare_name(struct raftlog *log, char ret_name[RAFTLOG_NAME_BYTES])
{
	pthread_mutex_lock(&log->mutex);
	snprintf(ret_name, RAFTLOG_NAME_BYTES, "%s%" PRIu64, spare_prefix, log->spare_next++);
	pthread_mutex_unlock(&log->mutex);
}

static void spare_add(struct raftlog *log, struct raftlog_segment *segment)
{
	pthread_mutex_lock(&log->mutex);
	*(struct raftlog_segment **)raftlog_deque_push(&log->spares) = segment;
	pthread_mutex_unlock(&log->mutex);
}

static enum err spare_make(struct raftlog *log, uint64_t size_bytes)
{
	struct raftlog_segment *segment;
	enum err err = raftlog_segment_make(&log->disk, "spare.new", size_bytes, &segment);
	if (err != ERR_OK)
		return err;
	char name[RAFTLOG_NAME_BYTES];
	spare_name(log, name);
	err = raftlog_disk_rename(&log->disk, &segment->file, name);
	if (err != ERR_OK) {
		raftlog_segment_free(&log->disk, segment);
		return err;
	}
	spare_add(log, segment);
	return ERR_OK;
}

struct raftlog_segment *raftlog_spare_take(struct raftlog *log, uint64_t size_bytes)
{
	struct raftlog_segment *segment = NULL;
	pthread_mutex_lock(&log->mutex);
	struct raftlog_segment **last = raftlog_deque_last(&log->spares);
	if (last != NULL && (*last)->file.size_bytes >= size_bytes) {
		segment = *last;
		raftlog_deque_drop_last(&log->spares);
	}
	pthread_mutex_unlock(&log->mutex);
	return segment;
}

/* A file that somebody still reads is not written again: its last reader closes it. */
enum err raftlog_segment_retire(struct raftlog *log, struct raftlog_segment *segment)
{
	pthread_mutex_lock(&log->mutex);
	bool reuse = segment->readers == 0 && log->spares.count < RAFTLOG_SPARES_MAX &&
	             segment->file.size_bytes >= log->segment_bytes;
	pthread_mutex_unlock(&log->mutex);
	if (reuse) {
		char name[RAFTLOG_NAME_BYTES];
		spare_name(log, name);
		enum err err = raftlog_disk_rename(&log->disk, &segment->file, name);
		if (err == ERR_OK)
			spare_add(log, segment);
		return err;
	}
	enum err err = raftlog_disk_unlink(&log->disk, segment->file.name);
	pthread_mutex_lock(&log->mutex);
	bool unused = segment->readers == 0;
	segment->retired = true;
	pthread_mutex_unlock(&log->mutex);
	if (unused)
		raftlog_segment_free(&log->disk, segment);
	return err;
}

struct spare_search {
	struct raftlog *log;
	enum err err;
};

static void spare_adopt(struct spare_search *search, const char *name)
{
	struct raftlog *log = search->log;
	struct raftlog_segment *segment;
	search->err = raftlog_segment_open(&log->disk, name, &segment);
	if (search->err != ERR_OK)
		return;
	if (segment->file.size_bytes >= RAFTLOG_SEGMENT_BYTES_MIN && log->spares.count < RAFTLOG_SPARES_MAX &&
	    segment->file.size_bytes % RAFTLOG_BLOCK_BYTES == 0) {
		spare_add(log, segment);
		return;
	}
	raftlog_segment_free(&log->disk, segment);
	search->err = raftlog_disk_unlink(&log->disk, name);
}

static void spare_consider(void *argument, const char *name)
{
	struct spare_search *search = argument;
	size_t length = strlen(name);
	if (search->err != ERR_OK)
		return;
	if (length > 4 && strcmp(name + length - 4, ".new") == 0) {
		search->err = raftlog_disk_unlink(&search->log->disk, name);
	} else if (strcmp(name, RAFTLOG_RESERVE_NAME) == 0) {
		search->log->reserve = true;
	} else if (strncmp(name, spare_prefix, strlen(spare_prefix)) == 0) {
		uint64_t number = strtoull(name + strlen(spare_prefix), NULL, 10);
		if (number >= search->log->spare_next)
			search->log->spare_next = number + 1;
		spare_adopt(search, name);
	}
}

enum err raftlog_spares_find(struct raftlog *log)
{
	struct spare_search search = {.log = log, .err = ERR_OK};
	enum err err = raftlog_disk_list(&log->disk, spare_consider, &search);
	return err != ERR_OK ? err : search.err;
}

/* ---- the rounds ---- */

static enum err reserve_make(struct raftlog *log)
{
	uint64_t size_bytes =
	    RAFTLOG_SEGMENT_BYTES_FIRST < log->segment_bytes ? RAFTLOG_SEGMENT_BYTES_FIRST : log->segment_bytes;
	struct raftlog_file file;
	enum err err = raftlog_disk_make(&log->disk, RAFTLOG_RESERVE_NAME ".new", size_bytes, &file);
	if (err != ERR_OK)
		return err;
	err = raftlog_disk_rename(&log->disk, &file, RAFTLOG_RESERVE_NAME);
	raftlog_disk_close(&log->disk, &file);
	if (err != ERR_OK)
		return err;
	pthread_mutex_lock(&log->mutex);
	log->reserve = true;
	pthread_mutex_unlock(&log->mutex);
	return ERR_OK;
}

enum err raftlog_keep(struct raftlog *log)
{
	pthread_mutex_lock(&log->mutex);
	log->keeper_wish = RAFTLOG_KEEPER_REST;
	bool reserve = !log->reserve, behind = known_is_behind(log), spare = spare_is_wanted(log);
	uint64_t grown = spare ? raftlog_active(log)->file.size_bytes * RAFTLOG_SEGMENT_GROWTH : 0;
	pthread_mutex_unlock(&log->mutex);
	enum err err = behind ? raftlog_identity_store(log, 1) : ERR_OK;
	if (err == ERR_OK && reserve)
		err = reserve_make(log);
	if (err == ERR_OK && spare)
		err = spare_make(log, grown < log->segment_bytes ? grown : log->segment_bytes);
	return err;
}

static enum raftlog_keeper_wish keeper_wait(struct raftlog *log, uint64_t deadline_ns)
{
	bool posted = mailbox_drain(log->keeper_mailbox, deadline_ns) != NULL;
	pthread_mutex_lock(&log->mutex);
	if (posted)
		log->keeper_posted = false;
	enum raftlog_keeper_wish wish = log->keeper_wish;
	pthread_mutex_unlock(&log->mutex);
	return wish;
}

/* Until the time has passed, raftlog_close(), or something is urgent. */
static void keeper_pause(struct raftlog *log, uint64_t pause_ms, enum raftlog_keeper_wish urgent)
{
	uint64_t deadline_ns = clock_steady_ns() + pause_ms * CLOCK_NS_PER_MS;
	while (keeper_wait(log, deadline_ns) < urgent) {
		if (mailbox_is_stopped(log->keeper_mailbox) || clock_steady_ns() >= deadline_ns)
			return;
	}
}

static void *keeper_main(void *argument)
{
	struct raftlog *log = argument;
	pthread_setname_np(pthread_self(), "etcfs-logkeep");
	while (!mailbox_is_stopped(log->keeper_mailbox)) {
		if (keeper_wait(log, UINT64_MAX) == RAFTLOG_KEEPER_REST)
			continue;
		keeper_pause(log, KEEPER_PAUSE_MS, RAFTLOG_KEEPER_NOW);
		while (raftlog_keep(log) != ERR_OK && !mailbox_is_stopped(log->keeper_mailbox))
			keeper_pause(log, KEEPER_RETRY_MS, RAFTLOG_KEEPER_NEVER);
	}
	return NULL;
}

void raftlog_keeper_start(struct raftlog *log)
{
	raftlog_keeper_wish(log);
	int error = pthread_create(&log->keeper, NULL, keeper_main, log);
	check(error == 0);
	log->keeper_runs = true;
}

void raftlog_keeper_stop(struct raftlog *log)
{
	if (!log->keeper_runs)
		return;
	mailbox_stop(log->keeper_mailbox);
	pthread_join(log->keeper, NULL);
	log->keeper_runs = false;
}

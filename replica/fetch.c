/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/fetch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/proto.h"
#include "replica/snapshots.h"

void fetch_init(struct fetch *fetch)
{
	*fetch = (struct fetch){.fd = -1};
}

void fetch_begin(struct fetch *fetch, uint64_t from, uint64_t index, uint64_t term, const char *directory,
                 uint64_t now_ns)
{
	check(fetch->state == FETCH_NONE);
	fetch->state = FETCH_ASKING;
	fetch->from = from;
	fetch->index = index;
	fetch->term = term;
	fetch->directory = memory_dup_string(directory);
	fetch->heard_ns = now_ns;
	log_info("snapshot_fetch", "from=%016" PRIx64 " index=%" PRIu64 " term=%" PRIu64, from, index, term);
}

static void fetch_forget(struct fetch *fetch)
{
	for (size_t i = 0; i < fetch->count; i++)
		free(fetch->files[i].name);
	free(fetch->files);
	free(fetch->directory);
	if (fetch->fd >= 0)
		close(fetch->fd);
	fetch_init(fetch);
}

void fetch_leave(struct fetch *fetch)
{
	fetch_forget(fetch);
}

void fetch_end(struct fetch *fetch)
{
	if (fetch->directory != NULL && !fetch->is_silent) {
		enum err err = file_remove_tree(fetch->directory);
		(void)err; /* logged; removed at the next start */
	}
	fetch_forget(fetch);
}

char *fetch_take(struct fetch *fetch)
{
	check(fetch->state == FETCH_DONE);
	char *directory = fetch->directory;
	fetch->directory = NULL;
	fetch_forget(fetch);
	return directory;
}

static void fetch_fail(struct fetch *fetch, const char *reason)
{
	log_warn("snapshot_fetch_failed", "from=%016" PRIx64 " index=%" PRIu64 " reason=\"%s\"", fetch->from,
	         fetch->index, reason);
	fetch->state = FETCH_FAILED;
}

static void fetch_break(struct fetch *fetch, const char *reason)
{
	fetch_fail(fetch, reason);
	fetch->is_broken = true;
}

void fetch_refute(struct fetch *fetch)
{
	check(fetch->state == FETCH_DONE);
	fetch_break(fetch, "it is no whole state");
}

/* ---- files ---- */

static char *fetch_path(const struct fetch *fetch, const char *name)
{
	return memory_format("%s/%s", fetch->directory, name);
}

/* At its beginning, or where an earlier fetch stopped. */
static bool fetch_open(struct fetch *fetch)
{
	AUTO_FREE char *path = fetch_path(fetch, fetch->files[fetch->file].name);
	int how = fetch->offset == 0 ? O_TRUNC : O_APPEND;
	fetch->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | how, 0600);
	if (fetch->fd < 0) {
		log_error("file_failed", "call=open path=%s error=\"%s\"", path, strerror(errno));
		fetch_fail(fetch, "a file cannot be made");
	}
	return fetch->fd >= 0;
}

/* All of it came: true if it is durable, and is read as it was offered. */
static bool fetch_is_as_offered(struct fetch *fetch)
{
	const struct fetch_file *file = &fetch->files[fetch->file];
	AUTO_FREE char *path = fetch_path(fetch, file->name);
	uint64_t size = 0;
	uint32_t checksum = 0;
	bool synced = fsync(fetch->fd) == 0;
	/* So that what is read is what the disk has. */
	(void)posix_fadvise(fetch->fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fetch->fd);
	fetch->fd = -1;
	if (!synced) {
		fetch_fail(fetch, "a file cannot be synced");
		return false;
	}
	return file_checksum(path, &size, &checksum) == ERR_OK && size == file->size && checksum == file->checksum;
}

/* What came is thrown away, and asked for from the file's beginning. */
static void fetch_again(struct fetch *fetch)
{
	const struct fetch_file *file = &fetch->files[fetch->file];
	log_warn("snapshot_file_spoilt", "from=%016" PRIx64 " index=%" PRIu64 " file=%s", fetch->from, fetch->index,
	         file->name);
	fetch->done_bytes -= file->size;
	fetch->offset = fetch->asked_offset = 0;
	fetch->asked_file = fetch->file;
	fetch->asked = 0;
	if (++fetch->spoilt == FETCH_SPOILT_MAX)
		fetch_break(fetch, "its files come otherwise than they were offered");
}

static void fetch_complete(struct fetch *fetch)
{
	if (file_sync_directory(fetch->directory) == ERR_OK)
		fetch->state = FETCH_DONE;
	else
		fetch_fail(fetch, "its directory cannot be synced");
}

/* When the file is whole the next one is begun; empty ones have no chunks. */
static void fetch_advance(struct fetch *fetch)
{
	while (fetch->state == FETCH_PULLING && fetch->file < fetch->count) {
		if (fetch->fd < 0 && !fetch_open(fetch))
			return;
		if (fetch->offset < fetch->files[fetch->file].size)
			return;
		if (fetch_is_as_offered(fetch)) {
			fetch->offset = 0;
			fetch->file++;
		} else if (fetch->state == FETCH_PULLING) {
			fetch_again(fetch);
		}
	}
	if (fetch->state == FETCH_PULLING)
		fetch_complete(fetch);
}

/* ---- what an earlier fetch has left ---- */

static bool fetch_is_offered(const struct fetch *fetch, const char *name)
{
	for (size_t i = 0; i < fetch->count; i++)
		if (strcmp(fetch->files[i].name, name) == 0)
			return true;
	return false;
}

static void fetch_remove_others(const struct fetch *fetch)
{
	DIR *directory = opendir(fetch->directory);
	const struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    fetch_is_offered(fetch, entry->d_name))
			continue;
		AUTO_FREE char *path = fetch_path(fetch, entry->d_name);
		enum err err = file_remove_tree(path);
		(void)err; /* logged */
	}
	if (directory != NULL)
		closedir(directory);
}

/* Is the file here? If not, its beginning may be. */
static bool fetch_find(const struct fetch *fetch, const struct fetch_file *file, uint64_t *ret_size)
{
	AUTO_FREE char *path = fetch_path(fetch, file->name);
	uint64_t size = 0;
	uint32_t checksum = 0;
	*ret_size = 0;
	if (file_checksum(path, &size, &checksum) != ERR_OK || size > file->size)
		return false;
	bool whole = size == file->size && checksum == file->checksum;
	*ret_size = whole || size < file->size ? size : 0;
	return whole;
}

static void fetch_resume(struct fetch *fetch)
{
	uint64_t here = 0;
	fetch_remove_others(fetch);
	while (fetch->file < fetch->count && fetch_find(fetch, &fetch->files[fetch->file], &here)) {
		fetch->done_bytes += here;
		fetch->file++;
		here = 0;
	}
	fetch->offset = fetch->asked_offset = here;
	fetch->asked_file = fetch->file;
	fetch->done_bytes += here;
	if (fetch->done_bytes != 0)
		log_info("snapshot_fetch_goes_on", "index=%" PRIu64 " done=%" PRIu64 " total=%" PRIu64, fetch->index,
		         fetch->done_bytes, fetch->total_bytes);
}

/* ---- what comes ---- */

/* A name is one component of a path, and not one that means something else. */
static bool fetch_name_is_good(const char *name)
{
	return name[0] != 0 && name[0] != '.' && strchr(name, '/') == NULL && strlen(name) <= 255;
}

static bool fetch_offer_is_good(const Peer__SnapshotOffer *offer)
{
	if (offer->n_files == 0 || offer->n_files > SNAPSHOT_FILES_MAX)
		return false;
	for (size_t i = 0; i < offer->n_files; i++)
		if (!fetch_name_is_good(offer->files[i]->name) ||
		    offer->files[i]->size > INT64_MAX / SNAPSHOT_FILES_MAX)
			return false;
	return true;
}

void fetch_offered(struct fetch *fetch, uint64_t from, const Peer__SnapshotOffer *offer, uint64_t now_ns)
{
	bool asks = fetch->state == FETCH_ASKING || fetch->state == FETCH_PULLING;
	if (!asks || from != fetch->from || offer->index != fetch->index || offer->term != fetch->term)
		return;
	fetch->heard_ns = now_ns;
	if (offer->n_files == 0) {
		fetch_fail(fetch, "it is not there any more");
		return;
	}
	if (fetch->state != FETCH_ASKING)
		return;
	if (!fetch_offer_is_good(offer)) {
		fetch_fail(fetch, "the offer makes no sense");
		return;
	}
	if (file_make_directory(fetch->directory, 0700) != ERR_OK) {
		fetch_fail(fetch, "its directory cannot be made");
		return;
	}
	fetch->files = memory_new_array(offer->n_files, sizeof *fetch->files);
	fetch->count = offer->n_files;
	for (size_t i = 0; i < offer->n_files; i++) {
		fetch->files[i].name = memory_dup_string(offer->files[i]->name);
		fetch->files[i].size = offer->files[i]->size;
		fetch->files[i].checksum = offer->files[i]->checksum;
		fetch->total_bytes += offer->files[i]->size;
	}
	fetch->state = FETCH_PULLING;
	fetch_resume(fetch);
	fetch_advance(fetch);
}

/* Chunks come in the order in which they were asked for, or a connection broke in between: others are passed over, and asked
 * for again when nothing comes. */
void fetch_came(struct fetch *fetch, uint64_t from, const Peer__Chunk *chunk, uint64_t now_ns)
{
	if (fetch->state != FETCH_PULLING || from != fetch->from || chunk->index != fetch->index ||
	    chunk->term != fetch->term || chunk->file != fetch->file || chunk->offset != fetch->offset)
		return;
	uint64_t rest = fetch->files[fetch->file].size - fetch->offset;
	if (chunk->data.len == 0 || chunk->data.len > rest) {
		fetch_fail(fetch, "a chunk has not the size that was offered");
		return;
	}
	fetch->heard_ns = fetch->asked_ns = now_ns;
	fetch->asked -= fetch->asked != 0;
	if (file_write_all(fetch->fd, proto_bytes(chunk->data)) != ERR_OK) {
		fetch_fail(fetch, "a file cannot be written");
		return;
	}
	fetch->offset += chunk->data.len;
	fetch->done_bytes += chunk->data.len;
	fetch_advance(fetch);
}

/* ---- what is asked ---- */

static void fetch_ask_offer(const struct fetch *fetch, struct arena *arena, Peer__Envelope *envelope)
{
	Peer__SnapshotAsk *ask = arena_take(arena, sizeof *ask);
	peer__snapshot_ask__init(ask);
	ask->index = fetch->index;
	ask->term = fetch->term;
	envelope->body_case = PEER__ENVELOPE__BODY_SNAPSHOT_ASK;
	envelope->snapshot_ask = ask;
}

static void fetch_ask_chunk(struct fetch *fetch, struct arena *arena, Peer__Envelope *envelope)
{
	Peer__ChunkAsk *ask = arena_take(arena, sizeof *ask);
	uint64_t rest = fetch->files[fetch->asked_file].size - fetch->asked_offset;
	peer__chunk_ask__init(ask);
	ask->index = fetch->index;
	ask->term = fetch->term;
	ask->file = (uint32_t)fetch->asked_file;
	ask->offset = fetch->asked_offset;
	ask->size = rest < SNAPSHOT_CHUNK_BYTES ? (uint32_t)rest : SNAPSHOT_CHUNK_BYTES;
	fetch->asked_offset += ask->size;
	fetch->asked++;
	envelope->body_case = PEER__ENVELOPE__BODY_CHUNK_ASK;
	envelope->chunk_ask = ask;
}

/* Over the files that are asked for to their ends; false: all is asked for. */
static bool fetch_more_to_ask(struct fetch *fetch)
{
	while (fetch->asked_file < fetch->count && fetch->asked_offset >= fetch->files[fetch->asked_file].size) {
		fetch->asked_file++;
		fetch->asked_offset = 0;
	}
	return fetch->asked_file < fetch->count;
}

static bool fetch_is_impatient(const struct fetch *fetch, uint64_t now_ns)
{
	return now_ns - fetch->asked_ns >= SNAPSHOT_PATIENCE_MS * CLOCK_NS_PER_MS;
}

bool fetch_next(struct fetch *fetch, uint64_t now_ns, struct arena *arena, Peer__Envelope *ret_envelope)
{
	bool asks = fetch->state == FETCH_ASKING || fetch->state == FETCH_PULLING;
	if (asks && now_ns - fetch->heard_ns > SNAPSHOT_SILENCE_MS * CLOCK_NS_PER_MS) {
		fetch_fail(fetch, "nothing came for too long");
		fetch->is_silent = true;
		return false;
	}
	if (fetch->state == FETCH_ASKING && fetch_is_impatient(fetch, now_ns)) {
		fetch->asked_ns = now_ns;
		fetch_ask_offer(fetch, arena, ret_envelope);
		return true;
	}
	if (fetch->state != FETCH_PULLING)
		return false;
	if (fetch->asked != 0 && fetch_is_impatient(fetch, now_ns)) {
		fetch->asked = 0;
		fetch->asked_file = fetch->file;
		fetch->asked_offset = fetch->offset;
	}
	if (fetch->asked == SNAPSHOT_CHUNKS_MAX || !fetch_more_to_ask(fetch))
		return false;
	fetch->asked_ns = now_ns;
	fetch_ask_chunk(fetch, arena, ret_envelope);
	return true;
}

uint64_t fetch_wake_ns(const struct fetch *fetch)
{
	bool asks = fetch->state == FETCH_ASKING || fetch->state == FETCH_PULLING;
	return asks ? fetch->asked_ns + SNAPSHOT_PATIENCE_MS * CLOCK_NS_PER_MS : UINT64_MAX;
}

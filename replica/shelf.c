/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/shelf.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/proto.h"
#include "replica/snapshots.h"

struct shelf_file {
	char *name;
	uint64_t size;
	uint32_t checksum; /* when it was made */
};

struct shelf_item {
	char *directory; /* NULL: free */
	uint64_t index, term, used_ns;
	struct shelf_file *files;
	size_t count;
	int fd; /* of file `open`; -1: none */
	size_t open;
};

struct shelf {
	struct store *store;
	char *directory;
	uint64_t made;
	struct shelf_item items[SHELF_MAX];
};

struct shelf *shelf_new(struct store *store, const char *directory)
{
	struct shelf *shelf = memory_new(sizeof *shelf);
	shelf->store = store;
	shelf->directory = memory_dup_string(directory);
	return shelf;
}

static void shelf_drop(struct shelf_item *item)
{
	if (item->directory == NULL)
		return;
	if (item->fd >= 0)
		close(item->fd);
	enum err err = file_remove_tree(item->directory);
	(void)err; /* logged; removed at the next start */
	for (size_t i = 0; i < item->count; i++)
		free(item->files[i].name);
	free(item->files);
	free(item->directory);
	*item = (struct shelf_item){.fd = -1};
}

void shelf_free(struct shelf *shelf)
{
	for (size_t i = 0; i < SHELF_MAX; i++)
		shelf_drop(&shelf->items[i]);
	free(shelf->directory);
	free(shelf);
}

static struct shelf_item *shelf_place(struct shelf *shelf)
{
	struct shelf_item *oldest = &shelf->items[0];
	for (size_t i = 0; i < SHELF_MAX; i++) {
		struct shelf_item *item = &shelf->items[i];
		if (item->directory == NULL)
			return item;
		oldest = item->used_ns < oldest->used_ns ? item : oldest;
	}
	shelf_drop(oldest);
	return oldest;
}

static enum err shelf_add_file(struct shelf_item *item, const char *name)
{
	AUTO_FREE char *path = memory_format("%s/%s", item->directory, name);
	struct shelf_file file = {0};
	struct stat status;
	if (stat(path, &status) != 0)
		return ERR_IO;
	if (!S_ISREG(status.st_mode))
		return ERR_OK;
	if (item->count == SNAPSHOT_FILES_MAX)
		return ERR_LIMIT;
	enum err err = file_checksum(path, &file.size, &file.checksum);
	if (err != ERR_OK)
		return err;
	file.name = memory_dup_string(name);
	item->files = memory_resize(item->files, item->count + 1, sizeof *item->files);
	item->files[item->count++] = file;
	return ERR_OK;
}

static enum err shelf_list(struct shelf_item *item)
{
	DIR *directory = opendir(item->directory);
	if (directory == NULL)
		return ERR_IO;
	enum err err = ERR_OK;
	struct dirent *entry;
	while (err == ERR_OK && (entry = readdir(directory)) != NULL)
		err = shelf_add_file(item, entry->d_name);
	closedir(directory);
	return err;
}

static struct shelf_item *shelf_find(struct shelf *shelf, uint64_t index, uint64_t term)
{
	for (size_t i = 0; i < SHELF_MAX; i++) {
		struct shelf_item *item = &shelf->items[i];
		if (item->directory != NULL && item->index == index && item->term == term)
			return item;
	}
	return NULL;
}

/* One that stands there already is handed out in place of the new one: who fetches it knows its files by their numbers. */
static enum err shelf_put(struct shelf *shelf, struct shelf_item *made)
{
	struct shelf_item *same = shelf_find(shelf, made->index, made->term);
	if (same != NULL) {
		same->used_ns = made->used_ns;
		shelf_drop(made);
		return ERR_OK;
	}
	enum err err = shelf_list(made);
	if (err != ERR_OK) {
		log_error("snapshot_unreadable", "path=%s", made->directory);
		shelf_drop(made);
		return err;
	}
	*shelf_place(shelf) = *made;
	return ERR_OK;
}

enum err shelf_make(struct shelf *shelf, uint64_t now_ns, struct arena *arena, struct store_snapshot *ret_snapshot)
{
	struct store_snapshot snapshot = {0};
	enum err err = file_make_directory(shelf->directory, 0700);
	if (err != ERR_OK)
		return err;
	char *directory = memory_format("%s/out-%" PRIu64, shelf->directory, ++shelf->made);
	err = store_snapshot_make(shelf->store, directory, arena, &snapshot);
	if (err != ERR_OK) {
		free(directory);
		return err;
	}
	struct shelf_item made = {
	    .directory = directory, .index = snapshot.index, .term = snapshot.term, .used_ns = now_ns, .fd = -1};
	err = shelf_put(shelf, &made);
	if (err == ERR_OK)
		*ret_snapshot = snapshot;
	return err;
}

Peer__SnapshotOffer *shelf_offer(struct shelf *shelf, uint64_t now_ns, const Peer__SnapshotAsk *ask,
                                 struct arena *arena)
{
	Peer__SnapshotOffer *offer = arena_take(arena, sizeof *offer);
	peer__snapshot_offer__init(offer);
	offer->index = ask->index;
	offer->term = ask->term;
	struct shelf_item *item = shelf_find(shelf, ask->index, ask->term);
	if (item == NULL)
		return offer;
	item->used_ns = now_ns;
	offer->n_files = item->count;
	offer->files = arena_zero(arena, item->count, sizeof(Peer__SnapshotFile *));
	for (size_t i = 0; i < item->count; i++) {
		offer->files[i] = arena_take(arena, sizeof(Peer__SnapshotFile));
		peer__snapshot_file__init(offer->files[i]);
		offer->files[i]->name = item->files[i].name;
		offer->files[i]->size = item->files[i].size;
		offer->files[i]->checksum = item->files[i].checksum;
	}
	return offer;
}

static bool shelf_open(struct shelf_item *item, size_t file)
{
	if (item->fd >= 0 && item->open == file)
		return true;
	if (item->fd >= 0)
		close(item->fd);
	AUTO_FREE char *path = memory_format("%s/%s", item->directory, item->files[file].name);
	item->fd = open(path, O_RDONLY | O_CLOEXEC);
	item->open = file;
	return item->fd >= 0;
}

Peer__Chunk *shelf_read(struct shelf *shelf, uint64_t now_ns, const Peer__ChunkAsk *ask, struct arena *arena)
{
	struct shelf_item *item = shelf_find(shelf, ask->index, ask->term);
	if (item == NULL || ask->file >= item->count || ask->size == 0 || ask->size > SNAPSHOT_CHUNK_BYTES ||
	    ask->offset > item->files[ask->file].size || !shelf_open(item, ask->file))
		return NULL;
	item->used_ns = now_ns;
	uint8_t *data = arena_take(arena, ask->size);
	ssize_t size = pread(item->fd, data, ask->size, (off_t)ask->offset);
	if (size < 0) {
		log_error("snapshot_unreadable", "path=%s/%s", item->directory, item->files[ask->file].name);
		return NULL;
	}
	Peer__Chunk *chunk = arena_take(arena, sizeof *chunk);
	peer__chunk__init(chunk);
	chunk->index = ask->index;
	chunk->term = ask->term;
	chunk->file = ask->file;
	chunk->offset = ask->offset;
	chunk->data = proto_data(bytes_of(data, (size_t)size));
	return chunk;
}

void shelf_review(struct shelf *shelf, uint64_t now_ns)
{
	for (size_t i = 0; i < SHELF_MAX; i++)
		if (shelf->items[i].directory != NULL &&
		    now_ns - shelf->items[i].used_ns > SNAPSHOT_KEEP_MS * CLOCK_NS_PER_MS)
			shelf_drop(&shelf->items[i]);
}

bool shelf_has(struct shelf *shelf, uint64_t index, uint64_t term)
{
	return shelf_find(shelf, index, term) != NULL;
}

/* True: its files are what they were when they were made. */
static bool shelf_is_unchanged(const struct shelf_item *item)
{
	for (size_t i = 0; i < item->count; i++) {
		AUTO_FREE char *path = memory_format("%s/%s", item->directory, item->files[i].name);
		uint64_t size = 0;
		uint32_t checksum = 0;
		if (file_checksum(path, &size, &checksum) == ERR_OK && size == item->files[i].size &&
		    checksum == item->files[i].checksum)
			continue;
		log_error("snapshot_file_changed",
		          "path=%s remedy=\"this disk does not give back what was written: replace it\"", path);
		return false;
	}
	return true;
}

enum err shelf_refuted(struct shelf *shelf, uint64_t index, uint64_t term)
{
	struct shelf_item *item = shelf_find(shelf, index, term);
	enum err err = ERR_OK;
	if (item == NULL)
		return ERR_OK;
	if (shelf_is_unchanged(item))
		err = store_snapshot_check(shelf->store, &(struct store_snapshot_claim){.directory = item->directory,
		                                                                        .index = item->index,
		                                                                        .term = item->term});
	shelf_drop(item);
	return err;
}

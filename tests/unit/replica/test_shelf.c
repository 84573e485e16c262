/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of a real store, handed out. */
#include "replica/shelf.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/proto.h"
#include "replica/snapshots.h"
#include "tests/unit/unit.h"

enum { NOW = 1000 };

struct desk {
	char directory[64], path[96];
	struct store *store;
	struct shelf *shelf;
	struct arena arena;
	uint64_t index;
};

static void desk_apply(struct desk *desk)
{
	struct store_entry entry = {.index = ++desk->index, .term = 1, .is_noop = true};
	store_apply(desk->store, &entry, 1, NULL, NULL);
}

static void desk_init(struct desk *desk)
{
	*desk = (struct desk){.directory = "/tmp/etcfs-shelf-XXXXXX"};
	assert_non_null(mkdtemp(desk->directory));
	arena_init(&desk->arena);
	snprintf(desk->path, sizeof desk->path, "%s/store", desk->directory);
	assert_int_equal(store_open(&(struct store_options){.directory = desk->path}, &desk->store), ERR_OK);
	snprintf(desk->path, sizeof desk->path, "%s/snapshots", desk->directory);
	desk->shelf = shelf_new(desk->store, desk->path);
	desk_apply(desk);
}

static void desk_fini(struct desk *desk)
{
	shelf_free(desk->shelf);
	store_close(desk->store);
	assert_int_equal(file_remove_tree(desk->directory), ERR_OK);
	arena_fini(&desk->arena);
}

static struct store_snapshot desk_make(struct desk *desk, uint64_t now_ns)
{
	struct store_snapshot snapshot = {0};
	assert_int_equal(shelf_make(desk->shelf, now_ns, &desk->arena, &snapshot), ERR_OK);
	return snapshot;
}

static Peer__SnapshotOffer *desk_offer(struct desk *desk, const struct store_snapshot *snapshot)
{
	Peer__SnapshotAsk ask = PEER__SNAPSHOT_ASK__INIT;
	ask.index = snapshot->index;
	ask.term = snapshot->term;
	return shelf_offer(desk->shelf, NOW, &ask, &desk->arena);
}

static Peer__Chunk *desk_read(struct desk *desk, const struct store_snapshot *snapshot, uint32_t file, uint32_t size)
{
	Peer__ChunkAsk ask = PEER__CHUNK_ASK__INIT;
	ask.index = snapshot->index;
	ask.term = snapshot->term;
	ask.file = file;
	ask.size = size;
	return shelf_read(desk->shelf, NOW, &ask, &desk->arena);
}

static void an_offer_tells_the_checksums_of_what_is_read(void **state)
{
	struct desk desk;
	desk_init(&desk);
	struct store_snapshot snapshot = desk_make(&desk, NOW);
	Peer__SnapshotOffer *offer = desk_offer(&desk, &snapshot);
	assert_int_not_equal(offer->n_files, 0);
	for (uint32_t i = 0; i < offer->n_files; i++) {
		assert_in_range(offer->files[i]->size, 0, SNAPSHOT_CHUNK_BYTES);
		Peer__Chunk *chunk = desk_read(&desk, &snapshot, i, SNAPSHOT_CHUNK_BYTES);
		assert_non_null(chunk);
		assert_int_equal(chunk->data.len, offer->files[i]->size);
		assert_int_equal(crc32c(0, proto_bytes(chunk->data)), offer->files[i]->checksum);
	}
	assert_null(desk_read(&desk, &snapshot, (uint32_t)offer->n_files, 1));
	assert_null(desk_read(&desk, &snapshot, 0, SNAPSHOT_CHUNK_BYTES + 1));
	desk_fini(&desk);
}

/* A second member is brought up while a first one is, and nothing has changed: the first one knows the files by their numbers. */
static void a_second_one_at_the_same_index_is_the_first_one(void **state)
{
	struct desk desk;
	char path[128];
	desk_init(&desk);
	struct store_snapshot first = desk_make(&desk, NOW), second = desk_make(&desk, NOW + 1);
	assert_int_equal(first.index, second.index);
	snprintf(path, sizeof path, "%s/out-1", desk.path);
	assert_int_equal(access(path, F_OK), 0);
	snprintf(path, sizeof path, "%s/out-2", desk.path);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_not_equal(desk_offer(&desk, &first)->n_files, 0);
	desk_fini(&desk);
}

static void the_one_that_was_not_asked_of_for_longest_makes_room(void **state)
{
	struct desk desk;
	struct store_snapshot snapshots[SHELF_MAX + 1];
	desk_init(&desk);
	for (size_t i = 0; i <= SHELF_MAX; i++) {
		snapshots[i] = desk_make(&desk, NOW + i);
		desk_apply(&desk);
	}
	assert_false(shelf_has(desk.shelf, snapshots[0].index, snapshots[0].term));
	assert_int_equal(desk_offer(&desk, &snapshots[0])->n_files, 0);
	for (size_t i = 1; i <= SHELF_MAX; i++)
		assert_true(shelf_has(desk.shelf, snapshots[i].index, snapshots[i].term));
	shelf_review(desk.shelf, NOW + (SNAPSHOT_KEEP_MS + 1) * CLOCK_NS_PER_MS);
	assert_false(shelf_has(desk.shelf, snapshots[1].index, snapshots[1].term));
	desk_fini(&desk);
}

static bool is_table(const char *name)
{
	size_t size = strlen(name);
	return size > 4 && strcmp(name + size - 4, ".sst") == 0;
}

/* Flips a bit of the largest table; it becomes another file, since a checkpoint shares its tables with the store. */
static void flip(struct desk *desk, const char *directory)
{
	DIR *entries = opendir(directory);
	const struct dirent *entry;
	const char *largest = NULL;
	struct bytes content = BYTES_NONE;
	assert_non_null(entries);
	while ((entry = readdir(entries)) != NULL) {
		const char *path = arena_format(&desk->arena, "%s/%s", directory, entry->d_name);
		struct bytes table = BYTES_NONE;
		if (!is_table(path))
			continue;
		assert_int_equal(file_read(path, SNAPSHOT_CHUNK_BYTES, &desk->arena, &table), ERR_OK);
		if (table.size > content.size) {
			content = table;
			largest = path;
		}
	}
	closedir(entries);
	assert_non_null(largest);
	uint8_t *flipped = arena_take(&desk->arena, content.size);
	memcpy(flipped, content.data, content.size);
	flipped[12] ^= 0x40;
	assert_int_equal(file_replace(largest, bytes_of(flipped, content.size), 0600), ERR_OK);
}

static void a_refuted_one_is_not_handed_out_any_more(void **state)
{
	struct desk desk;
	char path[128];
	desk_init(&desk);
	struct store_snapshot snapshot = desk_make(&desk, NOW);
	assert_int_equal(shelf_refuted(desk.shelf, snapshot.index, snapshot.term), ERR_OK); /* it is whole */
	assert_false(shelf_has(desk.shelf, snapshot.index, snapshot.term));
	assert_int_equal(shelf_refuted(desk.shelf, snapshot.index, snapshot.term), ERR_OK);

	/* What this disk changed after it was made says nothing of the state. */
	snapshot = desk_make(&desk, NOW);
	snprintf(path, sizeof path, "%s/out-2", desk.path);
	flip(&desk, path);
	assert_int_equal(shelf_refuted(desk.shelf, snapshot.index, snapshot.term), ERR_OK);
	assert_false(shelf_has(desk.shelf, snapshot.index, snapshot.term));
	desk_fini(&desk);
}

static void desk_put(struct desk *desk)
{
	AUTO_BUFFER struct buffer buffer;
	uint8_t value[4096];
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = (uint8_t)(i * i >> 3);
	struct kv_op op = {.kind = KV_PUT, .put = {.key = BYTES_LITERAL("/a"), .value = bytes_of(value, sizeof value)}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	buffer_init(&buffer, LIMIT_ENTRY_BYTES);
	assert_int_equal(kv_command_encode(&command, &buffer), ERR_OK);
	struct store_entry entry = {.index = ++desk->index, .term = 1, .payload = buffer_bytes(&buffer)};
	store_apply(desk->store, &entry, 1, NULL, NULL);
}

/* What was wrong when it was made is so in the state, too. */
static void a_state_that_is_damaged_is_found_out(void **state)
{
	struct desk desk;
	char path[128];
	desk_init(&desk);
	desk_put(&desk);
	store_close(desk.store); /* flushes */
	snprintf(path, sizeof path, "%s/store/db-1", desk.directory);
	flip(&desk, path);
	snprintf(path, sizeof path, "%s/store", desk.directory);
	assert_int_equal(store_open(&(struct store_options){.directory = path}, &desk.store), ERR_OK);
	shelf_free(desk.shelf);
	desk.shelf = shelf_new(desk.store, desk.path);
	struct store_snapshot snapshot = desk_make(&desk, NOW);
	assert_int_equal(shelf_refuted(desk.shelf, snapshot.index, snapshot.term), ERR_CORRUPT);
	desk_fini(&desk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_offer_tells_the_checksums_of_what_is_read),
	    cmocka_unit_test(a_second_one_at_the_same_index_is_the_first_one),
	    cmocka_unit_test(the_one_that_was_not_asked_of_for_longest_makes_room),
	    cmocka_unit_test(a_refuted_one_is_not_handed_out_any_more),
	    cmocka_unit_test(a_state_that_is_damaged_is_found_out),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Views while entries are applied: many threads read, and none ever sees half of a revision. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/buffer.h"
#include "tests/unit/store/fixture.h"

enum { WRITES = 1500, READERS = 2, BATCH = 8, PAYLOAD_MAX = 4096 };

struct reading {
	struct kv *kv;
	_Atomic bool done;
	_Atomic uint64_t views, torn;
};

/* Every revision n puts the same to /a/x and /b/x, and n is in the value; each entry makes one revision. */
static bool view_is_whole(struct kv_view *view, struct arena *arena)
{
	struct kv_record a, b;
	struct kv_directory directory;
	struct kv_change change;
	int64_t revision = kv_view_revision(view);
	if (revision == 1)
		return true;
	return kv_get(view, B("/a/x"), arena, &a) == ERR_OK && kv_get(view, B("/b/x"), arena, &b) == ERR_OK &&
	       a.mod_revision == revision && b.mod_revision == revision && bytes_equal(a.value, b.value) &&
	       kv_view_index(view) == (uint64_t)revision - 1 && kv_directory(view, B("/a/"), &directory) == ERR_OK &&
	       directory.children == 1 && kv_change_until(view, revision, arena, &change) == ERR_OK &&
	       change.revision == revision && change.event_count == 2 &&
	       bytes_equal(change.events[0].record.value, a.value) &&
	       kv_get_at(view, B("/a/x"), revision, arena, &a) == ERR_OK;
}

static void *read_views(void *argument)
{
	struct reading *reading = argument;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	while (!atomic_load(&reading->done)) {
		struct kv_view *view = kv_view_open(reading->kv);
		if (!view_is_whole(view, &arena))
			atomic_fetch_add(&reading->torn, 1);
		kv_view_close(view);
		atomic_fetch_add(&reading->views, 1);
		arena_reset(&arena);
	}
	return NULL;
}

static void apply_batch(struct fixture *f, uint64_t first)
{
	struct store_entry entries[BATCH];
	struct buffer buffers[BATCH];
	for (uint64_t i = 0; i < BATCH; i++) {
		struct bytes value = bytes_of_string(arena_format(&f->arena, "%llu", (unsigned long long)(first + i)));
		struct kv_op ops[] = {PUT(.key = B("/a/x"), .value = value), PUT(.key = B("/b/x"), .value = value)};
		struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = ops, .success_count = 2}};
		buffer_init(&buffers[i], PAYLOAD_MAX);
		assert_int_equal(kv_command_encode(&command, &buffers[i]), ERR_OK);
		entries[i] = (struct store_entry){.index = first + i, .term = 1, .payload = buffer_bytes(&buffers[i])};
	}
	store_apply(f->store, entries, BATCH, NULL, NULL);
	for (size_t i = 0; i < BATCH; i++)
		buffer_fini(&buffers[i]);
	arena_reset(&f->arena);
}

static void no_view_is_torn_by_what_is_applied_meanwhile(void **state)
{
	(void)state;
	struct fixture fixture;
	fixture_open(&fixture);
	struct reading reading = {.kv = fixture.kv};
	pthread_t readers[READERS];
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_views, &reading), 0);
	for (uint64_t index = 1; index < WRITES; index += BATCH) {
		apply_batch(&fixture, index);
		if (index % 400 == 1)
			store_flush(fixture.store);
	}
	while (atomic_load(&reading.views) == 0)
		;
	atomic_store(&reading.done, true);
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_join(readers[i], NULL), 0);
	assert_int_equal(atomic_load(&reading.torn), 0);
	fixture_close(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_view_is_torn_by_what_is_applied_meanwhile)};
	return UNIT_RUN(tests);
}

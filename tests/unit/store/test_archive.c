/* SPDX-License-Identifier: Apache-2.0 */
/* The state as one run of bytes: read again, it is the rows of the view. */
#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "store/core.h"
#include "tests/unit/store/fixture.h"

static int setup(void **state)
{
	static struct fixture fixture;
	fixture_open(&fixture);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static void archive_whole(struct kv_archive *archive, size_t bytes, struct buffer *buffer)
{
	bool done = false;
	while (!done)
		assert_int_equal(kv_archive_step(archive, bytes, buffer, &done), ERR_OK);
	kv_archive_free(archive);
}

/* The rows that a family has in the archive are those of the view; the cursor then stands behind them. */
static void family_is_read(struct cursor *cursor, struct kv_view *view, enum family family, uint64_t *rows)
{
	struct walk walk;
	assert_int_equal(cursor_u8(cursor), 2);
	assert_bytes(cursor_sized(cursor), family_name(family));
	walk_open(&walk, view->database, view->snapshot, family, BYTES_NONE);
	for (walk_seek(&walk, BYTES_NONE); walk_at_row(&walk); walk_next(&walk), ++*rows) {
		assert_int_equal(cursor_u8(cursor), 1);
		assert_true(bytes_equal(cursor_sized(cursor), walk_key(&walk)));
		assert_true(bytes_equal(cursor_sized(cursor), walk_value(&walk)));
	}
	assert_int_equal(walk_err(&walk), ERR_OK);
	walk_close(&walk);
}

static void it_holds_every_row_of_the_view(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "2"), ERR_OK);
	assert_int_equal(fixture_put(f, "/dir/b", "3"), ERR_OK);
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_archive *archive = kv_archive_new(kv_view_open(f->kv));
	assert_int_equal(fixture_put(f, "/later", "4"), ERR_OK);
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1 << 20);
	archive_whole(archive, SIZE_MAX, &buffer);
	assert_int_equal(buffer.size % KV_ARCHIVE_BLOCK_BYTES, 0);

	struct cursor cursor = cursor_over(buffer_bytes(&buffer));
	assert_memory_equal(cursor_bytes(&cursor, 16).data, "etcfs-archive\n\0\0", 16);
	assert_int_equal(cursor_u32(&cursor), 1);
	assert_int_equal(cursor_u32(&cursor), ROW_FORMAT);
	assert_int_equal(cursor_u64(&cursor), f->index - 1);
	assert_int_equal(cursor_u64(&cursor), f->term);
	assert_int_equal(cursor_u64(&cursor), 4);
	assert_int_equal(cursor_u64(&cursor), UINT64_MAX); /* never compacted */
	uint64_t rows = 0;
	for (int family = 0; family < FAMILY_COUNT; family++)
		family_is_read(&cursor, view, (enum family)family, &rows);
	assert_int_equal(cursor_u8(&cursor), 3);
	assert_int_equal(cursor_u64(&cursor), rows);
	size_t before = buffer.size - cursor.rest.size;
	assert_int_equal(cursor_u32(&cursor), crc32c(0, bytes_of(buffer.data, before)));
	assert_true(cursor.rest.size < KV_ARCHIVE_BLOCK_BYTES);
	kv_view_close(view);
}

static void the_size_of_steps_does_not_matter(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(fixture_put(f, "/a", "some value"), ERR_OK);
	AUTO_BUFFER struct buffer whole, pieces;
	buffer_init(&whole, 1 << 20);
	buffer_init(&pieces, 1 << 20);
	archive_whole(kv_archive_new(kv_view_open(f->kv)), SIZE_MAX, &whole);
	archive_whole(kv_archive_new(kv_view_open(f->kv)), 100, &pieces);
	assert_int_equal(whole.size, pieces.size);
	assert_memory_equal(whole.data, pieces.data, whole.size);
}

static void a_row_waits_for_a_buffer_that_holds_it(void **state)
{
	struct fixture *f = *state;
	char value[3000];
	memset(value, 'x', sizeof value);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .value = bytes_of(value, sizeof value))), ERR_OK);
	struct kv_archive *archive = kv_archive_new(kv_view_open(f->kv));
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 2500);
	bool done = false;
	enum err err = ERR_OK;
	for (; err == ERR_OK && !done; buffer_clear(&buffer))
		err = kv_archive_step(archive, 2000, &buffer, &done);
	assert_int_equal(err, ERR_TOO_LARGE);
	kv_archive_free(archive);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(it_holds_every_row_of_the_view),
	    TEST(the_size_of_steps_does_not_matter),
	    TEST(a_row_waits_for_a_buffer_that_holds_it),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "fs/history.h"

static struct history_place place(int64_t revision, const char *key)
{
	return (struct history_place){.revision = revision, .time_ns = revision * 10, .key = bytes_of_string(key)};
}

static void a_place_keeps_its_id_until_it_is_forgotten_as_often_as_looked_up(void **state)
{
	struct arena arena;
	arena_init(&arena);
	struct history_table *table = history_table_new();
	struct history_place five = place(5, "/a"), six = place(6, "/a"), found;
	uint64_t id = history_look_up(table, &five);
	assert_true(history_is(id));
	assert_false(history_is(1));
	assert_false(history_is(UINT64_C(1) << 62)); /* a phantom of the replay */
	assert_false(history_is(UINT64_C(1) << 63 | UINT64_C(1) << 62));
	assert_true(history_look_up(table, &five) == id);
	assert_true(history_look_up(table, &six) != id);
	int64_t time_ns = 0;
	assert_true(history_knows_time(table, 6, six.key, &time_ns));
	assert_int_equal(time_ns, 60);
	assert_false(history_knows_time(table, 7, six.key, &time_ns));
	history_forget(table, id, 1);
	assert_true(history_find(table, id, &arena, &found));
	assert_int_equal(found.revision, 5);
	assert_int_equal(found.time_ns, 50);
	assert_true(bytes_equal(found.key, BYTES_LITERAL("/a")));
	history_forget(table, id, 1);
	assert_false(history_find(table, id, &arena, &found));
	assert_int_equal(history_count(table), 1);
	history_table_free(table);
	arena_fini(&arena);
}

static void many_places_are_told_apart(void **state)
{
	enum { MANY = 5000 };
	struct arena arena;
	arena_init(&arena);
	struct history_table *table = history_table_new();
	uint64_t ids[MANY];
	for (int i = 0; i < MANY; i++) {
		struct history_place each = place(i % 7 + 1, arena_format(&arena, "/d/%d", i / 7));
		ids[i] = history_look_up(table, &each);
	}
	assert_int_equal(history_count(table), MANY);
	for (int i = 0; i < MANY; i++) {
		struct history_place found;
		assert_true(history_find(table, ids[i], &arena, &found));
		assert_int_equal(found.revision, i % 7 + 1);
		assert_true(bytes_equal(found.key, bytes_of_string(arena_format(&arena, "/d/%d", i / 7))));
	}
	for (int i = 0; i < MANY; i++)
		history_forget(table, ids[i], 1);
	assert_int_equal(history_count(table), 0);
	history_table_free(table);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_place_keeps_its_id_until_it_is_forgotten_as_often_as_looked_up),
	    cmocka_unit_test(many_places_are_told_apart),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/entry.h"

#include "tests/unit/unit.h"

static void window_fill(struct window *window, uint64_t count, size_t size_bytes)
{
	static const uint8_t payload[1 << 20];
	for (uint64_t i = 0; i < count; i++)
		window_append(window, (struct entry){.index = window->next,
		                                     .term = 1,
		                                     .kind = RAFT_ENTRY_COMMAND,
		                                     .blob = blob_new(bytes_of(payload, size_bytes))});
}

static void entries_are_found_until_they_are_truncated(void **state)
{
	struct window window;
	window_init(&window, 5);
	window_fill(&window, 100, 10);
	assert_null(window_find(&window, 4));
	assert_int_equal(window_find(&window, 5)->index, 5);
	assert_int_equal(window_find(&window, 104)->index, 104);
	assert_null(window_find(&window, 105));
	window_truncate(&window, 50);
	assert_null(window_find(&window, 50));
	assert_int_equal(window_find(&window, 49)->index, 49);
	window_fill(&window, 1, 20);
	assert_int_equal(entry_payload(window_find(&window, 50)).size, 20);
	window_truncate(&window, 3); /* below the window: nothing of it stays */
	assert_null(window_find(&window, 5));
	window_fill(&window, 1, 10);
	assert_int_equal(window_find(&window, 3)->index, 3);
	window_fini(&window);
}

static void what_is_not_durable_is_never_let_go(void **state)
{
	struct window window;
	window_init(&window, 1);
	window_fill(&window, 64, 1 << 20);
	window_shrink(&window, 10);
	assert_null(window_find(&window, 10));
	assert_non_null(window_find(&window, 11));
	window_shrink(&window, 64);
	assert_true(window.size_bytes <= WINDOW_BYTES_MAX);
	assert_non_null(window_find(&window, 64));
	window_fini(&window);
}

static void the_number_of_durable_entries_is_bounded(void **state)
{
	struct window window;
	window_init(&window, 1);
	window_fill(&window, WINDOW_ENTRIES_MAX + 10, 0);
	window_shrink(&window, WINDOW_ENTRIES_MAX + 10);
	assert_int_equal(window.next - window.first, WINDOW_ENTRIES_MAX);
	window_fini(&window);
}

static void a_blob_lives_as_long_as_somebody_holds_it(void **state)
{
	struct window window;
	window_init(&window, 1);
	window_fill(&window, 1, 10);
	struct blob *blob = blob_ref(window_find(&window, 1)->blob);
	window_fini(&window);
	assert_int_equal(blob_bytes(blob).size, 10);
	blob_unref(blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(entries_are_found_until_they_are_truncated),
	    cmocka_unit_test(what_is_not_durable_is_never_let_go),
	    cmocka_unit_test(the_number_of_durable_entries_is_bounded),
	    cmocka_unit_test(a_blob_lives_as_long_as_somebody_holds_it),
	};
	return UNIT_RUN(tests);
}

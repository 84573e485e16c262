/* SPDX-License-Identifier: Apache-2.0 */
/* What compaction leaves in the database once it is cleaned up. */
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

static size_t count_rows(struct fixture *f, enum family family)
{
	struct kv_view *view = kv_view_open(f->kv);
	struct walk walk;
	size_t count = 0;
	walk_open(&walk, view->database, NULL, family, BYTES_NONE);
	for (walk_seek(&walk, B("")); walk_at_row(&walk); walk_next(&walk))
		count++;
	assert_int_equal(walk_err(&walk), ERR_OK);
	walk_close(&walk);
	kv_view_close(view);
	return count;
}

/* Until there is nothing more to do, whether by the keeper or by this thread. */
static void sweep(struct fixture *f)
{
	struct kv_view *view = kv_view_open(f->kv);
	while (sweep_step(view) == SWEEP_MORE)
		;
	kv_view_close(view);
}

static void what_nobody_may_read_any_more_goes(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK); /* revisions 2 … 11 */
	assert_int_equal(fixture_put(f, "/gone", "x"), ERR_OK);      /* 12 */
	assert_int_equal(fixture_delete(f, "/gone"), ERR_OK);        /* 13 */
	assert_int_equal(fixture_put(f, "/b", "x"), ERR_OK);         /* 14 */
	assert_int_equal(count_rows(f, FAMILY_PAST), 9 + 2);
	assert_int_equal(count_rows(f, FAMILY_CHANGES), 13);
	assert_int_equal(fixture_compact(f, 5), ERR_OK);
	sweep(f);
	assert_int_equal(count_rows(f, FAMILY_PAST), 9 + 2 - 3); /* 2, 3 and 4 are replaced at 5 */
	assert_int_equal(count_rows(f, FAMILY_CHANGES), 10);
	assert_string_equal(fixture_range(f, "/", "0", 5), "/a=x");
	assert_int_equal(fixture_compact(f, 13), ERR_OK);
	sweep(f);
	assert_int_equal(count_rows(f, FAMILY_PAST), 1); /* the deletion at 13 itself */
	assert_int_equal(count_rows(f, FAMILY_CHANGES), 2);
	assert_int_equal(fixture_compact(f, 14), ERR_OK);
	sweep(f);
	assert_int_equal(count_rows(f, FAMILY_PAST), 0);
	assert_int_equal(count_rows(f, FAMILY_CHANGES), 1);
	assert_string_equal(fixture_range(f, "/", "0", 14), "/a=x /b=x");
}

static void the_watch_of_the_compacted_revision_still_sees_its_deletion(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	assert_int_equal(fixture_compact(f, 3), ERR_OK);
	sweep(f);
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_change change;
	assert_int_equal(kv_change_from(view, 3, &f->arena, &change), ERR_OK);
	assert_int_equal(change.events[0].type, KV_EVENT_DELETE);
	kv_view_close(view);
}

static void many_changes_are_swept_in_steps_and_a_stop_loses_none(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 2500; i++)
		assert_int_equal(fixture_put(f, i % 2 != 0 ? "/a" : "/b", "x"), ERR_OK);
	assert_int_equal(fixture_compact(f, 2501), ERR_OK);
	fixture_reopen(f);
	sweep(f);
	assert_int_equal(count_rows(f, FAMILY_PAST), 0);
	assert_int_equal(count_rows(f, FAMILY_CHANGES), 1);
	assert_string_equal(fixture_range(f, "/", "0", 0), "/a=x /b=x");
	assert_int_equal(fixture_get(f, "/a").version, 1250);
}

static void what_is_gone_is_told(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(kv_swept(f->kv), -1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
	assert_int_equal(fixture_compact(f, 8), ERR_OK);
	while (kv_swept(f->kv) < 8)
		;
	assert_int_equal(kv_swept(f->kv), 8);
	assert_int_equal(count_rows(f, FAMILY_PAST), 9 - 6); /* those that were replaced at 3 … 8 */
	fixture_reopen(f);
	while (kv_swept(f->kv) < 8)
		;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_nobody_may_read_any_more_goes),
	    TEST(the_watch_of_the_compacted_revision_still_sees_its_deletion),
	    TEST(many_changes_are_swept_in_steps_and_a_stop_loses_none),
	    TEST(what_is_gone_is_told),
	};
	return UNIT_RUN(tests);
}

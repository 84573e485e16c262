/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/compactor.h"

#include "base/clock.h"
#include "tests/unit/store/fixture.h"

enum { HOUR_MS = 3600 * 1000, MINUTE_MS = 60 * 1000 };
#define START_NS (INT64_C(1000) * 24 * HOUR_MS * (int64_t)CLOCK_NS_PER_MS)

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

static int64_t wall_ns(uint64_t after_ms)
{
	return START_NS + (int64_t)(after_ms * CLOCK_NS_PER_MS);
}

/* Another revision, made so long after the start. */
static void put_at(struct fixture *f, uint64_t after_ms)
{
	f->time_ns = wall_ns(after_ms) - 1; /* the fixture adds one */
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
}

static int64_t target(struct fixture *f, struct compactor *compactor, uint64_t after_ms)
{
	struct kv_view *view = kv_view_open(f->kv);
	int64_t revision = compactor_target(compactor, view, (1 + after_ms) * CLOCK_NS_PER_MS, wall_ns(after_ms));
	kv_view_close(view);
	return revision;
}

static void what_is_older_than_the_retention_goes(void **state)
{
	struct fixture *f = *state;
	struct compactor compactor = {.kind = REPLICA_COMPACT_BY_TIME, .retention = 10 * MINUTE_MS};
	put_at(f, 0);             /* 2 */
	put_at(f, 0);             /* 3 */
	put_at(f, 4 * MINUTE_MS); /* 4 */
	put_at(f, 5 * MINUTE_MS); /* 5 */
	assert_int_equal(target(f, &compactor, 9 * MINUTE_MS), 0);
	assert_int_equal(target(f, &compactor, 10 * MINUTE_MS), 3); /* what was there ten minutes ago can be read */
	assert_int_equal(target(f, &compactor, 14 * MINUTE_MS - 1), 3);
	assert_int_equal(fixture_compact(f, 3), ERR_OK);
	assert_int_equal(target(f, &compactor, 14 * MINUTE_MS - 1), 0); /* looked at just now */
	compactor.looked_ns = 0;
	assert_int_equal(target(f, &compactor, 14 * MINUTE_MS - 1), 0); /* it is done */
	assert_int_equal(target(f, &compactor, 16 * MINUTE_MS), 5);
	fixture_reopen(f); /* times are in the state */
	compactor.looked_ns = 0;
	assert_int_equal(target(f, &compactor, 16 * MINUTE_MS), 5);
}

static void it_is_looked_at_in_steps(void **state)
{
	struct fixture *f = *state;
	struct compactor compactor = {.kind = REPLICA_COMPACT_BY_TIME, .retention = 24 * (uint64_t)HOUR_MS};
	put_at(f, 0);
	put_at(f, 0);
	assert_int_equal(target(f, &compactor, 24 * HOUR_MS - 1), 0);
	assert_int_equal(target(f, &compactor, 24 * HOUR_MS), 0);
	assert_int_equal(target(f, &compactor, 24 * HOUR_MS + 6 * MINUTE_MS), 3);
	compactor.retention = 1000;
	assert_int_equal(target(f, &compactor, 24 * HOUR_MS + 6 * MINUTE_MS + 99), 0);
	assert_int_equal(target(f, &compactor, 24 * HOUR_MS + 6 * MINUTE_MS + 100), 3);
}

static void so_many_revisions_are_kept(void **state)
{
	struct fixture *f = *state;
	struct compactor compactor = {.kind = REPLICA_COMPACT_BY_REVISIONS, .retention = 3};
	for (int i = 0; i < 3; i++)
		put_at(f, 0); /* 2, 3, 4 */
	assert_int_equal(target(f, &compactor, 0), 0);
	for (int i = 0; i < 6; i++)
		put_at(f, 0);
	assert_int_equal(target(f, &compactor, 5 * MINUTE_MS - 1), 0);
	assert_int_equal(target(f, &compactor, 5 * MINUTE_MS), 7);
	assert_int_equal(fixture_compact(f, 7), ERR_OK);
	assert_int_equal(target(f, &compactor, 10 * MINUTE_MS), 0);
}

static void never_is_never(void **state)
{
	struct fixture *f = *state;
	struct compactor compactor = {.kind = REPLICA_COMPACT_NEVER};
	put_at(f, 0);
	put_at(f, 0);
	assert_int_equal(target(f, &compactor, 24 * HOUR_MS), 0);
	compactor.kind = REPLICA_COMPACT_BY_TIME;
	assert_int_equal(target(f, &compactor, 24 * HOUR_MS), 0);
}

static void history_that_fills_the_disk_loses_its_older_half(void **state)
{
	struct fixture *f = *state;
	struct compactor compactor = {.kind = REPLICA_COMPACT_BY_TIME, .retention = 10 * MINUTE_MS, .quota_bytes = 1};
	for (int i = 0; i < 9; i++)
		put_at(f, 0); /* 2 … 10 */
	uint64_t applied = store_applied(f->store);
	store_flush(f->store);
	while (store_flushed(f->store) < applied)
		;
	assert_int_equal(target(f, &compactor, MINUTE_MS), 5);
	assert_int_equal(fixture_compact(f, 5), ERR_OK);
	assert_int_equal(target(f, &compactor, 2 * MINUTE_MS - 1), 0); /* not in a hurry */
	compactor.retention = 24 * HOUR_MS;                            /* however seldom the age is looked at */
	compactor.looked_ns = 2 * MINUTE_MS * CLOCK_NS_PER_MS;
	assert_int_equal(target(f, &compactor, 3 * MINUTE_MS), 7);
	compactor.quota_bytes = 1 << 30;
	assert_int_equal(target(f, &compactor, 6 * MINUTE_MS), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(what_is_older_than_the_retention_goes),
	    TEST(it_is_looked_at_in_steps),
	    TEST(so_many_revisions_are_kept),
	    TEST(never_is_never),
	    TEST(history_that_fills_the_disk_loses_its_older_half),
	};
	return UNIT_RUN(tests);
}

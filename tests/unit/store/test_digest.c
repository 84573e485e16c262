/* SPDX-License-Identifier: Apache-2.0 */
/* The checksum by which members compare what their readers may see. */
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

static uint32_t digest_by(struct fixture *f, int64_t revision, size_t bytes)
{
	struct kv_digest *digest;
	bool done = false;
	assert_int_equal(kv_digest_new(kv_view_open(f->kv), revision, &digest), ERR_OK);
	while (!done)
		assert_int_equal(kv_digest_step(digest, bytes, &done), ERR_OK);
	uint32_t value = kv_digest_value(digest);
	kv_digest_free(digest);
	return value;
}

static uint32_t digest(struct fixture *f, int64_t revision)
{
	return digest_by(f, revision, SIZE_MAX);
}

static enum err refusal(struct fixture *f, int64_t revision)
{
	struct kv_digest *digest;
	struct kv_view *view = kv_view_open(f->kv);
	enum err err = kv_digest_new(view, revision, &digest);
	if (err == ERR_OK)
		kv_digest_free(digest);
	else
		kv_view_close(view);
	return err;
}

/* Keys that live, were put again, were deleted, and came back: revisions 2 to 10. */
static void write_history(struct fixture *f)
{
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/b", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "2"), ERR_OK);
	assert_int_equal(fixture_delete(f, "/b"), ERR_OK); /* 5 */
	assert_int_equal(fixture_put(f, "/c", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "3"), ERR_OK);
	assert_int_equal(fixture_delete(f, "/c"), ERR_OK); /* 8 */
	assert_int_equal(fixture_put(f, "/b", "2"), ERR_OK);
	assert_int_equal(fixture_put(f, "/d", "1"), ERR_OK); /* 10 */
	assert_int_equal(fixture_revision(f), 10);
}

static void what_came_later_does_not_matter(void **state)
{
	struct fixture *f = *state;
	uint32_t then[11];
	write_history(f);
	for (int revision = 2; revision <= 10; revision++)
		then[revision] = digest(f, revision);
	assert_int_equal(fixture_put(f, "/a", "4"), ERR_OK);
	assert_int_equal(fixture_delete(f, "/b"), ERR_OK);
	assert_int_equal(fixture_put(f, "/aa", "1"), ERR_OK);
	for (int revision = 2; revision <= 10; revision++)
		assert_int_equal(digest(f, revision), then[revision]);
}

static void each_revision_has_its_own(void **state)
{
	struct fixture *f = *state;
	write_history(f);
	for (int one = 2; one <= 10; one++)
		for (int other = 2; other < one; other++)
			assert_int_not_equal(digest(f, one), digest(f, other));
}

static void what_is_cleaned_up_does_not_matter(void **state)
{
	struct fixture *f = *state;
	write_history(f);
	for (int compacted = 2; compacted <= 10; compacted++) {
		assert_int_equal(fixture_compact(f, compacted), ERR_OK);
		uint32_t before = digest(f, compacted), newest = digest(f, 10);
		struct kv_view *view = kv_view_open(f->kv);
		while (sweep_step(view) == SWEEP_MORE)
			;
		kv_view_close(view);
		assert_int_equal(fixture_put(f, "/z", "1"), ERR_OK); /* so that there is a view of what is left */
		assert_int_equal(digest(f, compacted), before);
		assert_int_equal(digest(f, 10), newest);
	}
}

static void compaction_itself_is_seen(void **state)
{
	struct fixture *f = *state;
	write_history(f);
	uint32_t before = digest(f, 10);
	assert_int_equal(fixture_compact(f, 9), ERR_OK);
	assert_int_not_equal(digest(f, 10), before);
}

static void the_size_of_steps_does_not_matter(void **state)
{
	struct fixture *f = *state;
	write_history(f);
	assert_int_equal(digest_by(f, 7, 1), digest(f, 7));
	assert_int_equal(digest_by(f, 7, 100), digest(f, 7));
}

static void a_revision_that_nobody_may_read_is_refused(void **state)
{
	struct fixture *f = *state;
	write_history(f);
	assert_int_equal(fixture_compact(f, 5), ERR_OK);
	assert_int_equal(refusal(f, 4), ERR_COMPACTED);
	assert_int_equal(refusal(f, 5), ERR_OK);
	assert_int_equal(refusal(f, 10), ERR_OK);
	assert_int_equal(refusal(f, 11), ERR_FUTURE);
}

static void a_value_and_an_attr_are_told_apart(void **state)
{
	struct fixture *f = *state, other;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/k"), .value = B("ab"), .attr = B("c"))), ERR_OK);
	fixture_open(&other);
	assert_int_equal(FIXTURE_OPS(&other, PUT(.key = B("/k"), .value = B("a"), .attr = B("bc"))), ERR_OK);
	assert_int_not_equal(digest(f, 2), digest(&other, 2));
	fixture_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_came_later_does_not_matter),    TEST(each_revision_has_its_own),
	    TEST(what_is_cleaned_up_does_not_matter), TEST(compaction_itself_is_seen),
	    TEST(the_size_of_steps_does_not_matter),  TEST(a_revision_that_nobody_may_read_is_refused),
	    TEST(a_value_and_an_attr_are_told_apart),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/fixture.h"

#include <string.h>

static int setup(void **state)
{
	static struct fixture fixture;
	fixture_open(&fixture);
	*state = &fixture;
	const char *const keys[] = {"/c", "/a", "/b", "/d", "/e"};
	const char *const values[] = {"5", "4", "3", "2", "1"};
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(fixture_put(&fixture, keys[i], values[i]), ERR_OK);
	assert_int_equal(fixture_put(&fixture, "/a", "9"), ERR_OK); /* revision 7, version 2 */
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

#define ALL                                                                                                            \
	{                                                                                                              \
		B("/"), B("0")                                                                                         \
	}

/* The keys as letters, in their order, then "+" when there are more, then the count. */
static const char *keys_of(struct fixture *f, const struct kv_range_request *request)
{
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_response response = {0};
	assert_int_equal(kv_range(view, request, &f->arena, &response), ERR_OK);
	kv_view_close(view);
	const char *text = "";
	for (size_t i = 0; i < response.record_count; i++)
		text = arena_format(&f->arena, "%s%.*s", text, (int)response.records[i].key.size - 1,
		                    (const char *)response.records[i].key.data + 1);
	return arena_format(&f->arena, "%s%s%d", text, response.more ? "+" : " ", (int)response.count);
}
#define KEYS(f, ...) keys_of(f, &(struct kv_range_request){__VA_ARGS__})

static void a_range_is_ascending_and_counts_all_whatever_the_limit(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(KEYS(f, .range = ALL), "abcde 5");
	assert_string_equal(KEYS(f, .range = ALL, .limit = 2), "ab+5");
	assert_string_equal(KEYS(f, .range = ALL, .limit = 5), "abcde 5");
	assert_string_equal(KEYS(f, .range = ALL, .count_only = true), " 5");
	assert_string_equal(KEYS(f, .range = {B("/b"), B("/d")}), "bc 2");
	assert_string_equal(KEYS(f, .range = {B("/d"), B("/b")}), " 0");
	assert_string_equal(KEYS(f, .range = {B("/d"), B("\0")}), "de 2");
	assert_string_equal(KEYS(f, .range = {.start = B("/b")}), "b 1");
	assert_string_equal(KEYS(f, .range = {.start = B("/")}), " 0");
	assert_string_equal(KEYS(f, .range = {.start = B("/b")}, .limit = 1), "b 1");
}

/* Piece by piece, each in an arena of its own; "|" between them. */
static const char *pieces_of(struct fixture *f, const struct kv_range_request *request, size_t bytes)
{
	struct kv_reading *reading = NULL;
	assert_int_equal(kv_reading_new(kv_view_open(f->kv), request, &reading), ERR_OK);
	assert_int_equal(fixture_compact(f, fixture_revision(f)), ERR_OK); /* it does not mind */
	const char *text = "";
	for (bool done = false; !done;) {
		AUTO_ARENA struct arena arena;
		arena_init(&arena);
		struct kv_response response = {0};
		assert_int_equal(kv_reading_step(reading, bytes, &arena, &response, &done), ERR_OK);
		for (size_t i = 0; i < response.record_count; i++)
			text = arena_format(&f->arena, "%s%.*s", text, (int)response.records[i].key.size - 1,
			                    (const char *)response.records[i].key.data + 1);
		text = done ? arena_format(&f->arena, "%s%s%d", text, response.more ? "+" : " ", (int)response.count)
		            : arena_format(&f->arena, "%s|", text);
	}
	kv_reading_free(reading);
	return text;
}

static void a_range_can_be_read_in_pieces(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(pieces_of(f, &(struct kv_range_request){.range = ALL}, 1), "a|b|c|d|e| 5");
	assert_int_equal(fixture_put(f, "/c", "6"), ERR_OK); /* 8 */
	assert_string_equal(pieces_of(f, &(struct kv_range_request){.range = ALL, .limit = 2}, 1), "a|b||||+5");
	assert_int_equal(fixture_put(f, "/f", "6"), ERR_OK); /* 9 */
	assert_string_equal(pieces_of(f, &(struct kv_range_request){.range = ALL, .revision = 8}, 100), "ab|cd|e 5");
	assert_int_equal(fixture_put(f, "/f", "6"), ERR_OK);
	assert_string_equal(pieces_of(f, &(struct kv_range_request){.range = ALL, .count_only = true}, 1), "|||||| 6");
	assert_int_equal(fixture_put(f, "/f", "6"), ERR_OK);
	assert_string_equal(
	    pieces_of(f, &(struct kv_range_request){.range = ALL, .min_mod_revision = 7, .limit = 1}, SIZE_MAX), "a+6");
	assert_int_equal(fixture_put(f, "/f", "6"), ERR_OK);
	assert_string_equal(pieces_of(f, &(struct kv_range_request){.range = {.start = B("/f")}}, SIZE_MAX), "f 1");
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_reading *reading = NULL;
	assert_int_equal(kv_reading_new(view, &(struct kv_range_request){.range = ALL, .revision = 2}, &reading),
	                 ERR_COMPACTED);
	kv_view_close(view);
}

static void what_is_only_counted_is_read_all_the_same(void **state)
{
	struct fixture *f = *state;
	char large[1001];
	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	for (int at = 0; at < 3; at++)
		assert_int_equal(fixture_put(f, at == 0 ? "/x" : at == 1 ? "/y" : "/z", large), ERR_OK);
	assert_string_equal(pieces_of(f, &(struct kv_range_request){.range = ALL, .count_only = true}, 500), "||| 8");
	assert_int_equal(fixture_put(f, "/a", "6"), ERR_OK);
	assert_string_equal(pieces_of(f, &(struct kv_range_request){.range = ALL, .limit = 1}, 500), "a|||+8");
}

static void what_is_known_is_not_counted_again(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(KEYS(f, .range = ALL, .limit = 2, .known_count = 7), "ab+7"); /* whoever says so knows */
	assert_string_equal(KEYS(f, .range = ALL, .limit = 7, .known_count = 7), "abcde 5");
	assert_string_equal(KEYS(f, .range = ALL, .limit = 5, .known_count = 5), "abcde 5");
	assert_string_equal(pieces_of(f, &(struct kv_range_request){.range = ALL, .limit = 2, .known_count = 5}, 1),
	                    "a|b|+5");
}

static void a_sort_comes_before_the_limit(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(KEYS(f, .range = ALL, .order = KV_DESCEND), "edcba 5");
	assert_string_equal(KEYS(f, .range = ALL, .order = KV_DESCEND, .limit = 1), "e+5");
	assert_string_equal(KEYS(f, .range = ALL, .order = KV_ASCEND, .sort = KV_SORT_VALUE, .limit = 2), "ed+5");
	assert_string_equal(KEYS(f, .range = ALL, .sort = KV_SORT_VALUE, .limit = 2), "ed+5");
	assert_string_equal(KEYS(f, .range = ALL, .order = KV_DESCEND, .sort = KV_SORT_VERSION, .limit = 1), "a+5");
	assert_string_equal(KEYS(f, .range = ALL, .order = KV_ASCEND, .sort = KV_SORT_CREATE), "cabde 5");
	assert_string_equal(KEYS(f, .range = ALL, .order = KV_DESCEND, .sort = KV_SORT_MOD), "aedbc 5");
}

static void filters_cut_what_comes_and_not_the_count(void **state)
{
	struct fixture *f = *state;
	assert_string_equal(KEYS(f, .range = ALL, .min_mod_revision = 5), "ade 5");
	assert_string_equal(KEYS(f, .range = ALL, .max_mod_revision = 4), "bc 5");
	assert_string_equal(KEYS(f, .range = ALL, .min_create_revision = 3, .max_create_revision = 4), "ab 5");
	assert_string_equal(KEYS(f, .range = ALL, .min_mod_revision = 5, .limit = 1), "a+5");
	assert_string_equal(KEYS(f, .range = ALL, .min_mod_revision = 7, .limit = 1), "a 5");
}

static void a_range_at_a_revision_is_as_it_was(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_delete(f, "/b"), ERR_OK);
	assert_int_equal(fixture_put(f, "/aa", "new"), ERR_OK);
	assert_string_equal(KEYS(f, .range = ALL, .revision = 1), " 0");
	assert_string_equal(KEYS(f, .range = ALL, .revision = 3), "ac 2");
	assert_string_equal(KEYS(f, .range = ALL, .revision = 7), "abcde 5");
	assert_string_equal(KEYS(f, .range = ALL, .revision = 8), "acde 4");
	assert_string_equal(KEYS(f, .range = ALL, .revision = -5), "aaacde 5");
	assert_string_equal(fixture_range(f, "/a", "/b", 6), "/a=4");
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_response response;
	struct kv_range_request future = {.range = ALL, .revision = 10};
	assert_int_equal(kv_range(view, &future, &f->arena, &response), ERR_FUTURE);
	future.range = (struct kv_range){.start = B("/a")};
	assert_int_equal(kv_range(view, &future, &f->arena, &response), ERR_FUTURE);
	future.range = (struct kv_range){.start = B("")};
	assert_int_equal(kv_range(view, &future, &f->arena, &response), ERR_INVALID);
	kv_view_close(view);
}

static void keys_only_leaves_the_value_out_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_range_request request = {.range = ALL, .keys_only = true, .sort = KV_SORT_VALUE};
	struct kv_response response;
	assert_int_equal(kv_range(view, &request, &f->arena, &response), ERR_OK);
	kv_view_close(view);
	assert_bytes(response.records[0].key, "/e");
	assert_int_equal(response.records[0].value.size, 0);
	assert_int_equal(response.records[4].version, 2);
}

static void keys_with_zeros_and_ends_of_bytes_sort_as_bytes(void **state)
{
	struct fixture *f = *state;
	const struct bytes keys[] = {B("z"),   B("z\0"),   B("z\0\0"),     B("z\0\xff"),
	                             B("z\1"), B("z\xff"), B("z\xff\xff"), B("{")};
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < 8; i++)
			assert_int_equal(FIXTURE_OPS(f, PUT(.key = keys[i], .value = round == 0 ? B("old") : B("new"))),
			                 ERR_OK);
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_response response;
	for (int64_t revision = 7; revision <= 23; revision++) {
		struct kv_range_request request = {.range = kv_prefix(B("z"), &f->arena), .revision = revision};
		assert_int_equal(kv_range(view, &request, &f->arena, &response), ERR_OK);
		size_t expected = revision < 14 ? (size_t)(revision - 7) : 7;
		assert_int_equal(response.record_count, expected);
		for (size_t i = 0; i < expected; i++) {
			assert_true(bytes_equal(response.records[i].key, keys[i]));
			assert_bytes(response.records[i].value, (int64_t)i <= revision - 16 ? "new" : "old");
		}
	}
	kv_view_close(view);
}

static void the_range_of_a_prefix_ends_where_its_last_byte_is_raised(void **state)
{
	struct fixture *f = *state;
	assert_bytes(kv_prefix(B("/a/"), &f->arena).end, "/a0");
	assert_bytes(kv_prefix(B("a\xff"), &f->arena).end, "b");
	assert_true(bytes_equal(kv_prefix(B("\xff\xff"), &f->arena).end, B("\0")));
	assert_true(bytes_equal(kv_prefix(B(""), &f->arena).start, B("\0")));
	assert_true(bytes_equal(kv_prefix(B(""), &f->arena).end, B("\0")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_range_is_ascending_and_counts_all_whatever_the_limit),
	    TEST(a_range_can_be_read_in_pieces),
	    TEST(what_is_only_counted_is_read_all_the_same),
	    TEST(what_is_known_is_not_counted_again),
	    TEST(a_sort_comes_before_the_limit),
	    TEST(filters_cut_what_comes_and_not_the_count),
	    TEST(a_range_at_a_revision_is_as_it_was),
	    TEST(keys_only_leaves_the_value_out_and_nothing_else),
	    TEST(keys_with_zeros_and_ends_of_bytes_sort_as_bytes),
	    TEST(the_range_of_a_prefix_ends_where_its_last_byte_is_raised),
	};
	return UNIT_RUN(tests);
}

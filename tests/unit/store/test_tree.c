/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/fixture.h"

#include <string.h>

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

/* ---- directories ---- */

static void a_directory_comes_and_goes_with_the_keys_below_it(void **state)
{
	struct fixture *f = *state;
	assert_false(fixture_has_directory(f, "/"));
	assert_int_equal(fixture_put(f, "/a/b/c", "x"), ERR_OK);
	assert_int_equal(fixture_directory(f, "/").children, 1);
	assert_int_equal(fixture_directory(f, "/a/").children, 1);
	assert_int_equal(fixture_directory(f, "/a/b/").children, 1);
	assert_false(fixture_directory(f, "/a/b/").marker);
	assert_int_equal(fixture_delete(f, "/a/b/c"), ERR_OK);
	assert_false(fixture_has_directory(f, "/a/b/"));
	assert_false(fixture_has_directory(f, "/a/"));
	assert_false(fixture_has_directory(f, "/"));
}

static void a_prefix_without_its_slash_is_no_directory(void **state)
{
	struct fixture *f = *state;
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_directory directory;
	assert_int_equal(kv_directory(view, B("/a"), &directory), ERR_INVALID);
	assert_int_equal(kv_directory(view, B(""), &directory), ERR_INVALID);
	kv_view_close(view);
}

static void a_marker_makes_a_directory_and_is_no_child_of_it(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/d/"), .id = KV_ID_OWN | 5)), ERR_OK);
	struct kv_directory directory = fixture_directory(f, "/d/");
	assert_true(directory.marker);
	assert_int_equal(directory.children, 0);
	assert_int_equal(directory.id, KV_ID_OWN | 5);
	assert_int_equal(directory.create_revision, 2);
	assert_int_equal(fixture_directory(f, "/").children, 1);
	assert_int_equal(fixture_put(f, "/d/x", ""), ERR_OK);
	assert_int_equal(fixture_delete(f, "/d/"), ERR_OK);
	directory = fixture_directory(f, "/d/");
	assert_false(directory.marker);
	assert_int_equal(directory.children, 1);
	assert_int_equal(directory.id, KV_ID_OWN | 5);
}

static void a_marker_has_the_id_of_its_directory(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/d/x", ""), ERR_OK);
	uint64_t id = fixture_directory(f, "/d/").id;
	assert_int_equal(FIXTURE_OPS(f, DELETE(.range = {.start = B("/d/x")}), PUT(.key = B("/d/"))), ERR_OK);
	assert_int_equal(fixture_get(f, "/d/").id, id);
	assert_int_equal(fixture_put(f, "/new/", ""), ERR_OK);
	assert_int_equal(fixture_get(f, "/new/").id, fixture_directory(f, "/new/").id);
}

static void the_last_child_may_be_exchanged_for_the_marker_in_any_order(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/d/x", ""), ERR_OK);
	uint64_t id = fixture_directory(f, "/d/").id;
	assert_int_equal(FIXTURE_OPS(f, DELETE(.range = {.start = B("/d/x")}), PUT(.key = B("/d/"))), ERR_OK);
	assert_int_equal(fixture_directory(f, "/d/").id, id);
	assert_int_equal(fixture_directory(f, "/d/").children, 0);
	assert_int_equal(fixture_directory(f, "/d/").create_revision, 2);
	assert_int_equal(fixture_directory(f, "/d/").changed_revision, 3);
}

static void only_a_change_of_membership_changes_a_directory(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/d/x", "1"), ERR_OK);
	int64_t time_ns = f->time_ns;
	assert_int_equal(fixture_put(f, "/d/x", "2"), ERR_OK);
	assert_int_equal(fixture_put(f, "/d/e/f", "1"), ERR_OK);
	assert_int_equal(fixture_directory(f, "/").changed_revision, 2);
	assert_int_equal(fixture_directory(f, "/").changed_time_ns, time_ns);
	assert_int_equal(fixture_directory(f, "/d/").changed_revision, 4);
	assert_int_equal(fixture_directory(f, "/d/").changed_time_ns, f->time_ns);
	assert_int_equal(fixture_put(f, "/d/e/g", "1"), ERR_OK);
	assert_int_equal(fixture_directory(f, "/d/").changed_revision, 4);
	assert_int_equal(fixture_directory(f, "/d/e/").changed_revision, 5);
}

static void another_object_under_a_name_changes_the_directory(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/d/x", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/e/x", "2"), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/e/x", "/d/x")), ERR_OK);
	assert_int_equal(fixture_directory(f, "/d/").changed_revision, 4);
}

/* ---- lists ---- */

static void a_list_shows_the_children_alone_in_the_order_of_their_names(void **state)
{
	struct fixture *f = *state;
	const char *const keys[] = {"/d/b",           "/d/b.c", "/d/b/x", "/d/b/y/z", "/d/b0",
	                            "/d/a/deep/down", "/d/",    "/e",     "/d/c/"};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_int_equal(fixture_put(f, keys[i], keys[i]), ERR_OK);
	assert_string_equal(fixture_list(f, "/d/"), "a/ b b/ b.c b0 c/");
	assert_string_equal(fixture_list(f, "/"), "d/ e");
	assert_string_equal(fixture_list(f, "/d/b/"), "x y/");
	assert_int_equal(fixture_directory(f, "/d/").children, 6);
}

static void a_list_goes_on_after_any_child(void **state)
{
	struct fixture *f = *state;
	const char *const keys[] = {"/d/a", "/d/b", "/d/b/x", "/d/c/x", "/d//x", "/d/z"};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_int_equal(fixture_put(f, keys[i], ""), ERR_OK);
	assert_string_equal(fixture_list(f, "/d/"), "/ a b b/ c/ z");
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_list_request request = {.prefix = B("/d/"), .max = 1};
	const char *all = "";
	for (int i = 0; i < 20; i++) {
		struct kv_child *children;
		size_t count;
		assert_int_equal(kv_list(view, &request, &f->arena, &children, &count), ERR_OK);
		if (count == 0)
			break;
		all = arena_format(&f->arena, "%s%.*s%s ", all, (int)children->name.size,
		                   (const char *)children->name.data, children->is_directory ? "/" : "");
		request.after_name = children->name;
		request.after_is_directory = children->is_directory;
	}
	kv_view_close(view);
	assert_string_equal(all, "/ a b b/ c/ z ");
}

static void a_child_comes_with_its_record_and_a_small_value(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/d/small"), .value = B("1234"), .attr = B("mode"))), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/d/large"), .value = B("12345"))), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/d/sub/"), .attr = B("dirmode"))), ERR_OK);
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_list_request request = {.prefix = B("/d/"), .max = 10, .value_bytes_max = 4};
	struct kv_child *children;
	size_t count;
	assert_int_equal(kv_list(view, &request, &f->arena, &children, &count), ERR_OK);
	assert_int_equal(count, 3);
	assert_bytes(children[0].record.key, "/d/large");
	assert_int_equal(children[0].value_size, 5);
	assert_int_equal(children[0].record.value.size, 0);
	assert_bytes(children[1].record.value, "1234");
	assert_bytes(children[1].record.attr, "mode");
	assert_true(children[2].is_directory && children[2].directory.marker);
	assert_bytes(children[2].record.key, "/d/sub/");
	assert_bytes(children[2].record.attr, "dirmode");
	assert_int_equal(
	    kv_list(view, &(struct kv_list_request){.prefix = B("/x/"), .max = 1}, &f->arena, &children, &count),
	    ERR_NOT_FOUND);
	kv_view_close(view);
}

/* ---- moves ---- */

static void a_moved_key_keeps_what_it_is(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .value = B("v"), .attr = B("m"))), ERR_OK);
	uint64_t id = fixture_get(f, "/a").id;
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a", "/d/b")), ERR_OK);
	assert_false(fixture_has(f, "/a"));
	struct kv_record record = fixture_get(f, "/d/b");
	assert_bytes(record.value, "v");
	assert_bytes(record.attr, "m");
	assert_int_equal(record.id, id);
	assert_int_equal(record.create_revision, 3);
	assert_int_equal(record.version, 1);
	assert_int_equal(f->changes[1].event_count, 2);
}

static void a_move_over_a_living_key_updates_it(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "new"), ERR_OK);
	assert_int_equal(fixture_put(f, "/b", "old"), ERR_OK);
	uint64_t id = fixture_get(f, "/a").id;
	struct kv_op move = {.kind = KV_MOVE,
	                     .move = {.from = B("/a"), .to = B("/b"), .set_attr = true, .attr = B("now")}};
	assert_int_equal(fixture_op(f, move), ERR_OK);
	struct kv_record record = fixture_get(f, "/b");
	assert_bytes(record.value, "new");
	assert_bytes(record.attr, "now");
	assert_int_equal(record.id, id);
	assert_int_equal(record.create_revision, 3);
	assert_int_equal(record.version, 2);
	assert_int_equal(record.mod_revision, 4);
	assert_string_equal(fixture_range(f, "/", "0", 0), "/b=new");
}

static void a_moved_directory_takes_all_below_it_and_their_ids_along(void **state)
{
	struct fixture *f = *state;
	const char *const keys[] = {"/a/", "/a/x", "/a/s/y", "/a0", "/a.b"};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_int_equal(fixture_put(f, keys[i], keys[i]), ERR_OK);
	struct kv_directory a = fixture_directory(f, "/a/"), s = fixture_directory(f, "/a/s/");
	uint64_t x = fixture_get(f, "/a/x").id;
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/", "/p/q/")), ERR_OK);
	assert_string_equal(fixture_range(f, "/", "0", 0), "/a.b=/a.b /a0=/a0 /p/q/=/a/ /p/q/s/y=/a/s/y /p/q/x=/a/x");
	assert_int_equal(fixture_directory(f, "/p/q/").id, a.id);
	assert_int_equal(fixture_directory(f, "/p/q/").create_revision, a.create_revision);
	assert_int_equal(fixture_directory(f, "/p/q/").changed_revision, a.changed_revision);
	assert_int_equal(fixture_directory(f, "/p/q/").children, 2);
	assert_int_equal(fixture_directory(f, "/p/q/s/").id, s.id);
	assert_int_equal(fixture_get(f, "/p/q/x").id, x);
	assert_false(fixture_has_directory(f, "/a/"));
	assert_false(fixture_has_directory(f, "/a/s/"));
	assert_string_equal(fixture_list(f, "/"), "a.b a0 p/");
}

static void a_directory_moved_over_another_replaces_it(void **state)
{
	struct fixture *f = *state;
	const char *const keys[] = {"/a/", "/a/x", "/b/", "/b/x", "/b/gone/y"};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_int_equal(fixture_put(f, keys[i], keys[i]), ERR_OK);
	uint64_t id = fixture_directory(f, "/a/").id;
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/", "/b/")), ERR_OK);
	assert_string_equal(fixture_range(f, "/", "0", 0), "/b/=/a/ /b/x=/a/x");
	assert_int_equal(fixture_directory(f, "/b/").id, id);
	assert_int_equal(fixture_directory(f, "/b/").children, 1);
	assert_int_equal(fixture_get(f, "/b/x").version, 2);
}

static void an_exchange_of_directories_swaps_all_below_them(void **state)
{
	struct fixture *f = *state;
	const char *const keys[] = {"/a/x", "/a/only-a", "/b/x", "/b/s/only-b"};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		assert_int_equal(fixture_put(f, keys[i], keys[i]), ERR_OK);
	struct kv_directory a = fixture_directory(f, "/a/"), b = fixture_directory(f, "/b/"),
	                    s = fixture_directory(f, "/b/s/");
	assert_int_equal(FIXTURE_OPS(f, EXCHANGE("/a/", "/b/")), ERR_OK);
	assert_string_equal(fixture_range(f, "/", "0", 0),
	                    "/a/s/only-b=/b/s/only-b /a/x=/b/x /b/only-a=/a/only-a /b/x=/a/x");
	assert_int_equal(fixture_directory(f, "/a/").id, b.id);
	assert_int_equal(fixture_directory(f, "/b/").id, a.id);
	assert_int_equal(fixture_directory(f, "/a/s/").id, s.id);
	assert_int_equal(fixture_directory(f, "/a/").changed_revision, b.changed_revision);
	assert_int_equal(fixture_directory(f, "/").changed_revision, fixture_revision(f));
}

static void an_exchange_of_keys_swaps_them(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/b", "2"), ERR_OK);
	uint64_t a = fixture_get(f, "/a").id, b = fixture_get(f, "/b").id;
	assert_int_equal(FIXTURE_OPS(f, EXCHANGE("/a", "/b")), ERR_OK);
	assert_string_equal(fixture_range(f, "/", "0", 0), "/a=2 /b=1");
	assert_int_equal(fixture_get(f, "/a").id, b);
	assert_int_equal(fixture_get(f, "/b").id, a);
	assert_int_equal(fixture_get(f, "/a").version, 2);
}

static void a_key_and_a_directory_may_change_places_by_two_moves(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "file"), ERR_OK);
	assert_int_equal(fixture_put(f, "/b/x", "below"), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a", "/b"), MOVE("/b/", "/a/")), ERR_OK);
	assert_string_equal(fixture_range(f, "/", "0", 0), "/a/x=below /b=file");
	assert_string_equal(fixture_list(f, "/"), "a/ b");
}

static void moves_of_nothing_and_into_oneself_are_refused(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a/x", "1"), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/y")), MOVE("/none", "/b")), ERR_NOT_FOUND);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/none/", "/b/")), ERR_NOT_FOUND);
	assert_int_equal(FIXTURE_OPS(f, EXCHANGE("/a/", "/none/")), ERR_NOT_FOUND);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/", "/a/b/")), ERR_INVALID);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/", "/")), ERR_INVALID);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/", "/b")), ERR_INVALID);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/x", "/a/x")), ERR_INVALID);
	assert_int_equal(fixture_revision(f), 2);
	assert_false(fixture_has(f, "/y"));
}

static void a_move_meets_nothing_else_in_its_transaction(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a/x", "1"), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a/y")), MOVE("/a/", "/b/")), ERR_DUPLICATE_KEY);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/b/y")), MOVE("/a/", "/b/")), ERR_DUPLICATE_KEY);
	assert_int_equal(FIXTURE_OPS(f, DELETE(.range = {B("/b"), B("/c")}), MOVE("/a/x", "/b/x")), ERR_DUPLICATE_KEY);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/x", "/c"), MOVE("/c", "/d")), ERR_DUPLICATE_KEY);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/c/")), MOVE("/a/x", "/c/x")), ERR_OK);
}

static void a_name_too_long_after_a_move_refuses_it(void **state)
{
	struct fixture *f = *state;
	char name[8192];
	memset(name, 'n', sizeof name);
	memcpy(name, "/a/", 3);
	struct kv_op put = PUT(.key = bytes_of(name, sizeof name));
	assert_int_equal(fixture_op(f, put), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/", "/aa/")), ERR_TOO_LARGE);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a/", "/b/")), ERR_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_directory_comes_and_goes_with_the_keys_below_it),
	    TEST(a_prefix_without_its_slash_is_no_directory),
	    TEST(a_marker_makes_a_directory_and_is_no_child_of_it),
	    TEST(a_marker_has_the_id_of_its_directory),
	    TEST(the_last_child_may_be_exchanged_for_the_marker_in_any_order),
	    TEST(only_a_change_of_membership_changes_a_directory),
	    TEST(another_object_under_a_name_changes_the_directory),
	    TEST(a_list_shows_the_children_alone_in_the_order_of_their_names),
	    TEST(a_list_goes_on_after_any_child),
	    TEST(a_child_comes_with_its_record_and_a_small_value),
	    TEST(a_moved_key_keeps_what_it_is),
	    TEST(a_move_over_a_living_key_updates_it),
	    TEST(a_moved_directory_takes_all_below_it_and_their_ids_along),
	    TEST(a_directory_moved_over_another_replaces_it),
	    TEST(an_exchange_of_directories_swaps_all_below_them),
	    TEST(an_exchange_of_keys_swaps_them),
	    TEST(a_key_and_a_directory_may_change_places_by_two_moves),
	    TEST(moves_of_nothing_and_into_oneself_are_refused),
	    TEST(a_move_meets_nothing_else_in_its_transaction),
	    TEST(a_name_too_long_after_a_move_refuses_it),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The methods on many files at once: what is planned at the node, and what is refused before. */
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/stat.h>

#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/api/fixture.h"

static int64_t revision_now(struct fixture *fixture)
{
	struct kv_view *view = kv_view_open(replica_kv(fixture->replica));
	int64_t revision = kv_view_revision(view);
	kv_view_close(view);
	return revision;
}

static void value_is(struct fixture *fixture, const char *key, const char *expected)
{
	struct kv_record record;
	struct kv_view *view = kv_view_open(replica_kv(fixture->replica));
	assert_int_equal(kv_get(view, bytes_of_string(key), &fixture->arena, &record), ERR_OK);
	kv_view_close(view);
	assert_string_equal(arena_dup_string(&fixture->arena, record.value), expected);
}

struct restore {
	const char *path, *when;
	bool dry_run;
};

static const Etcfs__Control__Answer *restore(struct fixture *fixture, struct restore asked)
{
	Etcfs__Control__RestoreRequest request = ETCFS__CONTROL__RESTORE_REQUEST__INIT;
	request.path = proto_data(bytes_of_string(asked.path));
	request.when = (char *)asked.when;
	request.dry_run = asked.dry_run;
	return fixture_ask(fixture, "restore", false, &request);
}

static const Etcfs__Control__RestoreResponse *restored(struct fixture *fixture, struct restore asked)
{
	return fixture_response(fixture, restore(fixture, asked), &etcfs__control__restore_response__descriptor);
}

static const char *when(struct fixture *fixture, int64_t revision)
{
	return arena_format(&fixture->arena, "%lld", (long long)revision);
}

static void a_dry_run_tells_and_proposes_nothing(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/d/f", "old");
	const char *then = when(fixture, revision_now(fixture));
	fixture_put(fixture, "/d/f", "new");
	uint64_t proposals = solo_proposals(fixture->replica);
	const Etcfs__Control__RestoreResponse *response = restored(fixture, (struct restore){"/d", then, true});
	assert_int_equal(response->n_changes, 1);
	assert_int_equal(response->changes[0]->kind, ETCFS__CONTROL__PLANNED_KIND__changed);
	assert_int_equal(response->revision, 0);
	assert_true(solo_proposals(fixture->replica) == proposals);
	response = restored(fixture, (struct restore){"/d", then, false});
	assert_int_equal(response->revision, revision_now(fixture));
	assert_int_equal(response->n_changes, 1);
	value_is(fixture, "/d/f", "old");
	proposals = solo_proposals(fixture->replica);
	response = restored(fixture, (struct restore){"/d", then, false});
	assert_int_equal(response->n_changes, 0);
	assert_true(solo_proposals(fixture->replica) == proposals);
}

static void it_is_planned_again_when_somebody_was_first(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/d/f", "old");
	const char *then = when(fixture, revision_now(fixture));
	fixture_put(fixture, "/d/f", "new");
	struct kv_op op = {.kind = KV_PUT,
	                   .put = {.key = BYTES_LITERAL("/d/first"), .value = BYTES_LITERAL("x"), .keep_attr = true}};
	struct kv_op ops[] = {op, op};
	ops[1].put.key = BYTES_LITERAL("/d/f");
	struct kv_command first = {.kind = KV_COMMAND_TXN, .txn = {.success = ops, .success_count = 2}};
	solo_precede_next(fixture->replica, &first);
	uint64_t proposals = solo_proposals(fixture->replica);
	const Etcfs__Control__RestoreResponse *response = restored(fixture, (struct restore){"/d", then, false});
	assert_true(solo_proposals(fixture->replica) == proposals + 2);
	assert_int_equal(response->n_changes, 2); /* what came first went as well */
	assert_int_equal(response->revision, revision_now(fixture));
	value_is(fixture, "/d/f", "old");
}

static void what_is_no_point_of_the_history_is_refused(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a", "x");
	static const struct {
		const char *path, *when, *error, *part;
	} cases[] = {
	    {"/a", "soon", "INVALID", "no point of the history"}, {"/a", "", "INVALID", "when?"},
	    {"/a", "100000", "FUTURE", "the newest is"},          {"a", "1", "INVALID", "begins with '/'"},
	    {"/b", "1", "NOT_FOUND", "there was no /b"},
	};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
		const Etcfs__Control__Answer *answer =
		    restore(fixture, (struct restore){cases[at].path, cases[at].when, false});
		assert_string_equal(answer->error, cases[at].error);
		assert_non_null(strstr(answer->detail, cases[at].part));
	}
}

static void without_a_quorum_nothing_is_planned(void **state)
{
	struct fixture *fixture = fixture_of(state);
	fixture_put(fixture, "/a", "x");
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	const Etcfs__Control__Answer *answer = restore(fixture, (struct restore){"/a", "1", true});
	assert_string_equal(answer->error, "TIMEOUT");
	solo_set_weather(fixture->replica, SOLO_FAIR);
}

/* ---- apply ---- */

struct wanted {
	const char *name;
	uint32_t mode;
	const char *value;
};

static const Etcfs__Control__Answer *apply(struct fixture *fixture, const char *path, const struct wanted *wanted,
                                           size_t count)
{
	Etcfs__Control__ApplyRequest request = ETCFS__CONTROL__APPLY_REQUEST__INIT;
	Etcfs__Control__ApplyFile files[4], *list[4];
	for (size_t at = 0; at < count; at++) {
		etcfs__control__apply_file__init(&files[at]);
		files[at].name = proto_data(bytes_of_string(wanted[at].name));
		files[at].mode = wanted[at].mode;
		files[at].value = proto_data(bytes_of_string(wanted[at].value));
		list[at] = &files[at];
	}
	request.path = proto_data(bytes_of_string(path));
	request.files = list;
	request.n_files = count;
	return fixture_ask(fixture, "apply", false, &request);
}

static void files_are_applied_below_the_path(void **state)
{
	struct fixture *fixture = fixture_of(state);
	const struct wanted wanted[] = {{"/", S_IFDIR | 0755, ""},
	                                {"d/", S_IFDIR | 0700, ""},
	                                {"d/f", S_IFREG | 0600, "one"},
	                                {"l", S_IFLNK | 0777, "d/f"}};
	const Etcfs__Control__ApplyResponse *response =
	    fixture_response(fixture, apply(fixture, "/p/", wanted, 4), &etcfs__control__apply_response__descriptor);
	assert_int_equal(response->n_changes, 4);
	assert_int_equal(response->revision, revision_now(fixture));
	value_is(fixture, "/p/d/f", "one");
	value_is(fixture, "/p/l", "d/f");
	const struct wanted alone = {"", S_IFREG | 0644, "two"};
	assert_string_equal(apply(fixture, "/p/d/f", &alone, 1)->error, "");
	value_is(fixture, "/p/d/f", "two");
	assert_string_equal(apply(fixture, "/", wanted, 4)->error, "");
	value_is(fixture, "/d/f", "one");
}

static void what_is_no_file_is_refused(void **state)
{
	struct fixture *fixture = fixture_of(state);
	static const struct wanted cases[][2] = {
	    {{"b", S_IFREG | 0644, ""}, {"a", S_IFREG | 0644, ""}},
	    {{"a", S_IFREG | 0644, ""}, {"a", S_IFREG | 0644, ""}},
	    {{"/a", S_IFREG | 0644, ""}, {"b", S_IFREG | 0644, ""}},
	    {{"a", S_IFIFO | 0644, ""}, {"b", S_IFREG | 0644, ""}},
	    {{"a/", S_IFREG | 0644, ""}, {"b", S_IFREG | 0644, ""}},
	    {{"a", S_IFDIR | 0755, ""}, {"b", S_IFREG | 0644, ""}},
	    {{"", S_IFREG | 0644, ""}, {"b", S_IFREG | 0644, ""}},
	};
	int64_t before = revision_now(fixture);
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++)
		assert_string_equal(apply(fixture, "/", cases[at], 2)->error, "INVALID");
	assert_int_equal(revision_now(fixture), before);
}

/* ---- tree ---- */

static void a_tree_is_listed_a_page_at_a_time(void **state)
{
	struct fixture *fixture = fixture_of(state);
	enum { MANY = CONTROL_PAGE_MAX + 5 };
	for (int at = 0; at < MANY; at++)
		fixture_put_elsewhere(fixture, arena_format(&fixture->arena, "/t/%05d", at), BYTES_LITERAL("x"));
	Etcfs__Control__TreeRequest request = ETCFS__CONTROL__TREE_REQUEST__INIT;
	request.path = proto_data(BYTES_LITERAL("/t/"));
	const Etcfs__Control__TreeResponse *page = fixture_response(
	    fixture, fixture_ask(fixture, "tree", false, &request), &etcfs__control__tree_response__descriptor);
	assert_int_equal(page->n_entries, CONTROL_PAGE_MAX);
	assert_true(page->more);
	assert_int_equal(page->entries[0]->mode, S_IFREG | 0644);
	request.after = page->entries[CONTROL_PAGE_MAX - 1]->key;
	page = fixture_response(fixture, fixture_ask(fixture, "tree", false, &request),
	                        &etcfs__control__tree_response__descriptor);
	assert_int_equal(page->n_entries, 5);
	assert_false(page->more);
	request.after = proto_data(BYTES_NONE);
	request.when = (char *)"2";
	page = fixture_response(fixture, fixture_ask(fixture, "tree", false, &request),
	                        &etcfs__control__tree_response__descriptor);
	assert_int_equal(page->revision, 2);
	assert_true(page->n_entries <= 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
	const struct CMUnitTest tests[] = {
	    CASE(a_dry_run_tells_and_proposes_nothing),       CASE(it_is_planned_again_when_somebody_was_first),
	    CASE(what_is_no_point_of_the_history_is_refused), CASE(without_a_quorum_nothing_is_planned),
	    CASE(files_are_applied_below_the_path),           CASE(what_is_no_file_is_refused),
	    CASE(a_tree_is_listed_a_page_at_a_time),
	};
	return UNIT_RUN(tests);
}

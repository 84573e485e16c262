/* SPDX-License-Identifier: Apache-2.0 */
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

/* ---- revisions ---- */

static void a_fresh_store_has_revision_1_and_was_never_compacted(void **state)
{
	struct fixture *f = *state;
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_view_revision(view), 1);
	assert_int_equal(kv_view_compacted(view), -1);
	assert_int_equal(kv_view_index(view), 0);
	kv_view_close(view);
}

static void the_first_put_has_revision_2(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "one"), ERR_OK);
	struct kv_record record = fixture_get(f, "/a");
	assert_int_equal(record.create_revision, 2);
	assert_int_equal(record.mod_revision, 2);
	assert_int_equal(record.version, 1);
	assert_bytes(record.key, "/a");
	assert_bytes(record.value, "one");
	assert_int_equal(record.time_ns, f->time_ns);
}

static void a_put_of_the_same_value_is_a_change(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "one"), ERR_OK);
	uint64_t id = fixture_get(f, "/a").id;
	assert_int_equal(fixture_put(f, "/a", "one"), ERR_OK);
	struct kv_record record = fixture_get(f, "/a");
	assert_int_equal(record.create_revision, 2);
	assert_int_equal(record.mod_revision, 3);
	assert_int_equal(record.version, 2);
	assert_int_equal(record.id, id);
}

static void a_delete_of_nothing_is_no_change(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	assert_int_equal(fixture_revision(f), 1);
}

static void a_key_that_comes_back_begins_anew(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "one"), ERR_OK);
	uint64_t id = fixture_get(f, "/a").id;
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	assert_false(fixture_has(f, "/a"));
	assert_int_equal(fixture_put(f, "/a", "two"), ERR_OK);
	struct kv_record record = fixture_get(f, "/a");
	assert_int_equal(record.create_revision, 4);
	assert_int_equal(record.version, 1);
	assert_true(record.id != id && record.id < KV_ID_OWN);
}

static void all_changes_of_a_transaction_have_one_revision(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .value = B("1")), PUT(.key = B("/b"), .value = B("2"))),
	                 ERR_OK);
	assert_int_equal(fixture_revision(f), 2);
	assert_int_equal(fixture_get(f, "/a").mod_revision, 2);
	assert_int_equal(fixture_get(f, "/b").mod_revision, 2);
}

/* ---- compares ---- */

static void compares_are_of_the_state_before_the_transaction_nested_ones_too(void **state)
{
	struct fixture *f = *state;
	struct kv_txn nested = {
	    .compares =
	        (const struct kv_compare[]){{.target = KV_VERSION, .result = KV_EQUAL, .range = {.start = B("/a")}}},
	    .compare_count = 1,
	    .success = (const struct kv_op[]){PUT(.key = B("/was-absent"))},
	    .success_count = 1,
	    .failure = (const struct kv_op[]){PUT(.key = B("/was-present"))},
	    .failure_count = 1,
	};
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a")), {.kind = KV_TXN, .txn = &nested}), ERR_OK);
	assert_true(fixture_has(f, "/was-absent"));
	assert_false(fixture_has(f, "/was-present"));
}

static bool holds(struct fixture *f, struct kv_compare compare)
{
	struct kv_result *result = fixture_txn(f, &(struct kv_txn){.compares = &compare, .compare_count = 1});
	assert_int_equal(result->err, ERR_OK);
	bool succeeded = result->succeeded;
	kv_result_free(result);
	return succeeded;
}

static void an_absent_key_compares_as_zero_but_has_no_value(void **state)
{
	struct fixture *f = *state;
	struct kv_range absent = {.start = B("/absent")};
	assert_true(holds(f, (struct kv_compare){.target = KV_CREATE, .result = KV_EQUAL, .range = absent}));
	assert_true(holds(f, (struct kv_compare){.target = KV_LEASE, .result = KV_EQUAL, .range = absent}));
	assert_true(holds(f, (struct kv_compare){.target = KV_ID, .result = KV_EQUAL, .range = absent}));
	assert_false(holds(f, (struct kv_compare){.target = KV_MOD, .result = KV_GREATER, .range = absent}));
	assert_false(holds(f, (struct kv_compare){.target = KV_VALUE, .result = KV_EQUAL, .range = absent}));
	assert_false(holds(
	    f, (struct kv_compare){.target = KV_VALUE, .result = KV_NOT_EQUAL, .range = absent, .value = B("x")}));
}

static void a_compare_of_a_range_is_of_every_key_in_it(void **state)
{
	struct fixture *f = *state;
	struct kv_range range = {B("/d/"), B("/d0")};
	assert_true(holds(f, (struct kv_compare){.target = KV_CREATE, .result = KV_EQUAL, .range = range}));
	assert_int_equal(fixture_put(f, "/d/a", "x"), ERR_OK);
	assert_int_equal(fixture_put(f, "/d/b", "y"), ERR_OK);
	assert_false(holds(f, (struct kv_compare){.target = KV_CREATE, .result = KV_EQUAL, .range = range}));
	assert_true(
	    holds(f, (struct kv_compare){.target = KV_VERSION, .result = KV_EQUAL, .range = range, .number = 1}));
	assert_false(
	    holds(f, (struct kv_compare){.target = KV_VALUE, .result = KV_EQUAL, .range = range, .value = B("x")}));
}

static void the_id_of_a_directory_compares_with_or_without_its_marker(void **state)
{
	struct fixture *f = *state;
	struct kv_compare same = {.target = KV_ID, .result = KV_EQUAL, .range = {.start = B("/d/")}};
	assert_true(holds(f, same));
	assert_int_equal(fixture_put(f, "/d/x", ""), ERR_OK);
	assert_false(holds(f, same));
	same.number = (int64_t)fixture_directory(f, "/d/").id;
	assert_true(holds(f, same));
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/d/"), .id = (uint64_t)same.number)), ERR_OK);
	assert_true(holds(f, same));
	same.target = KV_CREATE;
	same.number = 3;
	assert_true(holds(f, same)); /* its marker's */
}

static void a_failed_compare_takes_the_other_branch_and_changes_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct kv_compare never = {.target = KV_VERSION, .result = KV_GREATER, .range = {.start = B("/a")}};
	struct kv_op put = PUT(.key = B("/a")), get = RANGE(.range = {.start = B("/a")});
	struct kv_result *result = fixture_txn(f, &(struct kv_txn){.compares = &never,
	                                                           .compare_count = 1,
	                                                           .success = &put,
	                                                           .success_count = 1,
	                                                           .failure = &get,
	                                                           .failure_count = 1});
	assert_int_equal(result->err, ERR_OK);
	assert_false(result->succeeded);
	assert_int_equal(result->revision, 1);
	assert_int_equal(result->response_count, 1);
	assert_int_equal(result->responses[0].kind, KV_RANGE);
	assert_int_equal(result->responses[0].record_count, 0);
	kv_result_free(result);
}

/* ---- reads in a transaction ---- */

static void a_read_sees_what_the_transaction_wrote_before_it(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "old"), ERR_OK);
	assert_int_equal(fixture_put(f, "/c", "old"), ERR_OK);
	const struct kv_op ops[] = {PUT(.key = B("/b"), .value = B("new")), DELETE(.range = {.start = B("/c")}),
	                            RANGE(.range = {B("/"), B("0")}), RANGE(.range = {.start = B("/b")}),
	                            RANGE(.range = {B("/"), B("0")}, .revision = 3)};
	struct kv_result *result = fixture_txn(f, &(struct kv_txn){.success = ops, .success_count = 5});
	assert_int_equal(result->err, ERR_OK);
	const struct kv_response *now = &result->responses[2], *one = &result->responses[3],
	                         *before = &result->responses[4];
	assert_int_equal(now->record_count, 2);
	assert_bytes(now->records[0].key, "/a");
	assert_bytes(now->records[1].key, "/b");
	assert_int_equal(now->records[1].mod_revision, 4);
	assert_int_equal(one->record_count, 1);
	assert_bytes(one->records[0].value, "new");
	assert_int_equal(before->record_count, 2);
	assert_bytes(before->records[1].key, "/c");
	kv_result_free(result);
}

static void a_read_of_a_future_or_compacted_revision_refuses_the_whole(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "2"), ERR_OK);
	assert_int_equal(fixture_compact(f, 3), ERR_OK);
	struct kv_op put = PUT(.key = B("/b"));
	assert_int_equal(FIXTURE_OPS(f, put, RANGE(.range = {.start = B("/a")}, .revision = 9)), ERR_FUTURE);
	assert_int_equal(FIXTURE_OPS(f, put, RANGE(.range = {.start = B("/a")}, .revision = 2)), ERR_COMPACTED);
	assert_int_equal(FIXTURE_OPS(f, put, RANGE(.range = {.start = B("/a")}, .revision = 3)), ERR_OK);
}

/* ---- puts ---- */

static void a_put_can_keep_value_lease_and_attr(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .value = B("v"), .attr = B("mode"))), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .value = B("w"), .keep_attr = true)), ERR_OK);
	assert_bytes(fixture_get(f, "/a").attr, "mode");
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .keep_value = true, .attr = B("other"))), ERR_OK);
	assert_bytes(fixture_get(f, "/a").value, "w");
	assert_bytes(fixture_get(f, "/a").attr, "other");
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"))), ERR_OK);
	assert_bytes(fixture_get(f, "/a").attr, "");
}

static void an_attr_that_a_newer_value_was_put_beside_is_older(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "v"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "w"), ERR_OK);
	assert_false(fixture_get(f, "/a").attr_is_older); /* there is none */
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .keep_value = true, .attr = B("m"))), ERR_OK);
	assert_false(fixture_get(f, "/a").attr_is_older);
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
	assert_true(fixture_get(f, "/a").attr_is_older);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .keep_value = true, .keep_attr = true)), ERR_OK);
	assert_true(fixture_get(f, "/a").attr_is_older);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/a", "/b")), ERR_OK);
	fixture_reopen(f);
	assert_true(fixture_get(f, "/b").attr_is_older);
	struct kv_op move = {.kind = KV_MOVE,
	                     .move = {.from = B("/b"), .to = B("/c"), .set_attr = true, .attr = B("n")}};
	assert_int_equal(fixture_op(f, move), ERR_OK);
	assert_false(fixture_get(f, "/c").attr_is_older);
	assert_int_equal(fixture_put(f, "/c", "y"), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/c"), .value = B("z"), .attr = B("o"))), ERR_OK);
	assert_false(fixture_get(f, "/c").attr_is_older);
}

static void keeping_what_is_not_there_refuses_the_whole(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/b")), PUT(.key = B("/a"), .keep_value = true)), ERR_NOT_FOUND);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/b")), PUT(.key = B("/a"), .keep_lease = true)), ERR_NOT_FOUND);
	assert_false(fixture_has(f, "/b"));
	assert_int_equal(fixture_revision(f), 1);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .value = B("x"), .keep_value = true)), ERR_INVALID);
}

static void a_put_with_an_unknown_lease_refuses_the_whole(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/b")), PUT(.key = B("/a"), .lease = 5)), ERR_LEASE_NOT_FOUND);
	assert_false(fixture_has(f, "/b"));
}

static void a_caller_may_name_an_id_of_its_own_or_one_that_was_given(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .id = KV_ID_OWN | 77)), ERR_OK);
	assert_int_equal(fixture_get(f, "/a").id, KV_ID_OWN | 77);
	assert_int_equal(fixture_put(f, "/b", ""), ERR_OK);
	uint64_t given = fixture_get(f, "/b").id;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/c"), .id = given)), ERR_OK);
	assert_int_equal(fixture_get(f, "/c").id, given);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/d"), .id = given + 1000)), ERR_INVALID);
}

static void previous_records_come_when_they_are_wanted(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_OK);
	const struct kv_op ops[] = {PUT(.key = B("/a"), .value = B("2"), .want_prev = true),
	                            PUT(.key = B("/b"), .want_prev = true)};
	struct kv_result *result = fixture_txn(f, &(struct kv_txn){.success = ops, .success_count = 2});
	assert_int_equal(result->responses[0].record_count, 1);
	assert_bytes(result->responses[0].records[0].value, "1");
	assert_int_equal(result->responses[1].record_count, 0);
	kv_result_free(result);
	struct kv_op all = DELETE(.range = {B("/"), B("0")}, .want_prev = true);
	result = fixture_txn(f, &(struct kv_txn){.success = &all, .success_count = 1});
	assert_int_equal(result->responses[0].count, 2);
	assert_int_equal(result->responses[0].record_count, 2);
	assert_bytes(result->responses[0].records[0].value, "2");
	kv_result_free(result);
}

/* ---- events ---- */

static void the_observer_sees_each_revision_with_what_was_before(void **state)
{
	struct fixture *f = *state;
	struct kv_op put = PUT(.key = B("/a"), .value = B("1"));
	kv_result_free(fixture_txn(f, &(struct kv_txn){.success = &put, .success_count = 1, .note = B("what it was")}));
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	assert_int_equal(f->change_count, 2);
	assert_int_equal(f->changes[0].revision, 2);
	assert_int_equal(f->changes[0].index, 1);
	assert_int_equal(f->changes[0].proposer, 7);
	assert_bytes(f->changes[0].note, "what it was");
	assert_int_equal(f->changes[0].events[0].type, KV_EVENT_PUT);
	assert_false(f->changes[0].events[0].has_prev);
	const struct kv_event *gone = &f->changes[1].events[0];
	assert_int_equal(gone->type, KV_EVENT_DELETE);
	assert_bytes(gone->record.key, "/a");
	assert_int_equal(gone->record.mod_revision, 3);
	assert_int_equal(gone->record.create_revision, 0);
	assert_true(gone->has_prev);
	assert_bytes(gone->prev.value, "1");
	assert_int_equal(gone->record.id, gone->prev.id);
}

static void the_change_log_tells_the_same_later(void **state)
{
	struct fixture *f = *state;
	struct kv_op put = PUT(.key = B("/a"), .value = B("1"));
	kv_result_free(fixture_txn(f, &(struct kv_txn){.success = &put, .success_count = 1, .note = B("note")}));
	assert_int_equal(fixture_put(f, "/a", "2"), ERR_OK);
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_change change;
	assert_int_equal(kv_change_from(view, 0, &f->arena, &change), ERR_OK);
	assert_int_equal(change.revision, 2);
	assert_bytes(change.note, "note");
	assert_bytes(change.events[0].record.value, "1");
	assert_int_equal(change.events[0].record.version, 1);
	assert_int_equal(kv_change_from(view, 3, &f->arena, &change), ERR_OK);
	assert_bytes(change.events[0].record.value, "2");
	assert_true(change.events[0].has_prev);
	assert_bytes(change.events[0].prev.value, "1");
	assert_int_equal(kv_change_until(view, 99, &f->arena, &change), ERR_OK);
	assert_int_equal(change.revision, 4);
	assert_int_equal(change.events[0].type, KV_EVENT_DELETE);
	assert_bytes(change.events[0].prev.value, "2");
	assert_int_equal(kv_change_from(view, 5, &f->arena, &change), ERR_NOT_FOUND);
	assert_int_equal(kv_change_until(view, 1, &f->arena, &change), ERR_NOT_FOUND);
	kv_view_close(view);
}

/* ---- views ---- */

static void a_view_stays_as_it_was(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_OK);
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(fixture_put(f, "/a", "2"), ERR_OK);
	struct kv_record record;
	assert_int_equal(kv_get(view, B("/a"), &f->arena, &record), ERR_OK);
	assert_bytes(record.value, "1");
	assert_int_equal(kv_view_revision(view), 2);
	assert_int_equal(kv_get_at(view, B("/a"), 3, &f->arena, &record), ERR_FUTURE);
	kv_view_close(view);
}

static void a_key_can_be_read_as_it_was_at_each_revision(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "2"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "3"), ERR_OK);
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "5"), ERR_OK);
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_record record;
	assert_int_equal(kv_get_at(view, B("/a"), 1, &f->arena, &record), ERR_NOT_FOUND);
	assert_int_equal(kv_get_at(view, B("/a"), 2, &f->arena, &record), ERR_OK);
	assert_bytes(record.value, "2");
	assert_int_equal(kv_get_at(view, B("/a"), 3, &f->arena, &record), ERR_OK);
	assert_bytes(record.value, "3");
	assert_int_equal(kv_get_at(view, B("/a"), 4, &f->arena, &record), ERR_NOT_FOUND);
	assert_int_equal(kv_get_at(view, B("/a"), 5, &f->arena, &record), ERR_OK);
	assert_bytes(record.value, "5");
	kv_view_close(view);
}

static void the_state_is_there_after_a_restart(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a/b", "1"), ERR_OK);
	uint64_t id = fixture_get(f, "/a/b").id;
	fixture_reopen(f);
	assert_int_equal(store_applied(f->store), 1);
	assert_int_equal(store_applied_term(f->store), 1);
	assert_int_equal(store_flushed(f->store), 1);
	assert_int_equal(fixture_revision(f), 2);
	assert_int_equal(fixture_get(f, "/a/b").id, id);
	assert_int_equal(fixture_put(f, "/a/c", "1"), ERR_OK);
	assert_int_equal(fixture_directory(f, "/a/").children, 2);
	assert_true(fixture_get(f, "/a/c").id > id);
}

/* ---- without an entry of the log ---- */

static void a_transaction_that_changes_nothing_is_read_from_a_view(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/b", "2"), ERR_OK);
	struct kv_compare is_two = {KV_VALUE, KV_EQUAL, {.start = B("/b")}, 0, B("2")},
	                  none_is_newer = {KV_MOD, KV_LESS, {B("/"), B("0")}, 3, BYTES_NONE},
	                  absent = {KV_VERSION, KV_EQUAL, {.start = B("/c")}, 0, BYTES_NONE};
	struct kv_op one = RANGE(.range = {.start = B("/a")}), all = RANGE(.range = {B("/"), B("0")}, .limit = 1);
	struct kv_txn inner = {.compares = &none_is_newer,
	                       .compare_count = 1,
	                       .success = &one,
	                       .success_count = 1,
	                       .failure = &all,
	                       .failure_count = 1};
	const struct kv_op ops[] = {RANGE(.range = {.start = B("/b")}, .revision = 3), {.kind = KV_TXN, .txn = &inner}};
	const struct kv_compare both[] = {is_two, absent};
	struct kv_txn txn = {.compares = both, .compare_count = 2, .success = ops, .success_count = 2};
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_result read = {0};
	assert_int_equal(kv_txn_read(view, &txn, &f->arena, &read), ERR_OK);
	struct kv_result *applied = fixture_txn(f, &txn); /* as if it had been in the log */
	assert_true(read.succeeded && applied->succeeded);
	assert_int_equal(read.revision, applied->revision);
	assert_int_equal(read.response_count, 2);
	assert_bytes(read.responses[0].records[0].value, "2");
	assert_int_equal(read.responses[0].revision, applied->responses[0].revision);
	const struct kv_result *nested = read.responses[1].txn, *other = applied->responses[1].txn;
	assert_false(nested->succeeded || other->succeeded);
	assert_int_equal(nested->responses[0].count, 2);
	assert_true(nested->responses[0].more);
	kv_result_free(applied);
	struct kv_op put = PUT(.key = B("/c"));
	assert_int_equal(kv_txn_read(view, &(struct kv_txn){.failure = &put, .failure_count = 1}, &f->arena, &read),
	                 ERR_INVALID);
	one.range.revision = 4;
	assert_int_equal(kv_txn_read(view, &(struct kv_txn){.success = &one, .success_count = 1}, &f->arena, &read),
	                 ERR_FUTURE);
	assert_int_equal(kv_txn_read(view, &(struct kv_txn){.compares = &is_two, .compare_count = 1}, &f->arena, &read),
	                 ERR_OK);
	assert_true(read.succeeded);
	struct kv_compare is_root = {
	    KV_ID, KV_EQUAL, {.start = B("/")}, (int64_t)fixture_directory(f, "/").id, BYTES_NONE};
	assert_int_equal(
	    kv_txn_read(view, &(struct kv_txn){.compares = &is_root, .compare_count = 1}, &f->arena, &read), ERR_OK);
	assert_true(read.succeeded); /* it has no marker */
	kv_view_close(view);
}

/* How many steps it takes; what it gives is what it gives at once. */
static size_t read_in_steps(struct fixture *f, const struct kv_txn *txn, size_t bytes)
{
	struct kv_txn_reading *reading = NULL;
	struct kv_result once = {0};
	struct kv_view *view = kv_view_open(f->kv);
	size_t steps = 0;
	assert_int_equal(kv_txn_read(view, txn, &f->arena, &once), ERR_OK);
	assert_int_equal(kv_txn_reading_new(view, txn, &f->arena, &reading), ERR_OK);
	assert_int_equal(fixture_put(f, "/later", "it does not see"), ERR_OK);
	for (bool done = false; !done; steps++)
		assert_int_equal(kv_txn_reading_step(reading, bytes, &done), ERR_OK);
	const struct kv_result *result = kv_txn_reading_result(reading);
	assert_int_equal(result->succeeded, once.succeeded);
	assert_int_equal(result->revision, once.revision);
	assert_int_equal(result->response_count, once.response_count);
	for (size_t at = 0; at < once.response_count; at++) {
		const struct kv_response *one = &once.responses[at], *other = &result->responses[at];
		if (one->kind == KV_TXN) { /* of one operation */
			one = &one->txn->responses[0];
			other = &other->txn->responses[0];
		}
		assert_int_equal(other->kind, KV_RANGE);
		assert_int_equal(other->revision, one->revision);
		assert_int_equal(other->count, one->count);
		assert_int_equal(other->more, one->more);
		assert_int_equal(other->record_count, one->record_count);
		for (size_t record = 0; record < one->record_count; record++)
			assert_true(bytes_equal(other->records[record].key, one->records[record].key));
	}
	kv_txn_reading_free(reading);
	return steps;
}

static void a_transaction_that_changes_nothing_can_be_read_in_pieces(void **state)
{
	struct fixture *f = *state;
	for (int at = 0; at < 20; at++)
		assert_int_equal(fixture_put(f, arena_format(&f->arena, "/%02d", at), "some value"), ERR_OK);
	struct kv_op all = RANGE(.range = {B("/"), B("0")}, .order = KV_DESCEND),
	             one = RANGE(.range = {.start = B("/07")});
	struct kv_txn inner = {.success = &all, .success_count = 1};
	const struct kv_op ops[] = {
	    all, {.kind = KV_TXN, .txn = &inner}, one, RANGE(.range = {B("/"), B("0")}, .limit = 3)};
	const struct kv_txn txn = {.success = ops, .success_count = 4};
	assert_true(read_in_steps(f, &txn, 1) > 60);
	assert_true(read_in_steps(f, &txn, 1000) > 3);
	assert_int_equal(read_in_steps(f, &txn, SIZE_MAX), 1);
	assert_int_equal(read_in_steps(f, &(struct kv_txn){0}, 1), 1);
	struct kv_txn_reading *reading = NULL;
	struct kv_view *view = kv_view_open(f->kv);
	bool done = false;
	assert_int_equal(kv_txn_reading_new(view, &txn, &f->arena, &reading), ERR_OK);
	assert_int_equal(kv_txn_reading_step(reading, 1, &done), ERR_OK);
	assert_false(done);
	kv_txn_reading_free(reading); /* at any step */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_fresh_store_has_revision_1_and_was_never_compacted),
	    TEST(the_first_put_has_revision_2),
	    TEST(a_put_of_the_same_value_is_a_change),
	    TEST(a_delete_of_nothing_is_no_change),
	    TEST(a_key_that_comes_back_begins_anew),
	    TEST(all_changes_of_a_transaction_have_one_revision),
	    TEST(compares_are_of_the_state_before_the_transaction_nested_ones_too),
	    TEST(an_absent_key_compares_as_zero_but_has_no_value),
	    TEST(a_compare_of_a_range_is_of_every_key_in_it),
	    TEST(the_id_of_a_directory_compares_with_or_without_its_marker),
	    TEST(a_failed_compare_takes_the_other_branch_and_changes_nothing_else),
	    TEST(a_read_sees_what_the_transaction_wrote_before_it),
	    TEST(a_read_of_a_future_or_compacted_revision_refuses_the_whole),
	    TEST(a_put_can_keep_value_lease_and_attr),
	    TEST(an_attr_that_a_newer_value_was_put_beside_is_older),
	    TEST(keeping_what_is_not_there_refuses_the_whole),
	    TEST(a_put_with_an_unknown_lease_refuses_the_whole),
	    TEST(a_caller_may_name_an_id_of_its_own_or_one_that_was_given),
	    TEST(previous_records_come_when_they_are_wanted),
	    TEST(the_observer_sees_each_revision_with_what_was_before),
	    TEST(the_change_log_tells_the_same_later),
	    TEST(a_view_stays_as_it_was),
	    TEST(a_key_can_be_read_as_it_was_at_each_revision),
	    TEST(the_state_is_there_after_a_restart),
	    TEST(a_transaction_that_changes_nothing_is_read_from_a_view),
	    TEST(a_transaction_that_changes_nothing_can_be_read_in_pieces),
	};
	return UNIT_RUN(tests);
}

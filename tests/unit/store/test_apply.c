/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions, compaction, the configuration, time: what commands do beside transactions. */
#include "base/buffer.h"
#include "base/limits.h"
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

/* ---- sessions ---- */

static uint64_t open_session(struct fixture *f, uint64_t member, uint64_t nonce)
{
	f->session = 0;
	struct kv_command command = {.kind = KV_COMMAND_SESSION, .session_open = {member, nonce}};
	struct kv_result *result = fixture_apply(f, &command);
	uint64_t session = result->session;
	assert_int_equal(result->err, ERR_OK);
	kv_result_free(result);
	return session;
}

static void say_as(struct fixture *f, uint64_t session, uint64_t sequence, uint64_t done_below)
{
	f->session = session;
	f->sequence = sequence;
	f->done_below = done_below;
}

static void a_repeated_proposal_has_the_first_ones_outcome_and_no_effect(void **state)
{
	struct fixture *f = *state;
	uint64_t session = open_session(f, 1, 10);
	say_as(f, session, 1, 1);
	struct kv_compare absent = {.target = KV_CREATE, .result = KV_EQUAL, .range = {.start = B("/a")}};
	struct kv_op put = PUT(.key = B("/a"));
	struct kv_txn create = {.compares = &absent, .compare_count = 1, .success = &put, .success_count = 1};
	struct kv_result *first = fixture_txn(f, &create), *again = fixture_txn(f, &create);
	assert_true(first->succeeded);
	assert_true(again->succeeded);
	assert_int_equal(again->index, first->index);
	assert_int_equal(again->revision, first->revision);
	assert_int_equal(fixture_get(f, "/a").version, 1);
	kv_result_free(first);
	kv_result_free(again);
}

static void refusals_are_remembered_too(void **state)
{
	struct fixture *f = *state;
	uint64_t session = open_session(f, 1, 10);
	say_as(f, session, 1, 1);
	struct kv_op put = PUT(.key = B("/a"), .keep_value = true);
	assert_int_equal(fixture_op(f, put), ERR_NOT_FOUND);
	f->session = 0;
	assert_int_equal(fixture_put(f, "/a", ""), ERR_OK);
	say_as(f, session, 1, 1);
	assert_int_equal(fixture_op(f, put), ERR_NOT_FOUND);
}

static void a_newer_session_of_the_member_ends_the_older_one(void **state)
{
	struct fixture *f = *state;
	uint64_t older = open_session(f, 1, 10), other = open_session(f, 2, 10);
	assert_int_equal(open_session(f, 1, 10), older); /* the same request again */
	uint64_t newer = open_session(f, 1, 11);
	assert_true(newer != older && newer != other && other != older);
	say_as(f, older, 1, 1);
	assert_int_equal(fixture_put(f, "/a", ""), ERR_STALE_SESSION);
	assert_false(fixture_has(f, "/a"));
	say_as(f, newer, 1, 1);
	assert_int_equal(fixture_put(f, "/a", ""), ERR_OK);
	say_as(f, other, 1, 1);
	assert_int_equal(fixture_put(f, "/b", ""), ERR_OK);
}

static void what_was_answered_is_forgotten_and_never_applied_again(void **state)
{
	struct fixture *f = *state;
	uint64_t session = open_session(f, 1, 10);
	say_as(f, session, 1, 1);
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_OK);
	say_as(f, session, 3, 2);
	assert_int_equal(fixture_put(f, "/b", "3"), ERR_OK);
	say_as(f, session, 1, 1);
	assert_int_equal(fixture_put(f, "/a", "1"), ERR_STALE_SESSION);
	say_as(f, session, 2, 2);
	assert_int_equal(fixture_put(f, "/c", "2"), ERR_OK);
	assert_int_equal(fixture_get(f, "/a").version, 1);
	struct kv_result *result = NULL;
	assert_int_equal(store_session_outcome(f->store, session, 1, &result), ERR_STALE_SESSION);
	assert_int_equal(store_session_outcome(f->store, session, 4, &result), ERR_NOT_FOUND);
	assert_int_equal(store_session_outcome(f->store, session + 100, 1, &result), ERR_STALE_SESSION);
	assert_int_equal(store_session_outcome(f->store, session, 3, &result), ERR_OK);
	assert_int_equal(result->revision, 3);
	assert_true(result->succeeded);
	kv_result_free(result);
}

static void sessions_outlive_a_restart(void **state)
{
	struct fixture *f = *state;
	uint64_t session = open_session(f, 1, 10);
	for (uint64_t sequence = 1; sequence <= 100; sequence++) {
		say_as(f, session, sequence, sequence > 10 ? sequence - 10 : 1);
		assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
	}
	fixture_reopen(f);
	assert_int_equal(open_session(f, 1, 10), session);
	say_as(f, session, 95, 90);
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
	assert_int_equal(fixture_get(f, "/a").version, 100);
	say_as(f, session, 89, 89);
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_STALE_SESSION);
	say_as(f, session, 101, 100);
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
	assert_int_equal(fixture_get(f, "/a").version, 101);
}

static void a_floor_that_leaps_does_no_harm(void **state)
{
	struct fixture *f = *state;
	uint64_t session = open_session(f, 1, 10);
	say_as(f, session, 5, 1);
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
	say_as(f, session, UINT64_MAX, UINT64_MAX);
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_OK);
	say_as(f, session, 5, 1);
	assert_int_equal(fixture_put(f, "/a", "x"), ERR_STALE_SESSION);
}

/* More than a session may remember, because its first proposal is never answered. */
static void a_session_that_remembers_too_much_forgets_its_oldest_everywhere_alike(void **state)
{
	struct fixture *f = *state;
	enum { SEQUENCES = 16384 + 100, BATCH = 128 };
	uint64_t session = open_session(f, 1, 10);
	struct buffer buffer[BATCH];
	struct store_entry entries[BATCH];
	for (size_t i = 0; i < BATCH; i++)
		buffer_init(&buffer[i], 4096);
	for (uint64_t sequence = 1; sequence <= SEQUENCES; sequence += BATCH) {
		for (uint64_t i = 0; i < BATCH; i++) {
			struct kv_command command = {
			    .kind = KV_COMMAND_TXN, .session = session, .sequence = sequence + i, .done_below = 1};
			buffer_clear(&buffer[i]);
			assert_int_equal(kv_command_encode(&command, &buffer[i]), ERR_OK);
			entries[i] =
			    (struct store_entry){.index = ++f->index, .term = 1, .payload = buffer_bytes(&buffer[i])};
		}
		store_apply(f->store, entries, BATCH, NULL, NULL);
	}
	for (size_t i = 0; i < BATCH; i++)
		buffer_fini(&buffer[i]);
	for (int round = 0; round < 2; round++) {
		struct kv_result *result = NULL;
		uint64_t last = (SEQUENCES + BATCH - 1) / BATCH * BATCH, lowest = last - 16384 + 1;
		assert_int_equal(store_session_outcome(f->store, session, lowest - 1, &result), ERR_STALE_SESSION);
		assert_int_equal(store_session_outcome(f->store, session, lowest, &result), ERR_OK);
		kv_result_free(result);
		fixture_reopen(f);
	}
}

/* ---- compaction ---- */

static void compaction_hides_what_is_below_and_keeps_what_is_read_at_it(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", "2"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "3"), ERR_OK);
	assert_int_equal(fixture_put(f, "/b", "4"), ERR_OK);
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", "6"), ERR_OK);
	assert_int_equal(fixture_compact(f, 4), ERR_OK);
	assert_int_equal(fixture_compact(f, 4), ERR_COMPACTED);
	assert_int_equal(fixture_compact(f, 7), ERR_FUTURE);
	assert_int_equal(fixture_revision(f), 6);
	assert_string_equal(fixture_range(f, "/", "0", 4), "/a=3 /b=4");
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_record record;
	struct kv_change change;
	assert_int_equal(kv_view_compacted(view), 4);
	assert_int_equal(kv_get_at(view, B("/a"), 3, &f->arena, &record), ERR_COMPACTED);
	assert_int_equal(kv_change_from(view, 3, &f->arena, &change), ERR_COMPACTED);
	assert_int_equal(kv_change_from(view, 4, &f->arena, &change), ERR_OK);
	assert_int_equal(change.revision, 4);
	assert_int_equal(kv_change_until(view, 4, &f->arena, &change), ERR_OK);
	kv_view_close(view);
}

static void a_fresh_store_may_be_compacted_at_0(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_compact(f, 0), ERR_OK);
	assert_int_equal(fixture_compact(f, 0), ERR_COMPACTED);
}

/* ---- configuration, time ---- */

static void a_new_cluster_begins_with_its_members_and_configuration(void **state)
{
	struct fixture *f = *state;
	fixture_stop(f);
	struct kv_member members[] = {{.id = 1, .name = "n1", .peer_urls = "tcp://a:1", .client_urls = ""},
	                              {.id = 2, .name = "n2", .peer_urls = "tcp://a:2", .client_urls = ""}};
	struct store_options options = {
	    .directory = f->directory, .initial_members = members, .initial_member_count = 2};
	assert_int_equal(store_open(&options, &f->store), ERR_OK);
	f->kv = store_kv(f->store);
	assert_int_equal(store_config_begin(f->store, B("config zero")), ERR_OK);
	struct bytes payload;
	assert_int_equal(store_config(f->store, &f->arena, &payload), ERR_OK);
	assert_bytes(payload, "config zero");
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_member_list list;
	assert_int_equal(kv_members(view, &f->arena, &list), ERR_OK);
	kv_view_close(view);
	assert_int_equal(list.count, 2);
	struct store_entry entry = {.index = 1, .term = 1, .is_config = true, .payload = B("config one")};
	store_apply(f->store, &entry, 1, NULL, NULL);
	fixture_reopen(f);
	assert_int_equal(store_config(f->store, &f->arena, &payload), ERR_OK);
	assert_bytes(payload, "config one");
	assert_int_equal(store_applied(f->store), 1);
}

static void time_never_goes_back(void **state)
{
	struct fixture *f = *state;
	f->time_ns = 5000;
	assert_int_equal(fixture_put(f, "/a", ""), ERR_OK);
	f->time_ns = 10;
	assert_int_equal(fixture_put(f, "/b", ""), ERR_OK);
	assert_int_equal(fixture_get(f, "/b").time_ns, 5001);
	fixture_reopen(f);
	assert_int_equal(fixture_put(f, "/c", ""), ERR_OK);
	assert_int_equal(fixture_get(f, "/c").time_ns, 5001);
}

static void stats_are_exact(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .value = B("12345"), .attr = B("123"))), ERR_OK);
	assert_int_equal(fixture_put(f, "/b", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/b", "123"), ERR_OK);
	assert_int_equal(fixture_put(f, "/c", "1"), ERR_OK);
	assert_int_equal(fixture_delete(f, "/c"), ERR_OK);
	fixture_reopen(f);
	struct kv_view *view = kv_view_open(f->kv);
	struct kv_stats stats;
	assert_int_equal(kv_stats(view, &stats), ERR_OK);
	kv_view_close(view);
	assert_int_equal(stats.keys, 2);
	assert_int_equal(stats.value_bytes, 2 + 5 + 3 + 2 + 3);
}

/* ---- admission ---- */

static enum err admit(struct store *store, const struct kv_op *op)
{
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = op, .success_count = 1}};
	return store_admit(store, &command);
}

static void what_can_never_be_applied_is_refused_before_it_is_proposed(void **state)
{
	struct fixture *f = *state;
	static const uint8_t zeros[LIMIT_KEY_BYTES + 1];
	assert_int_equal(admit(f->store, &(struct kv_op)PUT(.key = B(""))), ERR_INVALID);
	assert_int_equal(admit(f->store, &(struct kv_op)PUT(.key = bytes_of(zeros, sizeof zeros))), ERR_TOO_LARGE);
	assert_int_equal(admit(f->store, &(struct kv_op)PUT(.key = bytes_of(zeros, sizeof zeros - 1))), ERR_OK);
	assert_int_equal(admit(f->store, &(struct kv_op)DELETE(.range = {.start = B("")})), ERR_INVALID);
	assert_int_equal(admit(f->store, &(struct kv_op)MOVE("/a/", "/a/b/")), ERR_INVALID);
}

/* ---- flushing ---- */

static void a_flush_makes_what_was_applied_trimmable(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_put(f, "/a", ""), ERR_OK);
	assert_int_equal(fixture_put(f, "/b", ""), ERR_OK);
	uint64_t applied = store_applied(f->store);
	assert_int_equal(store_flushed(f->store), 0);
	store_flush(f->store);
	while (store_flushed(f->store) < applied)
		;
	assert_int_equal(store_flushed(f->store), applied);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_repeated_proposal_has_the_first_ones_outcome_and_no_effect),
	    TEST(refusals_are_remembered_too),
	    TEST(a_newer_session_of_the_member_ends_the_older_one),
	    TEST(what_was_answered_is_forgotten_and_never_applied_again),
	    TEST(sessions_outlive_a_restart),
	    TEST(a_floor_that_leaps_does_no_harm),
	    TEST(a_session_that_remembers_too_much_forgets_its_oldest_everywhere_alike),
	    TEST(compaction_hides_what_is_below_and_keeps_what_is_read_at_it),
	    TEST(a_fresh_store_may_be_compacted_at_0),
	    TEST(a_new_cluster_begins_with_its_members_and_configuration),
	    TEST(time_never_goes_back),
	    TEST(stats_are_exact),
	    TEST(what_can_never_be_applied_is_refused_before_it_is_proposed),
	    TEST(a_flush_makes_what_was_applied_trimmable),
	};
	return UNIT_RUN(tests);
}

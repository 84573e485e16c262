/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lease.h"

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

static void a_revoked_lease_takes_its_keys_with_it_in_one_revision(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_grant(f, -5, 10), ERR_OK);
	assert_int_equal(fixture_grant(f, -5, 10), ERR_LEASE_EXISTS);
	assert_int_equal(fixture_grant(f, 6, 10), ERR_OK);
	assert_int_equal(fixture_grant(f, 7, 0), ERR_INVALID);
	assert_int_equal(fixture_revision(f), 1);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/c"), .lease = -5), PUT(.key = B("/a"), .lease = -5),
	                             PUT(.key = B("/other"), .lease = 6), PUT(.key = B("/free"))),
	                 ERR_OK);
	fixture_reopen(f);
	assert_int_equal(fixture_revoke(f, -5), ERR_OK);
	assert_int_equal(fixture_revision(f), 3);
	assert_string_equal(fixture_range(f, "/", "0", 0), "/free= /other=");
	const struct kv_change *change = &f->changes[f->change_count - 1];
	assert_int_equal(change->event_count, 2);
	assert_bytes(change->events[0].record.key, "/a");
	assert_bytes(change->events[1].record.key, "/c");
	assert_int_equal(fixture_revoke(f, -5), ERR_LEASE_NOT_FOUND);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/x"), .lease = -5)), ERR_LEASE_NOT_FOUND);
}

static void a_put_without_the_lease_lets_go_of_it(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_grant(f, 5, 10), ERR_OK);
	assert_int_equal(fixture_grant(f, 6, 10), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .lease = 5)), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/b"), .lease = 5)), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/c"), .lease = 5)), ERR_OK);
	assert_int_equal(fixture_put(f, "/a", ""), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/b"), .lease = 6)), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/c"), .keep_lease = true)), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, MOVE("/c", "/d")), ERR_OK);
	assert_int_equal(fixture_revoke(f, 5), ERR_OK);
	assert_string_equal(fixture_range(f, "/", "0", 0), "/a= /b=");
}

/* ---- what the leader says ---- */

static enum err expire(struct fixture *f, int64_t id, uint64_t term)
{
	struct kv_command command = {.kind = KV_COMMAND_LEASE_EXPIRE, .lease_expire = {id, term}};
	struct kv_result *result = fixture_apply(f, &command);
	enum err err = result->err;
	kv_result_free(result);
	return err;
}

static enum err checkpoint(struct fixture *f, uint64_t term, const struct kv_lease_left *lefts, size_t count)
{
	struct kv_command command = {.kind = KV_COMMAND_LEASE_CHECKPOINT, .lease_checkpoint = {term, lefts, count}};
	struct kv_result *result = fixture_apply(f, &command);
	enum err err = result->err;
	kv_result_free(result);
	return err;
}

static int64_t left_ms(struct fixture *f, int64_t id)
{
	struct kv_lease lease;
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_lease(view, id, &lease), ERR_OK);
	assert_int_equal(lease.id, id);
	kv_view_close(view);
	return lease.left_ms;
}

static void what_a_leader_decided_has_no_effect_in_another_term(void **state)
{
	struct fixture *f = *state;
	const struct kv_lease_left left = {5, 100};
	f->term = 3;
	assert_int_equal(fixture_grant(f, 5, 10), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/a"), .lease = 5)), ERR_OK);
	assert_int_equal(expire(f, 5, 2), ERR_NOT_LEADER);
	assert_int_equal(expire(f, 5, 4), ERR_NOT_LEADER);
	assert_int_equal(checkpoint(f, 2, &left, 1), ERR_NOT_LEADER);
	assert_int_equal(left_ms(f, 5), 10000);
	assert_true(fixture_has(f, "/a"));
	assert_int_equal(checkpoint(f, 3, &left, 1), ERR_OK);
	assert_int_equal(left_ms(f, 5), 100);
	assert_int_equal(expire(f, 5, 3), ERR_OK);
	assert_false(fixture_has(f, "/a"));
	assert_int_equal(expire(f, 5, 3), ERR_LEASE_NOT_FOUND);
}

static void what_is_left_is_kept_and_never_more_than_was_granted(void **state)
{
	struct fixture *f = *state;
	const struct kv_lease_left lefts[] = {{-5, 4000}, {6, 99999}, {7, -1}, {8, 1}};
	assert_int_equal(fixture_grant(f, -5, 10), ERR_OK);
	assert_int_equal(fixture_grant(f, 6, 20), ERR_OK);
	assert_int_equal(fixture_grant(f, 7, 30), ERR_OK);
	assert_int_equal(checkpoint(f, f->term, lefts, 4), ERR_OK); /* 8 is gone: passed over */
	fixture_reopen(f);
	assert_int_equal(left_ms(f, -5), 4000);
	assert_int_equal(left_ms(f, 6), 20000);
	assert_int_equal(left_ms(f, 7), 0);
	assert_int_equal(fixture_revision(f), 1);
}

static void observers_are_told_in_order(void **state)
{
	struct fixture *f = *state;
	const struct kv_lease_left left = {5, 700};
	assert_int_equal(fixture_grant(f, 5, 10), ERR_OK);
	assert_int_equal(fixture_grant(f, 5, 10), ERR_LEASE_EXISTS);
	assert_int_equal(checkpoint(f, f->term, &left, 1), ERR_OK);
	assert_int_equal(fixture_revoke(f, 5), ERR_OK);
	assert_int_equal(fixture_revoke(f, 5), ERR_LEASE_NOT_FOUND);
	assert_int_equal(f->lease_event_count, 3);
	assert_int_equal(f->lease_events[0].type, KV_LEASE_GRANTED);
	assert_int_equal(f->lease_events[0].index, 1);
	assert_int_equal(f->lease_events[0].lease.ttl_s, 10);
	assert_int_equal(f->lease_events[0].lease.left_ms, 10000);
	assert_int_equal(f->lease_events[1].type, KV_LEASE_CHECKPOINTED);
	assert_int_equal(f->lease_events[1].index, 3);
	assert_int_equal(f->lease_events[1].lease.left_ms, 700);
	assert_int_equal(f->lease_events[2].type, KV_LEASE_ENDED);
	assert_int_equal(f->lease_events[2].lease.id, 5);
}

/* ---- reading ---- */

static void leases_are_listed_some_at_a_time(void **state)
{
	struct fixture *f = *state;
	static const int64_t ids[] = {1, 7, INT64_MAX, INT64_MIN, -1};
	int64_t after = 0;
	for (size_t i = 5; i > 0; i--)
		assert_int_equal(fixture_grant(f, ids[i - 1], 10), ERR_OK);
	struct kv_view *view = kv_view_open(f->kv);
	for (size_t seen = 0, page = 2; seen < 5; seen += page) {
		struct kv_lease_list list;
		assert_int_equal(kv_leases(view, after, page, &f->arena, &list), ERR_OK);
		assert_int_equal(list.count, 5 - seen < page ? 5 - seen : page);
		for (size_t i = 0; i < list.count; i++)
			assert_int_equal(list.leases[i].id, ids[seen + i]);
		after = list.leases[list.count - 1].id;
	}
	struct kv_lease lease;
	assert_int_equal(kv_lease(view, 2, &lease), ERR_LEASE_NOT_FOUND);
	kv_view_close(view);
}

static void the_keys_of_a_lease_are_listed(void **state)
{
	struct fixture *f = *state;
	struct kv_key_list list;
	assert_int_equal(fixture_grant(f, 5, 10), ERR_OK);
	assert_int_equal(fixture_grant(f, 6, 10), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, PUT(.key = B("/b"), .lease = 5), PUT(.key = B("/a"), .lease = 5),
	                             PUT(.key = B("/c"), .lease = 6)),
	                 ERR_OK);
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_lease_keys(view, 5, &f->arena, &list), ERR_OK);
	assert_int_equal(list.count, 2);
	assert_bytes(list.keys[0], "/a");
	assert_bytes(list.keys[1], "/b");
	assert_int_equal(kv_lease_keys(view, 4, &f->arena, &list), ERR_OK);
	assert_int_equal(list.count, 0);
	kv_view_close(view);
}

/* ---- in one batch ---- */

static struct store_entry entry_of(struct fixture *f, const struct kv_command *command)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, LIMIT_ENTRY_BYTES);
	assert_int_equal(kv_command_encode(command, &buffer), ERR_OK);
	return (struct store_entry){.index = ++f->index,
	                            .term = f->term,
	                            .time_ns = ++f->time_ns,
	                            .payload = arena_dup(&f->arena, buffer_bytes(&buffer))};
}

static void entries_of_one_batch_see_what_came_before(void **state)
{
	struct fixture *f = *state;
	const struct kv_op put = PUT(.key = B("/a"), .lease = 5);
	const struct kv_command granted = {.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {5, 10}},
	                        revoked = {.kind = KV_COMMAND_LEASE_REVOKE, .lease_revoke = {5}},
	                        txn = {.kind = KV_COMMAND_TXN, .txn = {.success = &put, .success_count = 1}};
	const struct kv_command *commands[] = {&granted, &granted, &txn, &revoked, &txn, &revoked, &granted, &txn};
	static const enum err errs[] = {
	    ERR_OK, ERR_LEASE_EXISTS, ERR_OK, ERR_OK, ERR_LEASE_NOT_FOUND, ERR_LEASE_NOT_FOUND, ERR_OK, ERR_OK};
	struct store_entry entries[8];
	struct kv_result *results[8];
	static const bool wanted[8] = {true, true, true, true, true, true, true, true};
	for (size_t i = 0; i < 8; i++)
		entries[i] = entry_of(f, commands[i]);
	store_apply(f->store, entries, 8, wanted, results);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(results[i]->err, errs[i]);
		kv_result_free(results[i]);
	}
	assert_int_equal(fixture_get(f, "/a").version, 1);
	assert_int_equal(fixture_revision(f), 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_revoked_lease_takes_its_keys_with_it_in_one_revision),
	    TEST(a_put_without_the_lease_lets_go_of_it),
	    TEST(what_a_leader_decided_has_no_effect_in_another_term),
	    TEST(what_is_left_is_kept_and_never_more_than_was_granted),
	    TEST(observers_are_told_in_order),
	    TEST(leases_are_listed_some_at_a_time),
	    TEST(the_keys_of_a_lease_are_listed),
	    TEST(entries_of_one_batch_see_what_came_before),
	};
	return UNIT_RUN(tests);
}

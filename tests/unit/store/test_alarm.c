/* SPDX-License-Identifier: Apache-2.0 */
/* The quota, and alarms: what is refused, and until when. */
#include <string.h>

#include "base/limits.h"
#include "tests/unit/store/fixture.h"

enum { QUOTA = 1600, A_SIXTEENTH = QUOTA / 16, PROPOSER = 7 /* of all that the fixture applies */ };

static const char zeros[QUOTA + 1];

static struct bytes value_of(size_t size)
{
	return bytes_of(zeros, size);
}

static int setup(void **state)
{
	static struct fixture fixture;
	fixture_open(&fixture);
	fixture.quota_bytes = QUOTA;
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static enum err put(struct fixture *f, const char *key, size_t value_bytes)
{
	return fixture_op(
	    f, (struct kv_op)PUT(.key = bytes_of_string(key), .value = value_of(value_bytes), .keep_attr = true));
}

static int64_t used(struct fixture *f)
{
	struct kv_stats stats;
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_stats(view, &stats), ERR_OK);
	kv_view_close(view);
	return stats.value_bytes;
}

static struct kv_alarm_list alarms(struct fixture *f)
{
	struct kv_alarm_list list;
	struct kv_view *view = kv_view_open(f->kv);
	assert_int_equal(kv_alarms(view, &f->arena, &list), ERR_OK);
	kv_view_close(view);
	return list;
}

static enum err say(struct fixture *f, enum kv_alarm_action action, enum kv_alarm_kind kind, uint64_t member,
                    bool by_itself)
{
	struct kv_command command = {.kind = KV_COMMAND_ALARM};
	command.alarm.action = action;
	command.alarm.kind = kind;
	command.alarm.member = member;
	command.alarm.by_itself = by_itself;
	struct kv_result *result = fixture_apply(f, &command);
	enum err err = result->err;
	if (err == ERR_OK && !result->succeeded)
		err = ERR_NOT_FOUND; /* there was none */
	kv_result_free(result);
	return err;
}

static enum err admit(struct fixture *f, const struct kv_op *op)
{
	struct kv_command command = {
	    .kind = KV_COMMAND_TXN, .quota_bytes = f->quota_bytes, .txn = {.success = op, .success_count = 1}};
	return store_admit(f->store, &command);
}

static enum err admit_put(struct fixture *f, const char *key, size_t value_bytes)
{
	return admit(f, &(struct kv_op)PUT(.key = bytes_of_string(key), .value = value_of(value_bytes)));
}

/* To the last byte, and one more. */
static void fill(struct fixture *f)
{
	assert_int_equal(put(f, "/full", QUOTA - 5), ERR_OK);
	assert_int_equal(used(f), QUOTA);
	assert_int_equal(put(f, "/x", 0), ERR_QUOTA);
}

/* ---- the quota ---- */

static void the_quota_is_met_to_the_byte_and_never_passed(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "/a", 1000), ERR_OK);
	assert_int_equal(put(f, "/b", QUOTA - 1002 - 2 + 1), ERR_QUOTA);
	assert_false(fixture_has(f, "/b"));
	assert_int_equal(fixture_revision(f), 2);
	assert_int_equal(used(f), 1002);
	assert_int_equal(say(f, KV_ALARM_CLEAR, KV_ALARM_NOSPACE, PROPOSER, false), ERR_OK);
	assert_int_equal(put(f, "/b", QUOTA - 1002 - 2), ERR_OK);
	assert_int_equal(used(f), QUOTA);
}

static void a_transaction_is_refused_as_a_whole(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "/a", 100), ERR_OK);
	assert_int_equal(FIXTURE_OPS(f, DELETE(.range = {.start = B("/a")}),
	                             PUT(.key = B("/b"), .value = value_of(800)),
	                             PUT(.key = B("/c"), .value = value_of(800))),
	                 ERR_QUOTA);
	assert_true(fixture_has(f, "/a"));
	assert_false(fixture_has(f, "/b"));
	assert_int_equal(f->change_count, 1);
}

static void what_does_not_grow_is_always_possible(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_grant(f, 5, 60), ERR_OK);
	assert_int_equal(fixture_op(f, (struct kv_op)PUT(.key = B("/d/e"), .lease = 5)), ERR_OK);
	assert_int_equal(put(f, "/full", QUOTA - 5 - 4), ERR_OK);
	assert_int_equal(put(f, "/x", 0), ERR_QUOTA);
	assert_int_equal(put(f, "/full", QUOTA - 5 - 4), ERR_OK); /* the same size again */
	assert_int_equal(put(f, "/full", QUOTA - 5 - 4 + 1), ERR_QUOTA);
	assert_int_equal(fixture_compact(f, 2), ERR_OK);
	/* An entry goes, and its directory stays: a marker is put in its place. */
	assert_int_equal(
	    FIXTURE_OPS(f, DELETE(.range = {.start = B("/d/e")}), PUT(.key = B("/d/"), .attr = B("0123456789"))),
	    ERR_OK);
	assert_true(used(f) > QUOTA);
	assert_int_equal(
	    FIXTURE_OPS(f, DELETE(.range = {.start = B("/d/")}), PUT(.key = B("/longer"), .attr = B("0123456789"))),
	    ERR_QUOTA);
	assert_int_equal(fixture_revoke(f, 5), ERR_OK);
	assert_int_equal(fixture_delete(f, "/full"), ERR_OK);
}

static void without_a_quota_there_is_none(void **state)
{
	struct fixture *f = *state;
	f->quota_bytes = 0;
	assert_int_equal(put(f, "/a", QUOTA), ERR_OK);
	assert_int_equal(put(f, "/b", QUOTA), ERR_OK);
	assert_int_equal(alarms(f).count, 0);
}

/* ---- NOSPACE, raised by itself ---- */

static void a_write_that_is_refused_for_space_raises_an_alarm(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(alarms(f).count, 0);
	fill(f);
	assert_int_equal(put(f, "/y", 0), ERR_QUOTA); /* the alarm is there already */
	struct kv_alarm_list list = alarms(f);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.alarms[0].kind, KV_ALARM_NOSPACE);
	assert_int_equal(list.alarms[0].member, PROPOSER);
	assert_true(list.alarms[0].by_itself);
	assert_int_equal(list.alarms[0].quota, QUOTA);
	assert_int_equal(fixture_grant(f, 5, 60), ERR_QUOTA);
	fixture_reopen(f);
	assert_int_equal(alarms(f).count, 1);
	assert_int_equal(put(f, "/x", 0), ERR_QUOTA);
}

static void the_alarm_ends_when_a_part_of_the_quota_is_free_again(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "/a", A_SIXTEENTH / 2), ERR_OK);
	assert_int_equal(put(f, "/b", A_SIXTEENTH / 2), ERR_OK);
	assert_int_equal(put(f, "/full", QUOTA - used(f) - 5), ERR_OK);
	assert_int_equal(put(f, "/x", 0), ERR_QUOTA);
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	assert_int_equal(alarms(f).count, 1);
	assert_int_equal(put(f, "/x", 0), ERR_QUOTA); /* there would be room: not yet */
	assert_int_equal(fixture_delete(f, "/b"), ERR_OK);
	assert_int_equal(alarms(f).count, 0);
	assert_int_equal(put(f, "/x", 0), ERR_OK);
	assert_int_equal(fixture_grant(f, 5, 60), ERR_OK);
}

static void keys_that_end_with_their_lease_give_room_too(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(fixture_grant(f, 5, 60), ERR_OK);
	assert_int_equal(fixture_op(f, (struct kv_op)PUT(.key = B("/l"), .value = value_of(400), .lease = 5)), ERR_OK);
	assert_int_equal(put(f, "/full", QUOTA - used(f) - 5), ERR_OK);
	assert_int_equal(put(f, "/x", 0), ERR_QUOTA);
	assert_int_equal(fixture_revoke(f, 5), ERR_OK);
	assert_int_equal(alarms(f).count, 0);
}

/* One that asks for too much at once stops nobody else. */
static void a_store_that_is_not_full_goes_on(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "/a", QUOTA), ERR_QUOTA);
	assert_int_equal(alarms(f).count, 1);
	assert_int_equal(put(f, "/b", QUOTA / 2 + 1), ERR_QUOTA);
	assert_int_equal(put(f, "/b", 1), ERR_OK);
	assert_int_equal(alarms(f).count, 0);
}

static void an_alarm_is_cleared_by_hand_and_comes_again(void **state)
{
	struct fixture *f = *state;
	fill(f);
	assert_int_equal(say(f, KV_ALARM_CLEAR, KV_ALARM_NOSPACE, PROPOSER + 1, false), ERR_NOT_FOUND);
	assert_int_equal(say(f, KV_ALARM_CLEAR, KV_ALARM_NOSPACE, PROPOSER, false), ERR_OK);
	assert_int_equal(alarms(f).count, 0);
	assert_int_equal(fixture_grant(f, 5, 60), ERR_OK);
	assert_int_equal(put(f, "/x", 0), ERR_QUOTA);
	assert_int_equal(alarms(f).count, 1);
	f->quota_bytes = 2 * QUOTA; /* a larger one, once the alarm is cleared */
	assert_int_equal(put(f, "/x", 0), ERR_QUOTA);
	assert_int_equal(say(f, KV_ALARM_CLEAR, KV_ALARM_NOSPACE, PROPOSER, false), ERR_OK);
	assert_int_equal(put(f, "/x", 0), ERR_OK);
}

/* ---- admission ---- */

static void the_first_is_decided_at_its_entry_and_the_others_before(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "/full", QUOTA - 5), ERR_OK);
	assert_int_equal(admit_put(f, "/x", 1), ERR_OK);
	assert_int_equal(put(f, "/x", 1), ERR_QUOTA);
	assert_int_equal(admit_put(f, "/x", 1), ERR_QUOTA);
	/* What replaces something counts by what it adds. */
	assert_int_equal(admit_put(f, "/full", QUOTA - 5), ERR_OK);
	assert_int_equal(admit_put(f, "/full", QUOTA - 4), ERR_QUOTA);
	assert_int_equal(admit(f, &(struct kv_op)PUT(.key = B("/full"), .keep_value = true)), ERR_OK);
	assert_int_equal(admit(f, &(struct kv_op)DELETE(.range = {.start = B("/full")})), ERR_OK);
	assert_int_equal(admit(f, &(struct kv_op)MOVE("/full", "/x")), ERR_OK);
	const struct kv_op ops[] = {DELETE(.range = {.start = B("/full")}), PUT(.key = B("/d/"), .attr = B("0"))};
	const struct kv_txn txn = {.success = ops, .success_count = 2};
	assert_int_equal(admit(f, &(struct kv_op){.kind = KV_TXN, .txn = &txn}), ERR_OK);
}

/* ---- by hand ---- */

static void nospace_by_hand_stops_puts_until_it_is_cleared(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "/a", 1), ERR_OK);
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_NOSPACE, 99, false), ERR_OK);
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_NOSPACE, 99, false), ERR_OK); /* as it is */
	assert_int_equal(alarms(f).count, 1);
	assert_int_equal(put(f, "/a", 0), ERR_QUOTA); /* also what would make it smaller */
	assert_int_equal(admit_put(f, "/a", 0), ERR_QUOTA);
	assert_int_equal(fixture_grant(f, 5, 60), ERR_QUOTA);
	assert_int_equal(fixture_compact(f, 2), ERR_OK);
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
	assert_int_equal(alarms(f).count, 1); /* there is room, but who raised it has to clear it */
	assert_int_equal(say(f, KV_ALARM_CLEAR, KV_ALARM_NOSPACE, 99, false), ERR_OK);
	assert_int_equal(put(f, "/a", 1), ERR_OK);
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_NOSPACE, 99, true), ERR_INVALID);
}

static void corrupt_by_hand_stops_all_changes(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(put(f, "/a", 1), ERR_OK);
	assert_int_equal(fixture_grant(f, 4, 60), ERR_OK);
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_CORRUPT, 99, false), ERR_OK);
	assert_int_equal(put(f, "/a", 0), ERR_CORRUPT);
	assert_int_equal(fixture_delete(f, "/a"), ERR_CORRUPT);
	assert_int_equal(fixture_compact(f, 2), ERR_CORRUPT);
	assert_int_equal(fixture_grant(f, 5, 60), ERR_CORRUPT);
	assert_int_equal(fixture_revoke(f, 4), ERR_CORRUPT);
	assert_int_equal(admit(f, &(struct kv_op)DELETE(.range = {.start = B("/a")})), ERR_CORRUPT);
	assert_int_equal(fixture_op(f, (struct kv_op)RANGE(.range = {.start = B("/a")})), ERR_OK);
	fixture_reopen(f);
	assert_int_equal(fixture_delete(f, "/a"), ERR_CORRUPT);
	assert_int_equal(say(f, KV_ALARM_CLEAR, KV_ALARM_CORRUPT, 99, false), ERR_OK);
	assert_int_equal(fixture_delete(f, "/a"), ERR_OK);
}

/* The member that differs has taken itself out; the others go on. */
static void corrupt_by_itself_is_shown_and_stops_nothing(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_CORRUPT, 99, true), ERR_OK);
	assert_int_equal(alarms(f).count, 1);
	assert_int_equal(put(f, "/a", 1), ERR_OK);
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_CORRUPT, 99, false), ERR_OK);
	assert_int_equal(put(f, "/a", 1), ERR_CORRUPT);
}

static void alarms_of_a_removed_member_that_differed_go_with_it(void **state)
{
	struct fixture *f = *state;
	const struct kv_member facts[] = {{.id = 8, .name = "a"}, {.id = 9, .name = "b"}};
	struct store_entry entry = {.index = ++f->index,
	                            .term = 1,
	                            .is_config = true,
	                            .payload = B("c"),
	                            .members = (const uint64_t[]){8, 9},
	                            .member_count = 2,
	                            .facts = facts,
	                            .fact_count = 2};
	store_apply(f->store, &entry, 1, NULL, NULL);
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_CORRUPT, 8, true), ERR_OK);
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_CORRUPT, 9, true), ERR_OK);
	entry.index = ++f->index;
	entry.member_count = 1;
	store_apply(f->store, &entry, 1, NULL, NULL);
	struct kv_alarm_list list = alarms(f);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.alarms[0].member, 8);
}

static void there_is_a_bound_on_alarms(void **state)
{
	struct fixture *f = *state;
	for (uint64_t member = 1; member <= KV_ALARMS_MAX; member++)
		assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_CORRUPT, 1000 + member, true), ERR_OK);
	assert_int_equal(say(f, KV_ALARM_RAISE, KV_ALARM_CORRUPT, 1, false), ERR_LIMIT);
	fill(f); /* refused all the same */
	assert_int_equal(alarms(f).count, KV_ALARMS_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(the_quota_is_met_to_the_byte_and_never_passed),
	    TEST(a_transaction_is_refused_as_a_whole),
	    TEST(what_does_not_grow_is_always_possible),
	    TEST(without_a_quota_there_is_none),
	    TEST(a_write_that_is_refused_for_space_raises_an_alarm),
	    TEST(the_alarm_ends_when_a_part_of_the_quota_is_free_again),
	    TEST(keys_that_end_with_their_lease_give_room_too),
	    TEST(a_store_that_is_not_full_goes_on),
	    TEST(an_alarm_is_cleared_by_hand_and_comes_again),
	    TEST(the_first_is_decided_at_its_entry_and_the_others_before),
	    TEST(nospace_by_hand_stops_puts_until_it_is_cleared),
	    TEST(corrupt_by_hand_stops_all_changes),
	    TEST(corrupt_by_itself_is_shown_and_stops_nothing),
	    TEST(alarms_of_a_removed_member_that_differed_go_with_it),
	    TEST(there_is_a_bound_on_alarms),
	};
	return UNIT_RUN(tests);
}

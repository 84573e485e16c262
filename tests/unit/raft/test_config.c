/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/config.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/random.h"
#include "raft/history.h"
#include "tests/unit/unit.h"

enum { ROUNDS = 50000, PAYLOAD_MAX = 4096 };

static void voters(struct raft_config *config, uint64_t first, uint64_t last)
{
	raft_config_init(config);
	for (uint64_t id = first; id <= last; id++) {
		enum err err = raft_config_set(config, (struct raft_member){.id = id, .voter = true});
		check(err == ERR_OK);
	}
}

static void members_are_ascending_and_limited(void **state)
{
	struct raft_config config;
	raft_config_init(&config);
	assert_int_equal(raft_config_set(&config, (struct raft_member){.id = 0}), ERR_INVALID);
	for (uint64_t id = LIMIT_MEMBERS; id >= 1; id--)
		assert_int_equal(raft_config_set(&config, (struct raft_member){.id = id}), ERR_OK);
	assert_int_equal(raft_config_set(&config, (struct raft_member){.id = 1000}), ERR_LIMIT);
	assert_int_equal(raft_config_set(&config, (struct raft_member){.id = 5, .voter = true}), ERR_OK);
	for (size_t i = 0; i < config.count; i++)
		assert_int_equal(config.members[i].id, i + 1);
	assert_true(raft_config_find(&config, 5)->voter);
	assert_null(raft_config_find(&config, 1000));
	raft_config_fini(&config);
}

static void a_payload_is_read_as_it_was_written(void **state)
{
	static const struct raft_change changes[] = {
	    {RAFT_CHANGE_VOTER, 4}, {RAFT_CHANGE_LEARNER, 2}, {RAFT_CHANGE_REMOVE, 1}, {RAFT_CHANGE_LEARNER, 9}};
	struct raft_config config, again;
	struct bytes rest;
	AUTO_BUFFER struct buffer payload = {0};
	buffer_init(&payload, PAYLOAD_MAX);
	voters(&config, 1, 3);
	raft_config_init(&again);
	assert_int_equal(raft_config_enter_joint(&config, changes, 4), ERR_OK);
	config.auto_leave = true;
	raft_config_encode(&config, &payload);
	buffer_put(&payload, BYTES_LITERAL("addresses"));
	assert_int_equal(raft_config_decode(buffer_bytes(&payload), &again, &rest), ERR_OK);
	assert_true(raft_config_equal(&config, &again));
	assert_true(bytes_equal(rest, BYTES_LITERAL("addresses")));
	raft_config_fini(&again);
	raft_config_fini(&config);
}

/* Every payload that is cut short, or has another byte, is refused or is a configuration; none is read beyond its end. */
static void no_payload_is_too_strange_to_be_judged(void **state)
{
	struct raft_config config, again;
	struct bytes rest;
	struct random random;
	AUTO_BUFFER struct buffer payload = {0};
	buffer_init(&payload, PAYLOAD_MAX);
	random_init(&random, 11);
	voters(&config, 1, 3);
	raft_config_init(&again);
	raft_config_encode(&config, &payload);
	for (size_t size = 1; size < payload.size; size++)
		assert_int_equal(raft_config_decode(bytes_of(payload.data, size), &again, &rest), ERR_CORRUPT);
	for (int round = 0; round < ROUNDS; round++) {
		size_t at = random_below(&random, payload.size);
		uint8_t before = payload.data[at];
		payload.data[at] = (uint8_t)random_next(&random);
		enum err err = raft_config_decode(buffer_bytes(&payload), &again, &rest);
		assert_true(err == ERR_OK || err == ERR_CORRUPT);
		for (size_t i = 1; i < again.count; i++)
			assert_true(again.members[i - 1].id < again.members[i].id);
		payload.data[at] = before;
	}
	raft_config_fini(&again);
	raft_config_fini(&config);
}

/* Is this set of ids (a bit each) a quorum? */
static bool is_quorum(const struct raft_config *config, unsigned set)
{
	size_t in = 0, of = 0, in_old = 0, of_old = 0;
	for (size_t i = 0; i < config->count; i++) {
		const struct raft_member *member = &config->members[i];
		unsigned has = set >> member->id & 1;
		of += member->voter;
		in += member->voter && has;
		of_old += member->voter_outgoing;
		in_old += member->voter_outgoing && has;
	}
	return in * 2 > of && (of_old == 0 || in_old * 2 > of_old);
}

/* Any two quorums of a configuration and of one that may follow it have a member in common: thesis §4.1, §4.3. */
static bool quorums_overlap(const struct raft_config *left, const struct raft_config *right)
{
	for (unsigned a = 0; a < 64; a++)
		for (unsigned b = 0; b < 64; b++)
			if ((a & b) == 0 && is_quorum(left, a) && is_quorum(right, b))
				return false;
	return true;
}

static void what_may_follow_shares_a_member_with_every_quorum(void **state)
{
	struct raft_config config, next;
	struct random random;
	random_init(&random, 12);
	size_t allowed = 0;
	for (int round = 0; round < ROUNDS / 50; round++) {
		struct raft_change changes[3];
		size_t count = 1 + random_below(&random, 3);
		for (size_t i = 0; i < count; i++)
			changes[i] = (struct raft_change){(enum raft_change_op)(1 + random_below(&random, 3)),
			                                  1 + random_below(&random, 5)};
		voters(&config, 1, 1 + random_below(&random, 4));
		raft_config_init(&next);
		raft_config_copy(&next, &config);
		enum err err = random_below(&random, 2) != 0 ? raft_config_change(&next, changes, count)
		                                             : raft_config_enter_joint(&next, changes, count);
		if (err == ERR_OK) {
			allowed++;
			assert_true(raft_config_may_follow(&config, &next));
			assert_true(quorums_overlap(&config, &next));
			raft_config_copy(&config, &next);
			if (raft_config_leave_joint(&next) == ERR_OK) {
				assert_true(raft_config_may_follow(&config, &next));
				assert_true(quorums_overlap(&config, &next));
			}
		}
		raft_config_fini(&next);
		raft_config_fini(&config);
	}
	assert_true(allowed > 100);
}

static void what_may_not_follow_is_refused(void **state)
{
	struct raft_config config, other;
	voters(&config, 1, 3);
	voters(&other, 1, 5); /* two at once */
	assert_false(raft_config_may_follow(&config, &other));
	raft_config_fini(&other);
	voters(&other, 1, 0); /* nobody */
	assert_false(raft_config_may_follow(&config, &other));
	raft_config_fini(&other);
	voters(&other, 4, 6); /* the old half is not the old voters */
	other.members[0].voter_outgoing = true;
	assert_false(raft_config_may_follow(&config, &other));
	raft_config_fini(&other);
	raft_config_fini(&config);
}

static struct bytes encoded(uint64_t last, struct buffer *buffer)
{
	struct raft_config config;
	voters(&config, 1, last);
	buffer_clear(buffer);
	raft_config_encode(&config, buffer);
	raft_config_fini(&config);
	return buffer_bytes(buffer);
}

static void configurations_differ_by_any_part_of_a_member(void **state)
{
	static const struct raft_member others[] = {
	    {.id = 3, .voter = true, .voter_outgoing = true},
	    {.id = 3},
	    {.id = 3, .voter_outgoing = true, .learner_next = true},
	    {.id = 4, .voter = true},
	};
	struct raft_config left, right;
	voters(&left, 1, 3);
	voters(&right, 1, 3);
	assert_true(raft_config_equal(&left, &right));
	right.auto_leave = true;
	assert_false(raft_config_equal(&left, &right));
	right.auto_leave = false;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		right.members[2] = others[i];
		assert_false(raft_config_equal(&left, &right));
	}
	left.members[2] = (struct raft_member){.id = 3, .voter_outgoing = true};
	right.members[2] = (struct raft_member){.id = 3, .voter_outgoing = true, .learner_next = true};
	assert_false(raft_config_equal(&left, &right));
	raft_config_fini(&right);
	raft_config_fini(&left);
}

static void a_change_that_cannot_be_made_changes_nothing(void **state)
{
	static const struct raft_change nobody = {RAFT_CHANGE_VOTER, 0}, unknown = {(enum raft_change_op)9, 1},
	                                add = {RAFT_CHANGE_VOTER, 4},
	                                remove_all[] = {{RAFT_CHANGE_REMOVE, 1}, {RAFT_CHANGE_LEARNER, 2}};
	struct raft_config config, before;
	voters(&config, 1, 2);
	voters(&before, 1, 2);
	assert_int_equal(raft_config_change(&config, &nobody, 1), ERR_OK);
	assert_int_equal(raft_config_change(&config, &unknown, 1), ERR_INVALID);
	assert_int_equal(raft_config_change(&config, remove_all, 2), ERR_INVALID);
	assert_int_equal(raft_config_enter_joint(&config, remove_all, 2), ERR_INVALID);
	assert_int_equal(raft_config_leave_joint(&config), ERR_INVALID);
	assert_true(raft_config_equal(&config, &before));
	assert_int_equal(raft_config_enter_joint(&config, &add, 1), ERR_OK);
	assert_int_equal(raft_config_change(&config, &add, 1), ERR_BUSY);
	assert_int_equal(raft_config_enter_joint(&config, &add, 1), ERR_BUSY);
	raft_config_fini(&config);
	raft_config_init(&config);
	assert_int_equal(raft_config_enter_joint(&config, &add, 1), ERR_INVALID);
	raft_config_fini(&config);
	raft_config_fini(&before);
}

static void the_history_follows_the_log(void **state)
{
	struct raft_history history;
	AUTO_BUFFER struct buffer buffer = {0};
	buffer_init(&buffer, PAYLOAD_MAX);
	assert_int_equal(raft_history_init(&history, 0, encoded(1, &buffer)), ERR_OK);
	assert_int_equal(raft_history_append(&history, 5, encoded(2, &buffer)), ERR_OK);
	assert_int_equal(raft_history_append(&history, 9, encoded(3, &buffer)), ERR_OK);
	assert_int_equal(raft_history_append(&history, 11, BYTES_LITERAL("no configuration")), ERR_CORRUPT);
	assert_int_equal(raft_history_now(&history)->config.count, 3);
	assert_int_equal(raft_history_at(&history, 8)->config.count, 2);
	assert_int_equal(raft_history_at(&history, 4)->config.count, 1);
	raft_history_truncate(&history, 9);
	assert_int_equal(raft_history_now(&history)->config.count, 2);
	raft_history_trim(&history, 7);
	assert_int_equal(raft_history_at(&history, 0)->config.count, 2);
	assert_int_equal(history.count, 1);
	assert_int_equal(raft_history_reset(&history, 20, encoded(4, &buffer)), ERR_OK);
	assert_int_equal(raft_history_now(&history)->config.count, 4);
	raft_history_fini(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_are_ascending_and_limited),
	    cmocka_unit_test(a_payload_is_read_as_it_was_written),
	    cmocka_unit_test(no_payload_is_too_strange_to_be_judged),
	    cmocka_unit_test(what_may_follow_shares_a_member_with_every_quorum),
	    cmocka_unit_test(what_may_not_follow_is_refused),
	    cmocka_unit_test(configurations_differ_by_any_part_of_a_member),
	    cmocka_unit_test(a_change_that_cannot_be_made_changes_nothing),
	    cmocka_unit_test(the_history_follows_the_log),
	};
	return UNIT_RUN(tests);
}

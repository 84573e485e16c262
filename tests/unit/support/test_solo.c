/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/solo.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/unit/unit.h"

enum { SOON_MS = 30, NEVER_MS = 60000 };

struct fixture {
	char directory[32];
	struct replica *replica;
	int64_t changed; /* the newest revision that the observer was told of */
	uint64_t changed_by;
};

static void fixture_changed(void *argument, const struct kv_change *change)
{
	struct fixture *fixture = argument;
	fixture->changed = change->revision;
	fixture->changed_by = change->proposer;
}

static void fixture_open(struct fixture *fixture)
{
	struct replica_options options = {
	    .name = "solo",
	    .data_directory = fixture->directory,
	    .value_bytes_max = LIMIT_VALUE_BYTES_DEFAULT,
	    .memory_bytes = 8 << 20,
	};
	struct kv_observer observer = {.changed = fixture_changed, .argument = fixture};
	assert_int_equal(replica_open(&options, &fixture->replica), ERR_OK);
	replica_observe(fixture->replica, &observer);
	assert_int_equal(replica_start(fixture->replica), ERR_OK);
}

static void fixture_close(struct fixture *fixture)
{
	replica_stop(fixture->replica);
	replica_close(fixture->replica);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/etcfs-solo.XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	fixture_open(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	fixture_close(fixture);
	assert_int_equal(file_remove_tree(fixture->directory), ERR_OK);
	free(fixture);
	return 0;
}

static uint64_t deadline(uint64_t after_ms)
{
	return clock_steady_ns() + after_ms * CLOCK_NS_PER_MS;
}

/* A put of `value` at /key. */
static struct kv_command put(struct kv_op *op, const char *value)
{
	*op = (struct kv_op){KV_PUT, {.put = {.key = BYTES_LITERAL("/key"), .value = bytes_of_string(value)}}};
	return (struct kv_command){.kind = KV_COMMAND_TXN, .txn = {.success = op, .success_count = 1}};
}

static enum err propose(struct fixture *fixture, const char *value, uint64_t after_ms)
{
	struct kv_op op;
	struct kv_command command = put(&op, value);
	struct kv_result *result = NULL;
	enum err err = replica_propose_wait(fixture->replica, &command, deadline(after_ms), &result);
	if (err == ERR_OK) {
		assert_int_equal(result->err, ERR_OK);
		assert_true(result->succeeded);
		kv_result_free(result);
	}
	return err;
}

static void assert_value(struct fixture *fixture, const char *value)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_view *view = kv_view_open(replica_kv(fixture->replica));
	struct kv_record record;
	enum err err = kv_get(view, BYTES_LITERAL("/key"), &arena, &record);
	if (value == NULL) {
		assert_int_equal(err, ERR_NOT_FOUND);
	} else {
		assert_int_equal(err, ERR_OK);
		assert_int_equal(record.value.size, strlen(value));
		assert_memory_equal(record.value.data, value, record.value.size);
	}
	kv_view_close(view);
}

static void what_was_proposed_can_be_read_and_is_there_after_a_restart(void **state)
{
	struct fixture *fixture = *state;
	assert_int_equal(propose(fixture, "a", NEVER_MS), ERR_OK);
	assert_value(fixture, "a");
	assert_int_equal(fixture->changed_by, SOLO_MEMBER);
	uint64_t session = replica_session(fixture->replica);
	fixture_close(fixture);
	fixture_open(fixture);
	assert_value(fixture, "a");
	assert_int_not_equal(replica_session(fixture->replica), session);
}

static void without_a_quorum_nothing_happens_and_the_deadline_says_so(void **state)
{
	struct fixture *fixture = *state;
	solo_set_weather(fixture->replica, SOLO_NO_QUORUM);
	uint64_t before_ns = clock_steady_ns();
	assert_int_equal(propose(fixture, "a", SOON_MS), ERR_TIMEOUT);
	assert_int_equal(replica_barrier_wait(fixture->replica, deadline(SOON_MS)), ERR_TIMEOUT);
	assert_true(clock_steady_ns() - before_ns >= 2 * SOON_MS * CLOCK_NS_PER_MS);
	solo_set_weather(fixture->replica, SOLO_FAIR);
	assert_int_equal(replica_barrier_wait(fixture->replica, deadline(NEVER_MS)), ERR_OK);
	assert_value(fixture, NULL);
	assert_int_equal(solo_proposals(fixture->replica), 0);
}

static void a_lost_answer_leaves_a_change_behind(void **state)
{
	struct fixture *fixture = *state;
	solo_set_weather(fixture->replica, SOLO_ANSWERS_LOST);
	assert_int_equal(propose(fixture, "a", SOON_MS), ERR_UNKNOWN_OUTCOME);
	assert_value(fixture, "a");
	assert_int_equal(solo_proposals(fixture->replica), 1);
}

struct outcome {
	enum err err;
	_Atomic int runs;
};

static void outcome_ready(void *argument, enum err err)
{
	struct outcome *outcome = argument;
	outcome->err = err;
	outcome->runs++;
}

static void outcome_proposed(void *argument, enum err err, struct kv_result *result)
{
	outcome_ready(argument, err);
	if (result)
		kv_result_free(result);
}

static void what_is_held_follows_in_its_order(void **state)
{
	struct fixture *fixture = *state;
	struct outcome first = {0}, second = {0}, barrier = {0};
	bool pending;
	struct kv_op op;
	solo_hold(fixture->replica);
	struct kv_command command = put(&op, "a");
	assert_int_equal(replica_propose(fixture->replica, &command, deadline(NEVER_MS), outcome_proposed, &first),
	                 ERR_OK);
	command = put(&op, "b");
	assert_int_equal(replica_propose(fixture->replica, &command, deadline(NEVER_MS), outcome_proposed, &second),
	                 ERR_OK);
	assert_int_equal(replica_barrier(fixture->replica, deadline(NEVER_MS), outcome_ready, &barrier, &pending),
	                 ERR_OK);
	assert_true(pending);
	kv_result_free(solo_apply_remote(fixture->replica, &command)); /* passes what is held */
	assert_int_equal(first.runs + second.runs + barrier.runs, 0);
	assert_value(fixture, "b");
	assert_int_equal(fixture->changed_by, SOLO_OTHER_MEMBER);
	solo_release(fixture->replica);
	assert_int_equal(replica_barrier_wait(fixture->replica, deadline(NEVER_MS)), ERR_OK);
	assert_int_equal(propose(fixture, "c", NEVER_MS), ERR_OK);
	assert_int_equal(first.runs * second.runs * barrier.runs, 1);
	assert_int_equal(first.err + second.err + barrier.err, ERR_OK);
	assert_int_equal(solo_proposals(fixture->replica), 3);
}

static void somebody_else_can_be_first(void **state)
{
	struct fixture *fixture = *state;
	struct kv_op op;
	struct kv_command theirs = put(&op, "theirs");
	solo_precede_next(fixture->replica, &theirs);
	assert_value(fixture, NULL);

	struct kv_op mine_op;
	struct kv_command mine = put(&mine_op, "mine");
	struct kv_compare absent = {KV_CREATE, KV_EQUAL, {.start = BYTES_LITERAL("/key")}, .number = 0};
	mine.txn.compares = &absent;
	mine.txn.compare_count = 1;
	struct kv_result *result;
	assert_int_equal(replica_propose_wait(fixture->replica, &mine, deadline(NEVER_MS), &result), ERR_OK);
	assert_false(result->succeeded);
	kv_result_free(result);
	assert_value(fixture, "theirs");
	assert_int_equal(propose(fixture, "mine", NEVER_MS), ERR_OK);
	assert_value(fixture, "mine");
}

static void a_stop_answers_what_waits(void **state)
{
	struct fixture *fixture = *state;
	struct outcome outcome = {0}, barrier = {0};
	bool pending;
	struct kv_op op;
	struct kv_command command = put(&op, "a");
	solo_hold(fixture->replica);
	assert_int_equal(replica_propose(fixture->replica, &command, deadline(NEVER_MS), outcome_proposed, &outcome),
	                 ERR_OK);
	assert_int_equal(replica_barrier(fixture->replica, deadline(NEVER_MS), outcome_ready, &barrier, &pending),
	                 ERR_OK);
	replica_stop(fixture->replica);
	assert_int_equal(outcome.runs, 1);
	assert_int_equal(outcome.err, ERR_STOPPED);
	assert_int_equal(barrier.err, ERR_STOPPED);
	assert_int_equal(replica_propose(fixture->replica, &command, deadline(NEVER_MS), outcome_proposed, &outcome),
	                 ERR_STOPPED);
	replica_close(fixture->replica);
	fixture_open(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(what_was_proposed_can_be_read_and_is_there_after_a_restart, setup,
	                                    teardown),
	    cmocka_unit_test_setup_teardown(without_a_quorum_nothing_happens_and_the_deadline_says_so, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_lost_answer_leaves_a_change_behind, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_held_follows_in_its_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(somebody_else_can_be_first, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_stop_answers_what_waits, setup, teardown),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/pending.h"

#include <stdlib.h>

#include "base/memory.h"
#include "tests/unit/unit.h"

enum { MEMBER = 7, SESSION = 100, FAR_NS = 1000000 };

struct answer {
	int count;
	enum err err;
};

static void answered(void *argument, enum err err, struct kv_result *result)
{
	struct answer *answer = argument;
	answer->count++;
	answer->err = err;
	if (result != NULL)
		kv_result_free(result);
}

static struct kv_result *result_new(enum err err)
{
	struct kv_result *result = memory_new(sizeof *result);
	arena_init(&result->arena);
	result->err = err;
	return result;
}

static void add(struct pending *pending, struct answer *answer, uint64_t deadline_ns)
{
	struct kv_op op = {.kind = KV_PUT, .put = {.key = BYTES_LITERAL("/a"), .value = BYTES_LITERAL("1")}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	*answer = (struct answer){0};
	assert_int_equal(pending_add(pending, &command, deadline_ns, answered, answer), ERR_OK);
}

static struct pending_try tries[PENDING_TAKE_MAX];

/* Takes what can be tried, and gives the commands back. */
static size_t take(struct pending *pending, uint64_t now_ns)
{
	size_t count = pending_take(pending, now_ns, tries);
	for (size_t i = 0; i < count; i++)
		blob_unref(tries[i].command);
	return count;
}

static struct kv_origin origin_of(struct pending_try try)
{
	struct kv_origin origin = {0};
	assert_int_equal(kv_command_origin(blob_bytes(try.command), &origin), ERR_OK);
	return origin;
}

static struct pending *pending_with_session(void)
{
	struct pending *pending = pending_new(MEMBER);
	pending_session_opened(pending, SESSION);
	return pending;
}

static void what_was_never_tried_certainly_did_not_happen(void **state)
{
	struct pending *pending = pending_with_session();
	struct answer answer;
	add(pending, &answer, 10);
	assert_int_equal(pending_review(pending, 9, 0, 0, ERR_TIMEOUT), 10);
	assert_int_equal(answer.count, 0);
	pending_review(pending, 10, 0, 0, ERR_NO_LEADER);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.err, ERR_NO_LEADER);
	pending_free(pending);
}

static void a_try_without_an_answer_leaves_it_unknown(void **state)
{
	struct pending *pending = pending_with_session();
	struct answer answer;
	add(pending, &answer, 10);
	assert_int_equal(take(pending, 1), 1);
	pending_review(pending, 10, 0, 0, ERR_TIMEOUT);
	assert_int_equal(answer.err, ERR_UNKNOWN_OUTCOME);
	pending_free(pending);
}

static void a_refused_try_leaves_it_certain(void **state)
{
	struct pending *pending = pending_with_session();
	struct answer answer;
	add(pending, &answer, 10);
	assert_int_equal(take(pending, 1), 1);
	pending_refused(pending, tries[0].attempt);
	pending_review(pending, 10, 0, 0, ERR_TIMEOUT);
	assert_int_equal(answer.err, ERR_TIMEOUT);
	pending_free(pending);
}

static void an_answer_to_an_earlier_try_says_nothing_of_the_later_one(void **state)
{
	struct pending *pending = pending_with_session();
	struct answer answer;
	add(pending, &answer, 10);
	assert_int_equal(take(pending, 1), 1);
	uint64_t first = tries[0].attempt;
	pending_review(pending, 5, 1, 0, ERR_TIMEOUT); /* unanswered: it is tried again */
	assert_int_equal(take(pending, 5), 1);
	assert_int_not_equal(tries[0].attempt, first);
	pending_refused(pending, first);
	assert_int_equal(take(pending, 6), 0);
	pending_refused(pending, tries[0].attempt);
	pending_review(pending, 10, 0, 0, ERR_TIMEOUT);
	assert_int_equal(answer.err, ERR_UNKNOWN_OUTCOME); /* the first one was never answered for good */
	pending_free(pending);
}

static void a_try_whose_index_went_to_another_entry_is_dead(void **state)
{
	struct pending *pending = pending_with_session();
	struct answer answer;
	add(pending, &answer, 10);
	assert_int_equal(take(pending, 1), 1);
	pending_accepted(pending, tries[0].attempt, 50, 3);
	pending_review(pending, 2, 2, 49, ERR_TIMEOUT);
	assert_int_equal(take(pending, 2), 0);
	pending_review(pending, 3, 3, 50, ERR_TIMEOUT);
	pending_review(pending, 10, 0, 50, ERR_TIMEOUT);
	assert_int_equal(answer.err, ERR_TIMEOUT);
	pending_free(pending);
}

static void another_leader_is_asked_with_the_same_sequence(void **state)
{
	struct pending *pending = pending_with_session();
	struct answer answer;
	add(pending, &answer, FAR_NS);
	assert_int_equal(pending_take(pending, 1, tries), 1);
	struct kv_origin first = origin_of(tries[0]);
	blob_unref(tries[0].command);
	pending_accepted(pending, tries[0].attempt, 50, 3);
	pending_leader_changed(pending, 3); /* it accepted it itself: nothing to do */
	assert_int_equal(take(pending, 2), 0);
	pending_leader_changed(pending, 4);
	assert_int_equal(pending_take(pending, 2, tries), 1);
	struct kv_origin second = origin_of(tries[0]);
	blob_unref(tries[0].command);
	assert_int_equal(second.session, SESSION);
	assert_int_equal(second.sequence, first.sequence);
	pending_finish(pending, pending_match(pending, SESSION, first.sequence), result_new(ERR_OK));
	assert_int_equal(answer.err, ERR_OK);
	assert_int_equal(pending_match(pending, SESSION, first.sequence), 0); /* the second copy is nobody's */
	pending_free(pending);
}

static void without_a_session_only_the_asking_for_one_is_tried(void **state)
{
	struct pending *pending = pending_new(MEMBER);
	struct answer answer, session = {0};
	add(pending, &answer, FAR_NS);
	assert_int_equal(take(pending, 1), 0);
	pending_session_ask(pending, answered, &session);
	pending_session_ask(pending, answered, &session);
	assert_int_equal(pending_take(pending, 2, tries), 1);
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_command command;
	assert_int_equal(kv_command_decode(blob_bytes(tries[0].command), &arena, &command), ERR_OK);
	assert_int_equal(command.kind, KV_COMMAND_SESSION);
	assert_int_equal(command.session_open.member, MEMBER);
	assert_int_equal(pending_match_session(pending, command.session_open.nonce + 1), 0);
	pending_finish(pending, pending_match_session(pending, command.session_open.nonce), result_new(ERR_OK));
	blob_unref(tries[0].command);
	assert_int_equal(session.count, 1);
	pending_session_opened(pending, SESSION);
	assert_int_equal(pending_take(pending, 3, tries), 1);
	assert_int_equal(origin_of(tries[0]).session, SESSION);
	blob_unref(tries[0].command);
	pending_stop(pending);
	assert_int_equal(answer.err, ERR_UNKNOWN_OUTCOME);
	pending_free(pending);
}

static void a_stale_session_is_replaced_and_the_proposal_made_again(void **state)
{
	struct pending *pending = pending_with_session();
	struct answer answer;
	add(pending, &answer, FAR_NS);
	assert_int_equal(pending_take(pending, 1, tries), 1);
	uint64_t sequence = origin_of(tries[0]).sequence;
	blob_unref(tries[0].command);
	pending_finish(pending, pending_match(pending, SESSION, sequence), result_new(ERR_STALE_SESSION));
	assert_int_equal(answer.count, 0);
	assert_int_equal(pending_session(pending), 0);
	pending_session_opened(pending, SESSION + 1);
	assert_int_equal(pending_take(pending, 2, tries), 1);
	assert_int_equal(origin_of(tries[0]).session, SESSION + 1);
	blob_unref(tries[0].command);
	assert_int_equal(pending_match(pending, SESSION, sequence), 0);
	pending_finish(pending, pending_match(pending, SESSION + 1, sequence), result_new(ERR_OK));
	assert_int_equal(answer.err, ERR_OK);
	pending_free(pending);
}

static void their_number_is_bounded_and_done_below_follows(void **state)
{
	struct pending *pending = pending_with_session();
	static struct answer answers[PENDING_COUNT_MAX];
	struct answer refused = {0};
	struct kv_command command = {.kind = KV_COMMAND_COMPACT, .compact = {.revision = 1}};
	for (size_t i = 0; i < PENDING_COUNT_MAX; i++)
		assert_int_equal(pending_add(pending, &command, FAR_NS, answered, &answers[i]), ERR_OK);
	assert_int_equal(pending_add(pending, &command, FAR_NS, answered, &refused), ERR_BUSY);
	assert_int_equal(take(pending, 1), PENDING_TAKE_MAX);
	for (uint64_t sequence = 1; sequence <= 3; sequence++)
		pending_finish(pending, pending_match(pending, SESSION, sequence), result_new(ERR_OK));
	assert_int_equal(pending_add(pending, &command, FAR_NS, answered, &refused), ERR_OK);
	size_t count = 0;
	struct kv_command last = {0};
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	while ((count = pending_take(pending, 2, tries)) != 0)
		for (size_t i = 0; i < count; i++) {
			arena_reset(&arena);
			assert_int_equal(kv_command_decode(blob_bytes(tries[i].command), &arena, &last), ERR_OK);
			blob_unref(tries[i].command);
		}
	assert_int_equal(last.sequence, PENDING_COUNT_MAX + 1);
	assert_int_equal(last.done_below, 4);
	pending_stop(pending);
	pending_free(pending);
}

static enum err outcome_of(void *argument, uint64_t session, uint64_t sequence, struct kv_result **ret_result)
{
	if (sequence == 2)
		return ERR_NOT_FOUND;
	if (sequence == 3)
		return ERR_STALE_SESSION;
	*ret_result = result_new(ERR_OK);
	return ERR_OK;
}

static void a_snapshot_answers_what_it_skipped(void **state)
{
	struct pending *pending = pending_with_session();
	struct answer answers[3];
	for (int i = 0; i < 3; i++)
		add(pending, &answers[i], FAR_NS);
	assert_int_equal(take(pending, 1), 3);
	pending_skipped(pending, outcome_of, NULL);
	assert_int_equal(answers[0].count, 1);
	assert_int_equal(answers[0].err, ERR_OK);
	assert_int_equal(answers[1].count, 0);
	assert_int_equal(answers[2].err, ERR_UNKNOWN_OUTCOME);
	pending_stop(pending);
	pending_free(pending);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_never_tried_certainly_did_not_happen),
	    cmocka_unit_test(a_try_without_an_answer_leaves_it_unknown),
	    cmocka_unit_test(a_refused_try_leaves_it_certain),
	    cmocka_unit_test(an_answer_to_an_earlier_try_says_nothing_of_the_later_one),
	    cmocka_unit_test(a_try_whose_index_went_to_another_entry_is_dead),
	    cmocka_unit_test(another_leader_is_asked_with_the_same_sequence),
	    cmocka_unit_test(without_a_session_only_the_asking_for_one_is_tried),
	    cmocka_unit_test(a_stale_session_is_replaced_and_the_proposal_made_again),
	    cmocka_unit_test(their_number_is_bounded_and_done_below_follows),
	    cmocka_unit_test(a_snapshot_answers_what_it_skipped),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/loop.h"

#include "base/clock.h"
#include "base/proto.h"
#include "tests/unit/replica/loop_world.h"
#include "tests/unit/unit.h"

static void a_vote_leaves_only_after_it_is_durable(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_run(&world, 2 * TIMEOUT_MS); /* no leader's lease is in the way */
	world_forget(&world);
	Peer__Raft vote = raft_of(RAFT_VOTE, 5);
	world_hear(&world, vote);
	assert_null(world_sent(&world, RAFT_VOTE_REPLY));
	const struct write_job *job = world_last_write(&world);
	assert_int_equal(job->term, 5);
	assert_int_equal(job->vote, LEADER);
	world_sync(&world);
	assert_non_null(world_sent(&world, RAFT_VOTE_REPLY));
	assert_false(world_sent(&world, RAFT_VOTE_REPLY)->reject);
	world_fini(&world);
}

static void an_entry_is_acknowledged_when_durable_and_applied_when_committed(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_append_first(&world, 0);
	const struct write_job *job = world_last_write(&world);
	assert_int_equal(job->count, 1);
	assert_int_equal(job->entries[0].index, 1);
	assert_int_equal(job->entries[0].time_ns, 1234);
	assert_true(bytes_equal(entry_payload(&job->entries[0]), BYTES_LITERAL("command")));
	assert_null(world_sent(&world, RAFT_APPEND_REPLY));
	world_sync(&world);
	assert_int_equal(world_sent(&world, RAFT_APPEND_REPLY)->index, 1);
	assert_true(STAILQ_EMPTY(&world.applies));
	Peer__Raft heartbeat = raft_of(RAFT_HEARTBEAT, 1);
	heartbeat.commit = 1;
	heartbeat.round = 1;
	world_hear(&world, heartbeat);
	struct apply_job *apply = STAILQ_FIRST(&world.applies);
	assert_non_null(apply);
	assert_int_equal(apply->first, 1);
	assert_int_equal(apply->last, 1);
	assert_int_equal(apply->count, 1);
	world_fini(&world);
}

static void note_ready(void *argument, enum err err)
{
	int *ready = argument;
	assert_int_equal(err, ERR_OK);
	(*ready)++;
}

/* The apply role looks for readers when it has applied; this one learns its index after that. */
static void a_reader_between_two_looks_is_answered(void **state)
{
	struct world world;
	int ready = 0;
	struct barriers_waiter waiter = {.deadline_ns = UINT64_MAX, .ready = note_ready, .argument = &ready};
	world_init(&world, 3);
	world_append_first(&world, 1);
	world_sync(&world);
	assert_false(STAILQ_EMPTY(&world.applies));
	assert_int_equal(barriers_add(world.barriers, &waiter), ERR_OK);
	world_run(&world, 0);
	const Peer__Raft *read = world_sent(&world, RAFT_READ);
	assert_non_null(read);
	barriers_applied(world.barriers, 1); /* the apply role, done with index 1 */
	Peer__Raft reply = raft_of(RAFT_READ_REPLY, 1);
	reply.read_id = read->read_id;
	reply.index = 1;
	world_hear(&world, reply);
	assert_int_equal(ready, 0);
	loop_applied(world.loop, 1);
	assert_int_equal(ready, 1);
	world_fini(&world);
}

static void note_stopped(void *argument, enum err err, struct kv_result *result)
{
	assert_int_equal(err, ERR_UNKNOWN_OUTCOME);
}

static void a_proposal_is_forwarded_and_tried_again_when_nothing_comes_back(void **state)
{
	struct world world;
	struct kv_command command = {.kind = KV_COMMAND_COMPACT, .compact = {.revision = 1}};
	world_init(&world, 3);
	world_append_first(&world, 0);
	world_forget(&world);
	assert_int_equal(pending_add(world.pending, &command, UINT64_MAX, note_stopped, NULL), ERR_OK);
	world_run(&world, 0);
	assert_int_equal(world.frames[0]->body_case, PEER__ENVELOPE__BODY_FORWARD);
	uint64_t first = world.frames[0]->forward->attempt;
	world_forget(&world);
	world_append_first(&world, 0); /* the leader lives */
	for (int i = 0; i < 2 * TIMEOUT_MS / HEARTBEAT_MS && world.frame_count < 20; i++) {
		Peer__Raft heartbeat = raft_of(RAFT_HEARTBEAT, 1);
		world_hear(&world, heartbeat);
		world_run(&world, HEARTBEAT_MS);
	}
	uint64_t second = 0;
	for (size_t i = 0; i < world.frame_count; i++)
		if (world.frames[i]->body_case == PEER__ENVELOPE__BODY_FORWARD)
			second = world.frames[i]->forward->attempt;
	assert_int_not_equal(second, 0);
	assert_int_not_equal(second, first);
	world_fini(&world);
}

static void note_outcome(void *argument, enum err err, struct kv_result *result)
{
	*(enum err *)argument = err;
}

static void a_proposal_that_could_not_be_sent_certainly_did_not_happen(void **state)
{
	struct world world;
	enum err outcome = ERR_OK;
	struct kv_command command = {.kind = KV_COMMAND_COMPACT, .compact = {.revision = 1}};
	world_init(&world, 3);
	world_append_first(&world, 0);
	world.send_err = ERR_UNREACHABLE;
	uint64_t deadline_ns = (world.now_ms + 50) * CLOCK_NS_PER_MS;
	assert_int_equal(pending_add(world.pending, &command, deadline_ns, note_outcome, &outcome), ERR_OK);
	for (int i = 0; i < 6; i++)
		world_run(&world, 10);
	assert_int_equal(outcome, ERR_TIMEOUT);
	world_fini(&world);
}

static void forwarded_copies_carry_what_tells_them_apart(void **state)
{
	struct world world;
	world_init(&world, 1);
	world_run(&world, 3 * TIMEOUT_MS);
	world_sync(&world);
	assert_int_equal(atomic_load(&world.shown.leader), SELF);
	world_forget(&world);
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Forward forward = PEER__FORWARD__INIT;
	envelope.from = LEADER;
	envelope.to = SELF;
	envelope.body_case = PEER__ENVELOPE__BODY_FORWARD;
	envelope.forward = &forward;
	forward.command = proto_data(BYTES_LITERAL("the same"));
	forward.nonce = 4;
	for (forward.attempt = 1; forward.attempt <= 2; forward.attempt++)
		loop_message(world.loop, &envelope);
	loop_finish(world.loop);
	/* Both were appended, in one write; the state machine knows the second by its session and sequence. */
	const struct write_job *job = world_last_write(&world);
	assert_int_equal(job->count, 2);
	assert_int_equal(world.frame_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const Peer__ForwardReply *reply = world.frames[i]->forward_reply;
		assert_int_equal(reply->attempt, i + 1);
		assert_int_equal(reply->outcome, 0);
		assert_int_equal(reply->nonce, 4);
		assert_int_equal(reply->index, job->entries[i].index);
	}
	world_fini(&world);
}

/* What becomes of a proposal of UNAPPLIED_BYTES / 2 that another member forwards. */
static uint32_t outcome_of_forward(struct world *world)
{
	static uint8_t command[UNAPPLIED_BYTES / 2];
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Forward forward = PEER__FORWARD__INIT;
	envelope.from = LEADER;
	envelope.to = SELF;
	envelope.body_case = PEER__ENVELOPE__BODY_FORWARD;
	envelope.forward = &forward;
	forward.attempt = 1;
	forward.command = proto_data(bytes_of(command, sizeof command));
	world_forget(world);
	loop_message(world->loop, &envelope);
	loop_finish(world->loop);
	assert_int_equal(world->frame_count, 1);
	assert_int_equal(world->frames[0]->body_case, PEER__ENVELOPE__BODY_FORWARD_REPLY);
	world_sync(world);
	return world->frames[0]->forward_reply->outcome;
}

static void callers_wait_for_a_leader_that_is_behind_with_applying(void **state)
{
	struct world world;
	world_init(&world, 1);
	world_lead(&world, 1);
	assert_int_equal(outcome_of_forward(&world), 0);
	assert_int_equal(outcome_of_forward(&world), 0);
	assert_int_equal(outcome_of_forward(&world), 2); /* committed, all of it, and not applied */
	assert_int_equal(outcome_of_forward(&world), 2);
	world_settle(&world);
	assert_int_equal(outcome_of_forward(&world), 0);
	world_fini(&world);
}

static void world_hear_snapshot(struct world *world, uint64_t index)
{
	Peer__Raft snapshot = raft_of(RAFT_SNAPSHOT, 1);
	snapshot.index = index;
	snapshot.index_term = 1;
	world_hear(world, snapshot);
}

/* The failure of a fetch may be on its way while the core has asked for a later one already. */
static void a_failure_of_a_superseded_fetch_is_passed_over(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_append_first(&world, 0);
	world_hear_snapshot(&world, 100);
	world_hear_snapshot(&world, 200);
	assert_int_equal(world.fetches, 2);
	loop_snapshot_failed(world.loop, 0, 100, 1);
	world_hear_snapshot(&world, 200);
	assert_int_equal(world.fetches, 2); /* it is still under way */
	loop_snapshot_failed(world.loop, 0, 200, 1);
	world_hear_snapshot(&world, 200);
	assert_int_equal(world.fetches, 3);
	assert_int_equal(world.fetch_index, 200);
	world_fini(&world);
}

/* What is committed may become durable while a snapshot is on its way, on a slow disk: it would come after the snapshot. */
static void nothing_is_applied_while_a_snapshot_is_on_its_way(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_append_first(&world, 1);
	world_hear_snapshot(&world, 100);
	assert_int_equal(world.fetches, 1);
	world_sync(&world);
	assert_true(STAILQ_EMPTY(&world.applies));
	loop_snapshot_failed(world.loop, 0, 100, 1);
	assert_int_equal(STAILQ_FIRST(&world.applies)->last, 1);
	world_fini(&world);
}

static void a_stalled_disk_ends_leading(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_run(&world, 3 * TIMEOUT_MS);
	Peer__Raft granted = raft_of(RAFT_PRE_VOTE_REPLY, 1);
	world_hear(&world, granted);
	world_sync(&world);
	granted.type = RAFT_VOTE_REPLY;
	world_hear(&world, granted);
	assert_int_equal(atomic_load(&world.shown.role), RAFT_LEADER);
	loop_disk_stalled(world.loop);
	assert_int_not_equal(atomic_load(&world.shown.role), RAFT_LEADER);
	assert_int_equal(atomic_load(&world.shown.lease_until_ms), 0);
	world_fini(&world);
}

static void entries_of_no_kind_are_not_stepped(void **state)
{
	struct world world;
	world_init(&world, 3);
	Peer__Entry entry = PEER__ENTRY__INIT, *entries[1] = {&entry};
	Peer__Raft append = raft_of(RAFT_APPEND, 1);
	entry.term = 1;
	entry.kind = 9;
	append.n_entries = 1;
	append.entries = entries;
	world_hear(&world, append);
	assert_true(STAILQ_EMPTY(&world.writes));
	assert_int_equal(atomic_load(&world.shown.leader), 0);
	world_fini(&world);
}

/* Neither for another nor for itself: the leader of before may hold a lease until then. */
static void no_vote_is_given_while_an_earlier_start_may_have_promised_it(void **state)
{
	struct world world;
	world_init_promised(&world, 3, 10 * TIMEOUT_MS);
	world_run(&world, 9 * TIMEOUT_MS);
	assert_null(world_sent(&world, RAFT_PRE_VOTE));
	Peer__Raft vote = raft_of(RAFT_VOTE, 5);
	world_hear(&world, vote);
	assert_true(STAILQ_EMPTY(&world.writes));
	world_run(&world, 2 * TIMEOUT_MS);
	world_hear(&world, vote);
	assert_int_equal(world_last_write(&world)->vote, LEADER);
	world_fini(&world);
}

/* The keeper looks at the state, which may stand further than the loop was told: above all right after an installation. */
static void no_more_is_trimmed_than_is_known_to_be_applied(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_append_first(&world, 1);
	world_sync(&world);
	loop_trimmed(world.loop, 50);
	assert_true(STAILQ_EMPTY(&world.writes)); /* nothing is applied yet */
	loop_applied(world.loop, 1);
	loop_trimmed(world.loop, 50);
	assert_int_equal(world_last_write(&world)->trim_to, 1);
	struct raft_status status;
	raft_status(loop_core(world.loop), &status);
	assert_int_equal(status.first_index, 2);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_vote_leaves_only_after_it_is_durable),
	    cmocka_unit_test(an_entry_is_acknowledged_when_durable_and_applied_when_committed),
	    cmocka_unit_test(a_reader_between_two_looks_is_answered),
	    cmocka_unit_test(a_proposal_is_forwarded_and_tried_again_when_nothing_comes_back),
	    cmocka_unit_test(a_proposal_that_could_not_be_sent_certainly_did_not_happen),
	    cmocka_unit_test(forwarded_copies_carry_what_tells_them_apart),
	    cmocka_unit_test(a_failure_of_a_superseded_fetch_is_passed_over),
	    cmocka_unit_test(callers_wait_for_a_leader_that_is_behind_with_applying),
	    cmocka_unit_test(nothing_is_applied_while_a_snapshot_is_on_its_way),
	    cmocka_unit_test(a_stalled_disk_ends_leading),
	    cmocka_unit_test(entries_of_no_kind_are_not_stepped),
	    cmocka_unit_test(no_vote_is_given_while_an_earlier_start_may_have_promised_it),
	    cmocka_unit_test(no_more_is_trimmed_than_is_known_to_be_applied),
	};
	return UNIT_RUN(tests);
}

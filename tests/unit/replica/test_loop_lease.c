/* SPDX-License-Identifier: Apache-2.0 */
/* Leases, as the loop counts them, asks about them, and answers. */
#include "base/clock.h"
#include "base/proto.h"
#include "replica/inquiries.h"
#include "tests/unit/replica/loop_world.h"
#include "tests/unit/unit.h"

enum { ID = 77, TTL_S = 60, ASKER = 3 };

struct answer {
	int times;
	struct replica_lease_outcome outcome;
};

static void note(void *argument, const struct replica_lease_outcome *outcome)
{
	struct answer *answer = argument;
	answer->times++;
	answer->outcome = *outcome;
}

static struct kv_lease lease = {.id = ID, .ttl_s = TTL_S, .left_ms = TTL_S * 1000};

static void world_has_lease(struct world *world)
{
	lease.left_ms = TTL_S * 1000;
	world->leases = (struct kv_lease_list){.leases = &lease, .count = 1};
}

static void world_ask(struct world *world, enum replica_lease_ask kind, int64_t id, struct answer *answer)
{
	*answer = (struct answer){0};
	uint64_t deadline_ns = (world->now_ms + 5 * TIMEOUT_MS) * CLOCK_NS_PER_MS;
	loop_inquire(world->loop, inquiry_new(kind, id, deadline_ns, note, answer));
	world_run(world, 0);
}

/* The commands of the newest write. */
static struct kv_command world_command(struct world *world, size_t at)
{
	const struct write_job *job = world_last_write(world);
	struct kv_command command;
	assert_true(at < job->count);
	assert_int_equal(kv_command_decode(entry_payload(&job->entries[at]), &world->arena, &command), ERR_OK);
	return command;
}

static void a_leader_answers_and_counts(void **state)
{
	struct world world;
	struct answer answer;
	world_init(&world, 1);
	world_has_lease(&world);
	world_lead(&world, 1);
	world_run(&world, 1000);
	world_ask(&world, REPLICA_LEASE_LOOK, ID, &answer);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.ttl_s, TTL_S);
	assert_true(answer.outcome.left_ms < TTL_S * 1000);
	world_ask(&world, REPLICA_LEASE_KEEP_ALIVE, ID, &answer);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, ERR_OK);
	assert_int_equal(answer.outcome.left_ms, TTL_S * 1000);
	world_ask(&world, REPLICA_LEASE_KEEP_ALIVE, ID + 1, &answer);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, ERR_LEASE_NOT_FOUND);
	world_fini(&world);
}

static void a_leader_says_nothing_before_it_has_applied_an_entry_of_its_own(void **state)
{
	struct world world;
	struct answer answer;
	world_init(&world, 1);
	world_has_lease(&world);
	world_run(&world, 3 * TIMEOUT_MS);
	world_sync(&world);
	assert_int_equal(atomic_load(&world.shown.role), RAFT_LEADER);
	world_ask(&world, REPLICA_LEASE_KEEP_ALIVE, ID, &answer);
	world_sync(&world);
	world_run(&world, HEARTBEAT_MS);
	assert_false(STAILQ_EMPTY(&world.applies));
	assert_int_equal(answer.times, 0);
	world_settle(&world);
	assert_int_equal(answer.times, 1);
	world_fini(&world);
}

static void a_leader_that_may_be_none_any_more_says_nothing_and_ends_nothing(void **state)
{
	struct world world;
	struct answer answer;
	world_init(&world, 3);
	world_has_lease(&world);
	world_lead(&world, 3);
	while (world.now_ms < atomic_load(&world.shown.lease_until_ms))
		world_run(&world, 10);
	assert_int_equal(atomic_load(&world.shown.role), RAFT_LEADER);
	loop_leased(world.loop, &(struct kv_lease_event){.type = KV_LEASE_GRANTED, .lease = {5, 2, 2000}});
	loop_leased(world.loop, &(struct kv_lease_event){.type = KV_LEASE_GRANTED, .lease = {6, 2, 0}});
	world_ask(&world, REPLICA_LEASE_KEEP_ALIVE, 5, &answer);
	assert_int_equal(answer.times, 0);
	assert_true(STAILQ_EMPTY(&world.writes));
	/* A round that the others answer: nobody else led when it began. */
	world_run(&world, HEARTBEAT_MS);
	const Peer__Raft *heartbeat = world_sent(&world, RAFT_HEARTBEAT);
	assert_non_null(heartbeat);
	Peer__Raft reply = raft_of(RAFT_HEARTBEAT_REPLY, heartbeat->term);
	reply.round = heartbeat->round;
	for (size_t i = 0; i < world.frame_count; i++)
		if (world.frames[i]->body_case == PEER__ENVELOPE__BODY_RAFT &&
		    world.frames[i]->raft->round > reply.round)
			reply.round = world.frames[i]->raft->round;
	world_hear(&world, reply);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, ERR_OK);
	assert_int_equal(world_command(&world, 0).lease_expire.id, 6);
	world_fini(&world);
}

static void an_end_is_a_command_of_the_term(void **state)
{
	struct world world;
	world_init(&world, 1);
	world_has_lease(&world);
	lease.ttl_s = 2;
	lease.left_ms = 2000;
	world_lead(&world, 1);
	for (int i = 0; i < 60 && STAILQ_EMPTY(&world.writes); i++)
		world_run(&world, HEARTBEAT_MS);
	struct kv_command command = world_command(&world, 0);
	assert_int_equal(command.kind, KV_COMMAND_LEASE_CHECKPOINT);
	assert_int_equal(command.lease_checkpoint.term, atomic_load(&world.shown.term));
	assert_int_equal(command.lease_checkpoint.count, 1);
	assert_int_equal(command.lease_checkpoint.lefts[0].id, ID);
	assert_in_range(command.lease_checkpoint.lefts[0].left_ms, 500, 1000);
	int64_t left_ms = command.lease_checkpoint.lefts[0].left_ms;
	loop_leased(world.loop, &(struct kv_lease_event){.type = KV_LEASE_CHECKPOINTED, .lease = {ID, 2, left_ms}});
	world_settle(&world);
	for (int i = 0; i < 60 && STAILQ_EMPTY(&world.writes); i++)
		world_run(&world, HEARTBEAT_MS);
	command = world_command(&world, 0);
	assert_int_equal(command.kind, KV_COMMAND_LEASE_EXPIRE);
	assert_int_equal(command.lease_expire.id, ID);
	assert_int_equal(command.lease_expire.term, atomic_load(&world.shown.term));
	lease.ttl_s = TTL_S;
	world_fini(&world);
}

/* ---- asked by others ---- */

static void world_hear_ask(struct world *world, uint64_t number, int64_t id)
{
	uint32_t kind = REPLICA_LEASE_KEEP_ALIVE;
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__LeaseAsk ask = PEER__LEASE_ASK__INIT;
	ask.nonce = 4;
	ask.n_numbers = ask.n_kinds = ask.n_ids = 1;
	ask.numbers = &number;
	ask.kinds = &kind;
	ask.ids = &id;
	envelope.from = ASKER;
	envelope.to = SELF;
	envelope.body_case = PEER__ENVELOPE__BODY_LEASE_ASK;
	envelope.lease_ask = &ask;
	world_forget(world);
	loop_now(world->loop, world->now_ms * CLOCK_NS_PER_MS, 1);
	loop_message(world->loop, &envelope);
	loop_finish(world->loop);
}

static const Peer__LeaseReply *world_reply(const struct world *world)
{
	for (size_t i = 0; i < world->frame_count; i++)
		if (world->frames[i]->body_case == PEER__ENVELOPE__BODY_LEASE_REPLY)
			return world->frames[i]->lease_reply;
	return NULL;
}

static void note_result(void *argument, enum err err, struct kv_result *result)
{
}

static void another_member_is_answered_once_all_that_was_committed_is_applied(void **state)
{
	struct world world;
	struct kv_command command = {.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {5, 10}};
	world_init(&world, 1);
	world_has_lease(&world);
	world_lead(&world, 1);
	world_hear_ask(&world, 40, ID);
	const Peer__LeaseReply *reply = world_reply(&world);
	assert_non_null(reply);
	assert_int_equal(reply->nonce, 4);
	assert_int_equal(reply->n_numbers, 1);
	assert_int_equal(reply->numbers[0], 40);
	assert_int_equal(reply->outcomes[0], 0);
	assert_int_equal(reply->ttls_s[0], TTL_S);
	assert_int_equal(reply->lefts_ms[0], TTL_S * 1000);
	/* Others may have applied what is committed here, and have told of it. */
	assert_int_equal(pending_add(world.pending, &command, UINT64_MAX, note_result, NULL), ERR_OK);
	world_run(&world, 0);
	world_sync(&world);
	assert_false(STAILQ_EMPTY(&world.applies));
	world_hear_ask(&world, 41, 5);
	assert_null(world_reply(&world));
	loop_leased(world.loop, &(struct kv_lease_event){.type = KV_LEASE_GRANTED, .lease = {5, 10, 10000}});
	world_settle(&world);
	reply = world_reply(&world);
	assert_non_null(reply);
	assert_int_equal(reply->outcomes[0], 0);
	world_hear_ask(&world, 42, 6);
	assert_int_equal(world_reply(&world)->outcomes[0], 3);
	world_fini(&world);
}

static void who_does_not_lead_says_so(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_append_first(&world, 0);
	world_hear_ask(&world, 40, ID);
	assert_non_null(world_reply(&world));
	assert_int_equal(world_reply(&world)->outcomes[0], 1);
	world_fini(&world);
}

/* ---- asking others ---- */

static const Peer__LeaseAsk *world_asked(const struct world *world)
{
	for (size_t i = 0; i < world->frame_count; i++)
		if (world->frames[i]->body_case == PEER__ENVELOPE__BODY_LEASE_ASK)
			return world->frames[i]->lease_ask;
	return NULL;
}

static void world_hear_reply(struct world *world, const Peer__LeaseAsk *ask, uint32_t outcome)
{
	uint64_t number = ask->numbers[0];
	int64_t ttl_s = TTL_S, left_ms = 5;
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__LeaseReply reply = PEER__LEASE_REPLY__INIT;
	reply.nonce = ask->nonce;
	reply.n_numbers = reply.n_outcomes = reply.n_ttls_s = reply.n_lefts_ms = 1;
	reply.numbers = &number;
	reply.outcomes = &outcome;
	reply.ttls_s = &ttl_s;
	reply.lefts_ms = &left_ms;
	envelope.from = LEADER;
	envelope.to = SELF;
	envelope.body_case = PEER__ENVELOPE__BODY_LEASE_REPLY;
	envelope.lease_reply = &reply;
	loop_message(world->loop, &envelope);
	loop_finish(world->loop);
}

static void the_leader_is_asked_until_it_answers(void **state)
{
	struct world world;
	struct answer answer;
	world_init(&world, 3);
	world_append_first(&world, 0);
	world_forget(&world);
	world_ask(&world, REPLICA_LEASE_LOOK, ID, &answer);
	const Peer__LeaseAsk *ask = world_asked(&world);
	assert_non_null(ask);
	assert_int_equal(ask->n_ids, 1);
	assert_int_equal(ask->ids[0], ID);
	assert_int_equal(ask->kinds[0], REPLICA_LEASE_LOOK);
	world_forget(&world);
	world_hear_reply(&world, ask, 2);
	assert_null(world_asked(&world));
	world_run(&world, INQUIRIES_PAUSE_MS);
	assert_non_null(world_asked(&world));
	assert_int_equal(answer.times, 0);
	world_hear_reply(&world, ask, 0);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, ERR_OK);
	assert_int_equal(answer.outcome.ttl_s, TTL_S);
	assert_int_equal(answer.outcome.left_ms, 5);
	world_ask(&world, REPLICA_LEASE_KEEP_ALIVE, ID, &answer);
	world_hear_reply(&world, world_asked(&world), 9); /* of a later version */
	assert_int_equal(answer.times, 0);
	world_run(&world, 6 * TIMEOUT_MS);
	assert_int_equal(answer.times, 1);
	assert_true(answer.outcome.err == ERR_TIMEOUT || answer.outcome.err == ERR_NO_LEADER);
	world_fini(&world);
}

static void what_could_not_be_sent_is_sent_later(void **state)
{
	struct world world;
	struct answer answer;
	world_init(&world, 3);
	world_append_first(&world, 0);
	world_forget(&world);
	world.send_err = ERR_UNREACHABLE;
	world_ask(&world, REPLICA_LEASE_LOOK, ID, &answer);
	world.send_err = ERR_OK;
	world_run(&world, INQUIRIES_PAUSE_MS);
	assert_non_null(world_asked(&world));
	assert_int_equal(answer.times, 0);
	world_fini(&world);
	assert_int_equal(answer.times, 1);
	assert_int_equal(answer.outcome.err, ERR_STOPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_leader_answers_and_counts),
	    cmocka_unit_test(a_leader_says_nothing_before_it_has_applied_an_entry_of_its_own),
	    cmocka_unit_test(a_leader_that_may_be_none_any_more_says_nothing_and_ends_nothing),
	    cmocka_unit_test(an_end_is_a_command_of_the_term),
	    cmocka_unit_test(another_member_is_answered_once_all_that_was_committed_is_applied),
	    cmocka_unit_test(who_does_not_lead_says_so),
	    cmocka_unit_test(the_leader_is_asked_until_it_answers),
	    cmocka_unit_test(what_could_not_be_sent_is_sent_later),
	};
	return UNIT_RUN(tests);
}

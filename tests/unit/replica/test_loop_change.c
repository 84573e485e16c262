/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the members, as the loop asks for them, makes them, and answers. */
#include <stdio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/proto.h"
#include "replica/asks.h"
#include "replica/configuration.h"
#include "tests/unit/replica/loop_world.h"
#include "tests/unit/unit.h"

struct changed {
	int times;
	enum err err;
	uint64_t id;
	char why[128];
};

static void note_changed(void *argument, const struct replica_change_outcome *outcome)
{
	struct changed *changed = argument;
	changed->times++;
	changed->err = outcome->err;
	changed->id = outcome->id;
	snprintf(changed->why, sizeof changed->why, "%s", outcome->why);
}

static void world_change(struct world *world, struct replica_change change, struct changed *changed)
{
	*changed = (struct changed){0};
	uint64_t deadline_ns = (world->now_ms + 10 * TIMEOUT_MS) * CLOCK_NS_PER_MS;
	loop_change(world->loop, ask_new(&change, deadline_ns, note_changed, changed));
	world_run(world, 0);
}

static const struct replica_change addition = {
    .kind = REPLICA_ADD, .name = "n9", .peer_urls = "tcp://f:1", .client_urls = "http://f:2", .claim = 600};

/* The configuration that was appended last. */
static struct configuration world_configuration(struct world *world)
{
	const struct write_job *job = world_last_write(world);
	struct configuration configuration;
	assert_int_equal(job->count, 1);
	assert_int_equal(job->entries[0].kind, RAFT_ENTRY_CONFIG);
	assert_int_equal(configuration_decode(entry_payload(&job->entries[0]), &world->arena, &configuration), ERR_OK);
	return configuration;
}

static void a_change_is_answered_when_it_is_applied(void **state)
{
	struct world world;
	struct changed changed;
	world_init(&world, 1);
	world_lead(&world, 1);
	world_change(&world, addition, &changed);
	struct configuration configuration = world_configuration(&world);
	assert_int_equal(configuration.member_count, 2);
	assert_int_equal(configuration.fact_count, 1);
	assert_string_equal(configuration.facts[0].name, "n9");
	world_sync(&world);
	assert_false(STAILQ_EMPTY(&world.applies));
	assert_int_equal(changed.times, 0); /* committed, and not applied yet */
	world_settle(&world);
	assert_int_equal(changed.times, 1);
	assert_int_equal(changed.err, ERR_OK);
	assert_int_equal(changed.id, configuration.facts[0].id);
	world_fini(&world);
}

static void a_change_waits_while_another_one_is_under_way(void **state)
{
	struct world world;
	struct changed first, second;
	world_init(&world, 1);
	world_lead(&world, 1);
	world_change(&world, addition, &first);
	world_change(&world, (struct replica_change){.kind = REPLICA_ADD, .name = "n8", .peer_urls = "tcp://g:1"},
	             &second);
	size_t count = 0;
	const struct write_job *job;
	STAILQ_FOREACH(job, &world.writes, next)
	count++;
	assert_int_equal(count, 1);
	world_settle(&world);
	assert_int_equal(first.times, 1);
	assert_int_equal(second.times, 0);
	world_run(&world, ASKS_PAUSE_MS);
	world_settle(&world);
	assert_int_equal(second.times, 1);
	assert_int_equal(second.err, ERR_OK);
	assert_int_not_equal(second.id, first.id);
	world_fini(&world);
}

static void loop_hear_change(struct world *world, uint64_t from, uint64_t attempt, const struct replica_change *asked)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Change change = PEER__CHANGE__INIT;
	envelope.from = from;
	envelope.to = SELF;
	envelope.body_case = PEER__ENVELOPE__BODY_CHANGE;
	envelope.change = &change;
	change.attempt = attempt;
	change.nonce = 4;
	change.kind = asked->kind;
	change.id = asked->id;
	change.claim = asked->claim;
	change.name = (char *)(asked->name != NULL ? asked->name : "");
	change.peer_urls = (char *)(asked->peer_urls != NULL ? asked->peer_urls : "");
	loop_message(world->loop, &envelope);
	loop_finish(world->loop);
}

static const Peer__ChangeReply *world_reply(const struct world *world)
{
	const Peer__ChangeReply *reply = NULL;
	for (size_t i = 0; i < world->frame_count; i++)
		if (world->frames[i]->body_case == PEER__ENVELOPE__BODY_CHANGE_REPLY) {
			assert_null(reply); /* one at a time */
			reply = world->frames[i]->change_reply;
		}
	return reply;
}

static void a_member_that_asks_again_meanwhile_is_answered_once(void **state)
{
	struct world world;
	const uint64_t first = 5 << ASKS_TRIES_BITS | 1, second = first + 1;
	world_init(&world, 1);
	world_lead(&world, 1);
	loop_hear_change(&world, 7, first, &addition);
	assert_null(world_reply(&world));
	loop_hear_change(&world, 7, second, &addition);
	assert_null(world_reply(&world));
	/* Another one that wants something else is told to ask again. */
	loop_hear_change(&world, 8, 1, &(struct replica_change){.kind = REPLICA_REMOVE, .id = SELF});
	assert_int_equal(world_reply(&world)->outcome, 2);
	world_forget(&world);
	world_settle(&world);
	const Peer__ChangeReply *reply = world_reply(&world);
	assert_non_null(reply);
	assert_int_equal(reply->outcome, 0);
	assert_int_equal(reply->attempt, second);
	assert_int_equal(reply->nonce, 4);
	assert_int_not_equal(reply->id, 0);
	world_fini(&world);
}

static void who_does_not_lead_says_so(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_append_first(&world, 0);
	world_forget(&world);
	loop_hear_change(&world, 3, 1, &addition);
	assert_int_equal(world_reply(&world)->outcome, 1);
	world_forget(&world);
	loop_hear_change(&world, 3, 1, &(struct replica_change){.kind = 77});
	assert_int_equal(world_reply(&world)->outcome, 5);
	world_fini(&world);
}

static uint64_t world_asked(const struct world *world)
{
	uint64_t attempt = 0;
	for (size_t i = 0; i < world->frame_count; i++)
		if (world->frames[i]->body_case == PEER__ENVELOPE__BODY_CHANGE) {
			assert_int_equal(world->frames[i]->to, LEADER);
			assert_string_equal(world->frames[i]->change->peer_urls, "tcp://f:1");
			assert_int_equal(world->frames[i]->change->claim, 600);
			attempt = world->frames[i]->change->attempt;
		}
	return attempt;
}

static void world_hear_reply(struct world *world, uint64_t nonce, uint64_t attempt)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__ChangeReply reply = PEER__CHANGE_REPLY__INIT;
	envelope.from = LEADER;
	envelope.to = SELF;
	envelope.body_case = PEER__ENVELOPE__BODY_CHANGE_REPLY;
	envelope.change_reply = &reply;
	reply.nonce = nonce;
	reply.attempt = attempt;
	reply.outcome = 4;
	reply.why = (char *)"the name is taken";
	loop_message(world->loop, &envelope);
	loop_finish(world->loop);
}

static void a_change_is_asked_of_the_leader_until_it_answers(void **state)
{
	struct world world;
	struct changed changed;
	world_init(&world, 3);
	world_append_first(&world, 0);
	world_forget(&world);
	world_change(&world, addition, &changed);
	uint64_t first = world_asked(&world);
	assert_int_not_equal(first, 0);
	world_forget(&world);
	for (int i = 0; i < 2 * TIMEOUT_MS / HEARTBEAT_MS && world_asked(&world) == 0; i++) {
		world_hear(&world, raft_of(RAFT_HEARTBEAT, 1));
		world_run(&world, HEARTBEAT_MS);
	}
	uint64_t second = world_asked(&world);
	assert_int_not_equal(second, 0);
	assert_int_not_equal(second, first);
	world_hear_reply(&world, 12345, second); /* to an earlier start */
	assert_int_equal(changed.times, 0);
	world_hear_reply(&world, 1, second);
	assert_int_equal(changed.times, 1);
	assert_int_equal(changed.err, ERR_EXISTS);
	assert_string_equal(changed.why, "the name is taken");
	world_fini(&world);
}

/* Two learners are promoted as one, through a joint configuration that the leader leaves; the answer to what was asked for meanwhile
 * comes after that. */
static void learners_that_have_caught_up_are_promoted_by_the_loop_itself(void **state)
{
	struct world world;
	struct changed changed;
	uint64_t ids[2];
	world_init(&world, 1);
	world_lead(&world, 1);
	struct replica_change other = {.kind = REPLICA_ADD, .name = "n8", .peer_urls = "tcp://g:1", .claim = 601};
	world_change(&world, addition, &changed);
	world_settle(&world);
	ids[0] = changed.id;
	world_change(&world, other, &changed);
	world_settle(&world);
	ids[1] = changed.id;
	assert_int_equal(raft_config_now(loop_core(world.loop))->count, 3);
	world_acknowledge(&world, ids[0]);
	world_run(&world, HEARTBEAT_MS);
	assert_true(STAILQ_EMPTY(&world.writes)); /* one alone would make two voters */
	world_acknowledge(&world, ids[1]);
	world_run(&world, HEARTBEAT_MS);
	assert_false(STAILQ_EMPTY(&world.writes));
	assert_true(raft_config_is_joint(raft_config_now(loop_core(world.loop))));
	assert_int_equal(world_configuration(&world).fact_count, 0);
	world_settle(&world);
	assert_true(raft_config_is_joint(raft_config_now(loop_core(world.loop))));
	world_acknowledge(&world, ids[0]); /* of the new three two have it */
	assert_false(raft_config_is_joint(raft_config_now(loop_core(world.loop))));
	world_settle(&world);
	world_acknowledge(&world, ids[1]);
	world_settle(&world);
	struct raft_status status;
	raft_status(loop_core(world.loop), &status);
	assert_int_equal(status.commit, status.last_index);
	for (size_t i = 0; i < 2; i++)
		assert_true(raft_config_find(raft_config_now(loop_core(world.loop)), ids[i])->voter);
	world_fini(&world);
}

/* What another leader overwrote was not done: whoever asked for it may ask again. */
static void a_change_that_is_overwritten_is_not_answered_as_done(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_lead(&world, 3);
	loop_hear_change(&world, 3, 1, &(struct replica_change){.kind = REPLICA_REMOVE, .id = 3});
	assert_int_equal(world_configuration(&world).member_count, 2);
	uint64_t index = world_last_write(&world)->entries[0].index;
	world_sync(&world);
	assert_null(world_reply(&world));
	Peer__Entry entry = PEER__ENTRY__INIT, *entries[1] = {&entry};
	Peer__Raft append = raft_of(RAFT_APPEND, 9);
	entry.term = 9;
	entry.kind = RAFT_ENTRY_NOOP;
	append.index = index - 1;
	append.index_term = 1;
	append.commit = index;
	append.n_entries = 1;
	append.entries = entries;
	world_hear(&world, append);
	assert_int_equal(raft_config_now(loop_core(world.loop))->count, 3);
	assert_int_equal(world_reply(&world)->outcome, 1);
	world_fini(&world);
}

/* Between its election and the first answers a leader knows of nobody that is alive, which is no reason to refuse for good. */
static void a_new_leader_does_not_refuse_for_good(void **state)
{
	struct world world;
	world_init(&world, 3);
	world_run(&world, 3 * TIMEOUT_MS);
	world_hear(&world, raft_of(RAFT_PRE_VOTE_REPLY, 1));
	world_sync(&world);
	world_hear(&world, raft_of(RAFT_VOTE_REPLY, 1));
	world_settle(&world);
	world_acknowledge(&world, 2); /* and 3 has not answered yet */
	world_settle(&world);
	world_forget(&world);
	loop_hear_change(&world, 3, 1, &(struct replica_change){.kind = REPLICA_REMOVE, .id = 2});
	assert_int_equal(world_reply(&world)->outcome, 2);
	world_forget(&world);
	for (int i = 0; i < TIMEOUT_MS / HEARTBEAT_MS + 1; i++) {
		world_acknowledge(&world, 2);
		world_run(&world, HEARTBEAT_MS);
	}
	world_forget(&world);
	loop_hear_change(&world, 3, 2, &(struct replica_change){.kind = REPLICA_REMOVE, .id = 2});
	assert_int_equal(world_reply(&world)->outcome, 5);
	world_fini(&world);
}

/* The state does not know yet who is a member: an id or a name might be given twice. */
static void a_new_leader_applies_the_configuration_before_it_makes_another(void **state)
{
	struct world world;
	struct raft_config config;
	AUTO_BUFFER struct buffer payload;
	Peer__Entry entry = PEER__ENTRY__INIT, *entries[1] = {&entry};
	Peer__Raft append = raft_of(RAFT_APPEND, 1);
	world_init(&world, 3);
	buffer_init(&payload, CONFIGURATION_BYTES_MAX);
	raft_config_init(&config);
	raft_config_copy(&config, raft_config_now(loop_core(world.loop)));
	assert_int_equal(raft_config_set(&config, (struct raft_member){.id = 4}), ERR_OK);
	configuration_encode(&config, NULL, 0, &payload);
	raft_config_fini(&config);
	entry.term = 1;
	entry.kind = RAFT_ENTRY_CONFIG;
	entry.payload = proto_data(buffer_bytes(&payload));
	append.commit = 1;
	append.n_entries = 1;
	append.entries = entries;
	world_hear(&world, append);
	world_sync(&world);
	world_run(&world, 3 * TIMEOUT_MS);
	world_hear(&world, raft_of(RAFT_PRE_VOTE_REPLY, 2));
	world_sync(&world);
	world_hear(&world, raft_of(RAFT_VOTE_REPLY, 2));
	world_sync(&world);
	world_acknowledge(&world, 2);
	struct raft_status status;
	raft_status(loop_core(world.loop), &status);
	assert_true(status.settled);
	world_forget(&world);
	loop_hear_change(&world, 3, 1, &addition);
	assert_int_equal(world_reply(&world)->outcome, 2);
	assert_true(STAILQ_EMPTY(&world.writes));
	world_settle(&world);
	loop_hear_change(&world, 3, 2, &addition);
	assert_int_equal(world_configuration(&world).member_count, 5);
	world_fini(&world);
}

/* It may have happened, and nobody can say. */
static void an_uncommitted_change_has_an_unknown_outcome_at_its_deadline(void **state)
{
	struct world world;
	struct changed changed;
	world_init(&world, 3);
	world_lead(&world, 3);
	world_change(&world, (struct replica_change){.kind = REPLICA_REMOVE, .id = 3}, &changed);
	assert_int_equal(world_configuration(&world).member_count, 2);
	for (int i = 0; i < 12; i++) {
		world_forget(&world);
		world_run(&world, TIMEOUT_MS);
	}
	assert_int_equal(changed.times, 1);
	assert_int_equal(changed.err, ERR_UNKNOWN_OUTCOME);
	world_fini(&world);
}

static void a_leader_that_removes_itself_answers_and_steps_down(void **state)
{
	struct world world;
	struct changed changed;
	world_init(&world, 3);
	world_lead(&world, 3);
	world_change(&world, (struct replica_change){.kind = REPLICA_REMOVE, .id = SELF}, &changed);
	world_sync(&world);
	world_acknowledge(&world, 2);
	assert_int_equal(atomic_load(&world.shown.role), RAFT_LEADER); /* it does not count itself */
	world_acknowledge(&world, 3);
	assert_int_not_equal(atomic_load(&world.shown.role), RAFT_LEADER);
	assert_true(atomic_load(&world.shown.removed));
	world_settle(&world);
	assert_int_equal(changed.times, 1);
	assert_int_equal(changed.err, ERR_OK);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_change_is_answered_when_it_is_applied),
	    cmocka_unit_test(a_change_waits_while_another_one_is_under_way),
	    cmocka_unit_test(a_member_that_asks_again_meanwhile_is_answered_once),
	    cmocka_unit_test(who_does_not_lead_says_so),
	    cmocka_unit_test(a_change_is_asked_of_the_leader_until_it_answers),
	    cmocka_unit_test(learners_that_have_caught_up_are_promoted_by_the_loop_itself),
	    cmocka_unit_test(a_change_that_is_overwritten_is_not_answered_as_done),
	    cmocka_unit_test(a_new_leader_does_not_refuse_for_good),
	    cmocka_unit_test(a_new_leader_applies_the_configuration_before_it_makes_another),
	    cmocka_unit_test(an_uncommitted_change_has_an_unknown_outcome_at_its_deadline),
	    cmocka_unit_test(a_leader_that_removes_itself_answers_and_steps_down),
	};
	return UNIT_RUN(tests);
}

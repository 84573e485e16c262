/* SPDX-License-Identifier: Apache-2.0 */
/* What is appended, and what is refused; how many reads wait. */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/memory.h"
#include "raft/raft.h"
#include "raft/reads.h"
#include "raft/writes.h"
#include "tests/unit/unit.h"

enum { ELECTION_MS = 1000, UNCOMMITTED_MAX = 1 << 20, UNAPPLIED_MAX = 4096 };

struct fixture {
	struct raft *raft;
	struct raft_update update;
	struct buffer payload;
};

static void encode(struct buffer *payload, const struct raft_member *members, size_t count)
{
	struct raft_config config;
	payload->size = 0;
	raft_config_init(&config);
	for (size_t i = 0; i < count; i++) {
		enum err err = raft_config_set(&config, members[i]);
		check(err == ERR_OK);
	}
	raft_config_encode(&config, payload);
	raft_config_fini(&config);
}

static void step(struct fixture *fixture, struct raft_event event)
{
	event.now_ms = event.now_ms != 0 ? event.now_ms : 3 * ELECTION_MS;
	raft_step(fixture->raft, &event, &fixture->update);
}

static void written(struct fixture *fixture)
{
	step(fixture, (struct raft_event){.type = RAFT_EVENT_WRITTEN, .write_id = fixture->update.write_id});
}

static void hear(struct fixture *fixture, struct raft_message message)
{
	message.from = 2;
	message.to = 1;
	step(fixture, (struct raft_event){.type = RAFT_EVENT_MESSAGE, .message = &message});
}

/* Node 1 of voters 1 and 2, and the learner 3. */
static int set_up(void **state)
{
	static const struct raft_member members[] = {{.id = 1, .voter = true}, {.id = 2, .voter = true}, {.id = 3}};
	struct fixture *fixture = memory_new(sizeof *fixture);
	struct raft_options options = {.id = 1,
	                               .seed = 1,
	                               .heartbeat_interval_ms = ELECTION_MS / 10,
	                               .election_timeout_ms = ELECTION_MS,
	                               .inflight_messages_max = 4,
	                               .inflight_bytes_max = 1 << 20,
	                               .append_bytes_max = 1 << 20,
	                               .uncommitted_bytes_max = UNCOMMITTED_MAX,
	                               .unapplied_bytes_max = UNAPPLIED_MAX};
	buffer_init(&fixture->payload, 4096);
	encode(&fixture->payload, members, 3);
	struct raft_start start = {.now_ms = 1, .config_payload = buffer_bytes(&fixture->payload)};
	assert_int_equal(raft_new(&options, &start, &fixture->raft), ERR_OK);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	raft_free(fixture->raft);
	buffer_fini(&fixture->payload);
	free(fixture);
	return 0;
}

/* Its no-op is durable here, and not committed. */
static void elect(struct fixture *fixture)
{
	step(fixture, (struct raft_event){.type = RAFT_EVENT_TICK});
	hear(fixture, (struct raft_message){.type = RAFT_PRE_VOTE_REPLY, .term = 1});
	written(fixture);
	hear(fixture, (struct raft_message){.type = RAFT_VOTE_REPLY, .term = 1});
	assert_int_equal(fixture->update.role, RAFT_LEADER);
	written(fixture);
}

static void settle(struct fixture *fixture)
{
	hear(fixture, (struct raft_message){.type = RAFT_APPEND_REPLY, .term = 1, .index = 1});
	assert_int_equal(fixture->update.commit, 1);
}

static enum err propose(struct fixture *fixture, const struct raft_entry *entries, size_t count)
{
	step(fixture, (struct raft_event){.type = RAFT_EVENT_PROPOSE, .entries = entries, .count = count});
	return fixture->update.proposal;
}

static enum err propose_config(struct fixture *fixture, const struct raft_member *members, size_t count)
{
	encode(&fixture->payload, members, count);
	struct raft_entry entry = {.kind = RAFT_ENTRY_CONFIG, .config_payload = buffer_bytes(&fixture->payload)};
	return propose(fixture, &entry, 1);
}

static void only_commands_or_one_configuration_are_proposed(void **state)
{
	struct fixture *fixture = *state;
	struct raft_entry entries[2] = {{.kind = RAFT_ENTRY_COMMAND}, {.kind = RAFT_ENTRY_CONFIG}};
	assert_int_equal(propose(fixture, entries, 1), ERR_NO_LEADER);
	elect(fixture);
	settle(fixture);
	assert_int_equal(propose(fixture, entries, 0), ERR_INVALID);
	assert_int_equal(propose(fixture, entries, 2), ERR_INVALID);
	entries[0].kind = RAFT_ENTRY_NOOP;
	assert_int_equal(propose(fixture, entries, 1), ERR_INVALID);
	entries[0] = (struct raft_entry){.kind = RAFT_ENTRY_COMMAND, .size_bytes = LIMIT_ENTRY_BYTES + 1};
	assert_int_equal(propose(fixture, entries, 1), ERR_INVALID);
	entries[0].size_bytes = 1;
	assert_int_equal(propose(fixture, entries, 1), ERR_OK);
	assert_int_equal(fixture->update.append_from, 2);
}

static void a_configuration_is_one_step_from_the_present_one(void **state)
{
	static const struct raft_member jump[] = {{.id = 4, .voter = true}}, none[] = {{.id = 1}, {.id = 2}},
	                                unheard[] = {{.id = 1, .voter = true, .voter_outgoing = true},
	                                             {.id = 2, .voter = true}},
	                                forged[] = {{.id = 1, .voter = true, .voter_outgoing = true},
	                                            {.id = 2, .voter = true, .voter_outgoing = true},
	                                            {.id = 3, .voter_outgoing = true}},
	                                joint[] = {{.id = 1, .voter = true, .voter_outgoing = true},
	                                           {.id = 2, .voter_outgoing = true},
	                                           {.id = 4, .voter = true}},
	                                left[] = {{.id = 1, .voter = true}, {.id = 4, .voter = true}};
	static const struct raft_entry garbage = {.kind = RAFT_ENTRY_CONFIG, .config_payload = BYTES_LITERAL("?")};
	struct fixture *fixture = *state;
	elect(fixture);
	assert_int_equal(propose_config(fixture, joint, 3), ERR_BUSY); /* nothing of its term is committed */
	settle(fixture);
	assert_int_equal(propose(fixture, &garbage, 1), ERR_INVALID);
	assert_int_equal(propose_config(fixture, jump, 1), ERR_INVALID);
	assert_int_equal(propose_config(fixture, none, 2), ERR_INVALID);
	assert_int_equal(propose_config(fixture, unheard, 2), ERR_INVALID);
	assert_int_equal(propose_config(fixture, forged, 3), ERR_INVALID);
	assert_int_equal(propose_config(fixture, joint, 3), ERR_OK);
	assert_int_equal(propose_config(fixture, left, 2), ERR_BUSY); /* the one before is not committed */
}

static void acknowledge(struct fixture *fixture, uint64_t index)
{
	written(fixture);
	hear(fixture, (struct raft_message){.type = RAFT_APPEND_REPLY, .term = 1, .index = index});
	assert_int_equal(fixture->update.commit, index);
}

static void a_leader_that_is_behind_with_applying_takes_no_more(void **state)
{
	static const struct raft_entry half = {.kind = RAFT_ENTRY_COMMAND, .size_bytes = UNAPPLIED_MAX / 2};
	struct fixture *fixture = *state;
	struct raft_status status;
	elect(fixture);
	settle(fixture);
	assert_int_equal(propose(fixture, &half, 1), ERR_OK);
	acknowledge(fixture, 2);
	assert_int_equal(propose(fixture, &half, 1), ERR_OK);
	acknowledge(fixture, 3);
	assert_int_equal(propose(fixture, &half, 1), ERR_BUSY);
	step(fixture, (struct raft_event){.type = RAFT_EVENT_APPLIED, .index = 2});
	assert_int_equal(propose(fixture, &half, 1), ERR_OK);
	acknowledge(fixture, 4);
	step(fixture, (struct raft_event){.type = RAFT_EVENT_APPLIED, .index = 4});
	raft_status(fixture->raft, &status);
	assert_int_equal(status.unapplied_bytes, 0);
}

static void what_is_not_committed_is_bounded(void **state)
{
	static const struct raft_entry small = {.kind = RAFT_ENTRY_COMMAND, .size_bytes = 1},
	                               large = {.kind = RAFT_ENTRY_COMMAND, .size_bytes = UNCOMMITTED_MAX};
	struct fixture *fixture = *state;
	elect(fixture);
	settle(fixture);
	assert_int_equal(propose(fixture, &large, 1), ERR_OK); /* one always fits */
	assert_int_equal(propose(fixture, &small, 1), ERR_BUSY);
}

static void writes_under_way_are_bounded(void **state)
{
	static const struct raft_entry empty = {.kind = RAFT_ENTRY_COMMAND};
	struct fixture *fixture = *state;
	elect(fixture);
	for (int i = 0; i < RAFT_WRITES_PENDING_MAX; i++)
		assert_int_equal(propose(fixture, &empty, 1), ERR_OK);
	assert_int_equal(propose(fixture, &empty, 1), ERR_BUSY);
	written(fixture); /* of nothing */
	step(fixture, (struct raft_event){.type = RAFT_EVENT_WRITTEN, .write_id = 3});
	assert_int_equal(propose(fixture, &empty, 1), ERR_OK);
}

static size_t append(struct fixture *fixture, uint64_t index)
{
	static const struct raft_entry empty = {.kind = RAFT_ENTRY_COMMAND, .term = 1};
	hear(fixture, (struct raft_message){.type = RAFT_APPEND,
	                                    .term = 1,
	                                    .index = index - 1,
	                                    .index_term = index > 1,
	                                    .count = 1,
	                                    .entries = &empty});
	return fixture->update.append_count;
}

static void a_follower_takes_no_more_than_it_can_write(void **state)
{
	struct fixture *fixture = *state;
	for (uint64_t index = 1; index <= RAFT_WRITES_PENDING_MAX; index++)
		assert_int_equal(append(fixture, index), 1);
	assert_int_equal(append(fixture, RAFT_WRITES_PENDING_MAX + 1), 0);
	assert_int_equal(fixture->update.message_count, 0); /* nor does it acknowledge it */
	step(fixture, (struct raft_event){.type = RAFT_EVENT_WRITTEN, .write_id = 1});
	assert_int_equal(append(fixture, RAFT_WRITES_PENDING_MAX + 1), 1);
}

static size_t reads_refused(struct fixture *fixture, uint64_t count)
{
	size_t refused = 0;
	for (uint64_t id = 1; id <= count; id++) {
		step(fixture, (struct raft_event){.type = RAFT_EVENT_READ, .read_id = id});
		refused += fixture->update.read_count != 0 && fixture->update.reads[0].err == ERR_BUSY;
	}
	return refused;
}

static void reads_that_wait_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	hear(fixture, (struct raft_message){.type = RAFT_HEARTBEAT, .term = 1, .round = 1});
	assert_int_equal(reads_refused(fixture, RAFT_READS_MAX + 2), 2);
}

static void reads_that_wait_at_the_leader_are_bounded(void **state)
{
	struct fixture *fixture = *state;
	elect(fixture);
	assert_int_equal(reads_refused(fixture, RAFT_READS_MAX + 2), 2);
}

static void leadership_is_given_only_by_who_has_it_to_another_voter(void **state)
{
	struct fixture *fixture = *state;
	struct raft_event transfer = {.type = RAFT_EVENT_TRANSFER, .peer = 2};
	step(fixture, transfer);
	assert_int_equal(fixture->update.proposal, ERR_NO_LEADER);
	hear(fixture, (struct raft_message){.type = RAFT_HEARTBEAT, .term = 1, .round = 1});
	step(fixture, transfer);
	assert_int_equal(fixture->update.proposal, ERR_NOT_LEADER);
	static const struct raft_entry empty = {.kind = RAFT_ENTRY_COMMAND};
	assert_int_equal(propose(fixture, &empty, 1), ERR_NOT_LEADER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(only_commands_or_one_configuration_are_proposed, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_configuration_is_one_step_from_the_present_one, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_leader_that_is_behind_with_applying_takes_no_more, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_not_committed_is_bounded, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(writes_under_way_are_bounded, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_follower_takes_no_more_than_it_can_write, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(reads_that_wait_are_bounded, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(reads_that_wait_at_the_leader_are_bounded, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(leadership_is_given_only_by_who_has_it_to_another_voter, set_up, tear_down),
	};
	return UNIT_RUN(tests);
}

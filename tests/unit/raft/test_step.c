/* SPDX-License-Identifier: Apache-2.0 */
/* How a core begins from what a disk holds, and what is told to it twice. */
#include "base/buffer.h"
#include "base/check.h"
#include "raft/raft.h"
#include "tests/unit/unit.h"

enum { ELECTION_MS = 1000 };

static const struct raft_options options = {.id = 1,
                                            .seed = 1,
                                            .heartbeat_interval_ms = ELECTION_MS / 10,
                                            .election_timeout_ms = ELECTION_MS,
                                            .inflight_messages_max = 4,
                                            .inflight_bytes_max = 4096,
                                            .append_bytes_max = 4096,
                                            .uncommitted_bytes_max = 4096};

static void encode(struct buffer *payload)
{
	struct raft_config config;
	buffer_init(payload, 4096);
	raft_config_init(&config);
	for (uint64_t id = 1; id <= 3; id++) {
		enum err err = raft_config_set(&config, (struct raft_member){.id = id, .voter = true});
		check(err == ERR_OK);
	}
	raft_config_encode(&config, payload);
	raft_config_fini(&config);
}

static struct raft_update step(struct raft *raft, struct raft_event event)
{
	struct raft_update update;
	event.now_ms = 1;
	raft_step(raft, &event, &update);
	return update;
}

static void a_log_that_cannot_be_is_corrupt(void **state)
{
	static const struct raft_entry falls[] = {{.term = 2, .kind = RAFT_ENTRY_NOOP},
	                                          {.term = 1, .kind = RAFT_ENTRY_NOOP}},
	                               garbage[] = {{.term = 1,
	                                             .kind = RAFT_ENTRY_CONFIG,
	                                             .config_payload = BYTES_LITERAL("?")}};
	AUTO_BUFFER struct buffer payload = {0};
	struct raft *raft = NULL;
	encode(&payload);
	struct raft_start start = {.now_ms = 1, .config_payload = buffer_bytes(&payload), .entries = falls, .count = 2};
	assert_int_equal(raft_new(&options, &start, &raft), ERR_CORRUPT);
	start.entries = garbage;
	start.count = 1;
	assert_int_equal(raft_new(&options, &start, &raft), ERR_CORRUPT);
	start.count = 0;
	start.config_payload = BYTES_LITERAL("?");
	assert_int_equal(raft_new(&options, &start, &raft), ERR_CORRUPT);
	assert_null(raft);
}

static void entries_of_a_later_term_than_the_one_on_disk_raise_it_and_void_the_vote(void **state)
{
	static const struct raft_entry later = {.term = 7, .kind = RAFT_ENTRY_NOOP};
	AUTO_BUFFER struct buffer payload = {0};
	struct raft *raft;
	struct raft_status status;
	encode(&payload);
	struct raft_start start = {
	    .now_ms = 1, .term = 6, .vote = 2, .config_payload = buffer_bytes(&payload), .entries = &later, .count = 1};
	assert_int_equal(raft_new(&options, &start, &raft), ERR_OK);
	raft_status(raft, &status);
	assert_int_equal(status.term, 7);
	assert_int_equal(status.vote, 0);
	raft_free(raft);
}

static void a_longer_promise_from_before_the_start_is_kept(void **state)
{
	AUTO_BUFFER struct buffer payload = {0};
	struct raft *raft;
	encode(&payload);
	struct raft_start start = {
	    .now_ms = 1, .term = 1, .config_payload = buffer_bytes(&payload), .promised_ms = 10 * ELECTION_MS};
	assert_int_equal(raft_new(&options, &start, &raft), ERR_OK);
	assert_int_equal(step(raft, (struct raft_event){.type = RAFT_EVENT_TICK}).wake_at_ms, 1 + 10 * ELECTION_MS);
	raft_free(raft);
}

static void what_is_told_twice_counts_once(void **state)
{
	static const struct raft_entry entries[] = {{.term = 1, .kind = RAFT_ENTRY_NOOP},
	                                            {.term = 1, .kind = RAFT_ENTRY_COMMAND}};
	AUTO_BUFFER struct buffer payload = {0};
	struct raft *raft;
	struct raft_status status;
	encode(&payload);
	struct raft_start start = {.now_ms = 1,
	                           .term = 1,
	                           .config_payload = buffer_bytes(&payload),
	                           .applied = 2,
	                           .entries = entries,
	                           .count = 2};
	assert_int_equal(raft_new(&options, &start, &raft), ERR_OK);
	step(raft, (struct raft_event){.type = RAFT_EVENT_APPLIED, .index = 1});
	step(raft, (struct raft_event){.type = RAFT_EVENT_TRIMMED, .index = 2});
	step(raft, (struct raft_event){.type = RAFT_EVENT_TRIMMED, .index = 1});
	step(raft, (struct raft_event){.type = RAFT_EVENT_WRITTEN, .write_id = 9});
	raft_status(raft, &status);
	assert_int_equal(status.applied, 2);
	assert_int_equal(status.first_index, 3);
	assert_int_equal(raft_term_at(raft, 2), 1);
	assert_int_equal(raft_term_at(raft, 1), 0);
	struct raft_peer_status peers[1];
	assert_int_equal(raft_peers(raft, peers, 1), 0); /* it does not lead */
	raft_free(raft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_log_that_cannot_be_is_corrupt),
	    cmocka_unit_test(entries_of_a_later_term_than_the_one_on_disk_raise_it_and_void_the_vote),
	    cmocka_unit_test(a_longer_promise_from_before_the_start_is_kept),
	    cmocka_unit_test(what_is_told_twice_counts_once),
	};
	return UNIT_RUN(tests);
}

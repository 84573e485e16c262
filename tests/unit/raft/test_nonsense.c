/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that no member of ours would send, in any order and role: the core drops or answers them, and its invariants hold. */
#include "base/buffer.h"
#include "base/check.h"
#include "base/random.h"
#include "tests/sim/node.h"
#include "tests/unit/unit.h"

enum { LIVES = 60, MESSAGES = 4000, NUMBERS_MAX = 12 };

struct fuzz {
	struct random random;
	struct node node;
	uint64_t sent;
};

static void fuzz_send(void *world, struct node *node, struct node_message *message)
{
	((struct fuzz *)world)->sent++;
	node_message_free(message);
}

static void fuzz_read_done(void *world, struct node *node, const struct raft_read *read)
{
}

static void fuzz_snapshot_wanted(void *world, struct node *node, uint64_t peer)
{
}

static void fuzz_fetch_wanted(void *world, struct node *node, uint64_t from, uint64_t index, uint64_t term)
{
}

static const struct node_hooks fuzz_hooks = {.send = fuzz_send,
                                             .read_done = fuzz_read_done,
                                             .snapshot_wanted = fuzz_snapshot_wanted,
                                             .fetch_wanted = fuzz_fetch_wanted};

/* Small numbers meet what is there; now and then one that nobody could count to. */
static uint64_t fuzz_number(struct fuzz *fuzz)
{
	if (random_below(&fuzz->random, 50) == 0)
		return UINT64_MAX - random_below(&fuzz->random, 3);
	return random_below(&fuzz->random, NUMBERS_MAX);
}

static void fuzz_encode(struct fuzz *fuzz, struct node_entry *entry)
{
	AUTO_BUFFER struct buffer payload = {0};
	struct raft_config config;
	buffer_init(&payload, NODE_PAYLOAD_MAX);
	raft_config_init(&config);
	for (uint64_t id = 1; id <= 3; id++) {
		struct raft_member member = {.id = id + random_below(&fuzz->random, 3),
		                             .voter = random_below(&fuzz->random, 3) != 0};
		enum err err = raft_config_set(&config, member);
		check(err == ERR_OK);
	}
	raft_config_encode(&config, &payload);
	raft_config_fini(&config);
	if (random_below(&fuzz->random, 4) == 0)
		payload.data[random_below(&fuzz->random, payload.size)] ^= 0x55;
	entry->size = (uint32_t)payload.size;
	memcpy(entry->payload, payload.data, payload.size);
}

static void fuzz_message(struct fuzz *fuzz)
{
	struct node_entry entries[4] = {0};
	struct node_message message = {.entries = entries};
	struct raft_message *head = &message.head;
	head->type = (enum raft_message_type)random_below(&fuzz->random, RAFT_REPAIR + 2);
	head->from = random_below(&fuzz->random, 6);
	head->to = random_below(&fuzz->random, 20) != 0 ? 1 : fuzz_number(fuzz);
	head->term = random_below(&fuzz->random, 2) != 0 ? fuzz->node.update.term : fuzz_number(fuzz);
	head->index = fuzz_number(fuzz);
	head->index_term = fuzz_number(fuzz);
	head->commit = fuzz_number(fuzz);
	head->reject = random_below(&fuzz->random, 2) != 0;
	head->hint = fuzz_number(fuzz);
	head->hint_term = fuzz_number(fuzz);
	head->transfer = random_below(&fuzz->random, 4) == 0;
	head->round = fuzz_number(fuzz);
	head->read_id = fuzz_number(fuzz);
	head->count = head->type == RAFT_APPEND ? random_below(&fuzz->random, 5) : 0;
	for (size_t i = 0; i < head->count; i++) {
		entries[i].term = fuzz_number(fuzz);
		entries[i].kind = (enum raft_entry_kind)random_below(&fuzz->random, 5);
		if (entries[i].kind == RAFT_ENTRY_CONFIG)
			fuzz_encode(fuzz, &entries[i]);
	}
	if (head->type == RAFT_SNAPSHOT)
		fuzz_encode(fuzz, &message.config);
	node_receive(&fuzz->node, &message);
}

static void fuzz_event(struct fuzz *fuzz)
{
	struct node *node = &fuzz->node;
	node->now_ms += random_below(&fuzz->random, 40);
	switch (random_below(&fuzz->random, 12)) {
	case 0:
		node_step(node, (struct raft_event){.type = RAFT_EVENT_TICK});
		break;
	case 1:
		node_written(node, random_below(&fuzz->random, node->write_count + 1));
		break;
	case 2:
		node_propose(node, RAFT_ENTRY_COMMAND, BYTES_LITERAL("x"));
		break;
	case 3:
		node_step(node, (struct raft_event){.type = RAFT_EVENT_READ, .read_id = 1});
		break;
	case 4:
		if (node->installing != 0 && random_below(&fuzz->random, 4) == 0) {
			node->installing = 0;
			node_step(node, (struct raft_event){.type = RAFT_EVENT_SNAPSHOT_FAILED});
		}
		break;
	default:
		fuzz_message(fuzz);
	}
}

static void no_message_breaks_an_invariant(void **state)
{
	static const struct raft_options options = {.heartbeat_interval_ms = 100,
	                                            .election_timeout_ms = 300,
	                                            .leases = true,
	                                            .inflight_messages_max = 2,
	                                            .inflight_bytes_max = 200,
	                                            .append_bytes_max = 100,
	                                            .uncommitted_bytes_max = 1000};
	uint64_t sent = 0;
	for (uint64_t life = 1; life <= LIVES; life++) {
		struct fuzz fuzz = {0};
		struct node_entry first = {0};
		random_init(&fuzz.random, life);
		do
			fuzz_encode(&fuzz, &first);
		while (first.payload[0] != 1 || first.size == 0 || first.payload[3] != 1);
		struct raft_config config;
		struct bytes rest;
		raft_config_init(&config);
		if (raft_config_decode(bytes_of(first.payload, first.size), &config, &rest) != ERR_OK)
			first.size = 0;
		raft_config_fini(&config);
		node_init(&fuzz.node, 1, &fuzz_hooks, &fuzz);
		node_format(&fuzz.node, bytes_of(first.payload, first.size));
		node_start(&fuzz.node, options, 1, life);
		for (int i = 0; i < MESSAGES; i++)
			fuzz_event(&fuzz);
		sent += fuzz.sent;
		node_fini(&fuzz.node);
	}
	assert_true(sent > LIVES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(no_message_breaks_an_invariant)};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/frame.h"

#include "base/proto.h"
#include "base/random.h"
#include "replica/wire.h"
#include "tests/unit/unit.h"

enum { FUZZ_ROUNDS = 20000 };

static void pack_example(struct buffer *buffer, struct arena *arena)
{
	struct raft_message message = {
	    .type = RAFT_APPEND, .term = 7, .index = 41, .index_term = 6, .commit = 40, .round = 3};
	struct entry entries[2] = {
	    {.index = 42,
	     .term = 7,
	     .time_ns = -5,
	     .kind = RAFT_ENTRY_COMMAND,
	     .blob = blob_new(BYTES_LITERAL("first"))},
	    {.index = 43, .term = 7, .kind = RAFT_ENTRY_NOOP},
	};
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	message.count = 2;
	envelope.cluster = 1;
	envelope.from = 2;
	envelope.to = 3;
	envelope.body_case = PEER__ENVELOPE__BODY_RAFT;
	envelope.raft = wire_from_message(&message, entries, arena);
	assert_int_equal(frame_pack(&envelope, buffer), ERR_OK);
	blob_unref(entries[0].blob);
}

static void a_message_comes_back_as_it_was(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1 << 20);
	pack_example(&buffer, &arena);
	struct bytes body = BYTES_NONE;
	size_t size = 0;
	Peer__Envelope *envelope = NULL;
	struct raft_message message;
	assert_int_equal(frame_split(buffer_bytes(&buffer), &body, &size), ERR_OK);
	assert_int_equal(size, buffer.size);
	assert_int_equal(frame_unpack(body, &arena, &envelope), ERR_OK);
	assert_int_equal(envelope->from, 2);
	assert_int_equal(wire_to_message(envelope->raft, 2, 3, &arena, &message), ERR_OK);
	assert_int_equal(message.type, RAFT_APPEND);
	assert_int_equal(message.term, 7);
	assert_int_equal(message.index, 41);
	assert_int_equal(message.commit, 40);
	assert_int_equal(message.round, 3);
	assert_int_equal(message.count, 2);
	assert_int_equal(message.entries[0].size_bytes, 5);
	assert_int_equal(message.entries[1].kind, RAFT_ENTRY_NOOP);
	assert_int_equal(envelope->raft->entries[0]->time_ns, -5);
	assert_true(bytes_equal(proto_bytes(envelope->raft->entries[0]->payload), BYTES_LITERAL("first")));
}

static void a_part_of_a_frame_asks_for_the_rest(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1 << 20);
	pack_example(&buffer, &arena);
	for (size_t have = 0; have < buffer.size; have++) {
		struct bytes body = BYTES_NONE;
		size_t size = 0;
		assert_int_equal(frame_split(bytes_of(buffer.data, have), &body, &size), ERR_NOT_FOUND);
		assert_int_equal(size, have < FRAME_HEADER_BYTES ? FRAME_HEADER_BYTES : buffer.size);
	}
}

static void a_flipped_bit_is_found(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1 << 20);
	pack_example(&buffer, &arena);
	for (size_t bit = 4 * 8; bit < buffer.size * 8; bit++) {
		struct bytes body = BYTES_NONE;
		size_t size = 0;
		buffer.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(frame_split(buffer_bytes(&buffer), &body, &size), ERR_PROTOCOL);
		buffer.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void a_length_over_the_maximum_is_refused_at_once(void **state)
{
	const uint8_t header[FRAME_HEADER_BYTES] = {0xff, 0xff, 0xff, 0x7f};
	struct bytes body = BYTES_NONE;
	size_t size = 0;
	assert_int_equal(frame_split(bytes_of(header, sizeof header), &body, &size), ERR_PROTOCOL);
}

static void what_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 64);
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Forward forward = PEER__FORWARD__INIT;
	uint8_t command[100] = {0};
	forward.command = proto_data(bytes_of(command, sizeof command));
	envelope.body_case = PEER__ENVELOPE__BODY_FORWARD;
	envelope.forward = &forward;
	assert_int_equal(frame_pack(&envelope, &buffer), ERR_TOO_LARGE);
	assert_int_equal(buffer.size, 0);
}

/* Whatever a stranger sends behind a right checksum is refused or understood, never a crash. */
static void no_body_does_harm(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1 << 20);
	struct random random;
	random_init(&random, 1);
	unsigned understood = 0;
	for (int i = 0; i < FUZZ_ROUNDS; i++) {
		arena_reset(&arena);
		buffer_clear(&buffer);
		pack_example(&buffer, &arena);
		for (uint64_t flips = 1 + random_below(&random, 4); flips != 0; flips--)
			buffer.data[FRAME_HEADER_BYTES + random_below(&random, buffer.size - FRAME_HEADER_BYTES)] =
			    (uint8_t)random_next(&random);
		size_t size = (size_t)random_below(&random, buffer.size - FRAME_HEADER_BYTES + 1);
		struct bytes body =
		    bytes_of(buffer.data + FRAME_HEADER_BYTES, i % 2 != 0 ? size : buffer.size - FRAME_HEADER_BYTES);
		Peer__Envelope *envelope = NULL;
		struct raft_message message;
		if (frame_unpack(body, &arena, &envelope) == ERR_OK && envelope->body_case == PEER__ENVELOPE__BODY_RAFT)
			understood += wire_to_message(envelope->raft, 2, 3, &arena, &message) == ERR_OK;
	}
	assert_true(understood > FUZZ_ROUNDS / 100 && understood < FUZZ_ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_comes_back_as_it_was),
	    cmocka_unit_test(a_part_of_a_frame_asks_for_the_rest),
	    cmocka_unit_test(a_flipped_bit_is_found),
	    cmocka_unit_test(a_length_over_the_maximum_is_refused_at_once),
	    cmocka_unit_test(what_does_not_fit_leaves_the_buffer_as_it_was),
	    cmocka_unit_test(no_body_does_harm),
	};
	return UNIT_RUN(tests);
}

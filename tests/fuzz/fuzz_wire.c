/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from a peer, or lies in an entry of the log: frames, messages of the core, commands, configurations, and what the daemon
 * is told by its helper. The first byte says as what. */
#include "base/check.h"
#include "fs/helper_call.h"
#include "fs/names.h"
#include "replica/configuration.h"
#include "replica/wire.h"
#include "store/kv.h"
#include "tests/fuzz/rows.h"

#define WIRE_BUFFER(name)                                                                                              \
	AUTO_BUFFER struct buffer name;                                                                                \
	buffer_init(&name, 1 << 20)

/* ---- frames, and what is in them ---- */

static void message_read(const Peer__Envelope *envelope)
{
	struct raft_message message;
	if (wire_to_message(envelope->raft, 2, 1, &fuzz_arena, &message) != ERR_OK)
		return;
	for (size_t at = 0; at < message.count; at++)
		check(message.entries[at].term != 0);
}

static void envelope_read(struct bytes body)
{
	Peer__Envelope *envelope;
	if (frame_unpack(body, &fuzz_arena, &envelope) != ERR_OK)
		return;
	if (envelope->body_case == PEER__ENVELOPE__BODY_RAFT)
		message_read(envelope);
	WIRE_BUFFER(frame);
	enum err err = frame_pack(envelope, &frame);
	struct bytes again;
	size_t size;
	check(err == ERR_TOO_LARGE ||
	      (frame_split(buffer_bytes(&frame), &again, &size) == ERR_OK && size == frame.size));
}

static void frame_read(struct bytes input)
{
	struct bytes body;
	size_t size;
	enum err err = frame_split(input, &body, &size);
	check(err != ERR_OK || size <= input.size);
	check(err != ERR_NOT_FOUND || size > input.size);
	if (err == ERR_OK)
		envelope_read(body);
}

static void frame_seed(struct random *random, struct buffer *buffer)
{
	const struct raft_message message = {.type = (enum raft_message_type)(1 + random_below(random, 12)),
	                                     .from = 2,
	                                     .to = 1,
	                                     .term = 1 + random_below(random, 4),
	                                     .index = random_below(random, 5),
	                                     .round = random_next(random)};
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	envelope.cluster = 7;
	envelope.body_case = PEER__ENVELOPE__BODY_RAFT;
	envelope.raft = wire_from_message(&message, NULL, &fuzz_arena);
	check(frame_pack(&envelope, buffer) == ERR_OK);
}

static void envelope_seed(struct random *random, struct buffer *buffer)
{
	size_t at = buffer->size;
	frame_seed(random, buffer);
	struct bytes body;
	size_t size;
	check(frame_split(bytes_of(buffer->data + at, buffer->size - at), &body, &size) == ERR_OK);
	struct bytes copy = arena_dup(&fuzz_arena, body);
	buffer->size = at;
	buffer_put(buffer, copy);
}

/* ---- commands ---- */

static void command_read(struct bytes encoded)
{
	struct kv_origin origin;
	struct kv_command command, again;
	if (kv_command_decode(encoded, &fuzz_arena, &command) != ERR_OK)
		return;
	WIRE_BUFFER(one);
	WIRE_BUFFER(two);
	if (kv_command_encode(&command, &one) != ERR_OK)
		return;
	check(kv_command_decode(buffer_bytes(&one), &fuzz_arena, &again) == ERR_OK);
	check(kv_command_origin(buffer_bytes(&one), &origin) == ERR_OK);
	check(origin.kind == command.kind && origin.session == command.session && origin.sequence == command.sequence);
	check(kv_command_encode(&again, &two) == ERR_OK);
	check(bytes_equal(buffer_bytes(&one), buffer_bytes(&two)));
}

static void command_seed(struct random *random, struct buffer *buffer)
{
	const struct kv_op inner[] = {
	    {.kind = KV_RANGE, .range = {.range = {BYTES_LITERAL("a"), BYTES_LITERAL("b")}, .limit = 3}}};
	const struct kv_txn nested = {.success = inner, .success_count = 1};
	const struct kv_op ops[] = {
	    {.kind = KV_PUT,
	     .put = {.key = BYTES_LITERAL("k"), .value = BYTES_LITERAL("v"), .lease = 3, .want_prev = true}},
	    {.kind = KV_DELETE, .del = {.range = {BYTES_LITERAL("d"), BYTES_NONE}}},
	    {.kind = KV_TXN, .txn = &nested},
	    {.kind = KV_MOVE, .move = {.from = BYTES_LITERAL("f/"), .to = BYTES_LITERAL("t/")}},
	};
	const struct kv_compare compare = {.target = KV_MOD, .range = {BYTES_LITERAL("k"), BYTES_NONE}, .number = 4};
	const struct kv_lease_left left = {.id = 3, .left_ms = 100};
	struct kv_command commands[] = {
	    {.kind = KV_COMMAND_TXN,
	     .txn = {.compares = &compare,
	             .compare_count = 1,
	             .success = ops,
	             .success_count = 4,
	             .failure = inner,
	             .failure_count = 1}},
	    {.kind = KV_COMMAND_COMPACT, .compact = {.revision = 7}},
	    {.kind = KV_COMMAND_SESSION, .session_open = {1, 2}},
	    {.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {-4, 60}},
	    {.kind = KV_COMMAND_LEASE_REVOKE, .lease_revoke = {9}},
	    {.kind = KV_COMMAND_LEASE_CHECKPOINT, .lease_checkpoint = {2, &left, 1}},
	    {.kind = KV_COMMAND_MEMBER, .member = {.id = 4, .name = "n", .peer_urls = "tcp://h:1", .client_urls = ""}},
	};
	struct kv_command *command = &commands[random_below(random, sizeof commands / sizeof *commands)];
	command->session = random_next(random);
	command->sequence = 3;
	check(kv_command_encode(command, buffer) == ERR_OK);
}

/* ---- configurations ---- */

static void configuration_read(struct bytes payload)
{
	struct raft_config config;
	struct configuration configuration;
	struct bytes rest;
	raft_config_init(&config);
	enum err voters = raft_config_decode(payload, &config, &rest);
	check(voters != ERR_OK || rest.size <= payload.size);
	enum err all = configuration_decode(payload, &fuzz_arena, &configuration);
	check(all != ERR_OK || voters == ERR_OK);
	raft_config_fini(&config);
}

static void configuration_seed(struct random *random, struct buffer *buffer)
{
	const struct kv_member fact = {.id = 2, .name = "n2", .peer_urls = "tcp://h:2", .client_urls = ""};
	struct raft_config config;
	raft_config_init(&config);
	for (uint64_t id = 1; id <= 3; id++)
		check(raft_config_set(&config, (struct raft_member){.id = id, .voter = random_below(random, 3) != 0}) ==
		      ERR_OK);
	configuration_encode(&config, &fact, 1, buffer);
	raft_config_fini(&config);
}

/* ---- the helper, and names ---- */

static void helper_read(struct bytes encoded)
{
	struct helper_call call;
	(void)!helper_call_decode(encoded, &call);
}

static void helper_seed(struct random *random, struct buffer *buffer)
{
	const struct helper_call call = {.number = (uint32_t)random_next(random),
	                                 .kind = 1,
	                                 .at = {.directory = 5, .path = "a/b", .name = "c"},
	                                 .to = {.path = "", .name = ""}};
	check(helper_call_encode(&call, buffer) == ERR_OK);
}

static void name_read(struct bytes input)
{
	struct name_meaning meaning = name_parse(arena_dup_string(&fuzz_arena, input), &fuzz_arena);
	check(meaning.segment.size <= input.size);
}

static void name_seed(struct random *random, struct buffer *buffer)
{
	static const char *const names[] = {".etcfs", ".etcfs-id-12", "a%2Fb", "..", ".etcfs.a", "plain"};
	buffer_put(buffer, bytes_of_string(names[random_below(random, sizeof names / sizeof *names)]));
}

const struct fuzz_row fuzz_rows[] = {
    {frame_read, frame_seed},     {envelope_read, envelope_seed},
    {command_read, command_seed}, {configuration_read, configuration_seed},
    {helper_read, helper_seed},   {name_read, name_seed},
};

const size_t fuzz_row_count = sizeof fuzz_rows / sizeof *fuzz_rows;

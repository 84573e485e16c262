/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/limits.h"
#include "base/random.h"
#include "tests/unit/store/fixture.h"

enum { ROUNDS = 3000, BYTES_MAX = 12 };

static struct random dice;
static struct arena arena;

static struct bytes random_bytes(void)
{
	size_t size = random_below(&dice, BYTES_MAX);
	uint8_t *data = arena_take(&arena, size);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)random_next(&dice);
	return bytes_of(data, size);
}

static bool coin(void)
{
	return random_below(&dice, 2) == 0;
}

static struct kv_txn random_txn(unsigned depth);

static struct kv_op random_op(unsigned depth)
{
	struct kv_op op = {.kind = (enum kv_op_kind)(KV_PUT + random_below(&dice, depth < KV_TXN_DEPTH_MAX ? 6 : 3))};
	switch (op.kind) {
	case KV_PUT:
		op.put = (struct kv_put){random_bytes(),
		                         random_bytes(),
		                         random_bytes(),
		                         (int64_t)random_next(&dice),
		                         random_next(&dice),
		                         coin(),
		                         coin(),
		                         coin(),
		                         coin()};
		break;
	case KV_DELETE:
		op.del = (struct kv_delete){{random_bytes(), random_bytes()}, coin()};
		break;
	case KV_RANGE:
		op.range = (struct kv_range_request){.range = {random_bytes(), random_bytes()},
		                                     .limit = (int64_t)random_next(&dice),
		                                     .revision = (int64_t)random_next(&dice),
		                                     .order = (enum kv_order)random_below(&dice, 3),
		                                     .sort = (enum kv_sort)random_below(&dice, 5),
		                                     .keys_only = coin(),
		                                     .count_only = coin(),
		                                     .min_mod_revision = (int64_t)random_next(&dice),
		                                     .max_create_revision = (int64_t)random_next(&dice)};
		break;
	case KV_TXN: {
		struct kv_txn *txn = arena_take(&arena, sizeof *txn);
		*txn = random_txn(depth + 1);
		op.txn = txn;
		break;
	}
	case KV_MOVE:
	case KV_EXCHANGE:
		op.move = (struct kv_move){random_bytes(), random_bytes(), coin(), random_bytes()};
		break;
	}
	return op;
}

static const struct kv_op *random_ops(unsigned depth, size_t count)
{
	struct kv_op *ops = arena_take(&arena, count * sizeof *ops);
	for (size_t i = 0; i < count; i++)
		ops[i] = random_op(depth);
	return ops;
}

static struct kv_txn random_txn(unsigned depth)
{
	struct kv_txn txn = {.compare_count = random_below(&dice, 3),
	                     .success_count = random_below(&dice, 3),
	                     .failure_count = random_below(&dice, 3)};
	struct kv_compare *compares = arena_take(&arena, txn.compare_count * sizeof *compares);
	for (size_t i = 0; i < txn.compare_count; i++)
		compares[i] = (struct kv_compare){(enum kv_target)random_below(&dice, 6),
		                                  (enum kv_result_of_compare)random_below(&dice, 4),
		                                  {random_bytes(), random_bytes()},
		                                  (int64_t)random_next(&dice),
		                                  random_bytes()};
	txn.compares = compares;
	txn.success = random_ops(depth, txn.success_count);
	txn.failure = random_ops(depth, txn.failure_count);
	txn.note = depth == 1 ? random_bytes() : BYTES_NONE;
	return txn;
}

static const struct kv_lease_left *random_lefts(size_t count)
{
	struct kv_lease_left *lefts = arena_take(&arena, count * sizeof *lefts);
	for (size_t i = 0; i < count; i++)
		lefts[i] = (struct kv_lease_left){(int64_t)random_next(&dice), (int64_t)random_next(&dice)};
	return lefts;
}

static struct kv_command random_command(void)
{
	struct kv_command command = {.kind = (enum kv_command_kind)(KV_COMMAND_TXN + random_below(&dice, 9)),
	                             .session = random_next(&dice),
	                             .sequence = random_next(&dice),
	                             .done_below = random_next(&dice),
	                             .proposer = random_next(&dice),
	                             .quota_bytes = coin() ? 0 : random_next(&dice)};
	switch (command.kind) {
	case KV_COMMAND_TXN:
		command.txn = random_txn(1);
		break;
	case KV_COMMAND_COMPACT:
		command.compact.revision = (int64_t)random_next(&dice);
		break;
	case KV_COMMAND_SESSION:
		command.session_open.member = random_next(&dice);
		command.session_open.nonce = random_next(&dice);
		break;
	case KV_COMMAND_LEASE_GRANT:
		command.lease_grant.id = (int64_t)random_next(&dice);
		command.lease_grant.ttl_s = (int64_t)random_next(&dice);
		break;
	case KV_COMMAND_LEASE_REVOKE:
		command.lease_revoke.id = (int64_t)random_next(&dice);
		break;
	case KV_COMMAND_MEMBER:
		command.member = (struct kv_member){.id = random_next(&dice),
		                                    .name = "name",
		                                    .peer_urls = "tcp://h:1",
		                                    .client_urls = coin() ? "" : "http://h:2"};
		break;
	case KV_COMMAND_LEASE_EXPIRE:
		command.lease_expire.id = (int64_t)random_next(&dice);
		command.lease_expire.term = random_next(&dice);
		break;
	case KV_COMMAND_LEASE_CHECKPOINT:
		command.lease_checkpoint.term = random_next(&dice);
		command.lease_checkpoint.count = random_below(&dice, 3);
		command.lease_checkpoint.lefts = random_lefts(command.lease_checkpoint.count);
		break;
	case KV_COMMAND_ALARM:
		command.alarm.action = coin() ? KV_ALARM_RAISE : KV_ALARM_CLEAR;
		command.alarm.kind = coin() ? KV_ALARM_NOSPACE : KV_ALARM_CORRUPT;
		command.alarm.member = random_next(&dice);
		command.alarm.by_itself = coin();
		break;
	}
	return command;
}

static struct bytes encode(const struct kv_command *command)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1 << 20);
	assert_int_equal(kv_command_encode(command, &buffer), ERR_OK);
	return arena_dup(&arena, buffer_bytes(&buffer));
}

static int setup(void **state)
{
	(void)state;
	random_init(&dice, 42);
	arena_init(&arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static void put_survives_the_way_there_and_back(void **state)
{
	(void)state;
	struct kv_op op =
	    PUT(.key = B("k"), .value = B("v"), .attr = B("a"), .lease = -3, .id = KV_ID_OWN | 1, .keep_lease = true);
	struct kv_command command = {.kind = KV_COMMAND_TXN,
	                             .proposer = 4,
	                             .txn = {.success = &op, .success_count = 1}},
	                  back;
	assert_int_equal(kv_command_decode(encode(&command), &arena, &back), ERR_OK);
	assert_int_equal(back.txn.success_count, 1);
	assert_int_equal(back.txn.failure_count, 0);
	const struct kv_put *put = &back.txn.success->put;
	assert_bytes(put->key, "k");
	assert_bytes(put->value, "v");
	assert_bytes(put->attr, "a");
	assert_int_equal(put->lease, -3);
	assert_int_equal(put->id, KV_ID_OWN | 1);
	assert_true(put->keep_lease && !put->keep_value && !put->keep_attr && !put->want_prev);
}

static void any_command_is_the_same_bytes_after_the_way_there_and_back(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct kv_command command = random_command(), back;
		struct bytes bytes = encode(&command);
		assert_int_equal(kv_command_decode(bytes, &arena, &back), ERR_OK);
		assert_int_equal(back.kind, command.kind);
		struct bytes again = encode(&back);
		assert_true(bytes_equal(bytes, again));
		struct kv_origin origin;
		assert_int_equal(kv_command_origin(bytes, &origin), ERR_OK);
		assert_int_equal(origin.kind, command.kind);
		assert_int_equal(origin.session, command.session);
		assert_int_equal(origin.sequence, command.sequence);
		assert_int_equal(origin.proposer, command.proposer);
		arena_reset(&arena);
	}
}

/* Nothing may happen but an error or another command. */
static void damaged_commands_are_survived(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct kv_command command = random_command(), back;
		struct bytes bytes = encode(&command);
		uint8_t *data = (uint8_t *)bytes.data;
		for (uint64_t i = 1 + random_below(&dice, 4); i > 0 && bytes.size > 0; i--)
			data[random_below(&dice, bytes.size)] = (uint8_t)random_next(&dice);
		if (coin())
			bytes.size = random_below(&dice, bytes.size + 1);
		struct kv_origin origin;
		(void)!kv_command_origin(bytes, &origin);
		if (kv_command_decode(bytes, &arena, &back) == ERR_OK)
			encode(&back);
		arena_reset(&arena);
	}
}

static void too_deep_and_too_large_are_refused(void **state)
{
	(void)state;
	struct kv_txn txns[KV_TXN_DEPTH_MAX + 1] = {{0}};
	struct kv_op ops[KV_TXN_DEPTH_MAX + 1];
	for (size_t i = 1; i <= KV_TXN_DEPTH_MAX; i++) {
		ops[i] = (struct kv_op){.kind = KV_TXN, .txn = &txns[i - 1]};
		txns[i] = (struct kv_txn){.success = &ops[i], .success_count = 1};
	}
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 16);
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = txns[KV_TXN_DEPTH_MAX]};
	assert_int_equal(kv_command_encode(&command, &buffer), ERR_LIMIT);
	struct kv_op put = PUT(.key = B("0123456789abcdef"));
	command.txn = (struct kv_txn){.success = &put, .success_count = 1};
	assert_int_equal(kv_command_encode(&command, &buffer), ERR_TOO_LARGE);
	assert_int_equal(buffer.size, 0);
}

/* A number that no decoder knows would stop every node, for good, once it is in the log. */
static void numbers_that_mean_nothing_are_refused(void **state)
{
	(void)state;
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 1 << 10);
	struct kv_compare compare = {.result = (enum kv_result_of_compare)(KV_NOT_EQUAL + 1),
	                             .range = {.start = B("k")}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.compares = &compare, .compare_count = 1}};
	assert_int_equal(kv_command_encode(&command, &buffer), ERR_INVALID);
	compare.result = KV_EQUAL;
	compare.target = (enum kv_target)(KV_ID + 1);
	assert_int_equal(kv_command_encode(&command, &buffer), ERR_INVALID);
	struct kv_op range = {.kind = KV_RANGE, .range = {.range = {.start = B("k")}, .order = (enum kv_order)3}};
	command.txn = (struct kv_txn){.success = &range, .success_count = 1};
	assert_int_equal(kv_command_encode(&command, &buffer), ERR_INVALID);
	range.range.order = KV_DESCEND;
	range.range.sort = (enum kv_sort)(KV_SORT_VALUE + 1);
	assert_int_equal(kv_command_encode(&command, &buffer), ERR_INVALID);
	assert_int_equal(buffer.size, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(put_survives_the_way_there_and_back),
	    TEST(any_command_is_the_same_bytes_after_the_way_there_and_back),
	    TEST(damaged_commands_are_survived),
	    TEST(too_deep_and_too_large_are_refused),
	    TEST(numbers_that_mean_nothing_are_refused),
	};
	return UNIT_RUN(tests);
}

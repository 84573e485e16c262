/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"
#include "base/random.h"
#include "store/layout.h"
#include "store/row.h"
#include "tests/unit/unit.h"

enum {
	ROUNDS = 20000,
	ROW_BYTES_MAX = 4096,
	ALARM_FIELDS_BYTES =
	    10, /* what format 4 has added to a state without a limit: nine bytes of INT64_MAX, and one */
};

static struct arena arena;
static struct buffer buffer;
static struct random dice;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena);
	buffer_init(&buffer, ROW_BYTES_MAX);
	random_init(&dice, 5);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	buffer_fini(&buffer);
	return 0;
}

static const struct kv_record record = {.value = {(const uint8_t *)"value", 5},
                                        .attr = {(const uint8_t *)"attr", 4},
                                        .create_revision = 3,
                                        .mod_revision = INT64_MAX,
                                        .version = 2,
                                        .lease = -9,
                                        .time_ns = 1700000000000000000,
                                        .id = UINT64_MAX};

static void a_record_comes_back_as_it_went(void **state)
{
	(void)state;
	struct kv_record back;
	bool tombstone = true;
	row_record_encode(&record, &buffer);
	assert_int_equal(row_record_decode(buffer_bytes(&buffer), &back, &tombstone), ERR_OK);
	assert_false(tombstone);
	assert_true(bytes_equal(back.value, record.value) && bytes_equal(back.attr, record.attr));
	assert_int_equal(back.mod_revision, INT64_MAX);
	assert_int_equal(back.lease, -9);
	assert_int_equal(back.id, UINT64_MAX);
	buffer_clear(&buffer);
	row_tombstone_encode(&buffer);
	assert_int_equal(row_record_decode(buffer_bytes(&buffer), &back, &tombstone), ERR_OK);
	assert_true(tombstone);
	assert_int_equal(row_record_decode(BYTES_NONE, &back, &tombstone), ERR_CORRUPT);
}

static void a_state_of_a_newer_format_is_known_for_what_it_is(void **state)
{
	(void)state;
	struct state first = state_first(), back;
	row_state_encode(&first, &buffer);
	assert_int_equal(row_state_decode(buffer_bytes(&buffer), &back), ERR_OK);
	assert_int_equal(back.compacted, -1);
	buffer.data[0]++;
	assert_int_equal(row_state_decode(buffer_bytes(&buffer), &back), ERR_FORMAT_NEWER);
	buffer.data[0] = ROW_FORMAT_OLDEST - 1;
	assert_int_equal(row_state_decode(buffer_bytes(&buffer), &back), ERR_CORRUPT);
}

static void rows_of_the_first_format_are_read(void **state)
{
	struct state back, first = state_first();
	first.index = 7;
	row_state_encode(&first, &buffer);
	buffer.data[0] = ROW_FORMAT_OLDEST;
	buffer.size -= ALARM_FIELDS_BYTES;
	assert_int_equal(row_state_decode(buffer_bytes(&buffer), &back), ERR_OK);
	assert_int_equal(back.index, 7);
	assert_int_equal(back.limit_bytes, INT64_MAX);
	assert_int_equal(back.stops, 0);
	buffer_clear(&buffer);
	buffer_put_varint(&buffer, 300);
	buffer_put_sized(&buffer, BYTES_LITERAL("n1"));
	buffer_put_sized(&buffer, BYTES_LITERAL("tcp://a:1"));
	buffer_put_sized(&buffer, BYTES_LITERAL(""));
	struct kv_member member;
	assert_int_equal(row_member_decode(buffer_bytes(&buffer), &arena, &member), ERR_OK);
	assert_int_equal(member.id, 300);
	assert_string_equal(member.peer_urls, "tcp://a:1");
	assert_int_equal(member.claim, 0);
	assert_false(member.wants_no_vote);
	buffer_clear(&buffer);
	buffer_put_varint(&buffer, 60);
	buffer_put_varint(&buffer, 12345);
	struct row_lease lease;
	assert_int_equal(row_lease_decode(buffer_bytes(&buffer), &lease), ERR_OK);
	assert_int_equal(lease.granted_ns, 12345);
	assert_int_equal(lease.left_ms, 60000);
}

static void every_condition_of_a_command_has_a_number_that_comes_back(void **state)
{
	(void)state;
	const enum err errs[] = {ERR_OK, ERR_NOT_FOUND, ERR_STALE_SESSION};
	for (size_t i = 0; i < 3; i++) {
		buffer_clear(&buffer);
		row_outcome_encode(&(struct row_outcome){.session = 1, .sequence = 2, .err = errs[i]}, &buffer);
		struct cursor cursor = cursor_over(buffer_bytes(&buffer));
		struct row_outcome back;
		row_outcome_decode(&cursor, &back);
		assert_true(cursor_is_done(&cursor));
		assert_int_equal(back.err, errs[i]);
	}
	assert_int_equal(row_err_code(ERR_OK), 0);
	assert_int_equal(row_err_code(ERR_NOT_FOUND), 2); /* stored: never renumber */
	assert_int_equal(row_err_code(ERR_STALE_SESSION), 11);
}

/* ---- damage ---- */

static void decode_all(struct bytes row)
{
	struct kv_record back;
	struct kv_change change;
	struct kv_directory directory;
	struct kv_member member;
	struct row_session session;
	struct row_lease lease;
	struct kv_alarm alarm;
	struct row_outcome outcome;
	struct state state;
	int64_t number;
	bool tombstone;
	struct bytes key;
	struct cursor cursor = cursor_over(row);
	(void)!row_record_decode(row, &back, &tombstone);
	(void)!row_change_decode(row, &arena, &change);
	(void)!row_directory_decode(row, &directory);
	(void)!row_member_decode(row, &arena, &member);
	(void)!row_session_decode(row, &session);
	(void)!row_lease_decode(row, &lease);
	(void)!row_alarm_decode(row, &alarm);
	(void)!row_number_decode(row, &number);
	(void)!row_state_decode(row, &state);
	(void)!layout_past_split(row, &arena, &key, &number);
	(void)!layout_change_revision(row);
	row_outcome_decode(&cursor, &outcome);
}

static void encode_some(void)
{
	struct kv_event events[] = {{.record = {.key = BYTES_LITERAL("/a"), .id = 7}},
	                            {.type = KV_EVENT_DELETE, .record = {.key = BYTES_LITERAL("/b"), .id = 8}}};
	struct kv_change change = {.time_ns = 5, .note = BYTES_LITERAL("note"), .events = events, .event_count = 2};
	buffer_clear(&buffer);
	switch (random_below(&dice, 4)) {
	case 0:
		row_record_encode(&record, &buffer);
		break;
	case 1:
		row_change_encode(&change, &buffer);
		break;
	case 2:
		row_member_encode(
		    &(struct kv_member){.id = 3, .name = "name", .peer_urls = "tcp://h:1", .client_urls = ""}, &buffer);
		break;
	default:
		row_directory_encode(&(struct kv_directory){.id = 9, .children = 3}, &buffer);
		break;
	}
}

static void damaged_rows_are_survived(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		encode_some();
		for (uint64_t i = random_below(&dice, 4); i > 0; i--)
			buffer.data[random_below(&dice, buffer.size)] = (uint8_t)random_next(&dice);
		/* In memory of its own, so that a read past its end is found by the sanitizer. */
		struct bytes row = arena_dup(&arena, bytes_of(buffer.data, random_below(&dice, buffer.size + 1)));
		decode_all(row);
		arena_fini(&arena);
	}
}

/* ---- keys ---- */

static struct bytes random_key(void)
{
	size_t size = random_below(&dice, 4);
	uint8_t *key = arena_take(&arena, size);
	for (size_t i = 0; i < size; i++)
		key[i] = (uint8_t[]){0, 1, 0x2f, 0xff}[random_below(&dice, 4)];
	return bytes_of(key, size);
}

static void rows_of_the_past_sort_by_key_then_newest_first(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct bytes left = random_key(), right = random_key(), key;
		int64_t older = (int64_t)random_below(&dice, 300), newer = (int64_t)random_below(&dice, 300), revision;
		struct bytes a = layout_past(left, older, &arena), b = layout_past(right, newer, &arena);
		int order = bytes_compare(left, right);
		int expected = order != 0 ? order : (older < newer) - (older > newer);
		int actual = bytes_compare(a, b);
		assert_int_equal((actual > 0) - (actual < 0), (expected > 0) - (expected < 0));
		assert_true(layout_past_split(a, &arena, &key, &revision));
		assert_true(bytes_equal(key, left));
		assert_int_equal(revision, older);
		assert_int_equal(bytes_compare(a, layout_past_bound(right, &arena)) < 0, order < 0);
		assert_int_equal(bytes_compare(a, layout_past_end(right, &arena)) < 0, order <= 0);
		arena_reset(&arena);
	}
}

static void paths_end_at_their_slashes(void **state)
{
	(void)state;
	assert_true(bytes_equal(layout_home(BYTES_LITERAL("/a/b")), BYTES_LITERAL("/a/")));
	assert_true(bytes_equal(layout_home(BYTES_LITERAL("/a/")), BYTES_LITERAL("/a/")));
	assert_int_equal(layout_home(BYTES_LITERAL("a")).size, 0);
	assert_true(bytes_equal(layout_parent(BYTES_LITERAL("/a/")), BYTES_LITERAL("/")));
	assert_true(bytes_equal(layout_parent(BYTES_LITERAL("/a//")), BYTES_LITERAL("/a/")));
	assert_int_equal(layout_parent(BYTES_LITERAL("/")).size, 0);
	assert_true(bytes_have_prefix(layout_tree(BYTES_LITERAL("/a/b/"), &arena),
	                              layout_tree_children(BYTES_LITERAL("/a/"), &arena)));
	assert_false(bytes_have_prefix(layout_tree(BYTES_LITERAL("/a/b/c/"), &arena),
	                               layout_tree_children(BYTES_LITERAL("/a/"), &arena)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_record_comes_back_as_it_went),    TEST(a_state_of_a_newer_format_is_known_for_what_it_is),
	    TEST(rows_of_the_first_format_are_read), TEST(every_condition_of_a_command_has_a_number_that_comes_back),
	    TEST(damaged_rows_are_survived),         TEST(rows_of_the_past_sort_by_key_then_newest_first),
	    TEST(paths_end_at_their_slashes),
	};
	return UNIT_RUN(tests);
}

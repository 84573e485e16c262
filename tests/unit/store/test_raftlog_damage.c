/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Damage to what was synced: after it a log either still tells the whole truth, or says that it is damaged and keeps term and
 * vote. It is never silently shorter.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/raftlog_private.h"
#include "tests/unit/store/memory_disk.h"
#include "tests/unit/store/raftlog_model.h"
#include "tests/unit/unit.h"

enum { BLOCK_BYTES = 4096, HEAD_BYTES = 160, FLIPS_ANYWHERE = 400 };

enum outcome { OUTCOME_WHOLE, OUTCOME_DAMAGED, OUTCOMES };

/* A log of some segments with a term and vote that only its last batches tell, closed in good order. */
struct given {
	struct memory_disk *disk;
	struct model_user user;
	unsigned outcomes[OUTCOMES];
};

static struct given *given_a_closed_log(void)
{
	struct given *given = memory_new(sizeof *given);
	given->disk = memory_disk_new();
	given->user.options = (struct raftlog_options){
	    .directory = "log", .cluster_id = 7, .member_id = 3, .segment_bytes = 64 << 10, .io = &given->disk->io};
	random_init(&given->user.random, 5);
	model_user_open(&given->user);
	while (given->user.log->segments.count < 3 || given->user.log->last.index < 40)
		model_user_step(&given->user);
	struct model *now = &given->user.now;
	now->term += 2;
	now->vote = 9;
	struct model_entry *last = &now->entries[++now->last];
	*last = (struct model_entry){.term = now->term, .nonce = 1};
	struct raftlog_entry entry = {
	    .index = now->last, .term = now->term, .kind = 2, .time_ns = 1, .payload = model_payload(1)};
	raftlog_write(given->user.log, &(struct raftlog_batch){now->term, now->vote, 0, &entry, 1});
	given->user.next = given->user.now;
	raftlog_close(given->user.log);
	return given;
}

static void given_free(struct given *given)
{
	memory_disk_free(given->disk);
	free(given);
}

/* Opens what is on the disk; the disk is used up. */
static enum outcome outcome_of(struct given *given, struct memory_disk *disk)
{
	struct raftlog_options options = given->user.options;
	struct raftlog_state state;
	struct raftlog *log;
	options.io = &disk->io;
	assert_int_equal(raftlog_recover(&options, &log, &state), ERR_OK);
	assert_int_equal(state.term, given->user.now.term);
	assert_int_equal(state.vote, given->user.now.vote);
	enum outcome outcome = OUTCOME_DAMAGED;
	if (state.damaged) {
		assert_true(strlen(raftlog_damage(log)) > 0);
	} else {
		assert_true(model_equals(&given->user.now, log, &state));
		outcome = OUTCOME_WHOLE;
	}
	raftlog_free(log);
	memory_disk_free(disk);
	given->outcomes[outcome]++;
	return outcome;
}

static struct memory_disk *copy_of(struct given *given)
{
	struct random random;
	random_init(&random, 1);
	return memory_disk_crash(given->disk, MEMORY_KEPT, &random);
}

static bool is_segment(const char *path)
{
	uint64_t sequence;
	return raftlog_segment_parse(path + strlen("log/"), &sequence);
}

static bool is_part_of_the_log(const char *path)
{
	return is_segment(path) || strcmp(path, "log/identity") == 0;
}

static void flip(struct memory_disk *disk, const char *path, size_t bit)
{
	struct memory_file *file = memory_disk_find(disk, path);
	file->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

static void each_flipped_bit_of_the_identity_file_is_made_good(void **state)
{
	(void)state;
	struct given *given = given_a_closed_log();
	for (size_t slot = 0; slot < 2; slot++) {
		for (size_t bit = 0; bit < 8 * HEAD_BYTES; bit++) {
			struct memory_disk *disk = copy_of(given);
			flip(disk, "log/identity", 8 * BLOCK_BYTES * slot + bit);
			assert_int_equal(outcome_of(given, disk), OUTCOME_WHOLE);
		}
	}
	given_free(given);
}

/* Where the batches of a segment begin. */
static void flips_at_the_heads(struct given *given, const char *path)
{
	size_t size = memory_disk_find(given->disk, path)->size;
	for (size_t block = 0; block < size; block += BLOCK_BYTES) {
		for (size_t bit = 0; bit < 8 * HEAD_BYTES; bit += 7) {
			struct memory_disk *disk = copy_of(given);
			flip(disk, path, 8 * block + bit);
			outcome_of(given, disk);
		}
	}
}

static void no_flipped_bit_of_a_segment_is_a_silent_loss(void **state)
{
	(void)state;
	struct given *given = given_a_closed_log();
	struct random random;
	random_init(&random, 3);
	for (size_t i = 0; i < given->disk->name_count; i++) {
		const char *path = given->disk->names[i].path;
		if (!is_segment(path))
			continue;
		flips_at_the_heads(given, path);
		for (int n = 0; n < FLIPS_ANYWHERE; n++) {
			struct memory_disk *disk = copy_of(given);
			flip(disk, path, (size_t)random_below(&random, 8 * memory_disk_find(disk, path)->size));
			outcome_of(given, disk);
		}
	}
	assert_true(given->outcomes[OUTCOME_DAMAGED] > 1000);
	given_free(given);
}

static void each_file_of_the_log_is_missed_when_it_is_gone(void **state)
{
	(void)state;
	struct given *given = given_a_closed_log();
	for (size_t i = 0; i < given->disk->name_count; i++) {
		const char *path = given->disk->names[i].path;
		struct memory_disk *disk = copy_of(given);
		memory_disk_remove(disk, path);
		assert_int_equal(outcome_of(given, disk), is_part_of_the_log(path) ? OUTCOME_DAMAGED : OUTCOME_WHOLE);
	}
	given_free(given);
}

static void each_file_that_is_cut_is_noticed(void **state)
{
	(void)state;
	struct given *given = given_a_closed_log();
	for (size_t i = 0; i < given->disk->name_count; i++) {
		const char *path = given->disk->names[i].path;
		size_t size = memory_disk_find(given->disk, path)->size;
		for (size_t cut = 0; is_segment(path) && cut < size; cut += 512) {
			struct memory_disk *disk = copy_of(given);
			memory_disk_find(disk, path)->size = cut;
			assert_int_equal(outcome_of(given, disk), OUTCOME_DAMAGED);
		}
	}
	struct memory_disk *disk = copy_of(given);
	memory_disk_find(disk, "log/identity")->size = 0;
	assert_int_equal(outcome_of(given, disk), OUTCOME_DAMAGED);
	given_free(given);
}

static void a_block_of_zeros_or_of_another_place_is_never_a_silent_loss(void **state)
{
	(void)state;
	struct given *given = given_a_closed_log();
	for (size_t i = 0; i < given->disk->name_count; i++) {
		const char *path = given->disk->names[i].path;
		size_t size = memory_disk_find(given->disk, path)->size;
		for (size_t block = 0; is_segment(path) && block < size; block += BLOCK_BYTES) {
			struct memory_disk *disk = copy_of(given);
			memset(memory_disk_find(disk, path)->data + block, 0, BLOCK_BYTES);
			outcome_of(given, disk);
			disk = copy_of(given);
			struct memory_file *file = memory_disk_find(disk, path);
			memcpy(file->data + block, file->data + (block + 2 * BLOCK_BYTES) % size, BLOCK_BYTES);
			outcome_of(given, disk);
		}
	}
	assert_true(given->outcomes[OUTCOME_DAMAGED] > 20);
	given_free(given);
}

/* Without a clean end the identity file may not know of the last batches: all before the very last one is covered. */
static void damage_before_the_last_batch_is_known_also_after_a_crash(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct raftlog_options options = {
	    .directory = "log", .cluster_id = 7, .member_id = 3, .segment_bytes = 64 << 10, .io = &disk->io};
	struct raftlog *log;
	struct raftlog_state found;
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	raftlog_write(log, &(struct raftlog_batch){.term = 1});
	uint64_t begin = log->end.offset;
	for (uint64_t i = 1; i <= 3; i++) {
		struct raftlog_entry entry = {.index = i, .term = 1, .kind = 1};
		raftlog_write(log, &(struct raftlog_batch){1, 0, 0, &entry, 1});
	}
	raftlog_free(log);
	for (uint64_t i = 0; i < 3; i++) {
		struct random random;
		random_init(&random, i);
		struct memory_disk *copy = memory_disk_crash(disk, MEMORY_LOST, &random);
		memory_disk_find(copy, "log/0000000000000001.log")->data[begin + i * BLOCK_BYTES + 30] ^= 4;
		options.io = &copy->io;
		assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
		assert_int_equal(found.damaged, i < 2);
		assert_int_equal(found.last_index, i);
		raftlog_free(log);
		memory_disk_free(copy);
	}
	memory_disk_free(disk);
}

static void a_damaged_log_keeps_votes_until_a_reset_heals_it(void **state)
{
	(void)state;
	struct given *given = given_a_closed_log();
	struct memory_disk *disk = copy_of(given);
	struct raftlog_options options = given->user.options;
	options.io = &disk->io;
	memory_disk_remove(disk, "log/identity");
	struct raftlog *log;
	struct raftlog_state found;
	uint64_t term = given->user.now.term + 5;
	for (int round = 0; round < 3; round++) { /* it stays damaged, with the newest vote */
		assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
		assert_true(found.damaged);
		assert_int_equal(found.term, round == 0 ? given->user.now.term : term + (uint64_t)round - 1);
		raftlog_write(log, &(struct raftlog_batch){.term = term + (uint64_t)round, .vote = 2});
		raftlog_free(log);
	}
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	raftlog_reset(log, 500, 3);
	assert_string_equal(raftlog_damage(log), "");
	struct raftlog_entry entry = {.index = 501, .term = term + 2, .kind = 1};
	raftlog_write(log, &(struct raftlog_batch){term + 2, 2, 0, &entry, 1});
	raftlog_free(log);
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	assert_false(found.damaged);
	assert_int_equal(found.first_index, 501);
	assert_int_equal(found.start_term, 3);
	assert_int_equal(found.last_index, 501);
	assert_int_equal(found.term, term + 2);
	assert_int_equal(found.vote, 2);
	raftlog_free(log);
	memory_disk_free(disk);
	given_free(given);
}

static void what_a_damaged_log_once_had_is_told(void **state)
{
	(void)state;
	struct given *given = given_a_closed_log();
	struct memory_disk *disk = copy_of(given);
	char name[RAFTLOG_NAME_BYTES], path[RAFTLOG_NAME_BYTES + 4];
	struct raftlog_options options = given->user.options;
	struct raftlog *log;
	struct raftlog_state found;
	options.io = &disk->io;
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	raftlog_segment_name(log->segment_last, name);
	snprintf(path, sizeof path, "log/%s", name);
	raftlog_free(log);
	memory_disk_remove(disk, path);
	assert_int_equal(raftlog_recover(&options, &log, &found), ERR_OK);
	assert_true(found.damaged);
	assert_non_null(strstr(raftlog_damage(log), name));
	assert_int_equal(found.known_index, given->user.now.last);
	assert_int_equal(found.known_term, given->user.now.term);
	assert_true(found.last_index < given->user.now.last);
	raftlog_free(log);
	memory_disk_free(disk);
	given_free(given);
}

/* The version is the third word of a sealed block, its length the fourth, and the checksum follows what it covers. */
static void make_newer(uint8_t *block)
{
	uint32_t version = RAFTLOG_FORMAT_VERSION + 1, covered, sum;
	memcpy(block + 8, &version, sizeof version);
	memcpy(&covered, block + 12, sizeof covered);
	sum = crc32c(0, bytes_of(block, covered));
	memcpy(block + covered, &sum, sizeof sum);
}

static void a_newer_format_is_refused(void **state)
{
	(void)state;
	struct given *given = given_a_closed_log();
	for (size_t i = 0; i < given->disk->name_count; i++) {
		const char *path = given->disk->names[i].path;
		if (!is_part_of_the_log(path))
			continue;
		struct memory_disk *disk = copy_of(given);
		make_newer(memory_disk_find(disk, path)->data);
		struct raftlog_options options = given->user.options;
		struct raftlog *log;
		struct raftlog_state found;
		options.io = &disk->io;
		assert_int_equal(raftlog_recover(&options, &log, &found), ERR_FORMAT_NEWER);
		memory_disk_free(disk);
	}
	given_free(given);
}

/* ---- without a clean end ---- */

static struct raftlog *open_log(struct memory_disk *disk, struct raftlog_state *ret_state)
{
	struct raftlog_options options = {
	    .directory = "log", .cluster_id = 7, .member_id = 3, .segment_bytes = 64 << 10, .io = &disk->io};
	struct raftlog *log;
	assert_int_equal(raftlog_recover(&options, &log, ret_state), ERR_OK);
	return log;
}

static void append(struct raftlog *log, uint64_t index, uint64_t term, size_t payload_bytes)
{
	static uint8_t payload[BLOCK_BYTES];
	struct raftlog_entry entry = {
	    .index = index, .term = term, .kind = 1, .payload = bytes_of(payload, payload_bytes)};
	raftlog_write(log, &(struct raftlog_batch){.term = term, .entries = &entry, .count = 1});
}

static void a_vote_survives_the_loss_of_its_batch_at_once(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct raftlog_state found;
	struct raftlog *log = open_log(disk, &found);
	raftlog_write(log, &(struct raftlog_batch){.term = 5, .vote = 2});
	uint64_t end = log->end.offset;
	raftlog_free(log);
	memory_disk_find(disk, "log/0000000000000001.log")->data[end - BLOCK_BYTES + 50] ^= 1;
	log = open_log(disk, &found);
	assert_true(found.damaged);
	assert_int_equal(found.term, 5);
	assert_int_equal(found.vote, 2);
	raftlog_free(log);
	memory_disk_free(disk);
}

/* Whichever slot is lost, right after the log was changed by `change`. */
static void either_slot_will_do(void (*change)(struct raftlog *log), void (*found_is_right)(struct raftlog_state found))
{
	for (size_t slot = 0; slot < RAFTLOG_SLOTS; slot++) {
		struct memory_disk *disk = memory_disk_new();
		struct raftlog_state found;
		struct raftlog *log = open_log(disk, &found);
		for (uint64_t i = 1; i <= 60; i++)
			append(log, i, 1, 3000);
		change(log);
		raftlog_free(log);
		memset(memory_disk_find(disk, "log/identity")->data + slot * BLOCK_BYTES, 0, BLOCK_BYTES);
		log = open_log(disk, &found);
		found_is_right(found);
		raftlog_free(log);
		memory_disk_free(disk);
	}
}

static void trim_to_50(struct raftlog *log)
{
	size_t segments = log->segments.count;
	raftlog_trim(log, 50);
	assert_true(log->segments.count < segments);
}

static void is_trimmed_to_50(struct raftlog_state found)
{
	assert_false(found.damaged);
	assert_int_equal(found.first_index, 51);
	assert_int_equal(found.last_index, 60);
}

static void reset_to_70(struct raftlog *log)
{
	raftlog_reset(log, 70, 1);
}

static void is_reset_to_70(struct raftlog_state found)
{
	assert_false(found.damaged);
	assert_int_equal(found.first_index, 71);
	assert_int_equal(found.last_index, 70);
}

static void after_a_trim_or_a_reset_either_slot_will_do(void **state)
{
	(void)state;
	either_slot_will_do(trim_to_50, is_trimmed_to_50);
	either_slot_will_do(reset_to_70, is_reset_to_70);
}

static void a_vote_of_a_damaged_log_is_kept_twice(void **state)
{
	(void)state;
	for (size_t slot = 0; slot < RAFTLOG_SLOTS; slot++) {
		struct memory_disk *disk = memory_disk_new();
		struct raftlog_state found;
		raftlog_close(open_log(disk, &found));
		memory_disk_remove(disk, "log/0000000000000001.log");
		struct raftlog *log = open_log(disk, &found);
		assert_true(found.damaged);
		raftlog_write(log, &(struct raftlog_batch){.term = 8, .vote = 4});
		raftlog_trim(log, 1000); /* what the state machine holds; nothing to do here */
		raftlog_free(log);
		memset(memory_disk_find(disk, "log/identity")->data + slot * BLOCK_BYTES, 0, BLOCK_BYTES);
		log = open_log(disk, &found);
		assert_true(found.damaged);
		assert_int_equal(found.term, 8);
		assert_int_equal(found.vote, 4);
		raftlog_free(log);
		memory_disk_free(disk);
	}
}

/* The second record of a batch is replaced by one that is whole in itself: a leftover of another batch at the same place. */
static void a_record_from_another_chain_is_not_taken(void **state)
{
	(void)state;
	struct memory_disk *disk = memory_disk_new();
	struct raftlog_state found;
	struct raftlog *log = open_log(disk, &found);
	raftlog_write(log, &(struct raftlog_batch){.term = 1});
	struct raftlog_entry entries[2] = {{.index = 1, .term = 1, .kind = 1}, {.index = 2, .term = 1, .kind = 1}};
	uint64_t offset = log->end.offset;
	uint32_t salt = raftlog_active(log)->header.salt;
	raftlog_write(log, &(struct raftlog_batch){1, 0, 0, entries, 2});
	raftlog_free(log);
	uint8_t *second = memory_disk_find(disk, "log/0000000000000001.log")->data + offset + RAFTLOG_BATCH_BYTES +
	                  RAFTLOG_ENTRY_BYTES;
	struct raftlog_entry_record record = {.before = 12345, .index = 2, .term = 1, .kind = 3};
	raftlog_entry_encode(&record, salt, second);
	log = open_log(disk, &found);
	assert_false(found.damaged); /* the identity file had not heard of the batch yet */
	assert_int_equal(found.last_index, 0);
	raftlog_free(log);
	memory_disk_free(disk);
}

/* Two attempts at one entry that differ in the first block alone; the second one is torn so that the first block is the old one. */
static void what_was_torn_is_not_completed_by_a_later_write(void **state)
{
	(void)state;
	static const uint8_t payload[BLOCK_BYTES + 500];
	struct memory_disk *disk = memory_disk_new();
	struct raftlog_state found;
	struct raftlog_entry entry = {.index = 1, .term = 1, .kind = 1, .payload = bytes_of(payload, sizeof payload)};
	struct raftlog_batch batch = {.term = 1, .entries = &entry, .count = 1};
	struct raftlog *log = open_log(disk, &found);
	raftlog_write(log, &(struct raftlog_batch){.term = 1});
	uint64_t offset = log->end.offset;
	raftlog_write(log, &batch);
	raftlog_free(log);
	struct memory_file *file = memory_disk_find(disk, "log/0000000000000001.log");
	uint8_t second[BLOCK_BYTES], first[BLOCK_BYTES];
	memcpy(second, file->data + offset + BLOCK_BYTES, BLOCK_BYTES);
	memset(file->data + offset + BLOCK_BYTES, 0xff, BLOCK_BYTES);
	log = open_log(disk, &found);
	assert_int_equal(found.last_index, 0);
	offset = log->end.offset;
	memcpy(first, file->data + offset, BLOCK_BYTES);
	entry.time_ns = 1;
	raftlog_write(log, &batch);
	raftlog_free(log);
	memcpy(file->data + offset, first, BLOCK_BYTES);
	memcpy(file->data + offset + BLOCK_BYTES, second, BLOCK_BYTES);
	log = open_log(disk, &found);
	assert_false(found.damaged);
	assert_int_equal(found.last_index, 0);
	raftlog_free(log);
	memory_disk_free(disk);
}

int main(void)
{
	log_level_set(LOG_ERROR_LEVEL + 1);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_flipped_bit_of_the_identity_file_is_made_good),
	    cmocka_unit_test(no_flipped_bit_of_a_segment_is_a_silent_loss),
	    cmocka_unit_test(each_file_of_the_log_is_missed_when_it_is_gone),
	    cmocka_unit_test(each_file_that_is_cut_is_noticed),
	    cmocka_unit_test(a_block_of_zeros_or_of_another_place_is_never_a_silent_loss),
	    cmocka_unit_test(damage_before_the_last_batch_is_known_also_after_a_crash),
	    cmocka_unit_test(a_damaged_log_keeps_votes_until_a_reset_heals_it),
	    cmocka_unit_test(what_a_damaged_log_once_had_is_told),
	    cmocka_unit_test(a_newer_format_is_refused),
	    cmocka_unit_test(a_vote_survives_the_loss_of_its_batch_at_once),
	    cmocka_unit_test(after_a_trim_or_a_reset_either_slot_will_do),
	    cmocka_unit_test(a_vote_of_a_damaged_log_is_kept_twice),
	    cmocka_unit_test(a_record_from_another_chain_is_not_taken),
	    cmocka_unit_test(what_was_torn_is_not_completed_by_a_later_write),
	};
	return UNIT_RUN(tests);
}

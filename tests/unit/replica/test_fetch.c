/* SPDX-License-Identifier: Apache-2.0 */
/* A fetch against a sender that this test plays. */
#include "replica/fetch.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proto.h"
#include "replica/snapshots.h"
#include "tests/unit/unit.h"

enum { FROM = 2, INDEX = 50, TERM = 3, LARGE_BYTES = 5 * SNAPSHOT_CHUNK_BYTES + 123, ASKS_MAX = 16 };

static uint8_t large[LARGE_BYTES];

struct play {
	char directory[64], target[80];
	struct fetch fetch;
	uint64_t now_ns;
	struct arena arena;
	Peer__ChunkAsk asks[ASKS_MAX];
	size_t ask_count;
};

static void play_init(struct play *play)
{
	log_level_set(LOG_ERROR_LEVEL);
	*play = (struct play){.now_ns = 1000 * CLOCK_NS_PER_S};
	for (size_t i = 0; i < LARGE_BYTES; i++)
		large[i] = (uint8_t)(i * 31 >> 3);
	snprintf(play->directory, sizeof play->directory, "/tmp/etcfs-fetch-XXXXXX");
	assert_non_null(mkdtemp(play->directory));
	snprintf(play->target, sizeof play->target, "%s/in", play->directory);
	arena_init(&play->arena);
	fetch_init(&play->fetch);
	fetch_begin(&play->fetch, FROM, INDEX, TERM, play->target, play->now_ns);
}

static void play_fini(struct play *play)
{
	fetch_end(&play->fetch);
	assert_int_equal(file_remove_tree(play->directory), ERR_OK);
	arena_fini(&play->arena);
}

/* Collects what is asked now; true: for the offer. */
static bool play_ask(struct play *play)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	bool for_offer = false;
	play->ask_count = 0;
	while (fetch_next(&play->fetch, play->now_ns, &play->arena, &envelope)) {
		assert_in_range(play->ask_count, 0, ASKS_MAX - 1);
		if (envelope.body_case == PEER__ENVELOPE__BODY_CHUNK_ASK)
			play->asks[play->ask_count++] = *envelope.chunk_ask;
		else
			for_offer = true;
	}
	return for_offer;
}

static void play_offer(struct play *play, const char *second_name)
{
	Peer__SnapshotFile empty = PEER__SNAPSHOT_FILE__INIT, file = PEER__SNAPSHOT_FILE__INIT;
	Peer__SnapshotFile *files[2] = {&empty, &file};
	Peer__SnapshotOffer offer = PEER__SNAPSHOT_OFFER__INIT;
	empty.name = (char *)"empty";
	file.name = (char *)second_name;
	file.size = LARGE_BYTES;
	file.checksum = crc32c(0, bytes_of(large, LARGE_BYTES));
	offer.index = INDEX;
	offer.term = TERM;
	offer.n_files = 2;
	offer.files = files;
	fetch_offered(&play->fetch, FROM, &offer, play->now_ns);
}

static void play_answer(struct play *play, const Peer__ChunkAsk *ask)
{
	Peer__Chunk chunk = PEER__CHUNK__INIT;
	assert_int_equal(ask->file, 1);
	assert_true(ask->size <= SNAPSHOT_CHUNK_BYTES && ask->offset + ask->size <= LARGE_BYTES);
	chunk.index = INDEX;
	chunk.term = TERM;
	chunk.file = ask->file;
	chunk.offset = ask->offset;
	chunk.data = proto_data(bytes_of(large + ask->offset, ask->size));
	fetch_came(&play->fetch, FROM, &chunk, play->now_ns);
}

static void play_check_content(struct play *play)
{
	char path[128];
	struct bytes content = BYTES_NONE;
	char *taken = fetch_take(&play->fetch);
	assert_string_equal(taken, play->target);
	free(taken);
	snprintf(path, sizeof path, "%s/large", play->target);
	assert_int_equal(file_read(path, LARGE_BYTES, &play->arena, &content), ERR_OK);
	assert_true(bytes_equal(content, bytes_of(large, LARGE_BYTES)));
	snprintf(path, sizeof path, "%s/empty", play->target);
	assert_int_equal(file_read(path, LARGE_BYTES, &play->arena, &content), ERR_OK);
	assert_int_equal(content.size, 0);
}

static void all_chunks_make_the_files(void **state)
{
	struct play play;
	play_init(&play);
	assert_true(play_ask(&play));
	assert_false(play_ask(&play)); /* not again before its time */
	play_offer(&play, "large");
	while (play.fetch.state == FETCH_PULLING) {
		play_ask(&play);
		assert_in_range(play.ask_count, 1, SNAPSHOT_CHUNKS_MAX);
		for (size_t i = 0; i < play.ask_count; i++)
			play_answer(&play, &play.asks[i]);
	}
	assert_int_equal(play.fetch.state, FETCH_DONE);
	play_check_content(&play);
	play_fini(&play);
}

static void what_was_lost_is_asked_for_again_from_where_it_stopped(void **state)
{
	struct play play;
	unsigned lost = 0;
	play_init(&play);
	play_ask(&play);
	play_offer(&play, "large");
	while (play.fetch.state == FETCH_PULLING) {
		uint64_t here = play.fetch.offset;
		play_ask(&play);
		for (size_t i = 0; i < play.ask_count; i++) {
			if (i == 1) {
				lost++; /* and what comes after it is of no use */
				continue;
			}
			play_answer(&play, &play.asks[i]);
		}
		if (play.fetch.state != FETCH_PULLING)
			break;
		assert_true(play.fetch.offset > here);
		play.now_ns += SNAPSHOT_PATIENCE_MS * CLOCK_NS_PER_MS;
	}
	assert_true(lost > 1);
	assert_int_equal(play.fetch.state, FETCH_DONE);
	play_check_content(&play);
	play_fini(&play);
}

/* Answers all that is asked, with one byte of the file otherwise, so many times. */
static void play_all(struct play *play, size_t flipped_at, unsigned times)
{
	while (play->fetch.state == FETCH_PULLING) {
		play_ask(play);
		for (size_t i = 0; i < play->ask_count; i++) {
			const Peer__ChunkAsk *ask = &play->asks[i];
			bool flips = times != 0 && flipped_at >= ask->offset && flipped_at < ask->offset + ask->size;
			large[flipped_at] ^= flips ? 0x10 : 0;
			play_answer(play, ask);
			large[flipped_at] ^= flips ? 0x10 : 0;
			times -= flips;
		}
	}
}

static void a_file_that_came_otherwise_than_offered_is_fetched_again(void **state)
{
	struct play play;
	play_init(&play);
	play_ask(&play);
	play_offer(&play, "large");
	play_all(&play, SNAPSHOT_CHUNK_BYTES + 5, FETCH_SPOILT_MAX - 1);
	assert_int_equal(play.fetch.state, FETCH_DONE);
	assert_int_equal(play.fetch.done_bytes, LARGE_BYTES);
	play_check_content(&play);
	play_fini(&play);
}

static void a_sender_whose_files_have_changed_is_told(void **state)
{
	struct play play;
	play_init(&play);
	play_ask(&play);
	play_offer(&play, "large");
	play_all(&play, LARGE_BYTES - 1, UINT_MAX);
	assert_int_equal(play.fetch.state, FETCH_FAILED);
	assert_true(play.fetch.is_broken);
	play_fini(&play);
}

/* The process ends in the middle, and the same snapshot is fetched again after its start. */
static void play_restart(struct play *play)
{
	fetch_leave(&play->fetch);
	fetch_begin(&play->fetch, FROM, INDEX, TERM, play->target, play->now_ns);
	assert_true(play_ask(play));
	play_offer(play, "large");
}

static void play_pull(struct play *play, unsigned chunks)
{
	while (chunks != 0) {
		play_ask(play);
		for (size_t i = 0; i < play->ask_count && chunks != 0; i++, chunks--)
			play_answer(play, &play->asks[i]);
	}
}

static void a_restart_goes_on_where_it_stopped(void **state)
{
	struct play play;
	char path[128];
	play_init(&play);
	play_ask(&play);
	play_offer(&play, "large");
	play_pull(&play, 2);
	snprintf(path, sizeof path, "%s/LOG", play.target); /* of somebody who looked into it */
	assert_int_equal(file_replace(path, BYTES_LITERAL("x"), 0600), ERR_OK);
	play_restart(&play);
	assert_int_equal(play.fetch.state, FETCH_PULLING);
	assert_int_equal(play.fetch.done_bytes, 2 * SNAPSHOT_CHUNK_BYTES);
	assert_int_equal(access(path, F_OK), -1);
	play_all(&play, 0, 0);
	assert_int_equal(play.fetch.state, FETCH_DONE);
	play_restart(&play);
	assert_int_equal(play.fetch.state, FETCH_DONE); /* all of it was there */
	play_check_content(&play);
	play_fini(&play);
}

static void what_a_restart_finds_damaged_is_fetched_again(void **state)
{
	struct play play;
	char path[128];
	play_init(&play);
	play_ask(&play);
	play_offer(&play, "large");
	play_pull(&play, 2);
	snprintf(path, sizeof path, "%s/large", play.target);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "damage", 6, 100), 6);
	close(fd);
	play_restart(&play);
	assert_int_equal(play.fetch.done_bytes, 2 * SNAPSHOT_CHUNK_BYTES);
	play_all(&play, 0, 0);
	assert_int_equal(play.fetch.state, FETCH_DONE);
	assert_int_equal(play.fetch.spoilt, 1);
	play_check_content(&play);
	play_fini(&play);
}

static void what_is_gone_in_the_middle_is_given_up(void **state)
{
	struct play play;
	Peer__SnapshotOffer gone = PEER__SNAPSHOT_OFFER__INIT;
	play_init(&play);
	play_ask(&play);
	play_offer(&play, "large");
	play_pull(&play, 1);
	gone.index = INDEX;
	gone.term = TERM + 1;
	fetch_offered(&play.fetch, FROM, &gone, play.now_ns);
	assert_int_equal(play.fetch.state, FETCH_PULLING); /* of another one */
	gone.term = TERM;
	fetch_offered(&play.fetch, FROM, &gone, play.now_ns);
	assert_int_equal(play.fetch.state, FETCH_FAILED);
	assert_false(play.fetch.is_broken);
	play_fini(&play);
}

static void a_silent_sender_is_given_up(void **state)
{
	struct play play;
	play_init(&play);
	play_ask(&play);
	play.now_ns += (SNAPSHOT_SILENCE_MS + 1) * CLOCK_NS_PER_MS;
	assert_false(play_ask(&play));
	assert_int_equal(play.fetch.state, FETCH_FAILED);
	play_fini(&play);
}

static void a_name_that_leads_elsewhere_is_refused(void **state)
{
	static const char *const names[] = {"../large", "a/b", ".", "..", "", ".hidden"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct play play;
		play_init(&play);
		play_ask(&play);
		play_offer(&play, names[i]);
		assert_int_equal(play.fetch.state, FETCH_FAILED);
		play_fini(&play);
	}
}

static void chunks_of_somebody_else_are_passed_over(void **state)
{
	struct play play;
	play_init(&play);
	play_ask(&play);
	play_offer(&play, "large");
	play_ask(&play);
	Peer__Chunk chunk = PEER__CHUNK__INIT;
	chunk.index = INDEX;
	chunk.term = TERM;
	chunk.file = 1;
	chunk.data = proto_data(BYTES_LITERAL("wrong"));
	fetch_came(&play.fetch, FROM + 1, &chunk, play.now_ns);
	chunk.index = INDEX + 1;
	fetch_came(&play.fetch, FROM, &chunk, play.now_ns);
	assert_int_equal(play.fetch.done_bytes, 0);
	play_fini(&play);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_chunks_make_the_files),
	    cmocka_unit_test(what_was_lost_is_asked_for_again_from_where_it_stopped),
	    cmocka_unit_test(a_file_that_came_otherwise_than_offered_is_fetched_again),
	    cmocka_unit_test(a_sender_whose_files_have_changed_is_told),
	    cmocka_unit_test(a_restart_goes_on_where_it_stopped),
	    cmocka_unit_test(what_a_restart_finds_damaged_is_fetched_again),
	    cmocka_unit_test(what_is_gone_in_the_middle_is_given_up),
	    cmocka_unit_test(a_silent_sender_is_given_up),
	    cmocka_unit_test(a_name_that_leads_elsewhere_is_refused),
	    cmocka_unit_test(chunks_of_somebody_else_are_passed_over),
	};
	return UNIT_RUN(tests);
}

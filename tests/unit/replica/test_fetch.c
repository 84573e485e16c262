/* SPDX-License-Identifier: Apache-2.0 */
/* A fetch against a sender that this test plays. */
#include "replica/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
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
	    cmocka_unit_test(a_silent_sender_is_given_up),
	    cmocka_unit_test(a_name_that_leads_elsewhere_is_refused),
	    cmocka_unit_test(chunks_of_somebody_else_are_passed_over),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/note.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/random.h"
#include "tests/unit/unit.h"

static struct bytes encode(const struct note *note, struct arena *arena)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, LIMIT_NOTE_BYTES);
	assert_int_equal(note_encode(note, &buffer), ERR_OK);
	return arena_dup(arena, buffer_bytes(&buffer));
}

static const struct note rename_note = {.kind = NOTE_RENAME,
                                        .mount = UINT64_MAX,
                                        .op = 300,
                                        .path = {(const uint8_t *)"/a/", 3},
                                        .to = {(const uint8_t *)"/b/", 3}};

static void what_is_encoded_is_decoded(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct note again;
	assert_int_equal(note_decode(encode(&rename_note, &arena), &again), ERR_OK);
	assert_int_equal(again.kind, NOTE_RENAME);
	assert_true(again.mount == UINT64_MAX && again.op == 300);
	assert_true(bytes_equal(again.path, rename_note.path) && bytes_equal(again.to, rename_note.to));
}

static void two_keys_of_the_longest_kind_fit(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes longest = bytes_of(arena_zero(&arena, LIMIT_KEY_BYTES, 1), LIMIT_KEY_BYTES);
	struct note note = {.kind = NOTE_EXCHANGE,
	                    .mount = UINT64_MAX,
	                    .op = UINT64_MAX,
	                    .path = longest,
	                    .to = longest},
	            again;
	assert_int_equal(note_decode(encode(&note, &arena), &again), ERR_OK);
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, 2 * (size_t)LIMIT_NOTE_BYTES);
	note.to.size = LIMIT_KEY_BYTES + 1;
	assert_int_equal(note_encode(&note, &buffer), ERR_TOO_LARGE);
}

static void a_note_that_makes_no_sense_is_refused(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct note note = rename_note, again;
	note.to = BYTES_NONE;
	assert_int_equal(note_decode(encode(&note, &arena), &again), ERR_CORRUPT);
	note = rename_note;
	note.kind = NOTE_WRITE;
	assert_int_equal(note_decode(encode(&note, &arena), &again), ERR_CORRUPT);
	note = rename_note;
	note.kind = (enum note_kind)(NOTE_CREATE_OPEN + 1);
	assert_int_equal(note_decode(encode(&note, &arena), &again), ERR_CORRUPT);
}

static void damaged_bytes_are_refused_and_never_overrun(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct note again;
	struct bytes encoded = encode(&rename_note, &arena);
	for (size_t size = 0; size < encoded.size; size++)
		assert_int_equal(note_decode(arena_dup(&arena, bytes_of(encoded.data, size)), &again), ERR_CORRUPT);
	struct random random;
	random_init(&random, 5);
	uint8_t *changed = arena_take(&arena, encoded.size);
	for (int i = 0; i < 20000; i++) {
		memcpy(changed, encoded.data, encoded.size);
		changed[random_below(&random, encoded.size)] ^= (uint8_t)(1 + random_below(&random, 255));
		enum err err = note_decode(bytes_of(changed, encoded.size), &again);
		assert_true(err == ERR_OK || err == ERR_CORRUPT || err == ERR_FORMAT_NEWER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_encoded_is_decoded),
	    cmocka_unit_test(two_keys_of_the_longest_kind_fit),
	    cmocka_unit_test(a_note_that_makes_no_sense_is_refused),
	    cmocka_unit_test(damaged_bytes_are_refused_and_never_overrun),
	};
	return UNIT_RUN(tests);
}

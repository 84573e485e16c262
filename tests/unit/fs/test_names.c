/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tests/unit/unit.h"

enum { PROPERTY_CHILDREN = 4000, PROPERTY_SEGMENT_MAX = 400 };

static void name_is(struct bytes segment, enum name_role role, const char *expected)
{
	struct name name = name_of_segment(segment, role, 0xabc);
	assert_string_equal(name.text, expected);
}

static void ordinary_names_are_themselves(void **state)
{
	name_is(BYTES_LITERAL("nginx.conf"), NAME_OF_FILE, "nginx.conf");
	name_is(BYTES_LITERAL("..."), NAME_OF_DIRECTORY, "...");
	name_is(BYTES_LITERAL("\xff\n%41"), NAME_OF_FILE, "\xff\n%41");
	name_is(BYTES_LITERAL(".etcfs2"), NAME_OF_FILE, ".etcfs2");
}

static void what_is_no_file_name_is_escaped(void **state)
{
	name_is(BYTES_LITERAL("."), NAME_OF_FILE, ".etcfs:x.");
	name_is(BYTES_LITERAL(".."), NAME_OF_DIRECTORY, ".etcfs:x..");
	name_is(BYTES_NONE, NAME_OF_DIRECTORY, ".etcfs:x");
	name_is(BYTES_LITERAL(".etcfs"), NAME_OF_DIRECTORY, ".etcfs:x.etcfs");
	name_is(BYTES_LITERAL("a\0b%"), NAME_OF_FILE, ".etcfs:xa%00b%25");
	name_is(BYTES_LITERAL(".etcfs:v"), NAME_OF_FILE, ".etcfs:x.etcfs:v");
	name_is(BYTES_LITERAL("both"), NAME_OF_SHADOWED_FILE, ".etcfs:vboth");
}

static void names_that_no_child_can_have_are_told(void **state)
{
	static const char *const invalid[] = {".etcfs:",
	                                      ".etcfs:y1",
	                                      ".etcfs:xplain",
	                                      ".etcfs:xa%0",
	                                      ".etcfs:xa%zz\x01",
	                                      ".etcfs:xa%2Fb",
	                                      ".etcfs:f12",
	                                      ".etcfs",
	                                      ".",
	                                      "..",
	                                      "",
	                                      ".etcfs:vx%41",
	                                      ".etcfs:d0000000000000ABC"};
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
		if (name_parse(invalid[i], &arena).kind != NAME_INVALID)
			fail_msg("\"%s\" should be invalid", invalid[i]);
}

static void names_end_at_255_bytes(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	char text[257];
	memset(text, 'x', sizeof text);
	text[256] = '\0';
	assert_int_equal(name_parse(text, &arena).kind, NAME_TOO_LONG);
	name_is(bytes_of(text, 256), NAME_OF_FILE, ".etcfs:f0000000000000abc");
	name_is(bytes_of(text, 256), NAME_OF_DIRECTORY, ".etcfs:d0000000000000abc");
	text[255] = '\0';
	assert_int_equal(name_parse(text, &arena).kind, NAME_ORDINARY);
	name_is(bytes_of(text, 255), NAME_OF_FILE, text);
}

struct child {
	struct name name;
	struct bytes segment;
	bool is_directory;
	uint64_t id;
};

/* Few letters, many of them special, so that collisions would show. */
static struct bytes any_segment(struct random *random, struct arena *arena)
{
	static const char *const parts[] = {"a", "b", ".", "%", "\1", ".etcfs", ".etcfs:", "x", "v", "%00", "%25", "f"};
	uint8_t *segment = arena_take(arena, PROPERTY_SEGMENT_MAX + 16);
	bool is_long = random_below(random, 20) == 0;
	size_t size = 0, wanted = is_long ? random_below(random, PROPERTY_SEGMENT_MAX) : random_below(random, 7);
	while (size < wanted) {
		const char *part = parts[random_below(random, sizeof parts / sizeof parts[0])];
		size_t length = strlen(part);
		memcpy(segment + size, part, length);
		if (*part == '\1')
			segment[size] = '\0';
		size += length;
	}
	return bytes_of(segment, size);
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct child *)left)->name.text, ((const struct child *)right)->name.text);
}

static void child_reads_back(const struct child *child, enum name_role role, struct arena *arena)
{
	size_t length = strlen(child->name.text);
	assert_true(length > 0 && length <= NAME_BYTES_MAX && strchr(child->name.text, '/') == NULL);
	struct name_meaning meaning = name_parse(child->name.text, arena);
	if (meaning.kind == NAME_BY_ID) {
		assert_true(meaning.id == child->id && meaning.is_directory == child->is_directory);
		return;
	}
	assert_int_equal(meaning.kind, role == NAME_OF_SHADOWED_FILE ? NAME_SHADOWED : NAME_ORDINARY);
	assert_true(bytes_equal(meaning.segment, child->segment));
}

static void the_map_is_total_injective_and_reversible(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct random random;
	random_init(&random, 11);
	static struct child all[PROPERTY_CHILDREN];
	for (size_t i = 0; i < PROPERTY_CHILDREN; i++) {
		struct bytes segment = any_segment(&random, &arena);
		enum name_role role = segment.size == 0 ? NAME_OF_DIRECTORY : (enum name_role)random_below(&random, 3);
		all[i] = (struct child){.segment = segment, .is_directory = role == NAME_OF_DIRECTORY, .id = i + 1};
		all[i].name = name_of_segment(segment, role, all[i].id);
		child_reads_back(&all[i], role, &arena);
	}
	qsort(all, PROPERTY_CHILDREN, sizeof all[0], by_name);
	for (size_t i = 1; i < PROPERTY_CHILDREN; i++)
		if (strcmp(all[i - 1].name.text, all[i].name.text) == 0)
			assert_true(bytes_equal(all[i - 1].segment, all[i].segment));
}

static void only_what_names_itself_can_be_made(void **state)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct name_meaning plain = name_parse("plain", &arena), escaped = name_parse(".etcfs:x.", &arena);
	assert_true(name_is_plain(&plain, "plain"));
	assert_false(name_is_plain(&escaped, ".etcfs:x."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ordinary_names_are_themselves),
	    cmocka_unit_test(what_is_no_file_name_is_escaped),
	    cmocka_unit_test(names_that_no_child_can_have_are_told),
	    cmocka_unit_test(names_end_at_255_bytes),
	    cmocka_unit_test(the_map_is_total_injective_and_reversible),
	    cmocka_unit_test(only_what_names_itself_can_be_made),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "fs/announce.h"
#include "fs/attr.h"

enum { NOW = 50 };

/* The directories after the change: their keys, and when they came to be; the last one has no key. */
struct directory {
	const char *key;
	int64_t create_revision;
};

static bool directory_find(void *argument, struct bytes prefix, struct kv_directory *ret_directory)
{
	for (const struct directory *directory = argument; directory->key != NULL; directory++) {
		if (!bytes_equal(bytes_of_string(directory->key), prefix))
			continue;
		*ret_directory = (struct kv_directory){.create_revision = directory->create_revision};
		return true;
	}
	return false;
}

static const char *const kind_names[] = {
    [HELPER_CREATE] = "create",     [HELPER_CREATE_WRITTEN] = "create-written",
    [HELPER_MAKE] = "make",         [HELPER_CONTENT] = "content",
    [HELPER_TRUNCATE] = "truncate", [HELPER_ATTR] = "attr",
    [HELPER_REMOVE] = "remove",     [HELPER_RENAME] = "rename",
    [HELPER_EXCHANGE] = "exchange",
};

/* What is announced, a line each: kind, key, what is not empty of: to, record id, other id. */
static const char *announced(const struct directory *directories, const struct kv_event *events, size_t count,
                             const struct note *note)
{
	static char text[1024];
	struct arena arena;
	arena_init(&arena);
	struct kv_change change = {.revision = NOW, .events = events, .event_count = count};
	struct announce_world world = {directory_find, (void *)directories, BYTES_LITERAL("/")};
	struct announcements announcements = {.arena = &arena};
	announce_change(&world, &change, note, &announcements);
	size_t size = 0;
	text[0] = 0;
	for (size_t at = 0; at < announcements.count; at++) {
		const struct announcement *one = &announcements.list[at];
		size += (size_t)snprintf(text + size, sizeof text - size, "%s%s %.*s", at != 0 ? "; " : "",
		                         kind_names[one->kind], (int)one->key.size, (const char *)one->key.data);
		if (one->to.size != 0)
			size += (size_t)snprintf(text + size, sizeof text - size, " > %.*s", (int)one->to.size,
			                         (const char *)one->to.data);
		if (one->record_id != 0 || one->other_id != 0)
			size += (size_t)snprintf(text + size, sizeof text - size, " #%d", (int)one->record_id);
		if (one->other_id != 0)
			size += (size_t)snprintf(text + size, sizeof text - size, " #%d", (int)one->other_id);
	}
	arena_fini(&arena);
	return text;
}

static struct kv_event put(const char *key, const char *value, uint64_t id, int64_t create_revision)
{
	return (struct kv_event){
	    .type = KV_EVENT_PUT,
	    .record = {.key = bytes_of_string(key),
	               .value = bytes_of_string(value),
	               .create_revision = create_revision,
	               .mod_revision = NOW,
	               .id = id},
	};
}

static struct kv_event put_over(const char *key, const char *value, uint64_t id, uint64_t prev_id)
{
	struct kv_event event = put(key, value, id, 1);
	event.has_prev = true;
	event.prev = (struct kv_record){.key = event.record.key, .id = prev_id, .create_revision = 1};
	return event;
}

static struct kv_event deleted(const char *key, uint64_t id)
{
	return (struct kv_event){.type = KV_EVENT_DELETE,
	                         .record = {.key = bytes_of_string(key), .mod_revision = NOW, .id = id}};
}

static struct note note(enum note_kind kind, const char *path, const char *to)
{
	return (struct note){.kind = kind, .path = bytes_of_string(path), .to = bytes_of_string(to)};
}

static const struct directory etc[] = {{"/etc/", 1}, {NULL, 0}};

static void a_noted_operation_is_announced_as_what_it_was(void **state)
{
	static const struct {
		enum note_kind kind;
		const char *value;
		int64_t create_revision;
		const char *expected;
	} cases[] = {
	    {NOTE_CREATE, "", NOW, "create /etc/f #7"},       {NOTE_CREATE, "content", NOW, "create-written /etc/f #7"},
	    {NOTE_CREATE, "content", 3, "content /etc/f #7"}, /* it met a file that was there already */
	    {NOTE_WRITE, "content", 3, "content /etc/f #7"},  {NOTE_APPEND, "content", 3, "content /etc/f #7"},
	    {NOTE_TRUNCATE, "", 3, "truncate /etc/f #7"},     {NOTE_ATTR, "content", 3, "attr /etc/f #7"},
	    {NOTE_SYMLINK, "target", NOW, "make /etc/f #7"},  {NOTE_MKNOD, "", NOW, "make /etc/f #7"},
	    {NOTE_CREATE_OPEN, "", NOW, "make /etc/f #7"},
	};
	for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
		struct kv_event event = put("/etc/f", cases[at].value, 7, cases[at].create_revision);
		struct note said = note(cases[at].kind, "/etc/f", "");
		assert_string_equal(announced(etc, &event, 1, &said), cases[at].expected);
	}
}

static void a_noted_removal_names_the_object_that_it_took(void **state)
{
	/* The directory is kept by its marker, which says nothing to watchers. */
	struct kv_event events[] = {deleted("/etc/f", 7), put("/etc/", "", 8, NOW)};
	struct note said = note(NOTE_UNLINK, "/etc/f", "");
	assert_string_equal(announced(etc, events, 2, &said), "remove /etc/f #7");
	struct kv_event marker = deleted("/etc/d/", 9);
	said = note(NOTE_RMDIR, "/etc/d/", "");
	assert_string_equal(announced(etc, &marker, 1, &said), "remove /etc/d/");
}

static void a_rename_names_what_it_replaced(void **state)
{
	struct note said = note(NOTE_RENAME, "/etc/a", "/etc/b");
	struct kv_event plain[] = {deleted("/etc/a", 7), put("/etc/b", "x", 7, 1)};
	assert_string_equal(announced(etc, plain, 2, &said), "rename /etc/a > /etc/b #7");
	struct kv_event over[] = {deleted("/etc/a", 7), put_over("/etc/b", "x", 7, 6)};
	assert_string_equal(announced(etc, over, 2, &said), "rename /etc/a > /etc/b #7 #6");
}

static void a_renamed_directory_is_one_step_whatever_lies_in_it(void **state)
{
	struct note said = note(NOTE_RENAME, "/etc/a/", "/etc/b/");
	struct kv_event events[] = {deleted("/etc/a/x", 7), deleted("/etc/a/y", 8), put("/etc/b/x", "", 7, 1),
	                            put("/etc/b/y", "", 8, 1)};
	assert_string_equal(announced(etc, events, 4, &said), "rename /etc/a/ > /etc/b/");
	struct kv_event over[] = {deleted("/etc/b/", 6), deleted("/etc/a/x", 7), put("/etc/b/x", "", 7, 1)};
	assert_string_equal(announced(etc, over, 3, &said), "rename /etc/a/ > /etc/b/ #0 #6");
	struct kv_event markers[] = {deleted("/etc/a/", 7), put_over("/etc/b/", "", 7, 6)};
	assert_string_equal(announced(etc, markers, 2, &said), "rename /etc/a/ > /etc/b/ #0 #6");
}

static void an_exchange_names_both(void **state)
{
	struct note said = note(NOTE_EXCHANGE, "/etc/a", "/etc/b");
	struct kv_event events[] = {put_over("/etc/a", "x", 6, 7), put_over("/etc/b", "x", 7, 6)};
	assert_string_equal(announced(etc, events, 2, &said), "exchange /etc/a > /etc/b #7 #6");
}

static void a_clients_put_is_a_file_created_or_replaced(void **state)
{
	struct kv_event event = put("/etc/f", "content", 7, NOW);
	assert_string_equal(announced(etc, &event, 1, NULL), "create-written /etc/f #7");
	event = put("/etc/f", "", 7, NOW);
	assert_string_equal(announced(etc, &event, 1, NULL), "create /etc/f #7");
	event = put("/etc/f", "content", 7, 3);
	assert_string_equal(announced(etc, &event, 1, NULL), "content /etc/f #7");
}

static void a_deep_put_makes_its_topmost_new_directory_once(void **state)
{
	static const struct directory directories[] = {{"/etc/", 1}, {"/etc/a/", NOW}, {"/etc/a/b/", NOW}, {NULL, 0}};
	struct kv_event events[] = {put("/etc/a/b/f", "x", 7, NOW), put("/etc/a/b/g", "x", 8, NOW),
	                            put("/etc/z", "x", 9, NOW)};
	assert_string_equal(announced(directories, events, 3, NULL), "make /etc/a/; create-written /etc/z #9");
}

static void directories_that_end_with_their_last_key_are_removed_deepest_first(void **state)
{
	struct kv_event events[] = {deleted("/etc/a/b/f", 7), deleted("/etc/a/b/g", 8), deleted("/etc/a/h", 9)};
	assert_string_equal(announced(etc, events, 3, NULL),
	                    "remove /etc/a/b/f #7; remove /etc/a/b/g #8; remove /etc/a/h #9; remove /etc/a/b/; "
	                    "remove /etc/a/");
	struct kv_event upper_first[] = {deleted("/etc/a/a", 7), deleted("/etc/a/b/f", 8)};
	assert_string_equal(announced(etc, upper_first, 2, NULL),
	                    "remove /etc/a/a #7; remove /etc/a/b/f #8; remove /etc/a/b/; remove /etc/a/");
	static const struct directory kept[] = {{"/etc/", 1}, {"/etc/a/", 1}, {NULL, 0}};
	assert_string_equal(announced(kept, events, 1, NULL), "remove /etc/a/b/f #7; remove /etc/a/b/");
}

static void a_clients_marker_says_something_only_when_it_makes_the_directory(void **state)
{
	struct kv_event marker = put("/etc/", "", 7, NOW);
	assert_string_equal(announced(etc, &marker, 1, NULL), "");
	static const struct directory fresh[] = {{"/etc/", NOW}, {NULL, 0}};
	assert_string_equal(announced(fresh, &marker, 1, NULL), "make /etc/");
	marker.record.attr = BYTES_LITERAL("mode");
	assert_string_equal(announced(etc, &marker, 1, NULL), "attr /etc/");
}

static void the_root_itself_is_never_made_or_removed(void **state)
{
	static const struct directory none[] = {{NULL, 0}};
	struct kv_event last = deleted("/f", 7);
	assert_string_equal(announced(none, &last, 1, NULL), "remove /f #7");
	static const struct directory first[] = {{"/", NOW}, {NULL, 0}};
	struct kv_event created = put("/f", "x", 7, NOW);
	assert_string_equal(announced(first, &created, 1, NULL), "create-written /f #7");
	struct note said = note(NOTE_ATTR, "/", "");
	struct kv_event marker = put("/", "", 8, NOW);
	assert_string_equal(announced(first, &marker, 1, &said), "attr /");
}

static void keys_outside_the_root_say_nothing(void **state)
{
	struct kv_event events[] = {put("elsewhere", "x", 7, NOW), deleted("elsewhere/f", 8)};
	assert_string_equal(announced(etc, events, 2, NULL), "");
	struct note said = note(NOTE_UNLINK, "elsewhere/f", "");
	assert_string_equal(announced(etc, events + 1, 1, &said), "");
	/* Another mount's root may be above ours. */
	struct kv_event moved[] = {deleted("elsewhere/f", 8), put("/etc/f", "x", 8, NOW)};
	said = note(NOTE_RENAME, "elsewhere/f", "/etc/f");
	assert_string_equal(announced(etc, moved, 2, &said), "create-written /etc/f #8");
}

static struct kv_event put_with_mode(const char *key, uint32_t mode, struct arena *arena)
{
	struct kv_event event = put(key, "x", 7, NOW);
	event.record.attr = attr_encode(&(struct attr){.mode = mode}, arena);
	return event;
}

static void what_is_put_without_a_word_is_told_by_what_differs(void **state)
{
	const struct directory none[] = {{0}};
	struct arena arena;
	arena_init(&arena);
	struct kv_event link = put_with_mode("/l", S_IFLNK | 0777, &arena);
	assert_string_equal(announced(none, &link, 1, NULL), "make /l #7");
	struct kv_event closed = put_with_mode("/f", S_IFREG | 0600, &arena),
	                open = put_with_mode("/f", S_IFREG | 0644, &arena);
	closed.record.create_revision = 1;
	closed.has_prev = true;
	closed.prev = open.record;
	assert_string_equal(announced(none, &closed, 1, NULL), "attr /f #7");
	closed.prev.value = BYTES_LITERAL("y");
	assert_string_equal(announced(none, &closed, 1, NULL), "content /f #7");
	closed.prev.id = 6;
	assert_string_equal(announced(none, &closed, 1, NULL), "remove /f #6; create-written /f #7");
	arena_fini(&arena);
}

static void what_goes_is_told_before_what_comes(void **state)
{
	const struct directory none[] = {{0}};
	const struct kv_event both[] = {put("/a", "x", 7, NOW),
	                                {.type = KV_EVENT_DELETE, .record = {.key = BYTES_LITERAL("/a/b"), .id = 3}}};
	assert_string_equal(announced(none, both, 2, NULL), "remove /a/b #3; remove /a/; create-written /a #7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_noted_operation_is_announced_as_what_it_was),
	    cmocka_unit_test(a_noted_removal_names_the_object_that_it_took),
	    cmocka_unit_test(a_rename_names_what_it_replaced),
	    cmocka_unit_test(a_renamed_directory_is_one_step_whatever_lies_in_it),
	    cmocka_unit_test(an_exchange_names_both),
	    cmocka_unit_test(a_clients_put_is_a_file_created_or_replaced),
	    cmocka_unit_test(a_deep_put_makes_its_topmost_new_directory_once),
	    cmocka_unit_test(directories_that_end_with_their_last_key_are_removed_deepest_first),
	    cmocka_unit_test(a_clients_marker_says_something_only_when_it_makes_the_directory),
	    cmocka_unit_test(the_root_itself_is_never_made_or_removed),
	    cmocka_unit_test(keys_outside_the_root_say_nothing),
	    cmocka_unit_test(what_is_put_without_a_word_is_told_by_what_differs),
	    cmocka_unit_test(what_goes_is_told_before_what_comes),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of .etcfs/ over a replica and a store that say what the test wants. */
#include "fs/virtual.h"

#include <string.h>

#include "base/buffer.h"
#include "fs/note.h"
#include "tests/unit/unit.h"

static struct replica_member_status members[2];
static struct replica_status status_now;
static const struct kv_change *changes;
static size_t change_count;

void replica_status(struct replica *replica, struct arena *arena, struct replica_status *ret_status)
{
	*ret_status = status_now;
}

struct kv *replica_kv(struct replica *replica)
{
	return NULL;
}

enum err replica_metrics(struct replica *replica, struct buffer *buffer)
{
	return buffer_append(buffer, BYTES_LITERAL("etcfs_up 1\n"));
}

struct kv_view *kv_view_open(struct kv *kv)
{
	return NULL;
}

void kv_view_close(struct kv_view *view)
{
}

int64_t kv_view_revision(const struct kv_view *view)
{
	return change_count != 0 ? changes[change_count - 1].revision : 1;
}

enum err kv_change_until(struct kv_view *view, int64_t revision, struct arena *arena, struct kv_change *ret_change)
{
	for (size_t i = change_count; i > 0; i--) {
		if (changes[i - 1].revision <= revision) {
			*ret_change = changes[i - 1];
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

static const struct virtual_sources sources = {.replay = {.replayed = 5}};

static int setup(void **state)
{
	memset(members, 0, sizeof members);
	members[0] =
	    (struct replica_member_status){.id = 1, .name = "n1", .role = "leader", .peer_urls = "tcp://h1:2380"};
	members[1] = (struct replica_member_status){.id = 2, .name = "n2", .role = "unreachable", .peer_urls = ""};
	status_now = (struct replica_status){.member_id = 1,
	                                     .leader_id = 1,
	                                     .revision = 7,
	                                     .name = "n1",
	                                     .has_quorum = true,
	                                     .members = members,
	                                     .member_count = 2};
	changes = NULL;
	change_count = 0;
	return 0;
}

static void page_is(enum virtual_file file, const char *expected)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	assert_string_equal(arena_dup_string(&arena, virtual_render(file, &sources, &arena)), expected);
}

static void page_has(enum virtual_file file, const char *expected)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	const char *page = arena_dup_string(&arena, virtual_render(file, &sources, &arena));
	if (strstr(page, expected) == NULL)
		fail_msg("no \"%s\" in \"%s\"", expected, page);
}

static void each_file_is_found_by_its_name(void **state)
{
	for (int file = VIRTUAL_NONE + 1; file < VIRTUAL_FILES; file++)
		assert_int_equal(virtual_find(bytes_of_string(virtual_name((enum virtual_file)file))), file);
	assert_int_equal(virtual_find(BYTES_LITERAL("statu")), VIRTUAL_NONE);
	assert_int_equal(virtual_find(BYTES_LITERAL("")), VIRTUAL_NONE);
}

static void health_names_what_is_wrong(void **state)
{
	page_is(VIRTUAL_HEALTH, "healthy\n");
	status_now.has_quorum = false;
	page_has(VIRTUAL_HEALTH, "no quorum: the leader is not heard");
	status_now.leader_id = 0;
	page_has(VIRTUAL_HEALTH, "no quorum: no leader is known");
	status_now.differs = true;
	page_has(VIRTUAL_HEALTH, "differs from the others'");
	status_now.damaged = true;
	page_has(VIRTUAL_HEALTH, "damaged");
}

static void leader_and_revision_are_one_line(void **state)
{
	page_is(VIRTUAL_LEADER, "n1\n");
	page_is(VIRTUAL_REVISION, "7\n");
	status_now.leader_id = 0;
	page_is(VIRTUAL_LEADER, "");
}

static void every_member_has_its_line(void **state)
{
	page_has(VIRTUAL_MEMBERS, "n1               leader");
	page_has(VIRTUAL_MEMBERS, "n2               unreachable");
	page_has(VIRTUAL_STATUS, "leader     n1\n");
	page_has(VIRTUAL_METRICS, "etcfs_up 1\n");
	page_has(VIRTUAL_METRICS, "\netcfs_replay_done_total 5\n");
}

static void the_log_reads_oldest_first_and_shows_a_rename_as_one(void **state)
{
	AUTO_BUFFER struct buffer encoded;
	buffer_init(&encoded, 1000);
	struct note note = {
	    .kind = NOTE_RENAME, .mount = 1, .op = 1, .path = BYTES_LITERAL("/a"), .to = BYTES_LITERAL("/b")};
	assert_int_equal(note_encode(&note, &encoded), ERR_OK);
	const struct kv_event put = {.type = KV_EVENT_PUT, .record = {.key = BYTES_LITERAL("/a")}};
	const struct kv_event moved[] = {{.type = KV_EVENT_DELETE, .record = {.key = BYTES_LITERAL("/a")}},
	                                 {.type = KV_EVENT_PUT, .record = {.key = BYTES_LITERAL("/b")}}};
	const struct kv_change both[] = {
	    {.revision = 6, .time_ns = 1500000000, .proposer = 2, .events = &put, .event_count = 1},
	    {.revision = 7,
	     .time_ns = 2000000000,
	     .proposer = 1,
	     .note = buffer_bytes(&encoded),
	     .events = moved,
	     .event_count = 2},
	};
	changes = both;
	change_count = 2;
	page_is(VIRTUAL_LOG, "6 1970-01-01T00:00:01.500Z n2 put /a\n"
	                     "7 1970-01-01T00:00:02.000Z n1 rename /a -> /b\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(each_file_is_found_by_its_name, setup),
	    cmocka_unit_test_setup(health_names_what_is_wrong, setup),
	    cmocka_unit_test_setup(leader_and_revision_are_one_line, setup),
	    cmocka_unit_test_setup(every_member_has_its_line, setup),
	    cmocka_unit_test_setup(the_log_reads_oldest_first_and_shows_a_rename_as_one, setup),
	};
	return UNIT_RUN(tests);
}

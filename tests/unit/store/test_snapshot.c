/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots, and what stands in the store's directory at each moment of an installation. */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/database.h"
#include "tests/unit/store/fixture.h"

static int setup(void **state)
{
	static struct fixture pair[2];
	fixture_open(&pair[0]);
	fixture_open(&pair[1]);
	*state = pair;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *pair = *state;
	fixture_close(&pair[0]);
	fixture_close(&pair[1]);
	return 0;
}

static bool exists(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0;
}

static const char *path_in(struct fixture *f, const char *name)
{
	return arena_format(&f->arena, "%s/%s", f->directory, name);
}

static void fill(struct fixture *f)
{
	f->term = 3;
	struct kv_command session = {.kind = KV_COMMAND_SESSION, .session_open = {1, 1}};
	kv_result_free(fixture_apply(f, &session));
	assert_int_equal(fixture_put(f, "/d/a", "1"), ERR_OK);
	assert_int_equal(fixture_put(f, "/d/a", "2"), ERR_OK);
	struct store_entry config = {.index = ++f->index, .term = 3, .is_config = true, .payload = B("configuration")};
	store_apply(f->store, &config, 1, NULL, NULL);
	f->session = 1;
	f->sequence = 1;
	assert_int_equal(fixture_put(f, "/d/b", "3"), ERR_OK);
	f->session = f->sequence = 0;
}

static struct store_snapshot make(struct fixture *f, const char *directory)
{
	struct store_snapshot snapshot = {0};
	assert_int_equal(store_snapshot_make(f->store, directory, &f->arena, &snapshot), ERR_OK);
	return snapshot;
}

static void a_snapshot_says_where_it_stands(void **state)
{
	struct fixture *from = *state;
	fill(from);
	struct store_snapshot snapshot = make(from, path_in(from, "snap"));
	assert_int_equal(snapshot.index, from->index);
	assert_int_equal(snapshot.term, 3);
	assert_int_equal(snapshot.revision, 4);
	assert_bytes(snapshot.config_payload, "configuration");
}

static void an_installed_snapshot_is_the_state(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	fill(from);
	assert_int_equal(fixture_put(to, "/other", "x"), ERR_OK);
	const char *snap = path_in(to, "snap");
	make(from, snap);
	assert_int_equal(store_snapshot_install(to->store, snap), ERR_OK);
	assert_int_equal(to->replaced_count, 1);
	assert_false(exists(snap));
	assert_int_equal(store_applied(to->store), from->index);
	assert_int_equal(store_applied_term(to->store), 3);
	assert_int_equal(store_flushed(to->store), from->index);
	assert_false(fixture_has(to, "/other"));
	assert_string_equal(fixture_range(to, "/", "0", 3), "/d/a=2");
	assert_string_equal(fixture_list(to, "/d/"), "a b");
	struct kv_result *result = NULL;
	assert_int_equal(store_session_outcome(to->store, 1, 1, &result), ERR_OK);
	assert_int_equal(result->revision, 4);
	kv_result_free(result);
	to->index = from->index;
	/* What was written last before is of another state. */
	assert_int_equal(fixture_put(to, "/other", "y"), ERR_OK);
	assert_int_equal(fixture_get(to, "/other").version, 1);
	assert_int_equal(fixture_delete(to, "/other"), ERR_OK);
	assert_int_equal(fixture_put(to, "/after", "y"), ERR_OK);
	fixture_reopen(to);
	assert_string_equal(fixture_range(to, "/", "0", 0), "/after=y /d/a=2 /d/b=3");
	assert_int_equal(fixture_get(to, "/d/b").id, fixture_get(from, "/d/b").id);
}

static void a_view_from_before_stays_readable(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	fill(from);
	assert_int_equal(fixture_put(to, "/other", "x"), ERR_OK);
	struct kv_view *view = kv_view_open(to->kv);
	make(from, path_in(to, "snap"));
	assert_int_equal(store_snapshot_install(to->store, path_in(to, "snap")), ERR_OK);
	assert_true(exists(path_in(to, "db-1")));
	struct kv_record record;
	assert_int_equal(kv_get(view, B("/other"), &to->arena, &record), ERR_OK);
	assert_bytes(record.value, "x");
	assert_int_equal(kv_view_revision(view), 2);
	kv_view_close(view);
	const char *before = path_in(to, "db-1");
	for (uint64_t end_ms = clock_steady_ms() + 10000; exists(before) && clock_steady_ms() < end_ms;)
		sched_yield(); /* the keeper may be at its last look */
	assert_false(exists(path_in(to, "db-1")));
	assert_true(exists(path_in(to, "db-2")));
}

static void snapshots_can_follow_one_another(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	fill(from);
	make(from, path_in(to, "snap"));
	assert_int_equal(store_snapshot_install(to->store, path_in(to, "snap")), ERR_OK);
	assert_int_equal(fixture_put(from, "/later", "z"), ERR_OK);
	make(from, path_in(to, "snap"));
	assert_int_equal(store_snapshot_install(to->store, path_in(to, "snap")), ERR_OK);
	assert_true(fixture_has(to, "/later"));
	assert_int_equal(to->replaced_count, 2);
}

static void an_older_snapshot_is_refused(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	assert_int_equal(fixture_put(from, "/a", "1"), ERR_OK);
	fill(to);
	make(from, path_in(to, "snap"));
	assert_int_equal(store_snapshot_install(to->store, path_in(to, "snap")), ERR_CONFLICT);
	assert_true(fixture_has(to, "/d/b"));
	assert_int_equal(fixture_put(to, "/still", "here"), ERR_OK);
}

static void a_damaged_snapshot_leaves_the_old_state(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	fill(from);
	assert_int_equal(fixture_put(to, "/other", "x"), ERR_OK);
	make(from, path_in(to, "snap"));
	assert_int_equal(file_replace(path_in(to, "snap/CURRENT"), B("MANIFEST-999999\n"), 0600), ERR_OK);
	assert_int_equal(store_snapshot_install(to->store, path_in(to, "snap")), ERR_CORRUPT);
	assert_int_equal(store_snapshot_install(to->store, path_in(to, "not-there")), ERR_CORRUPT);
	assert_true(fixture_has(to, "/other"));
	assert_int_equal(to->replaced_count, 0);
	fixture_reopen(to);
	assert_true(fixture_has(to, "/other"));
}

/* ---- looked through before it is installed ---- */

static struct store_snapshot_claim claim_of(const char *directory, const struct store_snapshot *snapshot)
{
	return (struct store_snapshot_claim){.directory = directory, .index = snapshot->index, .term = snapshot->term};
}

static void a_whole_snapshot_is_what_it_is_said_to_be(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	fill(from);
	const char *directory = path_in(to, "snap");
	struct store_snapshot snapshot = make(from, directory);
	struct store_snapshot_claim claim = claim_of(directory, &snapshot);
	assert_int_equal(store_snapshot_check(to->store, &claim), ERR_OK);
	claim.index++;
	assert_int_equal(store_snapshot_check(to->store, &claim), ERR_CORRUPT);
	claim.index--;
	claim.term++;
	assert_int_equal(store_snapshot_check(to->store, &claim), ERR_CORRUPT);
	assert_int_equal(store_snapshot_install(to->store, directory), ERR_OK);
}

/* A bit of each table. Each becomes another file: the original has a name in the store as well. */
static size_t flip_tables(struct fixture *f, const char *directory)
{
	size_t flipped = 0;
	DIR *entries = opendir(directory);
	const struct dirent *entry;
	assert_non_null(entries);
	while ((entry = readdir(entries)) != NULL) {
		if (strstr(entry->d_name, ".sst") == NULL)
			continue;
		const char *path = arena_format(&f->arena, "%s/%s", directory, entry->d_name);
		struct bytes content = BYTES_NONE;
		assert_int_equal(file_read(path, 1 << 20, &f->arena, &content), ERR_OK);
		uint8_t *data = arena_take(&f->arena, content.size);
		memcpy(data, content.data, content.size);
		data[12] ^= 0x40;
		assert_int_equal(file_replace(path, bytes_of(data, content.size), 0600), ERR_OK);
		flipped++;
	}
	closedir(entries);
	return flipped;
}

static void a_flipped_bit_in_a_table_is_found(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	fill(from);
	const char *directory = path_in(to, "snap");
	struct store_snapshot snapshot = make(from, directory);
	struct store_snapshot_claim claim = claim_of(directory, &snapshot);
	assert_int_not_equal(flip_tables(from, directory), 0);
	assert_int_equal(store_snapshot_check(to->store, &claim), ERR_CORRUPT);
}

static bool at_once(void *argument)
{
	++*(unsigned *)argument;
	return true;
}

static void a_look_can_be_ended(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	unsigned asked = 0;
	char key[32];
	fill(from);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof key, "/many/%d", i);
		assert_int_equal(fixture_put(from, key, "x"), ERR_OK);
	}
	const char *directory = path_in(to, "snap");
	struct store_snapshot snapshot = make(from, directory);
	struct store_snapshot_claim claim = claim_of(directory, &snapshot);
	claim.give_up = at_once;
	claim.argument = &asked;
	assert_int_equal(store_snapshot_check(to->store, &claim), ERR_CANCELED);
	assert_int_equal(asked, 1);
}

/* ---- what a crash leaves ---- */

static void what_is_not_named_is_removed_at_the_opening(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	fill(from);
	assert_int_equal(fixture_put(to, "/other", "x"), ERR_OK);
	make(from, path_in(to, "db-2")); /* renamed into its place, but not named yet */
	fixture_reopen(to);
	assert_true(fixture_has(to, "/other"));
	assert_false(exists(path_in(to, "db-2")));
}

static void a_named_snapshot_is_the_state_after_a_crash(void **state)
{
	struct fixture *from = *state, *to = from + 1;
	fill(from);
	assert_int_equal(fixture_put(to, "/other", "x"), ERR_OK);
	make(from, path_in(to, "db-2"));
	fixture_stop(to);
	assert_int_equal(
	    file_replace(path_in(to, "current"), B("etcfs applied state\nformat 1\ndatabase db-2\n"), 0600), ERR_OK);
	fixture_start(to);
	assert_false(fixture_has(to, "/other"));
	assert_true(fixture_has(to, "/d/b"));
	assert_false(exists(path_in(to, "db-1")));
}

static enum err reopen_with(struct fixture *f, const char *current)
{
	struct store_options options = {.directory = f->directory};
	fixture_stop(f);
	assert_int_equal(file_replace(path_in(f, "current"), bytes_of_string(current), 0600), ERR_OK);
	enum err err = store_open(&options, &f->store);
	if (err == ERR_OK)
		store_close(f->store);
	assert_int_equal(file_replace(path_in(f, "current"), B("etcfs applied state\nformat 1\ndatabase db-1\n"), 0600),
	                 ERR_OK);
	fixture_start(f);
	return err;
}

static void a_newer_format_is_refused_and_left_alone(void **state)
{
	struct fixture *f = *state;
	fill(f);
	assert_int_equal(reopen_with(f, "etcfs applied state\nformat 99\nwhatever comes\n"), ERR_FORMAT_NEWER);
	assert_true(fixture_has(f, "/d/b"));
}

static void a_name_that_is_damaged_or_lost_is_not_taken_for_an_empty_store(void **state)
{
	struct fixture *f = *state;
	fill(f);
	assert_int_equal(reopen_with(f, "etcfs applied state\nformat 1\ndatabase db-7\n"), ERR_CORRUPT);
	assert_int_equal(reopen_with(f, "gibberish"), ERR_CORRUPT);
	struct store_options options = {.directory = f->directory};
	fixture_stop(f);
	assert_int_equal(unlink(path_in(f, "current")), 0);
	assert_int_equal(store_open(&options, &f->store), ERR_CORRUPT);
	assert_int_equal(file_replace(path_in(f, "current"), B("etcfs applied state\nformat 1\ndatabase db-1\n"), 0600),
	                 ERR_OK);
	fixture_start(f);
	assert_true(fixture_has(f, "/d/b"));
}

static void a_damaged_block_is_not_taken_for_a_lock(void **state)
{
	assert_int_equal(database_err("/x", memory_dup_string("Corruption: block checksum mismatch: stored = 1")),
	                 ERR_CORRUPT);
	assert_int_equal(database_err("/x", memory_dup_string("IO error: While lock file: /x/LOCK: Resource busy")),
	                 ERR_LOCKED);
	assert_int_equal(database_err("/x", memory_dup_string("IO error: lock hold by current process")), ERR_LOCKED);
}

static void a_store_that_is_open_is_locked(void **state)
{
	struct fixture *f = *state;
	struct store *again = NULL;
	struct store_options options = {.directory = f->directory};
	assert_int_equal(store_open(&options, &again), ERR_LOCKED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_snapshot_says_where_it_stands),
	    TEST(an_installed_snapshot_is_the_state),
	    TEST(a_view_from_before_stays_readable),
	    TEST(snapshots_can_follow_one_another),
	    TEST(an_older_snapshot_is_refused),
	    TEST(a_damaged_snapshot_leaves_the_old_state),
	    TEST(a_whole_snapshot_is_what_it_is_said_to_be),
	    TEST(a_flipped_bit_in_a_table_is_found),
	    TEST(a_look_can_be_ended),
	    TEST(what_is_not_named_is_removed_at_the_opening),
	    TEST(a_named_snapshot_is_the_state_after_a_crash),
	    TEST(a_newer_format_is_refused_and_left_alone),
	    TEST(a_name_that_is_damaged_or_lost_is_not_taken_for_an_empty_store),
	    TEST(a_damaged_block_is_not_taken_for_a_lock),
	    TEST(a_store_that_is_open_is_locked),
	};
	return UNIT_RUN(tests);
}

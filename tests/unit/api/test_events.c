/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event engine against a model: a list of all changes, and of each watch how far in it it is. Watches are added and removed,
 * take and refuse what they are offered, also from within their callbacks, while keys change, the history is compacted and
 * replaced, and the loop turns or does not.
 */
#include "api/events.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/api/events_world.h"
#include "tests/unit/unit.h"

enum {
	KEYS = 8,
	WATCHES = 24,
	STEPS = 2000,
	SEEDS = 3,
	OPS_MAX = 4,
	FIRST_REVISION = 2, /* of a change */
	FUTURE_MAX = 40,    /* revisions ahead that a watch begins at most, */
	BACK_MAX = 1000,    /* and how much further back */
	BURST_MAX = 600,    /* changes without a turn: more than the engine takes in one */
};

/* ---- what has happened ---- */

struct happening {
	unsigned key;
	bool is_put;
	int64_t create_revision, version, prev_revision; /* prev 0: there was none */
};

struct revision {
	struct happening happenings[KEYS];
	size_t count;
};

static struct {
	struct revision *revisions; /* of FIRST_REVISION and on */
	size_t count, capacity;
	int64_t compacted; /* 0: never */
	struct {
		int64_t create_revision, mod_revision, version; /* mod 0: absent */
	} live[KEYS];
} history;

static int64_t history_revision(void)
{
	return (int64_t)history.count + FIRST_REVISION - 1;
}

static const struct revision *history_of(int64_t revision)
{
	return &history.revisions[revision - FIRST_REVISION];
}

static void history_note(struct revision *change, unsigned key, bool is_put)
{
	int64_t revision = history_revision() + 1, before = history.live[key].mod_revision;
	if (!is_put && before == 0)
		return;
	struct happening *happening = &change->happenings[change->count++];
	*happening = (struct happening){.key = key, .is_put = is_put, .prev_revision = before};
	if (is_put) {
		happening->create_revision = before != 0 ? history.live[key].create_revision : revision;
		happening->version = history.live[key].version + 1;
	}
	history.live[key].create_revision = happening->create_revision;
	history.live[key].version = happening->version;
	history.live[key].mod_revision = is_put ? revision : 0;
}

static void history_append(const struct revision *change)
{
	if (change->count == 0)
		return;
	if (history.count == history.capacity) {
		history.capacity = history.capacity != 0 ? 2 * history.capacity : 1024;
		history.revisions = realloc(history.revisions, history.capacity * sizeof *history.revisions);
		assert_non_null(history.revisions);
	}
	history.revisions[history.count++] = *change;
}

/* ---- who watches it ---- */

struct watcher {
	struct events_watch watch; /* its first member */
	bool added, refused;       /* refused: what it was offered, and not resumed yet */
	unsigned first_key, last_key;
	int64_t next_revision; /* whose happenings it has not had */
};

static struct world world;
static struct random chance;
static struct watcher watchers[WATCHES];
static size_t offered_count, refused_count, lost_count, caught_up_count; /* the run has done what it is for */

static bool one_in(unsigned count)
{
	return random_below(&chance, count) == 0;
}

static bool watcher_wants(const struct watcher *watcher, const struct happening *happening)
{
	return happening->key >= watcher->first_key && happening->key <= watcher->last_key;
}

/* The first revision from one on that it is to be offered something of; beyond the newest: none. */
static int64_t watcher_due(const struct watcher *watcher, int64_t revision)
{
	for (revision = revision > FIRST_REVISION ? revision : FIRST_REVISION; revision <= history_revision();
	     revision++) {
		const struct revision *change = history_of(revision);
		for (size_t at = 0; at < change->count; at++)
			if (watcher_wants(watcher, &change->happenings[at]))
				return revision;
	}
	return revision;
}

static void assert_record(const struct kv_record *record, unsigned key, int64_t revision)
{
	assert_int_equal(record->key.size, 1);
	assert_int_equal(record->key.data[0], 'a' + key);
	assert_int_equal(record->mod_revision, revision);
}

static void assert_happened(const struct kv_event *event, const struct happening *happening, int64_t revision)
{
	assert_record(&event->record, happening->key, revision);
	assert_int_equal(event->type, happening->is_put ? KV_EVENT_PUT : KV_EVENT_DELETE);
	if (happening->is_put) {
		assert_int_equal(event->record.create_revision, happening->create_revision);
		assert_int_equal(event->record.version, happening->version);
		assert_int_equal(event->record.value.size, sizeof revision);
		assert_memory_equal(event->record.value.data, &revision, sizeof revision);
	}
	if (event->has_prev)
		assert_record(&event->prev, happening->key, happening->prev_revision);
	else if (happening->prev_revision != 0)
		assert_true(revision <= history.compacted); /* what was before the first that is kept is gone */
}

/* Exactly what it is to be offered next, all of each revision. */
static void watcher_check(struct watcher *watcher, const struct events_batch *batch)
{
	size_t event = 0;
	for (int64_t revision = watcher->next_revision; event < batch->count; revision++) {
		revision = watcher_due(watcher, revision);
		assert_true(revision <= batch->revision);
		const struct revision *change = history_of(revision);
		for (size_t at = 0; at < change->count; at++) {
			if (!watcher_wants(watcher, &change->happenings[at]))
				continue;
			assert_true(event < batch->count);
			assert_happened(batch->events[event++], &change->happenings[at], revision);
		}
	}
	assert_int_equal(batch->events[batch->count - 1]->record.mod_revision, batch->revision);
}

static void watcher_add(struct watcher *watcher);
static void watcher_remove(struct watcher *watcher);
static void watcher_resume(struct watcher *watcher);

/* From within a callback, any may be added, removed or resumed: also the one that is called. */
static void meddle(void)
{
	struct watcher *other = &watchers[random_below(&chance, WATCHES)];
	if (!one_in(8))
		return;
	if (!other->added)
		watcher_add(other);
	else if (other->refused && one_in(2))
		watcher_resume(other);
	else
		watcher_remove(other);
}

static enum err watcher_changed(struct events_watch *watch, const struct events_batch *batch)
{
	struct watcher *watcher = (struct watcher *)watch;
	assert_true(watcher->added);
	assert_false(watcher->refused);
	assert_true(batch->count > 0);
	watcher_check(watcher, batch);
	offered_count++;
	if (one_in(10)) {
		refused_count++;
		watcher->refused = true;
		return ERR_BUSY;
	}
	watcher->next_revision = batch->revision + 1;
	meddle();
	return ERR_OK;
}

static void watcher_caught_up(struct events_watch *watch)
{
	struct watcher *watcher = (struct watcher *)watch;
	assert_true(watcher->added);
	assert_true(events_is_current(world.events, watch));
	assert_true(watcher_due(watcher, watcher->next_revision) > events_revision(world.events));
	caught_up_count++;
	meddle();
}

static void watcher_lost(struct events_watch *watch, enum err err, int64_t compacted)
{
	struct watcher *watcher = (struct watcher *)watch;
	assert_true(watcher->added);
	assert_false(watcher->refused);
	assert_int_equal(err, ERR_COMPACTED);
	assert_int_equal(compacted, history.compacted);
	assert_true(watcher->next_revision < compacted);
	watcher->added = false;
	lost_count++;
	meddle();
}

/* ---- steps ---- */

static int64_t some_revision(void)
{
	int64_t revision = history_revision() + FUTURE_MAX - (int64_t)random_below(&chance, BACK_MAX);
	if (one_in(2))
		revision = events_revision(world.events) - 1 + (int64_t)random_below(&chance, 3); /* where it matters */
	return revision > 0 ? revision : 1;
}

static void watcher_add(struct watcher *watcher)
{
	uint8_t start, end;
	struct kv_range range = {.start = bytes_of(&start, 1)};
	watcher->first_key = (unsigned)random_below(&chance, KEYS);
	watcher->last_key = watcher->first_key + (unsigned)random_below(&chance, KEYS - watcher->first_key);
	start = (uint8_t)('a' + watcher->first_key);
	end = (uint8_t)('a' + watcher->last_key + 1);
	if (watcher->last_key == KEYS - 1 && one_in(2))
		range.end = bytes_of("", 1);
	else if (watcher->last_key != watcher->first_key || one_in(2))
		range.end = bytes_of(&end, 1);
	int64_t from = one_in(2) ? 0 : some_revision();
	watcher->watch.changed = watcher_changed;
	watcher->watch.caught_up = one_in(4) ? NULL : watcher_caught_up;
	watcher->watch.lost = watcher_lost;
	watcher->added = true;
	watcher->refused = false;
	watcher->next_revision = from != 0 ? from : history_revision() + 1;
	int64_t now = events_add(world.events, &watcher->watch, &range, from);
	assert_int_equal(now, history_revision());
}

static void watcher_remove(struct watcher *watcher)
{
	events_remove(world.events, &watcher->watch);
	watcher->added = false;
}

static void watcher_resume(struct watcher *watcher)
{
	watcher->refused = false;
	events_resume(world.events, &watcher->watch);
}

static void toggle_a_watch(void)
{
	struct watcher *watcher = &watchers[random_below(&chance, WATCHES)];
	if (!watcher->added)
		watcher_add(watcher);
	else if (watcher->refused || one_in(2))
		watcher_resume(watcher); /* of one that has refused nothing: nothing */
	else
		watcher_remove(watcher);
}

static size_t some_ops(struct revision *change, uint8_t (*keys)[2], const int64_t *revision, struct kv_op *ops)
{
	unsigned first = (unsigned)random_below(&chance, KEYS);
	if (one_in(8)) {
		unsigned after = first + 1 + (unsigned)random_below(&chance, KEYS - first);
		keys[0][0] = (uint8_t)('a' + first);
		keys[0][1] = (uint8_t)('a' + after);
		ops[0] = (struct kv_op){.kind = KV_DELETE,
		                        .del.range = {bytes_of(&keys[0][0], 1), bytes_of(&keys[0][1], 1)}};
		for (unsigned key = first; key < after; key++)
			history_note(change, key, false);
		return 1;
	}
	size_t count = 1 + random_below(&chance, OPS_MAX);
	for (size_t at = 0; at < count; at++) {
		unsigned key = (first + 3 * (unsigned)at) % KEYS;
		keys[at][0] = (uint8_t)('a' + key);
		ops[at] = (struct kv_op){
		    .kind = KV_PUT,
		    .put = {.key = bytes_of(keys[at], 1), .value = bytes_of(revision, sizeof *revision)}};
		if (one_in(4))
			ops[at] = (struct kv_op){.kind = KV_DELETE, .del.range.start = bytes_of(keys[at], 1)};
		history_note(change, key, ops[at].kind == KV_PUT);
	}
	return count;
}

static void change_keys(void)
{
	struct revision change = {0};
	struct kv_op ops[OPS_MAX];
	uint8_t keys[OPS_MAX][2];
	int64_t next = history_revision() + 1;
	size_t count = some_ops(&change, keys, &next, ops);
	history_append(&change);
	assert_int_equal(world_apply(&world, ops, count), history_revision());
}

static void change_keys_often(void)
{
	for (size_t left = random_below(&chance, BURST_MAX); left > 0; left--)
		change_keys();
}

static void compact(void)
{
	int64_t oldest = history.compacted + 1, newest = history_revision();
	if (oldest > newest)
		return;
	history.compacted = oldest + (int64_t)random_below(&chance, (uint64_t)(newest - oldest + 1));
	world_compact(&world, history.compacted);
}

/* What holds whenever the loop is not turning. */
static void check_watchers(int64_t *newest)
{
	size_t added = 0;
	int64_t revision = events_revision(world.events);
	assert_true(revision >= *newest);
	*newest = revision;
	for (size_t at = 0; at < WATCHES; at++) {
		added += watchers[at].added;
		if (!watchers[at].added || !events_is_current(world.events, &watchers[at].watch))
			continue;
		assert_true(watcher_due(&watchers[at], watchers[at].next_revision) > revision);
		assert_true(watchers[at].next_revision <= revision + 1); /* one from the future waits for it */
		if (watchers[at].next_revision <= revision)
			watchers[at].next_revision = revision + 1; /* nothing for it is before: not to look again */
	}
	assert_int_equal(events_count(world.events), added);
}

static void some_step(void)
{
	uint64_t what = random_below(&chance, 1000);
	if (what < 400)
		change_keys();
	else if (what < 600)
		toggle_a_watch();
	else if (what < 980)
		world_turn(&world);
	else if (what < 985)
		compact();
	else if (what < 995)
		world.observer.replaced(world.observer.argument, history_revision());
	else if (what < 997)
		change_keys_often();
	else if (what < 999)
		world_settle(&world);
	else
		for (size_t at = 0; at < WATCHES; at++)
			if (watchers[at].added)
				watcher_remove(&watchers[at]);
}

/* Whoever is left has had all there is once the loop has nothing to do. */
static void expect_all_told(int64_t *newest)
{
	bool more = true;
	while (more) {
		world_settle(&world);
		more = false;
		for (size_t at = 0; at < WATCHES; at++) {
			more = more || (watchers[at].added && watchers[at].refused);
			if (watchers[at].added && watchers[at].refused)
				watcher_resume(&watchers[at]);
		}
	}
	check_watchers(newest);
	for (size_t at = 0; at < WATCHES; at++)
		if (watchers[at].added) {
			assert_true(watcher_due(&watchers[at], watchers[at].next_revision) > history_revision());
			assert_true(watchers[at].next_revision > history_revision() ||
			            events_is_current(world.events, &watchers[at].watch));
			watcher_remove(&watchers[at]);
		}
}

static void run_seed(uint64_t seed)
{
	int64_t newest = 0;
	random_init(&chance, seed);
	world_open(&world);
	for (int step = 0; step < STEPS; step++) {
		some_step();
		check_watchers(&newest);
	}
	expect_all_told(&newest);
	world_close(&world);
	free(history.revisions);
	memset(&history, 0, sizeof history);
}

static void each_watch_is_offered_what_the_model_says(void **state)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		offered_count = refused_count = lost_count = caught_up_count = 0;
		run_seed(seed);
		print_message("seed %u: %zu offered, %zu refused, %zu lost, %zu caught up\n", (unsigned)seed,
		              offered_count, refused_count, lost_count, caught_up_count);
		assert_true(offered_count > 0 && refused_count > 0 && lost_count > 0 && caught_up_count > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_watch_is_offered_what_the_model_says),
	};
	return UNIT_RUN(tests);
}

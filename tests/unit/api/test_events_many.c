/* SPDX-License-Identifier: Apache-2.0 */
/* Ten thousand watches, and slow ones among them: each is offered what it is for, and nobody waits or pays for another. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/api/events_world.h"
#include "tests/unit/unit.h"

enum {
	MANY = 10000,
	ALL = 16, /* of these watch everything */
	CHANGES = 3000,
	TURN_CHANGES_MAX = 256, /* of the engine */
	VALUE_BYTES = 8192,
	QUEUE_BYTES_MAX = 32 << 20, /* of the engine */
	STORE_BYTES = 24 << 20,     /* the store's own memory, and more */
	SMALL_CHANGES = 5000,
	SMALL_BYTES_MAX = 2048, /* the store's share included */
	FLOOD = 6000,           /* changes of VALUE_BYTES: more than the queue */
};

struct follower {
	struct events_watch watch; /* its first member */
	uint64_t offered, calls;
	int64_t newest;
	bool busy; /* takes nothing */
};

static struct world world;
static struct follower followers[MANY];
static uint64_t changed_count[MANY]; /* of each key */

static struct follower *follower_of(struct events_watch *watch)
{
	return (struct follower *)watch;
}

static enum err follower_changed(struct events_watch *watch, const struct events_batch *batch)
{
	struct follower *follower = follower_of(watch);
	if (follower->busy)
		return ERR_BUSY;
	for (size_t at = 0; at < batch->count; at++) {
		assert_true(batch->events[at]->record.mod_revision > follower->newest);
		follower->newest = batch->events[at]->record.mod_revision;
	}
	follower->offered += batch->count;
	follower->calls++;
	return ERR_OK;
}

static void follower_lost(struct events_watch *watch, enum err err, int64_t compacted)
{
	fail_msg("a watch is lost: %d at %ld", err, (long)compacted);
}

static const char *key_name(size_t at)
{
	static char name[16];
	snprintf(name, sizeof name, "/w/%05zu", at);
	return name;
}

static void follow(struct follower *follower, const char *key, const char *end, int64_t from)
{
	const struct kv_range range = {bytes_of_string(key), bytes_of_string(end)};
	*follower = (struct follower){.watch.changed = follower_changed, .watch.lost = follower_lost};
	events_add(world.events, &follower->watch, &range, from);
}

static void unfollow(size_t count)
{
	for (size_t at = 0; at < count; at++)
		events_remove(world.events, &followers[at].watch);
}

static int begin(void **state)
{
	world_open(&world);
	memset(changed_count, 0, sizeof changed_count);
	return 0;
}

static int end(void **state)
{
	world_close(&world);
	return 0;
}

/* Bytes that are allocated; 0 where a sanitizer counts them. */
static size_t memory_used(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

static void flood_with(size_t bytes, int count)
{
	static uint8_t value[VALUE_BYTES];
	for (int at = 0; at < count; at++)
		world_put(&world, "/flood", bytes_of(value, bytes));
}

static void flood(int count)
{
	flood_with(VALUE_BYTES, count);
}

/* The first ones watch everything, the others a key each. */
static void expect_offered(size_t at, uint64_t total)
{
	assert_int_equal(followers[at].offered, at < ALL ? total : changed_count[at]);
}

static void each_of_many_is_offered_its_own(void **state)
{
	struct random random;
	random_init(&random, 5);
	for (size_t at = 0; at < MANY; at++)
		follow(&followers[at], at < ALL ? "/" : key_name(at), at < ALL ? "0" : "", 0);
	assert_int_equal(events_count(world.events), MANY);
	for (int change = 0; change < CHANGES; change++) {
		size_t at = random_below(&random, MANY);
		changed_count[at]++;
		world_put(&world, key_name(at), bytes_of_string("x"));
		followers[random_below(&random, MANY)].busy = true;
		if (change % 7 == 0)
			world_turn(&world);
	}
	world_settle(&world);
	for (size_t at = 0; at < MANY; at++)
		if (!followers[at].busy)
			expect_offered(at, CHANGES);
	for (size_t at = 0; at < MANY; at++) {
		followers[at].busy = false;
		events_resume(world.events, &followers[at].watch);
	}
	world_settle(&world);
	for (size_t at = 0; at < MANY; at++)
		expect_offered(at, CHANGES);
	unfollow(MANY);
}

/* All that are behind at one place read it together: the history is not read ten thousand times. */
static void those_that_come_back_together_read_together(void **state)
{
	for (int change = 0; change < CHANGES; change++)
		world_put(&world, "/w/a", bytes_of_string("x"));
	for (size_t at = 0; at < MANY; at++)
		follow(&followers[at], at < ALL ? "/w/a" : "/w/b", "", 2);
	size_t turns = world_settle(&world);
	assert_true(turns <= CHANGES / TURN_CHANGES_MAX + 2);
	for (size_t at = 0; at < MANY; at++)
		assert_int_equal(followers[at].offered, at < ALL ? CHANGES : 0);
	unfollow(MANY);
}

/* Also when a piece of it ends just before, at or after the end. */
static void a_history_of_any_length_is_read_to_its_end(void **state)
{
	int64_t newest = 1;
	while (newest < TURN_CHANGES_MAX - 2)
		newest = world_put(&world, "/w/a", bytes_of_string("x"));
	for (int more = 0; more < 6; more++) {
		newest = world_put(&world, "/w/a", bytes_of_string("x"));
		follow(&followers[0], "/w/a", "", 2);
		world_settle(&world);
		assert_int_equal(followers[0].newest, newest);
		assert_int_equal(followers[0].offered, newest - 1);
		unfollow(1);
	}
}

/* It has had nothing for long, but there was nothing for it. */
static void one_that_waits_for_nothing_old_loses_nothing_by_a_compaction(void **state)
{
	int64_t newest = 1;
	follow(&followers[0], "/w/a", "", 0);
	for (int change = 0; change < 10; change++)
		newest = world_put(&world, "/w/b", bytes_of_string("x"));
	world_settle(&world);
	world_compact(&world, newest);
	world.observer.replaced(world.observer.argument, newest);
	newest = world_put(&world, "/w/b", bytes_of_string("x"));
	world_settle(&world);
	world_put(&world, "/w/a", bytes_of_string("x"));
	world_settle(&world);
	assert_int_equal(followers[0].newest, newest + 1);
	unfollow(1);
}

static void one_that_is_far_behind_delays_nobody(void **state)
{
	for (int change = 0; change < CHANGES; change++)
		world_put(&world, "/w/a", bytes_of_string("x"));
	struct follower *far = &followers[0], *near = &followers[1];
	follow(far, "/w/a", "", 2);
	follow(near, "/w/a", "", 0);
	uint64_t turns = 0;
	while (far->offered < CHANGES) {
		uint64_t before = far->offered;
		world_put(&world, "/w/a", bytes_of_string("y"));
		assert_true(world_turn(&world));
		assert_int_equal(near->offered, ++turns);
		assert_true(far->offered > before && far->offered - before <= TURN_CHANGES_MAX);
	}
	unfollow(2);
}

/* Those that are behind at many places take turns. */
static void those_that_are_behind_are_served_in_turn(void **state)
{
	for (int change = 0; change < CHANGES; change++)
		world_put(&world, "/w/a", bytes_of_string("x"));
	for (size_t at = 0; at < 10; at++)
		follow(&followers[at], "/w/a", "", 2 + (int64_t)at * TURN_CHANGES_MAX / 2);
	for (int turn = 0; turn < 10; turn++)
		assert_true(world_turn(&world));
	for (size_t at = 0; at < 10; at++)
		assert_true(followers[at].calls > 0);
	unfollow(10);
}

static void a_slow_one_costs_no_memory(void **state)
{
	follow(&followers[0], "/flood", "", 0);
	follow(&followers[1], "/flood", "", 0);
	followers[0].busy = true;
	flood(100);
	world_settle(&world);
	size_t before = memory_used();
	for (int part = 0; part < FLOOD / 100; part++) {
		flood(100);
		world_settle(&world);
		assert_int_equal(followers[1].offered, (part + 2) * 100);
	}
	assert_true(memory_used() < before + STORE_BYTES);
	followers[0].busy = false;
	events_resume(world.events, &followers[0].watch);
	size_t peak = 0;
	while (world_turn(&world))
		peak = memory_used() > peak ? memory_used() : peak;
	assert_true(peak < before + STORE_BYTES);
	assert_int_equal(followers[0].offered, FLOOD + 100);
	unfollow(2);
}

/* When the loop does not get to run, changes wait up to the bound of the queue, and are read from the disk beyond. */
static void a_loop_that_is_late_costs_bounded_memory_and_loses_nothing(void **state)
{
	follow(&followers[0], "/flood", "", 0);
	size_t before = memory_used();
	flood(FLOOD);
	assert_true(memory_used() < before + QUEUE_BYTES_MAX + STORE_BYTES);
	world_settle(&world);
	assert_int_equal(followers[0].offered, FLOOD);
	assert_true(memory_used() < before + STORE_BYTES);
	flood(1); /* and the queue is in use again */
	assert_int_equal(world_settle(&world), 1);
	assert_int_equal(followers[0].offered, FLOOD + 1);
	unfollow(1);
}

/* What is counted of a small change is what it costs. */
static void small_changes_cost_little_while_they_wait(void **state)
{
	follow(&followers[0], "/flood", "", 0);
	flood_with(1, 100);
	world_settle(&world);
	size_t before = memory_used();
	flood_with(1, SMALL_CHANGES);
	size_t after = memory_used();
	assert_true(after < before + SMALL_CHANGES * SMALL_BYTES_MAX);
	world_turn(&world); /* and the other clients get their turn */
	assert_true(followers[0].offered <= TURN_CHANGES_MAX + 100);
	world_settle(&world);
	assert_int_equal(followers[0].offered, SMALL_CHANGES + 100);
	unfollow(1);
}

static void *write_along(void *argument)
{
	for (int change = 0; change < CHANGES; change++)
		world_put(&world, key_name((size_t)change % 64), bytes_of_string("x"));
	return NULL;
}

/* Changes are made on one thread, and watches come and go on another, from now on and from the past. */
static void nothing_falls_between_a_change_and_a_new_watch(void **state)
{
	pthread_t writer;
	assert_int_equal(pthread_create(&writer, NULL, write_along, NULL), 0);
	int64_t told = 0;
	for (size_t at = 0; at < 2000; at++) {
		struct follower *follower = &followers[at % 4];
		if (at >= 4)
			events_remove(world.events, &follower->watch);
		const struct kv_range range = {bytes_of_string("/w/"), bytes_of_string("/w0")};
		*follower = (struct follower){.watch.changed = follower_changed, .watch.lost = follower_lost};
		int64_t now = events_add(world.events, &follower->watch, &range, at % 2 == 0 ? 0 : told + 1);
		assert_true(now >= told);
		told = now;
		/* Revisions and changes are one to one here: how many it was offered tells whether any is missing. */
		int64_t first = follower->watch.next_revision;
		for (int turn = 0; turn < 4; turn++)
			world_turn(&world);
		if (follower->offered > 0)
			assert_int_equal(follower->newest - first + 1, follower->offered);
	}
	pthread_join(writer, NULL);
	world_settle(&world);
	unfollow(4);
}

static atomic_bool written;

static void *write_some(void *argument)
{
	for (int change = 0; change < 3; change++)
		world_put(&world, "/w/a", bytes_of_string("x"));
	atomic_store(&written, true);
	return NULL;
}

/* Whatever the loop is at when a change comes, it is woken for it. */
static void no_change_waits_for_the_next(void **state)
{
	follow(&followers[0], "/w/a", "", 0);
	for (uint64_t round = 1; round <= 500; round++) {
		pthread_t writer;
		atomic_store(&written, false);
		assert_int_equal(pthread_create(&writer, NULL, write_some, NULL), 0);
		while (!atomic_load(&written))
			world_turn(&world);
		pthread_join(writer, NULL);
		world_settle(&world);
		assert_int_equal(followers[0].offered, 3 * round);
	}
	unfollow(1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(each_of_many_is_offered_its_own),
	    CASE(those_that_come_back_together_read_together),
	    CASE(a_history_of_any_length_is_read_to_its_end),
	    CASE(one_that_waits_for_nothing_old_loses_nothing_by_a_compaction),
	    CASE(one_that_is_far_behind_delays_nobody),
	    CASE(those_that_are_behind_are_served_in_turn),
	    CASE(a_slow_one_costs_no_memory),
	    CASE(a_loop_that_is_late_costs_bounded_memory_and_loses_nothing),
	    CASE(small_changes_cost_little_while_they_wait),
	    CASE(nothing_falls_between_a_change_and_a_new_watch),
	    CASE(no_change_waits_for_the_next),
	};
	return UNIT_RUN(tests);
}

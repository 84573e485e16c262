/* SPDX-License-Identifier: Apache-2.0 */
/* Members that lose their data directory, or are removed, in a cluster of real nodes in this process. */
#include <stdio.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/unit/replica/cluster.h"
#include "tests/unit/unit.h"

enum { NODES = 3, LOOKS = 200 };

#define WAIT_FOR(condition)                                                                                            \
	for (uint64_t deadline_ns = cluster_soon(); !(condition);) {                                                   \
		assert_true(clock_steady_ns() < deadline_ns);                                                          \
		cluster_pause();                                                                                       \
	}

static void lose_directory(struct cluster *cluster, size_t node)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", cluster->directory, cluster->names[node]);
	assert_int_equal(file_remove_tree(path), ERR_OK);
}

static bool has_leader(struct replica *replica)
{
	AUTO_ARENA struct arena arena;
	struct replica_status status;
	arena_init(&arena);
	cluster_status(replica, &arena, &status);
	return status.leader_id != 0;
}

static uint64_t term_of(struct replica *replica)
{
	AUTO_ARENA struct arena arena;
	struct replica_status status;
	arena_init(&arena);
	cluster_status(replica, &arena, &status);
	return status.term;
}

static void make_leader(struct cluster *cluster, size_t node)
{
	AUTO_ARENA struct arena arena;
	struct replica_status status;
	arena_init(&arena);
	cluster_status(cluster->nodes[node], &arena, &status);
	for (uint64_t deadline_ns = cluster_soon();;) {
		size_t leader = cluster_leader(cluster);
		if (leader == node)
			return;
		assert_true(clock_steady_ns() < deadline_ns);
		replica_transfer(cluster->nodes[leader], status.member_id);
		cluster_pause();
	}
}

/* All three promise something to each other: a vote, or that they hold an entry. */
static void cluster_of_acquaintances(struct cluster *cluster)
{
	int64_t revision = 0;
	cluster_init(cluster, NODES);
	log_level_set(LOG_ERROR_LEVEL + 1);
	cluster_start_all(cluster);
	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(cluster_put(cluster->nodes[i], "/a", "1", &revision), ERR_OK);
	/* To become leader, each has asked the others for their votes, and they have answered. */
	for (size_t i = 0; i < NODES; i++)
		make_leader(cluster, i);
}

static void a_member_that_lost_its_directory_is_not_welcome(void **state)
{
	struct cluster cluster;
	int64_t revision = 0;
	cluster_of_acquaintances(&cluster);
	cluster_stop(&cluster, 2);
	lose_directory(&cluster, 2);
	cluster_start(&cluster, 2);
	WAIT_FOR(replica_verdict(cluster.nodes[2]) == ERR_WRONG_MEMBER);
	assert_int_equal(term_of(cluster.nodes[2]), 0); /* it has promised nothing */
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "2", &revision), ERR_OK);
	cluster_fini(&cluster);
}

/* What they knew of each other outlives their restarts. */
static void nor_is_it_after_the_others_have_restarted(void **state)
{
	struct cluster cluster;
	cluster_of_acquaintances(&cluster);
	for (size_t i = 0; i < NODES; i++)
		cluster_stop(&cluster, i);
	lose_directory(&cluster, 2);
	cluster_start(&cluster, 0);
	cluster_start(&cluster, 2);
	WAIT_FOR(replica_verdict(cluster.nodes[2]) == ERR_WRONG_MEMBER);
	assert_int_equal(term_of(cluster.nodes[2]), 0);
	cluster_fini(&cluster);
}

/* Of three that had formed a cluster of two, the third comes for the first time and only one of the others is there: what that
 * one does not know the other one may. */
static void one_that_comes_late_waits_for_all_who_could_know_it(void **state)
{
	struct cluster cluster;
	int64_t revision = 0;
	cluster_init(&cluster, NODES);
	cluster_start(&cluster, 0);
	cluster_start(&cluster, 1);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "1", &revision), ERR_OK);
	cluster_stop(&cluster, 1);
	cluster_start(&cluster, 2);
	WAIT_FOR(!has_leader(cluster.nodes[0]));
	for (int i = 0; i < LOOKS; i++) {
		assert_int_equal(term_of(cluster.nodes[2]), 0);
		cluster_pause();
	}
	cluster_start(&cluster, 1);
	WAIT_FOR(term_of(cluster.nodes[2]) != 0);
	assert_int_equal(cluster_get(cluster.nodes[2], "/a"), 1);
	assert_int_equal(replica_verdict(cluster.nodes[2]), ERR_OK);
	cluster_fini(&cluster);
}

/* Before it has promised anything, a directory can be given up for another: it has said nothing that others would keep. */
static void one_that_waited_in_vain_may_begin_anew(void **state)
{
	struct cluster cluster;
	int64_t revision = 0;
	cluster_init(&cluster, CLUSTER_MAX);
	cluster_start(&cluster, 0);
	cluster_start(&cluster, 1);
	for (int i = 0; i < LOOKS; i++) { /* some election timeouts */
		assert_int_equal(term_of(cluster.nodes[0]), 0);
		cluster_pause();
	}
	cluster_stop(&cluster, 0);
	lose_directory(&cluster, 0);
	cluster_start_all(&cluster);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "1", &revision), ERR_OK);
	cluster_fini(&cluster);
}

static void ignore_outcome(void *argument, const struct replica_change_outcome *outcome)
{
}

static void one_that_was_removed_is_told_and_stays_out(void **state)
{
	struct cluster cluster;
	struct replica_status status;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	cluster_of_acquaintances(&cluster);
	cluster_status(cluster.nodes[2], &arena, &status);
	struct replica_change change = {.kind = REPLICA_REMOVE, .id = status.member_id};
	cluster_stop(&cluster, 2);
	assert_int_equal(replica_change(cluster.nodes[0], &change, cluster_soon(), ignore_outcome, NULL), ERR_OK);
	do {
		cluster_pause();
		cluster_status(cluster.nodes[0], &arena, &status);
	} while (status.member_count != NODES - 1);
	cluster_start(&cluster, 2);
	WAIT_FOR(replica_verdict(cluster.nodes[2]) == ERR_REMOVED);
	assert_int_equal(replica_barrier_wait(cluster.nodes[2], cluster_soon()), ERR_STOPPED);
	cluster_stop(&cluster, 2);
	assert_int_equal(cluster_try_start(&cluster, 2), ERR_REMOVED);
	cluster_fini(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_member_that_lost_its_directory_is_not_welcome),
	    cmocka_unit_test(nor_is_it_after_the_others_have_restarted),
	    cmocka_unit_test(one_that_comes_late_waits_for_all_who_could_know_it),
	    cmocka_unit_test(one_that_waited_in_vain_may_begin_anew),
	    cmocka_unit_test(one_that_was_removed_is_told_and_stays_out),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Members come and go in a cluster of real nodes in this process. Those that come are given their identity here: how they ask
 * for it is another test's. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/wait.h"
#include "replica/identity.h"
#include "tests/unit/replica/cluster.h"
#include "tests/unit/unit.h"

enum { WHY_BYTES = 512 };

/* ---- asking, and waiting for the answer ---- */

struct answer {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned times;
	enum err err;
	uint64_t id;
	char why[WHY_BYTES];
};

static void note_answer(void *argument, const struct replica_change_outcome *outcome)
{
	struct answer *answer = argument;
	pthread_mutex_lock(&answer->mutex);
	answer->times++;
	answer->err = outcome->err;
	answer->id = outcome->id;
	snprintf(answer->why, sizeof answer->why, "%s", outcome->why);
	pthread_cond_signal(&answer->changed);
	pthread_mutex_unlock(&answer->mutex);
}

static void answer_init(struct answer *answer)
{
	*answer = (struct answer){0};
	pthread_mutex_init(&answer->mutex, NULL);
	wait_cond_init(&answer->changed);
}

static void answer_wait(struct answer *answer)
{
	pthread_mutex_lock(&answer->mutex);
	while (answer->times == 0)
		pthread_cond_wait(&answer->changed, &answer->mutex);
	pthread_mutex_unlock(&answer->mutex);
	assert_int_equal(answer->times, 1);
}

static struct answer ask(struct replica *replica, struct replica_change change)
{
	struct answer answer;
	answer_init(&answer);
	assert_int_equal(replica_change(replica, &change, cluster_soon(), note_answer, &answer), ERR_OK);
	answer_wait(&answer);
	return answer;
}

static struct answer ask_of(struct replica *replica, enum replica_change_kind kind, uint64_t id)
{
	return ask(replica, (struct replica_change){.kind = kind, .id = id});
}

/* ---- the cluster ---- */

struct group {
	struct cluster cluster;
	uint64_t ids[CLUSTER_MAX];
	struct arena arena;
};

static struct replica_options group_options(struct group *group, size_t node)
{
	struct replica_options options = cluster_options(&group->cluster, node);
	options.voters_max = 3;
	if (node == 0)
		options.initial_count = 1;
	return options;
}

static void group_start(struct group *group, size_t node)
{
	struct replica_options options = group_options(group, node);
	assert_int_equal(replica_open(&options, &group->cluster.nodes[node]), ERR_OK);
	assert_int_equal(replica_start(group->cluster.nodes[node]), ERR_OK);
}

/* One node, alone, of a cluster that may become as large. */
static void group_init(struct group *group, size_t count)
{
	cluster_init(&group->cluster, count);
	arena_init(&group->arena);
	group_start(group, 0);
	struct replica_status status;
	cluster_status(group->cluster.nodes[0], &group->arena, &status);
	group->ids[0] = status.member_id;
}

static void group_fini(struct group *group)
{
	arena_fini(&group->arena);
	cluster_fini(&group->cluster);
}

/* What a joiner would have been told. */
static void group_identify(struct group *group, size_t node)
{
	struct replica_options first = group_options(group, 0), options = group_options(group, node);
	struct identity identity;
	assert_int_equal(identity_derive(&first, &group->arena, &identity), ERR_OK);
	identity.name = options.name;
	identity.member = group->ids[node];
	assert_int_equal(file_make_directory(options.data_directory, 0700), ERR_OK);
	assert_int_equal(identity_save(options.data_directory, &identity), ERR_OK);
}

static struct replica_change group_addition(struct group *group, size_t node, uint64_t replaces)
{
	return (struct replica_change){.kind = REPLICA_ADD,
	                               .name = group->cluster.names[node],
	                               .peer_urls = group->cluster.urls[node],
	                               .client_urls = "http://127.0.0.1:1",
	                               .claim = 1000 + node,
	                               .replaces = replaces};
}

static void group_add(struct group *group, size_t node, uint64_t replaces)
{
	struct answer answer = ask(group->cluster.nodes[0], group_addition(group, node, replaces));
	assert_int_equal(answer.err, ERR_OK);
	assert_int_not_equal(answer.id, 0);
	group->ids[node] = answer.id;
	group_identify(group, node);
	group_start(group, node);
}

/* Who votes, by the number of its node from 1 on, as that node sees it: "1 3", and the learners behind them in brackets. */
static const char *group_seen(struct group *group, size_t by)
{
	struct replica_status status;
	const char *voters = "", *learners = "";
	arena_reset(&group->arena);
	replica_status(group->cluster.nodes[by], &group->arena, &status);
	for (size_t node = 0; node < group->cluster.count; node++)
		for (size_t i = 0; i < status.member_count; i++) {
			const char **list = status.members[i].is_voter ? &voters : &learners;
			if (status.members[i].id == group->ids[node] && group->ids[node] != 0)
				*list = arena_format(&group->arena, "%s%s%zu", *list, **list != 0 ? " " : "", node + 1);
		}
	return arena_format(&group->arena, "%s (%s)", voters, learners);
}

static void group_becomes(struct group *group, size_t by, const char *expected)
{
	uint64_t deadline_ns = cluster_soon();
	while (strcmp(group_seen(group, by), expected) != 0) {
		if (clock_steady_ns() >= deadline_ns)
			assert_string_equal(group_seen(group, by), expected);
		cluster_pause();
	}
}

static void group_put(struct group *group, size_t by, int number)
{
	int64_t revision = 0;
	char value[16];
	snprintf(value, sizeof value, "%d", number);
	assert_int_equal(cluster_put(group->cluster.nodes[by], "/key", value, &revision), ERR_OK);
}

/* 1, and with two that join 3 voters: never 2. */
static void group_grow(struct group *group)
{
	group_put(group, 0, 1);
	group_add(group, 1, 0);
	group_becomes(group, 0, "1 (2)");
	group_add(group, 2, 0);
	group_becomes(group, 0, "1 2 3 ()");
	group_becomes(group, 1, "1 2 3 ()");
	group_becomes(group, 2, "1 2 3 ()");
}

static bool group_reaches(struct group *group, size_t by, uint64_t id)
{
	bool reaches = false;
	struct replica_status status;
	cluster_status(group->cluster.nodes[by], &group->arena, &status);
	for (size_t i = 0; i < status.member_count; i++)
		reaches = reaches || (status.members[i].id == id && status.members[i].reachable);
	return reaches;
}

/* Stops a node, and waits until another one, that had heard from it, knows. */
static void group_lose(struct group *group, size_t node, size_t by)
{
	uint64_t deadline_ns = cluster_soon();
	while (!group_reaches(group, by, group->ids[node])) {
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
	}
	cluster_stop(&group->cluster, node);
	while (group_reaches(group, by, group->ids[node])) {
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
	}
}

/* ---- the tests ---- */

static void a_lone_node_grows_to_three_voters_by_itself(void **state)
{
	struct group group;
	group_init(&group, 3);
	group_grow(&group);
	assert_int_equal(cluster_get(group.cluster.nodes[2], "/key"), 1);
	/* Any of them may be lost now. */
	cluster_stop(&group.cluster, 0);
	group_put(&group, 1, 2);
	assert_int_equal(cluster_get(group.cluster.nodes[2], "/key"), 2);
	group_fini(&group);
}

static void what_has_grown_restarts_as_it_was(void **state)
{
	struct group group;
	group_init(&group, 3);
	group_grow(&group);
	for (size_t node = 0; node < 3; node++)
		cluster_stop(&group.cluster, node);
	for (size_t node = 0; node < 3; node++)
		group_start(&group, node);
	cluster_leader(&group.cluster);
	for (size_t node = 0; node < 3; node++) {
		assert_string_equal(group_seen(&group, node), "1 2 3 ()");
		assert_int_equal(cluster_get(group.cluster.nodes[node], "/key"), 1);
	}
	group_fini(&group);
}

static void what_was_done_is_done_once_however_often_it_is_asked_for(void **state)
{
	struct group group;
	group_init(&group, 4);
	group_grow(&group);
	uint64_t id = group.ids[1];
	assert_int_equal(ask(group.cluster.nodes[2], group_addition(&group, 1, 0)).id, id);
	assert_int_equal(ask_of(group.cluster.nodes[1], REPLICA_PROMOTE, id).err, ERR_OK);
	assert_int_equal(ask_of(group.cluster.nodes[1], REPLICA_DEMOTE, id).err, ERR_OK);
	assert_int_equal(ask_of(group.cluster.nodes[2], REPLICA_DEMOTE, id).err, ERR_OK);
	group_becomes(&group, 0, "1 3 (2)");
	assert_int_equal(ask_of(group.cluster.nodes[2], REPLICA_REMOVE, id).err, ERR_OK);
	assert_int_equal(ask_of(group.cluster.nodes[2], REPLICA_REMOVE, id).err, ERR_OK);
	assert_int_equal(ask_of(group.cluster.nodes[2], REPLICA_REMOVE, 12345).err, ERR_NOT_FOUND);
	assert_int_equal(ask_of(group.cluster.nodes[2], REPLICA_PROMOTE, id).err, ERR_NOT_FOUND);
	struct answer again = ask(group.cluster.nodes[2], group_addition(&group, 1, 0));
	assert_int_equal(again.err, ERR_INVALID);
	assert_non_null(strstr(again.why, "removed"));
	group_fini(&group);
}

static void a_leader_that_is_removed_makes_room(void **state)
{
	struct group group;
	group_init(&group, 3);
	group_grow(&group);
	size_t leader = cluster_leader(&group.cluster), other = (leader + 1) % 3, third = (leader + 2) % 3;
	struct answer answer = ask_of(group.cluster.nodes[leader], REPLICA_REMOVE, group.ids[leader]);
	assert_int_equal(answer.err, ERR_OK);
	group.ids[leader] = 0;
	cluster_stop(&group.cluster, leader);
	group_put(&group, other, 7);
	assert_int_equal(cluster_get(group.cluster.nodes[third], "/key"), 7);
	assert_int_not_equal(cluster_leader(&group.cluster), leader);
	group_fini(&group);
}

static void a_leader_that_is_demoted_goes_on_as_a_learner(void **state)
{
	struct group group;
	group_init(&group, 3);
	group_grow(&group);
	size_t leader = cluster_leader(&group.cluster);
	assert_int_equal(ask_of(group.cluster.nodes[leader], REPLICA_DEMOTE, group.ids[leader]).err, ERR_OK);
	uint64_t deadline_ns = cluster_soon();
	while (cluster_leader(&group.cluster) == leader) {
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
	}
	group_put(&group, leader, 5);
	assert_int_equal(cluster_get(group.cluster.nodes[leader], "/key"), 5);
	/* It is not promoted by itself, and is when it is asked for. */
	size_t now = cluster_leader(&group.cluster);
	assert_int_equal(ask_of(group.cluster.nodes[leader], REPLICA_PROMOTE, group.ids[leader]).err, ERR_OK);
	group_becomes(&group, now, "1 2 3 ()");
	group_fini(&group);
}

static struct answer ask_to_lead(struct replica *replica, uint64_t id)
{
	struct answer answer;
	answer_init(&answer);
	assert_int_equal(replica_lead(replica, id, cluster_soon(), note_answer, &answer), ERR_OK);
	answer_wait(&answer);
	return answer;
}

static void leadership_goes_where_it_is_sent_by_anybody(void **state)
{
	struct group group;
	group_init(&group, 3);
	group_grow(&group);
	for (size_t turn = 0; turn < 6; turn++) {
		size_t to = (turn + 1) % 3;
		struct replica *asked = group.cluster.nodes[(turn * 2) % 3];
		struct answer answer = ask_to_lead(asked, group.ids[to]);
		assert_int_equal(answer.err, ERR_OK);
		assert_int_equal(answer.id, group.ids[to]);
		assert_int_equal(cluster_leader(&group.cluster), to);
		group_put(&group, turn % 3, (int)turn);
	}
	struct answer answer = ask_to_lead(group.cluster.nodes[1], 0);
	assert_int_equal(answer.err, ERR_OK);
	assert_int_not_equal(answer.id, group.ids[0]); /* it led */
	group_fini(&group);
}

static void whoever_cannot_lead_is_not_sent_to(void **state)
{
	struct group group;
	group_init(&group, 3);
	group_grow(&group);
	struct replica *leader = group.cluster.nodes[0];
	assert_int_equal(ask_to_lead(leader, group.ids[0]).err, ERR_OK);
	assert_int_equal(ask_of(leader, REPLICA_DEMOTE, group.ids[2]).err, ERR_OK);
	struct answer answer = ask_to_lead(group.cluster.nodes[1], group.ids[2]);
	assert_int_equal(answer.err, ERR_INVALID);
	assert_non_null(strstr(answer.why, "promote it first"));
	assert_int_equal(ask_to_lead(leader, 99).err, ERR_NOT_FOUND);
	group_fini(&group);
}

static void a_replacement_takes_the_place_of_one_that_is_gone(void **state)
{
	struct group group;
	group_init(&group, 4);
	group_grow(&group);
	size_t gone = cluster_leader(&group.cluster) == 1 ? 2 : 1;
	cluster_stop(&group.cluster, gone);
	group_add(&group, 3, group.ids[gone]);
	group_becomes(&group, 3, gone == 1 ? "1 3 4 ()" : "1 2 4 ()");
	group_put(&group, 3, 9);
	assert_int_equal(cluster_get(group.cluster.nodes[0], "/key"), 9);
	group_fini(&group);
}

static void what_would_leave_no_quorum_is_refused(void **state)
{
	struct group group;
	group_init(&group, 3);
	group_grow(&group);
	size_t leader = cluster_leader(&group.cluster), other = (leader + 1) % 3, third = (leader + 2) % 3;
	group_lose(&group, third, leader);
	struct answer answer = ask_of(group.cluster.nodes[leader], REPLICA_REMOVE, group.ids[other]);
	assert_int_equal(answer.err, ERR_INVALID);
	assert_non_null(strstr(answer.why, group.cluster.names[third]));
	/* The silent one can go. */
	assert_int_equal(ask_of(group.cluster.nodes[other], REPLICA_REMOVE, group.ids[third]).err, ERR_OK);
	group_put(&group, other, 3);
	group_fini(&group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lone_node_grows_to_three_voters_by_itself),
	    cmocka_unit_test(what_has_grown_restarts_as_it_was),
	    cmocka_unit_test(what_was_done_is_done_once_however_often_it_is_asked_for),
	    cmocka_unit_test(a_leader_that_is_removed_makes_room),
	    cmocka_unit_test(a_leader_that_is_demoted_goes_on_as_a_learner),
	    cmocka_unit_test(leadership_goes_where_it_is_sent_by_anybody),
	    cmocka_unit_test(whoever_cannot_lead_is_not_sent_to),
	    cmocka_unit_test(a_replacement_takes_the_place_of_one_that_is_gone),
	    cmocka_unit_test(what_would_leave_no_quorum_is_refused),
	};
	return UNIT_RUN(tests);
}

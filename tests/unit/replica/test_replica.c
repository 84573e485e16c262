/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster of one. */
#include "replica/replica.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"
#include "replica/node.h"
#include "tests/unit/replica/cluster.h"
#include "tests/unit/unit.h"

static void what_is_proposed_is_read_and_survives_a_restart(void **state)
{
	struct cluster cluster;
	int64_t first = 0, second = 0, third = 0;
	cluster_init(&cluster, 1);
	cluster_start(&cluster, 0);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "1", &first), ERR_OK);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "2", &second), ERR_OK);
	assert_int_equal(second, first + 1);
	assert_int_equal(cluster_get(cluster.nodes[0], "/a"), 2);
	uint64_t session = replica_session(cluster.nodes[0]);
	assert_int_not_equal(session, 0);
	cluster_stop(&cluster, 0);

	cluster_start(&cluster, 0);
	assert_int_equal(cluster_get(cluster.nodes[0], "/a"), 2);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "3", &third), ERR_OK);
	assert_int_equal(third, second + 1);
	assert_int_not_equal(replica_session(cluster.nodes[0]), session);
	cluster_fini(&cluster);
}

static void a_running_nodes_directory_is_locked(void **state)
{
	struct cluster cluster;
	cluster_init(&cluster, 1);
	cluster_start(&cluster, 0);
	struct replica_options options = cluster_options(&cluster, 0);
	struct replica *second = NULL;
	assert_int_equal(replica_open(&options, &second), ERR_LOCKED);
	assert_null(second);
	cluster_fini(&cluster);
}

static void another_members_or_clusters_directory_is_refused(void **state)
{
	struct cluster cluster;
	cluster_init(&cluster, 2);
	cluster_start(&cluster, 0);
	cluster_stop(&cluster, 0);
	struct replica *replica = NULL;
	struct replica_options options = cluster_options(&cluster, 0);
	options.name = cluster.names[1];
	assert_int_equal(replica_open(&options, &replica), ERR_WRONG_MEMBER);
	options = cluster_options(&cluster, 0);
	options.cluster_token = "another";
	assert_int_equal(replica_open(&options, &replica), ERR_WRONG_CLUSTER);
	struct replica_peer elsewhere = {"n1", "tcp://127.0.0.1:1"};
	options = cluster_options(&cluster, 0);
	options.initial_cluster = &elsewhere;
	options.initial_count = 1;
	assert_int_equal(replica_open(&options, &replica), ERR_WRONG_CLUSTER);
	cluster_start(&cluster, 0); /* and no harm was done */
	cluster_fini(&cluster);
}

static void a_cluster_without_this_node_is_contradictory(void **state)
{
	struct cluster cluster;
	cluster_init(&cluster, 2);
	struct replica *replica = NULL;
	struct replica_options options = cluster_options(&cluster, 0);
	options.name = "n3";
	assert_int_equal(replica_open(&options, &replica), ERR_INVALID);
	struct replica_peer twice[2] = {cluster.peers[0], cluster.peers[0]};
	options = cluster_options(&cluster, 0);
	options.initial_cluster = twice;
	assert_int_equal(replica_open(&options, &replica), ERR_INVALID);
	cluster_fini(&cluster);
}

static void a_taken_port_is_told(void **state)
{
	struct cluster cluster;
	cluster_init(&cluster, 2);
	cluster_start(&cluster, 0);
	struct replica *replica = NULL;
	struct replica_options options = cluster_options(&cluster, 1);
	options.listen_peer_url = cluster.urls[0];
	assert_int_equal(replica_open(&options, &replica), ERR_ADDRESS_IN_USE);
	options.listen_peer_url = "nonsense";
	assert_int_equal(replica_open(&options, &replica), ERR_ADDRESS_INVALID);
	cluster_fini(&cluster);
}

static void a_lost_log_or_identity_is_damage_and_not_a_new_beginning(void **state)
{
	struct cluster cluster;
	char path[192], moved[192];
	int64_t revision = 0;
	cluster_init(&cluster, 1);
	cluster_start(&cluster, 0);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "1", &revision), ERR_OK);
	cluster_stop(&cluster, 0);
	static const char *const parts[] = {"log", "identity"};
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/n1/%s", cluster.directory, parts[i]);
		snprintf(moved, sizeof moved, "%s/moved", cluster.directory);
		assert_int_equal(rename(path, moved), 0);
		assert_int_equal(cluster_try_start(&cluster, 0), ERR_DAMAGED);
		assert_int_equal(rename(moved, path), 0);
	}
	/* As when the filesystem that held it is not mounted. */
	snprintf(path, sizeof path, "%s/n1/log", cluster.directory);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(file_make_directory(path, 0700), ERR_OK);
	assert_int_equal(cluster_try_start(&cluster, 0), ERR_DAMAGED);
	assert_int_equal(file_remove_tree(path), ERR_OK);
	assert_int_equal(rename(moved, path), 0);
	cluster_start(&cluster, 0);
	assert_int_equal(cluster_get(cluster.nodes[0], "/a"), 1);
	cluster_fini(&cluster);
}

static void status_tells_of_the_one_member(void **state)
{
	struct cluster cluster;
	struct replica_status status;
	int64_t revision = 0;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	cluster_init(&cluster, 1);
	cluster_start(&cluster, 0);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "1", &revision), ERR_OK);
	cluster_status(cluster.nodes[0], &arena, &status);
	assert_int_equal(status.member_count, 1);
	assert_string_equal(status.members[0].name, "n1");
	assert_string_equal(status.members[0].role, "leader");
	assert_true(status.members[0].self && status.members[0].is_voter && status.has_quorum);
	assert_int_equal(status.revision, revision);
	assert_int_equal(status.leader_id, status.member_id);
	AUTO_BUFFER struct buffer metrics;
	buffer_init(&metrics, 1 << 20);
	assert_int_equal(replica_metrics(cluster.nodes[0], &metrics), ERR_OK);
	assert_true(metrics.size > 1000);
	cluster_fini(&cluster);
}

static void the_only_member_keeps_no_log_for_others(void **state)
{
	enum { ENTRIES = 250 };
	struct cluster cluster;
	int64_t revision = 0;
	cluster_init(&cluster, 1);
	cluster_start(&cluster, 0);
	for (int i = 0; i < ENTRIES; i++)
		assert_int_equal(cluster_put(cluster.nodes[0], "/a", "1", &revision), ERR_OK);
	store_flush(cluster.nodes[0]->store);
	uint64_t deadline_ns = cluster_soon();
	while (atomic_load(&cluster.nodes[0]->shown.first_index) < ENTRIES / 2) {
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
	}
	cluster_fini(&cluster);
}

static void a_member_publishes_its_addresses(void **state)
{
	struct cluster cluster;
	struct replica_status status;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	cluster_init(&cluster, 1);
	cluster_start(&cluster, 0);
	uint64_t deadline_ns = cluster_soon();
	do {
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
		cluster_status(cluster.nodes[0], &arena, &status);
		assert_string_equal(status.members[0].client_urls, "http://127.0.0.1:1"); /* it knows them itself */
	} while (!status.published);
	assert_string_equal(status.members[0].peer_urls, cluster.urls[0]);
	struct kv_member_list list = {0};
	struct kv_view *view = kv_view_open(replica_kv(cluster.nodes[0]));
	assert_int_equal(kv_members(view, &arena, &list), ERR_OK);
	kv_view_close(view);
	assert_string_equal(list.members[0].client_urls, "http://127.0.0.1:1");
	cluster_fini(&cluster);
}

static void without_a_quorum_nothing_happens_and_it_is_said(void **state)
{
	struct cluster cluster;
	cluster_init(&cluster, 3);
	cluster_start(&cluster, 0);
	struct kv_op op = {.kind = KV_PUT, .put = {.key = BYTES_LITERAL("/a"), .value = BYTES_LITERAL("1")}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = NULL;
	uint64_t deadline_ns = clock_steady_ns() + 100 * CLOCK_NS_PER_MS;
	assert_int_equal(replica_propose_wait(cluster.nodes[0], &command, deadline_ns, &result), ERR_NO_LEADER);
	assert_int_equal(replica_barrier_wait(cluster.nodes[0], clock_steady_ns() + 100 * CLOCK_NS_PER_MS),
	                 ERR_TIMEOUT);
	struct replica_status status;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	cluster_status(cluster.nodes[0], &arena, &status);
	assert_false(status.has_quorum);
	assert_int_equal(status.member_count, 3);
	cluster_fini(&cluster);
}

struct answers {
	unsigned ok, stopped, other;
};

static void count_answer(void *argument, enum err err, struct kv_result *result)
{
	struct answers *answers = argument;
	answers->ok += err == ERR_OK;
	answers->stopped += err == ERR_STOPPED || err == ERR_UNKNOWN_OUTCOME;
	answers->other += err != ERR_OK && err != ERR_STOPPED && err != ERR_UNKNOWN_OUTCOME;
	if (result != NULL)
		kv_result_free(result);
}

static void stopping_answers_everybody_once(void **state)
{
	enum { PROPOSALS = 1000 };
	struct cluster cluster;
	struct answers answers = {0};
	cluster_init(&cluster, 1);
	cluster_start(&cluster, 0);
	struct kv_op op = {.kind = KV_PUT, .put = {.key = BYTES_LITERAL("/a"), .value = BYTES_LITERAL("1")}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	for (int i = 0; i < PROPOSALS; i++)
		assert_int_equal(replica_propose(cluster.nodes[0], &command, cluster_soon(), count_answer, &answers),
		                 ERR_OK);
	replica_stop(cluster.nodes[0]);
	assert_int_equal(answers.ok + answers.stopped, PROPOSALS);
	assert_int_equal(answers.other, 0);
	assert_int_equal(replica_propose(cluster.nodes[0], &command, cluster_soon(), count_answer, &answers),
	                 ERR_STOPPED);
	cluster_fini(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_proposed_is_read_and_survives_a_restart),
	    cmocka_unit_test(a_running_nodes_directory_is_locked),
	    cmocka_unit_test(another_members_or_clusters_directory_is_refused),
	    cmocka_unit_test(a_cluster_without_this_node_is_contradictory),
	    cmocka_unit_test(a_taken_port_is_told),
	    cmocka_unit_test(a_lost_log_or_identity_is_damage_and_not_a_new_beginning),
	    cmocka_unit_test(status_tells_of_the_one_member),
	    cmocka_unit_test(the_only_member_keeps_no_log_for_others),
	    cmocka_unit_test(a_member_publishes_its_addresses),
	    cmocka_unit_test(without_a_quorum_nothing_happens_and_it_is_said),
	    cmocka_unit_test(stopping_answers_everybody_once),
	};
	return UNIT_RUN(tests);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Leases among three replicas that talk over loopback. */
#include <pthread.h>

#include "base/clock.h"
#include "base/wait.h"
#include "tests/unit/replica/cluster.h"
#include "tests/unit/unit.h"

enum { NODES = 3, ID = 77 };

struct answer {
	pthread_mutex_t mutex;
	pthread_cond_t told;
	bool done;
	struct replica_lease_outcome outcome;
};

static void note(void *argument, const struct replica_lease_outcome *outcome)
{
	struct answer *answer = argument;
	pthread_mutex_lock(&answer->mutex);
	answer->done = true;
	answer->outcome = *outcome;
	pthread_cond_signal(&answer->told);
	pthread_mutex_unlock(&answer->mutex);
}

static struct replica_lease_outcome ask(struct replica *replica, enum replica_lease_ask kind, int64_t id)
{
	struct answer answer = {.mutex = PTHREAD_MUTEX_INITIALIZER};
	wait_cond_init(&answer.told);
	assert_int_equal(replica_lease(replica, kind, id, cluster_soon(), note, &answer), ERR_OK);
	pthread_mutex_lock(&answer.mutex);
	while (!answer.done)
		pthread_cond_wait(&answer.told, &answer.mutex);
	pthread_mutex_unlock(&answer.mutex);
	pthread_cond_destroy(&answer.told);
	return answer.outcome;
}

static enum err propose(struct replica *replica, const struct kv_command *command)
{
	struct kv_result *result = NULL;
	assert_int_equal(replica_propose_wait(replica, command, cluster_soon(), &result), ERR_OK);
	enum err err = result->err;
	kv_result_free(result);
	return err;
}

static void grant(struct replica *replica, int64_t id, int64_t ttl_s)
{
	const struct kv_op op = {.kind = KV_PUT, .put = {.key = BYTES_LITERAL("/a"), .lease = id}};
	const struct kv_command granted = {.kind = KV_COMMAND_LEASE_GRANT, .lease_grant = {id, ttl_s}},
	                        put = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	assert_int_equal(propose(replica, &granted), ERR_OK);
	assert_int_equal(propose(replica, &put), ERR_OK);
}

static void every_member_is_answered_by_the_leader(void **state)
{
	struct cluster cluster;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	for (size_t i = 0; i < NODES; i++) {
		int64_t id = ID + (int64_t)i;
		grant(cluster.nodes[i], id, 60);
		for (size_t j = 0; j < NODES; j++) {
			struct replica_lease_outcome outcome = ask(cluster.nodes[j], REPLICA_LEASE_KEEP_ALIVE, id);
			assert_int_equal(outcome.err, ERR_OK);
			assert_int_equal(outcome.ttl_s, 60);
			outcome = ask(cluster.nodes[j], REPLICA_LEASE_LOOK, id);
			assert_int_equal(outcome.err, ERR_OK);
			assert_in_range(outcome.left_ms, 1, 60000);
		}
		const struct kv_command revoked = {.kind = KV_COMMAND_LEASE_REVOKE, .lease_revoke = {id}};
		assert_int_equal(propose(cluster.nodes[i], &revoked), ERR_OK);
		for (size_t j = 0; j < NODES; j++)
			assert_int_equal(ask(cluster.nodes[j], REPLICA_LEASE_KEEP_ALIVE, id).err, ERR_LEASE_NOT_FOUND);
	}
	cluster_fini(&cluster);
}

static void a_lease_that_nobody_keeps_ends_with_its_keys(void **state)
{
	struct cluster cluster;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	uint64_t began_ns = clock_steady_ns();
	grant(cluster.nodes[0], ID, 2);
	while (cluster_get(cluster.nodes[1], "/a") != -1)
		cluster_pause();
	assert_true(clock_steady_ns() - began_ns >= 2 * CLOCK_NS_PER_S);
	assert_int_equal(ask(cluster.nodes[2], REPLICA_LEASE_LOOK, ID).err, ERR_LEASE_NOT_FOUND);
	cluster_fini(&cluster);
}

/* As of the newest checkpoint. */
static int64_t left_ms(struct replica *replica)
{
	struct kv_lease lease;
	struct kv_view *view = kv_view_open(replica_kv(replica));
	assert_int_equal(kv_lease(view, ID, &lease), ERR_OK);
	kv_view_close(view);
	return lease.left_ms;
}

static void what_is_left_outlives_its_leader(void **state)
{
	struct cluster cluster;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	grant(cluster.nodes[0], ID, 16);
	size_t leader = cluster_leader(&cluster), other = (leader + 1) % NODES;
	while (left_ms(cluster.nodes[other]) == 16000)
		cluster_pause();
	int64_t before_ms = left_ms(cluster.nodes[other]);
	assert_in_range(before_ms, 1, 14000);
	cluster_stop(&cluster, leader);
	struct replica_lease_outcome outcome = ask(cluster.nodes[other], REPLICA_LEASE_LOOK, ID);
	assert_int_equal(outcome.err, ERR_OK);
	uint32_t grace_ms = cluster_options(&cluster, other).election_timeout_ms;
	assert_in_range(outcome.left_ms, 1, before_ms + grace_ms);
	/* Whoever keeps it has it whole again, in the state too. */
	outcome = ask(cluster.nodes[other], REPLICA_LEASE_KEEP_ALIVE, ID);
	assert_int_equal(outcome.err, ERR_OK);
	assert_int_equal(outcome.left_ms, 16000);
	assert_int_equal(replica_barrier_wait(cluster.nodes[other], cluster_soon()), ERR_OK);
	assert_int_equal(left_ms(cluster.nodes[other]), 16000);
	cluster_fini(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_member_is_answered_by_the_leader),
	    cmocka_unit_test(a_lease_that_nobody_keeps_ends_with_its_keys),
	    cmocka_unit_test(what_is_left_outlives_its_leader),
	};
	return UNIT_RUN(tests);
}

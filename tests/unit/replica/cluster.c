/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/replica/cluster.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "tests/unit/unit.h"

enum { CLUSTER_PATIENCE_S = 30, CLUSTER_LOOK_MS = 5 };

uint64_t cluster_soon(void)
{
	return clock_steady_ns() + CLUSTER_PATIENCE_S * CLOCK_NS_PER_S;
}

void cluster_pause(void)
{
	poll(NULL, 0, CLUSTER_LOOK_MS);
}

/* A port that nobody had a moment ago; all are held until all are chosen. */
static int free_port(int *ret_socket)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*ret_socket = fd;
	return ntohs(address.sin_port);
}

void cluster_init(struct cluster *cluster, size_t count)
{
	int sockets[CLUSTER_MAX];
	*cluster = (struct cluster){.count = count};
	log_level_set(getenv("VERBOSE") != NULL ? LOG_DEBUG_LEVEL : LOG_ERROR_LEVEL);
	snprintf(cluster->directory, sizeof cluster->directory, "/tmp/etcfs-replica-XXXXXX");
	assert_non_null(mkdtemp(cluster->directory));
	for (size_t i = 0; i < count; i++) {
		snprintf(cluster->names[i], sizeof cluster->names[i], "n%zu", i + 1);
		snprintf(cluster->urls[i], sizeof cluster->urls[i], "tcp://127.0.0.1:%d", free_port(&sockets[i]));
		cluster->peers[i] = (struct replica_peer){cluster->names[i], cluster->urls[i]};
	}
	for (size_t i = 0; i < count; i++)
		close(sockets[i]);
}

struct replica_options cluster_options(struct cluster *cluster, size_t node)
{
	static char directories[CLUSTER_MAX][128];
	snprintf(directories[node], sizeof directories[node], "%s/%s", cluster->directory, cluster->names[node]);
	return (struct replica_options){
	    .name = cluster->names[node],
	    .data_directory = directories[node],
	    .listen_peer_url = cluster->urls[node],
	    .client_urls = "http://127.0.0.1:1",
	    .initial_cluster = cluster->peers,
	    .initial_count = cluster->count,
	    .cluster_token = "test",
	    .heartbeat_interval_ms = 50,
	    .election_timeout_ms = 500,
	    .value_bytes_max = 1 << 20,
	    .memory_bytes = 16 << 20,
	    .snapshot_catchup_entries = cluster->catchup_entries,
	    .version = "0",
	};
}

enum err cluster_try_start(struct cluster *cluster, size_t node)
{
	struct replica_options options = cluster_options(cluster, node);
	enum err err = replica_open(&options, &cluster->nodes[node]);
	return err == ERR_OK ? replica_start(cluster->nodes[node]) : err;
}

void cluster_start(struct cluster *cluster, size_t node)
{
	assert_int_equal(cluster_try_start(cluster, node), ERR_OK);
}

void cluster_start_all(struct cluster *cluster)
{
	for (size_t i = 0; i < cluster->count; i++)
		if (cluster->nodes[i] == NULL)
			cluster_start(cluster, i);
}

void cluster_stop(struct cluster *cluster, size_t node)
{
	replica_stop(cluster->nodes[node]);
	replica_close(cluster->nodes[node]);
	cluster->nodes[node] = NULL;
}

void cluster_fini(struct cluster *cluster)
{
	for (size_t i = 0; i < cluster->count; i++)
		if (cluster->nodes[i] != NULL)
			cluster_stop(cluster, i);
	assert_int_equal(file_remove_tree(cluster->directory), ERR_OK);
}

void cluster_status(struct replica *replica, struct arena *arena, struct replica_status *ret_status)
{
	arena_reset(arena);
	replica_status(replica, arena, ret_status);
}

/* The leader that all who run agree on, or count. */
static size_t cluster_agreed_leader(struct cluster *cluster, struct arena *arena)
{
	struct replica_status status;
	uint64_t leader_id = 0;
	size_t leader = cluster->count;
	for (size_t i = 0; i < cluster->count; i++) {
		if (cluster->nodes[i] == NULL)
			continue;
		cluster_status(cluster->nodes[i], arena, &status);
		if (status.leader_id == 0 || (leader_id != 0 && status.leader_id != leader_id))
			return cluster->count;
		leader_id = status.leader_id;
		leader = status.member_id == leader_id ? i : leader;
	}
	return leader;
}

size_t cluster_leader(struct cluster *cluster)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	uint64_t deadline_ns = cluster_soon();
	for (;;) {
		size_t leader = cluster_agreed_leader(cluster, &arena);
		if (leader < cluster->count)
			return leader;
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
	}
}

enum err cluster_put(struct replica *replica, const char *key, const char *value, int64_t *ret_revision)
{
	struct kv_op op = {.kind = KV_PUT, .put = {.key = bytes_of_string(key), .value = bytes_of_string(value)}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = NULL;
	enum err err = replica_propose_wait(replica, &command, cluster_soon(), &result);
	if (err != ERR_OK)
		return err;
	err = result->err;
	*ret_revision = result->revision;
	kv_result_free(result);
	return err;
}

long cluster_get(struct replica *replica, const char *key)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_record record;
	assert_int_equal(replica_barrier_wait(replica, cluster_soon()), ERR_OK);
	struct kv_view *view = kv_view_open(replica_kv(replica));
	enum err err = kv_get(view, bytes_of_string(key), &arena, &record);
	kv_view_close(view);
	return err == ERR_OK ? strtol(arena_dup_string(&arena, record.value), NULL, 10) : -1;
}

void cluster_catch_up(struct replica *replica, struct replica *other)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct replica_status status;
	cluster_status(other, &arena, &status);
	uint64_t applied = status.applied, deadline_ns = cluster_soon();
	for (;;) {
		cluster_status(replica, &arena, &status);
		if (status.applied >= applied)
			return;
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
	}
}

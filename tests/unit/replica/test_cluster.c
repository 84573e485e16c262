/* SPDX-License-Identifier: Apache-2.0 */
/* Three replicas that talk over loopback. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "replica/replica.h"
#include "tests/unit/replica/cluster.h"
#include "tests/unit/unit.h"

enum { NODES = 3 };

static void what_one_writes_all_read(void **state)
{
	struct cluster cluster;
	int64_t revision = 0;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	for (size_t i = 0; i < NODES; i++) {
		char value[32];
		snprintf(value, sizeof value, "%zu", i);
		assert_int_equal(cluster_put(cluster.nodes[i], "/a", value, &revision), ERR_OK);
		for (size_t j = 0; j < NODES; j++)
			assert_int_equal(cluster_get(cluster.nodes[j], "/a"), i);
	}
	cluster_fini(&cluster);
}

static void when_the_leader_stops_another_one_leads(void **state)
{
	struct cluster cluster;
	int64_t revision = 0;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "1", &revision), ERR_OK);
	size_t leader = cluster_leader(&cluster), other = (leader + 1) % NODES;
	cluster_stop(&cluster, leader);
	assert_int_equal(cluster_put(cluster.nodes[other], "/a", "2", &revision), ERR_OK);
	assert_int_equal(cluster_get(cluster.nodes[(leader + 2) % NODES], "/a"), 2);
	cluster_start(&cluster, leader);
	assert_int_equal(cluster_get(cluster.nodes[leader], "/a"), 2);
	cluster_fini(&cluster);
}

static bool somebody_leads(const struct cluster *cluster)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	for (size_t i = 0; i < NODES; i++) {
		struct replica_status status = {0};
		if (cluster->nodes[i] != NULL)
			cluster_status(cluster->nodes[i], &arena, &status);
		if (status.leader_id != 0 && status.leader_id == status.member_id)
			return true;
	}
	return false;
}

/* Within an election timeout, or not at all: on a busy machine not every time. */
static void a_leader_that_stops_hands_over_first(void **state)
{
	struct cluster cluster;
	unsigned handed_over = 0;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	for (int turn = 0; turn < 5 && handed_over == 0; turn++) {
		size_t leader = cluster_leader(&cluster);
		cluster_stop(&cluster, leader);
		handed_over += somebody_leads(&cluster);
		cluster_start(&cluster, leader);
		assert_true(cluster_get(cluster.nodes[leader], "/none") == -1); /* it is back */
	}
	assert_int_not_equal(handed_over, 0);
	cluster_fini(&cluster);
}

static void all_stopped_and_started_again_nothing_is_lost(void **state)
{
	struct cluster cluster;
	int64_t revision = 0, again = 0;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	for (int i = 1; i <= 100; i++) {
		char value[32];
		snprintf(value, sizeof value, "%d", i);
		assert_int_equal(cluster_put(cluster.nodes[i % NODES], "/a", value, &revision), ERR_OK);
	}
	for (size_t i = 0; i < NODES; i++)
		cluster_stop(&cluster, i);
	cluster_start_all(&cluster);
	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(cluster_get(cluster.nodes[i], "/a"), 100);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "101", &again), ERR_OK);
	assert_int_equal(again, revision + 1);
	cluster_fini(&cluster);
}

/* ---- writers and readers ---- */

struct writer {
	struct cluster *cluster;
	size_t number;
	pthread_t thread;
	atomic_bool *stop;
	unsigned ok, unknown, failed;
};

/* Writes its own key again and again, through one node after the other. */
static void *write_own_key(void *argument)
{
	struct writer *writer = argument;
	char key[16];
	snprintf(key, sizeof key, "/w%zu", writer->number);
	struct kv_op op = {.kind = KV_PUT, .put = {.key = bytes_of_string(key), .value = BYTES_LITERAL("x")}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	while (!atomic_load(writer->stop)) {
		struct kv_result *result = NULL;
		struct replica *replica = writer->cluster->nodes[writer->number % NODES];
		uint64_t deadline_ns = clock_steady_ns() + 10 * CLOCK_NS_PER_S;
		enum err err = replica_propose_wait(replica, &command, deadline_ns, &result);
		writer->ok += err == ERR_OK && result->err == ERR_OK;
		writer->unknown += err == ERR_UNKNOWN_OUTCOME;
		writer->failed += err != ERR_OK && err != ERR_UNKNOWN_OUTCOME;
		if (err == ERR_OK)
			kv_result_free(result);
	}
	return NULL;
}

static int64_t version_of(struct replica *replica, const char *key)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_record record = {0};
	assert_int_equal(replica_barrier_wait(replica, cluster_soon()), ERR_OK);
	struct kv_view *view = kv_view_open(replica_kv(replica));
	assert_int_equal(kv_get(view, bytes_of_string(key), &arena, &record), ERR_OK);
	kv_view_close(view);
	return record.version;
}

static void each_write_happens_exactly_once_while_leaders_change(void **state)
{
	enum { WRITERS = 4, CHANGES = 4 };
	struct cluster cluster;
	struct writer writers[WRITERS];
	atomic_bool stop = false;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	cluster_leader(&cluster);
	for (size_t i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.cluster = &cluster, .number = i, .stop = &stop};
		pthread_create(&writers[i].thread, NULL, write_own_key, &writers[i]);
	}
	for (int i = 0; i < CHANGES; i++) {
		for (int j = 0; j < 20; j++)
			cluster_pause();
		size_t leader = cluster_leader(&cluster);
		replica_transfer(cluster.nodes[leader], 0);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	for (size_t i = 0; i < WRITERS; i++) {
		char key[16];
		snprintf(key, sizeof key, "/w%zu", i);
		int64_t version = version_of(cluster.nodes[0], key);
		assert_true(writers[i].ok > 0);
		assert_int_equal(writers[i].failed, 0);
		assert_in_range(version, writers[i].ok, writers[i].ok + writers[i].unknown);
	}
	cluster_fini(&cluster);
}

struct reader {
	struct cluster *cluster;
	atomic_long *written; /* the highest value whose write has finished */
	atomic_bool *stop;
	size_t node;
	pthread_t thread;
	unsigned reads, stale;
};

static void *read_the_key(void *argument)
{
	struct reader *reader = argument;
	while (!atomic_load(reader->stop)) {
		long least = atomic_load(reader->written);
		long value = cluster_get(reader->cluster->nodes[reader->node], "/a");
		reader->stale += value < least;
		reader->reads++;
	}
	return NULL;
}

static void a_barrier_sees_every_write_that_finished(void **state)
{
	enum { WRITES = 200 };
	struct cluster cluster;
	struct reader readers[2 * NODES];
	atomic_bool stop = false;
	atomic_long written = -1;
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	for (size_t i = 0; i < 2 * NODES; i++) {
		readers[i] =
		    (struct reader){.cluster = &cluster, .written = &written, .stop = &stop, .node = i % NODES};
		pthread_create(&readers[i].thread, NULL, read_the_key, &readers[i]);
	}
	for (int i = 1; i <= WRITES; i++) {
		char value[16];
		int64_t revision = 0;
		snprintf(value, sizeof value, "%d", i);
		assert_int_equal(cluster_put(cluster.nodes[i % NODES], "/a", value, &revision), ERR_OK);
		atomic_store(&written, i);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < 2 * NODES; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_true(readers[i].reads > 0);
		assert_int_equal(readers[i].stale, 0);
	}
	cluster_fini(&cluster);
}

/* Values that no compression makes small. */
static void put_fillers(struct replica *replica, size_t count, size_t size_bytes)
{
	struct random random;
	int64_t revision = 0;
	random_init(&random, 3);
	char *value = malloc(size_bytes + 1);
	for (size_t i = 0; i < count; i++) {
		char key[32];
		snprintf(key, sizeof key, "/filler%zu", i);
		for (size_t j = 0; j < size_bytes; j++)
			value[j] = (char)(' ' + random_below(&random, 90));
		value[size_bytes] = 0;
		assert_int_equal(cluster_put(replica, key, value, &revision), ERR_OK);
	}
	free(value);
}

static void a_node_far_behind_comes_back_by_a_snapshot(void **state)
{
	enum { ENTRIES = 400, FILLERS = 150, FILLER_BYTES = 64 << 10 };
	struct cluster cluster;
	struct replica_status status;
	int64_t revision = 0;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	cluster_init(&cluster, NODES);
	cluster.catchup_entries = 20;
	cluster_start_all(&cluster);
	size_t behind = (cluster_leader(&cluster) + 1) % NODES, writer = (behind + 1) % NODES;
	cluster_stop(&cluster, behind);
	uint64_t deadline_ns = cluster_soon();
	char value[16];
	put_fillers(cluster.nodes[writer], FILLERS, FILLER_BYTES); /* many chunks */
	for (int i = 1; i <= ENTRIES; i++) {
		snprintf(value, sizeof value, "%d", i);
		assert_int_equal(cluster_put(cluster.nodes[writer], "/a", value, &revision), ERR_OK);
	}
	for (int i = ENTRIES; i < ENTRIES + 100000; i++) {
		cluster_status(cluster.nodes[cluster_leader(&cluster)], &arena, &status);
		bool trimmed = true;
		for (size_t j = 0; j < status.member_count; j++)
			trimmed = trimmed && (!status.members[j].self || status.members[j].first_index > ENTRIES / 2);
		if (trimmed)
			break;
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
	}
	cluster_start(&cluster, behind);
	assert_int_equal(cluster_get(cluster.nodes[behind], "/a"), ENTRIES);
	assert_int_equal(cluster_put(cluster.nodes[behind], "/a", "-2", &revision), ERR_OK);
	cluster_stop(&cluster, behind);
	cluster_start(&cluster, behind);
	assert_int_equal(cluster_get(cluster.nodes[behind], "/a"), -2);
	cluster_fini(&cluster);
}

/* Overwrites the middle of the node's largest segment of the log, as a disk that lost it would. */
static void spoil_log(struct cluster *cluster, size_t node)
{
	char path[192], worst[512] = "";
	struct stat status;
	struct dirent *entry;
	snprintf(path, sizeof path, "%s/%s/log", cluster->directory, cluster->names[node]);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (strstr(entry->d_name, "0001.log") != NULL)
			snprintf(worst, sizeof worst, "%s/%s", path, entry->d_name);
	}
	closedir(directory);
	assert_int_equal(stat(worst, &status), 0);
	uint8_t zeros[4096] = {0};
	int fd = open(worst, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, zeros, sizeof zeros, 8192), sizeof zeros);
	close(fd);
}

static void a_node_whose_log_is_damaged_is_repaired_by_the_others(void **state)
{
	struct cluster cluster;
	struct replica_status status;
	int64_t revision = 0;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	char value[16];
	for (int i = 1; i <= 50; i++) {
		snprintf(value, sizeof value, "%d", i);
		assert_int_equal(cluster_put(cluster.nodes[0], "/a", value, &revision), ERR_OK);
	}
	size_t spoilt = (cluster_leader(&cluster) + 1) % NODES;
	cluster_catch_up(cluster.nodes[spoilt], cluster.nodes[cluster_leader(&cluster)]);
	cluster_stop(&cluster, spoilt);
	spoil_log(&cluster, spoilt);
	cluster_start(&cluster, spoilt);
	cluster_status(cluster.nodes[spoilt], &arena, &status);
	assert_true(status.damaged);
	uint64_t deadline_ns = cluster_soon();
	do {
		assert_true(clock_steady_ns() < deadline_ns);
		cluster_pause();
		cluster_status(cluster.nodes[spoilt], &arena, &status);
	} while (status.damaged);
	/* It is a full member again: with another one gone, the two go on. */
	size_t gone = (spoilt + 1) % NODES;
	cluster_stop(&cluster, gone);
	assert_int_equal(cluster_put(cluster.nodes[spoilt], "/a", "51", &revision), ERR_OK);
	assert_int_equal(cluster_get(cluster.nodes[spoilt], "/a"), 51);
	cluster_fini(&cluster);
}

static void a_node_without_its_state_gets_it_again(void **state)
{
	struct cluster cluster;
	int64_t revision = 0;
	char path[192];
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	assert_int_equal(cluster_put(cluster.nodes[0], "/a", "7", &revision), ERR_OK);
	size_t node = (cluster_leader(&cluster) + 1) % NODES;
	cluster_stop(&cluster, node);
	snprintf(path, sizeof path, "%s/%s/store", cluster.directory, cluster.names[node]);
	assert_int_equal(file_remove_tree(path), ERR_OK);
	cluster_start(&cluster, node);
	assert_int_equal(cluster_get(cluster.nodes[node], "/a"), 7);
	cluster_fini(&cluster);
}

static void status_tells_of_all_members_reachable_or_not(void **state)
{
	struct cluster cluster;
	struct replica_status status;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	cluster_init(&cluster, NODES);
	cluster_start_all(&cluster);
	size_t gone = (cluster_leader(&cluster) + 1) % NODES, asked = (gone + 1) % NODES;
	uint64_t deadline_ns = cluster_soon();
	for (size_t reachable = 0; reachable != NODES; cluster_pause()) {
		reachable = 0;
		cluster_status(cluster.nodes[asked], &arena, &status);
		assert_int_equal(status.member_count, NODES);
		for (size_t i = 0; i < NODES; i++)
			reachable += status.members[i].reachable;
		assert_true(clock_steady_ns() < deadline_ns);
	}
	cluster_stop(&cluster, gone);
	for (bool told = false; !told; cluster_pause()) {
		cluster_status(cluster.nodes[asked], &arena, &status);
		for (size_t i = 0; i < NODES; i++)
			told = told ||
			       (strcmp(status.members[i].name, cluster.names[gone]) == 0 &&
			        strcmp(status.members[i].role, "unreachable") == 0 && status.members[i].heard_ns != 0);
		assert_true(clock_steady_ns() < deadline_ns);
	}
	cluster_fini(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_one_writes_all_read),
	    cmocka_unit_test(when_the_leader_stops_another_one_leads),
	    cmocka_unit_test(a_leader_that_stops_hands_over_first),
	    cmocka_unit_test(all_stopped_and_started_again_nothing_is_lost),
	    cmocka_unit_test(each_write_happens_exactly_once_while_leaders_change),
	    cmocka_unit_test(a_barrier_sees_every_write_that_finished),
	    cmocka_unit_test(a_node_far_behind_comes_back_by_a_snapshot),
	    cmocka_unit_test(a_node_whose_log_is_damaged_is_repaired_by_the_others),
	    cmocka_unit_test(a_node_without_its_state_gets_it_again),
	    cmocka_unit_test(status_tells_of_all_members_reachable_or_not),
	};
	return UNIT_RUN(tests);
}

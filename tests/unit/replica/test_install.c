/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that dies at any step of the installation of a snapshot stands at the old state or at the new one after its next start,
 * and its log fits. The steps are the calls by which it, or RocksDB, changes a file: this program puts itself between them and the
 * system, and the process is killed before one of them; then the next process is, before the next one.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "replica/node.h"
#include "replica/snapshots.h"
#include "tests/unit/replica/cluster.h"
#include "tests/unit/unit.h"

enum { MEMBERS = 3, ENTRIES = 3, ENTRIES_MAX = 1000, STEPS_MAX = 1000, PUTS = 20, SHORTLY = 5 };

/* ---- between the process and the system ---- */

/* What the processes tell one another. */
static struct {
	atomic_uint steps, die_at; /* 0: at none */
	uint64_t index;            /* where the state stood before */
	uint64_t offered;          /* and where it stands after */
	uint64_t term;             /* of the newest leader; the one before it left what the snapshot does not have */
	bool done;                 /* the installation came to its end */
} * told;

static atomic_bool counting;

static void step(void)
{
	if (atomic_load(&counting) && atomic_fetch_add(&told->steps, 1) + 1 == atomic_load(&told->die_at))
		kill(getpid(), SIGKILL);
}

#define STEP(type, name, parameters, number, ...)                                                                      \
	type name parameters;                                                                                          \
	type name parameters                                                                                           \
	{                                                                                                              \
		step();                                                                                                \
		return (type)syscall(number, __VA_ARGS__);                                                             \
	}
STEP(int, fsync, (int fd), SYS_fsync, fd)
STEP(int, fdatasync, (int fd), SYS_fdatasync, fd)
STEP(ssize_t, write, (int fd, const void *data, size_t size), SYS_write, fd, data, size)
STEP(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), SYS_pwrite64, fd, data, size, at)
STEP(int, ftruncate, (int fd, off_t size), SYS_ftruncate, fd, size)
STEP(int, fallocate, (int fd, int mode, off_t at, off_t size), SYS_fallocate, fd, mode, at, size)
/* We are built for large files, which gives the three above other names; RocksDB knows them by these. */
ssize_t plain_pwrite(int fd, const void *data, size_t size, off_t at) __asm__("pwrite");
int plain_ftruncate(int fd, off_t size) __asm__("ftruncate");
int plain_fallocate(int fd, int mode, off_t at, off_t size) __asm__("fallocate");
STEP(ssize_t, plain_pwrite, (int fd, const void *data, size_t size, off_t at), SYS_pwrite64, fd, data, size, at)
STEP(int, plain_ftruncate, (int fd, off_t size), SYS_ftruncate, fd, size)
STEP(int, plain_fallocate, (int fd, int mode, off_t at, off_t size), SYS_fallocate, fd, mode, at, size)
STEP(int, rename, (const char *from, const char *to), SYS_rename, from, to)
STEP(int, link, (const char *from, const char *to), SYS_link, from, to)
STEP(int, unlink, (const char *path), SYS_unlink, path)
STEP(int, rmdir, (const char *path), SYS_rmdir, path)
STEP(int, mkdir, (const char *path, mode_t mode), SYS_mkdir, path, mode)

int remove(const char *path);
int remove(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}

/* ---- one process ---- */

#define REQUIRE(condition)                                                                                             \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "step %u, line %d: not %s\n", atomic_load(&told->die_at), __LINE__,            \
			        #condition);                                                                           \
			_exit(2);                                                                                      \
		}                                                                                                      \
	} while (0)

struct life {
	struct cluster *cluster;
	struct replica *replica;
	struct arena arena;
	uint64_t leader;
	uint64_t last_term; /* of the newest entry that it was opened with */
};

static void life_open(struct life *life)
{
	struct replica_options options = cluster_options(life->cluster, 0);
	options.election_timeout_ms = 50000; /* nobody campaigns */
	REQUIRE(replica_open(&options, &life->replica) == ERR_OK);
	const struct identity *identity = &life->replica->identity;
	REQUIRE(identity->member_count == MEMBERS);
	life->leader = identity->members[identity->members[0].id == identity->member].id;
	atomic_store(&life->replica->confirmed, true);
}

/* The number that the state's only key has: the index at which it was put. */
static uint64_t life_value(struct life *life)
{
	struct kv_record record = {0};
	struct kv_view *view = kv_view_open(replica_kv(life->replica));
	enum err err = kv_get(view, BYTES_LITERAL("/at"), &life->arena, &record);
	kv_view_close(view);
	REQUIRE(err == ERR_OK || err == ERR_NOT_FOUND);
	return err == ERR_OK ? strtoull(arena_dup_string(&life->arena, record.value), NULL, 10) : 0;
}

/* What the one before has left. */
static void life_look(struct life *life)
{
	struct replica *replica = life->replica;
	uint64_t applied = store_applied(replica->store);
	REQUIRE(!atomic_load(&replica->shown.damaged));
	REQUIRE(applied == told->index || applied == told->offered);
	REQUIRE(!told->done || applied == told->offered);
	REQUIRE(life_value(life) == applied);
	REQUIRE(atomic_load(&replica->shown.first_index) <= applied + 1);
	REQUIRE(atomic_load(&replica->shown.last_index) >= applied);
	if (applied == told->offered) /* what was in the log before it has nothing to do with it */
		REQUIRE(atomic_load(&replica->shown.first_index) == applied + 1 || told->offered == told->index);
	told->index = applied;
}

static void source_put(struct store *store, uint64_t index, uint64_t term)
{
	AUTO_BUFFER struct buffer buffer;
	char value[32];
	snprintf(value, sizeof value, "%ju", (uintmax_t)index);
	struct kv_op op = {.kind = KV_PUT, .put = {.key = BYTES_LITERAL("/at"), .value = bytes_of_string(value)}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	buffer_init(&buffer, LIMIT_ENTRY_BYTES);
	REQUIRE(kv_command_encode(&command, &buffer) == ERR_OK);
	struct store_entry entry = {.index = index, .term = term, .payload = buffer_bytes(&buffer)};
	store_apply(store, &entry, 1, NULL, NULL);
}

/* A newer state of the leader's, in the place where a fetch leaves it. */
static uint64_t life_fetch(struct life *life, uint64_t term, const char *directory)
{
	struct store *store = NULL;
	struct store_snapshot snapshot = {0};
	const struct identity *identity = &life->replica->identity;
	AUTO_FREE char *source = memory_format("%s/source", life->cluster->directory);
	struct store_options options = {
	    .directory = source, .initial_members = identity->members, .initial_member_count = identity->member_count};
	struct bytes config = BYTES_NONE;
	REQUIRE(store_open(&options, &store) == ERR_OK);
	REQUIRE(store_config(life->replica->store, &life->arena, &config) == ERR_OK);
	if (store_applied(store) == 0)
		REQUIRE(store_config_begin(store, config) == ERR_OK);
	uint64_t index = store_applied(store);
	for (uint64_t to = index + PUTS; index < to;)
		source_put(store, ++index, term);
	AUTO_FREE char *snapshots = memory_format("%s/n1/snapshots", life->cluster->directory);
	REQUIRE(file_make_directory(snapshots, 0700) == ERR_OK);
	REQUIRE(store_snapshot_make(store, directory, &life->arena, &snapshot) == ERR_OK);
	REQUIRE(snapshot.index == index && snapshot.term == term);
	store_close(store);
	return index;
}

static void life_hear(struct life *life, Peer__Raft *raft)
{
	struct arena arena;
	arena_init(&arena);
	Peer__Envelope *envelope = arena_take(&arena, sizeof *envelope);
	peer__envelope__init(envelope);
	envelope->from = life->leader;
	envelope->to = life->replica->identity.member;
	envelope->body_case = PEER__ENVELOPE__BODY_RAFT;
	envelope->raft = arena_take(&arena, sizeof *raft);
	*envelope->raft = *raft;
	REQUIRE(node_received(life->replica, &arena, envelope));
}

/* The log has something that the snapshot makes useless: entries of a leader whose successor has others in their places. They may go
 * further than the snapshot. */
static void life_append(struct life *life, uint64_t term, uint64_t to)
{
	static Peer__Entry entry, *entries[ENTRIES_MAX];
	struct replica *replica = life->replica;
	uint64_t last = atomic_load(&replica->shown.last_index);
	Peer__Raft raft = PEER__RAFT__INIT;
	peer__entry__init(&entry);
	entry.term = term;
	entry.kind = RAFT_ENTRY_NOOP;
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		entries[i] = &entry;
	raft.type = RAFT_APPEND;
	raft.term = term;
	raft.index = last;
	raft.index_term = life->last_term;
	raft.entries = entries;
	raft.n_entries = to > last && to - last <= ENTRIES_MAX ? (size_t)(to - last) : ENTRIES;
	life_hear(life, &raft);
	while (atomic_load(&replica->shown.last_index) < last + raft.n_entries || atomic_load(&replica->written) == 0)
		sched_yield();
}

static void life_is_offered(struct life *life, uint64_t term, uint64_t index)
{
	struct snapshots_progress progress = {0};
	Peer__Raft raft = PEER__RAFT__INIT;
	raft.type = RAFT_SNAPSHOT;
	raft.term = term;
	raft.index = index;
	raft.index_term = term;
	for (life_hear(life, &raft); !progress.busy; sched_yield())
		snapshots_progress(life->replica->snapshots, &progress);
}

static void life_install(struct life *life, uint64_t term, const char *directory)
{
	struct letter *letter = letter_new(LETTER_SNAPSHOT_INSTALLED);
	struct apply_job *job = apply_job_new(told->offered, told->offered, 0);
	letter->index = told->offered;
	letter->term = term;
	job->install = letter;
	job->directory = memory_dup_string(directory);
	atomic_store(&told->steps, 0);
	atomic_store(&counting, true);
	node_apply_later(life->replica, job);
	while (atomic_load(&life->replica->shown.first_index) != told->offered + 1)
		sched_yield();
	told->done = true;
}

/* Looks at what the process before it has left; then dies itself. */
static void life_run(struct cluster *cluster)
{
	struct life life = {.cluster = cluster};
	AUTO_FREE char *directory = memory_format("%s/n1/snapshots/ready-1", cluster->directory);
	arena_init(&life.arena);
	life_open(&life);
	life_look(&life);
	uint64_t term = told->term += 2, offered = life_fetch(&life, term, directory);
	told->done = false;
	life.last_term = raft_term_at(loop_core(life.replica->loop), atomic_load(&life.replica->shown.last_index));
	crew_start(life.replica->crew);
	life_append(&life, term - 1, term % 4 == 0 ? offered + ENTRIES : 0);
	told->offered = offered;
	life_is_offered(&life, term, offered);
	life_install(&life, term, directory);
	_exit(0);
}

/* ---- all of them ---- */

/* True: it died as it should; false: it came to the end before that. */
static bool dies_at(struct cluster *cluster, unsigned at)
{
	int status = 0;
	atomic_store(&told->die_at, at);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		life_run(cluster);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* ETCFS_EVERY_STEP is set: at each; else at some, from the beginning to the end. */
static void a_process_that_dies_while_it_installs_has_the_old_state_or_the_new_one(void **state)
{
	struct cluster cluster;
	told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(told, MAP_FAILED);
	cluster_init(&cluster, MEMBERS);
	assert_false(dies_at(&cluster, 0));
	unsigned steps = atomic_load(&told->steps), stride = getenv("ETCFS_EVERY_STEP") != NULL ? 1 : SHORTLY;
	assert_in_range(steps, 20, STEPS_MAX);
	unsigned deaths = 0;
	for (unsigned at = 1; at <= steps + stride; at += stride)
		deaths += dies_at(&cluster, at);
	print_message("%u steps, %u deaths\n", steps, deaths);
	assert_true(deaths * stride * 2 > steps);
	cluster_fini(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_process_that_dies_while_it_installs_has_the_old_state_or_the_new_one),
	};
	return UNIT_RUN(tests);
}

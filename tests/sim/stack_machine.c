/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "replica/node.h"
#include "store/raftlog_private.h"
#include "tests/sim/stack_checker.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_disk.h"
#include "tests/sim/stack_engine.h"
#include "tests/sim/stack_fibre.h"
#include "tests/sim/stack_history.h"
#include "tests/sim/stack_members.h"
#include "tests/sim/stack_network.h"
#include "tests/sim/stack_state.h"

enum { MACHINE_SEGMENT_BYTES = 64 << 10, MACHINE_MEMORY_BYTES = 1 << 20 };

static struct {
	struct machine machines[WORLD_NODES_MAX + 1];
	struct machine_plan plan;
	unsigned count;
	char directory[64];
} machines;

struct machine *machine_at(unsigned node)
{
	check(node >= 1 && node <= WORLD_NODES_MAX);
	return &machines.machines[node];
}

unsigned machine_count(void)
{
	return machines.count;
}

struct machine_plan *machine_plan(void)
{
	return &machines.plan;
}

unsigned machine_of_member(uint64_t member)
{
	for (unsigned node = 1; node <= machine_count(); node++)
		if (member != 0 && machines.machines[node].member == member)
			return node;
	return 0;
}

uint64_t machine_life(unsigned node)
{
	return machines.machines[node].life;
}

bool machine_is_up(unsigned node)
{
	const struct machine *machine = machine_at(node);
	return machine->state == MACHINE_UP && !machine->dying;
}

bool machine_is_dying(unsigned node)
{
	return machines.machines[node].dying;
}

/* ---- what it says ---- */

void machine_complains(unsigned node, const char *event)
{
	if (strcmp(event, "state_differs") == 0)
		world_fail("n%u finds its state to differ from the others'", node);
}

void machine_dies(unsigned node, const char *event)
{
	struct machine *machine = machine_at(node);
	if (!machine->excused)
		world_fail("n%u ends itself, and nothing was done to it: %s", node, event);
	counters_add(COUNTER_DISK_FAILED);
	machine->dying = true;
	world_plan(WORLD_CRASH, node, 0, MEMORY_KILLED, NULL);
	world_plan(WORLD_BOOT, node, 10 * WORLD_MS + world_below(2 * WORLD_S), 0, NULL);
}

void machine_rerun_line(void)
{
	fprintf(stderr, "rerun: tests/sim/stack --seed %" PRIu64 " --trace\n", world_seed);
}

/* ---- what a node asks of its surroundings ---- */

enum err __real_identity_lock(const char *data_directory, int *ret_lock);
enum err __wrap_identity_lock(const char *data_directory, int *ret_lock);
enum err __wrap_identity_lock(const char *data_directory, int *ret_lock)
{
	enum err err = __real_identity_lock(data_directory, ret_lock);
	if (err == ERR_OK)
		machine_at(world_node())->lock = *ret_lock;
	return err;
}

/* Of an initial member, or of whoever joins: named alone. */
static struct replica_options machine_options(const struct machine *machine, struct replica_peer *peers)
{
	size_t count = 0;
	for (unsigned node = 1; node <= machines.plan.members; node++)
		peers[count++] = (struct replica_peer){machine_at(node)->name, machine_at(node)->url};
	if (machine->joins) {
		peers[0] = (struct replica_peer){machine->name, machine->url};
		count = 1;
	}
	return (struct replica_options){
	    .name = machine->name,
	    .data_directory = machine->directory,
	    .listen_peer_url = machine->url,
	    .client_urls = "",
	    .initial_cluster = peers,
	    .initial_count = count,
	    .cluster_token = "sim",
	    .heartbeat_interval_ms = machines.plan.heartbeat_ms,
	    .election_timeout_ms = machines.plan.election_ms,
	    .value_bytes_max = 1 << 20,
	    .memory_bytes = MACHINE_MEMORY_BYTES,
	    .snapshot_catchup_entries = machines.plan.catchup_entries,
	    .version = "0",
	    .join_url = machine->joins ? machine_at(1)->url : NULL,
	};
}

/* It asked before it was started (stack_members.h), and is told what the cluster tells a joiner. */
enum err __wrap_join_cluster(const struct replica_options *options, struct arena *arena, struct identity *ret_identity);
enum err __wrap_join_cluster(const struct replica_options *options, struct arena *arena, struct identity *ret_identity)
{
	(void)options;
	const struct machine *machine = machine_at(world_node());
	struct replica_peer peers[WORLD_NODES_MAX];
	struct replica_options first = machine_options(machine_at(1), peers);
	enum err err = identity_derive(&first, arena, ret_identity);
	check(err == ERR_OK);
	ret_identity->member = machine->member;
	ret_identity->name = machine->name;
	ret_identity->joined = ret_identity->confirmed = true;
	ret_identity->contacts = ret_identity->members;
	ret_identity->contact_count = ret_identity->member_count;
	return ERR_OK;
}

/* The log's files are on the memory disk; what stands for them in the directory says that there is a log. */
static void machine_mark_log(const char *directory)
{
	AUTO_FREE char *path = memory_format("%s/identity", directory);
	enum err err = file_make_directory(directory, 0700);
	check(err == ERR_OK);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	check(fd >= 0);
	close(fd);
}

enum err __real_raftlog_open(const struct raftlog_options *options, struct raftlog **ret_log,
                             struct raftlog_state *ret_state);
enum err __wrap_raftlog_open(const struct raftlog_options *options, struct raftlog **ret_log,
                             struct raftlog_state *ret_state);
enum err __wrap_raftlog_open(const struct raftlog_options *options, struct raftlog **ret_log,
                             struct raftlog_state *ret_state)
{
	struct machine *machine = machine_at(world_node());
	struct raftlog_options own = *options;
	own.segment_bytes = MACHINE_SEGMENT_BYTES;
	own.io = disk_io(world_node());
	machine_mark_log(options->directory);
	enum err err = __real_raftlog_open(&own, ret_log, ret_state);
	if (err == ERR_OK)
		machine->log = *ret_log;
	return err;
}

/* ---- boot ---- */

/* Not under a fault: a node that cannot open its data says so once, and is started again. */
static void machine_did_not_open(unsigned node, enum err err)
{
	if (err == ERR_REMOVED && checker_was_removed(node)) {
		counters_add(COUNTER_MEMBER_LEARNED);
		machine_at(node)->gone = machine_at(node)->excused = true;
	}
	if (!machine_at(node)->excused)
		world_fail("n%u cannot open its data: %s", node, err_name(err));
	machine_dies(node, "open");
	fibre_end();
}

static void *machine_main(void *argument)
{
	struct machine *machine = argument;
	unsigned node = world_node();
	struct replica_peer peers[WORLD_NODES_MAX];
	struct replica_options options = machine_options(machine, peers);
	struct replica *replica = NULL;
	enum err err = replica_open(&options, &replica);
	if (err != ERR_OK)
		machine_did_not_open(node, err);
	machine->replica = replica;
	state_opened(node);
	replica_observe(replica, history_observer(node));
	err = replica_start(replica);
	check(err == ERR_OK);
	machine->state = MACHINE_UP;
	machine->boots++;
	counters_add(COUNTER_BOOT);
	world_say(node, "up");
	return NULL;
}

void machine_boot(unsigned node)
{
	struct machine *machine = machine_at(node);
	if (machine->state != MACHINE_DOWN || machine->gone || (machine->joins && machine->member == 0))
		return;
	if (machine->disk == NULL)
		machine->disk = memory_disk_new();
	machine->state = MACHINE_OPENING;
	machine->dying = machine->excused = false;
	world_say(node, "boot");
	fibre_start(node, machine_main, machine);
}

unsigned machine_add(void)
{
	check(machines.count < WORLD_NODES_MAX);
	machine_at(++machines.count)->joins = true;
	return machines.count;
}

void machine_join(unsigned node, uint64_t member)
{
	check(machine_at(node)->joins && machine_at(node)->member == 0);
	machine_at(node)->member = member;
}

void machine_retire(unsigned node)
{
	if (machine_at(node)->gone)
		return;
	world_say(node, "gone for good");
	machine_crash(node, MEMORY_KILLED);
	machine_at(node)->gone = true;
}

static void machine_on_boot(const struct event *event)
{
	machine_boot((unsigned)event->node);
}

/* ---- crash ---- */

static void machine_lose(struct machine *machine, enum memory_loss loss)
{
	struct random random;
	random_init(&random, world_number());
	struct memory_disk *after = memory_disk_crash(machine->disk, loss, &random);
	machine->disk->open_count = 0; /* the crash has closed them */
	after->space_bytes = UINT64_MAX / 2;
	memory_disk_free(machine->disk);
	machine->disk = after;
}

void machine_crash(unsigned node, enum memory_loss loss)
{
	struct machine *machine = machine_at(node);
	if (machine->state == MACHINE_DOWN)
		return;
	world_say(node, "crash loss=%d", (int)loss);
	world_hash(node << 8 | (unsigned)loss);
	counters_add(machine->state == MACHINE_OPENING ? COUNTER_CRASH_OPENING : COUNTER_CRASH);
	if (loss != MEMORY_KILLED && loss != MEMORY_KEPT)
		counters_add(COUNTER_CRASH_TORN);
	checker_crashed(node);
	history_crashed(node);
	members_crashed(node);
	fibre_kill_node(node);
	network_forget(node);
	engine_crash(machine->directory);
	machine_lose(machine, loss);
	if (machine->lock >= 0)
		close(machine->lock);
	machine->lock = -1;
	machine->replica = NULL; /* its memory is nobody's: the process ends after some seeds */
	machine->log = NULL;
	machine->state = MACHINE_DOWN;
	machine->life++;
	machine->disk_slow = false;
	world_pause(node, 0);
	if (loss != MEMORY_KILLED)
		world_clock_new(node);
}

static void machine_on_crash(const struct event *event)
{
	unsigned node = (unsigned)event->node;
	if (event->generation == machine_life(node))
		machine_crash(node, (enum memory_loss)event->number);
}

/* ---- disks ---- */

void machine_fail_disk(unsigned node, int error)
{
	struct machine *machine = machine_at(node);
	if (machine->state == MACHINE_DOWN)
		return;
	machine->excused = true;
	machine->disk->fail_error = error;
	machine->disk->fail_at = machine->disk->calls + 1 + world_below(4);
}

void machine_fill_disk(unsigned node)
{
	struct machine *machine = machine_at(node);
	if (machine->state == MACHINE_DOWN)
		return;
	machine->excused = true;
	machine->disk->space_bytes = world_below(MACHINE_SEGMENT_BYTES);
}

void machine_spare(unsigned node)
{
	struct machine *machine = machine_at(node);
	if (machine->disk == NULL)
		return;
	machine->disk->fail_at = 0;
	machine->disk->space_bytes = UINT64_MAX / 2;
}

/* In both copies that the memory disk has: it is durable. */
static void machine_flip(struct memory_file *file, uint64_t offset)
{
	uint8_t bit = (uint8_t)(1u << world_below(8));
	check(offset < file->size && offset < file->stable_size);
	file->data[offset] ^= bit;
	file->stable[offset] ^= bit;
}

bool machine_flip_bit(unsigned node)
{
	struct machine *machine = machine_at(node);
	struct raftlog_position known = machine->log->known;
	char name[RAFTLOG_NAME_BYTES];
	if (machine->excused || raftlog_damage(machine->log)[0] != 0 || known.offset <= RAFTLOG_BLOCK_BYTES)
		return false;
	raftlog_segment_name(known.segment, name);
	AUTO_FREE char *path = memory_format("%s/log/%s", machine->directory, name);
	machine_crash(node, MEMORY_KILLED);
	struct memory_file *file = memory_disk_find(machine->disk, path);
	if (file == NULL || file->stable_size < known.offset)
		return false;
	uint64_t block = 1 + world_below(known.offset / RAFTLOG_BLOCK_BYTES - 1);
	world_say(node, "a bit is flipped in %s", name);
	machine_flip(file, block * RAFTLOG_BLOCK_BYTES + world_below(64));
	checker_flipped(node);
	network_silence(node);
	return true;
}

void machine_look(unsigned node)
{
	if (!machine_is_up(node))
		return;
	enum err verdict = replica_verdict(machine_at(node)->replica);
	if (verdict == ERR_OK)
		return;
	if (verdict != ERR_REMOVED || !checker_was_removed(node))
		world_fail("n%u believes that it must end: %s", node, err_name(verdict));
	counters_add(COUNTER_MEMBER_LEARNED);
	machine_retire(node);
}

uint64_t machine_applied(unsigned node)
{
	return store_applied(machine_at(node)->replica->store);
}

/* ---- life ---- */

static void machine_path(long pid, char *path, size_t size)
{
	const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(path, size, "%s/etcfs-stack-%ld", root, pid);
}

void machine_remove_place(long pid)
{
	char path[64];
	machine_path(pid, path, sizeof path);
	enum err err = file_remove_tree(path);
	check(err == ERR_OK);
}

static void machine_place(void)
{
	machine_remove_place(getpid());
	machine_path(getpid(), machines.directory, sizeof machines.directory);
	enum err err = file_make_directory(machines.directory, 0700);
	check(err == ERR_OK);
}

void machine_begin(const struct machine_plan *plan)
{
	memset(&machines, 0, sizeof machines);
	machines.plan = *plan;
	machines.count = plan->members;
	machine_place();
	for (unsigned node = 1; node <= WORLD_NODES_MAX; node++) {
		struct machine *machine = machine_at(node);
		machine->lock = -1;
		snprintf(machine->name, sizeof machine->name, "n%u", node);
		snprintf(machine->url, sizeof machine->url, "tcp://10.0.0.%u:2380", node);
		snprintf(machine->directory, sizeof machine->directory, "%s/n%u", machines.directory, node);
	}
	world_handle(WORLD_BOOT, machine_on_boot);
	world_handle(WORLD_CRASH, machine_on_crash);
}

void machine_end(void)
{
	for (unsigned node = 1; node <= WORLD_NODES_MAX; node++) {
		struct machine *machine = machine_at(node);
		machine_crash(node, MEMORY_KILLED);
		if (machine->disk != NULL)
			memory_disk_free(machine->disk);
	}
	enum err err = file_remove_tree(machines.directory);
	check(err == ERR_OK);
}

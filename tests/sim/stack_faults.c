/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_faults.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "tests/sim/stack_checker.h"
#include "tests/sim/stack_cross.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_history.h"
#include "tests/sim/stack_machine.h"
#include "tests/sim/stack_members.h"
#include "tests/sim/stack_network.h"

enum {
	STORM_US = 10 * WORLD_S, /* of faults */
	CALM_US = 40 * WORLD_S,  /* by when all must have come to the same state */
	CLIENT_US = 50 * WORLD_MS,
};

enum fault {
	FAULT_CRASH,
	FAULT_CRASH_ALL,
	FAULT_ISOLATE,
	FAULT_HALVES,
	FAULT_ONE_WAY,
	FAULT_BRIDGE,
	FAULT_HEAL,
	FAULT_PAUSE,
	FAULT_SLOW_DISK,
	FAULT_FAIL_DISK,
	FAULT_FILL_DISK,
	FAULT_WEATHER,
	FAULT_TRANSFER,
	FAULT_FLIP_BIT,
	FAULT_CLOCK,
	FAULT_BREAK,
	FAULT_MEMBERS,
	FAULT_RETIRE,
	FAULT_AMBUSH, /* comes by faults_moment() */
	FAULT_COUNT,
};

static struct {
	bool enabled[FAULT_COUNT];
	uint64_t between_us, client_us;
	bool calm;
} plan;

static unsigned faults_pick(void)
{
	return 1 + (unsigned)world_below(machine_count());
}

/* Mostly the leader: that is where it hurts. */
static unsigned faults_pick_target(void)
{
	unsigned leader = checker_leader();
	return leader != 0 && world_chance(500000) ? leader : faults_pick();
}

/* ---- crashes ---- */

static void faults_boot_later(unsigned node)
{
	uint64_t us = world_chance(500000) ? 3 * machine_plan()->election_ms * (uint64_t)WORLD_MS : 50 * WORLD_MS;
	world_plan(WORLD_BOOT, node, world_below(us), 0, NULL);
}

static void faults_crash(unsigned node)
{
	enum memory_loss loss = world_chance(400000) ? MEMORY_KILLED : (enum memory_loss)world_below(MEMORY_LOSSES);
	machine_crash(node, loss);
	faults_boot_later(node);
}

static void faults_crash_all(void)
{
	counters_add(COUNTER_CRASH_ALL);
	for (unsigned node = 1; node <= machine_count(); node++)
		faults_crash(node);
}

void faults_moment(unsigned node)
{
	if (plan.calm || !plan.enabled[FAULT_AMBUSH] || world_chance(600000))
		return;
	counters_add(COUNTER_AMBUSH);
	enum memory_loss loss = (enum memory_loss)world_below(MEMORY_LOSSES);
	uint64_t us = world_below(world_chance(500000) ? 5 * WORLD_MS : 50 * WORLD_MS);
	world_plan(WORLD_CRASH, node, us, loss, NULL);
	world_plan(WORLD_BOOT, node, us + 1 + world_below(WORLD_S), 0, NULL);
}

/* A log that is damaged on a quorum is lost: one at a time, while the cluster can do without it. */
static void faults_flip(unsigned node)
{
	for (unsigned other = 1; other <= machine_count(); other++)
		if (checker_is_damaged(other) || (!machine_is_up(other) && checker_is_member(other)))
			return;
	if (!machine_is_up(node) || !checker_is_member(node))
		return;
	if (members_may_shrink() || checker_voters() < 3 || checker_is_joint() || !machine_flip_bit(node))
		return;
	faults_boot_later(node);
}

/* ---- the network ---- */

static void faults_cut_both(unsigned a, unsigned b)
{
	network_cut(a, b);
	network_cut(b, a);
}

static void faults_isolate(unsigned node)
{
	counters_add(COUNTER_PARTITION);
	for (unsigned other = 1; other <= machine_count(); other++)
		faults_cut_both(node, other);
}

static void faults_halves(void)
{
	uint64_t halves = world_number();
	counters_add(COUNTER_PARTITION);
	for (unsigned a = 1; a <= machine_count(); a++)
		for (unsigned b = 1; b < a; b++)
			if ((halves >> a & 1) != (halves >> b & 1))
				faults_cut_both(a, b);
}

static void faults_one_way(unsigned from, unsigned to)
{
	counters_add(COUNTER_ONE_WAY);
	network_cut(from, to);
}

static void faults_bridge(unsigned a, unsigned b)
{
	counters_add(COUNTER_BRIDGE);
	faults_cut_both(a, b);
}

static void faults_heal(void)
{
	network_heal();
	for (unsigned node = 1; node <= machine_count(); node++)
		machine_at(node)->disk_slow = false;
}

static void faults_weather(void)
{
	struct weather *weather = network_weather();
	bool calm = world_chance(300000);
	weather->drop_ppm = calm ? 0 : (uint32_t)world_below(300000);
	weather->repeat_ppm = calm ? 0 : (uint32_t)world_below(200000);
	weather->late_ppm = calm ? 0 : (uint32_t)world_below(100000);
	weather->refuse_ppm = calm ? 0 : (uint32_t)world_below(50000);
	weather->late_us_max = 10 * machine_plan()->election_ms * (uint64_t)WORLD_MS;
	weather->delay_us_max = calm ? 5 * WORLD_MS : WORLD_MS + world_below(300 * WORLD_MS);
}

/* ---- the rest ---- */

static void faults_slow_disk(unsigned node)
{
	counters_add(COUNTER_DISK_SLOW);
	machine_at(node)->disk_slow = !machine_at(node)->disk_slow;
}

static void faults_pause(unsigned node)
{
	counters_add(COUNTER_PAUSE);
	world_say(node, "pause");
	world_pause(node, world_below(3 * machine_plan()->election_ms * (uint64_t)WORLD_MS));
}

static void faults_transfer(void)
{
	unsigned leader = checker_leader();
	if (leader == 0 || !machine_is_up(leader))
		return;
	counters_add(COUNTER_TRANSFER);
	world_enter(leader);
	replica_transfer(machine_at(leader)->replica, world_chance(300000) ? 0 : machine_at(faults_pick())->member);
	world_leave();
}

static void faults_clock(unsigned node)
{
	counters_add(COUNTER_CLOCK_JUMP);
	world_clock_jump(node, (int64_t)world_below(UINT64_C(200000000000)) - INT64_C(100000000000));
}

static void faults_do(enum fault fault)
{
	unsigned node = faults_pick(), other = faults_pick(), target = faults_pick_target();
	switch (fault) {
	case FAULT_CRASH:
		faults_crash(target);
		break;
	case FAULT_CRASH_ALL:
		faults_crash_all();
		break;
	case FAULT_ISOLATE:
		faults_isolate(target);
		break;
	case FAULT_HALVES:
		faults_halves();
		break;
	case FAULT_ONE_WAY:
		faults_one_way(target, other);
		break;
	case FAULT_BRIDGE:
		faults_bridge(node, other);
		break;
	case FAULT_HEAL:
		faults_heal();
		break;
	case FAULT_PAUSE:
		faults_pause(target);
		break;
	case FAULT_SLOW_DISK:
		faults_slow_disk(target);
		break;
	case FAULT_FAIL_DISK:
		machine_fail_disk(target, EIO);
		break;
	case FAULT_FILL_DISK:
		machine_fill_disk(node);
		break;
	case FAULT_WEATHER:
		faults_weather();
		break;
	case FAULT_TRANSFER:
		faults_transfer();
		break;
	case FAULT_FLIP_BIT:
		faults_flip(node);
		break;
	case FAULT_CLOCK:
		faults_clock(node);
		break;
	case FAULT_BREAK:
		network_break(node, other);
		break;
	case FAULT_MEMBERS:
		members_change();
		break;
	case FAULT_RETIRE:
		members_retire();
		break;
	case FAULT_AMBUSH:
	case FAULT_COUNT:
		break;
	}
}

static void faults_on_fault(const struct event *event)
{
	(void)event;
	if (plan.calm)
		return;
	enum fault fault = (enum fault)world_below(FAULT_COUNT);
	if (plan.enabled[fault]) {
		world_say(0, "fault %d", (int)fault);
		faults_do(fault);
	}
	world_plan(WORLD_FAULT, 0, world_below(plan.between_us), 0, NULL);
}

static void faults_on_client(const struct event *event)
{
	(void)event;
	unsigned leader = checker_leader();
	history_call(leader != 0 && world_chance(400000) ? leader : faults_pick());
	world_plan(WORLD_CLIENT, 0, world_below(plan.client_us), 0, NULL);
}

/* ---- the calm ---- */

static void faults_end(void)
{
	plan.calm = true;
	world_say(0, "calm");
	faults_heal();
	*network_weather() = (struct weather){.delay_us_max = 5 * WORLD_MS};
	machine_plan()->disk_us_max = 5 * WORLD_MS;
	for (unsigned node = 1; node <= machine_count(); node++) {
		world_pause(node, 0);
		machine_spare(node);
		machine_boot(node);
	}
}

/* Who was removed is taken down; all others are to be members that are up and whole. */
static const char *faults_what_is_missing(void)
{
	if (!members_settled())
		return "a change of the members has no answer";
	if (checker_leader() == 0 || checker_is_joint())
		return "there is no leader, or a joint configuration";
	members_retire();
	for (unsigned node = 1; node <= machine_count(); node++) {
		if (machine_at(node)->gone)
			continue;
		if (!machine_is_up(node))
			return "a node is down";
		if (checker_is_damaged(node))
			return "a log is damaged";
		if (!checker_is_member(node))
			return "a node is not a member";
	}
	return NULL;
}

static bool faults_all_up(void)
{
	return faults_what_is_missing() == NULL;
}

static bool faults_all_answered(void)
{
	return history_waiting() == 0;
}

static bool faults_all_alike(void)
{
	members_retire(); /* one that was replaced only now */
	for (unsigned node = 1; node <= machine_count(); node++)
		if (!machine_at(node)->gone && (!machine_is_up(node) || machine_applied(node) != checker_committed()))
			return false;
	return history_waiting() == 0;
}

static void faults_check_calm(void)
{
	uint64_t deadline_us = world_now_us() + CALM_US;
	faults_end();
	/* Under load, which must not keep it from recovering; then without. */
	world_run(world_now_us() + 2 * WORLD_S, NULL);
	plan.client_us = CALM_US * UINT64_C(1000);
	if (!world_run(deadline_us, faults_all_up))
		world_fail("the cluster is not whole %ju s after the faults ended: %s", (uintmax_t)(CALM_US / WORLD_S),
		           faults_what_is_missing());
	for (unsigned node = 1; node <= machine_count(); node++)
		if (machine_is_up(node))
			history_probe(node);
	if (!world_run(deadline_us, faults_all_answered))
		world_fail("%zu calls are not answered in the calm", history_waiting());
	if (history_probes_failed() != 0)
		world_fail("%zu calls fail in the calm", history_probes_failed());
	if (!world_run(deadline_us, faults_all_alike))
		world_fail("the nodes do not come to the same state in the calm");
}

/* ---- a run ---- */

static void faults_plan(struct machine_plan *machines)
{
	static const unsigned sizes[] = {3, 3, 3, 5, 5, 1, 2, 4};
	for (int fault = 0; fault < FAULT_COUNT; fault++)
		plan.enabled[fault] = world_chance(400000);
	plan.enabled[FAULT_HEAL] = true;
	plan.between_us = (20 + world_below(400)) * WORLD_MS;
	plan.client_us = world_chance(200000) ? 10 * CLIENT_US : CLIENT_US;
	plan.calm = false;
	*machines = (struct machine_plan){
	    .members = sizes[world_below(sizeof sizes / sizeof sizes[0])],
	    .heartbeat_ms = 100,
	    .election_ms = 1000,
	    .catchup_entries = world_chance(500000) ? 5 + world_below(50) : 1000,
	    .disk_us_max = world_chance(300000) ? 20 * WORLD_MS : 3 * WORLD_MS,
	    .small_messages = world_chance(300000),
	};
}

uint64_t faults_run_stack(uint64_t seed)
{
	struct machine_plan machines;
	world_begin(seed);
	faults_plan(&machines);
	machine_begin(&machines);
	network_begin();
	checker_begin();
	history_begin();
	cross_begin();
	members_begin();
	world_handle(WORLD_FAULT, faults_on_fault);
	world_handle(WORLD_CLIENT, faults_on_client);
	for (unsigned node = 1; node <= machine_count(); node++)
		world_plan(WORLD_BOOT, node, world_below(100 * WORLD_MS), 0, NULL);
	world_plan(WORLD_CLIENT, 0, 0, 0, NULL);
	world_plan(WORLD_FAULT, 0, 2 * WORLD_S, 0, NULL);
	world_run(2 * WORLD_S + STORM_US, NULL);
	faults_check_calm();
	uint64_t hash = world_trace_hash();
	machine_end();
	network_end();
	checker_end();
	history_end();
	cross_end();
	world_end();
	return hash;
}

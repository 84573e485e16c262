/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/plan.h"

#include <string.h>

#include "base/check.h"
#include "tests/sim/cluster.h"
#include "tests/sim/decisions.h"
#include "tests/sim/faults.h"
#include "tests/sim/verdict.h"

enum plan_kind {
	PLAN_SWARM,
	PLAN_DUEL, /* leaders come and go, one entry at a time, and nothing else happens: thesis §3.6.2, figure 3.7 */
	PLAN_ROUT, /* leaders are cut off while their leases run, and those that granted them restart */
	PLAN_RECONFIG,  /* leaders are asked for changes as soon as they lead, and are lost with them */
	PLAN_SNAPSHOTS, /* answers are lost, logs are trimmed, and snapshots are disturbed */
	PLAN_LONG,      /* minutes: long pauses, and messages from long ago */
	PLAN_KINDS,
};

enum {
	PLAN_FIRST_MS = 2000, /* before the first fault */
	PLAN_CALM_MS = 25000, /* by when the cluster has recovered */
	PLAN_PERIOD = 10,     /* of the kinds, by seed */
	PLAN_LONG_EVERY = 50,
	MOMENT_SHIFT = 48,
	NODE_SHIFT = 40,
};

struct plan {
	struct decisions decisions;
	enum plan_kind kind;
	enum fault enabled[FAULT_COUNT];
	size_t enabled_count;
	bool moments[MOMENT_COUNT];
	uint64_t for_ms; /* of faults */
	uint64_t between_us, client_us;
	uint32_t write_ppm; /* of what clients ask; the rest are reads */
	struct random fault_dice, client_dice;
	uint64_t faults, requests; /* so far */
	uint64_t probe_index;      /* calm: the entry that must be applied everywhere */
};

static const struct {
	size_t voters, outsiders; /* 0: the seed says */
	uint64_t for_ms;
} plan_kinds[PLAN_KINDS] = {
    [PLAN_SWARM] = {0, 0, 20000},    [PLAN_DUEL] = {3, 0, 40000},      [PLAN_ROUT] = {3, 0, 40000},
    [PLAN_RECONFIG] = {4, 1, 30000}, [PLAN_SNAPSHOTS] = {3, 1, 20000}, [PLAN_LONG] = {0, 0, 240000},
};

static enum plan_kind plan_kind_of(uint64_t seed)
{
	static const enum plan_kind kinds[PLAN_PERIOD] = {
	    [1] = PLAN_DUEL, [2] = PLAN_ROUT,     [3] = PLAN_RECONFIG, [4] = PLAN_SNAPSHOTS,
	    [6] = PLAN_DUEL, [8] = PLAN_RECONFIG, [9] = PLAN_SNAPSHOTS};
	return seed % PLAN_LONG_EVERY == 0 ? PLAN_LONG : kinds[seed % PLAN_PERIOD];
}

/* ---- faults ---- */

static void plan_fault(struct cluster *cluster)
{
	struct plan *plan = cluster->plan;
	struct random dice;
	enum fault fault = plan->enabled[random_below(&plan->fault_dice, plan->enabled_count)];
	uint64_t next_us = random_below(&plan->fault_dice, plan->between_us);
	uint64_t number = plan->faults++;
	if (cluster->calm)
		return;
	if (decisions_make(&plan->decisions, DECISION_FAULT, number, &dice))
		faults_do(cluster, fault, &dice);
	cluster_plan(cluster, CLUSTER_FAULT, 0, next_us);
}

static uint64_t plan_ambush_in_us(enum cluster_moment moment, struct random *dice)
{
	if (moment == MOMENT_OVERTAKE || moment == MOMENT_AMNESIA ||
	    (moment == MOMENT_INSTALLED && dice_chance(dice, 500000)))
		return random_below(dice, CLUSTER_ELECTION_MS * CLUSTER_MS);
	if (moment == MOMENT_ROUT)
		return (CLUSTER_ELECTION_MS + random_below(dice, 1500)) * (uint64_t)CLUSTER_MS;
	return random_below(dice, (dice_chance(dice, 500000) ? 5 : 30) * CLUSTER_MS);
}

static void plan_moment(struct cluster *cluster, enum cluster_moment moment, uint64_t node, uint64_t number)
{
	const struct plan *plan = cluster->plan;
	struct random dice;
	uint64_t key = (uint64_t)moment << MOMENT_SHIFT | node << NODE_SHIFT | (number & UINT32_MAX);
	if (moment == MOMENT_ELECTED)
		plan_moment(cluster, MOMENT_HURRY, node, number);
	if (cluster->calm || !plan->moments[moment])
		return;
	dice_init(&dice, plan->decisions.seed, ~key);
	if (!dice_chance(&dice, 700000) || !decisions_make(&plan->decisions, DECISION_AMBUSH, key, &dice))
		return;
	cluster_plan_key(cluster, CLUSTER_AMBUSH, node, plan_ambush_in_us(moment, &dice), key);
}

static void plan_ambush(struct cluster *cluster, uint64_t node, uint64_t key)
{
	const struct plan *plan = cluster->plan;
	struct random dice;
	dice_init(&dice, plan->decisions.seed, key);
	faults_ambush(cluster, (enum cluster_moment)(key >> MOMENT_SHIFT), node, key & 0xff, &dice);
}

/* ---- clients ---- */

static void plan_client(struct cluster *cluster)
{
	struct plan *plan = cluster->plan;
	struct random dice;
	uint64_t next_us = random_below(&plan->client_dice, plan->client_us);
	cluster_plan(cluster, CLUSTER_CLIENT, 0, next_us);
	if (!decisions_make(&plan->decisions, DECISION_CLIENT, plan->requests++, &dice))
		return;
	struct node *leader = cluster_leader(cluster);
	uint64_t id = 1 + random_below(&dice, cluster->node_count);
	if (dice_chance(&dice, 700000) && leader != NULL)
		id = leader->id;
	/* At a paused node it waits among the messages. */
	cluster_plan(cluster, dice_chance(&dice, plan->write_ppm) ? CLUSTER_PROPOSE : CLUSTER_READ, id, 0);
}

/* ---- the calm ---- */

static void plan_calm(struct cluster *cluster)
{
	cluster->calm = true;
	cluster_say(cluster, "calm");
	faults_heal(cluster);
	cluster->weather = cluster_fair_weather;
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		cluster_resume(cluster, id);
		cluster_restart(cluster, id);
	}
}

static bool plan_recovered(struct cluster *cluster)
{
	struct node *leader = cluster_leader(cluster);
	if (leader == NULL || leader->update.commit < node_log_last(&leader->log))
		return false;
	const struct raft_config *config = raft_config_now(leader->raft);
	if (config->auto_leave)
		return false;
	for (size_t i = 0; i < config->count; i++) {
		const struct node *node = &cluster->nodes[config->members[i].id];
		if (node->raft == NULL || node->state.applied < leader->update.commit || node->update.damaged)
			return false;
	}
	return true;
}

static bool plan_probe_is_everywhere(struct cluster *cluster)
{
	const struct plan *plan = cluster->plan;
	return cluster->checker->committed >= plan->probe_index && plan_recovered(cluster);
}

static void plan_idle(struct cluster *cluster)
{
}

static uint64_t plan_in_ms(const struct cluster *cluster, uint64_t ms)
{
	return cluster->now_us + ms * CLUSTER_MS;
}

/* Liveness: a leader, a commit, everybody up to date, every read answered, nothing left in flight. */
static void plan_check_calm(struct cluster *cluster)
{
	struct plan *plan = cluster->plan;
	struct raft_status status;
	plan_calm(cluster);
	uint64_t deadline_us = plan_in_ms(cluster, PLAN_CALM_MS);
	/* Under load, which must not keep it from recovering; then without. */
	cluster_run(cluster, plan_in_ms(cluster, PLAN_CALM_MS / 2), NULL);
	cluster->client = plan_idle;
	if (!cluster_run(cluster, deadline_us, plan_recovered))
		verdict_fail(RULE_LIVENESS, "the cluster has not recovered %d ms after the faults ended", PLAN_CALM_MS);
	struct node *leader = cluster_leader(cluster);
	plan->probe_index = node_log_last(&leader->log) + 1;
	cluster_propose(cluster, leader->id, RAFT_ENTRY_COMMAND, BYTES_LITERAL("probe"));
	cluster_run(cluster, cluster->now_us + 1, NULL);
	if (!cluster_run(cluster, plan_in_ms(cluster, 3 * CLUSTER_ELECTION_MS), plan_probe_is_everywhere))
		verdict_fail(RULE_LIVENESS, "a proposal in the calm is not applied everywhere");
	cluster_run(cluster, plan_in_ms(cluster, 2 * CLUSTER_ELECTION_MS), NULL);
	leader = cluster_leader(cluster);
	raft_status(leader->raft, &status);
	if (status.uncommitted_bytes != 0)
		verdict_fail(RULE_LIVENESS, "%zu uncommitted bytes are left", status.uncommitted_bytes);
	for (uint64_t id = 1; id <= cluster->checker->read_count; id++)
		if (!cluster->checker->reads[id - 1].done)
			verdict_fail(RULE_LIVENESS, "read %ju never ends", (uintmax_t)id);
}

/* ---- making one ---- */

static void plan_enable(struct plan *plan, enum fault fault)
{
	for (size_t i = 0; i < plan->enabled_count; i++)
		if (plan->enabled[i] == fault)
			return;
	plan->enabled[plan->enabled_count++] = fault;
}

static void plan_choose_swarm(struct plan *plan, struct random *dice)
{
	for (int fault = 0; fault < FAULT_COUNT; fault++)
		if (dice_chance(dice, 400000) && fault != FAULT_REGROUP)
			plan_enable(plan, (enum fault)fault);
	for (int moment = 0; moment < MOMENT_COUNT; moment++)
		plan->moments[moment] = dice_chance(dice, 200000);
	plan_enable(plan, FAULT_HEAL);
	plan->moments[MOMENT_ROUT] = plan->moments[MOMENT_OVERTAKE] = plan->moments[MOMENT_AMNESIA] = true;
	plan->between_us = (50 + random_below(dice, 1000)) * CLUSTER_MS;
}

static void plan_choose_duel(struct cluster *cluster, struct plan *plan, struct random *dice)
{
	plan_enable(plan, FAULT_REGROUP);
	cluster->options.append_bytes_max = cluster->options.inflight_messages_max = 1;
	cluster->alone = 1;
	cluster->weather.modest_ppm = dice_chance(dice, 500000) ? 500000 : 0;
	plan->moments[MOMENT_ELECTED] = true;
	plan->between_us = 8000 * CLUSTER_MS; /* ambushes apart, an election fits in between */
}

static void plan_choose_rout(struct cluster *cluster, struct plan *plan)
{
	plan_enable(plan, FAULT_ROUT);
	plan_enable(plan, FAULT_HEAL);
	plan->between_us = 3000 * CLUSTER_MS;
	cluster->options.leases = plan->moments[MOMENT_ROUT] = true;
}

static void plan_choose_reconfig(struct plan *plan, struct random *dice)
{
	static const enum fault faults[] = {FAULT_CONFIG, FAULT_HALVES, FAULT_HEAL, FAULT_CRASH, FAULT_TRANSFER};
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		plan_enable(plan, faults[i]);
	plan->moments[MOMENT_HURRY] = true;
	plan->moments[MOMENT_CONFIG] = dice_chance(dice, 500000);
	plan->moments[MOMENT_ELECTED] = dice_chance(dice, 500000);
	plan->between_us = (200 + random_below(dice, 2000)) * CLUSTER_MS;
}

/* Logs are trimmed while answers are slow, and members hear late of what is committed: their windows are full by one message. */
static void plan_choose_overtakes(struct cluster *cluster, struct plan *plan)
{
	plan_enable(plan, FAULT_OVERTAKE);
	plan_enable(plan, FAULT_HEAL);
	cluster->options.inflight_messages_max = 1;
	cluster->options.append_bytes_max = 1024;
	plan->moments[MOMENT_OVERTAKE] = true;
	plan->write_ppm = 500000;
	plan->between_us = 2000 * CLUSTER_MS;
}

static void plan_choose_snapshots(struct cluster *cluster, struct plan *plan, struct random *dice)
{
	static const enum fault faults[] = {FAULT_TRIM,       FAULT_ONE_WAY, FAULT_MUTE, FAULT_OVERTAKE,
	                                    FAULT_DISCONNECT, FAULT_HEAL,    FAULT_CRASH};
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		plan_enable(plan, faults[i]);
	if (dice_chance(dice, 500000)) {
		plan_enable(plan, FAULT_DAMAGE);
		plan_enable(plan, FAULT_AMNESIA);
	}
	if (dice_chance(dice, 500000))
		plan_enable(plan, FAULT_STORM);
	if (dice_chance(dice,
	                500000)) /* a member's window is full by one message: it does not hear what is committed */
		cluster->options.inflight_messages_max = 1;
	cluster->weather.echo_ppm = dice_chance(dice, 500000) ? 300000 : 0;
	cluster->weather.echo_us_max = 3000 * CLUSTER_MS;
	cluster->weather.fetch_us_max = dice_chance(dice, 500000) ? 500 * CLUSTER_MS : 6000 * CLUSTER_MS;
	plan->moments[MOMENT_OFFERED] = dice_chance(dice, 300000);
	plan->moments[MOMENT_FETCHING] = dice_chance(dice, 800000);
	plan->moments[MOMENT_INSTALLED] = dice_chance(dice, 500000);
	plan->moments[MOMENT_OVERTAKE] = plan->moments[MOMENT_AMNESIA] = true;
	plan->write_ppm = dice_chance(dice, 500000) ? 500000 : 50000;
	plan->between_us = (20 + random_below(dice, 1000)) * CLUSTER_MS;
}

static void plan_choose_long(struct cluster *cluster, struct plan *plan, struct random *dice)
{
	plan_choose_swarm(plan, dice);
	plan_enable(plan, FAULT_STORM);
	plan_enable(plan, FAULT_PAUSE);
	plan->between_us = 8000 * CLUSTER_MS;
	plan->client_us *= 10;
	cluster->weather.echo_us_max = 180 * 1000 * (uint64_t)CLUSTER_MS;
}

static void plan_choose_faults(struct cluster *cluster, struct plan *plan, struct random *dice)
{
	switch (plan->kind) {
	case PLAN_SWARM:
		plan_choose_swarm(plan, dice);
		break;
	case PLAN_DUEL:
		plan_choose_duel(cluster, plan, dice);
		break;
	case PLAN_ROUT:
		plan_choose_rout(cluster, plan);
		break;
	case PLAN_RECONFIG:
		plan_choose_reconfig(plan, dice);
		break;
	case PLAN_SNAPSHOTS:
		if (dice_chance(dice, 300000))
			plan_choose_overtakes(cluster, plan);
		else
			plan_choose_snapshots(cluster, plan, dice);
		break;
	case PLAN_LONG:
		plan_choose_long(cluster, plan, dice);
		break;
	case PLAN_KINDS:
		break;
	}
}

static void plan_choose(struct cluster *cluster, struct plan *plan)
{
	struct random dice;
	dice_init(&dice, plan->decisions.seed, UINT64_MAX);
	plan->for_ms = plan_kinds[plan->kind].for_ms;
	plan->client_us = 20 * CLUSTER_MS;
	cluster->weather.echo_us_max = 15 * 1000 * CLUSTER_MS;
	/* With few writes, members that are cut off are not behind, and may be elected. */
	plan->write_ppm = plan->kind != PLAN_ROUT && dice_chance(&dice, 700000) ? 500000 : 5000;
	plan_choose_faults(cluster, plan, &dice);
}

struct plan_report plan_run(const struct plan_options *options)
{
	enum plan_kind kind = plan_kind_of(options->seed);
	struct plan plan = {.kind = kind, .decisions = {options->seed, options->kept, options->kept_count}};
	verdict_begin(options->seed);
	struct cluster *cluster = cluster_new(options->seed, plan_kinds[kind].voters, plan_kinds[kind].outsiders);
	plan_choose(cluster, &plan);
	dice_init(&plan.fault_dice, options->seed, UINT64_MAX - 1);
	dice_init(&plan.client_dice, options->seed, UINT64_MAX - 2);
	cluster->trace = options->trace;
	cluster->plan = &plan;
	cluster->fault = plan_fault;
	cluster->client = plan_client;
	cluster->moment = plan_moment;
	cluster->ambush = plan_ambush;
	cluster->flap = faults_flap;
	cluster_plan(cluster, CLUSTER_CLIENT, 0, 0);
	cluster_plan(cluster, CLUSTER_FAULT, 0, PLAN_FIRST_MS * (uint64_t)CLUSTER_MS);
	cluster_run(cluster, plan.for_ms * CLUSTER_MS, NULL);
	plan_check_calm(cluster);
	struct plan_report report = {.trace_hash = cluster->checker->trace_hash,
	                             .committed = cluster->checker->committed,
	                             .elections = cluster->checker->elections,
	                             .reads = cluster->checker->read_oks,
	                             .crashes = cluster->crashes,
	                             .delivered = cluster->delivered,
	                             .steps = verdict->steps};
	cluster_free(cluster);
	return report;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/faults.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/cluster.h"

enum {
	FAULTS_MS = 20000,      /* how long the faults last */
	FAULTS_CALM_MS = 25000, /* by when the cluster has recovered */
	FAULTS_CLIENT_US = 20000,
};

enum fault {
	FAULT_CRASH,
	FAULT_CRASH_ALL,
	FAULT_DAMAGE,
	FAULT_ISOLATE,
	FAULT_HALVES,
	FAULT_ONE_WAY,
	FAULT_BRIDGE,
	FAULT_HEAL,
	FAULT_PAUSE,
	FAULT_SLOW_DISK,
	FAULT_STORM,
	FAULT_TRIM,
	FAULT_TRANSFER,
	FAULT_CONFIG,
	FAULT_DISCONNECT,
	FAULT_ROUT,
	FAULT_REGROUP,
	FAULT_COUNT,
};

enum faults_kind {
	FAULTS_SWARM,
	FAULTS_DUEL, /* leaders come and go, one entry at a time, and nothing else happens: thesis §3.6.2, figure 3.7 */
	FAULTS_ROUT,      /* leaders are cut off while their leases run, and those that granted them restart */
	FAULTS_KINDS = 5, /* all others are swarms */
};

struct plan {
	bool enabled[FAULT_COUNT];
	enum faults_kind kind;
	uint64_t alone;
	uint32_t write_ppm; /* of what clients ask; the rest are reads */
	uint64_t between_us;
	uint64_t probe_index; /* calm: the entry that must be applied everywhere */
	uint64_t probe_number;
};

static uint64_t faults_pick(struct cluster *cluster)
{
	return 1 + random_below(&cluster->random, cluster->node_count);
}

/* Mostly the leader: that is where it hurts. */
static uint64_t faults_pick_target(struct cluster *cluster)
{
	struct node *leader = cluster_leader(cluster);
	return leader != NULL && cluster_chance(cluster, 500000) ? leader->id : faults_pick(cluster);
}

static void faults_crash(struct cluster *cluster, uint64_t id, enum cluster_damage damage)
{
	uint64_t long_us = 3 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS, short_us = 50 * CLUSTER_MS;
	cluster_crash(cluster, id, damage);
	cluster_plan(cluster, CLUSTER_RESTART, id,
	             random_below(&cluster->random, cluster_chance(cluster, 500000) ? long_us : short_us));
}

static bool faults_is_any_damaged(const struct cluster *cluster)
{
	for (uint64_t id = 1; id <= cluster->node_count; id++)
		if (cluster->nodes[id].damaged)
			return true;
	return false;
}

static size_t faults_voters(const struct raft_config *config, bool outgoing)
{
	size_t voters = 0;
	for (size_t i = 0; i < config->count; i++)
		voters += outgoing ? config->members[i].voter_outgoing : config->members[i].voter;
	return voters;
}

/* A log that is damaged on a quorum is lost: one at a time, while every configuration can do without it. */
static void faults_damage(struct cluster *cluster)
{
	if (faults_is_any_damaged(cluster))
		return;
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		if (!cluster_is_up(cluster, id))
			return;
		const struct raft_config *config = raft_config_now(cluster->nodes[id].raft);
		if (config->count != 0 && (faults_voters(config, false) < 3 || raft_config_is_joint(config)))
			return;
	}
	faults_crash(cluster, faults_pick(cluster), CLUSTER_DAMAGED);
}

static void faults_cut_both(struct cluster *cluster, uint64_t a, uint64_t b)
{
	cluster->cut[a][b] = cluster->cut[b][a] = true;
}

static void faults_isolate(struct cluster *cluster, uint64_t id)
{
	for (uint64_t other = 1; other <= cluster->node_count; other++)
		faults_cut_both(cluster, id, other);
}

static void faults_halves(struct cluster *cluster)
{
	uint64_t halves = random_next(&cluster->random);
	for (uint64_t a = 1; a <= cluster->node_count; a++)
		for (uint64_t b = 1; b <= cluster->node_count; b++)
			if ((halves >> a & 1) != (halves >> b & 1))
				faults_cut_both(cluster, a, b);
}

static void faults_heal(struct cluster *cluster)
{
	memset(cluster->cut, 0, sizeof cluster->cut);
	for (uint64_t id = 1; id <= cluster->node_count; id++)
		cluster->machines[id].disk_slow = false;
}

static void faults_storm(struct cluster *cluster)
{
	struct weather *weather = &cluster->weather;
	bool calm = cluster_chance(cluster, 300000);
	weather->drop_ppm = calm ? 0 : (uint32_t)random_below(&cluster->random, 300000);
	weather->repeat_ppm = calm ? 0 : (uint32_t)random_below(&cluster->random, 200000);
	weather->late_ppm = calm ? 0 : (uint32_t)random_below(&cluster->random, 100000);
	weather->delay_us_max = calm ? 5000 : 1000 + (uint32_t)random_below(&cluster->random, 300000);
}

static void faults_config(struct cluster *cluster)
{
	struct node *leader = cluster_leader(cluster);
	AUTO_BUFFER struct buffer payload = {0};
	struct raft_change changes[3];
	struct raft_config config;
	size_t count = 1 + random_below(&cluster->random, 3);
	if (leader == NULL || faults_is_any_damaged(cluster))
		return;
	for (size_t i = 0; i < count; i++)
		changes[i] = (struct raft_change){.op = (enum raft_change_op)(1 + random_below(&cluster->random, 3)),
		                                  .id = faults_pick(cluster)};
	buffer_init(&payload, NODE_PAYLOAD_MAX);
	raft_config_init(&config);
	raft_config_copy(&config, raft_config_now(leader->raft));
	enum err err;
	if (raft_config_is_joint(&config))
		err = raft_config_leave_joint(&config);
	else if (cluster_chance(cluster, 500000))
		err = raft_config_change(&config, changes, 1);
	else
		err = raft_config_enter_joint(&config, changes, count);
	config.auto_leave = raft_config_is_joint(&config) && cluster_chance(cluster, 700000);
	if (err == ERR_OK) {
		raft_config_encode(&config, &payload);
		cluster_propose(cluster, leader->id, RAFT_ENTRY_CONFIG, buffer_bytes(&payload));
	}
	raft_config_fini(&config);
}

static void faults_transfer(struct cluster *cluster)
{
	struct node *leader = cluster_leader(cluster);
	if (leader != NULL)
		cluster_step(cluster, leader->id,
		             (struct raft_event){.type = RAFT_EVENT_TRANSFER, .peer = faults_pick(cluster)});
}

/* One member does not hear the leader any more; a while later the leader is cut off from all, and those that followed it
 * until then begin again at once, when its lease still runs. */
static void faults_rout(struct cluster *cluster)
{
	struct node *leader = cluster_leader(cluster);
	uint64_t lapsed = faults_pick(cluster);
	if (leader == NULL || leader->id == lapsed)
		return;
	faults_cut_both(cluster, leader->id, lapsed);
	events_add(&cluster->events, (struct event){.at_us = cluster->now_us + (CLUSTER_ELECTION_MS +
	                                                                        random_below(&cluster->random, 1500)) *
	                                                                           (uint64_t)CLUSTER_MS,
	                                            .kind = CLUSTER_ROUT,
	                                            .node = leader->id,
	                                            .number = lapsed});
}

static void faults_rout_end(struct cluster *cluster, uint64_t leader, uint64_t lapsed)
{
	if (cluster->calm)
		return;
	faults_isolate(cluster, leader);
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		if (id == leader || id == lapsed || cluster_chance(cluster, 200000))
			continue;
		cluster_crash(cluster, id, CLUSTER_INTACT);
		cluster_plan(cluster, CLUSTER_RESTART, id, random_below(&cluster->random, 20 * CLUSTER_MS));
	}
}

/* Another member is alone from now on, and the rest hear one another. */
static void faults_regroup(struct cluster *cluster)
{
	struct plan *plan = cluster->plan;
	plan->alone = 1 + (plan->alone + random_below(&cluster->random, cluster->node_count - 1)) % cluster->node_count;
	memset(cluster->cut, 0, sizeof cluster->cut);
	faults_isolate(cluster, plan->alone);
}

static void faults_do(struct cluster *cluster, enum fault fault)
{
	uint64_t a = faults_pick(cluster), b = faults_pick(cluster), target = faults_pick_target(cluster);
	uint64_t long_us = 3 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS;
	switch (fault) {
	case FAULT_CRASH:
		faults_crash(cluster, target, CLUSTER_INTACT);
		break;
	case FAULT_CRASH_ALL:
		for (uint64_t id = 1; id <= cluster->node_count; id++)
			faults_crash(cluster, id, CLUSTER_INTACT);
		break;
	case FAULT_DAMAGE:
		faults_damage(cluster);
		break;
	case FAULT_ISOLATE:
		faults_isolate(cluster, target);
		break;
	case FAULT_HALVES:
		faults_halves(cluster);
		break;
	case FAULT_ONE_WAY:
		cluster->cut[target][a] = true;
		break;
	case FAULT_BRIDGE:
		faults_cut_both(cluster, a, b);
		break;
	case FAULT_HEAL:
		faults_heal(cluster);
		break;
	case FAULT_PAUSE:
		cluster_pause(cluster, target, random_below(&cluster->random, long_us));
		break;
	case FAULT_SLOW_DISK:
		cluster->machines[target].disk_slow = !cluster->machines[target].disk_slow;
		break;
	case FAULT_STORM:
		faults_storm(cluster);
		break;
	case FAULT_TRIM:
		cluster_trim(cluster, target);
		break;
	case FAULT_TRANSFER:
		faults_transfer(cluster);
		break;
	case FAULT_CONFIG:
		faults_config(cluster);
		break;
	case FAULT_DISCONNECT:
		cluster_step(cluster, a, (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = b});
		break;
	case FAULT_ROUT:
		faults_rout(cluster);
		break;
	case FAULT_REGROUP:
		faults_regroup(cluster);
		break;
	case FAULT_COUNT:
		break;
	}
}

static void faults_next(struct cluster *cluster)
{
	struct plan *plan = cluster->plan;
	if (cluster->calm)
		return;
	enum fault fault = (enum fault)random_below(&cluster->random, FAULT_COUNT);
	if (plan->enabled[fault])
		faults_do(cluster, fault);
	cluster_plan(cluster, CLUSTER_FAULT, 0, random_below(&cluster->random, plan->between_us));
}

/* ---- clients ---- */

static void faults_client(struct cluster *cluster)
{
	const struct plan *plan = cluster->plan;
	struct node *leader = cluster_leader(cluster);
	uint64_t id = leader != NULL && cluster_chance(cluster, 700000) ? leader->id : faults_pick(cluster);
	/* At a paused node it waits among the messages. */
	cluster_plan(cluster, cluster_chance(cluster, plan->write_ppm) ? CLUSTER_PROPOSE : CLUSTER_READ, id, 0);
	cluster_plan(cluster, CLUSTER_CLIENT, 0, random_below(&cluster->random, FAULTS_CLIENT_US));
}

/* ---- the calm ---- */

static void faults_end(struct cluster *cluster)
{
	cluster->calm = true;
	faults_heal(cluster);
	cluster->weather = (struct weather){.delay_us_max = 5000, .disk_us_max = 5000};
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		cluster->machines[id].paused_until_us = 0;
		cluster_restart(cluster, id);
	}
}

static bool faults_recovered(struct cluster *cluster)
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

static bool faults_probe_is_everywhere(struct cluster *cluster)
{
	struct plan *plan = cluster->plan;
	return cluster->checker->committed >= plan->probe_index && faults_recovered(cluster);
}

static void faults_idle(struct cluster *cluster)
{
}

/* Liveness: a leader, a commit, everybody up to date, every read answered, nothing left in flight. */
static void faults_check_calm(struct cluster *cluster)
{
	struct plan *plan = cluster->plan;
	faults_end(cluster);
	uint64_t deadline_us = cluster->now_us + FAULTS_CALM_MS * (uint64_t)CLUSTER_MS;
	/* Under load, which must not keep it from recovering; then without. */
	cluster_run(cluster, cluster->now_us + FAULTS_CALM_MS * (uint64_t)CLUSTER_MS / 2, NULL);
	cluster->client = faults_idle;
	if (!cluster_run(cluster, deadline_us, faults_recovered))
		checker_fail("the cluster has not recovered %d ms after the faults ended", FAULTS_CALM_MS);
	struct node *leader = cluster_leader(cluster);
	plan->probe_index = node_log_last(&leader->log) + 1;
	cluster_propose(cluster, leader->id, RAFT_ENTRY_COMMAND, BYTES_LITERAL("probe"));
	cluster_run(cluster, cluster->now_us + 1, NULL);
	if (!cluster_run(cluster, cluster->now_us + 3 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS,
	                 faults_probe_is_everywhere))
		checker_fail("a proposal in the calm is not applied everywhere");
	cluster_run(cluster, cluster->now_us + 2 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS, NULL);
	struct raft_status status;
	leader = cluster_leader(cluster);
	raft_status(leader->raft, &status);
	if (status.uncommitted_bytes != 0)
		checker_fail("%zu uncommitted bytes are left", status.uncommitted_bytes);
}

/* A leader that is lost right after its election leaves a tail that nobody else has. */
static void faults_ambush(struct cluster *cluster, uint64_t leader)
{
	const struct plan *plan = cluster->plan;
	if (cluster->calm || cluster_chance(cluster, 300000))
		return;
	if (plan->kind == FAULTS_DUEL || cluster_chance(cluster, 500000))
		cluster_silence(cluster, leader);
	if (plan->kind == FAULTS_DUEL)
		faults_regroup(cluster);
	else if (cluster_chance(cluster, 500000))
		faults_crash(cluster, leader, CLUSTER_INTACT);
	else
		faults_isolate(cluster, leader);
}

static void faults_plan(struct cluster *cluster, struct plan *plan)
{
	for (int fault = 0; fault < FAULT_COUNT; fault++)
		plan->enabled[fault] = cluster_chance(cluster, 400000);
	plan->between_us = (20 + random_below(&cluster->random, 400)) * CLUSTER_MS;
	if (plan->kind != FAULTS_SWARM)
		memset(plan->enabled, 0, sizeof plan->enabled);
	if (plan->kind == FAULTS_DUEL) {
		cluster->options.append_bytes_max = cluster->options.inflight_messages_max = 1;
		plan->between_us = 600 * CLUSTER_MS; /* ambushes apart, an election fits in between */
	}
	plan->enabled[FAULT_REGROUP] = plan->kind == FAULTS_DUEL;
	plan->enabled[FAULT_HEAL] = plan->kind != FAULTS_DUEL;
	if (plan->kind == FAULTS_ROUT)
		cluster->options.leases = plan->enabled[FAULT_ROUT] = true;
	/* With few writes, members that are cut off are not behind, and may be elected. */
	plan->write_ppm = plan->kind != FAULTS_ROUT && cluster_chance(cluster, 700000) ? 500000 : 5000;
	cluster->plan = plan;
	cluster->fault = faults_next;
	cluster->client = faults_client;
	cluster->ambush = faults_ambush;
	cluster->rout = faults_rout_end;
	cluster->ambushes =
	    plan->kind == FAULTS_DUEL || (plan->kind == FAULTS_SWARM && cluster_chance(cluster, 300000));
	cluster_plan(cluster, CLUSTER_CLIENT, 0, 0);
	cluster_plan(cluster, CLUSTER_FAULT, 0, 2 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS);
}

struct faults_report faults_run(uint64_t seed)
{
	checker_seed = seed;
	uint64_t kind = seed % FAULTS_KINDS;
	struct plan plan = {.kind = kind == FAULTS_DUEL || kind == FAULTS_ROUT ? (enum faults_kind)kind : FAULTS_SWARM};
	struct cluster *cluster = cluster_new(seed, plan.kind != FAULTS_SWARM ? 3 : 0);
	faults_plan(cluster, &plan);
	cluster_run(cluster, (plan.kind != FAULTS_SWARM ? 2 : 1) * FAULTS_MS * (uint64_t)CLUSTER_MS, NULL);
	faults_check_calm(cluster);
	struct faults_report report = {.trace_hash = cluster->checker->trace_hash,
	                               .committed = cluster->checker->committed,
	                               .elections = cluster->checker->elections,
	                               .reads = cluster->checker->read_oks,
	                               .crashes = cluster->crashes,
	                               .delivered = cluster->delivered};
	cluster_free(cluster);
	return report;
}

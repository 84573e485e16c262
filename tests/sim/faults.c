/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/faults.h"

#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "tests/sim/coverage.h"
#include "tests/sim/decisions.h"

enum {
	FAULTS_LONG_US = 3 * CLUSTER_ELECTION_MS * CLUSTER_MS,
	FAULTS_SHORT_US = 50 * CLUSTER_MS,
	FAULTS_FLAPS_MAX = 20,
};

static uint64_t faults_pick(const struct cluster *cluster, struct random *dice)
{
	return 1 + random_below(dice, cluster->node_count);
}

/* Mostly the leader: that is where it hurts. */
static uint64_t faults_pick_target(struct cluster *cluster, struct random *dice)
{
	struct node *leader = cluster_leader(cluster);
	uint64_t other = faults_pick(cluster, dice);
	return dice_chance(dice, 500000) && leader != NULL ? leader->id : other;
}

/* ---- crashes ---- */

static void faults_crash(struct cluster *cluster, uint64_t id, enum cluster_damage damage, struct random *dice)
{
	cluster_crash(cluster, id, damage);
	cluster_plan(cluster, CLUSTER_RESTART, id,
	             random_below(dice, dice_chance(dice, 500000) ? FAULTS_LONG_US : FAULTS_SHORT_US));
}

static void faults_crash_all(struct cluster *cluster, struct random *dice)
{
	coverage_add(COVERAGE_CRASH_ALL);
	for (uint64_t id = 1; id <= cluster->node_count; id++)
		faults_crash(cluster, id, CLUSTER_INTACT, dice);
}

static bool faults_is_any_damaged(const struct cluster *cluster)
{
	for (uint64_t id = 1; id <= cluster->node_count; id++)
		if (cluster->nodes[id].damaged)
			return true;
	return false;
}

static size_t faults_voters(const struct raft_config *config)
{
	size_t voters = 0;
	for (size_t i = 0; i < config->count; i++)
		voters += config->members[i].voter;
	return voters;
}

/* A log that is damaged on a quorum is lost: one at a time, while every configuration can do without it. */
static void faults_damage(struct cluster *cluster, uint64_t id, struct random *dice)
{
	if (faults_is_any_damaged(cluster))
		return;
	for (uint64_t other = 1; other <= cluster->node_count; other++) {
		if (!cluster_is_up(cluster, other))
			return;
		const struct raft_config *config = raft_config_now(cluster->nodes[other].raft);
		if (config->count != 0 && (faults_voters(config) < 3 || raft_config_is_joint(config)))
			return;
	}
	faults_crash(cluster, id, CLUSTER_DAMAGED, dice);
}

static void faults_pause(struct cluster *cluster, uint64_t id, struct random *dice)
{
	static const enum coverage lengths[] = {COVERAGE_PAUSE_SHORT, COVERAGE_PAUSE_LONG, COVERAGE_PAUSE_HUGE};
	uint64_t from_us = CLUSTER_ELECTION_MS / 10 * CLUSTER_MS;
	size_t length = dice_chance(dice, 50000) ? 2 : random_below(dice, 2);
	for (size_t i = 0; i < length; i++)
		from_us *= 10;
	coverage_add(lengths[length]);
	cluster_pause(cluster, id, from_us + random_below(dice, 9 * from_us));
}

static void faults_slow_disk(struct cluster *cluster, uint64_t id)
{
	coverage_add(COVERAGE_SLOW_DISK);
	cluster->machines[id].disk_slow = !cluster->machines[id].disk_slow;
}

/* ---- the network ---- */

static void faults_cut_both(struct cluster *cluster, uint64_t a, uint64_t b)
{
	cluster->cut[a][b] = cluster->cut[b][a] = true;
}

static void faults_isolate(struct cluster *cluster, uint64_t id)
{
	coverage_add(COVERAGE_ISOLATE);
	for (uint64_t other = 1; other <= cluster->node_count; other++)
		faults_cut_both(cluster, id, other);
}

/* `common` is in both. */
static void faults_part(struct cluster *cluster, uint64_t halves, uint64_t common)
{
	coverage_add(common != 0 ? COVERAGE_ISLANDS : COVERAGE_HALVES);
	for (uint64_t a = 1; a <= cluster->node_count; a++)
		for (uint64_t b = 1; b <= cluster->node_count; b++)
			if ((halves >> a & 1) != (halves >> b & 1) && a != common && b != common)
				faults_cut_both(cluster, a, b);
}

static void faults_deafen(struct cluster *cluster, uint64_t id)
{
	coverage_add(COVERAGE_DEAF);
	for (uint64_t other = 1; other <= cluster->node_count; other++)
		cluster->cut[other][id] = true;
}

static void faults_mute(struct cluster *cluster, uint64_t id)
{
	coverage_add(COVERAGE_MUTE);
	for (uint64_t other = 1; other <= cluster->node_count; other++)
		cluster->cut[id][other] = true;
}

static void faults_cut(struct cluster *cluster, uint64_t from, uint64_t to)
{
	coverage_add(COVERAGE_ONE_WAY);
	cluster->cut[from][to] = true;
}

static void faults_bridge(struct cluster *cluster, uint64_t a, uint64_t b)
{
	coverage_add(COVERAGE_BRIDGE);
	faults_cut_both(cluster, a, b);
}

static void faults_slow_link(struct cluster *cluster, uint64_t from, uint64_t to, struct random *dice)
{
	coverage_add(COVERAGE_SLOW_LINK);
	cluster->slow_us[from][to] = (uint32_t)random_below(dice, CLUSTER_ELECTION_MS * CLUSTER_MS);
}

static void faults_flap_begin(struct cluster *cluster, uint64_t a, uint64_t b, struct random *dice)
{
	uint64_t flaps = 2 * (1 + random_below(dice, FAULTS_FLAPS_MAX / 2)), in_us = 0;
	uint64_t period_us = (20 + random_below(dice, 600)) * CLUSTER_MS;
	coverage_add(COVERAGE_FLAP);
	for (uint64_t i = 0; i < flaps; i++) {
		cluster_plan_key(cluster, CLUSTER_FLAP, a, in_us, b);
		in_us += period_us / 2 + random_below(dice, period_us);
	}
}

void faults_flap(struct cluster *cluster, uint64_t node, uint64_t key)
{
	if (cluster->calm || node == key)
		return;
	cluster->cut[node][key] = !cluster->cut[node][key];
	cluster->cut[key][node] = cluster->cut[node][key];
}

void faults_heal(struct cluster *cluster)
{
	coverage_add(COVERAGE_HEAL);
	memset(cluster->cut, 0, sizeof cluster->cut);
	memset(cluster->slow_us, 0, sizeof cluster->slow_us);
	for (uint64_t id = 1; id <= cluster->node_count; id++)
		cluster->machines[id].disk_slow = false;
}

static void faults_storm(struct cluster *cluster, struct random *dice)
{
	struct weather *weather = &cluster->weather;
	bool calm = dice_chance(dice, 300000);
	coverage_add(COVERAGE_STORM);
	weather->drop_ppm = calm ? 0 : (uint32_t)random_below(dice, 300000);
	weather->repeat_ppm = calm ? 0 : (uint32_t)random_below(dice, 200000);
	weather->late_ppm = calm ? 0 : (uint32_t)random_below(dice, 100000);
	weather->echo_ppm = calm ? 0 : (uint32_t)random_below(dice, 100000);
	weather->modest_ppm = calm ? 0 : (uint32_t)random_below(dice, 500000);
	weather->delay_us_max = calm ? 5000 : 1000 + (uint32_t)random_below(dice, 300000);
}

/* One member is alone from now on, and the rest hear one another. */
static void faults_leave_alone(struct cluster *cluster, uint64_t id)
{
	coverage_add(COVERAGE_REGROUP);
	cluster->alone = id;
	memset(cluster->cut, 0, sizeof cluster->cut);
	faults_isolate(cluster, id);
}

static void faults_regroup(struct cluster *cluster, struct random *dice)
{
	if (cluster->node_count < 2)
		return;
	faults_leave_alone(cluster,
	                   1 + (cluster->alone + random_below(dice, cluster->node_count - 1)) % cluster->node_count);
}

static void faults_disconnect(struct cluster *cluster, uint64_t a, uint64_t b)
{
	coverage_add(COVERAGE_DISCONNECT);
	cluster_step(cluster, a, (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = b});
}

/* ---- what an operator asks ---- */

static void faults_count_simple(const struct raft_config *from, const struct raft_config *to, uint64_t id)
{
	const struct raft_member *before = raft_config_find(from, id), *after = raft_config_find(to, id);
	if (before == NULL && after != NULL)
		coverage_add(after->voter ? COVERAGE_VOTER_ADDED : COVERAGE_LEARNER_ADDED);
	if (before != NULL && before->voter && after == NULL)
		coverage_add(COVERAGE_VOTER_REMOVED);
	if (before != NULL && before->voter && after != NULL && !after->voter)
		coverage_add(COVERAGE_VOTER_DEMOTED);
	if (before != NULL && !before->voter && after != NULL && after->voter)
		coverage_add(COVERAGE_LEARNER_PROMOTED);
}

static void faults_count_change(const struct raft_config *from, const struct raft_config *to, uint64_t id)
{
	if (raft_config_is_joint(from))
		return;
	if (raft_config_is_joint(to))
		coverage_add(to->auto_leave ? COVERAGE_JOINT : COVERAGE_JOINT_BY_HAND);
	else
		faults_count_simple(from, to, id);
}

static void faults_config_propose(struct cluster *cluster, struct node *leader, const struct raft_config *config,
                                  uint64_t id)
{
	AUTO_BUFFER struct buffer payload = {0};
	struct raft_config before;
	buffer_init(&payload, NODE_PAYLOAD_MAX);
	raft_config_encode(config, &payload);
	raft_config_init(&before);
	raft_config_copy(&before, raft_config_now(leader->raft));
	cluster_propose(cluster, leader->id, RAFT_ENTRY_CONFIG, buffer_bytes(&payload));
	if (leader->update.proposal == ERR_BUSY)
		coverage_add(COVERAGE_CONFIG_BUSY);
	else
		faults_count_change(&before, config, id);
	raft_config_fini(&before);
}

static void faults_config(struct cluster *cluster, struct random *dice)
{
	struct node *leader = cluster_leader(cluster);
	struct raft_change changes[3];
	struct raft_config config;
	size_t count = 1 + random_below(dice, 3);
	if (leader == NULL || faults_is_any_damaged(cluster))
		return;
	for (size_t i = 0; i < count; i++)
		changes[i] = (struct raft_change){.op = (enum raft_change_op)(1 + random_below(dice, 3)),
		                                  .id = faults_pick(cluster, dice)};
	raft_config_init(&config);
	raft_config_copy(&config, raft_config_now(leader->raft));
	enum err err;
	if (raft_config_is_joint(&config))
		err = raft_config_leave_joint(&config);
	else if (dice_chance(dice, 500000))
		err = raft_config_change(&config, changes, 1);
	else
		err = raft_config_enter_joint(&config, changes, count);
	config.auto_leave = raft_config_is_joint(&config) && dice_chance(dice, 700000);
	if (err == ERR_OK)
		faults_config_propose(cluster, leader, &config, changes[0].id);
	raft_config_fini(&config);
}

static void faults_transfer(struct cluster *cluster, struct random *dice)
{
	struct node *leader = cluster_leader(cluster);
	if (leader == NULL)
		return;
	coverage_add(COVERAGE_TRANSFER_ASKED);
	cluster_step(cluster, leader->id,
	             (struct raft_event){.type = RAFT_EVENT_TRANSFER, .peer = faults_pick(cluster, dice)});
}

static void faults_trim(struct cluster *cluster, uint64_t id)
{
	coverage_add(COVERAGE_TRIM);
	cluster_trim(cluster, id);
}

/* ---- one by one ---- */

/* One member does not hear the leader any more; a while later the leader is cut off from all, and those that followed it
 * until then begin again at once, when its lease still runs. */
static void faults_rout(struct cluster *cluster, struct random *dice)
{
	struct node *leader = cluster_leader(cluster);
	uint64_t lapsed = faults_pick(cluster, dice);
	if (leader == NULL || leader->id == lapsed)
		return;
	faults_cut_both(cluster, leader->id, lapsed);
	cluster->moment(cluster, MOMENT_ROUT, leader->id, cluster->now_us / CLUSTER_MS << 8 | lapsed);
}

/* A member's answers are lost or slow; meanwhile the log goes on and is trimmed, and the leader does not know how far the
 * member is. */
static void faults_overtake(struct cluster *cluster, struct random *dice)
{
	struct node *leader = cluster_leader(cluster);
	uint64_t member = faults_pick(cluster, dice);
	if (leader == NULL || leader->id == member)
		return;
	if (dice_chance(dice, 500000))
		cluster->cut[member][leader->id] = true;
	else
		for (uint64_t id = 1; id <= cluster->node_count; id++)
			faults_slow_link(cluster, id, leader->id, dice);
	cluster->moment(cluster, MOMENT_OVERTAKE, leader->id, cluster->now_us / CLUSTER_MS << 8 | member);
}

/* A member is left behind; a while later another loses its log, and the leader, which has everything, is cut off. */
static void faults_amnesia(struct cluster *cluster, struct random *dice)
{
	struct node *leader = cluster_leader(cluster);
	uint64_t behind = faults_pick(cluster, dice);
	if (leader == NULL || leader->id == behind)
		return;
	faults_isolate(cluster, behind);
	cluster->moment(cluster, MOMENT_AMNESIA, leader->id, cluster->now_us / CLUSTER_MS << 8 | behind);
}

struct aim { /* whom it meets */
	uint64_t target, a, b;
};

static void faults_dispatch(struct cluster *cluster, enum fault fault, struct aim aim, struct random *dice)
{
	switch (fault) {
	case FAULT_CRASH:
		faults_crash(cluster, aim.target, CLUSTER_INTACT, dice);
		break;
	case FAULT_CRASH_ALL:
		faults_crash_all(cluster, dice);
		break;
	case FAULT_DAMAGE:
		faults_damage(cluster, aim.a, dice);
		break;
	case FAULT_ISOLATE:
		faults_isolate(cluster, aim.target);
		break;
	case FAULT_HALVES:
		faults_part(cluster, random_next(dice), 0);
		break;
	case FAULT_ISLANDS:
		faults_part(cluster, random_next(dice), aim.target);
		break;
	case FAULT_ONE_WAY:
		faults_cut(cluster, aim.target, aim.a);
		break;
	case FAULT_DEAF:
		faults_deafen(cluster, aim.target);
		break;
	case FAULT_MUTE:
		faults_mute(cluster, aim.target);
		break;
	case FAULT_BRIDGE:
		faults_bridge(cluster, aim.a, aim.b);
		break;
	case FAULT_SLOW_LINK:
		faults_slow_link(cluster, aim.a, aim.b, dice);
		break;
	case FAULT_FLAP:
		faults_flap_begin(cluster, aim.target, aim.a, dice);
		break;
	case FAULT_HEAL:
		faults_heal(cluster);
		break;
	case FAULT_PAUSE:
		faults_pause(cluster, aim.target, dice);
		break;
	case FAULT_SLOW_DISK:
		faults_slow_disk(cluster, aim.target);
		break;
	case FAULT_STORM:
		faults_storm(cluster, dice);
		break;
	case FAULT_TRIM:
		faults_trim(cluster, aim.target);
		break;
	case FAULT_TRANSFER:
		faults_transfer(cluster, dice);
		break;
	case FAULT_CONFIG:
		faults_config(cluster, dice);
		break;
	case FAULT_DISCONNECT:
		faults_disconnect(cluster, dice_chance(dice, 500000) ? aim.target : aim.a, aim.b);
		break;
	case FAULT_ROUT:
		faults_rout(cluster, dice);
		break;
	case FAULT_OVERTAKE:
		faults_overtake(cluster, dice);
		break;
	case FAULT_AMNESIA:
		faults_amnesia(cluster, dice);
		break;
	case FAULT_REGROUP:
		faults_regroup(cluster, dice);
		break;
	case FAULT_COUNT:
		break;
	}
}

void faults_do(struct cluster *cluster, enum fault fault, struct random *dice)
{
	static const char *const names[] = {
	    [FAULT_CRASH] = "crash",         [FAULT_CRASH_ALL] = "crash all",
	    [FAULT_DAMAGE] = "damage",       [FAULT_ISOLATE] = "isolate",
	    [FAULT_HALVES] = "halves",       [FAULT_ISLANDS] = "islands",
	    [FAULT_ONE_WAY] = "one way",     [FAULT_DEAF] = "deaf",
	    [FAULT_MUTE] = "mute",           [FAULT_BRIDGE] = "bridge",
	    [FAULT_SLOW_LINK] = "slow link", [FAULT_FLAP] = "flap",
	    [FAULT_HEAL] = "heal",           [FAULT_PAUSE] = "pause",
	    [FAULT_SLOW_DISK] = "slow disk", [FAULT_STORM] = "storm",
	    [FAULT_TRIM] = "trim",           [FAULT_TRANSFER] = "transfer",
	    [FAULT_CONFIG] = "config",       [FAULT_DISCONNECT] = "disconnect",
	    [FAULT_ROUT] = "rout",           [FAULT_OVERTAKE] = "overtake",
	    [FAULT_AMNESIA] = "amnesia",     [FAULT_REGROUP] = "regroup",
	};
	struct aim aim = {.a = faults_pick(cluster, dice), .b = faults_pick(cluster, dice)};
	aim.target = faults_pick_target(cluster, dice);
	cluster_say(cluster, "fault: %s (%ju %ju %ju)", names[fault], (uintmax_t)aim.target, (uintmax_t)aim.a,
	            (uintmax_t)aim.b);
	faults_dispatch(cluster, fault, aim, dice);
}

/* ---- ambushes ---- */

/* A leader that is lost right after its election leaves a tail that nobody else has. In a duel one is left alone then. */
static void faults_ambush_elected(struct cluster *cluster, uint64_t leader, struct random *dice)
{
	bool duel = cluster->alone != 0;
	if (duel || dice_chance(dice, 500000))
		cluster_silence(cluster, leader);
	if (duel && dice_chance(dice, 700000))
		faults_leave_alone(cluster, leader);
	else if (duel)
		faults_regroup(cluster, dice);
	else if (dice_chance(dice, 500000))
		faults_crash(cluster, leader, CLUSTER_INTACT, dice);
	else
		faults_isolate(cluster, leader);
}

static void faults_ambush_rout(struct cluster *cluster, uint64_t leader, uint64_t lapsed, struct random *dice)
{
	faults_isolate(cluster, leader);
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		if (id == leader || id == lapsed || dice_chance(dice, 200000))
			continue;
		cluster_crash(cluster, id, CLUSTER_INTACT);
		cluster_plan(cluster, CLUSTER_RESTART, id, random_below(dice, 20 * CLUSTER_MS));
	}
}

static void faults_ambush_overtake(struct cluster *cluster, uint64_t leader, uint64_t member)
{
	cluster_trim(cluster, leader);
	faults_disconnect(cluster, leader, member);
	cluster->cut[member][leader] = false;
}

static void faults_ambush_amnesia(struct cluster *cluster, uint64_t leader, uint64_t behind, struct random *dice)
{
	memset(cluster->cut, 0, sizeof cluster->cut);
	faults_isolate(cluster, leader);
	faults_damage(cluster, 1 + (behind + random_below(dice, cluster->node_count - 1)) % cluster->node_count, dice);
}

static void faults_ambush_any(struct cluster *cluster, uint64_t node, struct random *dice)
{
	static const enum fault choices[] = {FAULT_CRASH,    FAULT_ISOLATE, FAULT_PAUSE,      FAULT_TRIM,
	                                     FAULT_TRANSFER, FAULT_CONFIG,  FAULT_DISCONNECT, FAULT_HALVES};
	struct node *leader = cluster_leader(cluster);
	if (dice_chance(dice, 300000))
		cluster_silence(cluster, node);
	switch (random_below(dice, 4)) {
	case 0:
		faults_crash(cluster, node, CLUSTER_INTACT, dice);
		break;
	case 1:
		faults_isolate(cluster, node);
		break;
	case 2:
		if (leader != NULL)
			faults_crash(cluster, leader->id, CLUSTER_INTACT, dice);
		break;
	case 3:
		faults_do(cluster, choices[random_below(dice, sizeof choices / sizeof choices[0])], dice);
		break;
	}
}

/* Of all that fetch, only a damaged node speaks to the next leader, which then offers something newer. */
static void faults_ambush_fetching(struct cluster *cluster, uint64_t node, struct random *dice)
{
	struct node *leader = cluster_leader(cluster);
	if (cluster->nodes[node].damaged && leader != NULL && dice_chance(dice, 800000))
		faults_isolate(cluster, leader->id);
	else
		faults_ambush_any(cluster, node, dice);
}

/* What it has got, it loses again, when offers of it may still be under way. */
static void faults_ambush_installed(struct cluster *cluster, uint64_t node, struct random *dice)
{
	if (dice_chance(dice, 500000))
		faults_damage(cluster, node, dice);
	else
		faults_ambush_any(cluster, node, dice);
}

void faults_ambush(struct cluster *cluster, enum cluster_moment moment, uint64_t node, uint64_t number,
                   struct random *dice)
{
	static const struct {
		const char *name;
		enum coverage coverage;
	} moments[] = {
	    [MOMENT_ELECTED] = {"elected", COVERAGE_AMBUSH_ELECTED},
	    [MOMENT_OFFERED] = {"offered", COVERAGE_AMBUSH_OFFERED},
	    [MOMENT_FETCHING] = {"fetching", COVERAGE_AMBUSH_FETCHING},
	    [MOMENT_INSTALLED] = {"installed", COVERAGE_AMBUSH_INSTALLED},
	    [MOMENT_CONFIG] = {"config", COVERAGE_AMBUSH_CONFIG},
	    [MOMENT_TRANSFER] = {"transfer", COVERAGE_AMBUSH_TRANSFER},
	    [MOMENT_TRUNCATED] = {"truncated", COVERAGE_AMBUSH_TRUNCATED},
	    [MOMENT_HURRY] = {"hurry", COVERAGE_HURRY},
	    [MOMENT_ROUT] = {"rout", COVERAGE_ROUT},
	    [MOMENT_OVERTAKE] = {"overtake", COVERAGE_OVERTAKE},
	    [MOMENT_AMNESIA] = {"amnesia", COVERAGE_AMNESIA},
	};
	if (cluster->calm)
		return;
	cluster_say(cluster, "ambush: %s %ju", moments[moment].name, (uintmax_t)node);
	coverage_add(moments[moment].coverage);
	switch (moment) {
	case MOMENT_ELECTED:
		faults_ambush_elected(cluster, node, dice);
		break;
	case MOMENT_HURRY:
		faults_config(cluster, dice);
		break;
	case MOMENT_ROUT:
		faults_ambush_rout(cluster, node, number, dice);
		break;
	case MOMENT_OVERTAKE:
		faults_ambush_overtake(cluster, node, number);
		break;
	case MOMENT_AMNESIA:
		faults_ambush_amnesia(cluster, node, number, dice);
		break;
	case MOMENT_INSTALLED:
		faults_ambush_installed(cluster, node, dice);
		break;
	case MOMENT_FETCHING:
		faults_ambush_fetching(cluster, node, dice);
		break;
	case MOMENT_OFFERED:
	case MOMENT_CONFIG:
	case MOMENT_TRANSFER:
	case MOMENT_TRUNCATED:
	case MOMENT_COUNT:
		faults_ambush_any(cluster, node, dice);
		break;
	}
}

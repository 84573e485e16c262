/* SPDX-License-Identifier: Apache-2.0 */
/* The faults that can be done to a cluster. Which are done, and when, is for plan.h; each gets dice of its own. */
#pragma once

#include "tests/sim/cluster.h"

enum fault {
	FAULT_CRASH,
	FAULT_CRASH_ALL,
	FAULT_DAMAGE,
	FAULT_ISOLATE,
	FAULT_HALVES,
	FAULT_ISLANDS,
	FAULT_ONE_WAY,
	FAULT_DEAF,
	FAULT_MUTE,
	FAULT_BRIDGE,
	FAULT_SLOW_LINK,
	FAULT_FLAP,
	FAULT_HEAL,
	FAULT_PAUSE,
	FAULT_SLOW_DISK,
	FAULT_STORM,
	FAULT_TRIM,
	FAULT_TRANSFER,
	FAULT_CONFIG,
	FAULT_DISCONNECT,
	FAULT_ROUT,
	FAULT_OVERTAKE,
	FAULT_AMNESIA,
	FAULT_REGROUP,
	FAULT_COUNT,
};

void faults_do(struct cluster *cluster, enum fault fault, struct random *dice);
void faults_heal(struct cluster *cluster);
/* What was planned for a moment, or by a flap. */
void faults_ambush(struct cluster *cluster, enum cluster_moment moment, uint64_t node, uint64_t number,
                   struct random *dice);
void faults_flap(struct cluster *cluster, uint64_t node, uint64_t key);

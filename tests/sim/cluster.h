/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes on virtual time, their network, clocks and disks, all from one seed. Faults are asked for here and planned in
 * faults.h; what must hold is in checker.h.
 *
 * A node's clock has its own rate within CLUSTER_DRIFT_PPM of true time, which is what raft/lease.h allows, and its own
 * offset. A paused node's events wait; its clock goes on.
 */
#pragma once

#include "base/random.h"
#include "tests/sim/checker.h"
#include "tests/sim/events.h"
#include "tests/sim/node.h"

enum {
	CLUSTER_HEARTBEAT_MS = 100,
	CLUSTER_ELECTION_MS = 1000,
	CLUSTER_DRIFT_PPM = 100000,
	CLUSTER_MS = 1000, /* microseconds */
};

enum cluster_event {
	CLUSTER_DELIVER = 1,
	CLUSTER_TICK,
	CLUSTER_DISK,
	CLUSTER_FETCHED,
	CLUSTER_SNAPSHOT_MADE,
	CLUSTER_RESTART,
	CLUSTER_CLIENT,
	CLUSTER_READ,
	CLUSTER_PROPOSE,
	CLUSTER_FAULT,
	CLUSTER_AMBUSH,
	CLUSTER_ROUT,
};

struct machine {       /* what surrounds a node */
	uint64_t life; /* grows with each crash: events of an earlier life are void */
	uint64_t clock_ppm, clock_offset_ms;
	uint64_t paused_until_us;
	uint64_t tick_at_us; /* of the newest tick that was asked for */
	bool disk_busy, disk_slow, stall_told;
	uint64_t fetch; /* grows with each fetch: an earlier one is void */
};

struct weather { /* of the network and the disks */
	uint32_t drop_ppm, repeat_ppm, late_ppm;
	uint32_t delay_us_max;
	uint32_t disk_us_max;
};

struct cluster {
	struct random random;
	uint64_t now_us;
	struct events events;
	struct node nodes[CHECKER_NODES_MAX + 1];
	struct machine machines[CHECKER_NODES_MAX + 1];
	size_t node_count, voter_count;
	bool cut[CHECKER_NODES_MAX + 1][CHECKER_NODES_MAX + 1]; /* [from][to] */
	struct weather weather;
	struct raft_options options;
	struct checker *checker;
	bool calm; /* no more faults */
	uint64_t proposed, delivered, crashes;
	void (*fault)(struct cluster *cluster);
	void (*client)(struct cluster *cluster);
	void (*ambush)(struct cluster *cluster, uint64_t leader); /* a new leader, soon after */
	void (*rout)(struct cluster *cluster, uint64_t leader, uint64_t lapsed);
	bool ambushes;
	void *plan;
};

/* voters 0: as many as the seed says, and others beside them. */
struct cluster *cluster_new(uint64_t seed, size_t voters);
void cluster_free(struct cluster *cluster);
/* Until then, or until `done` says so; false if it never did. */
bool cluster_run(struct cluster *cluster, uint64_t until_us, bool (*done)(struct cluster *cluster));
bool cluster_chance(struct cluster *cluster, uint32_t ppm);
void cluster_plan(struct cluster *cluster, enum cluster_event kind, uint64_t node, uint64_t in_us);
bool cluster_is_up(const struct cluster *cluster, uint64_t id);
struct node *cluster_leader(struct cluster *cluster); /* of the highest term; or NULL */

/* The node's clock is read; then it is stepped. */
void cluster_step(struct cluster *cluster, uint64_t id, struct raft_event event);
void cluster_propose(struct cluster *cluster, uint64_t id, enum raft_entry_kind kind, struct bytes payload);
enum cluster_damage { CLUSTER_INTACT, CLUSTER_DAMAGED };
void cluster_crash(struct cluster *cluster, uint64_t id, enum cluster_damage damage);
void cluster_restart(struct cluster *cluster, uint64_t id);
void cluster_silence(struct cluster *cluster, uint64_t id); /* what it has sent and is under way is lost */
void cluster_pause(struct cluster *cluster, uint64_t id, uint64_t for_us);
void cluster_trim(struct cluster *cluster, uint64_t id);

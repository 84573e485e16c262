/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes on virtual time, their network, clocks and disks, all from one seed. Faults are asked for here, made in faults.h and
 * planned in plan.h; what must hold is in checker.h.
 *
 * Each link and each machine has dice of its own, so that what happens to one changes little of what happens to others.
 *
 * A node's clock has its own rate within CLUSTER_DRIFT_PPM of true time, which is what raft/lease.h allows, and its own
 * offset. A paused node's events wait; its clock goes on.
 */
#pragma once

#include <stdio.h>

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
	CLUSTER_FLAP,
	CLUSTER_RESUME,
};

/* When a fault hurts most. */
enum cluster_moment {
	MOMENT_ELECTED,
	MOMENT_OFFERED,   /* a leader offers a snapshot */
	MOMENT_FETCHING,  /* a member begins to fetch it */
	MOMENT_INSTALLED, /* it has it */
	MOMENT_CONFIG,    /* a leader appends a configuration */
	MOMENT_TRANSFER,  /* a leader tells a member to campaign */
	MOMENT_TRUNCATED,
	MOMENT_HURRY, /* a leader was elected, and is asked for a change at once */
	MOMENT_ROUT,  /* planned by a fault itself, as is */
	MOMENT_OVERTAKE,
	MOMENT_AMNESIA,
	MOMENT_COUNT,
};

struct machine { /* what surrounds a node */
	struct random dice;
	uint64_t life; /* grows with each crash: events of an earlier life are void */
	uint64_t clock_ppm, clock_offset_ms;
	uint64_t paused_until_us;
	struct events waiting; /* for the end of the pause */
	uint64_t tick_at_us;   /* of the newest tick that was asked for */
	bool disk_busy, disk_slow, stall_told;
	uint64_t fetch;                    /* grows with each fetch: an earlier one is void, */
	uint64_t older_fetch, older_index; /* but for one that was being installed when it was superseded */
};

struct weather { /* of the network and the disks */
	uint32_t drop_ppm, repeat_ppm, late_ppm;
	uint32_t echo_ppm;   /* comes once more when everybody has forgotten it */
	uint32_t modest_ppm; /* a rejection says less of what might match than it could, as others' versions may */
	uint32_t delay_us_max;
	uint64_t echo_us_max;
	uint32_t disk_us_max;
	uint32_t fetch_us_max; /* of a snapshot */
};
extern const struct weather cluster_fair_weather;

struct cluster {
	uint64_t now_us;
	struct events events;
	struct node nodes[CHECKER_NODES_MAX + 1];
	struct machine machines[CHECKER_NODES_MAX + 1];
	size_t node_count, voter_count;
	struct random links[CHECKER_NODES_MAX + 1][CHECKER_NODES_MAX + 1]; /* [from][to] */
	bool cut[CHECKER_NODES_MAX + 1][CHECKER_NODES_MAX + 1];            /* [from][to] */
	uint32_t slow_us[CHECKER_NODES_MAX + 1][CHECKER_NODES_MAX + 1];    /* [from][to] */
	struct weather weather;
	struct raft_options options;
	struct checker *checker;
	FILE *trace;                       /* what happens, for reading; or NULL */
	const struct raft_message *unsaid; /* a heartbeat, which is worth a line only if something comes of it */
	bool calm;                         /* no more faults */
	uint64_t alone;                    /* whom the last regrouping left alone */
	uint64_t proposed, delivered, crashes;
	void (*fault)(struct cluster *cluster);
	void (*client)(struct cluster *cluster);
	/* It is now; number tells two of the same kind apart. */
	void (*moment)(struct cluster *cluster, enum cluster_moment moment, uint64_t node, uint64_t number);
	/* An event that one of them has planned. */
	void (*ambush)(struct cluster *cluster, uint64_t node, uint64_t key);
	void (*flap)(struct cluster *cluster, uint64_t node, uint64_t key);
	void *plan;
};

/* voters 0: as many as the seed says, and others beside them; outsiders: so many that are in no configuration yet. */
struct cluster *cluster_new(uint64_t seed, size_t voters, size_t outsiders);
void cluster_free(struct cluster *cluster);
/* Until then, or until `done` says so; false if it never did. */
bool cluster_run(struct cluster *cluster, uint64_t until_us, bool (*done)(struct cluster *cluster));
void cluster_plan(struct cluster *cluster, enum cluster_event kind, uint64_t node, uint64_t in_us);
void cluster_plan_key(struct cluster *cluster, enum cluster_event kind, uint64_t node, uint64_t in_us, uint64_t key);
bool cluster_is_up(const struct cluster *cluster, uint64_t id);
struct node *cluster_leader(struct cluster *cluster); /* of the highest term; or NULL */
/* A line of the trace. */
void cluster_say(struct cluster *cluster, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The node's clock is read; then it is stepped. A paused node is not: it hears of it by no one. */
void cluster_step(struct cluster *cluster, uint64_t id, struct raft_event event);
void cluster_propose(struct cluster *cluster, uint64_t id, enum raft_entry_kind kind, struct bytes payload);
enum cluster_damage { CLUSTER_INTACT, CLUSTER_DAMAGED };
void cluster_crash(struct cluster *cluster, uint64_t id, enum cluster_damage damage);
void cluster_restart(struct cluster *cluster, uint64_t id);
void cluster_silence(struct cluster *cluster, uint64_t id); /* what it has sent and is under way is lost */
void cluster_pause(struct cluster *cluster, uint64_t id, uint64_t for_us);
void cluster_resume(struct cluster *cluster, uint64_t id); /* what has waited happens now */
void cluster_trim(struct cluster *cluster, uint64_t id);

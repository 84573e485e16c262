/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/cluster.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"

bool cluster_chance(struct cluster *cluster, uint32_t ppm)
{
	return random_below(&cluster->random, 1000000) < ppm;
}

bool cluster_is_up(const struct cluster *cluster, uint64_t id)
{
	return cluster->nodes[id].raft != NULL;
}

struct node *cluster_leader(struct cluster *cluster)
{
	struct node *leader = NULL;
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		struct node *node = &cluster->nodes[id];
		if (node->raft != NULL && node->update.role == RAFT_LEADER &&
		    (leader == NULL || node->update.term > leader->update.term))
			leader = node;
	}
	return leader;
}

void cluster_plan(struct cluster *cluster, enum cluster_event kind, uint64_t node, uint64_t in_us)
{
	events_add(&cluster->events, (struct event){.at_us = cluster->now_us + in_us,
	                                            .kind = kind,
	                                            .node = node,
	                                            .generation = cluster->machines[node].life});
}

/* ---- clocks ---- */

static uint64_t cluster_clock_ms(const struct cluster *cluster, uint64_t id)
{
	const struct machine *machine = &cluster->machines[id];
	return machine->clock_offset_ms + cluster->now_us / 1000 * machine->clock_ppm / 1000000;
}

/* When the node's clock will show that. */
static uint64_t cluster_us_of(const struct cluster *cluster, uint64_t id, uint64_t clock_ms)
{
	const struct machine *machine = &cluster->machines[id];
	if (clock_ms <= machine->clock_offset_ms)
		return 0;
	return ((clock_ms - machine->clock_offset_ms) * 1000000 / machine->clock_ppm + 1) * 1000;
}

static void cluster_plan_tick(struct cluster *cluster, uint64_t id)
{
	struct machine *machine = &cluster->machines[id];
	struct node *node = &cluster->nodes[id];
	if (node->raft == NULL)
		return;
	uint64_t at_us = cluster_us_of(cluster, id, node->update.wake_at_ms);
	if (at_us <= cluster->now_us)
		at_us = cluster->now_us + 1;
	if (at_us == machine->tick_at_us)
		return;
	machine->tick_at_us = at_us;
	cluster_plan(cluster, CLUSTER_TICK, id, at_us - cluster->now_us);
}

/* ---- disks ---- */

static void cluster_plan_disk(struct cluster *cluster, uint64_t id)
{
	struct machine *machine = &cluster->machines[id];
	struct node *node = &cluster->nodes[id];
	if (node->raft == NULL || machine->disk_busy || node->write_count == 0)
		return;
	uint64_t us = 50 + random_below(&cluster->random, cluster->weather.disk_us_max);
	if (machine->disk_slow)
		us += random_below(&cluster->random, 3 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS);
	machine->disk_busy = true;
	/* All that waits goes down together: what comes later takes the next turn. */
	events_add(&cluster->events, (struct event){.at_us = cluster->now_us + us,
	                                            .kind = CLUSTER_DISK,
	                                            .node = id,
	                                            .generation = machine->life,
	                                            .number = node->write_count});
}

static void cluster_after(struct cluster *cluster, uint64_t id)
{
	cluster_plan_disk(cluster, id);
	cluster_plan_tick(cluster, id);
}

static void cluster_set_clock(struct cluster *cluster, uint64_t id)
{
	cluster->nodes[id].now_ms = cluster_clock_ms(cluster, id);
}

void cluster_step(struct cluster *cluster, uint64_t id, struct raft_event event)
{
	if (!cluster_is_up(cluster, id))
		return;
	cluster_set_clock(cluster, id);
	node_step(&cluster->nodes[id], event);
	cluster_after(cluster, id);
}

void cluster_propose(struct cluster *cluster, uint64_t id, enum raft_entry_kind kind, struct bytes payload)
{
	if (!cluster_is_up(cluster, id))
		return;
	cluster_set_clock(cluster, id);
	node_propose(&cluster->nodes[id], kind, payload);
	cluster_after(cluster, id);
}

/* As a driver would: by the lease if it holds, and otherwise by the core. */
static void cluster_read(struct cluster *cluster, uint64_t id)
{
	struct node *node = &cluster->nodes[id];
	if (!cluster_is_up(cluster, id))
		return;
	uint64_t read_id = checker_read_begins(cluster->checker);
	if (cluster_clock_ms(cluster, id) < node->update.lease_until_ms) {
		checker_read_ends(cluster->checker,
		                  &(struct raft_read){.read_id = read_id, .err = ERR_OK, .index = node->update.commit});
		return;
	}
	cluster_step(cluster, id, (struct raft_event){.type = RAFT_EVENT_READ, .read_id = read_id});
}

/* ---- what nodes do ---- */

static void cluster_trace(void *world, struct node *node, const char *line)
{
	struct cluster *cluster = world;
	checker_hash_line(cluster->checker, line);
	if (getenv("SIM_TRACE") != NULL)
		fprintf(stderr, "%9ju.%03ju %ju: %s\n", (uintmax_t)(cluster->now_us / 1000),
		        (uintmax_t)(cluster->now_us % 1000), (uintmax_t)node->id, line);
}

static void cluster_carry(struct cluster *cluster, struct node_message *message)
{
	uint64_t us = 20 + random_below(&cluster->random, cluster->weather.delay_us_max);
	if (cluster_chance(cluster, cluster->weather.late_ppm))
		us += random_below(&cluster->random, 10 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS);
	events_add(&cluster->events, (struct event){.at_us = cluster->now_us + us,
	                                            .kind = CLUSTER_DELIVER,
	                                            .node = message->head.to,
	                                            .data = message});
}

static void cluster_send(void *world, struct node *node, struct node_message *message)
{
	struct cluster *cluster = world;
	uint64_t from = message->head.from, to = message->head.to;
	check(to <= cluster->node_count);
	checker_sent(cluster->checker, node, &message->head);
	if (cluster_chance(cluster, cluster->weather.repeat_ppm))
		cluster_carry(cluster, node_message_dup(message));
	if (cluster->cut[from][to] || cluster_chance(cluster, cluster->weather.drop_ppm))
		node_message_free(message);
	else
		cluster_carry(cluster, message);
}

static void cluster_read_done(void *world, struct node *node, const struct raft_read *read)
{
	struct cluster *cluster = world;
	checker_read_ends(cluster->checker, read);
}

static void cluster_wrote(void *world, struct node *node, const struct node_write *write)
{
	struct cluster *cluster = world;
	checker_wrote(cluster->checker, node, write);
}

static void cluster_updated(void *world, struct node *node, const struct raft_event *event,
                            const struct raft_update *update)
{
	struct cluster *cluster = world;
	if (cluster->ambushes && update->role == RAFT_LEADER && cluster->checker->roles[node->id] != RAFT_LEADER)
		cluster_plan(cluster, CLUSTER_AMBUSH, node->id,
		             random_below(&cluster->random, (cluster_chance(cluster, 500000) ? 5 : 30) * CLUSTER_MS));
	checker_updated(cluster->checker, node, update);
}

static void cluster_applied(void *world, struct node *node, uint64_t index, const struct node_entry *entry)
{
	struct cluster *cluster = world;
	checker_applied(cluster->checker, node, index, entry);
}

static void cluster_snapshot_wanted(void *world, struct node *node, uint64_t peer)
{
	struct cluster *cluster = world;
	events_add(&cluster->events,
	           (struct event){.at_us = cluster->now_us + random_below(&cluster->random, 200 * CLUSTER_MS),
	                          .kind = CLUSTER_SNAPSHOT_MADE,
	                          .node = node->id,
	                          .generation = cluster->machines[node->id].life,
	                          .number = peer});
}

static void cluster_plan_fetched(struct cluster *cluster, uint64_t id, uint64_t from)
{
	events_add(&cluster->events,
	           (struct event){.at_us = cluster->now_us + random_below(&cluster->random, 500 * CLUSTER_MS),
	                          .kind = CLUSTER_FETCHED,
	                          .node = id,
	                          .generation = cluster->machines[id].fetch,
	                          .number = from});
}

static void cluster_fetch_wanted(void *world, struct node *node, uint64_t from, uint64_t index, uint64_t term)
{
	struct cluster *cluster = world;
	cluster->machines[node->id].fetch++;
	cluster_plan_fetched(cluster, node->id, from);
}

static const struct node_hooks cluster_hooks = {.trace = cluster_trace,
                                                .send = cluster_send,
                                                .read_done = cluster_read_done,
                                                .wrote = cluster_wrote,
                                                .updated = cluster_updated,
                                                .applied = cluster_applied,
                                                .snapshot_wanted = cluster_snapshot_wanted,
                                                .fetch_wanted = cluster_fetch_wanted};

/* ---- what happens to them ---- */

void cluster_restart(struct cluster *cluster, uint64_t id)
{
	struct machine *machine = &cluster->machines[id];
	struct node *node = &cluster->nodes[id];
	if (cluster_is_up(cluster, id))
		return;
	machine->disk_busy = machine->stall_told = false;
	machine->tick_at_us = 0;
	node->update = (struct raft_update){0};
	node_start(node, cluster->options, cluster_clock_ms(cluster, id), random_next(&cluster->random));
	checker_restarted(cluster->checker, node);
	cluster_step(cluster, id, (struct raft_event){.type = RAFT_EVENT_TICK});
}

static struct node_tear cluster_tear(struct cluster *cluster, const struct node_write *write)
{
	struct node_tear tear = {.vote = cluster_chance(cluster, 500000), .truncated = cluster_chance(cluster, 500000)};
	if (tear.truncated)
		tear.entries = random_below(&cluster->random, write->count + 1);
	return tear;
}

void cluster_silence(struct cluster *cluster, uint64_t id)
{
	for (size_t i = 0; i < cluster->events.count; i++) {
		struct event *event = &cluster->events.heap[i];
		struct node_message *message = event->data;
		if (event->kind == CLUSTER_DELIVER && message != NULL && message->head.from == id) {
			node_message_free(message);
			event->data = NULL;
		}
	}
}

void cluster_crash(struct cluster *cluster, uint64_t id, enum cluster_damage damage)
{
	struct machine *machine = &cluster->machines[id];
	struct node *node = &cluster->nodes[id];
	if (!cluster_is_up(cluster, id))
		return;
	size_t keep = random_below(&cluster->random, node->write_count + 1);
	for (; keep > 0; keep--)
		node_tear(node, (struct node_tear){.vote = true, .truncated = true, .entries = node->writes[0].count});
	if (node->write_count > 0)
		node_tear(node, cluster_tear(cluster, &node->writes[0]));
	checker_disk_changed(cluster->checker, node);
	node_crash(node);
	if (damage == CLUSTER_DAMAGED) {
		node_damage(node);
		/* What it answered before is not heard after it has lost what that was about: raft/raft.h. */
		cluster_silence(cluster, id);
	}
	machine->life++;
	machine->fetch++;
	machine->paused_until_us = 0;
	cluster->crashes++;
}

void cluster_pause(struct cluster *cluster, uint64_t id, uint64_t for_us)
{
	cluster->machines[id].paused_until_us = cluster->now_us + for_us;
}

void cluster_trim(struct cluster *cluster, uint64_t id)
{
	struct node *node = &cluster->nodes[id];
	if (!cluster_is_up(cluster, id) || node->installing != 0)
		return;
	node_flush(node);
	uint64_t first = node->disk.base_index, durable = node_log_last(&node->disk);
	uint64_t last = node->flushed.applied < durable ? node->flushed.applied : durable;
	if (last <= first)
		return;
	cluster_set_clock(cluster, id);
	node_trim(node, first + 1 + random_below(&cluster->random, last - first));
	cluster_after(cluster, id);
}

static void cluster_on_tick(struct cluster *cluster, const struct event *event)
{
	struct machine *machine = &cluster->machines[event->node];
	struct node *node = &cluster->nodes[event->node];
	if (event->at_us != machine->tick_at_us && machine->tick_at_us > cluster->now_us)
		return; /* one was asked for that comes later */
	machine->tick_at_us = 0;
	cluster_set_clock(cluster, event->node);
	bool stalled = node->write_count > 0 && node->now_ms > node->writes[0].asked_ms + CLUSTER_ELECTION_MS;
	if (stalled && !machine->stall_told) {
		machine->stall_told = true;
		cluster_step(cluster, event->node, (struct raft_event){.type = RAFT_EVENT_DISK_STALLED});
	}
	cluster_step(cluster, event->node, (struct raft_event){.type = RAFT_EVENT_TICK});
}

static void cluster_on_disk(struct cluster *cluster, const struct event *event)
{
	struct machine *machine = &cluster->machines[event->node];
	struct node *node = &cluster->nodes[event->node];
	machine->disk_busy = machine->stall_told = false;
	cluster_set_clock(cluster, event->node);
	node_written(node, event->number);
	checker_disk_changed(cluster->checker, node);
	cluster_after(cluster, event->node);
}

static void cluster_on_snapshot_made(struct cluster *cluster, const struct event *event)
{
	struct node *node = &cluster->nodes[event->node];
	node_flush(node);
	struct bytes config = node_config_at(node, node->flushed.applied);
	struct raft_event made = {.type = RAFT_EVENT_SNAPSHOT_READY,
	                          .peer = event->number,
	                          .index = node->flushed.applied,
	                          .term = node->flushed.applied_term,
	                          .config_payload = config};
	if (made.index == 0 || cluster_chance(cluster, cluster->calm ? 0 : 200000))
		made = (struct raft_event){.type = RAFT_EVENT_SNAPSHOT_FAILED, .peer = event->number};
	cluster_step(cluster, event->node, made);
}

static void cluster_on_fetched(struct cluster *cluster, const struct event *event)
{
	uint64_t id = event->node, from = event->number;
	struct node *node = &cluster->nodes[id];
	if (event->generation != cluster->machines[id].fetch || !cluster_is_up(cluster, id))
		return;
	if (node->write_count > 0) {
		cluster_plan_fetched(cluster, id, from);
		return;
	}
	bool lost = !cluster_is_up(cluster, from) || cluster->cut[from][id] || cluster->cut[id][from];
	cluster_set_clock(cluster, id);
	if (lost || cluster_chance(cluster, cluster->calm ? 0 : 200000)) {
		node->installing = 0;
		cluster_step(cluster, id, (struct raft_event){.type = RAFT_EVENT_SNAPSHOT_FAILED});
		return;
	}
	struct node_state state = checker_state(cluster->checker, node->installing);
	const struct node_entry *config = &cluster->checker->indexes[node->installing].config;
	node_install(node, &state, bytes_of(config->payload, config->size));
	cluster_after(cluster, id);
}

static void cluster_on_deliver(struct cluster *cluster, const struct event *event)
{
	struct node_message *message = event->data;
	if (cluster_is_up(cluster, event->node)) {
		cluster->delivered++;
		cluster_set_clock(cluster, event->node);
		node_receive(&cluster->nodes[event->node], message);
		cluster_after(cluster, event->node);
	}
	node_message_free(message);
}

/* Those of an earlier life, and those that a pause puts off, are not for now. */
static bool cluster_is_for_now(struct cluster *cluster, struct event *event)
{
	const struct machine *machine = &cluster->machines[event->node];
	if (event->kind == CLUSTER_DELIVER && event->data == NULL)
		return false;
	if (event->kind == CLUSTER_TICK || event->kind == CLUSTER_DISK || event->kind == CLUSTER_SNAPSHOT_MADE)
		if (event->generation != machine->life || !cluster_is_up(cluster, event->node))
			return false;
	if (event->node == 0 || event->kind == CLUSTER_RESTART || event->kind == CLUSTER_AMBUSH ||
	    event->kind == CLUSTER_ROUT || cluster->now_us >= machine->paused_until_us)
		return true;
	struct event later = *event;
	later.at_us = machine->paused_until_us + (event->kind == CLUSTER_TICK);
	if (event->kind == CLUSTER_TICK)
		cluster->machines[event->node].tick_at_us = later.at_us;
	events_add(&cluster->events, later);
	return false;
}

static void cluster_happen(struct cluster *cluster, struct event *event)
{
	if (!cluster_is_for_now(cluster, event))
		return;
	switch ((enum cluster_event)event->kind) {
	case CLUSTER_DELIVER:
		cluster_on_deliver(cluster, event);
		break;
	case CLUSTER_TICK:
		cluster_on_tick(cluster, event);
		break;
	case CLUSTER_DISK:
		cluster_on_disk(cluster, event);
		break;
	case CLUSTER_FETCHED:
		cluster_on_fetched(cluster, event);
		break;
	case CLUSTER_SNAPSHOT_MADE:
		cluster_on_snapshot_made(cluster, event);
		break;
	case CLUSTER_RESTART:
		cluster_restart(cluster, event->node);
		break;
	case CLUSTER_CLIENT:
		cluster->client(cluster);
		break;
	case CLUSTER_READ:
		cluster_read(cluster, event->node);
		break;
	case CLUSTER_PROPOSE:
		cluster->proposed++;
		cluster_propose(cluster, event->node, RAFT_ENTRY_COMMAND,
		                bytes_of(&cluster->proposed, sizeof cluster->proposed));
		break;
	case CLUSTER_FAULT:
		cluster->fault(cluster);
		break;
	case CLUSTER_AMBUSH:
		cluster->ambush(cluster, event->node);
		break;
	case CLUSTER_ROUT:
		cluster->rout(cluster, event->node, event->number);
		break;
	}
}

bool cluster_run(struct cluster *cluster, uint64_t until_us, bool (*done)(struct cluster *cluster))
{
	struct event event;
	while (events_take(&cluster->events, &event)) {
		if (event.at_us > until_us) {
			events_add(&cluster->events, event);
			break;
		}
		cluster->now_us = event.at_us;
		cluster_happen(cluster, &event);
		if (done != NULL && done(cluster))
			return true;
	}
	cluster->now_us = until_us;
	return false;
}

/* ---- making one ---- */

static void cluster_encode_first(const struct cluster *cluster, struct buffer *payload)
{
	struct raft_config config;
	raft_config_init(&config);
	for (uint64_t id = 1; id <= cluster->voter_count; id++) {
		enum err err = raft_config_set(&config, (struct raft_member){.id = id, .voter = true});
		check(err == ERR_OK);
	}
	raft_config_encode(&config, payload);
	raft_config_fini(&config);
}

struct cluster *cluster_new(uint64_t seed, size_t voters)
{
	struct cluster *cluster = memory_new(sizeof *cluster);
	AUTO_BUFFER struct buffer first = {0};
	random_init(&cluster->random, seed);
	buffer_init(&first, NODE_PAYLOAD_MAX);
	cluster->voter_count = voters != 0 ? voters : 1 + random_below(&cluster->random, 5);
	cluster->node_count = cluster->voter_count + (voters != 0 ? 0 : random_below(&cluster->random, 3));
	cluster->options = (struct raft_options){
	    .heartbeat_interval_ms = CLUSTER_HEARTBEAT_MS,
	    .election_timeout_ms = CLUSTER_ELECTION_MS,
	    .leases = cluster_chance(cluster, 500000),
	    .inflight_messages_max = 1 + (uint32_t)random_below(&cluster->random, 16),
	    .inflight_bytes_max = 256 + random_below(&cluster->random, 4096),
	    .append_bytes_max = 64 + random_below(&cluster->random, 1024),
	    .uncommitted_bytes_max = 512 + random_below(&cluster->random, 8192),
	};
	/* One entry at a time shows what comes between two. */
	if (cluster_chance(cluster, 300000))
		cluster->options.append_bytes_max = cluster->options.inflight_messages_max = 1;
	cluster->checker = checker_new(cluster->nodes, cluster->node_count);
	cluster_encode_first(cluster, &first);
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		struct machine *machine = &cluster->machines[id];
		machine->clock_ppm =
		    1000000 - CLUSTER_DRIFT_PPM + random_below(&cluster->random, 2 * CLUSTER_DRIFT_PPM + 1);
		machine->clock_offset_ms = 1 + random_below(&cluster->random, 1000000);
		node_init(&cluster->nodes[id], id, &cluster_hooks, cluster);
		node_format(&cluster->nodes[id], id <= cluster->voter_count ? buffer_bytes(&first) : BYTES_NONE);
		cluster_plan(cluster, CLUSTER_RESTART, id, random_below(&cluster->random, 100 * CLUSTER_MS));
	}
	cluster->weather = (struct weather){.delay_us_max = 5000, .disk_us_max = 5000};
	return cluster;
}

void cluster_free(struct cluster *cluster)
{
	struct event event;
	while (events_take(&cluster->events, &event))
		if (event.kind == CLUSTER_DELIVER && event.data != NULL)
			node_message_free(event.data);
	events_fini(&cluster->events);
	for (uint64_t id = 1; id <= cluster->node_count; id++)
		node_fini(&cluster->nodes[id]);
	checker_free(cluster->checker);
	free(cluster);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/cluster.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/coverage.h"
#include "tests/sim/decisions.h"
#include "tests/sim/observe.h"
#include "tests/sim/say.h"
#include "tests/sim/verdict.h"

const struct weather cluster_fair_weather = {
    .delay_us_max = 5000, .disk_us_max = 5000, .fetch_us_max = 500 * CLUSTER_MS};

static void cluster_print_time(const struct cluster *cluster)
{
	fprintf(cluster->trace, "%6ju.%03ju ", (uintmax_t)(cluster->now_us / 1000),
	        (uintmax_t)(cluster->now_us % 1000));
}

/* Where a line of the trace goes: it has begun. */
static FILE *cluster_stamp(struct cluster *cluster)
{
	if (cluster->unsaid != NULL) {
		cluster_print_time(cluster);
		say_message(cluster->trace, "->", cluster->unsaid);
		cluster->unsaid = NULL;
	}
	cluster_print_time(cluster);
	return cluster->trace;
}

void cluster_say(struct cluster *cluster, const char *format, ...)
{
	va_list arguments;
	if (cluster->trace == NULL)
		return;
	va_start(arguments, format);
	vfprintf(cluster_stamp(cluster), format, arguments);
	va_end(arguments);
	fputc('\n', cluster->trace);
}

bool cluster_is_up(const struct cluster *cluster, uint64_t id)
{
	return cluster->nodes[id].raft != NULL;
}

static bool cluster_is_awake(const struct cluster *cluster, uint64_t id)
{
	return cluster_is_up(cluster, id) && cluster->now_us >= cluster->machines[id].paused_until_us;
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

void cluster_plan_key(struct cluster *cluster, enum cluster_event kind, uint64_t node, uint64_t in_us, uint64_t key)
{
	events_add(&cluster->events, (struct event){.at_us = cluster->now_us + in_us,
	                                            .kind = kind,
	                                            .node = node,
	                                            .generation = cluster->machines[node].life,
	                                            .number = key});
}

void cluster_plan(struct cluster *cluster, enum cluster_event kind, uint64_t node, uint64_t in_us)
{
	cluster_plan_key(cluster, kind, node, in_us, 0);
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
	uint64_t us = 50 + random_below(&machine->dice, cluster->weather.disk_us_max);
	if (machine->disk_slow)
		us += random_below(&machine->dice, 3 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS);
	machine->disk_busy = true;
	/* All that waits goes down together: what comes later takes the next turn. */
	cluster_plan_key(cluster, CLUSTER_DISK, id, us, node->write_count);
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
	if (!cluster_is_awake(cluster, id))
		return;
	cluster_set_clock(cluster, id);
	node_step(&cluster->nodes[id], event);
	cluster_after(cluster, id);
}

void cluster_propose(struct cluster *cluster, uint64_t id, enum raft_entry_kind kind, struct bytes payload)
{
	if (!cluster_is_awake(cluster, id))
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
	uint64_t read_id = checker_read_begins(cluster->checker, id);
	cluster_say(cluster, "%ju: read asked id=%ju", (uintmax_t)id, (uintmax_t)read_id);
	if (cluster_clock_ms(cluster, id) < node->update.lease_until_ms) {
		coverage_add(COVERAGE_READ_LEASE);
		cluster_say(cluster, "%ju: read by lease index=%ju", (uintmax_t)id, (uintmax_t)node->update.commit);
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
	coverage_line(line);
	cluster_say(cluster, "%ju: %s", (uintmax_t)node->id, line);
	observe_line(node, line);
	if (strncmp(line, "truncate ", strlen("truncate ")) == 0)
		cluster->moment(cluster, MOMENT_TRUNCATED, node->id, node_log_last(&node->log));
}

static void cluster_carry(struct cluster *cluster, struct node_message *message, uint64_t in_us)
{
	events_add(&cluster->events, (struct event){.at_us = cluster->now_us + in_us,
	                                            .kind = CLUSTER_DELIVER,
	                                            .node = message->head.to,
	                                            .generation = cluster->machines[message->head.from].life,
	                                            .number = cluster->now_us,
	                                            .data = message});
}

static uint64_t cluster_delay_us(const struct cluster *cluster, const struct raft_message *head, struct random *dice)
{
	uint64_t us = 20 + cluster->slow_us[head->from][head->to] + random_below(dice, cluster->weather.delay_us_max);
	if (dice_chance(dice, cluster->weather.late_ppm))
		us += random_below(dice, 10 * CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS);
	return us;
}

static void cluster_moment_of(struct cluster *cluster, const struct raft_message *head)
{
	if (head->type == RAFT_SNAPSHOT)
		cluster->moment(cluster, MOMENT_OFFERED, head->from, head->index);
	else if (head->type == RAFT_TIMEOUT_NOW)
		cluster->moment(cluster, MOMENT_TRANSFER, head->from, head->term);
}

static void cluster_send(void *world, struct node *node, struct node_message *message)
{
	struct cluster *cluster = world;
	uint64_t from = message->head.from, to = message->head.to;
	struct random *dice = &cluster->links[from][to];
	check(to <= cluster->node_count);
	checker_sent(cluster->checker, node, &message->head);
	if (message->head.type == RAFT_APPEND_REPLY && message->head.reject &&
	    dice_chance(dice, cluster->weather.modest_ppm)) {
		coverage_add(COVERAGE_MODEST);
		message->head.hint = random_below(dice, message->head.hint + 1);
		message->head.hint_term = 0;
	}
	if (dice_chance(dice, cluster->weather.repeat_ppm)) {
		coverage_add(COVERAGE_REPEATED);
		cluster_carry(cluster, node_message_dup(message), cluster_delay_us(cluster, &message->head, dice));
	}
	/* Offers of snapshots are few: each counts for more. */
	if (dice_chance(dice, cluster->weather.echo_ppm * (message->head.type == RAFT_SNAPSHOT ? 3 : 1)))
		cluster_carry(cluster, node_message_dup(message), random_below(dice, cluster->weather.echo_us_max));
	cluster_moment_of(cluster, &message->head);
	if (cluster->cut[from][to] || dice_chance(dice, cluster->weather.drop_ppm)) {
		coverage_add(COVERAGE_DROPPED);
		if (cluster->trace != NULL)
			say_message(cluster_stamp(cluster), "-x", &message->head);
		node_message_free(message);
	} else {
		cluster_carry(cluster, message, cluster_delay_us(cluster, &message->head, dice));
	}
}

static void cluster_read_done(void *world, struct node *node, const struct raft_read *read)
{
	struct cluster *cluster = world;
	if (cluster->trace != NULL)
		say_read(cluster_stamp(cluster), node, read);
	coverage_add(read->err != ERR_OK                ? COVERAGE_READ_FAILED
	             : node->update.role == RAFT_LEADER ? COVERAGE_READ_ROUND
	                                                : COVERAGE_READ_FOLLOWER);
	checker_read_ends(cluster->checker, read);
}

static void cluster_wrote(void *world, struct node *node, const struct node_write *write)
{
	struct cluster *cluster = world;
	if (cluster->trace != NULL)
		say_write(cluster_stamp(cluster), node, write);
	checker_wrote(cluster->checker, node, write);
	if (write->truncate_from != 0 && node->write_count > 1)
		coverage_add(COVERAGE_TRUNCATED_IN_FLIGHT);
	if (write->count == 1 && write->entries[0].kind == RAFT_ENTRY_CONFIG && node->update.role == RAFT_LEADER)
		cluster->moment(cluster, MOMENT_CONFIG, node->id, write->append_from);
}

static void cluster_updated(void *world, struct node *node, const struct raft_event *event,
                            const struct raft_update *update)
{
	struct cluster *cluster = world;
	bool elected = update->role == RAFT_LEADER && cluster->checker->roles[node->id] != RAFT_LEADER;
	struct machine *machine = &cluster->machines[node->id];
	if (update->snapshot_from != 0)
		machine->older_index = dice_chance(&machine->dice, 800000) ? node->installing : 0;
	verdict->steps++;
	if (event->type == RAFT_EVENT_MESSAGE && event->message->type == RAFT_SNAPSHOT &&
	    update->commit == event->message->index && update->commit > cluster->checker->commits[node->id] &&
	    update->commit < node_log_last(&node->log))
		coverage_add(COVERAGE_SNAPSHOT_KNOWN);
	observe_step(node, event, update);
	checker_updated(cluster->checker, node, event, update);
	if (elected)
		cluster->moment(cluster, MOMENT_ELECTED, node->id, update->term);
}

static void cluster_applied(void *world, struct node *node, uint64_t index, const struct node_entry *entry)
{
	struct cluster *cluster = world;
	if (cluster->trace != NULL)
		say_applied(cluster_stamp(cluster), node, index, entry);
	checker_applied(cluster->checker, node, index, entry);
}

/* It stands where the node stood when it was asked for. */
static void cluster_snapshot_wanted(void *world, struct node *node, uint64_t peer)
{
	struct cluster *cluster = world;
	cluster_plan_key(cluster, CLUSTER_SNAPSHOT_MADE, node->id,
	                 random_below(&cluster->machines[node->id].dice, 200 * CLUSTER_MS),
	                 node->state.applied << 8 | peer);
}

static void cluster_plan_fetched(struct cluster *cluster, uint64_t id, uint64_t from)
{
	struct machine *machine = &cluster->machines[id];
	events_add(
	    &cluster->events,
	    (struct event){.at_us = cluster->now_us + random_below(&machine->dice, cluster->weather.fetch_us_max),
	                   .kind = CLUSTER_FETCHED,
	                   .node = id,
	                   .generation = machine->fetch,
	                   .number = from});
}

static void cluster_fetch_wanted(void *world, struct node *node, uint64_t from, uint64_t index, uint64_t term)
{
	struct cluster *cluster = world;
	struct machine *machine = &cluster->machines[node->id];
	machine->older_fetch = machine->older_index != 0 ? machine->fetch : 0;
	machine->fetch++;
	cluster_plan_fetched(cluster, node->id, from);
	cluster->moment(cluster, MOMENT_FETCHING, node->id, index);
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
	cluster_say(cluster, "%ju: starts%s", (uintmax_t)id, node->damaged ? " damaged" : "");
	node_start(node, cluster->options, cluster_clock_ms(cluster, id), random_next(&machine->dice));
	checker_restarted(cluster->checker, node);
	cluster_step(cluster, id, (struct raft_event){.type = RAFT_EVENT_TICK});
}

static struct node_tear cluster_tear(struct random *dice, const struct node_write *write)
{
	struct node_tear tear = {.vote = dice_chance(dice, 500000), .truncated = dice_chance(dice, 500000)};
	if (tear.truncated)
		tear.entries = random_below(dice, write->count + 1);
	if (tear.vote != tear.truncated || tear.entries != (tear.truncated ? write->count : 0))
		coverage_add(COVERAGE_TORN_WRITE);
	return tear;
}

static void cluster_lose_from(struct events *events, uint64_t id)
{
	for (size_t i = 0; i < events->count; i++) {
		struct event *event = &events->heap[i];
		struct node_message *message = event->data;
		if (event->kind == CLUSTER_DELIVER && message != NULL && message->head.from == id) {
			node_message_free(message);
			event->data = NULL;
		}
	}
}

void cluster_silence(struct cluster *cluster, uint64_t id)
{
	cluster_lose_from(&cluster->events, id);
	for (uint64_t to = 1; to <= cluster->node_count; to++)
		cluster_lose_from(&cluster->machines[to].waiting, id);
}

void cluster_crash(struct cluster *cluster, uint64_t id, enum cluster_damage damage)
{
	struct machine *machine = &cluster->machines[id];
	struct node *node = &cluster->nodes[id];
	if (!cluster_is_up(cluster, id))
		return;
	size_t keep = random_below(&machine->dice, node->write_count + 1);
	cluster_say(cluster, "%ju: crashes%s, keeps %zu of %zu writes", (uintmax_t)id,
	            damage == CLUSTER_DAMAGED ? " damaged" : "", keep, node->write_count);
	for (; keep > 0; keep--)
		node_tear(node, (struct node_tear){.vote = true, .truncated = true, .entries = node->writes[0].count});
	if (node->write_count > 0) {
		coverage_add(COVERAGE_LOST_WRITE);
		node_tear(node, cluster_tear(&machine->dice, &node->writes[0]));
	}
	checker_disk_changed(cluster->checker, node);
	checker_crashed(cluster->checker, id);
	node_crash(node);
	if (damage == CLUSTER_DAMAGED) {
		checker_damaged(cluster->checker, node);
		node_damage(node);
		/* What it answered before is not heard after it has lost what that was about: raft/raft.h. */
		cluster_silence(cluster, id);
	}
	machine->life++;
	machine->fetch++;
	cluster_resume(cluster, id);
	cluster->crashes++;
	coverage_add(damage == CLUSTER_DAMAGED ? COVERAGE_DAMAGE : COVERAGE_CRASH);
}

void cluster_pause(struct cluster *cluster, uint64_t id, uint64_t for_us)
{
	struct machine *machine = &cluster->machines[id];
	if (machine->paused_until_us >= cluster->now_us + for_us)
		return;
	machine->paused_until_us = cluster->now_us + for_us;
	cluster_plan(cluster, CLUSTER_RESUME, id, for_us);
}

/* Messages come before the clock is looked at: raft/raft.h. */
void cluster_resume(struct cluster *cluster, uint64_t id)
{
	struct machine *machine = &cluster->machines[id];
	struct event event;
	machine->paused_until_us = 0;
	while (events_take(&machine->waiting, &event)) {
		event.at_us = cluster->now_us + (event.kind == CLUSTER_TICK);
		if (event.kind == CLUSTER_TICK)
			machine->tick_at_us = event.at_us;
		events_add(&cluster->events, event);
	}
}

void cluster_trim(struct cluster *cluster, uint64_t id)
{
	struct node *node = &cluster->nodes[id];
	if (!cluster_is_awake(cluster, id) || node->installing != 0)
		return;
	node_flush(node);
	uint64_t first = node->disk.base_index, durable = node_log_last(&node->disk);
	uint64_t last = node->flushed.applied < durable ? node->flushed.applied : durable;
	if (last <= first)
		return;
	cluster_set_clock(cluster, id);
	struct random *dice = &cluster->machines[id].dice;
	uint64_t index = dice_chance(dice, 500000) ? last : first + 1 + random_below(dice, last - first);
	cluster_say(cluster, "%ju: trims up to %ju", (uintmax_t)id, (uintmax_t)index);
	node_trim(node, index);
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
	uint64_t peer = event->number & 0xff, index = event->number >> 8;
	struct raft_event made = {.type = RAFT_EVENT_SNAPSHOT_FAILED, .peer = peer};
	if (index != 0 && !dice_chance(&cluster->machines[event->node].dice, cluster->calm ? 0 : 200000)) {
		const struct checker_index *at = &cluster->checker->indexes[index];
		made = (struct raft_event){.type = RAFT_EVENT_SNAPSHOT_READY,
		                           .peer = peer,
		                           .index = index,
		                           .term = at->term,
		                           .config_payload = bytes_of(at->config.payload, at->config.size)};
	}
	cluster_step(cluster, event->node, made);
}

static void cluster_install(struct cluster *cluster, uint64_t id, uint64_t index)
{
	struct node *node = &cluster->nodes[id];
	struct node_state state = checker_state(cluster->checker, index);
	const struct node_entry *config = &cluster->checker->indexes[index].config;
	bool damaged = node->damaged;
	uint64_t wanted = node->installing;
	node_install(node, &state, bytes_of(config->payload, config->size));
	if (index != wanted) {
		node->installing = wanted;
		node->damaged = damaged;
	} else if (damaged) {
		checker_repaired(cluster->checker, node);
		coverage_add(COVERAGE_REPAIRED);
	}
	cluster_after(cluster, id);
	cluster->moment(cluster, MOMENT_INSTALLED, id, index);
}

static void cluster_on_fetched(struct cluster *cluster, const struct event *event)
{
	uint64_t id = event->node, from = event->number;
	struct node *node = &cluster->nodes[id];
	struct machine *machine = &cluster->machines[id];
	bool older = event->generation == machine->older_fetch && machine->older_fetch != 0;
	if ((event->generation != machine->fetch && !older) || !cluster_is_up(cluster, id) || node->installing == 0)
		return;
	if (node->write_count > 0) {
		events_add(&cluster->events, (struct event){.at_us = cluster->now_us + CLUSTER_MS,
		                                            .kind = CLUSTER_FETCHED,
		                                            .node = id,
		                                            .generation = event->generation,
		                                            .number = from});
		return;
	}
	bool lost = !cluster_is_up(cluster, from) || cluster->cut[from][id] || cluster->cut[id][from];
	cluster_set_clock(cluster, id);
	machine->older_fetch = 0;
	if (older) {
		cluster_install(cluster, id, machine->older_index);
	} else if (lost || dice_chance(&machine->dice, cluster->calm ? 0 : 200000)) {
		node->installing = 0;
		cluster_step(cluster, id, (struct raft_event){.type = RAFT_EVENT_SNAPSHOT_FAILED});
	} else {
		cluster_install(cluster, id, node->installing);
	}
}

static void cluster_count_delivery(const struct cluster *cluster, const struct event *event,
                                   const struct raft_message *head)
{
	uint64_t under_way_us = cluster->now_us - event->number;
	if (event->generation != cluster->machines[head->from].life)
		coverage_add(COVERAGE_EARLIER_LIFE);
	if (under_way_us > CLUSTER_ELECTION_MS * (uint64_t)CLUSTER_MS)
		coverage_add(COVERAGE_LATE);
	if (under_way_us > 60 * 1000 * (uint64_t)CLUSTER_MS)
		coverage_add(COVERAGE_MINUTES_LATE);
}

static void cluster_say_delivery(struct cluster *cluster, const struct raft_message *head)
{
	if (cluster->trace == NULL)
		return;
	if (head->type == RAFT_HEARTBEAT || head->type == RAFT_HEARTBEAT_REPLY)
		cluster->unsaid = head;
	else
		say_message(cluster_stamp(cluster), "->", head);
}

static void cluster_on_deliver(struct cluster *cluster, const struct event *event)
{
	struct node_message *message = event->data;
	if (cluster_is_up(cluster, event->node)) {
		cluster->delivered++;
		cluster_count_delivery(cluster, event, &message->head);
		cluster_say_delivery(cluster, &message->head);
		cluster_set_clock(cluster, event->node);
		node_receive(&cluster->nodes[event->node], message);
		cluster->unsaid = NULL;
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
	    event->kind == CLUSTER_FLAP || event->kind == CLUSTER_RESUME || cluster->now_us >= machine->paused_until_us)
		return true;
	events_add(&cluster->machines[event->node].waiting, *event);
	return false;
}

static void cluster_on_propose(struct cluster *cluster, uint64_t id)
{
	char text[24];
	int size = snprintf(text, sizeof text, "%ju", (uintmax_t)++cluster->proposed);
	cluster_say(cluster, "%ju: propose %s", (uintmax_t)id, text);
	cluster_propose(cluster, id, RAFT_ENTRY_COMMAND, bytes_of(text, (size_t)size));
	if (cluster_is_up(cluster, id) && cluster->nodes[id].update.proposal == ERR_BUSY)
		coverage_add(COVERAGE_BUSY);
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
		cluster_on_propose(cluster, event->node);
		break;
	case CLUSTER_FAULT:
		cluster->fault(cluster);
		break;
	case CLUSTER_AMBUSH:
		cluster->ambush(cluster, event->node, event->number);
		break;
	case CLUSTER_RESUME:
		if (cluster->now_us >= cluster->machines[event->node].paused_until_us)
			cluster_resume(cluster, event->node);
		break;
	case CLUSTER_FLAP:
		cluster->flap(cluster, event->node, event->number);
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

static void cluster_choose_options(struct cluster *cluster, struct random *dice)
{
	cluster->options = (struct raft_options){
	    .heartbeat_interval_ms = CLUSTER_HEARTBEAT_MS,
	    .election_timeout_ms = CLUSTER_ELECTION_MS,
	    .leases = dice_chance(dice, 500000),
	    .inflight_messages_max = 1 + (uint32_t)random_below(dice, 16),
	    .inflight_bytes_max = 256 + random_below(dice, 4096),
	    .append_bytes_max = 64 + random_below(dice, 1024),
	    .uncommitted_bytes_max = 512 + random_below(dice, 8192),
	};
	/* One entry at a time shows what comes between two. */
	if (dice_chance(dice, 300000))
		cluster->options.append_bytes_max = cluster->options.inflight_messages_max = 1;
}

static void cluster_make_machine(struct cluster *cluster, uint64_t id, uint64_t seed)
{
	struct machine *machine = &cluster->machines[id];
	dice_init(&machine->dice, seed, id << 16);
	for (uint64_t to = 1; to <= cluster->node_count; to++)
		dice_init(&cluster->links[id][to], seed, id << 16 | to);
	machine->clock_ppm = 1000000 - CLUSTER_DRIFT_PPM + random_below(&machine->dice, 2 * CLUSTER_DRIFT_PPM + 1);
	machine->clock_offset_ms = 1 + random_below(&machine->dice, 1000000);
	cluster_plan(cluster, CLUSTER_RESTART, id, random_below(&machine->dice, 100 * CLUSTER_MS));
}

struct cluster *cluster_new(uint64_t seed, size_t voters, size_t outsiders)
{
	struct cluster *cluster = memory_new(sizeof *cluster);
	struct random dice;
	AUTO_BUFFER struct buffer first = {0};
	dice_init(&dice, seed, 0);
	buffer_init(&first, NODE_PAYLOAD_MAX);
	cluster->voter_count = voters != 0 ? voters : 1 + random_below(&dice, 5);
	cluster->node_count = cluster->voter_count + (voters != 0 ? outsiders : random_below(&dice, 3));
	cluster_choose_options(cluster, &dice);
	cluster->checker = checker_new(cluster->nodes, cluster->node_count);
	cluster_encode_first(cluster, &first);
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		node_init(&cluster->nodes[id], id, &cluster_hooks, cluster);
		node_format(&cluster->nodes[id], id <= cluster->voter_count ? buffer_bytes(&first) : BYTES_NONE);
		cluster_make_machine(cluster, id, seed);
	}
	cluster->weather = cluster_fair_weather;
	return cluster;
}

static void cluster_drain(struct events *events)
{
	struct event event;
	while (events_take(events, &event))
		if (event.kind == CLUSTER_DELIVER && event.data != NULL)
			node_message_free(event.data);
	events_fini(events);
}

void cluster_free(struct cluster *cluster)
{
	cluster_drain(&cluster->events);
	for (uint64_t id = 1; id <= cluster->node_count; id++) {
		cluster_drain(&cluster->machines[id].waiting);
		node_fini(&cluster->nodes[id]);
	}
	checker_free(cluster->checker);
	free(cluster);
}

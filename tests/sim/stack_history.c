/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "replica/replica.h"
#include "tests/sim/stack_checker.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_cross.h"
#include "tests/sim/stack_machine.h"
#include "tests/sim/stack_model.h"

enum {
	HISTORY_CLIENTS = 6,
	HISTORY_TEXT_BYTES = 32,
	HISTORY_PROBE_MS = 15000,
};

enum call_state { CALL_WAITING, CALL_OK, CALL_NEVER, CALL_UNKNOWN };

struct call {
	LIST_ENTRY(call) next; /* while it waits */
	enum call_state state;
	unsigned node;
	bool is_write, is_probe, asked_round;
	struct model_command command; /* number 0: a read of command.key */
	uint64_t called_us;
	uint64_t floor;  /* the greatest witness of all that had ended when it was called */
	uint64_t effect; /* index; 0: none yet */
};

struct effect {
	uint64_t index, call;
	int64_t revision;
};

static struct {
	struct call **calls; /* by number - 1 */
	size_t count, capacity;
	LIST_HEAD(, call) waiting;
	size_t waiting_count, probes_failed;
	uint64_t witness; /* the greatest so far */
	struct effect *effects;
	size_t effect_count, effect_capacity;
	size_t seen[WORLD_NODES_MAX + 1]; /* effects, by each node */
	uint64_t *commands;               /* by index: the number of the call; 0: none */
	size_t command_capacity;
	uint64_t applied; /* by the furthest node */
	struct kv_observer observers[WORLD_NODES_MAX + 1];
} history;

/* ---- effects ---- */

static uint64_t *history_command(uint64_t index)
{
	size_t before = history.command_capacity;
	if (index >= before) {
		history.command_capacity = (size_t)index * 2 + 256;
		history.commands = memory_resize(history.commands, history.command_capacity, sizeof *history.commands);
		memset(&history.commands[before], 0, (history.command_capacity - before) * sizeof *history.commands);
	}
	return &history.commands[index];
}

void history_applying(uint64_t index, const struct kv_command *command)
{
	uint64_t number = command->kind == KV_COMMAND_TXN ? model_number(&command->txn) : 0;
	uint64_t *known = history_command(index);
	if (number == 0 || *known == number)
		return;
	check(*known == 0 && number <= history.count);
	*known = number;
	if (history.calls[number - 1]->effect != 0)
		counters_add(COUNTER_RETRIED);
}

/* The first node that applies it says what it does. */
static void history_first(unsigned node, const struct kv_change *change)
{
	uint64_t number = *history_command(change->index);
	if (number == 0)
		world_fail("n%u changes keys at index %ju, and no client asked for it", node, (uintmax_t)change->index);
	struct call *call = history.calls[number - 1];
	if (call->effect != 0)
		world_fail("command %ju takes effect twice, at index %ju and %ju", (uintmax_t)number,
		           (uintmax_t)call->effect, (uintmax_t)change->index);
	if (call->state == CALL_NEVER)
		world_fail("command %ju was certainly not to be applied, and is, at index %ju", (uintmax_t)number,
		           (uintmax_t)change->index);
	call->effect = change->index;
	if (history.effect_count == history.effect_capacity) {
		history.effect_capacity = history.effect_capacity * 2 + 256;
		history.effects = memory_resize(history.effects, history.effect_capacity, sizeof *history.effects);
	}
	history.effects[history.effect_count++] = (struct effect){change->index, number, change->revision};
	if (!model_apply(&call->command, change))
		world_fail("command %ju does at index %ju what the model does not", (uintmax_t)number,
		           (uintmax_t)change->index);
}

static void history_changed(void *argument, const struct kv_change *change)
{
	unsigned node = (unsigned)(uintptr_t)argument;
	size_t at = history.seen[node]++;
	if (at == history.effect_count)
		history_first(node, change);
	const struct effect *effect = &history.effects[at];
	if (effect->index != change->index || effect->revision != change->revision)
		world_fail("n%u changes revision %jd at index %ju, others revision %jd at %ju", node,
		           (intmax_t)change->revision, (uintmax_t)change->index, (intmax_t)effect->revision,
		           (uintmax_t)effect->index);
}

static void history_replaced(void *argument, int64_t revision)
{
	(void)argument;
	(void)revision;
}

const struct kv_observer *history_observer(unsigned node)
{
	history.observers[node] = (struct kv_observer){
	    .changed = history_changed, .replaced = history_replaced, .argument = (void *)(uintptr_t)node};
	return &history.observers[node];
}

void history_stands(unsigned node, uint64_t applied)
{
	size_t seen = 0;
	while (seen < history.effect_count && history.effects[seen].index <= applied)
		seen++;
	history.seen[node] = seen;
}

void history_applied(unsigned node, uint64_t applied)
{
	for (; history.applied < applied; history.applied++) {
		uint64_t number = *history_command(history.applied + 1);
		if (number != 0 && history.calls[number - 1]->effect == 0)
			counters_add(COUNTER_STALE_SESSION);
	}
	size_t seen = history.seen[node];
	if (seen < history.effect_count && history.effects[seen].index <= applied)
		world_fail("n%u has applied index %ju, and not seen the change of index %ju", node, (uintmax_t)applied,
		           (uintmax_t)history.effects[seen].index);
}

/* ---- answers ---- */

static void history_end_call(struct call *call, enum call_state state)
{
	check(call->state == CALL_WAITING);
	call->state = state;
	if (state == CALL_UNKNOWN && call->is_write)
		cross_maybe_wrote(&call->command, call->called_us);
	LIST_REMOVE(call, next);
	history.waiting_count--;
	if (call->is_probe && state != CALL_OK && !checker_was_removed(call->node))
		history.probes_failed++;
}

/* Rule 3. */
static void history_witness(const struct call *call, uint64_t index)
{
	uint64_t least = call->is_write ? call->floor + 1 : call->floor;
	if (index < least)
		world_fail("%s at n%u has its place at index %ju, and one that had ended before at %ju",
		           call->is_write ? "a write" : "a read", call->node, (uintmax_t)index, (uintmax_t)call->floor);
	if (index > history.witness)
		history.witness = index;
}

static void history_write_ok(struct call *call, const struct kv_result *result)
{
	if (result->err != ERR_OK)
		world_fail("command %ju is refused: %s", (uintmax_t)call->command.number, err_name(result->err));
	if (call->effect != result->index)
		world_fail("command %ju is answered with index %ju, and took effect at %ju",
		           (uintmax_t)call->command.number, (uintmax_t)result->index, (uintmax_t)call->effect);
	if (result->succeeded != call->command.succeeded)
		world_fail("command %ju is told the wrong branch", (uintmax_t)call->command.number);
	if (result->response_count == 0)
		counters_add(COUNTER_REPEAT_ANSWERED);
	if (!result->succeeded)
		counters_add(COUNTER_COMPARE_FAILED);
	history_witness(call, result->index);
	cross_wrote(&call->command, call->called_us);
	counters_add(COUNTER_WRITE_OK);
	history_end_call(call, CALL_OK);
}

static void history_wrote(void *argument, enum err err, struct kv_result *result)
{
	struct call *call = argument;
	world_say(call->node, "client: command %ju: %s", (uintmax_t)call->command.number, err_name(err));
	switch ((int)err) {
	case ERR_OK:
		history_write_ok(call, result);
		break;
	case ERR_UNKNOWN_OUTCOME:
		counters_add(COUNTER_WRITE_UNKNOWN);
		history_end_call(call, CALL_UNKNOWN);
		break;
	case ERR_TIMEOUT:
	case ERR_NO_LEADER:
	case ERR_STOPPED:
		if (call->effect != 0)
			world_fail("command %ju is said not to be applied (%s), and is, at index %ju",
			           (uintmax_t)call->command.number, err_name(err), (uintmax_t)call->effect);
		counters_add(COUNTER_WRITE_NEVER);
		history_end_call(call, CALL_NEVER);
		break;
	default:
		world_fail("command %ju is answered with %s", (uintmax_t)call->command.number, err_name(err));
	}
	kv_result_free(result);
}

static uint64_t history_read(unsigned node, unsigned key, uint64_t *ret_number)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_record record = {0};
	struct kv_view *view = kv_view_open(replica_kv(machine_at(node)->replica));
	uint64_t index = kv_view_index(view);
	enum err err = model_read(view, key, &arena, &record);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		world_fail("n%u cannot read a key: %s", node, err_name(err));
	if (!model_shows(key, index, err == ERR_OK ? &record : NULL))
		world_fail("n%u shows at index %ju another value of key %u than the model has", node, (uintmax_t)index,
		           key);
	kv_view_close(view);
	*ret_number = model_number_of(err == ERR_OK ? &record : NULL);
	return index;
}

static void history_ready(void *argument, enum err err)
{
	struct call *call = argument;
	if (err != ERR_OK) {
		check(err == ERR_TIMEOUT || err == ERR_STOPPED);
		counters_add(COUNTER_READ_TIMEOUT);
		history_end_call(call, CALL_NEVER);
		return;
	}
	uint64_t number = 0, index = history_read(call->node, call->command.key, &number);
	world_say(call->node, "client: read of key %u at index %ju", call->command.key, (uintmax_t)index);
	history_witness(call, index);
	cross_read(call->command.key, number, call->called_us);
	counters_add(COUNTER_READ_OK);
	counters_add(call->asked_round ? COUNTER_READ_ROUND : COUNTER_READ_LEASE);
	history_end_call(call, CALL_OK);
}

void history_crashed(unsigned node)
{
	struct call *call, *after;
	for (call = LIST_FIRST(&history.waiting); call != NULL; call = after) {
		after = LIST_NEXT(call, next);
		if (call->node == node)
			history_end_call(call, CALL_UNKNOWN);
	}
}

/* ---- calls ---- */

static struct call *history_new_call(unsigned node, bool is_write, bool is_probe)
{
	struct call *call = memory_new(sizeof *call);
	*call = (struct call){.node = node,
	                      .is_write = is_write,
	                      .is_probe = is_probe,
	                      .called_us = world_now_us(),
	                      .floor = history.witness};
	if (history.count == history.capacity) {
		history.capacity = history.capacity * 2 + 256;
		history.calls = memory_resize(history.calls, history.capacity, sizeof(struct call *));
	}
	history.calls[history.count++] = call;
	LIST_INSERT_HEAD(&history.waiting, call, next);
	history.waiting_count++;
	return call;
}

static uint64_t history_deadline_ns(uint64_t ms)
{
	return clock_steady_ns() + ms * CLOCK_NS_PER_MS;
}

static void history_write(struct call *call, uint64_t for_ms)
{
	struct model_txn txn;
	model_command_new(&call->command, history.count, (unsigned)world_below(HISTORY_CLIENTS));
	model_txn_fill(&txn, &call->command);
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = txn.txn};
	world_say(call->node, "client: command %ju: kind=%d key=%u", (uintmax_t)call->command.number,
	          (int)call->command.kind, call->command.key);
	enum err err = replica_propose(machine_at(call->node)->replica, &command, history_deadline_ns(for_ms),
	                               history_wrote, call);
	if (err == ERR_OK)
		return;
	check(err == ERR_BUSY || err == ERR_STOPPED);
	history_end_call(call, CALL_NEVER);
}

static void history_begin_read(struct call *call, uint64_t for_ms)
{
	bool pending = false;
	call->command.key = (unsigned)world_below(MODEL_KEYS);
	call->asked_round = true;
	enum err err = replica_barrier(machine_at(call->node)->replica, history_deadline_ns(for_ms), history_ready,
	                               call, &pending);
	if (err == ERR_OK && !pending) {
		call->asked_round = false;
		history_ready(call, ERR_OK);
	} else if (err != ERR_OK) {
		check(err == ERR_BUSY || err == ERR_STOPPED);
		history_end_call(call, CALL_NEVER);
	}
}

void history_call(unsigned node)
{
	if (!machine_is_up(node))
		return;
	world_enter(node);
	uint64_t number = 0, kind = world_below(10),
	         for_ms = world_below(3) == 0 ? world_below(1000) : world_below(10000);
	if (kind < 5)
		history_write(history_new_call(node, true, false), for_ms);
	else if (kind < 9)
		history_begin_read(history_new_call(node, false, false), for_ms);
	else
		history_read(node, (unsigned)world_below(MODEL_KEYS),
		             &number); /* whatever the node has: by its index alone */
	world_leave();
}

void history_probe(unsigned node)
{
	check(machine_is_up(node));
	world_enter(node);
	history_write(history_new_call(node, true, true), HISTORY_PROBE_MS);
	history_begin_read(history_new_call(node, false, true), HISTORY_PROBE_MS);
	world_leave();
}

size_t history_waiting(void)
{
	return history.waiting_count;
}

size_t history_probes_failed(void)
{
	return history.probes_failed;
}

/* ---- life ---- */

void history_begin(void)
{
	memset(&history, 0, sizeof history);
	LIST_INIT(&history.waiting);
	model_begin();
}

void history_end(void)
{
	const struct call *call;
	LIST_FOREACH(call, &history.waiting, next)
	if (call->is_write)
		cross_maybe_wrote(&call->command, call->called_us);
	for (size_t i = 0; i < history.count; i++)
		free(history.calls[i]);
	free(history.calls);
	free(history.effects);
	free(history.commands);
	model_end();
}

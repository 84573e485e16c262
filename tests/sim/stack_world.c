/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "tests/sim/stack_fibre.h"
#include "tests/sim/stack_machine.h"

enum { WORLD_LINE_BYTES = 4096 };
#define WORLD_WALL_NS INT64_C(1800000000000000000)

struct clock {
	uint64_t rate_ppm, offset_us, paused_until_us;
	int64_t wall_ns;
};

static struct {
	struct random random;
	uint64_t now_us, trace_hash;
	struct events events;
	world_handler handlers[WORLD_EVENTS];
	struct clock clocks[WORLD_NODES_MAX + 1];
	unsigned node;
} world;

uint64_t world_seed;
bool world_traces;

/* ---- what is told ---- */

void world_hash(uint64_t number)
{
	uint64_t hash = (world.trace_hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
	world.trace_hash = hash ^ (hash >> 31);
}

uint64_t world_trace_hash(void)
{
	return world.trace_hash;
}

static void world_print(unsigned node, const char *event, const char *format, va_list arguments)
{
	char line[WORLD_LINE_BYTES];
	int size = vsnprintf(line, sizeof line, format, arguments);
	check(size >= 0);
	printf("%6ju.%06ju  ", (uintmax_t)(world.now_us / WORLD_S), (uintmax_t)(world.now_us % WORLD_S));
	if (node != 0)
		printf("n%u  ", node);
	printf("%s%s%s\n", event, event[0] != 0 ? " " : "", line);
}

void world_say(unsigned node, const char *format, ...)
{
	if (!world_traces)
		return;
	va_list arguments;
	va_start(arguments, format);
	world_print(node, "", format, arguments);
	va_end(arguments);
}

void world_fail(const char *format, ...)
{
	va_list arguments;
	fflush(stdout);
	fprintf(stderr, "%s: seed %ju fails after %ju.%06ju s: ", "stack", (uintmax_t)world_seed,
	        (uintmax_t)(world.now_us / WORLD_S), (uintmax_t)(world.now_us % WORLD_S));
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	machine_rerun_line();
	_Exit(1);
}

#define LOG_DEFINE(function)                                                                                           \
	void function(const char *event, const char *format, ...)                                                      \
	{                                                                                                              \
		if (!world_traces)                                                                                     \
			return;                                                                                        \
		va_list arguments;                                                                                     \
		va_start(arguments, format);                                                                           \
		world_print(world_node(), event, format, arguments);                                                   \
		va_end(arguments);                                                                                     \
	}

LOG_DEFINE(log_debug)
LOG_DEFINE(log_info)
LOG_DEFINE(log_warn)

void log_error(const char *event, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (world_traces)
		world_print(world_node(), event, format, arguments);
	va_end(arguments);
	machine_complains(world_node(), event);
}

void log_fatal(const char *event, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (world_traces)
		world_print(world_node(), event, format, arguments);
	va_end(arguments);
	machine_dies(world_node(), event);
	fibre_end();
}

void log_level_set(enum log_level level)
{
	(void)level;
}

void log_name_set(const char *name)
{
	(void)name;
}

/* ---- chance ---- */

uint64_t world_below(uint64_t bound)
{
	return bound != 0 ? random_below(&world.random, bound) : 0;
}

uint64_t world_number(void)
{
	return random_next(&world.random);
}

bool world_chance(uint32_t ppm)
{
	return random_below(&world.random, 1000000) < ppm;
}

uint64_t __wrap_random_from_system(void);
uint64_t __wrap_random_from_system(void)
{
	uint64_t number = world_number();
	return number != 0 ? number : 1;
}

/* ---- time ---- */

uint64_t world_now_us(void)
{
	return world.now_us;
}

static uint64_t clock_us(const struct clock *clock)
{
	return clock->offset_us + (uint64_t)((unsigned __int128)world.now_us * clock->rate_ppm / 1000000);
}

uint64_t world_us_of(unsigned node, uint64_t steady_ns)
{
	const struct clock *clock = &world.clocks[node];
	uint64_t us = steady_ns / 1000 + 1;
	if (us <= clock->offset_us)
		return world.now_us;
	uint64_t at_us = (uint64_t)((unsigned __int128)(us - clock->offset_us) * 1000000 / clock->rate_ppm) + 1;
	return at_us > world.now_us ? at_us : world.now_us;
}

void world_clock_new(unsigned node)
{
	world.clocks[node].offset_us = world_below(UINT64_C(1000000) * WORLD_S);
}

void world_clock_jump(unsigned node, int64_t wall_ns)
{
	world.clocks[node].wall_ns += wall_ns;
}

void world_pause(unsigned node, uint64_t for_us)
{
	world.clocks[node].paused_until_us = for_us != 0 ? world.now_us + for_us : 0;
}

uint64_t clock_steady_ns(void)
{
	return clock_us(&world.clocks[world_node()]) * 1000;
}

uint64_t clock_steady_ms(void)
{
	return clock_steady_ns() / CLOCK_NS_PER_MS;
}

int64_t clock_wall_ns(void)
{
	return WORLD_WALL_NS + (int64_t)world.now_us * 1000 + world.clocks[world_node()].wall_ns;
}

/* ---- what will happen ---- */

void world_plan(enum world_event kind, unsigned node, uint64_t in_us, uint64_t number, void *data)
{
	events_add(&world.events, (struct event){.at_us = world.now_us + in_us,
	                                         .kind = kind,
	                                         .node = node,
	                                         .number = number,
	                                         .generation = machine_life(node),
	                                         .data = data});
}

void world_plan_fibre(unsigned node, uint64_t in_us, uint64_t fibre, uint64_t wait)
{
	events_add(
	    &world.events,
	    (struct event){
	        .at_us = world.now_us + in_us, .kind = WORLD_FIBRE, .node = node, .number = fibre, .generation = wait});
}

void world_each(enum world_event kind, void (*fn)(struct event *event, void *argument), void *argument)
{
	for (size_t i = 0; i < world.events.count; i++)
		if (world.events.heap[i].kind == (int)kind)
			fn(&world.events.heap[i], argument);
}

/* What waits for a paused node comes in its order when it goes on. */
static bool world_puts_off(struct event *event)
{
	uint64_t paused_until_us = world.clocks[event->node].paused_until_us;
	if (event->node == 0 || event->kind == WORLD_CRASH || event->kind == WORLD_BOOT ||
	    world.now_us >= paused_until_us)
		return false;
	event->at_us = paused_until_us;
	events_add(&world.events, *event);
	return true;
}

bool world_run(uint64_t until_us, bool (*done)(void))
{
	struct event event;
	while (done == NULL || !done()) {
		if (!events_take(&world.events, &event))
			return false;
		if (event.at_us > until_us) {
			world.now_us = until_us;
			events_add(&world.events, event);
			return false;
		}
		if (event.at_us > world.now_us)
			world.now_us = event.at_us;
		if (world_puts_off(&event))
			continue;
		if (event.kind == WORLD_FIBRE && machine_is_dying((unsigned)event.node))
			continue;
		if (event.kind == WORLD_FIBRE)
			fibre_resume(event.number, event.generation);
		else
			world.handlers[event.kind](&event);
	}
	return true;
}

/* ---- who is running ---- */

unsigned world_node(void)
{
	const struct fibre *fibre = fibre_self();
	return fibre != NULL ? fibre_node(fibre) : world.node;
}

void world_enter(unsigned node)
{
	check(world.node == 0 && fibre_self() == NULL);
	world.node = node;
}

void world_leave(void)
{
	world.node = 0;
}

/* ---- life ---- */

void world_handle(enum world_event kind, world_handler handler)
{
	world.handlers[kind] = handler;
}

void world_begin(uint64_t seed)
{
	memset(&world, 0, sizeof world);
	world_seed = seed;
	random_init(&world.random, seed);
	for (unsigned node = 0; node <= WORLD_NODES_MAX; node++) {
		struct clock *clock = &world.clocks[node];
		clock->rate_ppm = 1000000 - WORLD_DRIFT_PPM + world_below(2 * WORLD_DRIFT_PPM + 1);
		world_clock_new(node);
	}
}

void world_end(void)
{
	events_fini(&world.events);
}

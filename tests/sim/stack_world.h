/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What surrounds the nodes of the simulator of whole nodes: virtual time, one seed, the list of what will happen, the clocks and
 * the log of each node. Implements base/clock.h and base/log.h, for whichever node is running.
 *
 * A node's steady clock has its own rate within WORLD_DRIFT_PPM of true time, which is what raft/lease.h allows, and its own
 * offset; its wall clock jumps. What is planned for a paused node waits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/events.h"

enum {
	WORLD_NODES_MAX = 9,
	WORLD_DRIFT_PPM = 100000,
	WORLD_MS = 1000, /* microseconds */
	WORLD_S = 1000 * WORLD_MS,
};

enum world_event {
	WORLD_FIBRE,
	WORLD_FRAME,
	WORLD_UNREACHABLE,
	WORLD_BOOT,
	WORLD_CRASH,
	WORLD_FAULT,
	WORLD_CLIENT,
	WORLD_MEMBERS,
	WORLD_EVENTS,
};

/* Frees what it carries too. */
typedef void (*world_handler)(const struct event *event);

/* ---- life ---- */
void world_begin(uint64_t seed);
void world_end(void);
void world_handle(enum world_event kind, world_handler handler);
/* Until then, or until `done` says so; false if it never did. */
bool world_run(uint64_t until_us, bool (*done)(void));

/* ---- chance ---- */
uint64_t world_below(uint64_t bound); /* 0 for 0 */
uint64_t world_number(void);
bool world_chance(uint32_t ppm);

/* ---- time ---- */
uint64_t world_now_us(void);
uint64_t world_us_of(unsigned node, uint64_t steady_ns); /* when its clock will show that */
void world_clock_new(unsigned node);                     /* another offset: the machine was started */
void world_clock_jump(unsigned node, int64_t wall_ns);
void world_pause(unsigned node, uint64_t for_us); /* 0: it goes on */

/* ---- what will happen ---- */
void world_plan(enum world_event kind, unsigned node, uint64_t in_us, uint64_t number, void *data);
void world_plan_fibre(unsigned node, uint64_t in_us, uint64_t fibre, uint64_t wait);
/* Calls fn for each that is planned of that kind; it may take the data out by setting it to NULL. */
void world_each(enum world_event kind, void (*fn)(struct event *event, void *argument), void *argument);

/* ---- who is running ---- */
unsigned world_node(void); /* 0: the simulator */
void world_enter(unsigned node);
void world_leave(void);

/* ---- what is told ---- */
extern uint64_t world_seed;
extern bool world_traces; /* text to standard output */
__attribute__((format(printf, 2, 3))) void world_say(unsigned node, const char *format, ...);
/* Ends the process with the line that reruns the seed. */
_Noreturn __attribute__((format(printf, 1, 2))) void world_fail(const char *format, ...);
void world_hash(uint64_t number);
uint64_t world_trace_hash(void);

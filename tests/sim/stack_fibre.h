/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads of the nodes, as fibres on virtual time: one runs until it waits, so a run is the same each time. The linker puts
 * these in place of pthread_create() and of what makes threads wait (stack_wraps in sources.mk), and base/wait.h is
 * implemented here; the code of the nodes is what it always is.
 *
 * To let threads meet in many orders, a fibre that is woken goes on after a random while, and a fibre that takes a mutex
 * sometimes lets others go first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	FIBRE_STACK_BYTES = 256 << 10,
	FIBRE_COUNT_MAX = 256,
	FIBRE_DELAY_US = 40,     /* at most, between being woken and going on */
	FIBRE_YIELD_PPM = 10000, /* of the locks taken, after which others may go first */
};

struct fibre;

/* Begins soon, as a thread of that node. */
struct fibre *fibre_start(unsigned node, void *(*run)(void *argument), void *argument);
/* The one that runs, or NULL: the simulator itself. */
struct fibre *fibre_self(void);
unsigned fibre_node(const struct fibre *fibre);
/* The fibre goes on after that time. */
void fibre_sleep_us(uint64_t us);
/* By the simulator: it goes on now, unless it is gone, or was woken otherwise since this was planned. */
void fibre_resume(uint64_t id, uint64_t wait);
/* All of a node's are gone, wherever they stood; not by one of them. */
void fibre_kill_node(unsigned node);
/* The calling fibre is never heard of again. */
_Noreturn void fibre_end(void);
void fibre_fini(void); /* stacks are given back */

/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at again and again: a timer of the loop that runs while somebody wants it. On the api role. */
#pragma once

#include <sys/queue.h>

#include "api/reactor.h"

enum { TICKS_EVERY_MS = 100 };

/* A member of what it is about. */
struct tick {
	TAILQ_ENTRY(tick) next;
	void (*run)(struct tick *tick, uint64_t now_ns); /* may add and remove any */
};

struct ticks;
enum err ticks_new(struct reactor *reactor, struct ticks **ret_ticks) MUST_USE; /* ERR_LIMIT: no descriptors */
void ticks_free(struct ticks *ticks);                                           /* none is left */
void ticks_add(struct ticks *ticks, struct tick *tick);
void ticks_remove(struct ticks *ticks, struct tick *tick);

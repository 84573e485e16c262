/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crew of threads that share duties: each duty is done by at most one thread at a time, by whichever is awake. The thread
 * that found work does it to its end: one that stepped the core also writes the log, steps the core again and applies, and
 * only when there is more to do at once is another one woken. So a lone proposal costs one hand-over in and one out, where
 * a thread per role would need five; and a duty that blocks (a sync) never keeps the others from being done.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* In the order of preference: the disk must not idle; applied results free waiters only after the core has gone on. */
enum crew_duty { CREW_LOG, CREW_RAFT, CREW_APPLY, CREW_DUTIES };

struct crew;
typedef void (*crew_work)(void *argument);

/* Does nothing until crew_start(). work[duty](argument) is called once for any number of crew_want() since it last began. */
struct crew *crew_new(const crew_work work[CREW_DUTIES], void *argument);
void crew_start(struct crew *crew);
/* No duty is begun any more, those under way are finished; returns when all threads have ended. */
void crew_stop(struct crew *crew);
void crew_free(struct crew *crew);

/* The duty has something to do. ON_ANY_THREAD */
void crew_want(struct crew *crew, enum crew_duty duty);
/* CREW_RAFT is wanted at that time (clock_steady_ns()); replaces the time set before. By the raft duty. */
void crew_wake_at(struct crew *crew, uint64_t time_ns);
/* Ends the process when the calling thread does not hold the duty, unless the crew is not running. */
void crew_check(struct crew *crew, enum crew_duty duty);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for a read barrier: first for a round (a read index asked of the leader, shared by all who came before it was
 * begun: thesis §6.4), then until the state is applied up to that index. Thread-safe; `ready` is called by the functions that
 * say so, never with the mutex held, exactly once per waiter.
 */
#pragma once

#include "base/err.h"
#include "replica/replica.h"

enum {
	BARRIERS_WAITERS_MAX = 65536, /* requests of the kernel and of clients, each of which is bounded already */
	BARRIERS_ROUNDS_MAX = 2,      /* under way at once: one is being answered while the next one is asked */
};

struct barriers;
struct barriers *barriers_new(void);
void barriers_free(struct barriers *barriers); /* nobody waits */

struct barriers_waiter {
	uint64_t came_ns; /* by the steady clock: a round that was begun by an older time does not serve it */
	uint64_t deadline_ns;
	replica_ready ready;
	void *argument;
};
/* Waits for the next round. ERR_BUSY, ERR_STOPPED. ON_ANY_THREAD */
enum err barriers_add(struct barriers *barriers, const struct barriers_waiter *waiter) MUST_USE;
/* Waits only for applied >= index; the caller then calls barriers_applied() once. ON_ANY_THREAD */
enum err barriers_add_at(struct barriers *barriers, const struct barriers_waiter *waiter, uint64_t index) MUST_USE;

/* ---- by the raft role ---- */

/* Somebody that came at or before now_ns waits for a round, and one may be begun. */
bool barriers_want_round(struct barriers *barriers, uint64_t now_ns);
/* For those that came by now. What the core says of the round may rest on this time (a lease that is still valid), and the thread may have
 * been stopped since it was read: who came meanwhile waits for the next one. */
void barriers_begin(struct barriers *barriers, uint64_t read_id, uint64_t now_ns);
/* err not ERR_OK: its waiters wait for another round. An unknown round is passed over. */
void barriers_resolved(struct barriers *barriers, uint64_t read_id, enum err err, uint64_t index);
/* Answers those past their deadline, and gives up rounds begun at or before begun_ns: their waiters wait for another one.
 * Returns the next deadline, UINT64_MAX for none. Calls `ready`. */
uint64_t barriers_review(struct barriers *barriers, uint64_t now_ns, uint64_t begun_ns);
/* Refuses new ones, and answers all. Calls `ready`. */
void barriers_stop(struct barriers *barriers, enum err why);

/* ---- by the raft or apply role ---- */

/* The state is applied up to this index: answers those who wait for no more. Calls `ready`. */
void barriers_applied(struct barriers *barriers, uint64_t applied);

size_t barriers_count(struct barriers *barriers);

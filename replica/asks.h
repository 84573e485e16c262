/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changes of the members that were asked for at this node and are not answered: each is asked of the leader until that has
 * answered, or its deadline comes. By the raft role alone; time is handed in.
 *
 *     waiting --asks_next--> asked --a final answer--> (answered)
 *        ^                     |
 *        +-- not now, silence, +
 *            another leader
 *
 * Invariants:
 *  1. An ask is answered exactly once.
 *  2. It is answered as not done only if the leader said so, or no try of it went without an answer.
 */
#pragma once

#include "replica/replica.h"

enum {
	ASKS_MAX = 64,        /* people and joiners ask, not programs */
	ASKS_PAUSE_MS = 50,   /* before what was refused for the moment is asked again */
	ASKS_TRIES_BITS = 16, /* an attempt is the ask's number, and the low bits of that of its tries */
};

/* What was asked, by whom. */
struct ask;
/* A copy of the change; `done` is called by asks_*() or ask_answer(), and the ask is freed by it. */
struct ask *ask_new(const struct replica_change *change, uint64_t deadline_ns, replica_changed done, void *argument);
/* For one that no asks took over. */
void ask_answer(struct ask *ask, enum err err);
void ask_refuse(struct ask *ask, enum err err, const char *why);
/* Is it REPLICA_LEAD without a member? Then one is put in before it is added. */
bool ask_lacks_member(const struct ask *ask);
void ask_name_member(struct ask *ask, uint64_t member);

struct asks;
struct asks *asks_new(void);
void asks_free(struct asks *asks); /* after asks_stop() */
/* Answers all. */
void asks_stop(struct asks *asks);

/* Takes the ask; with ASKS_MAX of them it is answered with ERR_BUSY at once. */
void asks_add(struct asks *asks, struct ask *ask);

struct asks_try {
	uint64_t attempt;
	const struct replica_change *change; /* lent until the next call */
};
/* One that can be asked now, and counts as asked from now on. False: none. */
bool asks_next(struct asks *asks, uint64_t now_ns, struct asks_try *ret_try);
/* The try went nowhere: it is certain that nobody has it. */
void asks_dropped(struct asks *asks, uint64_t attempt, uint64_t now_ns);
/* The leader's answer. ERR_NOT_LEADER, ERR_BUSY: not now; anything else is final. */
void asks_answered(struct asks *asks, uint64_t attempt, const struct replica_change_outcome *outcome, uint64_t now_ns);
/* Another one leads: it is asked instead. */
void asks_leader_changed(struct asks *asks);
/* What time decides: deadlines, and asking again what went unanswered since unanswered_since_ns. why_not: of one that was never
 * refused. Returns when there is something to do next; UINT64_MAX: nothing. */
uint64_t asks_review(struct asks *asks, uint64_t now_ns, uint64_t unanswered_since_ns, enum err why_not);
size_t asks_count(const struct asks *asks);

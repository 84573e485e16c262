/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was asked of leases at this node and is not answered: each is asked of the leader until that has answered, or its
 * deadline comes. Asking twice does no harm, so an answer to any try will do. By the raft role alone; time is handed in.
 *
 *     waiting --inquiries_next--> asked --answered--> (answered)
 *        ^                          |
 *        +- not now, silence, another leader
 */
#pragma once

#include "replica/replica.h"

enum {
	INQUIRIES_MAX = 65536,    /* requests of clients, each of which is bounded already */
	INQUIRIES_TAKE_MAX = 512, /* in one message */
	INQUIRIES_PAUSE_MS = 20,  /* before what was refused for the moment is asked again */
};

struct inquiry;
struct inquiry *inquiry_new(enum replica_lease_ask kind, int64_t id, uint64_t deadline_ns, replica_leased done,
                            void *argument);
/* For one that no inquiries took over: without, and with an answer. */
void inquiry_free(struct inquiry *inquiry);
void inquiry_answer(struct inquiry *inquiry, enum err err);

struct inquiries;
struct inquiries *inquiries_new(void);
void inquiries_free(struct inquiries *inquiries); /* after inquiries_stop() */
/* Answers all. */
void inquiries_stop(struct inquiries *inquiries);

/* Takes it; with INQUIRIES_MAX of them it is answered with ERR_BUSY at once. */
void inquiries_add(struct inquiries *inquiries, struct inquiry *inquiry);

struct inquiry_try {
	uint64_t number;
	enum replica_lease_ask kind;
	int64_t id;
};
/* Those that can be asked now, and count as asked from now on. */
size_t inquiries_next(struct inquiries *inquiries, uint64_t now_ns, struct inquiry_try tries[INQUIRIES_TAKE_MAX]);
/* The leader's answer, or that it got nothing. ERR_NOT_LEADER, ERR_BUSY: not now; anything else is final. */
void inquiries_answered(struct inquiries *inquiries, uint64_t number, const struct replica_lease_outcome *outcome,
                        uint64_t now_ns);
/* Another one leads: it is asked instead. */
void inquiries_leader_changed(struct inquiries *inquiries);
/* What time decides: deadlines, and asking again what went unanswered since unanswered_since_ns. why_not: of one that came to its
 * deadline. Returns when there is something to do next; UINT64_MAX: nothing. */
uint64_t inquiries_review(struct inquiries *inquiries, uint64_t now_ns, uint64_t unanswered_since_ns, enum err why_not);
size_t inquiries_count(const struct inquiries *inquiries);

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/inquiries.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"

struct inquiry {
	TAILQ_ENTRY(inquiry) next;
	uint64_t number;
	enum replica_lease_ask kind;
	int64_t id;
	uint64_t deadline_ns;
	replica_leased done;
	void *argument;
	bool asked;
	uint64_t asked_ns, pause_until_ns;
};
TAILQ_HEAD(inquiry_list, inquiry);

struct inquiries {
	struct inquiry_list waiting, asked;
	struct map by_number;
	uint64_t last_number;
};

/* ---- one ---- */

struct inquiry *inquiry_new(enum replica_lease_ask kind, int64_t id, uint64_t deadline_ns, replica_leased done,
                            void *argument)
{
	struct inquiry *inquiry = memory_new(sizeof *inquiry);
	inquiry->kind = kind;
	inquiry->id = id;
	inquiry->deadline_ns = deadline_ns;
	inquiry->done = done;
	inquiry->argument = argument;
	return inquiry;
}

void inquiry_free(struct inquiry *inquiry)
{
	free(inquiry);
}

static void inquiry_finish(struct inquiry *inquiry, const struct replica_lease_outcome *outcome)
{
	inquiry->done(inquiry->argument, outcome);
	free(inquiry);
}

void inquiry_answer(struct inquiry *inquiry, enum err err)
{
	inquiry_finish(inquiry, &(struct replica_lease_outcome){.err = err});
}

/* ---- all ---- */

struct inquiries *inquiries_new(void)
{
	struct inquiries *inquiries = memory_new(sizeof *inquiries);
	TAILQ_INIT(&inquiries->waiting);
	TAILQ_INIT(&inquiries->asked);
	map_init(&inquiries->by_number);
	return inquiries;
}

void inquiries_free(struct inquiries *inquiries)
{
	check(inquiries->by_number.count == 0);
	map_fini(&inquiries->by_number);
	free(inquiries);
}

static struct inquiry_list *inquiries_list(struct inquiries *inquiries, const struct inquiry *inquiry)
{
	return inquiry->asked ? &inquiries->asked : &inquiries->waiting;
}

static void inquiries_remove(struct inquiries *inquiries, struct inquiry *inquiry)
{
	TAILQ_REMOVE(inquiries_list(inquiries, inquiry), inquiry, next);
	map_remove(&inquiries->by_number, inquiry->number);
}

static void inquiries_move(struct inquiries *inquiries, struct inquiry *inquiry, bool asked)
{
	TAILQ_REMOVE(inquiries_list(inquiries, inquiry), inquiry, next);
	inquiry->asked = asked;
	TAILQ_INSERT_TAIL(inquiries_list(inquiries, inquiry), inquiry, next);
}

static void inquiries_answer_all(struct inquiries *inquiries, struct inquiry_list *list, enum err err)
{
	struct inquiry *inquiry;
	while ((inquiry = TAILQ_FIRST(list)) != NULL) {
		inquiries_remove(inquiries, inquiry);
		inquiry_answer(inquiry, err);
	}
}

void inquiries_stop(struct inquiries *inquiries)
{
	inquiries_answer_all(inquiries, &inquiries->waiting, ERR_STOPPED);
	inquiries_answer_all(inquiries, &inquiries->asked, ERR_STOPPED);
}

void inquiries_add(struct inquiries *inquiries, struct inquiry *inquiry)
{
	if (inquiries->by_number.count == INQUIRIES_MAX) {
		inquiry_answer(inquiry, ERR_BUSY);
		return;
	}
	inquiry->number = ++inquiries->last_number;
	map_set(&inquiries->by_number, inquiry->number, inquiry);
	TAILQ_INSERT_TAIL(&inquiries->waiting, inquiry, next);
}

size_t inquiries_next(struct inquiries *inquiries, uint64_t now_ns, struct inquiry_try tries[INQUIRIES_TAKE_MAX])
{
	size_t count = 0;
	struct inquiry *inquiry, *after;
	for (inquiry = TAILQ_FIRST(&inquiries->waiting); inquiry != NULL && count < INQUIRIES_TAKE_MAX;
	     inquiry = after) {
		after = TAILQ_NEXT(inquiry, next);
		if (now_ns < inquiry->pause_until_ns)
			continue;
		inquiries_move(inquiries, inquiry, true);
		inquiry->asked_ns = now_ns;
		tries[count++] =
		    (struct inquiry_try){.number = inquiry->number, .kind = inquiry->kind, .id = inquiry->id};
	}
	return count;
}

void inquiries_answered(struct inquiries *inquiries, uint64_t number, const struct replica_lease_outcome *outcome,
                        uint64_t now_ns)
{
	struct inquiry *inquiry = map_find(&inquiries->by_number, number);
	bool final = outcome->err != ERR_NOT_LEADER && outcome->err != ERR_BUSY;
	if (inquiry == NULL)
		return;
	if (final) {
		inquiries_remove(inquiries, inquiry);
		inquiry_finish(inquiry, outcome);
	} else if (inquiry->asked) {
		inquiries_move(inquiries, inquiry, false);
		inquiry->pause_until_ns = now_ns + INQUIRIES_PAUSE_MS * CLOCK_NS_PER_MS;
	}
}

void inquiries_leader_changed(struct inquiries *inquiries)
{
	struct inquiry *inquiry;
	while ((inquiry = TAILQ_LAST(&inquiries->asked, inquiry_list)) != NULL) {
		TAILQ_REMOVE(&inquiries->asked, inquiry, next);
		inquiry->asked = false;
		inquiry->pause_until_ns = 0;
		TAILQ_INSERT_HEAD(&inquiries->waiting, inquiry, next);
	}
}

/* Returns when one of them has to be looked at next. */
static uint64_t inquiries_review_list(struct inquiries *inquiries, struct inquiry_list *list, uint64_t now_ns,
                                      enum err why_not)
{
	uint64_t next_ns = UINT64_MAX;
	struct inquiry *inquiry, *after;
	for (inquiry = TAILQ_FIRST(list); inquiry != NULL; inquiry = after) {
		after = TAILQ_NEXT(inquiry, next);
		if (now_ns >= inquiry->deadline_ns) {
			inquiries_remove(inquiries, inquiry);
			inquiry_answer(inquiry, why_not);
			continue;
		}
		next_ns = inquiry->deadline_ns < next_ns ? inquiry->deadline_ns : next_ns;
		if (!inquiry->asked && inquiry->pause_until_ns > now_ns && inquiry->pause_until_ns < next_ns)
			next_ns = inquiry->pause_until_ns;
	}
	return next_ns;
}

uint64_t inquiries_review(struct inquiries *inquiries, uint64_t now_ns, uint64_t unanswered_since_ns, enum err why_not)
{
	struct inquiry *inquiry;
	while ((inquiry = TAILQ_FIRST(&inquiries->asked)) != NULL && inquiry->asked_ns <= unanswered_since_ns) {
		inquiries_move(inquiries, inquiry, false);
		inquiry->pause_until_ns = 0;
	}
	uint64_t asked_ns = inquiries_review_list(inquiries, &inquiries->asked, now_ns, why_not);
	uint64_t waiting_ns = inquiries_review_list(inquiries, &inquiries->waiting, now_ns, why_not);
	return asked_ns < waiting_ns ? asked_ns : waiting_ns;
}

size_t inquiries_count(const struct inquiries *inquiries)
{
	return inquiries->by_number.count;
}

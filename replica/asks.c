/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/asks.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

enum ask_state { ASK_WAITING, ASK_ASKED };

struct ask {
	TAILQ_ENTRY(ask) next;
	struct arena arena; /* holds the change's strings */
	struct replica_change change;
	uint64_t deadline_ns;
	replica_changed done;
	void *argument;
	uint64_t number, tries;
	enum ask_state state;
	uint64_t asked_ns; /* the try under way */
	uint64_t pause_until_ns;
	bool doubtful;    /* a try went without an answer */
	enum err why_not; /* what the leader said last; ERR_OK: nothing */
};
TAILQ_HEAD(ask_list, ask);

struct asks {
	struct ask_list list;
	size_t count;
	uint64_t last_number;
};

/* ---- one ---- */

static const char *ask_string(struct ask *ask, const char *string)
{
	return arena_dup_string(&ask->arena, bytes_of_string(string != NULL ? string : ""));
}

struct ask *ask_new(const struct replica_change *change, uint64_t deadline_ns, replica_changed done, void *argument)
{
	struct ask *ask = memory_new(sizeof *ask);
	arena_init(&ask->arena);
	ask->change = *change;
	ask->change.name = ask_string(ask, change->name);
	ask->change.peer_urls = ask_string(ask, change->peer_urls);
	ask->change.client_urls = ask_string(ask, change->client_urls);
	ask->deadline_ns = deadline_ns;
	ask->done = done;
	ask->argument = argument;
	return ask;
}

static void ask_finish(struct ask *ask, const struct replica_change_outcome *outcome)
{
	ask->done(ask->argument, outcome);
	arena_fini(&ask->arena);
	free(ask);
}

void ask_refuse(struct ask *ask, enum err err, const char *why)
{
	ask_finish(ask, &(struct replica_change_outcome){.err = err, .why = why, .id = ask->change.id});
}

void ask_answer(struct ask *ask, enum err err)
{
	ask_refuse(ask, err, "");
}

bool ask_lacks_member(const struct ask *ask)
{
	return ask->change.kind == REPLICA_LEAD && ask->change.id == 0;
}

void ask_name_member(struct ask *ask, uint64_t member)
{
	check(ask_lacks_member(ask) && member != 0);
	ask->change.id = member;
}

static uint64_t ask_attempt(const struct ask *ask)
{
	return ask->number << ASKS_TRIES_BITS | (ask->tries & ((1 << ASKS_TRIES_BITS) - 1));
}

static void ask_wait(struct ask *ask, uint64_t until_ns)
{
	ask->state = ASK_WAITING;
	ask->pause_until_ns = until_ns;
}

/* The try under way may have been heard or not. */
static void ask_doubt(struct ask *ask)
{
	check(ask->state == ASK_ASKED);
	ask->doubtful = true;
	ask_wait(ask, 0);
}

/* Invariant 2. */
static enum err ask_verdict(const struct ask *ask, enum err why_not)
{
	if (ask->doubtful || ask->state == ASK_ASKED)
		return ERR_UNKNOWN_OUTCOME;
	return ask->why_not == ERR_BUSY ? ERR_BUSY : why_not;
}

/* ---- all ---- */

struct asks *asks_new(void)
{
	struct asks *asks = memory_new(sizeof *asks);
	TAILQ_INIT(&asks->list);
	return asks;
}

static void asks_remove(struct asks *asks, struct ask *ask)
{
	TAILQ_REMOVE(&asks->list, ask, next);
	asks->count--;
}

void asks_free(struct asks *asks)
{
	check(asks->count == 0);
	free(asks);
}

void asks_stop(struct asks *asks)
{
	struct ask *ask;
	while ((ask = TAILQ_FIRST(&asks->list)) != NULL) {
		asks_remove(asks, ask);
		ask->why_not = ERR_OK;
		ask_answer(ask, ask_verdict(ask, ERR_STOPPED));
	}
}

void asks_add(struct asks *asks, struct ask *ask)
{
	if (asks->count == ASKS_MAX) {
		ask_answer(ask, ERR_BUSY);
		return;
	}
	ask->number = ++asks->last_number;
	TAILQ_INSERT_TAIL(&asks->list, ask, next);
	asks->count++;
}

bool asks_next(struct asks *asks, uint64_t now_ns, struct asks_try *ret_try)
{
	struct ask *ask;
	TAILQ_FOREACH(ask, &asks->list, next)
	{
		if (ask->state == ASK_WAITING && now_ns >= ask->pause_until_ns)
			break;
	}
	if (ask == NULL)
		return false;
	ask->state = ASK_ASKED;
	ask->tries++;
	ask->asked_ns = now_ns;
	*ret_try = (struct asks_try){.attempt = ask_attempt(ask), .change = &ask->change};
	return true;
}

static struct ask *asks_find(const struct asks *asks, uint64_t attempt)
{
	struct ask *ask;
	TAILQ_FOREACH(ask, &asks->list, next)
	{
		if (ask->number == attempt >> ASKS_TRIES_BITS)
			break;
	}
	return ask;
}

/* The one whose try under way this is, or NULL. */
static struct ask *asks_find_asked(const struct asks *asks, uint64_t attempt)
{
	struct ask *ask = asks_find(asks, attempt);
	return ask != NULL && ask->state == ASK_ASKED && ask_attempt(ask) == attempt ? ask : NULL;
}

void asks_dropped(struct asks *asks, uint64_t attempt, uint64_t now_ns)
{
	struct ask *ask = asks_find_asked(asks, attempt);
	if (ask != NULL)
		ask_wait(ask, now_ns + ASKS_PAUSE_MS * CLOCK_NS_PER_MS);
}

void asks_answered(struct asks *asks, uint64_t attempt, const struct replica_change_outcome *outcome, uint64_t now_ns)
{
	/* Done is done, whichever try was heard; a refusal is only of its own. */
	struct ask *ask = outcome->err == ERR_OK ? asks_find(asks, attempt) : asks_find_asked(asks, attempt);
	if (ask == NULL)
		return;
	if (outcome->err == ERR_BUSY || outcome->err == ERR_NOT_LEADER) {
		ask->why_not = outcome->err;
		ask_wait(ask, now_ns + ASKS_PAUSE_MS * CLOCK_NS_PER_MS);
		return;
	}
	asks_remove(asks, ask);
	ask_finish(ask, outcome);
}

void asks_leader_changed(struct asks *asks)
{
	struct ask *ask;
	TAILQ_FOREACH(ask, &asks->list, next)
	{
		if (ask->state == ASK_ASKED)
			ask_doubt(ask);
	}
}

uint64_t asks_review(struct asks *asks, uint64_t now_ns, uint64_t unanswered_since_ns, enum err why_not)
{
	uint64_t next_ns = UINT64_MAX;
	struct ask *ask, *after;
	for (ask = TAILQ_FIRST(&asks->list); ask != NULL; ask = after) {
		after = TAILQ_NEXT(ask, next);
		if (now_ns >= ask->deadline_ns) {
			asks_remove(asks, ask);
			ask_answer(ask, ask_verdict(ask, why_not));
			continue;
		}
		if (ask->state == ASK_ASKED && ask->asked_ns <= unanswered_since_ns)
			ask_doubt(ask);
		next_ns = ask->deadline_ns < next_ns ? ask->deadline_ns : next_ns;
		if (ask->state == ASK_WAITING && ask->pause_until_ns > now_ns && ask->pause_until_ns < next_ns)
			next_ns = ask->pause_until_ns;
	}
	return next_ns;
}

size_t asks_count(const struct asks *asks)
{
	return asks->count;
}

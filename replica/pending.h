/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proposals of this node that have not been answered: each is tried (handed to a leader) until this node applies it or its
 * deadline comes. Thread-safe; completions are called by the functions that say so, never with the mutex held.
 *
 *     preparing --pending_queue--> queued --pending_take--> tried --pending_finish--> (answered)
 *                                    ^                        |
 *                                    +------ refused, dead, ---+   or doubtful: unanswered, or another leader came
 *
 * Invariants:
 *  1. A proposal is answered exactly once.
 *  2. It is answered as certainly not applied only if no try of it can still be applied: each was refused, or died (its index
 *     was applied with another entry), or there was none. A try without an answer makes it doubtful for ever.
 *  3. done_below never passes a sequence that is not answered.
 */
#pragma once

#include "base/err.h"
#include "replica/entry.h"
#include "replica/replica.h"
#include "store/kv.h"

enum {
	PENDING_COUNT_MAX = 8192,        /* the state machine remembers more outcomes than that per session */
	PENDING_BYTES_MAX = 512 << 20,   /* of commands: some at the ceiling of a value */
	PENDING_TAKE_MAX = 512,          /* proposals handed on at once */
	PENDING_TAKE_BYTES_MAX = 1 << 20 /* one proposal always fits */
};

struct pending;
/* `member`: this node. */
struct pending *pending_new(uint64_t member);
void pending_free(struct pending *pending); /* nothing is pending */

/* Gives the command a sequence, and queues it; the session is put in now or once there is one. ERR_BUSY, ERR_STOPPED,
 * ERR_TOO_LARGE. ON_ANY_THREAD */
enum err pending_add(struct pending *pending, const struct kv_command *command, uint64_t deadline_ns,
                     replica_proposed done, void *argument) MUST_USE;

/* ---- the session ---- */

uint64_t pending_session(struct pending *pending);
/* A session is wanted and not yet being asked for: queues the command that opens one, which is itself not bound to one.
 * `done` gets its result, and must pass it to pending_session_opened(). */
void pending_session_ask(struct pending *pending, replica_proposed done, void *argument);
void pending_session_opened(struct pending *pending, uint64_t session);
/* The state machine does not know the session any more. A session that was replaced meanwhile is passed over. */
void pending_session_stale(struct pending *pending, uint64_t session);

/* ---- tries: by the raft role ---- */

struct pending_try {
	uint64_t attempt;
	struct blob *command; /* counted for the taker */
};
/* Queued proposals that can be tried now, in their order. */
size_t pending_take(struct pending *pending, uint64_t now_ns, struct pending_try tries[PENDING_TAKE_MAX]);
void pending_accepted(struct pending *pending, uint64_t attempt, uint64_t index, uint64_t term);
void pending_refused(struct pending *pending, uint64_t attempt);
/* The leader of `term` is another one: every try that it did not accept itself is doubtful, and made again. */
void pending_leader_changed(struct pending *pending, uint64_t term);

/* What time and progress decide: answers what has passed its deadline; tries again what was not answered since
 * unanswered_since_ns, or died at or below `applied` (whose completions have all run). Returns the time of the next deadline,
 * UINT64_MAX for none. Calls completions. */
uint64_t pending_review(struct pending *pending, uint64_t now_ns, uint64_t unanswered_since_ns, uint64_t applied,
                        enum err why_not);
/* Refuses new ones, and answers all. Calls completions. */
void pending_stop(struct pending *pending);

/* ---- outcomes: by the apply role ---- */

bool pending_is_empty(struct pending *pending);
/* The sequence of the proposal that an applied command of this member is of; 0: nobody here waits for it. */
uint64_t pending_match(struct pending *pending, uint64_t session, uint64_t sequence);
uint64_t pending_match_session(struct pending *pending, uint64_t nonce);
/* Answers it with the result, which is taken; one of a stale session is tried again in a new one. Calls its completion. */
void pending_finish(struct pending *pending, uint64_t sequence, struct kv_result *result);

/* After a snapshot replaced the state: calls fn for each (session, sequence) that was tried. ERR_OK: *ret_result answers it;
 * ERR_NOT_FOUND: it was not applied yet; anything else: nobody knows. Calls completions. */
typedef enum err (*pending_outcome)(void *argument, uint64_t session, uint64_t sequence, struct kv_result **ret_result);
void pending_skipped(struct pending *pending, pending_outcome fn, void *argument);

size_t pending_count(struct pending *pending);

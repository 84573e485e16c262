/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proposal sessions: which proposals were applied already, and what came of them (thesis §6.3). In memory, and in rows of meta:
 * one row for the outcomes of each batch, deleted when none of them is needed any more.
 *
 * Invariants:
 *  1. What is remembered is a function of the applied entries alone.
 *  2. Of each session all outcomes with a sequence >= its floor are remembered, at most SESSION_OUTCOMES_MAX.
 *  3. A member has at most one session.
 */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "store/batch.h"

enum {
	/* More than any node has under way; a session that runs over it forgets its lowest sequences. */
	SESSION_OUTCOMES_MAX = 16384,
	SESSIONS_MAX = 4096, /* members that are gone leave one each; the oldest goes first */
};

struct outcome_row;
struct sessions {
	pthread_mutex_t lock;    /* the apply role writes, any thread asks */
	struct map sessions;     /* number -> struct session */
	struct outcome_row *row; /* of the batch under way; NULL: none yet */
	struct buffer pending;   /* its outcomes */
	uint64_t *dead_rows;     /* to be deleted with the batch */
	size_t dead_count, dead_capacity;
};

void sessions_init(struct sessions *sessions);
void sessions_fini(struct sessions *sessions);
/* Reads what the view has, after forgetting all. ERR_CORRUPT, ERR_IO. */
enum err sessions_load(struct sessions *sessions, struct kv_view *view) MUST_USE;

enum session_answer {
	SESSION_NEW,      /* not seen yet */
	SESSION_REPEATED, /* *ret_outcome is what came of it */
	SESSION_STALE,    /* the session is gone, or the sequence is forgotten because it was answered */
};
/* ON_ANY_THREAD */
enum session_answer sessions_ask(struct sessions *sessions, uint64_t session, uint64_t sequence,
                                 struct row_outcome *ret_outcome);

/* Gives a number; drops the member's earlier session. The same nonce again: the same session. */
uint64_t sessions_open(struct sessions *sessions, struct batch *batch, uint64_t member, uint64_t nonce);
/* Remembers; the session exists and the sequence is new. done_below becomes the session's floor. */
void sessions_note(struct sessions *sessions, const struct row_outcome *outcome);
/* Puts the rows into the batch that is about to be written. */
void sessions_write(struct sessions *sessions, struct batch *batch);

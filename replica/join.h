/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a machine becomes a member: it asks any of them, at its peer URL, and is told who it is from then on.
 *
 *     asking --elsewhere--> asking there        (bounded: then it begins anew at the URL that was given)
 *     asking --later, or no answer--> pausing --backoff--> asking
 *     asking --let in--> member        asking --refused--> over
 *
 * Invariants:
 *  1. The claim is durable before the first ask, and the same in every later one: so who crashes between an answer and the identity
 *     asks again as the same one, and is never two members.
 *  2. What was learnt is a whole identity or nothing.
 *
 * It waits for as long as it takes, because at the boot of a site nobody knows who comes first; the caller can end it.
 */
#pragma once

#include "replica/identity.h"
#include "replica/transport.h"

enum {
	JOIN_REDIRECTS_MAX = 4,
	JOIN_PAUSE_MIN_MS = 50,
	JOIN_PAUSE_MAX_MS = 2000,
	/* The change of the members waits for a majority, and for other changes. */
	JOIN_CHANGE_TIMEOUT_MS = 10000,
	JOIN_ANSWER_TIMEOUT_MS = JOIN_CHANGE_TIMEOUT_MS + 2000,
	JOIN_SAY_MS = 5000, /* between two lines about what it waits for */
};

/* Of an answer; see peer.proto. */
enum join_outcome { JOIN_LET_IN = 1, JOIN_ELSEWHERE, JOIN_REFUSED, JOIN_LATER };

/* By the options' join_url. The data directory is locked and has no identity. Everything in *ret_identity lives in the arena; it is not saved.
 * ERR_INVALID: refused, for good; ERR_PROTOCOL: who answers there is none of us; ERR_ADDRESS_INVALID; ERR_TOO_LARGE; ERR_CANCELED: given
 * up by options->give_up; ERR_IO, ERR_NO_SPACE, ERR_PERMISSION of the claim. Logged with the remedy. */
enum err join_cluster(const struct replica_options *options, struct arena *arena,
                      struct identity *ret_identity) MUST_USE;
/* A directory from which a join was asked begins no cluster of its own. ERR_INVALID: it is one; logged with the remedy. */
enum err join_check_none(const char *data_directory) MUST_USE;
/* The claim has served. */
enum err join_forget_claim(const char *data_directory) MUST_USE;

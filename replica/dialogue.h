/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ask and one answer over a connection that is made for it: what a joiner has of the network before it is a member. It
 * blocks, and can be given up at any time.
 */
#pragma once

#include "base/buffer.h"
#include "replica/frame.h"

enum {
	DIALOGUE_DIAL_TIMEOUT_MS = 3000,
	DIALOGUE_LOOK_MS = 100, /* between two looks at whether it is given up */
};

struct dialogue_options {
	uint32_t answer_timeout_ms;
	size_t answer_bytes_max; /* of a frame's body */
	/* Called every DIALOGUE_LOOK_MS while something is waited for: true ends the wait. */
	bool (*look)(void *argument);
	void *argument;
};

struct dialogue;
struct dialogue *dialogue_new(const struct dialogue_options *options);
void dialogue_free(struct dialogue *dialogue);

/* The envelope of the answer lives in the arena. ERR_UNREACHABLE, ERR_CLOSED: nobody answers, or it was given up; dialogue_why() says more.
 * ERR_PROTOCOL: it is no envelope. ERR_ADDRESS_INVALID. Not logged. */
enum err dialogue_ask(struct dialogue *dialogue, const char *url, struct bytes frame, struct arena *arena,
                      Peer__Envelope **ret_answer) MUST_USE;
const char *dialogue_why(const struct dialogue *dialogue); /* in the library's words, or ""; static */
void dialogue_pause(struct dialogue *dialogue, uint64_t pause_ms);

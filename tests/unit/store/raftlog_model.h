/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a Raft log should hold, as plain arrays, and a random user of a log who keeps such a model beside it: the oracle of the
 * log's tests.
 */
#pragma once

#include <stdbool.h>

#include "base/random.h"
#include "store/raftlog.h"

enum {
	MODEL_INDEX_MAX = 8192,
	MODEL_ENTRIES_MAX = 24, /* of one write */
	MODEL_PAYLOAD_BYTES_MAX = 24 << 10,
};

struct model_entry {
	uint64_t term;
	uint32_t nonce; /* its payload follows from it */
};

struct model {
	uint64_t term, vote;
	uint64_t base; /* what is at or below it was never in the log since the last reset */
	uint64_t start, start_term, last;
	struct model_entry entries[MODEL_INDEX_MAX];
};

enum model_step_kind { STEP_NONE, STEP_WRITE, STEP_TRIM, STEP_RESET, STEP_KEEP, STEP_READ, STEP_REOPEN };

/* A user of a log. While a step is under way `next` is what the log holds after it, else it equals `now`. */
struct model_user {
	struct raftlog_options options;
	struct raftlog *log;
	struct random random;
	struct model now, next;
	enum model_step_kind step;
};

void model_begin(struct model *model);
uint64_t model_term_at(const struct model *model, uint64_t index);

/* The payload of an entry, in a static buffer of the calling thread. */
struct bytes model_payload(uint32_t nonce);

/* Does the log hold exactly what the model says? Its start may be earlier, as after a crash. */
bool model_equals(const struct model *model, struct raftlog *log, const struct raftlog_state *state);

/* Opens the log without its keeper's thread, and expects it whole and as `now` or `next` says, which becomes `now`. */
void model_user_open(struct model_user *user);
/* One random step. */
void model_user_step(struct model_user *user);
/* The process dies. */
void model_user_drop(struct model_user *user);

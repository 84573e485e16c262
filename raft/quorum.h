/* SPDX-License-Identifier: Apache-2.0 */
/* What a majority agrees on, and both majorities of a joint configuration (thesis §4.3). An empty half agrees to anything. */
#pragma once

#include <stdint.h>

#include "raft/raft.h"

typedef uint64_t (*raft_quorum_value)(const void *argument, uint64_t id);

/* The greatest number that a quorum has reached; UINT64_MAX when there are no voters. */
uint64_t raft_quorum_reached(const struct raft_config *config, raft_quorum_value value, const void *argument);

enum raft_ballot { RAFT_BALLOT_OPEN, RAFT_BALLOT_YES, RAFT_BALLOT_NO };
typedef enum raft_ballot (*raft_quorum_ballot)(const void *argument, uint64_t id);

/* YES: a quorum said yes; NO: none can any more. */
enum raft_ballot raft_quorum_tally(const struct raft_config *config, raft_quorum_ballot ballot, const void *argument);

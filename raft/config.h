/* SPDX-License-Identifier: Apache-2.0 */
/* What the core asks of configurations beyond raft/raft.h. */
#pragma once

#include "raft/raft.h"

/* In either half. */
bool raft_config_votes(const struct raft_config *config, uint64_t id);
bool raft_config_equal(const struct raft_config *left, const struct raft_config *right);
/* How many are voters (of the incoming set) in only one of the two. */
size_t raft_config_voters_differ(const struct raft_config *left, const struct raft_config *right);
/* Whether `next` can follow `config` in one entry: a simple step, into a joint configuration, or out of it. */
bool raft_config_may_follow(const struct raft_config *config, const struct raft_config *next);

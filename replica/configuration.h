/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an entry of kind CONFIG holds: who votes, as the core has it (raft_config_encode()), and behind that what is said of the
 * members that it adds or changes. There is no other place from which the state learns who is a member.
 *
 * The entry that leaves a joint configuration is the core's own and says nothing: all was said by the one that began it.
 */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "raft/raft.h"
#include "store/kv.h"

enum {
	CONFIGURATION_BYTES_MAX = 1 << 20
}; /* of all members with their flags, and some with all that is said of them */

/* A string of a fact that is NULL is not spoken of: whoever reads it keeps the one that it has. */
void configuration_encode(const struct raft_config *config, const struct kv_member *facts, size_t fact_count,
                          struct buffer *buffer);

struct configuration {
	uint64_t *members; /* in either half; ascending */
	size_t member_count;
	struct kv_member *facts;
	size_t fact_count;
};
/* All lives in the arena. ERR_CORRUPT. */
enum err configuration_decode(struct bytes payload, struct arena *arena,
                              struct configuration *ret_configuration) MUST_USE;

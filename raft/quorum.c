/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/quorum.h"

#include "base/check.h"
#include "base/limits.h"
#include "raft/bug.h"

enum raft_half { RAFT_HALF_INCOMING, RAFT_HALF_OUTGOING };

static bool raft_half_has(enum raft_half half, const struct raft_member *member)
{
	if (half == RAFT_HALF_OUTGOING)
		return member->voter_outgoing;
	return member->voter || RAFT_HAS_BUG(LEARNER_COUNTS);
}

static uint64_t raft_half_reached(const struct raft_config *config, enum raft_half half, raft_quorum_value value,
                                  const void *argument)
{
	uint64_t values[LIMIT_MEMBERS]; /* descending */
	size_t count = 0;
	check(config->count <= LIMIT_MEMBERS);
	for (size_t i = 0; i < config->count; i++) {
		if (!raft_half_has(half, &config->members[i]))
			continue;
		uint64_t one = value(argument, config->members[i].id);
		size_t at = count++;
		for (; at > 0 && values[at - 1] < one; at--)
			values[at] = values[at - 1];
		values[at] = one;
	}
	size_t majority = RAFT_HAS_BUG(QUORUM_HALF) ? (count + 1) / 2 : count / 2 + 1;
	return count != 0 ? values[majority - 1] : UINT64_MAX;
}

uint64_t raft_quorum_reached(const struct raft_config *config, raft_quorum_value value, const void *argument)
{
	uint64_t incoming = raft_half_reached(config, RAFT_HALF_INCOMING, value, argument);
	uint64_t outgoing = raft_half_reached(config, RAFT_HALF_OUTGOING, value, argument);
	return incoming < outgoing ? incoming : outgoing;
}

static enum raft_ballot raft_half_tally(const struct raft_config *config, enum raft_half half,
                                        raft_quorum_ballot ballot, const void *argument)
{
	size_t voters = 0, yes = 0, no = 0;
	for (size_t i = 0; i < config->count; i++) {
		if (!raft_half_has(half, &config->members[i]))
			continue;
		enum raft_ballot one = ballot(argument, config->members[i].id);
		voters++;
		yes += one == RAFT_BALLOT_YES;
		no += one == RAFT_BALLOT_NO;
	}
	size_t majority = voters / 2 + 1;
	if (voters == 0 || yes >= majority)
		return RAFT_BALLOT_YES;
	return voters - no < majority ? RAFT_BALLOT_NO : RAFT_BALLOT_OPEN;
}

enum raft_ballot raft_quorum_tally(const struct raft_config *config, raft_quorum_ballot ballot, const void *argument)
{
	enum raft_ballot incoming = raft_half_tally(config, RAFT_HALF_INCOMING, ballot, argument);
	enum raft_ballot outgoing = raft_half_tally(config, RAFT_HALF_OUTGOING, ballot, argument);
	if (incoming == RAFT_BALLOT_NO || outgoing == RAFT_BALLOT_NO)
		return RAFT_BALLOT_NO;
	return incoming == RAFT_BALLOT_YES ? outgoing : incoming;
}

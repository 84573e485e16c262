/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/lease.h"

#include "base/check.h"

void raft_lease_reset(struct raft_lease *lease)
{
	*lease = (struct raft_lease){0};
}

uint64_t raft_lease_round(struct raft_lease *lease, uint64_t now_ms)
{
	lease->round++;
	lease->begun_ms[lease->round % RAFT_ROUNDS_KEPT] = now_ms;
	return lease->round;
}

void raft_lease_renew(struct raft_lease *lease, uint64_t round, uint32_t election_timeout_ms)
{
	check(round <= lease->round);
	if (lease->revoked || round == 0 || lease->round - round >= RAFT_ROUNDS_KEPT)
		return;
	uint64_t until_ms =
	    lease->begun_ms[round % RAFT_ROUNDS_KEPT] + (uint64_t)election_timeout_ms * RAFT_LEASE_PERCENT / 100;
	if (until_ms > lease->until_ms)
		lease->until_ms = until_ms;
}

void raft_lease_revoke(struct raft_lease *lease)
{
	lease->revoked = true;
	lease->until_ms = 0;
}

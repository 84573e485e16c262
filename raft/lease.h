/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds of acknowledgements, and the leader's lease (thesis §6.4.1).
 *
 * A round begins when the leader takes its number and its time; messages carry the newest round, and an answer says that
 * its sender followed this leader after the round began. So a round that a quorum answered proves that nobody else led
 * when it began, which confirms the reads that had arrived by then.
 *
 * A member that answers votes for nobody else for an election timeout from then on (raft.loyal_until_ms), and a member that
 * restarts keeps to that as well. So nobody else leads before an election timeout after the round's BEGIN has passed on
 * each member of the quorum; the lease is shorter than that by what clocks may differ in rate: with RAFT_LEASE_PERCENT = 80
 * it is safe while each clock runs within 11 % of true time (0.89 / 1.11 > 0.80). It needs check-quorum, which is always on,
 * and is void for the rest of the term once TIMEOUT_NOW was sent, for that lets a member campaign at once.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	RAFT_LEASE_PERCENT = 80,
	/* Answers to rounds that are older than this many do not renew the lease. */
	RAFT_ROUNDS_KEPT = 64,
};

struct raft_lease {
	uint64_t round;                      /* the newest that was begun in this term; 0: none */
	uint64_t begun_ms[RAFT_ROUNDS_KEPT]; /* by round modulo the count */
	uint64_t until_ms;                   /* 0: none */
	bool revoked;                        /* for the rest of the term */
};

void raft_lease_reset(struct raft_lease *lease);
uint64_t raft_lease_round(struct raft_lease *lease, uint64_t now_ms); /* begins one */
/* A quorum has answered the round. */
void raft_lease_renew(struct raft_lease *lease, uint64_t round, uint32_t election_timeout_ms);
void raft_lease_revoke(struct raft_lease *lease);

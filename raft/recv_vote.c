/* SPDX-License-Identifier: Apache-2.0 */
/* PRE_VOTE and VOTE, and the answers to them: thesis §3.4, §3.6.1, §9.6. */
#include "raft/core.h"

#include "base/check.h"

/* Whoever heard a leader within an election timeout keeps to it (thesis §4.2.3); that leader itself it may always elect. */
static bool raft_is_loyal(const struct raft *raft, const struct raft_message *message)
{
	if (message->transfer)
		return false;
	if (raft->role == RAFT_LEADER)
		return true;
	return raft->now_ms < raft->loyal_until_ms && message->from != raft->leader;
}

/* What this node has lost, a candidate may lack as well. */
static bool raft_knows_its_log(const struct raft *raft)
{
	return !raft->damaged || RAFT_HAS_BUG(DAMAGED_VOTES);
}

/* Changes nothing here, whatever the answer. */
void raft_recv_pre_vote(struct raft *raft, const struct raft_message *message)
{
	if (RAFT_HAS_BUG(PRE_VOTE_ADOPTED) && message->term > raft->term)
		raft_become_follower(raft, message->term, 0);
	bool grant = message->term > raft->term && raft_knows_its_log(raft) && !raft_is_loyal(raft, message) &&
	             raft_log_is_covered_by(raft, message->index, message->index_term);
	raft_say(raft, "pre_vote for=%ju term=%ju granted=%d", (uintmax_t)message->from, (uintmax_t)message->term,
	         grant);
	raft_send(raft, (struct raft_message){.type = RAFT_PRE_VOTE_REPLY,
	                                      .to = message->from,
	                                      .term = grant ? message->term : raft->term,
	                                      .reject = !grant});
}

void raft_recv_vote(struct raft *raft, const struct raft_message *message)
{
	if (message->term >= raft->term && raft_is_loyal(raft, message)) {
		raft_say(raft, "vote_ignored for=%ju term=%ju", (uintmax_t)message->from, (uintmax_t)message->term);
		return;
	}
	if (message->term > raft->term)
		raft_become_follower(raft, message->term, 0);
	bool free = raft->vote == message->from || (raft->vote == 0 && raft->leader == 0);
	bool grant = message->term == raft->term && free && raft_knows_its_log(raft) &&
	             raft_log_is_covered_by(raft, message->index, message->index_term);
	raft_say(raft, "vote for=%ju term=%ju granted=%d", (uintmax_t)message->from, (uintmax_t)message->term, grant);
	if (grant) {
		check(raft->role != RAFT_LEADER);
		raft->term_changed = raft->term_changed || raft->vote == 0;
		raft->vote = message->from;
		raft_timer_reset(raft);
	}
	raft_send(raft, (struct raft_message){.type = RAFT_VOTE_REPLY, .to = message->from, .reject = !grant});
}

static void raft_ballot_count(struct raft *raft, const struct raft_message *message)
{
	raft_peers_get(&raft->peers, message->from)->ballot = message->reject ? RAFT_BALLOT_NO : RAFT_BALLOT_YES;
	raft_tally(raft);
}

void raft_recv_pre_vote_reply(struct raft *raft, const struct raft_message *message)
{
	if (raft->role != RAFT_PRE_CANDIDATE || (!message->reject && message->term != raft->term + 1))
		return;
	raft_ballot_count(raft, message);
}

void raft_recv_vote_reply(struct raft *raft, const struct raft_message *message)
{
	if (raft->role != RAFT_CANDIDATE || (message->term != raft->term && !RAFT_HAS_BUG(VOTE_STALE)))
		return;
	raft_ballot_count(raft, message);
}

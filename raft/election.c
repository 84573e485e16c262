/* SPDX-License-Identifier: Apache-2.0 */
/* Roles, and the way to leadership: thesis §3.4, §4.2.3 (loyalty to a live leader), §9.6 (pre-vote). */
#include "raft/core.h"

#include "base/check.h"
#include "raft/config.h"

/* Thesis §3.4: spread over [timeout, 2 * timeout), and never below it, on which the lease relies. */
void raft_timer_reset(struct raft *raft)
{
	uint32_t timeout_ms = raft->options.election_timeout_ms;
	raft->campaign_at_ms = raft->now_ms + timeout_ms + random_below(&raft->random, timeout_ms);
	/* A promise under a longer timeout, before a restart: a candidate votes as well, for itself. */
	if (raft->campaign_at_ms < raft->loyal_until_ms)
		raft->campaign_at_ms = raft->loyal_until_ms;
}

static void raft_term_adopt(struct raft *raft, uint64_t term)
{
	check(term > raft->term);
	raft->term = term;
	raft->vote = 0;
	raft->leader = 0;
	raft->term_changed = true;
}

void raft_become_follower(struct raft *raft, uint64_t term, uint64_t leader)
{
	enum raft_role before = raft->role;
	uint64_t leader_before = raft->leader;
	check(term >= raft->term);
	check(leader != raft->options.id);
	if (!RAFT_HAS_BUG(READS_SURVIVE))
		raft_reads_fail(raft);
	if (term > raft->term)
		raft_term_adopt(raft, term);
	else if (RAFT_HAS_BUG(VOTE_TWICE) && before != RAFT_FOLLOWER)
		raft->vote = 0;
	if (before == RAFT_LEADER)
		raft_timer_reset(raft);
	if (before != RAFT_FOLLOWER)
		raft_peers_reset(&raft->peers, raft_last(raft) + 1, raft->now_ms);
	raft_lease_reset(&raft->lease);
	raft->transfer = (struct raft_transfer){0};
	raft->role = RAFT_FOLLOWER;
	raft->leader = leader;
	if (before != RAFT_FOLLOWER || leader != leader_before)
		raft_say(raft, "follow term=%ju leader=%ju", (uintmax_t)raft->term, (uintmax_t)leader);
}

bool raft_follow(struct raft *raft, const struct raft_message *message)
{
	check(message->term == raft->term);
	if (raft->role == RAFT_LEADER || (raft->leader != 0 && raft->leader != message->from)) {
		raft_say(raft, "second_leader term=%ju from=%ju", (uintmax_t)raft->term, (uintmax_t)message->from);
		return false;
	}
	if (raft->role != RAFT_FOLLOWER || raft->leader == 0)
		raft_become_follower(raft, raft->term, message->from);
	raft_timer_reset(raft);
	raft->loyal_until_ms = raft->now_ms + raft->options.election_timeout_ms;
	return true;
}

/* Thesis §4.2.2: a voter that the latest configuration leaves out may be needed until that is committed, since only it may
 * have the entry. The one before it is committed, known here or not: there is one change at a time. */
static bool raft_is_candidate(const struct raft *raft)
{
	const struct raft_history_item *now = raft_history_now(&raft->history);
	if (raft_is_voter(raft) || now->index <= raft->commit)
		return raft_is_voter(raft);
	return raft_config_votes(&raft_history_at(&raft->history, now->index - 1)->config, raft->options.id);
}

bool raft_may_campaign(const struct raft *raft)
{
	return (raft_is_candidate(raft) || RAFT_HAS_BUG(LEARNER_CAMPAIGNS)) && !raft->damaged && !raft->stalled &&
	       raft->fetch.from == 0;
}

static void raft_votes_ask(struct raft *raft, struct raft_message message)
{
	const struct raft_config *config = raft_config_latest(raft);
	message.index = raft_last(raft);
	message.index_term = raft_trail_last_term(&raft->trail);
	for (size_t i = 0; i < config->count; i++) {
		message.to = config->members[i].id;
		if (message.to != raft->options.id && raft_config_votes(config, message.to))
			raft_send(raft, message);
	}
}

void raft_ballot_own(struct raft *raft)
{
	struct raft_peer *own = raft_peers_find(&raft->peers, raft->options.id);
	if (own != NULL)
		own->ballot = RAFT_BALLOT_YES;
}

static void raft_candidacy_begin(struct raft *raft, enum raft_role role)
{
	raft_reads_fail(raft);
	raft_peers_reset(&raft->peers, raft_last(raft) + 1, raft->now_ms);
	raft_timer_reset(raft);
	raft->role = role;
	raft->leader = 0;
}

void raft_campaign_first(struct raft *raft)
{
	check(raft->role != RAFT_LEADER && raft_may_campaign(raft));
	raft_candidacy_begin(raft, RAFT_PRE_CANDIDATE);
	raft_say(raft, "pre_campaign term=%ju", (uintmax_t)raft->term + 1);
	raft_ballot_own(raft);
	raft_votes_ask(raft, (struct raft_message){.type = RAFT_PRE_VOTE, .term = raft->term + 1});
	raft_tally(raft);
}

void raft_campaign(struct raft *raft)
{
	check(raft->role != RAFT_LEADER && raft_may_campaign(raft));
	raft_candidacy_begin(raft, RAFT_CANDIDATE);
	raft_term_adopt(raft, raft->term + 1);
	raft->vote = raft->options.id;
	raft_say(raft, "campaign term=%ju", (uintmax_t)raft->term);
	raft_votes_ask(raft, (struct raft_message){.type = RAFT_VOTE, .transfer = raft->campaign_is_transfer});
	raft->campaign_is_transfer = false;
}

static void raft_become_leader(struct raft *raft)
{
	check(raft->role == RAFT_CANDIDATE && raft->vote == raft->options.id);
	raft_say(raft, "lead term=%ju", (uintmax_t)raft->term);
	raft->role = RAFT_LEADER;
	raft->leader = raft->options.id;
	raft_peers_reset(&raft->peers, raft_last(raft) + 1, raft->now_ms);
	raft_lease_reset(&raft->lease);
	/* The appends of the no-op carry the first round. */
	raft_lease_round(&raft->lease, raft->now_ms);
	raft->heartbeat_at_ms = raft->now_ms + raft->options.heartbeat_interval_ms;
	check(raft->update.append_count == 0);
	raft_entry_append(raft, raft->term, RAFT_ENTRY_NOOP, BYTES_NONE, 0);
	raft->term_start = raft_last(raft);
	raft->update.append_from = raft->term_start;
	raft->update.append_count = 1;
	raft->update.append_kind = RAFT_ENTRY_NOOP;
	raft->update.append_term = raft->term;
}

static enum raft_ballot raft_ballot_of(const void *argument, uint64_t id)
{
	const struct raft *raft = argument;
	return raft_peers_get(&raft->peers, id)->ballot;
}

void raft_tally(struct raft *raft)
{
	check(raft->role == RAFT_PRE_CANDIDATE || raft->role == RAFT_CANDIDATE);
	switch (raft_quorum_tally(raft_config_latest(raft), raft_ballot_of, raft)) {
	case RAFT_BALLOT_OPEN:
		break;
	case RAFT_BALLOT_YES:
		if (raft->role == RAFT_CANDIDATE)
			raft_become_leader(raft);
		else
			raft_campaign(raft);
		break;
	case RAFT_BALLOT_NO:
		raft_become_follower(raft, raft->term, 0);
		break;
	}
}

void raft_election_tick(struct raft *raft)
{
	check(raft->role != RAFT_LEADER);
	if (raft->now_ms < raft->campaign_at_ms)
		return;
	if (raft_may_campaign(raft))
		raft_campaign_first(raft);
	else
		raft_timer_reset(raft);
}

uint64_t raft_election_wake_ms(const struct raft *raft)
{
	uint64_t wake_ms = raft->campaign_at_ms;
	for (size_t i = 0; i < raft->reads.count; i++) {
		const struct raft_waiting_read *read = &raft->reads.items[i];
		uint64_t read_ms = read->again_ms < read->until_ms ? read->again_ms : read->until_ms;
		wake_ms = read_ms < wake_ms ? read_ms : wake_ms;
	}
	return wake_ms;
}

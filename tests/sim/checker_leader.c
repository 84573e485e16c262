/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of leaders: rules 10, 13, 14 and 16. Quorums are counted here once more, by brute force. */
#include <string.h>

#include "base/check.h"
#include "raft/config.h"
#include "tests/sim/checker.h"
#include "tests/sim/coverage.h"
#include "tests/sim/verdict.h"

struct view { /* the leader's of its members */
	const struct raft_config *config;
	struct raft_peer_status peers[CHECKER_NODES_MAX];
	size_t count;
};

static void view_init(struct view *view, const struct node *leader)
{
	view->config = raft_config_now(leader->raft);
	view->count = raft_peers(leader->raft, view->peers, CHECKER_NODES_MAX);
}

static const struct raft_peer_status *view_find(const struct view *view, uint64_t id)
{
	for (size_t i = 0; i < view->count; i++)
		if (view->peers[i].id == id)
			return &view->peers[i];
	return NULL;
}

/* Whether most of that half have matched the index; of index 0, whether they were heard lately. */
static bool view_half_agrees(const struct view *view, bool outgoing, uint64_t index)
{
	size_t voters = 0, agree = 0;
	for (size_t i = 0; i < view->config->count; i++) {
		const struct raft_member *member = &view->config->members[i];
		const struct raft_peer_status *peer = view_find(view, member->id);
		if (outgoing ? !member->voter_outgoing : !member->voter)
			continue;
		voters++;
		agree += peer != NULL && (index != 0 ? peer->match >= index : peer->recent_active);
	}
	return voters == 0 || 2 * agree > voters;
}

static bool view_agrees(const struct view *view, uint64_t index)
{
	return view_half_agrees(view, false, index) && view_half_agrees(view, true, index);
}

/* ---- 10: matches ---- */

void checker_leader_elected(struct checker *checker, const struct node *leader)
{
	memset(checker->matches[leader->id], 0, sizeof checker->matches[leader->id]);
}

static void leader_match_is_true(struct checker *checker, const struct node *leader, uint64_t id, uint64_t match)
{
	const struct node *peer = &checker->nodes[id];
	if (peer->raft == NULL || peer->update.damaged || peer->disk.term != leader->update.term ||
	    peer->update.term != leader->update.term || match <= peer->disk.base_index ||
	    match <= leader->log.base_index)
		return;
	if (node_log_chain(&peer->disk, match) != node_log_chain(&leader->log, match))
		verdict_fail(RULE_MATCHES, "leader %ju believes %ju to match up to %ju, and its disk does not",
		             (uintmax_t)leader->id, (uintmax_t)id, (uintmax_t)match);
}

static void leader_matches(struct checker *checker, const struct node *leader, const struct view *view,
                           const struct raft_event *event)
{
	const struct raft_message *message = event->type == RAFT_EVENT_MESSAGE ? event->message : NULL;
	uint64_t *before = checker->matches[leader->id];
	for (uint64_t id = 1; id <= checker->node_count; id++) {
		const struct raft_peer_status *peer = view_find(view, id);
		uint64_t match = peer != NULL ? peer->match : 0;
		bool own_word =
		    message != NULL && message->from == id && (message->reject || message->type == RAFT_REPAIR);
		if (match < before[id] && peer != NULL && !own_word)
			verdict_fail(RULE_MATCHES, "leader %ju forgets that %ju matches up to %ju",
			             (uintmax_t)leader->id, (uintmax_t)id, (uintmax_t)before[id]);
		leader_match_is_true(checker, leader, id, match);
		before[id] = match;
	}
}

/* ---- 13: transfers ---- */

void checker_leader_hands_over(const struct checker *checker, const struct node *leader, uint64_t to)
{
	const struct node *target = &checker->nodes[to];
	uint64_t last = node_log_last(&leader->log);
	if (target->damaged || target->disk.term > leader->log.term)
		return;
	if (node_log_chain(&target->disk, last) != node_log_chain(&leader->log, last))
		verdict_fail(RULE_TRANSFER, "leader %ju hands over to %ju, which is without index %ju",
		             (uintmax_t)leader->id, (uintmax_t)to, (uintmax_t)last);
}

/* ---- 14: office ---- */

static bool leader_config_is_committed(const struct node *leader, uint64_t commit)
{
	for (uint64_t index = commit + 1; index <= node_log_last(&leader->log); index++)
		if (node_log_at(&leader->log, index)->kind == RAFT_ENTRY_CONFIG)
			return false;
	return true;
}

static void leader_office(const struct node *leader, const struct view *view, const struct raft_event *event,
                          const struct raft_update *update)
{
	if (!raft_config_votes(view->config, leader->id) && leader_config_is_committed(leader, update->commit))
		verdict_fail(RULE_OFFICE, "node %ju leads, and has no vote any more", (uintmax_t)leader->id);
	if (event->type == RAFT_EVENT_TICK && !view_agrees(view, 0))
		verdict_fail(RULE_OFFICE, "node %ju leads, and hears no quorum", (uintmax_t)leader->id);
}

/* ---- 16: diligence ---- */

static void leader_diligence(const struct node *leader, const struct view *view, const struct raft_update *update)
{
	for (size_t i = 0; i < view->count; i++) {
		uint64_t match = view->peers[i].match;
		if (match <= update->commit || !view_agrees(view, match))
			continue;
		if (node_log_at(&leader->log, match)->term == leader->log.term)
			verdict_fail(RULE_DILIGENCE, "leader %ju does not commit index %ju, which a quorum has",
			             (uintmax_t)leader->id, (uintmax_t)match);
		coverage_add(COVERAGE_OLD_ENTRY_WAITS);
	}
}

void checker_leader_stepped(struct checker *checker, struct node *leader, const struct raft_event *event,
                            const struct raft_update *update)
{
	struct view view;
	view_init(&view, leader);
	leader_matches(checker, leader, &view, event);
	leader_office(leader, &view, event, update);
	leader_diligence(leader, &view, update);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/observe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "raft/config.h"
#include "raft/core.h"
#include "tests/sim/coverage.h"

/* ---- what is said ---- */

static void observe_pre_campaign(const struct node *node)
{
	if (!raft_config_votes(raft_config_now(node->raft), node->id))
		coverage_add(COVERAGE_NEEDED_VOTER);
}

static void observe_lead(const struct node *node)
{
	const struct raft_config *config = raft_config_now(node->raft);
	size_t voters = 0;
	for (size_t i = 0; i < config->count; i++)
		voters += config->members[i].voter || config->members[i].voter_outgoing;
	if (voters == 1)
		coverage_add(COVERAGE_ONLY_VOTER);
}

static void observe_truncate(const struct node *node, uint64_t from)
{
	for (uint64_t index = from; index <= node_log_last(&node->log); index++)
		if (node_log_at(&node->log, index)->kind == RAFT_ENTRY_CONFIG)
			coverage_add(COVERAGE_CONFIG_ROLLED_BACK);
}

static void observe_leave_joint(const struct node *node)
{
	const struct raft_history *history = &node->raft->history;
	if (history->count > 1 && raft_term_at(node->raft, history->items[history->count - 2].index) < node->raft->term)
		coverage_add(COVERAGE_LEAVE_JOINT_LATER);
}

static void observe_snapshot_done(const struct node *node, uint64_t id, uint64_t index)
{
	const struct raft_peer *peer = raft_peers_find(&node->raft->peers, id);
	if (peer->offer.index == 0 || index < peer->offer.index)
		coverage_add(COVERAGE_SNAPSHOT_MOVED_ON);
}

void observe_line(const struct node *node, const char *line)
{
	uint64_t a = 0, b = 0;
	if (node->raft == NULL)
		return; /* it is being made */
	if (strncmp(line, "pre_campaign ", strlen("pre_campaign ")) == 0)
		observe_pre_campaign(node);
	else if (strncmp(line, "lead ", strlen("lead ")) == 0)
		observe_lead(node);
	else if (sscanf(line, "truncate from=%" SCNu64, &a) == 1)
		observe_truncate(node, a);
	else if (strncmp(line, "leave_joint ", strlen("leave_joint ")) == 0)
		observe_leave_joint(node);
	else if (sscanf(line, "snapshot_done peer=%" SCNu64 " index=%" SCNu64, &a, &b) == 2)
		observe_snapshot_done(node, a, b);
}

/* ---- what is done ---- */

static void observe_message(const struct node *node, const struct raft_message *message,
                            const struct raft_update *update)
{
	bool leads = update->role == RAFT_LEADER;
	if (message->type == RAFT_APPEND_REPLY && message->reject && leads && message->hint + 1 < message->index)
		coverage_add(COVERAGE_BACK_BY_TERM);
	if (message->type == RAFT_TIMEOUT_NOW && (update->role == RAFT_CANDIDATE || leads))
		coverage_add(COVERAGE_TRANSFER_TAKEN);
}

static void observe_leader(const struct node *node, const struct raft_update *update)
{
	for (size_t i = 0; i < update->message_count; i++)
		if (update->messages[i].type == RAFT_TIMEOUT_NOW)
			coverage_add(COVERAGE_TRANSFER_TOLD);
	for (size_t i = 0; i < node->raft->peers.count; i++)
		if (raft_peer_is_full(&node->raft->peers.items[i], node->raft->options.inflight_bytes_max))
			coverage_add(COVERAGE_FULL_WINDOW);
	if (update->apply_to < update->commit)
		coverage_add(COVERAGE_QUORUM_BEFORE_DISK);
}

static void observe_ready(const struct node *node, const struct raft_event *event)
{
	const struct raft_peer *peer = raft_peers_find(&node->raft->peers, event->peer);
	if (peer != NULL && peer->progress == RAFT_SNAPSHOTTING && peer->offer.index == 0 && !peer->offer.asked)
		coverage_add(COVERAGE_OFFER_TOO_OLD);
}

void observe_step(const struct node *node, const struct raft_event *event, const struct raft_update *update)
{
	if (event->type == RAFT_EVENT_MESSAGE)
		observe_message(node, event->message, update);
	if (update->role == RAFT_LEADER)
		observe_leader(node, update);
	if (event->type == RAFT_EVENT_SNAPSHOT_READY && update->role == RAFT_LEADER)
		observe_ready(node, event);
	if (update->snapshot_from != 0 && node->installing != 0)
		coverage_add(COVERAGE_FETCH_SUPERSEDED);
	if (event->type == RAFT_EVENT_SNAPSHOT_INSTALLED && node->raft->fetch.from != 0)
		coverage_add(COVERAGE_INSTALLED_OLDER);
}

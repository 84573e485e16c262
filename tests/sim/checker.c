/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/checker.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "raft/config.h"
#include "tests/sim/verdict.h"

struct checker *checker_new(struct node *nodes, size_t node_count)
{
	struct checker *checker = memory_new(sizeof *checker);
	check(node_count <= CHECKER_NODES_MAX);
	checker->nodes = nodes;
	checker->node_count = node_count;
	checker->reads = memory_new_array(CHECKER_READS_MAX, sizeof *checker->reads);
	return checker;
}

void checker_free(struct checker *checker)
{
	for (size_t i = 0; i < checker->index_capacity; i++)
		free(checker->indexes[i].known);
	free(checker->indexes);
	free(checker->reads);
	free(checker);
}

void checker_hash(struct checker *checker, uint64_t number)
{
	uint64_t hash = (checker->trace_hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
	checker->trace_hash = hash ^ (hash >> 31);
}

void checker_hash_line(struct checker *checker, const char *line)
{
	for (; *line != '\0'; line++)
		checker_hash(checker, (uint8_t)*line);
}

static struct checker_index *checker_at(struct checker *checker, uint64_t index)
{
	size_t before = checker->index_capacity;
	if (index >= before) {
		size_t capacity = (size_t)index * 2 + 64;
		checker->indexes = memory_resize(checker->indexes, capacity, sizeof *checker->indexes);
		memset(&checker->indexes[before], 0, (capacity - before) * sizeof *checker->indexes);
		checker->index_capacity = capacity;
	}
	return &checker->indexes[index];
}

struct node_state checker_state(const struct checker *checker, uint64_t index)
{
	check(index <= checker->committed);
	if (index == 0)
		return (struct node_state){0};
	return (struct node_state){
	    .applied = index, .applied_term = checker->indexes[index].term, .chain = checker->indexes[index].chain};
}

/* ---- 1: leaders; 5: completeness ---- */

static void checker_leads(struct checker *checker, struct node *node, const struct raft_update *update)
{
	if (update->term >= CHECKER_TERMS_MAX)
		verdict_fail(RULE_LIVENESS, "term %ju: terms run away", (uintmax_t)update->term);
	uint64_t *leader = &checker->leaders[update->term];
	if (*leader != 0 && *leader != node->id)
		verdict_fail(RULE_LEADERS, "term %ju has two leaders, %ju and %ju", (uintmax_t)update->term,
		             (uintmax_t)*leader, (uintmax_t)node->id);
	*leader = node->id;
}

static bool checker_has_committed(const struct checker *checker, const struct node *node, uint64_t index)
{
	if (index <= node->log.base_index)
		return true;
	return node_log_chain(&node->log, index) == checker->indexes[index].chain;
}

static void checker_elected(struct checker *checker, struct node *node)
{
	uint64_t index = checker->committed;
	checker->elections++;
	/* A leader may be elected late, in a term that is over: what later terms committed it need not have. */
	while (index > 0 && checker->indexes[index].by_term >= node->log.term)
		index--;
	if (index != 0 && !checker_has_committed(checker, node, index))
		verdict_fail(RULE_COMPLETENESS, "node %ju leads term %ju without the committed entry %ju",
		             (uintmax_t)node->id, (uintmax_t)node->log.term, (uintmax_t)index);
}

/* ---- 2: votes ---- */

void checker_disk_changed(struct checker *checker, struct node *node)
{
	if (node->disk.vote == 0)
		return;
	uint64_t *vote = &checker->votes[node->id][node->disk.term];
	if (*vote != 0 && *vote != node->disk.vote)
		verdict_fail(RULE_VOTES, "node %ju voted twice in term %ju, for %ju and %ju", (uintmax_t)node->id,
		             (uintmax_t)node->disk.term, (uintmax_t)*vote, (uintmax_t)node->disk.vote);
	*vote = node->disk.vote;
}

/* ---- 3: log matching ---- */

static void checker_known(struct checker *checker, uint64_t index, const struct node_entry *entry)
{
	struct checker_index *at = checker_at(checker, index);
	for (size_t i = 0; i < at->count; i++) {
		if (at->known[i].term != entry->term)
			continue;
		if (at->known[i].chain != entry->chain)
			verdict_fail(RULE_MATCHING, "two logs differ at or before index %ju, where both have term %ju",
			             (uintmax_t)index, (uintmax_t)entry->term);
		return;
	}
	at->known = memory_resize(at->known, at->count + 1, sizeof *at->known);
	at->known[at->count++] = (struct checker_entry){.term = entry->term, .chain = entry->chain};
}

/* 8: thesis §4.1, as mended (Ongaro, raft-dev 2015). */
static void checker_proposed(const struct node *node, const struct node_entry *entry)
{
	uint64_t commit = node->update.commit;
	const struct node_entry *committed = node_log_at(&node->log, commit);
	uint64_t term = committed != NULL ? committed->term : node->log.base_term;
	if (entry->kind == RAFT_ENTRY_CONFIG && node->update.role == RAFT_LEADER && term != node->log.term)
		verdict_fail(RULE_CONFIG,
		             "leader %ju of term %ju appends a configuration, and has committed of term %ju",
		             (uintmax_t)node->id, (uintmax_t)node->log.term, (uintmax_t)term);
}

void checker_wrote(struct checker *checker, struct node *node, const struct node_write *write)
{
	for (size_t i = 0; i < write->count; i++)
		checker_proposed(node, &write->entries[i]);
	for (size_t i = 0; i < write->count; i++)
		checker_known(checker, write->append_from + i, node_log_at(&node->log, write->append_from + i));
}

/* ---- 4: what is committed ---- */

static bool checker_is_on_disk(const struct checker *checker, uint64_t id, uint64_t index, uint64_t chain)
{
	check(id <= checker->node_count);
	const struct node_log *disk = &checker->nodes[id].disk;
	/* A damaged one had it when it said so; it says nothing more until it is repaired. */
	return checker->nodes[id].damaged || index <= disk->base_index || node_log_chain(disk, index) == chain;
}

static bool checker_half_has(const struct checker *checker, const struct raft_config *config, bool outgoing,
                             uint64_t index, uint64_t chain)
{
	size_t voters = 0, have = 0;
	for (size_t i = 0; i < config->count; i++) {
		const struct raft_member *member = &config->members[i];
		if (outgoing ? !member->voter_outgoing : !member->voter)
			continue;
		voters++;
		have += checker_is_on_disk(checker, member->id, index, chain);
	}
	return voters == 0 || have > voters / 2;
}

/* The configuration of the index, or the leader's: one of them is what it was counted by. */
static void checker_on_quorum(struct checker *checker, struct node *node, uint64_t index, uint64_t chain)
{
	const struct raft_config *config = raft_config_now(node->raft);
	if (!checker_half_has(checker, config, false, index, chain) ||
	    !checker_half_has(checker, config, true, index, chain))
		verdict_fail(RULE_QUORUM, "index %ju is committed by node %ju and not on the disks of a quorum",
		             (uintmax_t)index, (uintmax_t)node->id);
}

static void checker_config_at(struct checker *checker, const struct node *node, uint64_t index)
{
	struct bytes payload = node_config_at(node, index);
	struct node_entry *config = &checker_at(checker, index)->config;
	config->size = (uint32_t)payload.size;
	if (payload.size != 0)
		memcpy(config->payload, payload.data, payload.size);
}

static void checker_leaders_have(struct checker *checker, uint64_t index, uint64_t term)
{
	for (uint64_t id = 1; id <= checker->node_count; id++) {
		const struct node *node = &checker->nodes[id];
		if (node->raft != NULL && node->update.role == RAFT_LEADER && node->update.term > term &&
		    !checker_has_committed(checker, node, index))
			verdict_fail(RULE_COMPLETENESS,
			             "index %ju is committed in term %ju, and the leader %ju of term %ju is without it",
			             (uintmax_t)index, (uintmax_t)term, (uintmax_t)id, (uintmax_t)node->update.term);
	}
}

static void checker_commits(struct checker *checker, struct node *node, uint64_t index)
{
	struct checker_index *at = checker_at(checker, index);
	const struct node_entry *entry = node_log_at(&node->log, index);
	if (entry == NULL) {
		if (at->term == 0)
			verdict_fail(RULE_AGREEMENT,
			             "node %ju commits index %ju, which nobody has committed, and is without it",
			             (uintmax_t)node->id, (uintmax_t)index);
		return;
	}
	if (at->term == 0) {
		at->term = entry->term;
		at->chain = entry->chain;
		at->by_term = node->log.term;
		checker_config_at(checker, node, index);
		if (index > checker->committed)
			checker->committed = index;
		checker_on_quorum(checker, node, index, entry->chain);
		checker_leaders_have(checker, index, at->by_term);
	}
	if (at->chain != entry->chain)
		verdict_fail(RULE_AGREEMENT, "index %ju is committed with term %ju, and by node %ju with term %ju",
		             (uintmax_t)index, (uintmax_t)at->term, (uintmax_t)node->id, (uintmax_t)entry->term);
}

/* ---- 6: growth ---- */

void checker_restarted(struct checker *checker, const struct node *node)
{
	checker->commits[node->id] = node->flushed.applied;
	checker->roles[node->id] = RAFT_FOLLOWER;
	struct raft_status status;
	raft_status(node->raft, &status);
	checker->terms[node->id] = status.term;
}

void checker_applied(struct checker *checker, struct node *node, uint64_t index, const struct node_entry *entry)
{
	if (index > checker->committed || checker->indexes[index].chain != entry->chain)
		verdict_fail(RULE_GROWTH, "node %ju applies at index %ju what is not committed", (uintmax_t)node->id,
		             (uintmax_t)index);
}

/* ---- 8: configurations ---- */

static void checker_config(const struct checker *checker, struct node *node, const struct raft_update *update)
{
	struct bytes last = node_config_at(node, node_log_last(&node->log)), rest;
	struct raft_config config;
	size_t uncommitted = 0;
	raft_config_init(&config);
	enum err err = raft_config_decode(last, &config, &rest);
	const struct raft_config *now = raft_config_now(node->raft);
	bool same = err == ERR_OK && raft_config_equal(&config, now);
	raft_config_fini(&config);
	if (!same)
		verdict_fail(RULE_CONFIG, "node %ju is not in the last configuration of its log", (uintmax_t)node->id);
	/* A new leader may not know yet what is committed. */
	for (uint64_t at = checker->committed + 1; at <= node_log_last(&node->log); at++)
		uncommitted += node_log_at(&node->log, at)->kind == RAFT_ENTRY_CONFIG;
	if (update->role == RAFT_LEADER && uncommitted > 1)
		verdict_fail(RULE_CONFIG, "leader %ju has %zu uncommitted configurations", (uintmax_t)node->id,
		             uncommitted);
}

/* ---- 11: candidates ---- */

static bool checker_votes_in(struct bytes payload, uint64_t id)
{
	struct raft_config config;
	struct bytes rest;
	raft_config_init(&config);
	bool votes = raft_config_decode(payload, &config, &rest) == ERR_OK && raft_config_votes(&config, id);
	raft_config_fini(&config);
	return votes;
}

static void checker_campaigns(const struct node *node, const struct raft_update *update)
{
	uint64_t index = node_log_last(&node->log);
	while (index > update->commit && node_log_at(&node->log, index)->kind != RAFT_ENTRY_CONFIG)
		index--;
	if (checker_votes_in(node_config_at(node, index), node->id))
		return;
	if (index <= update->commit || !checker_votes_in(node_config_at(node, index - 1), node->id))
		verdict_fail(RULE_CANDIDATES, "node %ju campaigns, and has no vote", (uintmax_t)node->id);
}

/* ---- 12: terms ---- */

static void checker_heard(const struct checker *checker, const struct node *node, const struct raft_message *message,
                          const struct raft_update *update)
{
	uint64_t before = checker->terms[node->id];
	bool leads = message->type == RAFT_APPEND || message->type == RAFT_HEARTBEAT ||
	             message->type == RAFT_SNAPSHOT || message->type == RAFT_TIMEOUT_NOW;
	if (message->type == RAFT_PRE_VOTE && (update->term != before || update->write_id != 0))
		verdict_fail(RULE_TERMS, "node %ju changes by a pre-vote", (uintmax_t)node->id);
	if (message->type == RAFT_PRE_VOTE || message->type == RAFT_VOTE ||
	    (message->type == RAFT_PRE_VOTE_REPLY && !message->reject))
		return;
	bool member = leads || raft_config_find(raft_config_now(node->raft), message->from) != NULL;
	if (member && update->term < message->term)
		verdict_fail(RULE_TERMS, "node %ju hears %ju in term %ju, and stays in %ju", (uintmax_t)node->id,
		             (uintmax_t)message->from, (uintmax_t)message->term, (uintmax_t)update->term);
	if (!member && update->term != before)
		verdict_fail(RULE_TERMS, "node %ju follows a stranger, %ju, to term %ju", (uintmax_t)node->id,
		             (uintmax_t)message->from, (uintmax_t)update->term);
}

static void checker_role(struct checker *checker, struct node *node, const struct raft_event *event,
                         const struct raft_update *update)
{
	bool changed = checker->roles[node->id] != update->role;
	checker->roles[node->id] = update->role;
	switch (update->role) {
	case RAFT_FOLLOWER:
		break;
	case RAFT_PRE_CANDIDATE:
	case RAFT_CANDIDATE:
		if (changed)
			checker_campaigns(node, update);
		break;
	case RAFT_LEADER:
		checker_leads(checker, node, update);
		if (changed) {
			checker_elected(checker, node);
			checker_leader_elected(checker, node);
		}
		checker_leader_stepped(checker, node, event, update);
		break;
	}
}

void checker_updated(struct checker *checker, struct node *node, const struct raft_event *event,
                     const struct raft_update *update)
{
	bool elected = update->role == RAFT_LEADER && checker->roles[node->id] != RAFT_LEADER;
	if (update->commit < checker->commits[node->id])
		verdict_fail(RULE_GROWTH, "the commit index of node %ju falls to %ju", (uintmax_t)node->id,
		             (uintmax_t)update->commit);
	if (event->type == RAFT_EVENT_MESSAGE)
		checker_heard(checker, node, event->message, update);
	checker->terms[node->id] = update->term;
	checker_role(checker, node, event, update);
	for (uint64_t index = checker->commits[node->id] + 1; index <= update->commit; index++)
		checker_commits(checker, node, index);
	checker->commits[node->id] = update->commit;
	if (update->config_changed || update->truncate_from != 0 || elected)
		checker_config(checker, node, update);
}

/* ---- 7: messages ---- */

static void checker_reply_is_durable(const struct checker *checker, const struct node *node,
                                     const struct raft_message *message)
{
	const struct node *leader = &checker->nodes[message->to];
	if (message->type == RAFT_VOTE_REPLY && !message->reject && node->disk.term == message->term &&
	    node->disk.vote != message->to)
		verdict_fail(RULE_WORD, "node %ju grants a vote in term %ju that its disk does not hold",
		             (uintmax_t)node->id, (uintmax_t)message->term);
	if (message->type != RAFT_APPEND_REPLY || message->reject || node->log.term != message->term)
		return;
	if (message->index <= node->disk.base_index)
		return;
	if (node_log_at(&node->disk, message->index) == NULL)
		verdict_fail(RULE_WORD, "node %ju acknowledges index %ju, and its disk ends at %ju",
		             (uintmax_t)node->id, (uintmax_t)message->index, (uintmax_t)node_log_last(&node->disk));
	if (leader->raft != NULL && leader->update.role == RAFT_LEADER && leader->update.term == message->term &&
	    message->index > leader->log.base_index &&
	    node_log_chain(&node->disk, message->index) != node_log_chain(&leader->log, message->index))
		verdict_fail(RULE_WORD,
		             "node %ju acknowledges index %ju, and has another entry there than its leader %ju",
		             (uintmax_t)node->id, (uintmax_t)message->index, (uintmax_t)leader->id);
}

static void checker_heartbeat(const struct node *node, const struct raft_message *message)
{
	struct raft_peer_status peers[CHECKER_NODES_MAX];
	size_t count = raft_peers(node->raft, peers, CHECKER_NODES_MAX);
	for (size_t i = 0; i < count; i++)
		if (peers[i].id == message->to && message->commit > peers[i].match)
			verdict_fail(RULE_WORD, "node %ju tells %ju to commit %ju beyond its match %ju",
			             (uintmax_t)node->id, (uintmax_t)message->to, (uintmax_t)message->commit,
			             (uintmax_t)peers[i].match);
}

void checker_sent(struct checker *checker, struct node *node, const struct raft_message *message)
{
	bool future = message->type == RAFT_PRE_VOTE || (message->type == RAFT_PRE_VOTE_REPLY && !message->reject);
	uint64_t last_term = node_log_last_term(&node->disk);
	uint64_t durable = node->disk.term > last_term ? node->disk.term : last_term;
	if (!future && message->term > durable)
		verdict_fail(RULE_WORD, "node %ju speaks in term %ju, and its disk is in %ju", (uintmax_t)node->id,
		             (uintmax_t)message->term, (uintmax_t)durable);
	checker_reply_is_durable(checker, node, message);
	if (message->type == RAFT_HEARTBEAT)
		checker_heartbeat(node, message);
	if (message->type == RAFT_TIMEOUT_NOW)
		checker_leader_hands_over(checker, node, message->to);
	checker_hash(checker, message->from << 32 ^ message->to << 24 ^ (uint64_t)message->type);
	checker_hash(checker, message->term << 32 ^ message->index);
}

/* ---- 9: reads ---- */

uint64_t checker_read_begins(struct checker *checker, uint64_t node)
{
	check(checker->read_count < CHECKER_READS_MAX);
	checker->reads[checker->read_count] = (struct checker_read){.floor = checker->committed, .node = node};
	return ++checker->read_count;
}

void checker_read_ends(struct checker *checker, const struct raft_read *read)
{
	check(read->read_id >= 1 && read->read_id <= checker->read_count);
	struct checker_read *begun = &checker->reads[read->read_id - 1];
	if (begun->done)
		verdict_fail(RULE_READS, "read %ju ends twice", (uintmax_t)read->read_id);
	begun->done = true;
	if (read->err != ERR_OK)
		return;
	checker->read_oks++;
	if (read->index < begun->floor)
		verdict_fail(RULE_READS, "a read may see index %ju, and %ju was committed when it began",
		             (uintmax_t)read->index, (uintmax_t)begun->floor);
}

void checker_crashed(struct checker *checker, uint64_t node)
{
	for (size_t i = 0; i < checker->read_count; i++)
		if (checker->reads[i].node == node)
			checker->reads[i].done = true;
}

/* ---- 15: damage ---- */

void checker_damaged(struct checker *checker, const struct node *node)
{
	uint64_t index = checker->committed;
	while (index > node->disk.base_index && node_log_chain(&node->disk, index) != checker->indexes[index].chain)
		index--;
	checker->lost[node->id] = index;
}

void checker_repaired(const struct checker *checker, const struct node *node)
{
	if (node->disk.base_index < checker->lost[node->id])
		verdict_fail(RULE_REPAIR, "node %ju is repaired up to index %ju, and has lost %ju", (uintmax_t)node->id,
		             (uintmax_t)node->disk.base_index, (uintmax_t)checker->lost[node->id]);
}

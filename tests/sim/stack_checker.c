/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_checker.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/map.h"
#include "base/memory.h"
#include "raft/core.h"
#include "replica/node.h"
#include "replica/wire.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_faults.h"
#include "tests/sim/stack_ledger.h"
#include "tests/sim/stack_machine.h"

enum { CHECKER_MATCHES_EVERY = 16 };

struct view_of_log { /* of the disk of one node: what is durable */
	uint64_t base;
	struct ledger_entry *entries; /* base + 1 … */
	size_t count, capacity;
	uint64_t term, vote;
	uint64_t cut_from; /* a write under way drops what is from here on; UINT64_MAX: none does */
	bool resetting;    /* all of it is being given up for a snapshot */
};

struct subject {
	struct raft *raft; /* NULL: down */
	struct view_of_log disk;
	bool known;   /* it was opened once: the disk above is what it left */
	bool flipped; /* its log was damaged, and not yet repaired */
	bool damaged; /* it knows */
	enum raft_role role;
	uint64_t term, commit, steps;
};

static struct {
	struct subject subjects[WORLD_NODES_MAX + 1];
	struct map leaders;                    /* term -> number of the node */
	struct map joined, removed;            /* members of committed configurations, and those that were */
	struct map votes[WORLD_NODES_MAX + 1]; /* term -> member */
} checker;

static struct subject *checker_subject(void)
{
	return &checker.subjects[world_node()];
}

uint64_t checker_commit_of(unsigned node)
{
	return checker.subjects[node].commit;
}

bool checker_is_damaged(unsigned node)
{
	return checker.subjects[node].flipped || checker.subjects[node].damaged;
}

unsigned checker_leader(void)
{
	unsigned leader = 0;
	for (unsigned node = 1; node <= machine_count(); node++) {
		const struct subject *subject = &checker.subjects[node];
		if (subject->raft != NULL && subject->role == RAFT_LEADER &&
		    (leader == 0 || subject->term > checker.subjects[leader].term))
			leader = node;
	}
	return leader;
}

/* ---- the disk of a node ---- */

static uint64_t log_last(const struct view_of_log *log)
{
	return log->base + log->count;
}

static const struct ledger_entry *log_at(const struct view_of_log *log, uint64_t index)
{
	return index > log->base && index <= log_last(log) ? &log->entries[index - log->base - 1] : NULL;
}

static void log_truncate(struct view_of_log *log, uint64_t from)
{
	if (from != 0 && from <= log_last(log))
		log->count = from > log->base ? (size_t)(from - log->base - 1) : 0;
}

static void log_append(struct view_of_log *log, const struct raftlog_entry *entry)
{
	check(entry->index == log_last(log) + 1);
	if (log->count == log->capacity) {
		log->capacity = log->capacity * 2 + 64;
		log->entries = memory_resize(log->entries, log->capacity, sizeof *log->entries);
	}
	log->entries[log->count++] = ledger_entry_of(entry);
}

static void log_trim(struct view_of_log *log, uint64_t index)
{
	if (index <= log->base || index > log_last(log))
		return;
	size_t drop = (size_t)(index - log->base);
	log->count -= drop;
	log->base = index;
	memmove(log->entries, &log->entries[drop], log->count * sizeof *log->entries);
}

static void log_restart(struct view_of_log *log, uint64_t base)
{
	log->base = base;
	log->count = 0;
}

/* ---- 2: votes ---- */

static void checker_voted(unsigned node, uint64_t term, uint64_t vote)
{
	if (vote == 0 || term == 0)
		return;
	uint64_t before = (uint64_t)(uintptr_t)map_find(&checker.votes[node], term);
	if (before != 0 && before != vote)
		world_fail("n%u voted twice in term %ju", node, (uintmax_t)term);
	map_set(&checker.votes[node], term, (void *)(uintptr_t)vote);
}

/* ---- what the log is asked ---- */

void __real_raftlog_write(struct raftlog *log, const struct raftlog_batch *batch);
void __wrap_raftlog_write(struct raftlog *log, const struct raftlog_batch *batch);
void __wrap_raftlog_write(struct raftlog *log, const struct raftlog_batch *batch)
{
	unsigned node = world_node();
	struct view_of_log *disk = &checker.subjects[node].disk;
	for (size_t i = 0; i < batch->count; i++) {
		const struct ledger_entry *first = log_at(disk, batch->entries[0].index - 1);
		uint64_t before = i != 0 ? batch->entries[i - 1].term : first != NULL ? first->term : 0;
		ledger_know(node, &batch->entries[i], before);
	}
	if (batch->truncate_from != 0) {
		counters_add(COUNTER_TRUNCATED);
		disk->cut_from = batch->truncate_from;
	}
	__real_raftlog_write(log, batch);
	disk->cut_from = UINT64_MAX;
	log_truncate(disk, batch->truncate_from);
	for (size_t i = 0; i < batch->count; i++)
		log_append(disk, &batch->entries[i]);
	disk->term = batch->term;
	disk->vote = batch->vote;
	checker_voted(node, batch->term, batch->vote);
}

void __real_raftlog_trim(struct raftlog *log, uint64_t index);
void __wrap_raftlog_trim(struct raftlog *log, uint64_t index);
void __wrap_raftlog_trim(struct raftlog *log, uint64_t index)
{
	counters_add(COUNTER_TRIMMED);
	log_trim(&checker_subject()->disk, index); /* before: what is trimmed counts as had */
	__real_raftlog_trim(log, index);
}

void __real_raftlog_reset(struct raftlog *log, uint64_t index, uint64_t term);
void __wrap_raftlog_reset(struct raftlog *log, uint64_t index, uint64_t term);
void __wrap_raftlog_reset(struct raftlog *log, uint64_t index, uint64_t term)
{
	struct subject *subject = checker_subject();
	subject->disk.resetting = true;
	__real_raftlog_reset(log, index, term);
	subject->disk.resetting = false;
	log_restart(&subject->disk, index);
	subject->flipped = false;
}

/* ---- 9: what a start finds ---- */

struct recovered {
	unsigned node;
	struct view_of_log log;
};

static void recovered_entry(void *argument, const struct raftlog_entry *entry)
{
	struct recovered *recovered = argument;
	if (recovered->log.count == 0)
		recovered->log.base = entry->index - 1;
	log_append(&recovered->log, entry);
}

static void checker_compare_recovered(unsigned node, const struct view_of_log *before, const struct view_of_log *now)
{
	if (now->term < before->term || (now->term == before->term && before->vote != 0 && now->vote != before->vote))
		world_fail("n%u has forgotten its term %ju or its vote in it", node, (uintmax_t)before->term);
	for (uint64_t index = before->base + 1; index <= log_last(before); index++) {
		const struct ledger_entry *had = log_at(before, index), *has = log_at(now, index);
		bool may_be_gone = index >= before->cut_from || index <= now->base;
		if (may_be_gone || (has != NULL && has->term == had->term && has->hash == had->hash))
			continue;
		world_fail("n%u starts without the entry %ju, which was durable", node, (uintmax_t)index);
	}
}

static void checker_recovered(unsigned node, const struct raft_start *start)
{
	struct subject *subject = &checker.subjects[node];
	struct recovered recovered = {.node = node};
	recovered.log.base = start->snapshot_index;
	recovered.log.term = start->term;
	recovered.log.vote = start->vote;
	recovered.log.cut_from = UINT64_MAX;
	if (!start->damaged) {
		enum err err = raftlog_scan(machine_at(node)->log, recovered_entry, &recovered);
		check(err == ERR_OK);
	}
	if (start->damaged && !subject->flipped)
		world_fail("n%u calls its log damaged, and nothing was done to it", node);
	if (!start->damaged)
		subject->flipped = false; /* it is repaired, or did not matter */
	if (subject->known && !start->damaged && !subject->disk.resetting)
		checker_compare_recovered(node, &subject->disk, &recovered.log);
	/* What a torn write left is durable from now on: the recovery has seen to it. */
	if (!start->damaged) {
		free(subject->disk.entries);
		subject->disk = recovered.log;
	}
	subject->disk.term = start->term;
	subject->disk.vote = start->vote;
	subject->disk.cut_from = UINT64_MAX;
	subject->disk.resetting = false;
	checker_voted(node, start->term, start->vote);
}

enum err __real_raft_new(const struct raft_options *options, const struct raft_start *start, struct raft **ret_raft);
enum err __wrap_raft_new(const struct raft_options *options, const struct raft_start *start, struct raft **ret_raft);
enum err __wrap_raft_new(const struct raft_options *options, const struct raft_start *start, struct raft **ret_raft)
{
	unsigned node = world_node();
	struct subject *subject = &checker.subjects[node];
	struct raft_options own = *options;
	if (!world_traces)
		own.trace = NULL; /* the lines are for reading alone */
	if (machine_plan()->small_messages)
		own.append_bytes_max = own.inflight_messages_max = 1;
	checker_recovered(node, start);
	enum err err = __real_raft_new(&own, start, ret_raft);
	check(err == ERR_OK);
	if (start->damaged && !subject->damaged)
		counters_add(COUNTER_DAMAGED);
	if (!machine_at(node)->joins) /* a member by the first configuration, which is no entry */
		map_set(&checker.joined, own.id, &checker);
	subject->raft = *ret_raft;
	subject->known = true;
	subject->damaged = start->damaged;
	subject->role = RAFT_FOLLOWER;
	subject->commit = start->applied;
	return ERR_OK;
}

void checker_crashed(unsigned node)
{
	checker.subjects[node].raft = NULL;
	checker.subjects[node].role = RAFT_FOLLOWER;
}

void checker_flipped(unsigned node)
{
	checker.subjects[node].flipped = true;
}

/* ---- 1: leaders; 5: completeness ---- */

static void checker_leads(unsigned node, const struct raft_update *update)
{
	uint64_t before = (uint64_t)(uintptr_t)map_find(&checker.leaders, update->term);
	if (before != 0 && before != node)
		world_fail("term %ju has two leaders, n%ju and n%u", (uintmax_t)update->term, (uintmax_t)before, node);
	map_set(&checker.leaders, update->term, (void *)(uintptr_t)node);
}

static bool checker_has(const struct raft *raft, uint64_t index, uint64_t term)
{
	return index <= raft->trail.base_index || raft_trail_term(&raft->trail, index) == term;
}

static void checker_elected(unsigned node, const struct raft *raft)
{
	uint64_t index = ledger_committed();
	counters_add(COUNTER_ELECTION);
	faults_moment(node);
	world_hash((uint64_t)node << 48 ^ raft->term);
	/* One may be elected late, in a term that is over: what later terms committed it need not have. */
	while (index > 0 && ledger_at(index)->by_term >= raft->term)
		index--;
	if (index != 0 && !checker_has(raft, index, ledger_at(index)->entry.term))
		world_fail("n%u leads term %ju without the committed entry %ju", node, (uintmax_t)raft->term,
		           (uintmax_t)index);
}

/* ---- 4: what is committed ---- */

static bool checker_is_on_disk(unsigned node, uint64_t index, uint64_t term)
{
	const struct subject *subject = &checker.subjects[node];
	const struct ledger_entry *entry = log_at(&subject->disk, index);
	/* A damaged one had it when it said so; it says nothing more until it is repaired. */
	return checker_is_damaged(node) || index <= subject->disk.base || (entry != NULL && entry->term == term);
}

static bool checker_half_has(const struct raft_config *config, bool outgoing, uint64_t index, uint64_t term)
{
	size_t voters = 0, have = 0;
	for (size_t i = 0; i < config->count; i++) {
		const struct raft_member *member = &config->members[i];
		unsigned node = machine_of_member(member->id);
		if (outgoing ? !member->voter_outgoing : !member->voter)
			continue;
		voters++;
		have += node != 0 && checker_is_on_disk(node, index, term);
	}
	return voters == 0 || have > voters / 2;
}

static void checker_config_committed(const struct raft_config *config)
{
	uint64_t member;
	void *value;
	counters_add(COUNTER_CONFIG_COMMITTED);
	counters_add(raft_config_is_joint(config) ? COUNTER_CONFIG_JOINT : COUNTER_CONFIG_SIMPLE);
	for (size_t i = 0; i < config->count; i++) {
		if (map_find(&checker.removed, config->members[i].id) != NULL)
			world_fail("a member that was removed is one again");
		map_set(&checker.joined, config->members[i].id, &checker);
	}
	for (size_t at = 0; map_next(&checker.joined, &at, &member, &value);)
		if (raft_config_find(config, member) == NULL)
			map_set(&checker.removed, member, &checker);
}

static void checker_commits(unsigned node, const struct raft *raft, uint64_t index)
{
	uint64_t term = raft_trail_term(&raft->trail, index);
	if (term == 0 || index <= raft->trail.base_index) {
		if (index > ledger_committed())
			world_fail("n%u commits index %ju, which nobody has committed, and is without it", node,
			           (uintmax_t)index);
		return;
	}
	if (!ledger_commit(node, index, term, raft->term))
		return;
	if (raft_trail_slot(&raft->trail, index)->kind == RAFT_ENTRY_CONFIG)
		checker_config_committed(&raft_history_at(&raft->history, index)->config);
	const struct raft_config *config = raft_config_now(raft);
	if (!checker_half_has(config, false, index, term) || !checker_half_has(config, true, index, term))
		world_fail("index %ju is committed by n%u and not on the disks of a quorum", (uintmax_t)index, node);
	for (unsigned other = 1; other <= machine_count(); other++) {
		const struct subject *subject = &checker.subjects[other];
		if (subject->raft != NULL && subject->role == RAFT_LEADER && subject->term > raft->term &&
		    !checker_has(subject->raft, index, term))
			world_fail("index %ju is committed in term %ju, and n%u leads term %ju without it",
			           (uintmax_t)index, (uintmax_t)raft->term, other, (uintmax_t)subject->term);
	}
}

/* ---- 8: configurations ---- */

static void checker_config(unsigned node, const struct raft *raft)
{
	uint64_t last = 0, uncommitted = 0;
	for (uint64_t index = raft_trail_last(&raft->trail); index > raft->trail.base_index; index--) {
		if (raft_trail_slot(&raft->trail, index)->kind != RAFT_ENTRY_CONFIG)
			continue;
		last = last == 0 ? index : last;
		uncommitted += index > ledger_committed();
	}
	uint64_t in_force = raft_history_now(&raft->history)->index;
	if (last != 0 ? in_force != last : in_force > raft->trail.base_index)
		world_fail("n%u is in the configuration of index %ju, and the last one in its log is at %ju", node,
		           (uintmax_t)in_force, (uintmax_t)last);
	if (raft->role == RAFT_LEADER && uncommitted > 1)
		world_fail("n%u leads with %ju uncommitted configurations", node, (uintmax_t)uncommitted);
}

/* ---- 10: matches ---- */

static void checker_matches(unsigned node, const struct raft *raft)
{
	struct raft_peer_status peers[WORLD_NODES_MAX];
	size_t count = raft_peers(raft, peers, WORLD_NODES_MAX);
	for (size_t i = 0; i < count; i++) {
		unsigned other = machine_of_member(peers[i].id);
		const struct subject *peer = &checker.subjects[other];
		uint64_t match = peers[i].match;
		if (other == 0 || other == node || peer->raft == NULL || checker_is_damaged(other) ||
		    peer->disk.term != raft->term || peer->raft->term != raft->term || match <= peer->disk.base ||
		    match <= raft->trail.base_index)
			continue;
		const struct ledger_entry *entry = log_at(&peer->disk, match);
		if (entry == NULL || entry->term != raft_trail_term(&raft->trail, match))
			world_fail("n%u believes n%u to match up to %ju, and its disk does not", node, other,
			           (uintmax_t)match);
	}
}

/* ---- each step ---- */

static void checker_stepped(unsigned node, struct subject *subject, const struct raft_update *update)
{
	const struct raft *raft = subject->raft;
	enum raft_role before = subject->role;
	if (update->commit < subject->commit)
		world_fail("the commit index of n%u falls to %ju", node, (uintmax_t)update->commit);
	subject->role = update->role;
	subject->term = update->term;
	if (update->role == RAFT_LEADER) {
		checker_leads(node, update);
		if (before != RAFT_LEADER)
			checker_elected(node, raft);
		if (subject->steps++ % CHECKER_MATCHES_EVERY == 0)
			checker_matches(node, raft);
	} else if (before == RAFT_LEADER) {
		counters_add(COUNTER_LOST_LEADER);
	}
	for (uint64_t index = subject->commit + 1; index <= update->commit; index++)
		checker_commits(node, raft, index);
	subject->commit = update->commit;
	if (update->config_changed || (update->role == RAFT_LEADER && before != RAFT_LEADER))
		checker_config(node, raft);
	if (subject->damaged && !update->damaged)
		counters_add(COUNTER_REPAIRED);
	subject->damaged = update->damaged;
}

void __real_raft_step(struct raft *raft, const struct raft_event *event, struct raft_update *ret_update);
void __wrap_raft_step(struct raft *raft, const struct raft_event *event, struct raft_update *ret_update);
void __wrap_raft_step(struct raft *raft, const struct raft_event *event, struct raft_update *ret_update)
{
	unsigned node = world_node();
	if (event->type == RAFT_EVENT_DISK_STALLED)
		counters_add(COUNTER_DISK_STALLED);
	__real_raft_step(raft, event, ret_update);
	checker_stepped(node, &checker.subjects[node], ret_update);
}

/* ---- 7: frames ---- */

static void checker_reply(unsigned from, const struct subject *subject, const struct raft_message *message)
{
	if (message->type == RAFT_VOTE_REPLY && !message->reject && subject->disk.term == message->term &&
	    subject->disk.vote != message->to)
		world_fail("n%u grants a vote in term %ju that its disk does not hold", from, (uintmax_t)message->term);
	if (message->type != RAFT_APPEND_REPLY || message->reject || subject->raft->term != message->term ||
	    message->index <= subject->disk.base)
		return;
	if (log_at(&subject->disk, message->index) == NULL)
		world_fail("n%u acknowledges index %ju, and its disk ends at %ju", from, (uintmax_t)message->index,
		           (uintmax_t)log_last(&subject->disk));
}

static void checker_heartbeat(unsigned from, const struct raft *raft, const struct raft_message *message)
{
	struct raft_peer_status peers[WORLD_NODES_MAX];
	size_t count = raft->term == message->term ? raft_peers(raft, peers, WORLD_NODES_MAX) : 0;
	for (size_t i = 0; i < count; i++)
		if (peers[i].id == message->to && message->commit > peers[i].match)
			world_fail("n%u tells a member to commit %ju beyond its match %ju", from,
			           (uintmax_t)message->commit, (uintmax_t)peers[i].match);
}

static void checker_message(unsigned from, const struct raft_message *message)
{
	const struct subject *subject = &checker.subjects[from];
	bool future = message->type == RAFT_PRE_VOTE || (message->type == RAFT_PRE_VOTE_REPLY && !message->reject);
	const struct ledger_entry *last = log_at(&subject->disk, log_last(&subject->disk));
	uint64_t durable = last != NULL && last->term > subject->disk.term ? last->term : subject->disk.term;
	if (!future && message->term > durable)
		world_fail("n%u speaks in term %ju, and its disk is in %ju", from, (uintmax_t)message->term,
		           (uintmax_t)durable);
	checker_reply(from, subject, message);
	if (message->type == RAFT_HEARTBEAT)
		checker_heartbeat(from, subject->raft, message);
}

bool checker_sent(unsigned from, struct bytes frame)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes body = BYTES_NONE;
	size_t size = 0;
	Peer__Envelope *envelope = NULL;
	struct raft_message message;
	enum err err = frame_split(frame, &body, &size);
	check(err == ERR_OK && size == frame.size);
	err = frame_unpack(body, &arena, &envelope);
	check(err == ERR_OK);
	if (envelope->body_case == PEER__ENVELOPE__BODY_FORWARD)
		counters_add(COUNTER_FORWARDED);
	if (envelope->body_case != PEER__ENVELOPE__BODY_RAFT)
		return false;
	err = wire_to_message(envelope->raft, envelope->from, envelope->to, &arena, &message);
	if (err != ERR_OK)
		world_fail("n%u sends what is no message of the core", from);
	checker_message(from, &message);
	return true;
}

/* ---- what is known ---- */

uint64_t checker_committed(void)
{
	return ledger_committed();
}

static const struct raft_config *checker_newest_config(void)
{
	unsigned leader = checker_leader();
	return leader != 0 ? raft_config_now(checker.subjects[leader].raft) : NULL;
}

bool checker_is_voter(unsigned node)
{
	const struct raft_config *config = checker_newest_config();
	const struct raft_member *member = config != NULL ? raft_config_find(config, machine_at(node)->member) : NULL;
	return member != NULL && member->voter;
}

bool checker_is_member(unsigned node)
{
	const struct raft_config *config = checker_newest_config();
	uint64_t member = machine_at(node)->member;
	return config != NULL && member != 0 && raft_config_find(config, member) != NULL;
}

size_t checker_member_count(void)
{
	const struct raft_config *config = checker_newest_config();
	return config != NULL ? config->count : 0;
}

bool checker_was_removed(unsigned node)
{
	uint64_t member = machine_at(node)->member;
	return member != 0 && map_find(&checker.removed, member) != NULL;
}

size_t checker_voters(void)
{
	const struct raft_config *config = checker_newest_config();
	size_t voters = 0;
	for (size_t i = 0; config != NULL && i < config->count; i++)
		voters += config->members[i].voter;
	return voters;
}

bool checker_is_joint(void)
{
	const struct raft_config *config = checker_newest_config();
	return config == NULL || raft_config_is_joint(config);
}

/* ---- life ---- */

void checker_begin(void)
{
	memset(&checker, 0, sizeof checker);
	for (unsigned node = 0; node <= WORLD_NODES_MAX; node++)
		checker.subjects[node].disk.cut_from = UINT64_MAX;
	ledger_begin();
}

void checker_end(void)
{
	map_fini(&checker.leaders);
	map_fini(&checker.joined);
	map_fini(&checker.removed);
	for (unsigned node = 0; node <= WORLD_NODES_MAX; node++) {
		map_fini(&checker.votes[node]);
		free(checker.subjects[node].disk.entries);
	}
	ledger_end();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls: making a core, stepping it, looking at it. */
#include "raft/core.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/memory.h"
#include "raft/config.h"

const char *raft_role_name(enum raft_role role)
{
	switch (role) {
	case RAFT_FOLLOWER:
		return "follower";
	case RAFT_PRE_CANDIDATE:
		return "pre-candidate";
	case RAFT_CANDIDATE:
		return "candidate";
	case RAFT_LEADER:
		return "leader";
	}
	return "unknown";
}

/* ---- events that concern no other file ---- */

void raft_on_tick(struct raft *raft)
{
	if (raft->role == RAFT_LEADER) {
		raft_leader_tick(raft);
		return;
	}
	raft_reads_tick(raft);
	raft_election_tick(raft);
}

void raft_on_written(struct raft *raft, uint64_t write_id)
{
	raft_writes_complete(&raft->writes, write_id);
	raft->stalled = false;
	/* A candidate's vote for itself counts once it is durable. */
	if (raft->role != RAFT_CANDIDATE || !raft_writes_term_is_durable(&raft->writes))
		return;
	raft_ballot_own(raft);
	raft_tally(raft);
}

void raft_on_applied(struct raft *raft, uint64_t index)
{
	if (index <= raft->applied)
		return;
	check(index <= raft->commit && index <= raft->writes.durable);
	raft_applied_to(raft, index);
}

void raft_on_trimmed(struct raft *raft, uint64_t index)
{
	check(index <= raft->applied);
	if (index <= raft->trail.base_index)
		return;
	raft_trail_trim(&raft->trail, index);
	raft_history_trim(&raft->history, index);
}

/* A leader whose disk hangs commits nothing and keeps others from it. */
void raft_on_disk_stalled(struct raft *raft)
{
	raft_say(raft, "disk_stalled");
	raft->stalled = true;
	if (raft->role != RAFT_FOLLOWER)
		raft_become_follower(raft, raft->term, 0);
}

/* ---- making one ---- */

static enum err raft_start_entries(struct raft *raft, const struct raft_start *start)
{
	for (size_t i = 0; i < start->count; i++) {
		const struct raft_entry *entry = &start->entries[i];
		struct raft_trail_slot slot = {
		    .term = entry->term, .size_bytes = entry->size_bytes, .kind = (uint8_t)entry->kind};
		if (entry->term < raft_trail_last_term(&raft->trail))
			return ERR_CORRUPT;
		raft_trail_append(&raft->trail, slot);
		raft->uncommitted_bytes += entry->size_bytes + RAFT_ENTRY_OVERHEAD_BYTES;
		if (entry->kind != RAFT_ENTRY_CONFIG)
			continue;
		enum err err = raft_history_append(&raft->history, raft_last(raft), entry->config_payload);
		if (err != ERR_OK)
			return err;
	}
	/* A crash may have kept the entries of a write and not its term; nothing was said in that term yet. */
	if (raft_trail_last_term(&raft->trail) > raft->term) {
		raft->term = raft_trail_last_term(&raft->trail);
		raft->vote = 0;
	}
	return ERR_OK;
}

/* The only voter needs nobody's answer. Known to be committed, or the leader that made it so, and that need not be a voter of
 * it, may still lead and hold a lease. */
static bool raft_is_only_voter(const struct raft *raft)
{
	const struct raft_config *config = raft_config_latest(raft);
	size_t voters = 0;
	for (size_t i = 0; i < config->count; i++)
		voters += config->members[i].voter || config->members[i].voter_outgoing;
	return voters == 1 && raft_is_voter(raft) && raft_history_now(&raft->history)->index <= raft->commit;
}

static void raft_begin(struct raft *raft, const struct raft_start *start)
{
	/* A restart forgets whom this node answered: it keeps to any leader for as long as it might have promised. */
	if (raft->term != 0 && !RAFT_HAS_BUG(DISLOYAL))
		raft->loyal_until_ms = raft->now_ms + (start->promised_ms > raft->options.election_timeout_ms
		                                           ? start->promised_ms
		                                           : raft->options.election_timeout_ms);
	raft->commit = raft->applied = start->snapshot_index;
	raft_membership_follow(raft);
	raft_commit_to(raft, start->applied);
	raft_applied_to(raft, start->applied);
	raft_peers_refresh(raft);
	raft_timer_reset(raft);
	if (raft_is_only_voter(raft))
		raft->campaign_at_ms = raft->now_ms;
}

enum err raft_new(const struct raft_options *options, const struct raft_start *start, struct raft **ret_raft)
{
	check(options->id != 0 && options->heartbeat_interval_ms > 0);
	check(options->election_timeout_ms > options->heartbeat_interval_ms);
	check(options->inflight_messages_max > 0 && options->inflight_bytes_max > 0 && options->append_bytes_max > 0);
	struct raft *raft = memory_new(sizeof *raft);
	raft->options = *options;
	raft->now_ms = start->now_ms;
	raft->term = start->term;
	raft->vote = start->vote;
	raft->damaged = start->damaged;
	random_init(&raft->random, options->seed);
	arena_init(&raft->arena);
	raft_reads_init(&raft->reads, random_next(&raft->random));
	raft->repair_id = random_next(&raft->random) | 1;
	raft_trail_init(&raft->trail, start->snapshot_index, start->snapshot_term);
	raft_writes_init(&raft->writes, start->snapshot_index + start->count);
	enum err err = raft_history_init(&raft->history, start->snapshot_index, start->config_payload);
	if (err == ERR_OK)
		err = raft_start_entries(raft, start);
	if (err != ERR_OK) {
		raft_free(raft);
		return err;
	}
	check(start->applied >= start->snapshot_index && start->applied <= raft_last(raft));
	raft_begin(raft, start);
	*ret_raft = raft;
	return ERR_OK;
}

void raft_free(struct raft *raft)
{
	raft_trail_fini(&raft->trail);
	raft_history_fini(&raft->history);
	raft_writes_fini(&raft->writes);
	raft_peers_fini(&raft->peers);
	raft_reads_fini(&raft->reads);
	arena_fini(&raft->arena);
	free(raft->outbox.items);
	free(raft->resolved);
	free(raft);
}

/* ---- stepping it ---- */

static void raft_event_handle(struct raft *raft, const struct raft_event *event)
{
	switch (event->type) {
	case RAFT_EVENT_TICK:
		raft_on_tick(raft);
		break;
	case RAFT_EVENT_MESSAGE:
		raft_on_message(raft, event->message);
		break;
	case RAFT_EVENT_PROPOSE:
		raft_on_propose(raft, event);
		break;
	case RAFT_EVENT_WRITTEN:
		raft_on_written(raft, event->write_id);
		break;
	case RAFT_EVENT_APPLIED:
		raft_on_applied(raft, event->index);
		break;
	case RAFT_EVENT_READ:
		raft_on_read(raft, event->read_id);
		break;
	case RAFT_EVENT_TRANSFER:
		raft_on_transfer(raft, event->peer);
		break;
	case RAFT_EVENT_TRIMMED:
		raft_on_trimmed(raft, event->index);
		break;
	case RAFT_EVENT_UNREACHABLE:
		raft_on_unreachable(raft, event->peer);
		break;
	case RAFT_EVENT_SNAPSHOT_READY:
		raft_on_snapshot_ready(raft, event);
		break;
	case RAFT_EVENT_SNAPSHOT_FAILED:
		raft_on_snapshot_failed(raft, event);
		break;
	case RAFT_EVENT_SNAPSHOT_INSTALLED:
		raft_on_snapshot_installed(raft, event);
		break;
	case RAFT_EVENT_DISK_STALLED:
		raft_on_disk_stalled(raft);
		break;
	}
}

void raft_step(struct raft *raft, const struct raft_event *event, struct raft_update *ret_update)
{
	raft_update_begin(raft, event);
	raft_event_handle(raft, event);
	if (raft->role == RAFT_LEADER)
		raft_lead(raft);
	raft_update_finish(raft);
	raft_holds(raft);
	*ret_update = raft->update;
}

/* ---- looking at it ---- */

const struct raft_config *raft_config_now(const struct raft *raft)
{
	return raft_config_latest(raft);
}

void raft_status(const struct raft *raft, struct raft_status *ret_status)
{
	*ret_status = (struct raft_status){.id = raft->options.id,
	                                   .term = raft->term,
	                                   .vote = raft->vote,
	                                   .leader = raft->leader,
	                                   .commit = raft->commit,
	                                   .applied = raft->applied,
	                                   .first_index = raft->trail.base_index + 1,
	                                   .last_index = raft_last(raft),
	                                   .durable_index = raft->writes.durable,
	                                   .role = raft->role,
	                                   .uncommitted_bytes = raft->uncommitted_bytes,
	                                   .unapplied_bytes = raft->unapplied_bytes,
	                                   .config_index = raft_history_now(&raft->history)->index,
	                                   .settled = raft_leader_is_settled(raft)};
}

size_t raft_peers(const struct raft *raft, struct raft_peer_status *ret_peers, size_t max)
{
	size_t count = 0;
	for (size_t i = 0; i < raft->peers.count && raft->role == RAFT_LEADER && count < max; i++) {
		const struct raft_peer *peer = &raft->peers.items[i];
		bool self = peer->id == raft->options.id;
		ret_peers[count++] = (struct raft_peer_status){
		    .id = peer->id,
		    .match = self ? raft->writes.durable : peer->match,
		    .next = self ? raft_last(raft) + 1 : peer->next,
		    .recent_active = self || raft->now_ms < peer->heard_ms + raft->options.election_timeout_ms,
		    .snapshot = peer->progress == RAFT_SNAPSHOTTING};
	}
	return count;
}

uint64_t raft_term_at(const struct raft *raft, uint64_t index)
{
	return raft_trail_term(&raft->trail, index);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What this node knows of itself, for its own status and for the others'. */
#include "replica/node.h"

#include "base/check.h"
#include "base/clock.h"
#include "replica/snapshots.h"

void node_config_set(struct replica *replica, const struct raft_config *config)
{
	pthread_mutex_lock(&replica->facts_mutex);
	raft_config_copy(&replica->config, config);
	pthread_mutex_unlock(&replica->facts_mutex);
}

size_t node_voters(struct replica *replica, struct arena *arena, uint64_t **ret_ids)
{
	size_t count = 0;
	pthread_mutex_lock(&replica->facts_mutex);
	uint64_t *ids = arena_zero(arena, replica->config.count, sizeof *ids);
	for (size_t i = 0; i < replica->config.count; i++)
		if (replica->config.members[i].voter)
			ids[count++] = replica->config.members[i].id;
	pthread_mutex_unlock(&replica->facts_mutex);
	*ret_ids = ids;
	return count;
}

size_t node_members(struct replica *replica, struct arena *arena, uint64_t **ret_ids)
{
	pthread_mutex_lock(&replica->facts_mutex);
	size_t count = replica->config.count;
	uint64_t *ids = arena_zero(arena, count, sizeof *ids);
	for (size_t i = 0; i < count; i++)
		ids[i] = replica->config.members[i].id;
	pthread_mutex_unlock(&replica->facts_mutex);
	*ret_ids = ids;
	return count;
}

bool node_is_voter(struct replica *replica, uint64_t id)
{
	pthread_mutex_lock(&replica->facts_mutex);
	const struct raft_member *member = raft_config_find(&replica->config, id);
	/* Until a joint configuration is left, those that it adds are not enough without those that were. */
	bool voter =
	    member != NULL && member->voter && (member->voter_outgoing || !raft_config_is_joint(&replica->config));
	pthread_mutex_unlock(&replica->facts_mutex);
	return voter;
}

bool node_is_member(struct replica *replica, uint64_t id)
{
	pthread_mutex_lock(&replica->facts_mutex);
	bool member = raft_config_find(&replica->config, id) != NULL;
	pthread_mutex_unlock(&replica->facts_mutex);
	return member;
}

struct report_jury node_jury(struct replica *replica, struct arena *arena)
{
	uint64_t *voters = NULL;
	struct report_mark *marks = arena_zero(arena, REPORT_MARKS, sizeof *marks);
	struct report_jury jury = {.self = replica->identity.member, .marks = marks};
	jury.voter_count = node_voters(replica, arena, &voters);
	jury.voters = voters;
	pthread_mutex_lock(&replica->facts_mutex);
	jury.mark_count = replica->mark_count;
	memcpy(marks, replica->marks, replica->mark_count * sizeof *marks);
	pthread_mutex_unlock(&replica->facts_mutex);
	return jury;
}

void node_mark(struct replica *replica, uint64_t first, uint64_t last)
{
	if ((first - 1) / LOOP_MARK_EVERY == last / LOOP_MARK_EVERY)
		return;
	struct kv_stats stats;
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_stats(view, &stats);
	kv_view_close(view);
	if (err != ERR_OK || stats.mark_index == 0)
		return;
	pthread_mutex_lock(&replica->facts_mutex);
	if (replica->mark_count == REPORT_MARKS) {
		memmove(replica->marks, replica->marks + 1, (REPORT_MARKS - 1) * sizeof replica->marks[0]);
		replica->mark_count--;
	}
	replica->marks[replica->mark_count++] = (struct report_mark){stats.mark_index, stats.mark_checksum};
	pthread_mutex_unlock(&replica->facts_mutex);
}

static void node_status_marks(struct replica *replica, struct arena *arena, Peer__Status *status)
{
	pthread_mutex_lock(&replica->facts_mutex);
	status->n_marks = replica->mark_count;
	status->marks = arena_zero(arena, status->n_marks, sizeof(Peer__Mark *));
	for (size_t i = 0; i < status->n_marks; i++) {
		status->marks[i] = arena_take(arena, sizeof(Peer__Mark));
		peer__mark__init(status->marks[i]);
		status->marks[i]->index = replica->marks[i].index;
		status->marks[i]->checksum = replica->marks[i].checksum;
	}
	pthread_mutex_unlock(&replica->facts_mutex);
}

Peer__Status *node_status(struct replica *replica, struct arena *arena)
{
	Peer__Status *status = arena_take(arena, sizeof *status);
	peer__status__init(status);
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	struct kv_stats stats = {0};
	if (kv_stats(view, &stats) == ERR_OK) {
		status->store_bytes = stats.disk_bytes;
		status->keys = (uint64_t)stats.keys;
		status->memory_bytes = stats.memory_bytes;
	}
	status->applied = kv_view_index(view);
	status->revision = kv_view_revision(view);
	kv_view_close(view);
	status->role = (uint32_t)atomic_load(&replica->shown.role);
	status->term = atomic_load(&replica->shown.term);
	status->commit = atomic_load(&replica->shown.commit);
	status->first_index = atomic_load(&replica->shown.first_index);
	status->last_index = atomic_load(&replica->shown.last_index);
	status->leader = atomic_load(&replica->shown.leader);
	status->log_bytes = raftlog_disk_bytes(replica->log);
	status->started_ns = replica->started_ns;
	status->version = (char *)replica->options.version;
	struct snapshots_progress progress = {0};
	snapshots_progress(replica->snapshots, &progress);
	if (progress.busy) {
		status->snapshot_done_bytes = progress.done_bytes;
		status->snapshot_total_bytes = progress.total_bytes;
	}
	node_status_marks(replica, arena, status);
	return status;
}

void node_send_status(struct replica *replica)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	AUTO_BUFFER struct buffer frame;
	buffer_init(&frame, FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX);
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	envelope.cluster = replica->identity.cluster;
	envelope.from = replica->identity.member;
	envelope.body_case = PEER__ENVELOPE__BODY_STATUS;
	envelope.status = node_status(replica, &arena);
	uint64_t *ids = NULL;
	size_t count = node_members(replica, &arena, &ids);
	for (size_t i = 0; i < count; i++) {
		if (ids[i] == replica->identity.member)
			continue;
		envelope.to = ids[i];
		buffer_clear(&frame);
		enum err err = frame_pack(&envelope, &frame);
		check(err == ERR_OK);
		err = transport_send(replica->transport, ids[i], buffer_bytes(&frame));
		(void)err; /* the next one is a second away */
	}
	transport_flush(replica->transport);
}

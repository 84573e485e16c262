/* SPDX-License-Identifier: Apache-2.0 */
/* The status of the cluster as this node knows it. */
#include <string.h>

#include "base/clock.h"
#include "replica/node.h"
#include "replica/roster.h"
#include "replica/snapshots.h"

enum { STATUS_REACHABLE_MS = 3000 /* three statuses of a second each */ };

static const char *status_role(int role, bool voter)
{
	switch ((enum raft_role)role) {
	case RAFT_LEADER:
		return "leader";
	case RAFT_PRE_CANDIDATE:
	case RAFT_CANDIDATE:
		return "candidate";
	case RAFT_FOLLOWER:
		return voter ? "follower" : "learner";
	}
	return "unknown";
}

static void status_of_report(struct replica_member_status *member, const struct report *report)
{
	member->term = report->term;
	member->commit = report->commit;
	member->applied = report->applied;
	member->first_index = report->first_index;
	member->last_index = report->last_index;
	member->revision = report->revision;
	member->store_bytes = report->store_bytes;
	member->log_bytes = report->log_bytes;
	member->keys = report->keys;
	member->memory_bytes = report->memory_bytes;
	member->snapshot_done_bytes = report->snapshot_done_bytes;
	member->snapshot_total_bytes = report->snapshot_total_bytes;
	member->started_ns = report->started_ns;
	member->heard_ns = report->heard_wall_ns;
	if (report->mark_count != 0) {
		member->checksum = report->marks[report->mark_count - 1].checksum;
		member->checksum_index = report->marks[report->mark_count - 1].index;
	}
}

static void status_member(struct replica *replica, const struct kv_member *known, const Peer__Status *own,
                          struct arena *arena, struct replica_member_status *ret_member)
{
	struct report report = {0};
	struct replica_member_status member = {
	    .id = known->id, .name = known->name, .peer_urls = known->peer_urls, .client_urls = known->client_urls};
	member.self = known->id == replica->identity.member;
	member.is_voter = node_is_voter(replica, known->id);
	member.wants_no_vote = known->wants_no_vote;
	member.replaces = known->replaces;
	member.version = "";
	bool heard = member.self || reports_find(replica->reports, known->id, &report);
	if (member.self)
		report = report_of(known->id, own, own->commit);
	if (heard) {
		status_of_report(&member, &report);
		member.version = arena_dup_string(arena, bytes_of_string(report.version));
		uint64_t silent_ns = clock_steady_ns() - report.heard_ns;
		member.reachable = silent_ns < STATUS_REACHABLE_MS * CLOCK_NS_PER_MS;
	}
	/* Who leads is known here sooner than by its next report. */
	int role = known->id == atomic_load(&replica->shown.leader) ? RAFT_LEADER : report.role;
	if (role == RAFT_LEADER && known->id != atomic_load(&replica->shown.leader))
		role = RAFT_FOLLOWER;
	if (!member.reachable) /* whatever it was about to fetch */
		member.snapshot_done_bytes = member.snapshot_total_bytes = 0;
	member.role = member.reachable ? status_role(role, member.is_voter) : "unreachable";
	member.lag = report.commit_here > member.applied ? report.commit_here - member.applied : 0;
	member.caught_up = member.reachable && member.lag <= ROSTER_LAG_ENTRIES_MAX;
	*ret_member = member;
}

/* Of itself a node knows its name and where its clients find it before the others do. */
static void status_self(struct replica *replica, struct arena *arena, struct replica_status *status,
                        struct replica_member_status *member)
{
	const char *name = replica->options.name, *client_urls = replica->options.client_urls;
	status->published = strcmp(member->name, name) == 0 && strcmp(member->client_urls, client_urls) == 0;
	member->name = arena_dup_string(arena, bytes_of_string(name));
	member->client_urls = arena_dup_string(arena, bytes_of_string(client_urls));
}

static void status_members(struct replica *replica, struct kv_view *view, struct arena *arena,
                           struct replica_status *status)
{
	struct kv_member_list list = {0};
	if (kv_members(view, arena, &list) != ERR_OK)
		return;
	Peer__Status *own = node_status(replica, arena);
	status->members = arena_zero(arena, list.count, sizeof *status->members);
	status->member_count = list.count;
	for (size_t i = 0; i < list.count; i++) {
		status_member(replica, &list.members[i], own, arena, &status->members[i]);
		if (status->members[i].self)
			status_self(replica, arena, status, &status->members[i]);
	}
}

struct replica_place replica_place(struct replica *replica)
{
	return (struct replica_place){
	    .cluster_id = replica->identity.cluster,
	    .member_id = replica->identity.member,
	    .leader_id = atomic_load(&replica->shown.leader),
	    .term = atomic_load(&replica->shown.term),
	};
}

void replica_status(struct replica *replica, struct arena *arena, struct replica_status *ret_status)
{
	struct snapshots_progress progress = {0};
	snapshots_progress(replica->snapshots, &progress);
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	struct replica_status status = {
	    .cluster_id = replica->identity.cluster,
	    .member_id = replica->identity.member,
	    .leader_id = atomic_load(&replica->shown.leader),
	    .term = atomic_load(&replica->shown.term),
	    .commit = atomic_load(&replica->shown.commit),
	    .applied = kv_view_index(view),
	    .revision = kv_view_revision(view),
	    .compacted = kv_view_compacted(view),
	    .name = arena_dup_string(arena, bytes_of_string(replica->identity.name)),
	    .has_quorum = atomic_load(&replica->shown.leader) != 0,
	    .damaged = atomic_load(&replica->shown.damaged),
	    .differs = atomic_load(&replica->differs),
	    .quota_bytes = replica->options.quota_bytes,
	    .snapshot_busy = progress.busy,
	    .snapshot_done_bytes = progress.done_bytes,
	    .snapshot_total_bytes = progress.total_bytes,
	};
	status_members(replica, view, arena, &status);
	enum err err = kv_alarms(view, arena, &status.alarms);
	(void)err; /* logged; none are known */
	kv_view_close(view);
	*ret_status = status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's counters in the text format of Prometheus. What means the same as one of etcd's has etcd's name, so that its
 * dashboards and alerts fit; what is ours alone begins with etcfs_.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/buffer.h"
#include "replica/node.h"
#include "replica/snapshots.h"

enum { METRICS_LINE_BYTES_MAX = 512 };

struct metric {
	const char *name, *type, *help;
	uint64_t value;
};

static enum err metrics_append(struct buffer *buffer, const struct metric *metrics, size_t count)
{
	char text[METRICS_LINE_BYTES_MAX];
	enum err err = ERR_OK;
	for (size_t at = 0; at < count && err == ERR_OK; at++) {
		const struct metric *metric = &metrics[at];
		int size = snprintf(text, sizeof text, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", metric->name,
		                    metric->help, metric->name, metric->type, metric->name, metric->value);
		if (size > 0 && (size_t)size < sizeof text)
			err = buffer_append(buffer, bytes_of(text, (size_t)size));
	}
	return err;
}

static enum err metrics_identity(struct replica *replica, struct buffer *buffer)
{
	char text[METRICS_LINE_BYTES_MAX];
	int size = snprintf(text, sizeof text,
	                    "# HELP etcd_server_id Id of this member.\n# TYPE etcd_server_id gauge\n"
	                    "etcd_server_id{server_id=\"%" PRIx64 "\"} 1\n",
	                    replica->identity.member);
	return buffer_append(buffer, bytes_of(text, (size_t)size));
}

static enum err metrics_of_raft(struct replica *replica, const Peer__Status *own, struct buffer *buffer)
{
	uint64_t leader = atomic_load(&replica->shown.leader), self = replica->identity.member;
	const struct metric metrics[] = {
	    {"etcd_server_has_leader", "gauge", "Whether a leader is known.", leader != 0},
	    {"etcd_server_is_leader", "gauge", "Whether this member leads.", leader == self},
	    {"etcd_server_is_learner", "gauge", "Whether this member has no vote.", !node_is_voter(replica, self)},
	    {"etcd_server_leader_changes_seen_total", "counter", "How often a leader became known.",
	     atomic_load(&replica->shown.leader_changes)},
	    {"etcd_server_proposals_committed_total", "gauge", "Index that is known to be committed.", own->commit},
	    {"etcd_server_proposals_applied_total", "gauge", "Index that is applied here.", own->applied},
	    {"etcd_server_proposals_pending", "gauge", "Proposals of this member without an answer.",
	     pending_count(replica->pending)},
	    {"etcd_server_snapshot_apply_in_progress_total", "gauge", "Whether a snapshot is on its way here.",
	     own->snapshot_total_bytes != 0},
	    {"etcfs_raft_term", "gauge", "Term.", own->term},
	    {"etcfs_raft_log_first_index", "gauge", "First index of the log.", own->first_index},
	    {"etcfs_raft_log_last_index", "gauge", "Last index of the log.", own->last_index},
	    {"etcfs_raft_log_bytes", "gauge", "Bytes of the log on disk.", own->log_bytes},
	    {"etcfs_reads_waiting", "gauge", "Read barriers that wait.", barriers_count(replica->barriers)},
	    {"etcfs_state_differs", "gauge", "Whether the state differs from the others'.",
	     atomic_load(&replica->differs)},
	};
	return metrics_append(buffer, metrics, sizeof metrics / sizeof *metrics);
}

static enum err metrics_of_store(struct replica *replica, struct buffer *buffer)
{
	struct kv_stats stats = {0};
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	int64_t revision = kv_view_revision(view), compacted = kv_view_compacted(view);
	enum err err = kv_stats(view, &stats);
	kv_view_close(view);
	if (err != ERR_OK)
		return err;
	const struct metric metrics[] = {
	    {"etcd_debugging_mvcc_keys_total", "gauge", "Live keys.", (uint64_t)stats.keys},
	    {"etcd_debugging_mvcc_current_revision", "gauge", "Revision of the store.", (uint64_t)revision},
	    {"etcd_debugging_mvcc_compact_revision", "gauge", "Oldest revision that can be read; 0: all.",
	     compacted > 0 ? (uint64_t)compacted : 0},
	    {"etcd_mvcc_db_total_size_in_bytes", "gauge", "Bytes of the store on disk.", stats.disk_bytes},
	    {"etcd_mvcc_db_total_size_in_use_in_bytes", "gauge",
	     "Bytes of live keys and values, which the quota counts, and of files that are there without any.",
	     (uint64_t)stats.value_bytes + stats.frame_bytes},
	    {"etcd_server_quota_backend_bytes", "gauge", "The quota; 0: none.", replica->options.quota_bytes},
	    {"etcfs_store_memory_bytes", "gauge", "Memory of the store.", stats.memory_bytes},
	};
	return metrics_append(buffer, metrics, sizeof metrics / sizeof *metrics);
}

static enum err metrics_of_peers(struct replica *replica, struct buffer *buffer)
{
	struct transport_stats stats;
	transport_stats(replica->transport, &stats);
	const struct metric metrics[] = {
	    {"etcfs_peer_frames_sent_total", "counter", "Messages sent.", stats.frames_sent},
	    {"etcfs_peer_frames_received_total", "counter", "Messages received.", stats.frames_received},
	    {"etcfs_peer_frames_dropped_total", "counter", "Messages dropped.", stats.frames_dropped},
	    {"etcd_network_peer_sent_bytes_total", "counter", "Bytes sent to members.", stats.bytes_sent},
	    {"etcd_network_peer_received_bytes_total", "counter", "Bytes received from members.", stats.bytes_received},
	};
	return metrics_append(buffer, metrics, sizeof metrics / sizeof *metrics);
}

enum err replica_metrics(struct replica *replica, struct buffer *buffer)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	enum err err = metrics_identity(replica, buffer);
	if (err == ERR_OK)
		err = metrics_of_raft(replica, node_status(replica, &arena), buffer);
	if (err == ERR_OK)
		err = metrics_of_store(replica, buffer);
	if (err == ERR_OK)
		err = metrics_of_peers(replica, buffer);
	return err;
}

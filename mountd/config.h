/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node is told to be: the options, understood and checked against each other. Nothing on the machine is touched,
 * and nothing but its name is asked for; what else depends on the machine is asked in config_check_machine().
 */
#pragma once

#include "base/log.h"
#include "base/url.h"
#include "fs/fs.h"
#include "mountd/option.h"
#include "replica/replica.h"

enum {
	CONFIG_CLIENT_URLS_MAX = 8,
};

struct config {
	const char *name, *data_directory, *control_path;
	const char *mount_point; /* NULL: none */
	const char *root_key;
	enum fs_reads reads;
	uint64_t read_timeout_ms, write_timeout_ms;
	size_t file_bytes_max;

	struct replica_peer *initial_cluster;
	size_t initial_count;
	const char *cluster_token;
	bool must_exist;      /* --initial-cluster-state=existing */
	const char *join_url; /* NULL: not a joiner; else initial_cluster is this node alone */
	const char *replace;  /* NULL: nobody */
	uint32_t voters_max;
	const char *listen_peer_url;
	uint32_t heartbeat_interval_ms, election_timeout_ms;
	uint64_t snapshot_count; /* 0: not given */
	uint64_t quota_bytes;
	enum replica_compaction compaction;
	uint64_t compaction_retention; /* milliseconds, or revisions */
	size_t memory_bytes;

	struct url listen_clients[CONFIG_CLIENT_URLS_MAX];
	size_t listen_client_count;
	const char *advertise_client_urls;     /* comma-separated */
	size_t request_bytes_max, txn_ops_max; /* of clients of etcd */
	uint64_t watch_progress_ms;

	enum log_level log_level;
};

/* Everything lives in the set. ERR_INVALID with the problem, which names the option and where it came from. */
enum err config_make(struct option_set *set, struct config *ret_config, struct problem *ret_problem) MUST_USE;

/* The parent of the data directory is there, the mount point is not in the data directory or the other way round, an
 * existing member has its data. ERR_INVALID with the problem. */
enum err config_check_machine(const struct config *config, struct arena *arena, struct problem *ret_problem) MUST_USE;

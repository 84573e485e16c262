/* SPDX-License-Identifier: Apache-2.0 */
#include "mountd/node.h"

#include <stdlib.h>

#include "api/api.h"
#include "base/memory.h"

struct node {
	struct replica *replica; /* these are NULL until they are open */
	struct api *api;
	struct fs *fs;
	bool replica_started, api_started, fs_started;
};

static enum err node_open_replica(const struct config *config, const struct node_patience *patience, struct node *node)
{
	struct replica_options options = {
	    .name = config->name,
	    .data_directory = config->data_directory,
	    .listen_peer_url = config->listen_peer_url,
	    .client_urls = config->advertise_client_urls,
	    .initial_cluster = config->initial_cluster,
	    .initial_count = config->initial_count,
	    .cluster_token = config->cluster_token,
	    .join_url = config->join_url,
	    .replace = config->replace,
	    .give_up = patience->is_over,
	    .give_up_argument = patience->argument,
	    .voters_max = config->voters_max,
	    .heartbeat_interval_ms = config->heartbeat_interval_ms,
	    .election_timeout_ms = config->election_timeout_ms,
	    .value_bytes_max = config->file_bytes_max,
	    .quota_bytes = config->quota_bytes,
	    .compaction = config->compaction,
	    .compaction_retention = config->compaction_retention,
	    .memory_bytes = config->memory_bytes,
	    .snapshot_catchup_entries = config->snapshot_count,
	    .version = ETCFS_VERSION,
	};
	return replica_open(&options, &node->replica);
}

static enum err node_open_api(const struct config *config, struct node *node)
{
	struct api_address addresses[CONFIG_CLIENT_URLS_MAX];
	for (size_t at = 0; at < config->listen_client_count; at++)
		addresses[at] = (struct api_address){config->listen_clients[at].host, config->listen_clients[at].port};
	struct api_options options = {
	    .control_path = config->control_path,
	    .listen = addresses,
	    .listen_count = config->listen_client_count,
	    .read_timeout_ms = config->read_timeout_ms,
	    .write_timeout_ms = config->write_timeout_ms,
	    .election_timeout_ms = config->election_timeout_ms,
	    .watch_progress_ms = config->watch_progress_ms,
	    .proposal_bytes_max = config->request_bytes_max,
	    .txn_ops_max = config->txn_ops_max,
	    .value_bytes_max = config->file_bytes_max,
	    .version = ETCFS_VERSION,
	};
	return api_open(&options, node->replica, &node->api);
}

static enum err node_open_fs(const struct config *config, struct node *node)
{
	if (config->mount_point == NULL)
		return ERR_OK;
	struct fs_options options = {
	    .mount_point = config->mount_point,
	    .root_key = config->root_key,
	    .reads = config->reads,
	    .read_timeout_ms = config->read_timeout_ms,
	    .write_timeout_ms = config->write_timeout_ms,
	    .file_bytes_max = config->file_bytes_max,
	    .quota_bytes = config->quota_bytes,
	    .version = ETCFS_VERSION,
	};
	return fs_open(&options, node->replica, &node->fs);
}

enum err node_open(const struct config *config, const struct node_patience *patience, struct node **ret_node)
{
	struct node *node = memory_new(sizeof *node);
	enum err err = config->mount_point != NULL ? fs_mount_point_prepare(config->mount_point) : ERR_OK;
	if (err == ERR_OK)
		err = node_open_replica(config, patience, node);
	if (err == ERR_OK)
		err = node_open_api(config, node);
	if (err == ERR_OK)
		err = node_open_fs(config, node);
	if (err != ERR_OK) {
		node_free(node);
		return err;
	}
	*ret_node = node;
	return ERR_OK;
}

enum err node_start(struct node *node)
{
	enum err err = replica_start(node->replica);
	node->replica_started = err == ERR_OK;
	if (err == ERR_OK) {
		err = api_start(node->api);
		node->api_started = err == ERR_OK;
	}
	if (err == ERR_OK && node->fs != NULL) {
		err = fs_start(node->fs);
		node->fs_started = err == ERR_OK;
	}
	return err;
}

enum err node_verdict(struct node *node)
{
	return replica_verdict(node->replica);
}

bool node_is_unmounted(struct node *node)
{
	return node->fs != NULL && fs_is_gone(node->fs);
}

void node_free(struct node *node)
{
	if (node->fs_started)
		fs_stop(node->fs);
	if (node->api_started)
		api_stop(node->api);
	if (node->replica_started)
		replica_stop(node->replica);
	if (node->fs != NULL)
		fs_close(node->fs);
	if (node->api != NULL)
		api_close(node->api);
	if (node->replica != NULL)
		replica_close(node->replica);
	free(node);
}

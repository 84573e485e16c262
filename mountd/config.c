/* SPDX-License-Identifier: Apache-2.0 */
#include "mountd/config.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/name.h"
#include "base/quantity.h"
#include "mountd/cluster.h"

enum {
	/* etcd's rule: with fewer, one late heartbeat costs an election (thesis §9.2: broadcast time << timeout). */
	CONFIG_HEARTBEATS_MIN = 5,
	CONFIG_ELECTION_MS_MAX = 50 * 1000,
	CONFIG_MEMORY_BYTES_MIN = 8 << 20,
	CONFIG_RETENTION_HOURS_MAX = 24 * 365 * 100,
	CONFIG_WATCH_PROGRESS_MS_MIN = 100,  /* etcd's */
	CONFIG_REQUEST_BYTES_MAX = 10 << 20, /* etcd warns of more; each connection may keep one */
	CONFIG_TXN_OPS_MAX = 4096,           /* KV_TXN_OPS_MAX counts all branches together */
};

#define CONFIG_NAME_DEFAULT "default"

#define TRY(call)                                                                                                      \
	do {                                                                                                           \
		enum err try_err = (call);                                                                             \
		if (try_err != ERR_OK)                                                                                 \
			return try_err;                                                                                \
	} while (0)

/* ---- single values ---- */

static enum err config_ms(struct option_set *set, enum option option, uint64_t *ret_ms, struct problem *problem)
{
	if (quantity_ms(option_text(set, option), ret_ms) == ERR_OK && *ret_ms > 0)
		return ERR_OK;
	return problem_set(problem, "%s: '%s' is not a time: 500ms, 10s or 2m, a day at most",
	                   option_origin(set, option), option_text(set, option));
}

static enum err config_bytes(struct option_set *set, enum option option, uint64_t *ret_bytes, struct problem *problem)
{
	if (quantity_bytes(option_text(set, option), ret_bytes) == ERR_OK)
		return ERR_OK;
	return problem_set(problem, "%s: '%s' is not a size: 4096, 64MiB or 2GiB", option_origin(set, option),
	                   option_text(set, option));
}

/* One of `words`; *ret_at is its position. */
static enum err config_choice(struct option_set *set, enum option option, const char *const *words, size_t *ret_at,
                              struct problem *problem)
{
	const char *text = option_text(set, option), *all = "";
	for (size_t at = 0; words[at] != NULL; at++) {
		if (strcmp(text, words[at]) == 0) {
			*ret_at = at;
			return ERR_OK;
		}
		all = arena_format(&set->arena, "%s%s%s", all, at > 0 ? ", " : "", words[at]);
	}
	return problem_set(problem, "%s: '%s' is none of %s", option_origin(set, option), text, all);
}

/* A node that joins is one of several, which cannot all be called the same. */
static enum err config_default_name(struct option_set *set, struct config *config, struct problem *problem)
{
	char host[HOST_NAME_MAX + 1] = "";
	config->name = CONFIG_NAME_DEFAULT;
	if (!option_is_given(set, OPTION_JOIN))
		return ERR_OK;
	if (gethostname(host, sizeof host) != 0 || !name_is_valid(host))
		return problem_set(problem, "this machine's name, '%.80s', cannot be the node's: give --name", host);
	config->name = arena_dup_string(&set->arena, bytes_of_string(host));
	return ERR_OK;
}

static enum err config_name(struct option_set *set, struct config *config, struct problem *problem)
{
	if (!option_is_given(set, OPTION_NAME))
		return config_default_name(set, config, problem);
	config->name = option_text(set, OPTION_NAME);
	if (name_is_valid(config->name))
		return ERR_OK;
	return problem_set(problem, "%s: '%.80s' cannot be a name: it is 1 to %d of A-Z a-z 0-9 . _ -",
	                   option_origin(set, OPTION_NAME), config->name, NAME_BYTES_MAX);
}

/* ---- groups ---- */

static enum err config_mount(struct option_set *set, struct config *config, struct problem *problem)
{
	static const char *const kinds[] = {"linearizable", "local", NULL};
	size_t kind;
	uint64_t file_bytes;
	TRY(config_choice(set, OPTION_READS, kinds, &kind, problem));
	config->reads = kind == 0 ? FS_READS_LINEARIZABLE : FS_READS_LOCAL;
	TRY(config_ms(set, OPTION_READ_TIMEOUT, &config->read_timeout_ms, problem));
	TRY(config_ms(set, OPTION_WRITE_TIMEOUT, &config->write_timeout_ms, problem));
	TRY(config_bytes(set, OPTION_MAX_FILE_SIZE, &file_bytes, problem));
	if (file_bytes == 0 || file_bytes > LIMIT_VALUE_BYTES)
		return problem_set(problem, "%s: %s is not between 1 and %d MiB",
		                   option_origin(set, OPTION_MAX_FILE_SIZE), option_text(set, OPTION_MAX_FILE_SIZE),
		                   LIMIT_VALUE_BYTES >> 20);
	config->file_bytes_max = (size_t)file_bytes;
	config->mount_point = option_text(set, OPTION_MOUNT);
	if (config->mount_point != NULL && config->mount_point[0] == '\0')
		return problem_set(problem, "%s: the directory has no name", option_origin(set, OPTION_MOUNT));
	config->root_key = option_text(set, OPTION_ROOT_KEY);
	size_t size = strlen(config->root_key);
	bool path = size > 1 && config->root_key[0] == '/' && config->root_key[size - 1] != '/';
	if (size > 0 && (!path || strstr(config->root_key, "//") != NULL || size > LIMIT_KEY_BYTES / 2))
		return problem_set(problem, "%s: '%.80s' is not a key like /site or /site/web",
		                   option_origin(set, OPTION_ROOT_KEY), config->root_key);
	return ERR_OK;
}

static enum err config_node(struct option_set *set, struct config *config, struct problem *problem)
{
	uint64_t memory;
	TRY(config_name(set, config, problem));
	config->data_directory = option_text(set, OPTION_DATA_DIR);
	if (config->data_directory == NULL)
		config->data_directory = arena_format(&set->arena, "%s.etcfs", config->name);
	if (config->data_directory[0] == '\0')
		return problem_set(problem, "%s: the directory has no name", option_origin(set, OPTION_DATA_DIR));
	config->control_path = arena_format(&set->arena, "%s/control.sock", config->data_directory);
	TRY(config_bytes(set, OPTION_QUOTA, &config->quota_bytes, problem));
	TRY(config_bytes(set, OPTION_MEMORY, &memory, problem));
	if (memory < CONFIG_MEMORY_BYTES_MIN || memory > SIZE_MAX / 2)
		return problem_set(problem, "%s: %s is less than %d MiB, or more than there can be",
		                   option_origin(set, OPTION_MEMORY), option_text(set, OPTION_MEMORY),
		                   CONFIG_MEMORY_BYTES_MIN >> 20);
	config->memory_bytes = (size_t)memory;
	return ERR_OK;
}

/* etcd's: hours, if it is a number alone. */
static enum err config_age(struct option_set *set, const char *text, uint64_t *ret_ms, struct problem *problem)
{
	uint64_t hours;
	if (quantity_duration_ms(text, ret_ms) == ERR_OK)
		return ERR_OK;
	if (quantity_count(text, &hours) == ERR_OK && hours <= CONFIG_RETENTION_HOURS_MAX) {
		*ret_ms = hours * 3600 * 1000;
		return ERR_OK;
	}
	return problem_set(problem, "%s: '%s' is not a time: 30m, 72h, or a number of hours",
	                   option_origin(set, OPTION_COMPACTION_RETENTION), text);
}

static enum err config_compaction(struct option_set *set, struct config *config, struct problem *problem)
{
	static const char *const modes[] = {"periodic", "revision", NULL};
	static const char *const fallbacks[] = {"24h", "1000000"};
	size_t mode;
	TRY(config_choice(set, OPTION_COMPACTION_MODE, modes, &mode, problem));
	const char *text = option_text(set, OPTION_COMPACTION_RETENTION);
	if (text == NULL)
		text = fallbacks[mode];
	config->compaction = mode == 0 ? REPLICA_COMPACT_BY_TIME : REPLICA_COMPACT_BY_REVISIONS;
	if (mode == 0)
		TRY(config_age(set, text, &config->compaction_retention, problem));
	else if (quantity_count(text, &config->compaction_retention) != ERR_OK)
		return problem_set(problem, "%s: '%s' is not a number of revisions",
		                   option_origin(set, OPTION_COMPACTION_RETENTION), text);
	if (config->compaction_retention == 0)
		config->compaction = REPLICA_COMPACT_NEVER;
	return ERR_OK;
}

static enum err config_times(struct option_set *set, struct config *config, struct problem *problem)
{
	uint64_t heartbeat_ms, election_ms;
	TRY(config_ms(set, OPTION_HEARTBEAT_INTERVAL, &heartbeat_ms, problem));
	TRY(config_ms(set, OPTION_ELECTION_TIMEOUT, &election_ms, problem));
	if (election_ms > CONFIG_ELECTION_MS_MAX)
		return problem_set(problem, "%s: %s is more than %d s", option_origin(set, OPTION_ELECTION_TIMEOUT),
		                   option_text(set, OPTION_ELECTION_TIMEOUT), CONFIG_ELECTION_MS_MAX / 1000);
	if (election_ms < heartbeat_ms * CONFIG_HEARTBEATS_MIN)
		return problem_set(
		    problem, "%s (%s) must be at least %d times %s (%s)", option_origin(set, OPTION_ELECTION_TIMEOUT),
		    option_text(set, OPTION_ELECTION_TIMEOUT), CONFIG_HEARTBEATS_MIN,
		    option_origin(set, OPTION_HEARTBEAT_INTERVAL), option_text(set, OPTION_HEARTBEAT_INTERVAL));
	if (quantity_count(option_text(set, OPTION_SNAPSHOT_COUNT), &config->snapshot_count) != ERR_OK)
		return problem_set(problem, "%s: '%s' is not a number", option_origin(set, OPTION_SNAPSHOT_COUNT),
		                   option_text(set, OPTION_SNAPSHOT_COUNT));
	config->heartbeat_interval_ms = (uint32_t)heartbeat_ms;
	config->election_timeout_ms = (uint32_t)election_ms;
	return ERR_OK;
}

static enum err config_requests(struct option_set *set, struct config *config, struct problem *problem)
{
	uint64_t bytes, ops;
	TRY(config_bytes(set, OPTION_REQUEST_BYTES, &bytes, problem));
	if (bytes == 0 || bytes > CONFIG_REQUEST_BYTES_MAX)
		return problem_set(problem, "%s: %s is not between 1 and %d MiB",
		                   option_origin(set, OPTION_REQUEST_BYTES), option_text(set, OPTION_REQUEST_BYTES),
		                   CONFIG_REQUEST_BYTES_MAX >> 20);
	if (quantity_count(option_text(set, OPTION_TXN_OPS), &ops) != ERR_OK || ops == 0 || ops > CONFIG_TXN_OPS_MAX)
		return problem_set(problem, "%s: '%s' is not a number between 1 and %d",
		                   option_origin(set, OPTION_TXN_OPS), option_text(set, OPTION_TXN_OPS),
		                   CONFIG_TXN_OPS_MAX);
	config->request_bytes_max = (size_t)bytes;
	config->txn_ops_max = (size_t)ops;
	return ERR_OK;
}

static enum err config_watches(struct option_set *set, struct config *config, struct problem *problem)
{
	TRY(config_ms(set, OPTION_WATCH_PROGRESS, &config->watch_progress_ms, problem));
	if (config->watch_progress_ms < CONFIG_WATCH_PROGRESS_MS_MIN)
		return problem_set(problem, "%s: %s is less than %d ms", option_origin(set, OPTION_WATCH_PROGRESS),
		                   option_text(set, OPTION_WATCH_PROGRESS), CONFIG_WATCH_PROGRESS_MS_MIN);
	return ERR_OK;
}

static enum err config_clients(struct option_set *set, struct config *config, struct problem *problem)
{
	const char *origin = option_origin(set, OPTION_LISTEN_CLIENT_URLS), *advertise = "";
	struct cluster_words words = cluster_split(option_text(set, OPTION_LISTEN_CLIENT_URLS), &set->arena);
	if (words.count > CONFIG_CLIENT_URLS_MAX)
		return problem_set(problem, "%s: more than %d URLs", origin, CONFIG_CLIENT_URLS_MAX);
	for (size_t at = 0; at < words.count; at++) {
		struct url *url = &config->listen_clients[at];
		TRY(url_parse(words.words[at], origin, &set->arena, url, problem));
		if (url->tls)
			return problem_set(problem, "%s: %s: TLS is not supported yet", origin, words.words[at]);
		advertise = arena_format(&set->arena, "%s%s%s", advertise, at > 0 ? "," : "",
		                         url_format(url, "http", &set->arena));
	}
	config->listen_client_count = words.count;
	config->advertise_client_urls = advertise;
	if (!option_is_given(set, OPTION_ADVERTISE_CLIENT_URLS))
		return ERR_OK;
	config->advertise_client_urls = option_text(set, OPTION_ADVERTISE_CLIENT_URLS);
	words = cluster_split(config->advertise_client_urls, &set->arena);
	for (size_t at = 0; at < words.count; at++) {
		struct url url;
		TRY(url_parse(words.words[at], option_origin(set, OPTION_ADVERTISE_CLIENT_URLS), &set->arena, &url,
		              problem));
	}
	return ERR_OK;
}

enum err config_make(struct option_set *set, struct config *ret_config, struct problem *ret_problem)
{
	static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
	struct config config = {0};
	size_t level;
	TRY(config_choice(set, OPTION_LOG_LEVEL, levels, &level, ret_problem));
	config.log_level = (enum log_level)level; /* in the same order */
	TRY(config_mount(set, &config, ret_problem));
	TRY(config_node(set, &config, ret_problem));
	TRY(config_compaction(set, &config, ret_problem));
	TRY(config_times(set, &config, ret_problem));
	TRY(cluster_make(set, &config, ret_problem));
	TRY(config_clients(set, &config, ret_problem));
	TRY(config_watches(set, &config, ret_problem));
	TRY(config_requests(set, &config, ret_problem));
	*ret_config = config;
	return ERR_OK;
}

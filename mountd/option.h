/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of etcfsd as text: one table drives the command line, the environment, the file and the help.
 *
 * A flag wins over the environment, the environment over the file, the file over the default. What the texts mean is
 * decided in mountd/config.h.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/problem.h"

enum option {
	OPTION_MOUNT,
	OPTION_ROOT_KEY,
	OPTION_READS,
	OPTION_READ_TIMEOUT,
	OPTION_WRITE_TIMEOUT,
	OPTION_MAX_FILE_SIZE,
	OPTION_NAME,
	OPTION_DATA_DIR,
	OPTION_QUOTA,
	OPTION_MEMORY,
	OPTION_COMPACTION_MODE,
	OPTION_COMPACTION_RETENTION,
	OPTION_JOIN,
	OPTION_REPLACE,
	OPTION_VOTERS,
	OPTION_INITIAL_CLUSTER,
	OPTION_INITIAL_CLUSTER_STATE,
	OPTION_INITIAL_CLUSTER_TOKEN,
	OPTION_LISTEN_PEER_URLS,
	OPTION_ADVERTISE_PEER_URLS,
	OPTION_ALLOW_PLAIN_PEERS,
	OPTION_HEARTBEAT_INTERVAL,
	OPTION_ELECTION_TIMEOUT,
	OPTION_SNAPSHOT_COUNT,
	OPTION_LISTEN_CLIENT_URLS,
	OPTION_ADVERTISE_CLIENT_URLS,
	OPTION_WATCH_PROGRESS,
	OPTION_REQUEST_BYTES,
	OPTION_TXN_OPS,
	OPTION_CONFIG_FILE,
	OPTION_LOG_LEVEL,
	OPTION_VERSION,
	OPTION_HELP,
	OPTION_COUNT,
};

enum option_source { OPTION_FROM_DEFAULT, OPTION_FROM_FILE, OPTION_FROM_ENVIRONMENT, OPTION_FROM_FLAG };

struct option_value {
	const char *text; /* NULL: not given, and no default; a switch: "true" or "false" */
	enum option_source source;
};

struct option_set {
	struct option_value values[OPTION_COUNT];
	struct arena arena;
};

void option_set_init(struct option_set *set);
void option_set_fini(struct option_set *set);

/* `environment` as in environ(7). The file is read when --config-file or ETCFS_CONFIG_FILE names one. --help and --version
 * stop the reading: what is wrong elsewhere does not matter then. ERR_INVALID with the problem. */
enum err option_set_read(struct option_set *set, int argc, const char *const *argv, const char *const *environment,
                         struct problem *ret_problem) MUST_USE;

const char *option_text(const struct option_set *set, enum option option); /* or NULL */
bool option_is_given(const struct option_set *set, enum option option);
bool option_is_true(const struct option_set *set, enum option option);
/* "--name", or "ETCFS_NAME", or "name in FILE": where the value came from, for messages. Lives in the set. */
const char *option_origin(struct option_set *set, enum option option);
/* "--name". Static. */
const char *option_flag(enum option option);

void option_print_help(FILE *file);

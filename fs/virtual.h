/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of `.etcfs/` at the root of the mount: what they are called, and what is in them now. Each is made when it is opened, from what this
 * node knows: none of them waits for a quorum.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "fs/replay.h"
#include "replica/replica.h"

#define VIRTUAL_DIRECTORY ".etcfs"
#define VIRTUAL_AT "at" /* the directory of the history in it: op_history.c */

enum virtual_file {
	VIRTUAL_NONE,
	VIRTUAL_STATUS,
	VIRTUAL_MEMBERS,
	VIRTUAL_LEADER,
	VIRTUAL_REVISION,
	VIRTUAL_HEALTH,
	VIRTUAL_METRICS,
	VIRTUAL_LOG,
	VIRTUAL_FILES, /* their number + 1 */
};

/* VIRTUAL_NONE when there is no such file. */
enum virtual_file virtual_find(struct bytes name);
const char *virtual_name(enum virtual_file file);
struct virtual_sources {
	struct replica *replica;
	struct replay_counts replay;
};
/* The content, in the arena. ON_ANY_THREAD, never blocks on others. */
struct bytes virtual_render(enum virtual_file file, const struct virtual_sources *sources, struct arena *arena);

/* SPDX-License-Identifier: Apache-2.0 */
/* A subtree of the cluster at a point of the history, as the node gives it. */
#pragma once

#include "api/control.h"
#include "cli/command.h"

struct tree_listing {
	int64_t revision;                    /* that was meant */
	Etcfs__Control__TreeEntry **entries; /* in the order of their keys */
	size_t count;
};
/* when: NULL, now. All pages, at one revision; in the arena. */
enum cli_exit tree_list(const struct invocation *invocation, const char *path, const char *when, struct arena *arena,
                        struct tree_listing *ret_listing) MUST_USE;
/* A content, in the arena. */
enum cli_exit tree_content(const struct invocation *invocation, ProtobufCBinaryData key, int64_t revision,
                           struct arena *arena, struct bytes *ret_content) MUST_USE;

/* SPDX-License-Identifier: Apache-2.0 */
/* Counts rare paths that a core says nothing of, or not enough: see coverage.h. It looks into the core, and changes nothing. */
#pragma once

#include "tests/sim/node.h"

void observe_line(const struct node *node, const char *line); /* in the midst of a step */
/* After a step; the node has not acted on messages, reads and snapshots yet. */
void observe_step(const struct node *node, const struct raft_event *event, const struct raft_update *update);

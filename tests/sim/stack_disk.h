/* SPDX-License-Identifier: Apache-2.0 */
/* The disk of a node's Raft log: the memory disk, whose syncs take virtual time, so that a crash finds writes under way. */
#pragma once

#include "store/raftlog_io.h"

const struct raftlog_io *disk_io(unsigned node);

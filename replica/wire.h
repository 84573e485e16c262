/* SPDX-License-Identifier: Apache-2.0 */
/* struct raft_message and its form on the wire. Pure. */
#pragma once

#include "base/arena.h"
#include "raft/raft.h"
#include "replica/entry.h"
#include "replica/frame.h"
#include "store/raftlog.h"

/* `entries`: the message->count ones that it names. All lives in the arena, or is borrowed from the arguments. */
Peer__Raft *wire_from_message(const struct raft_message *message, const struct entry *entries, struct arena *arena);
/* *ret_message borrows from `raft` and the arena. ERR_PROTOCOL: no message of the core. */
enum err wire_to_message(const Peer__Raft *raft, uint64_t from, uint64_t to, struct arena *arena,
                         struct raft_message *ret_message) MUST_USE;

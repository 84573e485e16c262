/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the data directory: identity, log and store, and what of them the core starts from.
 *
 *     DATA/lock       held by the running process, which writes its pid into it
 *     DATA/identity   whose directory it is; see replica/identity.h
 *     DATA/joining    the claim of one that asks to join, until it has an identity; see replica/join.h
 *     DATA/peers      which directories the others have; see replica/roll.h
 *     DATA/log/       the Raft log, term and vote
 *     DATA/store/     the applied state
 *     DATA/installing where a snapshot that is being installed stands in the log
 *     DATA/snapshots/ snapshots being sent and fetched; removed at the start
 */
#pragma once

#include "replica/node.h"

/* Fills lock, identity, log and store of a replica whose options are set. What was opened before a failure is left for
 * recovery_close(). */
enum err recovery_open(struct replica *replica, struct raftlog_state *ret_state) MUST_USE;
void recovery_close(struct replica *replica);

/* What raft_new() starts from; all lives in the arena. */
enum err recovery_start(struct replica *replica, const struct raftlog_state *state, struct arena *arena,
                        struct raft_start *ret_start) MUST_USE;

/* Before a snapshot at (index, term) is installed: with this note a start can tell an installation that a crash cut off
 * before the log was emptied from a log that lost entries. */
enum err recovery_note_install(struct replica *replica, uint64_t index, uint64_t term) MUST_USE;
enum err recovery_forget_install(struct replica *replica) MUST_USE; /* the log is emptied */

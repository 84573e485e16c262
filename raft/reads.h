/* SPDX-License-Identifier: Apache-2.0 */
/* Reads that wait: on a leader for a round (thesis §6.4), on a follower for its leader's answer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* More are refused; the driver lets many readers share one. */
	RAFT_READS_MAX = 4096,
	/* Rounds that reads may begin before the first of them is confirmed; later ones share the next. */
	RAFT_READ_ROUNDS_MAX = 8,
};

struct raft_waiting_read {
	uint64_t read_id;            /* of the driver, or of the member that asks */
	uint64_t from;               /* the member that asks; 0: this one */
	uint64_t index;              /* leader: the answer once it is confirmed */
	uint64_t round;              /* leader: confirmed by this round; 0: none begun for it yet */
	uint64_t wire_id;            /* follower: what the leader is asked with */
	uint64_t until_ms, again_ms; /* follower: given up, asked once more */
};

struct raft_reads {
	struct raft_waiting_read *items;
	size_t count, capacity;
	uint64_t next_wire_id; /* begins at random, so that answers from before a restart match nothing */
};

void raft_reads_init(struct raft_reads *reads, uint64_t first_wire_id);
void raft_reads_fini(struct raft_reads *reads);
/* False: there are too many. */
bool raft_reads_add(struct raft_reads *reads, struct raft_waiting_read read);
struct raft_waiting_read raft_reads_take(struct raft_reads *reads, size_t nth);

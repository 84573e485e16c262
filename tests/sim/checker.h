/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold in the whole cluster, whatever happens to it. Each rule ends the run with the seed that breaks it.
 *
 *  1. One leader per term, ever.
 *  2. One vote per node and term, ever, on its disk.
 *  3. The same index and term means the same log up to there, on any node (log matching).
 *  4. What one node calls committed, every node that commits that index calls committed; and a quorum has it on disk.
 *  5. A new leader has all that is committed (leader completeness).
 *  6. A node's commit index grows while it lives; what it applies is what is committed, one by one.
 *  7. A message says nothing that its sender's disk does not hold: term, vote, acknowledged entries; a heartbeat commits
 *     nothing beyond what its receiver acknowledged.
 *  8. The configuration in force is the last one in the log; at most one is uncommitted on a leader.
 *  9. A read's index is no less than any commit index that was known anywhere when it began.
 * 10. A leader's match of a member is on that member's disk, while both are of that term.
 */
#pragma once

#include "tests/sim/node.h"

enum { CHECKER_NODES_MAX = 9, CHECKER_TERMS_MAX = 1 << 16, CHECKER_READS_MAX = 1 << 16 };

struct checker_entry { /* one known (term, chain) at an index */
	uint64_t term, chain;
};

struct checker_index {
	struct checker_entry *known;
	size_t count;
	uint64_t term, chain;     /* committed; term 0: not yet */
	uint64_t by_term;         /* the term in which it was committed */
	struct node_entry config; /* in force there, once committed */
};

struct checker_read {
	uint64_t floor;
	bool done;
};

struct checker {
	struct node *nodes; /* by id, 1 … */
	size_t node_count;
	uint64_t leaders[CHECKER_TERMS_MAX];
	uint64_t votes[CHECKER_NODES_MAX + 1][CHECKER_TERMS_MAX];
	uint64_t commits[CHECKER_NODES_MAX + 1]; /* of this life */
	enum raft_role roles[CHECKER_NODES_MAX + 1];
	struct checker_index *indexes;
	size_t index_capacity;
	uint64_t committed;         /* the greatest */
	struct checker_read *reads; /* by id - 1 */
	size_t read_count;
	uint64_t trace_hash;
	uint64_t elections, read_oks;
};

extern uint64_t checker_seed; /* of the run under way, for the message of a failure */
/* Ends the process with the line that reruns this seed. */
_Noreturn void checker_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct checker *checker_new(struct node *nodes, size_t node_count);
void checker_free(struct checker *checker);
void checker_restarted(struct checker *checker, const struct node *node);
void checker_updated(struct checker *checker, struct node *node, const struct raft_update *update);
void checker_wrote(struct checker *checker, struct node *node, const struct node_write *write);
void checker_disk_changed(struct checker *checker, struct node *node);
void checker_applied(struct checker *checker, struct node *node, uint64_t index, const struct node_entry *entry);
void checker_sent(struct checker *checker, struct node *node, const struct raft_message *message);
/* Ids are given from 1 in order. */
uint64_t checker_read_begins(struct checker *checker);
void checker_read_ends(struct checker *checker, const struct raft_read *read);
void checker_hash(struct checker *checker, uint64_t number);
void checker_hash_line(struct checker *checker, const char *line);
/* The state after a committed index. */
struct node_state checker_state(const struct checker *checker, uint64_t index);

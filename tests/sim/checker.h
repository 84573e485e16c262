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
 *  8. The configuration in force is the last one in the log; at most one is uncommitted on a leader, and it proposes none
 *     before it has committed an entry of its term.
 *  9. A read's index is no less than any commit index that was known anywhere when it began.
 * 10. A leader's match of a member is on that member's disk, while both are of that term; and it grows, but when the
 *     member itself says that it is damaged or lacks the entry.
 * 11. Only a voter campaigns: of the latest configuration, or of the one before while that is not known to be committed.
 * 12. Whatever a member says in a higher term than the receiver's, the receiver adopts the term; a pre-vote, and an answer of
 *     who is no member, change nothing.
 * 13. Who is told to campaign has the leader's whole log on disk.
 * 14. Nobody leads whom a committed configuration has left without a vote, or after it looked at a clock that shows no answer
 *     of a quorum within an election timeout.
 * 15. Who has lost its log is whole again only when it has all that was committed and on its disk.
 * 16. A leader has committed all that it may: what a quorum has, and is of its term.
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
	uint64_t floor, node;
	bool done; /* or its node has crashed */
};

struct checker {
	struct node *nodes; /* by id, 1 … */
	size_t node_count;
	uint64_t leaders[CHECKER_TERMS_MAX];
	uint64_t votes[CHECKER_NODES_MAX + 1][CHECKER_TERMS_MAX];
	uint64_t commits[CHECKER_NODES_MAX + 1]; /* of this life */
	uint64_t terms[CHECKER_NODES_MAX + 1];
	uint64_t lost[CHECKER_NODES_MAX + 1];                           /* up to which committed index, by damage */
	uint64_t matches[CHECKER_NODES_MAX + 1][CHECKER_NODES_MAX + 1]; /* [leader][member], of its term */
	enum raft_role roles[CHECKER_NODES_MAX + 1];
	struct checker_index *indexes;
	size_t index_capacity;
	uint64_t committed;         /* the greatest */
	struct checker_read *reads; /* by id - 1 */
	size_t read_count;
	uint64_t trace_hash;
	uint64_t elections, read_oks;
};

struct checker *checker_new(struct node *nodes, size_t node_count);
void checker_free(struct checker *checker);
void checker_crashed(struct checker *checker, uint64_t node);
void checker_restarted(struct checker *checker, const struct node *node);
void checker_updated(struct checker *checker, struct node *node, const struct raft_event *event,
                     const struct raft_update *update);
void checker_damaged(struct checker *checker, const struct node *node); /* before its log is lost */
void checker_repaired(const struct checker *checker, const struct node *node);
/* Rules 10, 13, 14 and 16, of a leader after a step (checker_leader.c). */
void checker_leader_stepped(struct checker *checker, struct node *leader, const struct raft_event *event,
                            const struct raft_update *update);
void checker_leader_elected(struct checker *checker, const struct node *leader);
void checker_leader_hands_over(const struct checker *checker, const struct node *leader, uint64_t to);
void checker_wrote(struct checker *checker, struct node *node, const struct node_write *write);
void checker_disk_changed(struct checker *checker, struct node *node);
void checker_applied(struct checker *checker, struct node *node, uint64_t index, const struct node_entry *entry);
void checker_sent(struct checker *checker, struct node *node, const struct raft_message *message);
/* Ids are given from 1 in order. */
uint64_t checker_read_begins(struct checker *checker, uint64_t node);
void checker_read_ends(struct checker *checker, const struct raft_read *read);
void checker_hash(struct checker *checker, uint64_t number);
void checker_hash_line(struct checker *checker, const char *line);
/* The state after a committed index. */
struct node_state checker_state(const struct checker *checker, uint64_t index);

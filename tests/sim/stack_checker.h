/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of cores and logs, whatever happens to the nodes; it looks on at every step of every core and every write of
 * every log (the linker puts it between: stack_wraps in sources.mk). Each rule ends the run with the seed that breaks it.
 *
 *  1. One leader per term, ever.
 *  2. One vote per node and term, ever, on its disk.
 *  3. The same index and term means the same entry and the same one before it, on any node (log matching).
 *  4. What one node calls committed, every node that commits that index calls committed; and a quorum has it on disk.
 *  5. A new leader has all that was committed in terms before its own (leader completeness).
 *  6. A node's commit index grows while it lives, and it applies what is committed, one by one (state machine safety).
 *  7. A frame says nothing that its sender's disk does not hold: term, vote, acknowledged entries; a heartbeat commits nothing
 *     beyond what its receiver acknowledged.
 *  8. The configuration in force is the last one in the log; a leader has at most one that is not committed.
 *  9. After a start the log has all that was durable before, and the term and vote; unless it says that it is damaged.
 * 10. A leader's match of a member is on that member's disk, while both are of that term.
 * 11. The same applied index means the same checksum of the state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

void checker_begin(void);
void checker_end(void);

void checker_crashed(unsigned node);
/* A bit of its durable log was flipped; it counts as having all that it had until it is repaired. */
void checker_flipped(unsigned node);
/* True: it is a message of the core. */
bool checker_sent(unsigned from, struct bytes frame);

/* ---- what is known ---- */
uint64_t checker_committed(void); /* the greatest index that was */
unsigned checker_leader(void);    /* of the highest term, among those that are up; 0: none */
uint64_t checker_commit_of(unsigned node);
bool checker_is_damaged(unsigned node);  /* or will be found so */
bool checker_is_voter(unsigned node);    /* in the newest committed configuration */
bool checker_is_member(unsigned node);   /* in it */
size_t checker_member_count(void);       /* in it; 0: nobody leads */
bool checker_was_removed(unsigned node); /* it was a member, and is not in a committed one any more */
size_t checker_voters(void);             /* in it; the smaller half of a joint one */
bool checker_is_joint(void);

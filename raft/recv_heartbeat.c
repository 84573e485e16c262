/* SPDX-License-Identifier: Apache-2.0 */
/* HEARTBEAT at a follower. */
#include "raft/core.h"

#include "base/check.h"

void raft_recv_heartbeat(struct raft *raft, const struct raft_message *message)
{
	if (!raft_follow(raft, message))
		return;
	if (raft->damaged) {
		raft_repair_request(raft, message->from);
		return;
	}
	/* The leader says no more than what this node has acknowledged to it, so it is here. */
	if (raft->fetch.from == 0 && message->commit <= raft_last(raft))
		raft_commit_to(raft, message->commit);
	raft_send(raft,
	          (struct raft_message){.type = RAFT_HEARTBEAT_REPLY, .to = message->from, .round = message->round});
}

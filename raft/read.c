/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linearizable reads without the log: thesis §6.4. At the leader a read is confirmed by a round that begins after the read came
 * in, or at once by the lease; a follower asks its leader. Whatever ends the role or the term fails the reads that wait.
 */
#include "raft/core.h"

#include "base/check.h"

static void raft_read_answer(struct raft *raft, const struct raft_waiting_read *read, enum err err)
{
	if (read->from == 0) {
		raft_resolve(raft, read->read_id, err, err == ERR_OK ? read->index : 0);
		return;
	}
	raft_send(raft, (struct raft_message){.type = RAFT_READ_REPLY,
	                                      .to = read->from,
	                                      .read_id = read->read_id,
	                                      .reject = err != ERR_OK,
	                                      .index = err == ERR_OK ? read->index : 0});
}

void raft_reads_fail(struct raft *raft)
{
	for (size_t i = 0; i < raft->reads.count; i++)
		raft_read_answer(raft, &raft->reads.items[i], ERR_NO_LEADER);
	raft->reads.count = 0;
}

bool raft_lease_is_valid(const struct raft *raft)
{
	return raft->options.leases && raft_leader_is_settled(raft) && raft->now_ms < raft->lease.until_ms;
}

/* Before the first commit of the term, what is committed is not known: the read waits for the no-op (thesis §6.4 step 1). */
static void raft_read_lead(struct raft *raft, uint64_t read_id, uint64_t from)
{
	struct raft_waiting_read read = {.read_id = read_id, .from = from, .index = raft->commit};
	if (read.index < raft->term_start && !RAFT_HAS_BUG(READ_UNSETTLED))
		read.index = raft->term_start;
	if (RAFT_HAS_BUG(READ_OLD_ROUND))
		read.round = raft->lease.round;
	if (raft_lease_is_valid(raft))
		raft_read_answer(raft, &read, ERR_OK);
	else if (!raft_reads_add(&raft->reads, read))
		raft_read_answer(raft, &read, ERR_BUSY);
}

static void raft_read_ask(struct raft *raft, struct raft_waiting_read *read)
{
	read->again_ms = raft->now_ms + raft->options.heartbeat_interval_ms;
	raft_send(raft, (struct raft_message){.type = RAFT_READ, .to = raft->leader, .read_id = read->wire_id});
}

void raft_on_read(struct raft *raft, uint64_t read_id)
{
	if (raft->role == RAFT_LEADER) {
		raft_read_lead(raft, read_id, 0);
		return;
	}
	struct raft_waiting_read read = {.read_id = read_id,
	                                 .until_ms = raft->now_ms + raft->options.election_timeout_ms};
	if (raft->leader == 0) {
		raft_resolve(raft, read_id, ERR_NO_LEADER, 0);
		return;
	}
	read.wire_id = raft->reads.next_wire_id++;
	if (!raft_reads_add(&raft->reads, read)) {
		raft_resolve(raft, read_id, ERR_BUSY, 0);
		return;
	}
	raft_read_ask(raft, &raft->reads.items[raft->reads.count - 1]);
}

void raft_recv_read(struct raft *raft, const struct raft_message *message)
{
	if (raft->role == RAFT_LEADER && message->term == raft->term) {
		raft_read_lead(raft, message->read_id, message->from);
		return;
	}
	raft_send(raft, (struct raft_message){
	                    .type = RAFT_READ_REPLY, .to = message->from, .read_id = message->read_id, .reject = true});
}

void raft_recv_read_reply(struct raft *raft, const struct raft_message *message)
{
	if (raft->role != RAFT_FOLLOWER || message->term != raft->term || message->from != raft->leader)
		return;
	for (size_t i = 0; i < raft->reads.count; i++) {
		if (raft->reads.items[i].wire_id != message->read_id)
			continue;
		struct raft_waiting_read read = raft_reads_take(&raft->reads, i);
		read.index = message->index;
		raft_read_answer(raft, &read, message->reject ? ERR_NO_LEADER : ERR_OK);
		return;
	}
}

/* Reads that came in one step, or while enough rounds are under way, share the next one. */
static void raft_reads_begin_rounds(struct raft *raft)
{
	bool waiting = false;
	for (size_t i = 0; i < raft->reads.count; i++)
		waiting = waiting || raft->reads.items[i].round == 0;
	if (!waiting || raft->lease.round - raft_round_acked(raft) >= RAFT_READ_ROUNDS_MAX)
		return;
	raft_round_begin(raft);
	for (size_t i = 0; i < raft->reads.count; i++)
		if (raft->reads.items[i].round == 0)
			raft->reads.items[i].round = raft->lease.round;
}

void raft_reads_confirm(struct raft *raft)
{
	check(raft->role == RAFT_LEADER);
	raft_reads_begin_rounds(raft);
	uint64_t acked = raft_round_acked(raft);
	size_t kept = 0;
	for (size_t i = 0; i < raft->reads.count; i++) {
		struct raft_waiting_read *read = &raft->reads.items[i];
		if (read->round != 0 && read->round <= acked && read->index <= raft->commit)
			raft_read_answer(raft, read, ERR_OK);
		else
			raft->reads.items[kept++] = *read;
	}
	raft->reads.count = kept;
	raft_lease_renew(&raft->lease, acked, raft->options.election_timeout_ms);
	if (RAFT_HAS_BUG(LEASE_FROM_ACK) && raft->lease.until_ms != 0 && acked != 0)
		raft->lease.until_ms = raft->now_ms + raft->options.election_timeout_ms * RAFT_LEASE_PERCENT / 100;
}

/* A follower's: lost messages are sent again, and in the end the driver is told to ask again. */
void raft_reads_tick(struct raft *raft)
{
	size_t kept = 0;
	check(raft->role != RAFT_LEADER);
	for (size_t i = 0; i < raft->reads.count; i++) {
		struct raft_waiting_read *read = &raft->reads.items[i];
		if (raft->now_ms >= read->until_ms) {
			raft_read_answer(raft, read, ERR_NO_LEADER);
			continue;
		}
		if (raft->now_ms >= read->again_ms)
			raft_read_ask(raft, read);
		raft->reads.items[kept++] = *read;
	}
	raft->reads.count = kept;
}

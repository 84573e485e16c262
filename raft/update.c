/* SPDX-License-Identifier: Apache-2.0 */
/* What a step asks of the driver. */
#include "raft/core.h"

#include "base/check.h"
#include "base/memory.h"

void raft_update_begin(struct raft *raft, const struct raft_event *event)
{
	check(event->now_ms >= raft->now_ms);
	raft->now_ms = event->now_ms;
	raft->update = (struct raft_update){0};
	raft->outbox.count = 0;
	raft->resolved_count = 0;
	raft->term_changed = raft->round_begun = false;
	raft->generation = raft->history.generation;
	arena_reset(&raft->arena);
}

static void raft_outbox_add(struct raft *raft, struct raft_message message)
{
	struct raft_outbox *outbox = &raft->outbox;
	check(message.to != 0 && message.to != raft->options.id);
	message.from = raft->options.id;
	if (message.term == 0)
		message.term = raft->term;
	if (outbox->count == outbox->capacity) {
		outbox->capacity = outbox->capacity != 0 ? outbox->capacity * 2 : 16;
		outbox->items = memory_resize(outbox->items, outbox->capacity, sizeof *outbox->items);
	}
	outbox->items[outbox->count++] = message;
}

void raft_send(struct raft *raft, struct raft_message message)
{
	message.after_write = RAFT_WAIT_TERM;
	raft_outbox_add(raft, message);
}

void raft_send_after_entry(struct raft *raft, struct raft_message message)
{
	message.after_write = RAFT_HAS_BUG(ACK_BEFORE_DURABLE) ? RAFT_WAIT_TERM : RAFT_WAIT_ENTRY;
	raft_outbox_add(raft, message);
}

void raft_resolve(struct raft *raft, uint64_t read_id, enum err err, uint64_t index)
{
	if (raft->resolved_count == raft->resolved_capacity) {
		raft->resolved_capacity = raft->resolved_capacity != 0 ? raft->resolved_capacity * 2 : 16;
		raft->resolved = memory_resize(raft->resolved, raft->resolved_capacity, sizeof *raft->resolved);
	}
	raft->resolved[raft->resolved_count++] = (struct raft_read){.read_id = read_id, .err = err, .index = index};
}

static void raft_update_write(struct raft *raft)
{
	struct raft_update *update = &raft->update;
	if (!raft->term_changed && update->append_count == 0 && update->truncate_from == 0)
		return;
	update->write_id = raft_writes_begin(&raft->writes, raft_last(raft));
	if (raft->term_changed)
		raft->writes.term_write = update->write_id;
}

/* Writes complete in order, so the later of two writes stands for both. */
static void raft_update_messages(struct raft *raft)
{
	for (size_t i = 0; i < raft->outbox.count; i++) {
		struct raft_message *message = &raft->outbox.items[i];
		uint64_t term = raft_writes_term_is_durable(&raft->writes) ? 0 : raft->writes.term_write;
		uint64_t entry =
		    message->after_write == RAFT_WAIT_ENTRY ? raft_writes_covering(&raft->writes, message->index) : 0;
		message->after_write = entry > term ? entry : term;
		if (RAFT_HAS_BUG(VOTE_NOT_DURABLE) && message->type == RAFT_VOTE_REPLY)
			message->after_write = 0;
	}
	raft->update.messages = raft->outbox.items;
	raft->update.message_count = raft->outbox.count;
}

static uint64_t raft_update_wake_ms(const struct raft *raft)
{
	return raft->role == RAFT_LEADER ? raft_leader_wake_ms(raft) : raft_election_wake_ms(raft);
}

void raft_update_finish(struct raft *raft)
{
	struct raft_update *update = &raft->update;
	raft_update_write(raft);
	raft_update_messages(raft);
	update->term = raft->term;
	update->vote = raft->vote;
	update->commit = raft->commit;
	update->apply_to = raft->commit < raft->writes.durable ? raft->commit : raft->writes.durable;
	update->reads = raft->resolved;
	update->read_count = raft->resolved_count;
	update->role = raft->role;
	update->leader = raft->leader;
	bool settled = raft_leader_is_settled(raft) || RAFT_HAS_BUG(LEASE_UNSETTLED);
	update->lease_until_ms = raft->options.leases && settled ? raft->lease.until_ms : 0;
	update->config_changed = raft->history.generation != raft->generation;
	update->removed = raft->removed;
	update->damaged = raft->damaged;
	update->wake_at_ms = raft_update_wake_ms(raft);
}

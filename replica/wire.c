/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/wire.h"

#include "base/proto.h"

static Peer__Entry **wire_entries(const struct entry *entries, size_t count, struct arena *arena)
{
	Peer__Entry **wired = arena_take(arena, count * sizeof *wired);
	Peer__Entry *room = arena_take(arena, count * sizeof *room);
	for (size_t i = 0; i < count; i++) {
		wired[i] = &room[i];
		peer__entry__init(wired[i]);
		wired[i]->term = entries[i].term;
		wired[i]->kind = entries[i].kind;
		wired[i]->time_ns = entries[i].time_ns;
		wired[i]->payload = proto_data(entry_payload(&entries[i]));
	}
	return wired;
}

Peer__Raft *wire_from_message(const struct raft_message *message, const struct entry *entries, struct arena *arena)
{
	Peer__Raft *raft = arena_take(arena, sizeof *raft);
	peer__raft__init(raft);
	raft->type = message->type;
	raft->term = message->term;
	raft->index = message->index;
	raft->index_term = message->index_term;
	raft->commit = message->commit;
	raft->reject = message->reject;
	raft->hint = message->hint;
	raft->hint_term = message->hint_term;
	raft->transfer = message->transfer;
	raft->round = message->round;
	raft->read_id = message->read_id;
	raft->config = proto_data(message->config_payload);
	raft->n_entries = message->count;
	raft->entries = message->count != 0 ? wire_entries(entries, message->count, arena) : NULL;
	return raft;
}

static bool wire_kind_is_known(uint32_t kind)
{
	return kind == RAFT_ENTRY_NOOP || kind == RAFT_ENTRY_COMMAND || kind == RAFT_ENTRY_CONFIG;
}

static enum err wire_to_entries(const Peer__Raft *raft, struct arena *arena, struct raft_message *message)
{
	struct raft_entry *entries = arena_zero(arena, raft->n_entries, sizeof *entries);
	for (size_t i = 0; i < raft->n_entries; i++) {
		const Peer__Entry *entry = raft->entries[i];
		if (!wire_kind_is_known(entry->kind) || entry->payload.len > LIMIT_ENTRY_BYTES)
			return ERR_PROTOCOL;
		entries[i].term = entry->term;
		entries[i].kind = (enum raft_entry_kind)entry->kind;
		entries[i].size_bytes = (uint32_t)entry->payload.len;
		if (entry->kind == RAFT_ENTRY_CONFIG)
			entries[i].config_payload = proto_bytes(entry->payload);
	}
	message->entries = entries;
	message->count = raft->n_entries;
	return ERR_OK;
}

enum err wire_to_message(const Peer__Raft *raft, uint64_t from, uint64_t to, struct arena *arena,
                         struct raft_message *ret_message)
{
	if (raft->type < RAFT_PRE_VOTE || raft->type > RAFT_REPAIR)
		return ERR_PROTOCOL;
	struct raft_message message = {
	    .type = (enum raft_message_type)raft->type,
	    .from = from,
	    .to = to,
	    .term = raft->term,
	    .index = raft->index,
	    .index_term = raft->index_term,
	    .commit = raft->commit,
	    .reject = raft->reject,
	    .hint = raft->hint,
	    .hint_term = raft->hint_term,
	    .transfer = raft->transfer,
	    .round = raft->round,
	    .read_id = raft->read_id,
	    .config_payload = proto_bytes(raft->config),
	};
	if (raft->n_entries != 0) {
		enum err err = wire_to_entries(raft, arena, &message);
		if (err != ERR_OK)
			return err;
	}
	*ret_message = message;
	return ERR_OK;
}

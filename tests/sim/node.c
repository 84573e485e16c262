/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/node.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

/* ---- logs ---- */

static uint64_t node_chain(uint64_t hash, uint64_t index, const struct node_entry *entry)
{
	hash = (hash ^ index) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ entry->term ^ ((uint64_t)entry->kind << 56)) * UINT64_C(0xbf58476d1ce4e5b9);
	for (uint32_t i = 0; i < entry->size; i++)
		hash = (hash ^ entry->payload[i]) * UINT64_C(0x100000001b3);
	return hash ^ (hash >> 29);
}

uint64_t node_log_last(const struct node_log *log)
{
	return log->base_index + log->count;
}

struct node_entry *node_log_at(const struct node_log *log, uint64_t index)
{
	if (index <= log->base_index || index > node_log_last(log))
		return NULL;
	return &log->entries[index - log->base_index - 1];
}

uint64_t node_log_chain(const struct node_log *log, uint64_t index)
{
	const struct node_entry *entry = node_log_at(log, index);
	if (entry != NULL)
		return entry->chain;
	return index == log->base_index ? log->base_chain : 0;
}

uint64_t node_log_last_term(const struct node_log *log)
{
	return log->count != 0 ? log->entries[log->count - 1].term : log->base_term;
}

static void node_log_append(struct node_log *log, const struct node_entry *entries, size_t count)
{
	uint64_t chain = node_log_chain(log, node_log_last(log));
	if (log->count + count > log->capacity) {
		log->capacity = (log->count + count) * 2;
		log->entries = memory_resize(log->entries, log->capacity, sizeof *log->entries);
	}
	if (count != 0)
		memcpy(&log->entries[log->count], entries, count * sizeof *entries);
	for (size_t i = 0; i < count; i++) {
		struct node_entry *entry = &log->entries[log->count++];
		entry->chain = chain = node_chain(chain, node_log_last(log), entry);
	}
}

static void node_log_truncate(struct node_log *log, uint64_t from)
{
	check(from > log->base_index);
	if (from <= node_log_last(log))
		log->count = (size_t)(from - log->base_index - 1);
}

static void node_log_reset(struct node_log *log, const struct node_state *state, struct bytes config)
{
	check(config.size <= NODE_PAYLOAD_MAX);
	log->base_index = state->applied;
	log->base_term = state->applied_term;
	log->base_chain = state->chain;
	log->count = 0;
	log->base_config.size = (uint32_t)config.size;
	if (config.size != 0)
		memcpy(log->base_config.payload, config.data, config.size);
}

static void node_log_trim(struct node_log *log, uint64_t index)
{
	if (index <= log->base_index)
		return;
	size_t drop = (size_t)(index - log->base_index);
	check(drop <= log->count);
	for (size_t i = 0; i < drop; i++)
		if (log->entries[i].kind == RAFT_ENTRY_CONFIG)
			log->base_config = log->entries[i];
	log->base_term = log->entries[drop - 1].term;
	log->base_chain = log->entries[drop - 1].chain;
	log->base_index = index;
	log->count -= drop;
	memmove(log->entries, &log->entries[drop], log->count * sizeof *log->entries);
}

static struct bytes node_config_in(const struct node_log *log, uint64_t index)
{
	const struct node_entry *found = &log->base_config;
	for (uint64_t at = log->base_index + 1; at <= index; at++)
		if (node_log_at(log, at)->kind == RAFT_ENTRY_CONFIG)
			found = node_log_at(log, at);
	return bytes_of(found->payload, found->size);
}

static void node_log_copy(struct node_log *log, const struct node_log *from)
{
	free(log->entries);
	*log = *from;
	log->capacity = log->count;
	log->entries = memory_dup(from->entries, from->count * sizeof *from->entries);
}

/* ---- messages ---- */

struct node_message *node_message_dup(const struct node_message *message)
{
	struct node_message *copy = memory_dup(message, sizeof *message);
	copy->entries = memory_dup(message->entries, message->head.count * sizeof *message->entries);
	return copy;
}

void node_message_free(struct node_message *message)
{
	free(message->entries);
	free(message);
}

static struct raft_entry node_header(const struct node_entry *entry)
{
	struct raft_entry header = {.term = entry->term, .kind = entry->kind, .size_bytes = entry->size};
	if (entry->kind == RAFT_ENTRY_CONFIG)
		header.config_payload = bytes_of(entry->payload, entry->size);
	return header;
}

static struct node_message *node_message_make(struct node *node, const struct raft_message *head)
{
	struct node_message *message = memory_new(sizeof *message);
	message->head = *head;
	message->entries = memory_new_array(head->count + 1, sizeof *message->entries);
	for (size_t i = 0; i < head->count; i++) {
		const struct node_entry *entry = node_log_at(&node->log, head->index + 1 + i);
		check(entry != NULL);
		message->entries[i] = *entry;
	}
	check(head->config_payload.size <= NODE_PAYLOAD_MAX);
	message->config.size = (uint32_t)head->config_payload.size;
	if (message->config.size != 0)
		memcpy(message->config.payload, head->config_payload.data, message->config.size);
	return message;
}

/* ---- life ---- */

void node_init(struct node *node, uint64_t id, const struct node_hooks *hooks, void *world)
{
	*node = (struct node){.id = id, .hooks = hooks, .world = world};
}

void node_format(struct node *node, struct bytes config_payload)
{
	node->state = node->flushed = (struct node_state){0};
	node_log_reset(&node->disk, &node->state, config_payload);
	node->disk.term = node->disk.vote = 0;
}

static void node_writes_drop(struct node *node, size_t count)
{
	check(count <= node->write_count);
	for (size_t i = 0; i < count; i++)
		free(node->writes[i].entries);
	node->write_count -= count;
	if (node->write_count != 0)
		memmove(node->writes, &node->writes[count], node->write_count * sizeof *node->writes);
}

void node_crash(struct node *node)
{
	if (node->raft == NULL)
		return;
	raft_free(node->raft);
	node->raft = NULL;
	node_writes_drop(node, node->write_count);
	for (size_t i = 0; i < node->held_count; i++)
		node_message_free(node->held[i]);
	node->held_count = 0;
	node->state = node->flushed;
	node->installing = 0;
}

void node_fini(struct node *node)
{
	node_crash(node);
	free(node->log.entries);
	free(node->disk.entries);
	free(node->writes);
	free(node->held);
}

static void node_trace(void *argument, const char *line)
{
	struct node *node = argument;
	node->hooks->trace(node->world, node, line);
}

void node_start(struct node *node, struct raft_options options, uint64_t now_ms, uint64_t seed)
{
	check(node->raft == NULL);
	node_log_copy(&node->log, &node->disk);
	node->now_ms = now_ms;
	struct raft_entry *headers = memory_new_array(node->log.count + 1, sizeof *headers);
	for (size_t i = 0; i < node->log.count; i++)
		headers[i] = node_header(&node->log.entries[i]);
	options.id = node->id;
	options.seed = seed;
	options.trace = node->hooks->trace != NULL ? node_trace : NULL;
	options.trace_argument = node;
	struct raft_start start = {.now_ms = now_ms,
	                           .term = node->log.term,
	                           .vote = node->log.vote,
	                           .snapshot_index = node->log.base_index,
	                           .snapshot_term = node->log.base_term,
	                           .config_payload =
	                               bytes_of(node->log.base_config.payload, node->log.base_config.size),
	                           .applied = node->flushed.applied,
	                           .entries = headers,
	                           .count = node->log.count,
	                           .damaged = node->damaged};
	enum err err = raft_new(&options, &start, &node->raft);
	check(err == ERR_OK);
	free(headers);
}

/* ---- acting on an update ---- */

static void node_write_begin(struct node *node, const struct raft_event *event, const struct raft_update *update)
{
	if (node->write_count == node->write_capacity) {
		node->write_capacity = node->write_capacity * 2 + 8;
		node->writes = memory_resize(node->writes, node->write_capacity, sizeof *node->writes);
	}
	struct node_write *write = &node->writes[node->write_count++];
	*write = (struct node_write){.id = update->write_id,
	                             .truncate_from = update->truncate_from,
	                             .append_from = update->append_from,
	                             .term = update->term,
	                             .vote = update->vote,
	                             .asked_ms = node->now_ms,
	                             .count = update->append_count};
	write->entries = memory_new_array(write->count + 1, sizeof *write->entries);
	for (size_t i = 0; i < write->count; i++) {
		struct node_entry *entry = &write->entries[i];
		if (update->append_kind == RAFT_ENTRY_COMMAND) {
			*entry = node->given[node->given_count - write->count + i];
		} else {
			entry->kind = update->append_kind;
			entry->size = (uint32_t)update->append_payload.size;
			check(entry->size <= NODE_PAYLOAD_MAX);
			if (entry->size != 0)
				memcpy(entry->payload, update->append_payload.data, entry->size);
		}
		if (event->type != RAFT_EVENT_MESSAGE || update->append_kind != RAFT_ENTRY_COMMAND)
			entry->term = update->append_term;
	}
	if (write->truncate_from != 0)
		node_log_truncate(&node->log, write->truncate_from);
	check(write->count == 0 || write->append_from == node_log_last(&node->log) + 1);
	node_log_append(&node->log, write->entries, write->count);
	node->log.term = write->term;
	node->log.vote = write->vote;
	if (node->hooks->wrote != NULL)
		node->hooks->wrote(node->world, node, write);
}

static void node_hold(struct node *node, struct node_message *message)
{
	if (node->held_count == node->held_capacity) {
		node->held_capacity = node->held_capacity * 2 + 16;
		node->held = memory_resize(node->held, node->held_capacity, sizeof(struct node_message *));
	}
	check(node->held_count < NODE_MESSAGES_MAX);
	node->held[node->held_count++] = message;
}

static void node_release(struct node *node, uint64_t write_id)
{
	size_t kept = 0;
	for (size_t i = 0; i < node->held_count; i++) {
		if (node->held[i]->head.after_write <= write_id)
			node->hooks->send(node->world, node, node->held[i]);
		else
			node->held[kept++] = node->held[i];
	}
	node->held_count = kept;
}

static void node_apply(struct node *node, uint64_t to)
{
	if (to <= node->state.applied)
		return;
	for (uint64_t index = node->state.applied + 1; index <= to; index++) {
		const struct node_entry *entry = node_log_at(&node->log, index);
		check(entry != NULL);
		node->state = (struct node_state){.applied = index, .applied_term = entry->term};
		node->state.chain = entry->chain;
		if (node->hooks->applied != NULL)
			node->hooks->applied(node->world, node, index, entry);
	}
	node_step(node, (struct raft_event){.type = RAFT_EVENT_APPLIED, .index = to});
}

void node_step(struct node *node, struct raft_event event)
{
	struct raft_update update;
	event.now_ms = node->now_ms;
	raft_step(node->raft, &event, &update);
	node->update = update;
	if (update.write_id != 0)
		node_write_begin(node, &event, &update);
	if (node->hooks->updated != NULL)
		node->hooks->updated(node->world, node, &event, &update);
	for (size_t i = 0; i < update.read_count; i++)
		node->hooks->read_done(node->world, node, &update.reads[i]);
	for (size_t i = 0; i < update.message_count; i++) {
		struct node_message *message = node_message_make(node, &update.messages[i]);
		if (message->head.after_write == 0)
			node->hooks->send(node->world, node, message);
		else
			node_hold(node, message);
	}
	if (update.snapshot_for != 0)
		node->hooks->snapshot_wanted(node->world, node, update.snapshot_for);
	if (update.snapshot_from != 0) {
		node->installing = update.snapshot_index;
		node->hooks->fetch_wanted(node->world, node, update.snapshot_from, update.snapshot_index,
		                          update.snapshot_term);
	}
	node_apply(node, update.apply_to);
}

/* ---- what happens to it ---- */

static void node_step_with(struct node *node, struct raft_event event, const struct node_entry *given, size_t count)
{
	node->given = given;
	node->given_count = count;
	node_step(node, event);
}

void node_propose(struct node *node, enum raft_entry_kind kind, struct bytes payload)
{
	struct node_entry entry = {.kind = kind, .size = (uint32_t)payload.size};
	check(payload.size <= NODE_PAYLOAD_MAX);
	if (payload.size != 0)
		memcpy(entry.payload, payload.data, payload.size);
	struct raft_entry header = node_header(&entry);
	node_step_with(node, (struct raft_event){.type = RAFT_EVENT_PROPOSE, .entries = &header, .count = 1}, &entry,
	               1);
}

void node_receive(struct node *node, const struct node_message *message)
{
	struct raft_message head = message->head;
	struct raft_entry *headers = memory_new_array(head.count + 1, sizeof *headers);
	for (size_t i = 0; i < head.count; i++)
		headers[i] = node_header(&message->entries[i]);
	head.after_write = 0;
	head.entries = headers;
	head.config_payload = bytes_of(message->config.payload, message->config.size);
	node_step_with(node, (struct raft_event){.type = RAFT_EVENT_MESSAGE, .message = &head}, message->entries,
	               head.count);
	free(headers);
}

void node_tear(struct node *node, struct node_tear tear)
{
	check(node->write_count > 0);
	struct node_write *write = &node->writes[0];
	check(tear.entries == 0 || (tear.truncated && tear.entries <= write->count));
	if (tear.truncated && write->truncate_from != 0)
		node_log_truncate(&node->disk, write->truncate_from);
	node_log_append(&node->disk, write->entries, tear.entries);
	if (tear.vote) {
		node->disk.term = write->term;
		node->disk.vote = write->vote;
	}
	node_writes_drop(node, 1);
}

static void node_write_complete(struct node *node)
{
	node_tear(node, (struct node_tear){.vote = true, .truncated = true, .entries = node->writes[0].count});
}

void node_damage(struct node *node)
{
	check(node->raft == NULL);
	struct bytes config = node_config_in(&node->disk, node->flushed.applied);
	uint8_t copy[NODE_PAYLOAD_MAX];
	memcpy(copy, config.data, config.size);
	node_log_reset(&node->disk, &node->flushed, bytes_of(copy, config.size));
	node->damaged = true;
}

void node_written(struct node *node, size_t count)
{
	uint64_t newest = 0;
	check(count <= node->write_count);
	for (size_t i = 0; i < count; i++) {
		newest = node->writes[0].id;
		node_write_complete(node);
	}
	if (newest == 0)
		return;
	node_release(node, newest);
	node_step(node, (struct raft_event){.type = RAFT_EVENT_WRITTEN, .write_id = newest});
}

void node_flush(struct node *node)
{
	node->flushed = node->state;
}

void node_trim(struct node *node, uint64_t index)
{
	check(index <= node->flushed.applied);
	node_log_trim(&node->log, index);
	node_log_trim(&node->disk, index);
	node_step(node, (struct raft_event){.type = RAFT_EVENT_TRIMMED, .index = index});
}

void node_install(struct node *node, const struct node_state *state, struct bytes config_payload)
{
	check(node->write_count == 0);
	node_log_reset(&node->log, state, config_payload);
	node_log_reset(&node->disk, state, config_payload);
	node->state = node->flushed = *state;
	node->installing = 0;
	node->damaged = false;
	node_step(node, (struct raft_event){.type = RAFT_EVENT_SNAPSHOT_INSTALLED,
	                                    .index = state->applied,
	                                    .term = state->applied_term,
	                                    .config_payload = config_payload});
}

struct bytes node_config_at(const struct node *node, uint64_t index)
{
	return node_config_in(&node->log, index);
}

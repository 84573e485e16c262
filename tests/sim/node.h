/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver of one core in memory: it makes the updates true as raft/raft.h says, with a disk whose writes complete when its
 * owner says so, and hands what leaves the node to its owner. The scenarios and the simulator drive it.
 */
#pragma once

#include "raft/raft.h"

enum { NODE_PAYLOAD_MAX = 128, NODE_MESSAGES_MAX = 65536 };

struct node_entry {
	uint64_t term;
	enum raft_entry_kind kind;
	uint32_t size;
	uint64_t chain; /* hash of this and all entries before it */
	uint8_t payload[NODE_PAYLOAD_MAX];
};

struct node_log {
	uint64_t base_index, base_term, base_chain;
	struct node_entry base_config; /* its payload */
	struct node_entry *entries;
	size_t count, capacity;
	uint64_t term, vote;
};

uint64_t node_log_last(const struct node_log *log);
struct node_entry *node_log_at(const struct node_log *log, uint64_t index); /* NULL when it is not there */
/* Of the entry or the base; 0 when it is neither. */
uint64_t node_log_chain(const struct node_log *log, uint64_t index);
uint64_t node_log_last_term(const struct node_log *log);

struct node_write {
	uint64_t id, truncate_from, append_from, term, vote;
	uint64_t asked_ms;
	struct node_entry *entries; /* owned */
	size_t count;
};

/* What was applied: the chain of the last entry says it all. */
struct node_state {
	uint64_t applied, applied_term, chain;
};

/* A message with its own copy of all that it carries. */
struct node_message {
	struct raft_message head;
	struct node_entry *entries;
	struct node_entry config;
};
struct node_message *node_message_dup(const struct node_message *message);
void node_message_free(struct node_message *message);

struct node;
struct node_hooks {
	void (*trace)(void *world, struct node *node, const char *line);
	/* Taken. All that it waits for is durable. */
	void (*send)(void *world, struct node *node, struct node_message *message);
	void (*read_done)(void *world, struct node *node, const struct raft_read *read);
	void (*wrote)(void *world, struct node *node, const struct node_write *write); /* asked for */
	void (*updated)(void *world, struct node *node, const struct raft_event *event,
	                const struct raft_update *update);
	void (*applied)(void *world, struct node *node, uint64_t index, const struct node_entry *entry);
	void (*snapshot_wanted)(void *world, struct node *node, uint64_t peer);
	void (*fetch_wanted)(void *world, struct node *node, uint64_t from, uint64_t index, uint64_t term);
};

struct node {
	uint64_t id;
	const struct node_hooks *hooks;
	void *world;
	struct raft *raft;    /* NULL: crashed */
	struct node_log log;  /* as the core knows it */
	struct node_log disk; /* what is durable */
	struct node_state state, flushed;
	struct node_write *writes; /* the oldest first */
	size_t write_count, write_capacity;
	struct node_message **held; /* wait for writes */
	size_t held_count, held_capacity;
	bool damaged; /* its disk: not repaired yet */
	uint64_t now_ms;
	struct raft_update update;      /* the newest; its pointers are dead */
	const struct node_entry *given; /* what the event that is being stepped carries */
	size_t given_count;
	uint64_t installing; /* index of the snapshot being fetched; 0: none */
};

void node_init(struct node *node, uint64_t id, const struct node_hooks *hooks, void *world);
void node_fini(struct node *node);
/* A disk that begins with this configuration. */
void node_format(struct node *node, struct bytes config_payload);
/* From what is on its disk. id, seed, and trace in the options are set here. */
void node_start(struct node *node, struct raft_options options, uint64_t now_ms, uint64_t seed);
/* All that is not on disk is gone; see node_tear(). */
void node_crash(struct node *node);

/* now_ms is filled in; acts on the update; applies all that may be applied. */
void node_step(struct node *node, struct raft_event event);
void node_propose(struct node *node, enum raft_entry_kind kind, struct bytes payload);
void node_receive(struct node *node, const struct node_message *message);
/* The oldest `count` writes are durable; one WRITTEN tells all of them. */
void node_written(struct node *node, size_t count);
/* What a crash in the midst of the oldest write leaves of it on disk. */
struct node_tear {
	bool vote;      /* its term and vote */
	bool truncated; /* its truncation */
	size_t entries; /* so many of its entries; needs the truncation */
};
void node_tear(struct node *node, struct node_tear tear);
/* The log after the flushed state is lost, and known to be. */
void node_damage(struct node *node);
void node_flush(struct node *node);
void node_trim(struct node *node, uint64_t index);
/* The snapshot becomes the state of this node, durably, and the core is told. No writes are pending. */
void node_install(struct node *node, const struct node_state *state, struct bytes config_payload);
/* The configuration in force at an index that the log still holds, or its base. */
struct bytes node_config_at(const struct node *node, uint64_t index);

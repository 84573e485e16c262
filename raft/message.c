/* SPDX-License-Identifier: Apache-2.0 */
/* Incoming messages: what no peer of ours sends is dropped, terms are compared, and each goes to its handler. */
#include "raft/core.h"

#include "base/check.h"
#include "base/limits.h"

const char *raft_message_type_name(enum raft_message_type type)
{
	switch (type) {
	case RAFT_PRE_VOTE:
		return "PRE_VOTE";
	case RAFT_PRE_VOTE_REPLY:
		return "PRE_VOTE_REPLY";
	case RAFT_VOTE:
		return "VOTE";
	case RAFT_VOTE_REPLY:
		return "VOTE_REPLY";
	case RAFT_APPEND:
		return "APPEND";
	case RAFT_APPEND_REPLY:
		return "APPEND_REPLY";
	case RAFT_HEARTBEAT:
		return "HEARTBEAT";
	case RAFT_HEARTBEAT_REPLY:
		return "HEARTBEAT_REPLY";
	case RAFT_SNAPSHOT:
		return "SNAPSHOT";
	case RAFT_READ:
		return "READ";
	case RAFT_READ_REPLY:
		return "READ_REPLY";
	case RAFT_TIMEOUT_NOW:
		return "TIMEOUT_NOW";
	case RAFT_REPAIR:
		return "REPAIR";
	}
	return "UNKNOWN";
}

static bool raft_config_is_sane(struct bytes payload)
{
	struct raft_config config;
	struct bytes rest;
	raft_config_init(&config);
	bool sane = raft_config_decode(payload, &config, &rest) == ERR_OK;
	raft_config_fini(&config);
	return sane;
}

static bool raft_entry_is_sane(const struct raft_entry *entry)
{
	switch (entry->kind) {
	case RAFT_ENTRY_NOOP:
	case RAFT_ENTRY_COMMAND:
		return entry->size_bytes <= LIMIT_ENTRY_BYTES;
	case RAFT_ENTRY_CONFIG:
		return entry->size_bytes <= LIMIT_ENTRY_BYTES && raft_config_is_sane(entry->config_payload);
	}
	return false; /* of a newer version: never skipped, so not taken */
}

static bool raft_entries_are_sane(const struct raft_message *message)
{
	uint64_t term = message->index_term;
	if (message->count > RAFT_APPEND_ENTRIES_MAX || (message->count != 0 && message->entries == NULL))
		return false;
	for (size_t i = 0; i < message->count; i++) {
		const struct raft_entry *entry = &message->entries[i];
		if (entry->term < term || entry->term == 0 || entry->term > message->term || !raft_entry_is_sane(entry))
			return false;
		term = entry->term;
	}
	return true;
}

static bool raft_message_is_from_leader(const struct raft_message *message)
{
	return message->type == RAFT_APPEND || message->type == RAFT_HEARTBEAT || message->type == RAFT_SNAPSHOT ||
	       message->type == RAFT_TIMEOUT_NOW;
}

bool raft_message_is_sane(const struct raft *raft, const struct raft_message *message)
{
	if (message->type < RAFT_PRE_VOTE || message->type > RAFT_REPAIR)
		return false;
	if (message->from == 0 || message->from == raft->options.id || message->to != raft->options.id)
		return false;
	if (message->term > RAFT_NUMBER_MAX || message->index > RAFT_NUMBER_MAX || message->commit > RAFT_NUMBER_MAX ||
	    message->index_term > RAFT_NUMBER_MAX || message->hint > RAFT_NUMBER_MAX)
		return false;
	if ((message->index == 0) != (message->index_term == 0) &&
	    (message->type == RAFT_APPEND || message->type == RAFT_SNAPSHOT))
		return false;
	if (message->type == RAFT_PRE_VOTE || message->type == RAFT_VOTE)
		return message->term != 0 && message->index_term < message->term;
	if (raft_message_is_from_leader(message) && (message->term == 0 || message->index_term > message->term))
		return false;
	if (message->type == RAFT_APPEND)
		return raft_entries_are_sane(message);
	if (message->type == RAFT_SNAPSHOT)
		return message->index != 0 && raft_config_is_sane(message->config_payload);
	return true;
}

/* Thesis §3.3: whoever is behind learns of the higher term by the answer. */
static void raft_recv_stale(struct raft *raft, const struct raft_message *message)
{
	raft_say(raft, "stale type=%s from=%ju term=%ju", raft_message_type_name(message->type),
	         (uintmax_t)message->from, (uintmax_t)message->term);
	if (raft_message_is_from_leader(message))
		raft_send(raft,
		          (struct raft_message){.type = RAFT_HEARTBEAT_REPLY, .to = message->from, .reject = true});
}

static void raft_message_handle(struct raft *raft, const struct raft_message *message)
{
	switch (message->type) {
	case RAFT_PRE_VOTE:
		raft_recv_pre_vote(raft, message);
		break;
	case RAFT_PRE_VOTE_REPLY:
		raft_recv_pre_vote_reply(raft, message);
		break;
	case RAFT_VOTE:
		raft_recv_vote(raft, message);
		break;
	case RAFT_VOTE_REPLY:
		raft_recv_vote_reply(raft, message);
		break;
	case RAFT_APPEND:
		raft_recv_append(raft, message);
		break;
	case RAFT_APPEND_REPLY:
		raft_recv_append_reply(raft, message);
		break;
	case RAFT_HEARTBEAT:
		raft_recv_heartbeat(raft, message);
		break;
	case RAFT_HEARTBEAT_REPLY:
		raft_recv_heartbeat_reply(raft, message);
		break;
	case RAFT_SNAPSHOT:
		raft_recv_snapshot(raft, message);
		break;
	case RAFT_READ:
		raft_recv_read(raft, message);
		break;
	case RAFT_READ_REPLY:
		raft_recv_read_reply(raft, message);
		break;
	case RAFT_TIMEOUT_NOW:
		raft_recv_timeout_now(raft, message);
		break;
	case RAFT_REPAIR:
		raft_recv_repair(raft, message);
		break;
	}
}

/* A vote is only asked for, so its term is not a fact yet: the handlers decide. So is a pre-vote's, and the grant of one. */
static bool raft_term_is_a_fact(const struct raft_message *message)
{
	if (message->type == RAFT_PRE_VOTE || message->type == RAFT_VOTE)
		return false;
	return message->type != RAFT_PRE_VOTE_REPLY || message->reject;
}

/* Who is not a member is heard as a leader or a candidate of a configuration that is not here yet, and as nothing else: a
 * removed node's answers must not raise the term. */
static bool raft_message_is_from_member(const struct raft *raft, const struct raft_message *message)
{
	return raft_message_is_from_leader(message) || message->type == RAFT_PRE_VOTE || message->type == RAFT_VOTE ||
	       RAFT_HAS_BUG(STRANGER_HEARD) || raft_config_find(raft_config_latest(raft), message->from) != NULL;
}

void raft_on_message(struct raft *raft, const struct raft_message *message)
{
	if (!raft_message_is_sane(raft, message) || !raft_message_is_from_member(raft, message)) {
		raft_say(raft, "refuse_message type=%d from=%ju", (int)message->type, (uintmax_t)message->from);
		return;
	}
	if (raft_term_is_a_fact(message)) {
		if (message->term > raft->term &&
		    !(RAFT_HAS_BUG(NO_STEP_DOWN) && !raft_message_is_from_leader(message)))
			raft_become_follower(raft, message->term, 0);
		if (message->term < raft->term && message->type != RAFT_READ && !RAFT_HAS_BUG(VOTE_STALE)) {
			raft_recv_stale(raft, message);
			return;
		}
	}
	raft_message_handle(raft, message);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* APPEND at a follower: thesis §3.5, figure 3.1, with hints for fast backtracking. */
#include "raft/core.h"

#include "base/check.h"

static void raft_append_accept(struct raft *raft, const struct raft_message *message, uint64_t index)
{
	raft_send_after_entry(
	    raft, (struct raft_message){
	              .type = RAFT_APPEND_REPLY, .to = message->from, .index = index, .round = message->round});
}

static void raft_append_reject(struct raft *raft, const struct raft_message *message)
{
	check(message->index > 0); /* what every log begins after, or what is trimmed */
	/* Nothing after an entry of a higher term than the leader's entry there can match: thesis §3.5. */
	uint64_t hint = raft_trail_hint(&raft->trail, message->index - 1, message->index_term);
	raft_say(raft, "reject index=%ju term=%ju hint=%ju", (uintmax_t)message->index, (uintmax_t)message->index_term,
	         (uintmax_t)hint);
	raft_send(raft, (struct raft_message){.type = RAFT_APPEND_REPLY,
	                                      .to = message->from,
	                                      .index = message->index,
	                                      .reject = true,
	                                      .hint = hint,
	                                      .hint_term = raft_trail_term(&raft->trail, hint),
	                                      .round = message->round});
}

/* How many of the entries are here already. */
static size_t raft_append_known(const struct raft *raft, const struct raft_message *message)
{
	size_t known = 0;
	while (known < message->count &&
	       raft_trail_term(&raft->trail, message->index + known + 1) == message->entries[known].term)
		known++;
	return known;
}

static void raft_append_entries(struct raft *raft, const struct raft_message *message, size_t known)
{
	uint64_t from = message->index + known + 1;
	if (from <= raft_last(raft)) {
		raft_say(raft, "truncate from=%ju", (uintmax_t)from);
		raft_entries_truncate(raft, from);
	}
	for (size_t i = known; i < message->count; i++) {
		const struct raft_entry *entry = &message->entries[i];
		raft_entry_append(raft, entry->term, entry->kind, entry->config_payload, entry->size_bytes);
	}
	raft->update.append_from = from;
	raft->update.append_count = message->count - known;
	raft->update.append_kind = RAFT_ENTRY_COMMAND;
}

static uint64_t raft_append_commit(const struct raft *raft, const struct raft_message *message)
{
	/* Only what this message has shown to match: its own last entry, not the last of the log. */
	uint64_t verified = RAFT_HAS_BUG(COMMIT_UNVERIFIED) ? raft_last(raft) : message->index + message->count;
	return message->commit < verified ? message->commit : verified;
}

void raft_recv_append(struct raft *raft, const struct raft_message *message)
{
	if (!raft_follow(raft, message))
		return;
	if (raft->damaged) {
		raft_repair_request(raft, message->from);
		return;
	}
	if (raft->fetch.from != 0)
		return;
	if (message->index < raft->commit) {
		raft_append_accept(raft, message, raft->commit);
		return;
	}
	uint64_t term = raft_trail_term(&raft->trail, message->index); /* 0 when it is missing, which matches nothing */
	if (term != message->index_term && !(RAFT_HAS_BUG(GAP_MATCHES) && term == 0)) {
		raft_append_reject(raft, message);
		return;
	}
	size_t known = raft_append_known(raft, message);
	if (RAFT_HAS_BUG(TRUNCATE_ALWAYS))
		known = 0;
	if (known < message->count) {
		if (raft_writes_are_full(&raft->writes)) {
			raft_say(raft, "append_refused index=%ju commit=%ju", (uintmax_t)message->index,
			         (uintmax_t)raft->commit);
			return;
		}
		raft_append_entries(raft, message, known);
	}
	raft_commit_to(raft, raft_append_commit(raft, message));
	raft_append_accept(raft, message, message->index + message->count);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The raft role: drains what came in, whole, and lets the loop act once. */
#include "replica/node.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "replica/asks.h"
#include "replica/inquiries.h"
#include "replica/snapshots.h"

struct letter *letter_new(enum letter_kind kind)
{
	struct letter *letter = memory_new(sizeof *letter);
	letter->kind = kind;
	arena_init(&letter->arena);
	return letter;
}

void letter_free(struct letter *letter)
{
	if (letter->ask != NULL)
		ask_answer(letter->ask, ERR_STOPPED);
	if (letter->inquiry != NULL)
		inquiry_answer(letter->inquiry, ERR_STOPPED);
	arena_fini(&letter->arena);
	free(letter);
}

void node_drop_letters(struct mailbox_letter *letters)
{
	while (letters != NULL) {
		struct letter *letter = (struct letter *)letters;
		letters = letters->next;
		letter_free(letter);
	}
}

void node_post(struct replica *replica, struct letter *letter)
{
	mailbox_post_always(replica->inbox, &letter->link);
	crew_want(replica->crew, CREW_RAFT);
}

/* ---- from the transport's threads ---- */

static bool node_post_message(struct replica *replica, struct arena *arena, Peer__Envelope *envelope)
{
	size_t size_bytes = arena_size_bytes(arena);
	if (atomic_fetch_add(&replica->inbox_bytes, size_bytes) + size_bytes > NODE_INBOX_BYTES_MAX) {
		atomic_fetch_sub(&replica->inbox_bytes, size_bytes);
		return false;
	}
	struct letter *letter = letter_new(LETTER_MESSAGE);
	letter->arena = *arena;
	letter->envelope = envelope;
	if (mailbox_post(replica->inbox, &letter->link) != ERR_OK) {
		atomic_fetch_sub(&replica->inbox_bytes, size_bytes);
		free(letter);
		return false;
	}
	crew_want(replica->crew, CREW_RAFT);
	return true;
}

bool node_received(void *argument, struct arena *arena, Peer__Envelope *envelope)
{
	struct replica *replica = argument;
	bool promises_nothing = !atomic_load(&replica->confirmed);
	switch ((int)envelope->body_case) {
	case PEER__ENVELOPE__BODY_RAFT:
	case PEER__ENVELOPE__BODY_FORWARD:
	case PEER__ENVELOPE__BODY_FORWARD_REPLY:
	case PEER__ENVELOPE__BODY_CHANGE:
	case PEER__ENVELOPE__BODY_CHANGE_REPLY:
	case PEER__ENVELOPE__BODY_LEASE_ASK:
	case PEER__ENVELOPE__BODY_LEASE_REPLY:
		return !promises_nothing && node_post_message(replica, arena, envelope);
	case PEER__ENVELOPE__BODY_STATUS:
		reports_heard(replica->reports, envelope->from, envelope->status, atomic_load(&replica->shown.commit));
		return false;
	case PEER__ENVELOPE__BODY_SNAPSHOT_ASK:
	case PEER__ENVELOPE__BODY_SNAPSHOT_OFFER:
	case PEER__ENVELOPE__BODY_CHUNK_ASK:
	case PEER__ENVELOPE__BODY_CHUNK:
		return snapshots_received(replica->snapshots, arena, envelope);
	default:
		return false; /* of a later version */
	}
}

void node_unreachable(void *argument, uint64_t peer)
{
	struct replica *replica = argument;
	struct letter *letter = letter_new(LETTER_UNREACHABLE);
	letter->peer = peer;
	if (mailbox_post(replica->inbox, &letter->link) == ERR_OK)
		crew_want(replica->crew, CREW_RAFT);
	else
		letter_free(letter); /* it is a hint */
}

/* ---- what the loop needs of the world ---- */

static enum err node_world_send(void *argument, uint64_t to, struct bytes frame)
{
	struct replica *replica = argument;
	if (!atomic_load(&replica->confirmed))
		return ERR_UNREACHABLE;
	return transport_send(replica->transport, to, frame);
}

static void node_world_write(void *argument, struct write_job *job)
{
	node_write(argument, job);
}

static void node_world_apply(void *argument, struct apply_job *job)
{
	node_apply_later(argument, job);
}

static enum err node_world_read_log(void *argument, uint64_t index, size_t count_max, size_t size_bytes_max,
                                    struct arena *arena, struct raftlog_entry **ret_entries, size_t *ret_count)
{
	struct replica *replica = argument;
	return raftlog_read(replica->log, index, count_max, size_bytes_max, arena, ret_entries, ret_count);
}

static void node_world_snapshot_make(void *argument, uint64_t peer)
{
	struct replica *replica = argument;
	snapshots_make(replica->snapshots, peer);
}

static void node_world_snapshot_fetch(void *argument, uint64_t from, uint64_t index, uint64_t term)
{
	struct replica *replica = argument;
	snapshots_fetch(replica->snapshots, from, index, term);
}

static void node_world_config_changed(void *argument, const struct raft_config *config)
{
	node_config_set(argument, config);
}

static enum err node_world_members(void *argument, struct arena *arena, struct kv_member_list *ret_members,
                                   struct kv_member_list *ret_removed)
{
	struct replica *replica = argument;
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_members(view, arena, ret_members);
	if (err == ERR_OK && ret_removed != NULL)
		err = kv_members_removed(view, arena, ret_removed);
	kv_view_close(view);
	return err;
}

enum err node_loop_new(struct replica *replica, const struct raft_start *start, struct loop **ret_loop)
{
	struct raft_options raft = {
	    .id = replica->identity.member,
	    .seed = random_from_system(),
	    .heartbeat_interval_ms = replica->options.heartbeat_interval_ms,
	    .election_timeout_ms = replica->options.election_timeout_ms,
	    .leases = true,
	    .inflight_messages_max = LOOP_INFLIGHT_MESSAGES_MAX,
	    .inflight_bytes_max = LOOP_INFLIGHT_BYTES_MAX,
	    .append_bytes_max = LOOP_APPEND_BYTES_MAX,
	    .uncommitted_bytes_max = LOOP_UNCOMMITTED_BYTES_MAX,
	    .unapplied_bytes_max = LOOP_UNAPPLIED_BYTES_MAX,
	    .trace = node_trace,
	};
	struct loop_options options = {
	    .cluster = replica->identity.cluster,
	    .member = replica->identity.member,
	    .raft = &raft,
	    .start = start,
	    .pending = replica->pending,
	    .barriers = replica->barriers,
	    .shown = &replica->shown,
	    .voters_max = replica->options.voters_max,
	    .world = {.argument = replica,
	              .send = node_world_send,
	              .write = node_world_write,
	              .apply = node_world_apply,
	              .read_log = node_world_read_log,
	              .snapshot_make = node_world_snapshot_make,
	              .snapshot_fetch = node_world_snapshot_fetch,
	              .config_changed = node_world_config_changed,
	              .members = node_world_members,
	              .leases = node_world_leases},
	};
	return loop_new(&options, ret_loop);
}

/* ---- the duty ---- */

static void node_open_letter(struct replica *replica, struct letter *letter)
{
	struct loop *loop = replica->loop;
	switch (letter->kind) {
	case LETTER_MESSAGE:
		loop_message(loop, letter->envelope);
		atomic_fetch_sub(&replica->inbox_bytes, arena_size_bytes(&letter->arena));
		break;
	case LETTER_UNREACHABLE:
		loop_unreachable(loop, letter->peer);
		break;
	case LETTER_TRANSFER:
		loop_transfer(loop, letter->peer);
		break;
	case LETTER_CHANGE:
		loop_change(loop, letter->ask);
		letter->ask = NULL;
		break;
	case LETTER_LEASE:
		loop_inquire(loop, letter->inquiry);
		letter->inquiry = NULL;
		break;
	case LETTER_TRIM:
		loop_trimmed(loop, letter->index);
		break;
	case LETTER_SNAPSHOT_READY:
		loop_snapshot_ready(loop, letter->peer, letter->index, letter->term, letter->config);
		break;
	case LETTER_SNAPSHOT_FAILED:
		loop_snapshot_failed(loop, letter->peer, letter->index, letter->term);
		break;
	case LETTER_SNAPSHOT_INSTALLED:
		atomic_store(&replica->applied, letter->index);
		loop_snapshot_installed(loop, letter->index, letter->term, letter->config);
		break;
	}
}

/* raft.h: the disk stands still when one write has taken longer than an election timeout; told once for each. Returns when
 * to look again. */
static uint64_t node_watch_disk(struct replica *replica, uint64_t now_ns)
{
	uint64_t began_ns = atomic_load(&replica->write_began_ns);
	uint64_t patience_ns = (uint64_t)replica->options.election_timeout_ms * CLOCK_NS_PER_MS;
	if (began_ns == 0 || began_ns == replica->stalled_told_ns)
		return UINT64_MAX;
	if (now_ns < began_ns + patience_ns)
		return began_ns + patience_ns;
	replica->stalled_told_ns = began_ns;
	log_warn("disk_stalled", "path=%s ms=%" PRIu64, replica->options.data_directory,
	         (now_ns - began_ns) / CLOCK_NS_PER_MS);
	loop_disk_stalled(replica->loop);
	return UINT64_MAX;
}

static void node_session_opened(void *argument, enum err err, struct kv_result *result)
{
	struct replica *replica = argument;
	bool opened = err == ERR_OK && result->err == ERR_OK;
	pending_session_opened(replica->pending, opened ? result->session : 0);
	if (opened)
		log_debug("session_opened", "session=%" PRIu64, result->session);
	if (result != NULL)
		kv_result_free(result);
	crew_want(replica->crew, CREW_RAFT);
}

void node_raft(void *argument)
{
	struct replica *replica = argument;
	crew_check(replica->crew, CREW_RAFT);
	struct mailbox_letter *letters = mailbox_drain(replica->inbox, 0);
	/* It takes no part any more: neither hears nor says anything. */
	if (atomic_load(&replica->differs) || atomic_load(&replica->verdict) != ERR_OK) {
		node_drop_letters(letters);
		loop_stop(replica->loop);
		return;
	}
	uint64_t written = atomic_load(&replica->written), applied = atomic_load(&replica->applied);
	uint64_t now_ns = clock_steady_ns(); /* after all that it is the time of came in */
	loop_now(replica->loop, now_ns, clock_wall_ns());
	node_leases_told(replica); /* what was applied up to there, and of what a letter can speak */
	while (letters != NULL) {
		struct letter *letter = (struct letter *)letters;
		letters = letters->next;
		node_open_letter(replica, letter);
		letter_free(letter);
	}
	if (written != replica->written_told) {
		replica->written_told = written;
		loop_written(replica->loop, written);
	}
	loop_applied(replica->loop, applied);
	if (pending_session(replica->pending) == 0)
		pending_session_ask(replica->pending, node_session_opened, replica);
	uint64_t disk_ns = node_watch_disk(replica, now_ns);
	uint64_t wake_ns = loop_finish(replica->loop);
	transport_flush(replica->transport);
	crew_wake_at(replica->crew, disk_ns < wake_ns ? disk_ns : wake_ns);
}

void node_trace(void *argument, const char *line)
{
	(void)argument;
	log_debug("raft", "%s", line);
}

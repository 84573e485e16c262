/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/loop_private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/proto.h"
#include "replica/wire.h"

/* ---- sending ---- */

static void loop_dropped(struct loop *loop, uint64_t to)
{
	for (size_t i = 0; i < loop->dropped_count; i++)
		if (loop->dropped[i] == to)
			return;
	if (loop->dropped_count < LIMIT_MEMBERS)
		loop->dropped[loop->dropped_count++] = to;
}

static void loop_hold(struct loop *loop, uint64_t write_id, uint64_t to, struct bytes frame)
{
	if (loop->held_count >= LOOP_HELD_MAX) {
		loop_dropped(loop, to);
		return;
	}
	struct held *held = memory_new(sizeof *held + frame.size);
	held->write_id = write_id;
	held->to = to;
	held->size = frame.size;
	memcpy(held->frame, frame.data, frame.size);
	STAILQ_INSERT_TAIL(&loop->held, held, next);
	loop->held_count++;
}

/* False: it was dropped. */
static bool loop_send_frame(struct loop *loop, uint64_t to, struct bytes frame)
{
	bool sent = loop->world.send(loop->world.argument, to, frame) == ERR_OK;
	if (!sent)
		loop_dropped(loop, to);
	return sent;
}

bool loop_send(struct loop *loop, uint64_t to, Peer__Envelope *envelope, uint64_t after_write)
{
	envelope->cluster = loop->cluster;
	envelope->from = loop->member;
	envelope->to = to;
	buffer_clear(&loop->frame);
	enum err err = frame_pack(envelope, &loop->frame);
	check(err == ERR_OK); /* appends are bounded by LOOP_APPEND_BYTES_MAX or one entry */
	if (after_write == 0 || HAS_BUG(SENT_BEFORE_DURABLE))
		return loop_send_frame(loop, to, buffer_bytes(&loop->frame));
	loop_hold(loop, after_write, to, buffer_bytes(&loop->frame));
	return true;
}

static void loop_release_held(struct loop *loop, uint64_t write_id)
{
	struct held *held;
	while ((held = STAILQ_FIRST(&loop->held)) != NULL && held->write_id <= write_id) {
		STAILQ_REMOVE_HEAD(&loop->held, next);
		loop->held_count--;
		loop_send_frame(loop, held->to, bytes_of(held->frame, held->size));
		free(held);
	}
}

/* Entries that are not in the window any more, from the log; in the arena. */
static enum err loop_read_entries(struct loop *loop, uint64_t index, size_t count, struct entry *entries)
{
	for (size_t done = 0; done < count;) {
		struct raftlog_entry *read = NULL;
		size_t read_count = 0;
		enum err err = loop->world.read_log(loop->world.argument, index + done, count - done, SIZE_MAX,
		                                    &loop->arena, &read, &read_count);
		if (err != ERR_OK)
			return err;
		check(read_count > 0 && read_count <= count - done);
		for (size_t i = 0; i < read_count; i++, done++) {
			entries[done] = (struct entry){.index = read[i].index,
			                               .term = read[i].term,
			                               .time_ns = read[i].time_ns,
			                               .kind = (enum raft_entry_kind)read[i].kind,
			                               .blob = NULL};
			/* Lent to the frame alone, and packed at once: a blob of the arena's memory. */
			size_t size = read[i].payload.size;
			struct blob *blob = arena_take(&loop->arena, sizeof *blob + size);
			atomic_init(&blob->refs, 1);
			blob->size = (uint32_t)size;
			if (size != 0)
				memcpy(blob->data, read[i].payload.data, size);
			entries[done].blob = blob;
		}
	}
	return ERR_OK;
}

/* The entries that a message names, attached. NULL when they cannot be read. */
static struct entry *loop_attach(struct loop *loop, const struct raft_message *message)
{
	struct entry *entries = arena_take(&loop->arena, message->count * sizeof *entries);
	size_t old = 0;
	uint64_t first = message->index + 1;
	if (first < loop->window.first)
		old =
		    loop->window.first - first < message->count ? (size_t)(loop->window.first - first) : message->count;
	if (old != 0 && loop_read_entries(loop, first, old, entries) != ERR_OK)
		return NULL;
	for (size_t i = old; i < message->count; i++) {
		const struct entry *entry = window_find(&loop->window, first + i);
		check(entry != NULL);
		entries[i] = *entry;
	}
	return entries;
}

static void loop_send_messages(struct loop *loop, const struct raft_update *update)
{
	for (size_t i = 0; i < update->message_count; i++) {
		const struct raft_message *message = &update->messages[i];
		Peer__Envelope envelope = PEER__ENVELOPE__INIT;
		struct entry *entries = message->count != 0 ? loop_attach(loop, message) : NULL;
		if (message->count != 0 && entries == NULL) {
			loop_dropped(loop, message->to);
			continue;
		}
		envelope.body_case = PEER__ENVELOPE__BODY_RAFT;
		envelope.raft = wire_from_message(message, entries, &loop->arena);
		loop_send(loop, message->to, &envelope, message->after_write);
	}
}

/* ---- writing ---- */

static struct entry loop_appended(const struct loop *loop, const struct raft_update *update,
                                  const struct loop_source *source, size_t number)
{
	struct entry entry = {.index = update->append_from + number, .time_ns = loop->wall_ns};
	if (update->append_kind != RAFT_ENTRY_COMMAND) {
		entry.kind = update->append_kind;
		entry.term = update->append_term;
		entry.blob = blob_new(update->append_payload);
		return entry;
	}
	check(update->append_count <= source->count);
	size_t at = source->count - update->append_count + number;
	entry.kind = source->entries[at].kind;
	if (source->wired != NULL) {
		entry.term = source->entries[at].term;
		entry.time_ns = source->wired[at]->time_ns;
		entry.blob = blob_new(proto_bytes(source->wired[at]->payload));
	} else {
		entry.term = update->append_term;
		entry.blob = blob_ref(source->tries[at].command);
	}
	return entry;
}

static void loop_write(struct loop *loop, const struct raft_update *update, const struct loop_source *source)
{
	if (update->write_id == 0)
		return;
	size_t count = update->append_from != 0 ? update->append_count : 0;
	struct write_job *job = write_job_new(count);
	job->write_id = update->write_id;
	job->term = update->term;
	job->vote = update->vote;
	job->truncate_from = update->truncate_from;
	if (update->truncate_from != 0)
		window_truncate(&loop->window, update->truncate_from);
	for (size_t i = 0; i < count; i++) {
		struct entry entry = loop_appended(loop, update, source, i);
		window_append(&loop->window, entry);
		job->entries[i] = entry;
		blob_ref(entry.blob);
	}
	loop->world.write(loop->world.argument, job);
}

/* ---- applying ---- */

/* The last index of the next job: bounded, and all in memory or none. */
static uint64_t loop_job_end(const struct loop *loop, uint64_t first)
{
	uint64_t last = first;
	size_t size_bytes = 0;
	for (; last < loop->apply_to && last - first + 1 < LOOP_APPLY_ENTRIES_MAX; last++) {
		const struct entry *entry = window_find(&loop->window, last);
		const struct entry *next = window_find(&loop->window, last + 1);
		size_bytes += entry != NULL ? entry_payload(entry).size : 0;
		if (size_bytes >= LOOP_APPLY_BYTES_MAX || (entry == NULL) != (next == NULL))
			break;
	}
	return last;
}

/* Not while a snapshot is on its way: it is installed after what was handed over before it was asked for, and what becomes
 * durable here meanwhile would come after it. */
static void loop_hand_over(struct loop *loop)
{
	while (!loop->fetching && loop->apply_handed < loop->apply_to && loop->apply_jobs < LOOP_APPLY_JOBS_MAX) {
		uint64_t first = loop->apply_handed + 1, last = loop_job_end(loop, first);
		bool in_memory = window_find(&loop->window, first) != NULL;
		struct apply_job *job = apply_job_new(first, last, in_memory ? (size_t)(last - first + 1) : 0);
		for (size_t i = 0; i < job->count; i++) {
			job->entries[i] = *window_find(&loop->window, first + i);
			blob_ref(job->entries[i].blob);
		}
		loop->apply_handed = last;
		loop->apply_ends[loop->apply_jobs++] = last;
		loop->world.apply(loop->world.argument, job);
	}
}

/* ---- acting on an update ---- */

static void loop_publish(struct loop *loop, const struct raft_update *update)
{
	struct loop_published *shown = loop->shown;
	bool changed = atomic_load(&shown->leader) != update->leader || atomic_load(&shown->term) != update->term;
	struct raft_status status;
	raft_status(loop->core, &status);
	/* A reader takes the lease first and the commit index after it: so this order, release each. */
	atomic_store(&shown->commit, update->commit);
	atomic_store(&shown->lease_until_ms, update->lease_until_ms);
	atomic_store(&shown->term, update->term);
	if (update->leader != 0 && update->leader != atomic_load(&shown->leader))
		atomic_fetch_add(&shown->leader_changes, 1);
	atomic_store(&shown->leader, update->leader);
	atomic_store(&shown->role, (int)update->role);
	atomic_store(&shown->first_index, status.first_index);
	atomic_store(&shown->last_index, status.last_index);
	atomic_store(&shown->damaged, update->damaged);
	atomic_store(&shown->removed, update->removed);
	if (!changed)
		return;
	loop->pause_until_ns = 0;
	loop->review_at_ns = 0;
	if (update->leader == 0) {
		log_info("no_leader", "term=%" PRIu64, update->term);
	} else {
		log_info("leader", "term=%" PRIu64 " leader=%016" PRIx64 " self=%d", update->term, update->leader,
		         update->leader == loop->member);
		pending_leader_changed(loop->pending, update->term);
		asks_leader_changed(loop->asks);
		inquiries_leader_changed(loop->leases.inquiries);
		loop->led_since_ns = loop->now_ns;
	}
}

static void loop_pause(struct loop *loop)
{
	loop->pause_until_ns = loop->now_ns + LOOP_REFUSED_PAUSE_MS * CLOCK_NS_PER_MS;
}

static void loop_reads(struct loop *loop, const struct raft_update *update)
{
	for (size_t i = 0; i < update->read_count; i++) {
		const struct raft_read *read = &update->reads[i];
		barriers_resolved(loop->barriers, read->read_id, read->err, read->index);
		if (read->err != ERR_OK)
			loop_pause(loop);
	}
	if (update->read_count != 0)
		barriers_applied(loop->barriers, loop->applied);
}

struct raft_event loop_event(const struct loop *loop, enum raft_event_type type)
{
	return (struct raft_event){.type = type, .now_ms = loop->now_ns / CLOCK_NS_PER_MS};
}

static void loop_fetch(struct loop *loop, const struct raft_update *update)
{
	loop->fetch_index = update->snapshot_index;
	loop->fetch_term = update->snapshot_term;
	loop->fetching = true;
	loop->world.snapshot_fetch(loop->world.argument, update->snapshot_from, update->snapshot_index,
	                           update->snapshot_term);
}

enum err loop_step(struct loop *loop, const struct raft_event *event, const struct loop_source *source)
{
	struct raft_update update;
	raft_step(loop->core, event, &update);
	loop_publish(loop, &update);
	loop_write(loop, &update, source);
	loop_send_messages(loop, &update);
	loop->apply_to = update.apply_to > loop->apply_to ? update.apply_to : loop->apply_to;
	loop_hand_over(loop);
	loop_reads(loop, &update);
	if (update.snapshot_for != 0)
		loop->world.snapshot_make(loop->world.argument, update.snapshot_for);
	if (update.snapshot_from != 0)
		loop_fetch(loop, &update);
	if (update.config_changed)
		loop->world.config_changed(loop->world.argument, raft_config_now(loop->core));
	loop->wake_at_ms = update.wake_at_ms;
	enum err proposal = update.proposal;
	arena_reset(&loop->arena);
	return proposal;
}

static void loop_step_event(struct loop *loop, const struct raft_event *event)
{
	static const struct loop_source nothing = {0};
	enum err ignored = loop_step(loop, event, &nothing);
	(void)ignored;
}

/* ---- proposals ---- */

enum err loop_append(struct loop *loop, size_t count, uint64_t *ret_index)
{
	for (size_t i = 0; i < count; i++)
		loop->proposed[i] = (struct raft_entry){
		    .kind = RAFT_ENTRY_COMMAND, .size_bytes = (uint32_t)blob_bytes(loop->tries[i].command).size};
	struct loop_source source = {.count = count, .entries = loop->proposed, .tries = loop->tries};
	struct raft_event event = loop_event(loop, RAFT_EVENT_PROPOSE);
	event.entries = loop->proposed;
	event.count = count;
	*ret_index = loop->window.next;
	return loop_step(loop, &event, &source);
}

static void loop_forward(struct loop *loop, uint64_t leader, const struct pending_try *try)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Forward forward = PEER__FORWARD__INIT;
	forward.attempt = try->attempt;
	forward.nonce = loop->nonce;
	forward.command = proto_data(blob_bytes(try->command));
	envelope.body_case = PEER__ENVELOPE__BODY_FORWARD;
	envelope.forward = &forward;
	if (loop_send(loop, leader, &envelope, 0))
		return;
	pending_refused(loop->pending, try->attempt); /* nobody has it */
	loop_pause(loop);
}

/* Makes one round of tries; false when there is no more to try now. */
static bool loop_propose_some(struct loop *loop)
{
	uint64_t leader = atomic_load(&loop->shown->leader), term = atomic_load(&loop->shown->term);
	if (leader == 0 || loop->now_ns < loop->pause_until_ns)
		return false;
	struct pending_try *tries = loop->tries;
	size_t count = pending_take(loop->pending, loop->now_ns, tries);
	uint64_t index = 0;
	enum err err = count != 0 && leader == loop->member ? loop_append(loop, count, &index) : ERR_OK;
	for (size_t i = 0; i < count; i++) {
		if (leader != loop->member)
			loop_forward(loop, leader, &tries[i]);
		else if (err == ERR_OK)
			pending_accepted(loop->pending, tries[i].attempt, index + i, term);
		else
			pending_refused(loop->pending, tries[i].attempt);
		blob_unref(tries[i].command);
	}
	if (err != ERR_OK)
		loop_pause(loop);
	return count != 0 && err == ERR_OK && loop->now_ns >= loop->pause_until_ns;
}

static void loop_answer(struct loop *loop, const struct forwarded *forwarded, uint64_t attempt, enum err err,
                        uint64_t index)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__ForwardReply reply = PEER__FORWARD_REPLY__INIT;
	reply.attempt = attempt;
	reply.nonce = forwarded->nonce;
	reply.outcome = err == ERR_OK ? 0 : err == ERR_BUSY ? 2 : 1;
	reply.index = index;
	reply.term = atomic_load(&loop->shown->term);
	envelope.body_case = PEER__ENVELOPE__BODY_FORWARD_REPLY;
	envelope.forward_reply = &reply;
	loop_send(loop, forwarded->from, &envelope, 0);
}

static void loop_append_forwarded(struct loop *loop)
{
	size_t count = loop->forwarded_count;
	uint64_t index = 0;
	if (count == 0)
		return;
	enum err err = loop_append(loop, count, &index);
	for (size_t i = 0; i < count; i++) {
		loop_answer(loop, &loop->forwarded[i], loop->tries[i].attempt, err, index + i);
		blob_unref(loop->tries[i].command);
	}
	loop->forwarded_count = loop->forwarded_bytes = 0;
}

static void loop_on_forward(struct loop *loop, uint64_t from, const Peer__Forward *forward)
{
	struct forwarded forwarded = {.from = from, .nonce = forward->nonce};
	if (forward->command.len == 0 || forward->command.len > LIMIT_ENTRY_BYTES) {
		loop_answer(loop, &forwarded, forward->attempt, ERR_INVALID, 0);
		return;
	}
	if (loop->forwarded_count == PENDING_TAKE_MAX || loop->forwarded_bytes >= PENDING_TAKE_BYTES_MAX)
		loop_append_forwarded(loop);
	loop->tries[loop->forwarded_count] =
	    (struct pending_try){.attempt = forward->attempt, .command = blob_new(proto_bytes(forward->command))};
	loop->forwarded[loop->forwarded_count++] = forwarded;
	loop->forwarded_bytes += forward->command.len;
}

static void loop_on_forward_reply(struct loop *loop, const Peer__ForwardReply *reply)
{
	if (reply->nonce != loop->nonce)
		return; /* to an earlier start of this node */
	if (reply->outcome == 0) {
		pending_accepted(loop->pending, reply->attempt, reply->index, reply->term);
		return;
	}
	pending_refused(loop->pending, reply->attempt);
	loop_pause(loop);
}

/* ---- events ---- */

static void loop_on_raft(struct loop *loop, uint64_t from, const Peer__Raft *raft)
{
	AUTO_ARENA struct arena arena; /* the loop's own is reset by each step */
	arena_init(&arena);
	struct raft_message message;
	if (wire_to_message(raft, from, loop->member, &arena, &message) != ERR_OK) {
		log_warn("message_dropped", "from=%016" PRIx64 " reason=\"not a message of the core\"", from);
		return;
	}
	struct loop_source source = {.count = message.count, .entries = message.entries, .wired = raft->entries};
	struct raft_event event = loop_event(loop, RAFT_EVENT_MESSAGE);
	event.message = &message;
	enum err ignored = loop_step(loop, &event, &source);
	(void)ignored;
}

void loop_message(struct loop *loop, const Peer__Envelope *envelope)
{
	switch ((int)envelope->body_case) {
	case PEER__ENVELOPE__BODY_RAFT:
		loop_on_raft(loop, envelope->from, envelope->raft);
		break;
	case PEER__ENVELOPE__BODY_FORWARD:
		loop_on_forward(loop, envelope->from, envelope->forward);
		break;
	case PEER__ENVELOPE__BODY_FORWARD_REPLY:
		loop_on_forward_reply(loop, envelope->forward_reply);
		break;
	case PEER__ENVELOPE__BODY_CHANGE:
		loop_on_change(loop, envelope->from, envelope->change);
		break;
	case PEER__ENVELOPE__BODY_CHANGE_REPLY:
		loop_on_change_reply(loop, envelope->change_reply);
		break;
	case PEER__ENVELOPE__BODY_LEASE_ASK:
		loop_on_lease_ask(loop, envelope->from, envelope->lease_ask);
		break;
	case PEER__ENVELOPE__BODY_LEASE_REPLY:
		loop_on_lease_reply(loop, envelope->lease_reply);
		break;
	default:
		break; /* of a later version */
	}
}

void loop_unreachable(struct loop *loop, uint64_t peer)
{
	struct raft_event event = loop_event(loop, RAFT_EVENT_UNREACHABLE);
	event.peer = peer;
	loop_step_event(loop, &event);
}

void loop_written(struct loop *loop, uint64_t write_id)
{
	loop_release_held(loop, write_id);
	struct raft_event event = loop_event(loop, RAFT_EVENT_WRITTEN);
	event.write_id = write_id;
	loop_step_event(loop, &event);
	struct raft_status status;
	raft_status(loop->core, &status);
	window_shrink(&loop->window, status.durable_index);
}

void loop_applied(struct loop *loop, uint64_t applied)
{
	if (applied <= loop->applied)
		return;
	loop->applied = applied;
	/* The apply role released readers before this was known here; those whose index came in between are released now. */
	barriers_applied(loop->barriers, applied);
	size_t done = 0;
	while (done < loop->apply_jobs && loop->apply_ends[done] <= applied)
		done++;
	loop->apply_jobs -= done;
	memmove(loop->apply_ends, loop->apply_ends + done, loop->apply_jobs * sizeof loop->apply_ends[0]);
	struct raft_event event = loop_event(loop, RAFT_EVENT_APPLIED);
	event.index = applied;
	loop_step_event(loop, &event);
}

void loop_trimmed(struct loop *loop, uint64_t index)
{
	/* Whoever looked at the state may have seen more than is told here: it stands at a snapshot before the log does. */
	if (index > loop->applied)
		index = loop->applied;
	if (index == 0)
		return;
	struct raft_event event = loop_event(loop, RAFT_EVENT_TRIMMED);
	event.index = index;
	loop_step_event(loop, &event);
	struct write_job *job = write_job_new(0);
	job->trim_to = index;
	loop->world.write(loop->world.argument, job);
}

void loop_disk_stalled(struct loop *loop)
{
	struct raft_event event = loop_event(loop, RAFT_EVENT_DISK_STALLED);
	loop_step_event(loop, &event);
}

uint64_t loop_furthest_peer(const struct loop *loop)
{
	struct raft_peer_status peers[LIMIT_MEMBERS];
	size_t count = raft_peers(loop->core, peers, LIMIT_MEMBERS), best = count;
	for (size_t i = 0; i < count; i++) {
		const struct raft_member *member = raft_config_find(raft_config_now(loop->core), peers[i].id);
		bool may_lead =
		    member != NULL && member->voter && peers[i].recent_active && peers[i].id != loop->member;
		if (may_lead && (best == count || peers[i].match > peers[best].match))
			best = i;
	}
	return best < count ? peers[best].id : 0;
}

void loop_transfer(struct loop *loop, uint64_t peer)
{
	if (peer == 0)
		peer = loop_furthest_peer(loop);
	if (peer == 0)
		return;
	struct raft_event event = loop_event(loop, RAFT_EVENT_TRANSFER);
	event.peer = peer;
	loop_step_event(loop, &event);
}

void loop_snapshot_ready(struct loop *loop, uint64_t peer, uint64_t index, uint64_t term, struct bytes config)
{
	struct raft_event event = loop_event(loop, RAFT_EVENT_SNAPSHOT_READY);
	event.peer = peer;
	event.index = index;
	event.term = term;
	event.config_payload = config;
	loop_step_event(loop, &event);
}

void loop_snapshot_failed(struct loop *loop, uint64_t peer, uint64_t index, uint64_t term)
{
	if (peer == 0 && (index != loop->fetch_index || term != loop->fetch_term))
		return; /* the core waits for a later one, and would take this as that one's failure */
	if (peer == 0)
		loop->fetching = false;
	struct raft_event event = loop_event(loop, RAFT_EVENT_SNAPSHOT_FAILED);
	event.peer = peer;
	event.index = index;
	event.term = term;
	loop_step_event(loop, &event);
}

void loop_snapshot_installed(struct loop *loop, uint64_t index, uint64_t term, struct bytes config)
{
	window_restart(&loop->window, index + 1);
	loop->fetching = loop->fetching && (index != loop->fetch_index || term != loop->fetch_term);
	loop->apply_to = loop->apply_handed = loop->applied = index;
	barriers_applied(loop->barriers, index);
	loop->apply_jobs = 0;
	struct raft_event event = loop_event(loop, RAFT_EVENT_SNAPSHOT_INSTALLED);
	event.index = index;
	event.term = term;
	event.config_payload = config;
	loop_step_event(loop, &event);
}

/* ---- a run ---- */

void loop_now(struct loop *loop, uint64_t steady_ns, int64_t wall_ns)
{
	if (steady_ns > loop->now_ns)
		loop->now_ns = steady_ns;
	loop->wall_ns = wall_ns;
}

static void loop_tick(struct loop *loop)
{
	if (loop->now_ns / CLOCK_NS_PER_MS < loop->wake_at_ms)
		return;
	struct raft_event event = loop_event(loop, RAFT_EVENT_TICK);
	loop_step_event(loop, &event);
}

static void loop_begin_round(struct loop *loop)
{
	if (loop->now_ns < loop->pause_until_ns || !barriers_want_round(loop->barriers, loop->now_ns))
		return;
	uint64_t read_id = ++loop->next_read_id;
	barriers_begin(loop->barriers, read_id, loop->now_ns);
	struct raft_event event = loop_event(loop, RAFT_EVENT_READ);
	event.read_id = read_id;
	loop_step_event(loop, &event);
}

/* Deadlines, and tries and rounds without an answer for an election timeout. */
static void loop_review(struct loop *loop)
{
	uint64_t patience_ns = (uint64_t)loop->election_timeout_ms * CLOCK_NS_PER_MS;
	uint64_t since_ns = loop->now_ns > patience_ns ? loop->now_ns - patience_ns : 0;
	enum err why_not = atomic_load(&loop->shown->leader) != 0 ? ERR_TIMEOUT : ERR_NO_LEADER;
	uint64_t next_ns = pending_review(loop->pending, loop->now_ns, since_ns, loop->applied, why_not);
	uint64_t read_ns = barriers_review(loop->barriers, loop->now_ns, since_ns);
	uint64_t ask_ns = asks_review(loop->asks, loop->now_ns, since_ns, why_not);
	uint64_t lease_ns = inquiries_review(loop->leases.inquiries, loop->now_ns, since_ns, why_not);
	uint64_t again_ns = loop->now_ns + LOOP_REVIEW_MS * CLOCK_NS_PER_MS;
	next_ns = read_ns < next_ns ? read_ns : next_ns;
	next_ns = ask_ns < next_ns ? ask_ns : next_ns;
	next_ns = lease_ns < next_ns ? lease_ns : next_ns;
	loop->review_at_ns = again_ns < next_ns ? again_ns : next_ns;
}

static void loop_report_dropped(struct loop *loop)
{
	for (size_t i = 0, count = loop->dropped_count; i < count; i++)
		loop_unreachable(loop, loop->dropped[i]);
	loop->dropped_count = 0;
}

uint64_t loop_finish(struct loop *loop)
{
	loop_append_forwarded(loop);
	loop_count_leases(loop);
	loop_begin_round(loop);
	while (loop_propose_some(loop)) {
	}
	if (loop->now_ns >= loop->review_at_ns)
		loop_review(loop);
	loop_tick(loop);
	loop_changes(loop);
	loop_report_dropped(loop);
	uint64_t wake_ns = loop->wake_at_ms * CLOCK_NS_PER_MS;
	bool somebody_waits = pending_count(loop->pending) != 0 || barriers_count(loop->barriers) != 0 ||
	                      asks_count(loop->asks) != 0 || inquiries_count(loop->leases.inquiries) != 0;
	uint64_t lease_ns = loop_leases_wake_ns(loop);
	wake_ns = lease_ns < wake_ns ? lease_ns : wake_ns;
	if (loop->review_at_ns < wake_ns && somebody_waits)
		wake_ns = loop->review_at_ns;
	if (loop->pause_until_ns > loop->now_ns && loop->pause_until_ns < wake_ns)
		wake_ns = loop->pause_until_ns;
	return wake_ns;
}

/* ---- life ---- */

enum err loop_new(const struct loop_options *options, struct loop **ret_loop)
{
	const struct raft_start *start = options->start;
	struct raft *core = NULL;
	enum err err = raft_new(options->raft, start, &core);
	if (err != ERR_OK)
		return err;
	struct loop *loop = memory_new(sizeof *loop);
	loop->core = core;
	loop->cluster = options->cluster;
	loop->member = options->member;
	loop->election_timeout_ms = options->raft->election_timeout_ms;
	loop->nonce = options->raft->seed;
	loop->voters_max = options->voters_max;
	random_init(&loop->random, ~options->raft->seed);
	loop->asks = asks_new();
	loop_leases_init(loop);
	loop->pending = options->pending;
	loop->barriers = options->barriers;
	loop->shown = options->shown;
	loop->world = options->world;
	loop->now_ns = start->now_ms * CLOCK_NS_PER_MS;
	loop->apply_to = loop->apply_handed = loop->applied = start->applied;
	window_init(&loop->window, start->snapshot_index + start->count + 1);
	/* What there is to show before the first step. */
	atomic_store(&loop->shown->term, start->term);
	atomic_store(&loop->shown->commit, start->applied);
	atomic_store(&loop->shown->first_index, start->snapshot_index + 1);
	atomic_store(&loop->shown->last_index, loop->window.next - 1);
	atomic_store(&loop->shown->damaged, start->damaged);
	STAILQ_INIT(&loop->held);
	arena_init(&loop->arena);
	buffer_init(&loop->frame, FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX);
	*ret_loop = loop;
	return ERR_OK;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	struct held *held;
	while ((held = STAILQ_FIRST(&loop->held)) != NULL) {
		STAILQ_REMOVE_HEAD(&loop->held, next);
		free(held);
	}
	check(loop->forwarded_count == 0); /* each run ends with loop_finish() */
	asks_free(loop->asks);
	loop_leases_fini(loop);
	window_fini(&loop->window);
	arena_fini(&loop->arena);
	buffer_fini(&loop->frame);
	raft_free(loop->core);
	free(loop);
}

const struct raft *loop_core(const struct loop *loop)
{
	return loop->core;
}

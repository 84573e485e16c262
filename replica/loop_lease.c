/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases. What is asked of them at this node goes to the leader; the leader counts their time (lessor.h), answers while it
 * surely leads, and proposes that they end, or what they have left.
 */
#include "replica/loop_private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"

enum { LEASES_READ_AGAIN_MS = 1000 }; /* after a read that failed */

/* ---- answers ---- */

/* How an answer ends, by its number on the wire. */
static const enum err lease_outcomes[] = {ERR_OK, ERR_NOT_LEADER, ERR_BUSY, ERR_LEASE_NOT_FOUND};
enum { LEASE_OUTCOMES = sizeof lease_outcomes / sizeof lease_outcomes[0] };

static uint32_t lease_outcome_code(enum err err)
{
	uint32_t code = 0;
	while (code < LEASE_OUTCOMES && lease_outcomes[code] != err)
		code++;
	check(code < LEASE_OUTCOMES);
	return code;
}

static void leases_answer(struct loop *loop, const struct lease_wait *wait, const struct replica_lease_outcome *outcome)
{
	struct leases *leases = &loop->leases;
	if (wait->from == loop->member) {
		inquiries_answered(leases->inquiries, wait->asked.number, outcome, loop->now_ns);
		return;
	}
	if (leases->answer_count == leases->answer_capacity) {
		leases->answer_capacity = leases->answer_capacity != 0 ? leases->answer_capacity * 2 : 64;
		leases->answers = memory_resize(leases->answers, leases->answer_capacity, sizeof *leases->answers);
	}
	leases->answers[leases->answer_count++] = (struct lease_answer){
	    .from = wait->from, .nonce = wait->nonce, .number = wait->asked.number, .outcome = *outcome};
}

static void lease_reply_add(Peer__LeaseReply *reply, const struct lease_answer *answer)
{
	size_t at = reply->n_numbers;
	reply->numbers[at] = answer->number;
	reply->outcomes[at] = lease_outcome_code(answer->outcome.err);
	reply->ttls_s[at] = answer->outcome.ttl_s;
	reply->lefts_ms[at] = answer->outcome.left_ms;
	reply->n_numbers = reply->n_outcomes = reply->n_ttls_s = reply->n_lefts_ms = at + 1;
}

/* Sends those of the first one's asker, as many as one message takes, and keeps the others. */
static void leases_send_some(struct loop *loop)
{
	struct leases *leases = &loop->leases;
	uint64_t numbers[INQUIRIES_TAKE_MAX];
	uint32_t outcomes[INQUIRIES_TAKE_MAX];
	int64_t ttls_s[INQUIRIES_TAKE_MAX], lefts_ms[INQUIRIES_TAKE_MAX];
	const uint64_t from = leases->answers[0].from, nonce = leases->answers[0].nonce;
	size_t kept = 0;
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__LeaseReply reply = PEER__LEASE_REPLY__INIT;
	reply.nonce = nonce;
	reply.numbers = numbers;
	reply.outcomes = outcomes;
	reply.ttls_s = ttls_s;
	reply.lefts_ms = lefts_ms;
	for (size_t i = 0; i < leases->answer_count; i++) {
		const struct lease_answer *answer = &leases->answers[i];
		if (answer->from == from && answer->nonce == nonce && reply.n_numbers < INQUIRIES_TAKE_MAX)
			lease_reply_add(&reply, answer);
		else
			leases->answers[kept++] = *answer;
	}
	leases->answer_count = kept;
	envelope.body_case = PEER__ENVELOPE__BODY_LEASE_REPLY;
	envelope.lease_reply = &reply;
	loop_send(loop, from, &envelope, 0); /* what is lost is asked for again */
}

void loop_on_lease_reply(struct loop *loop, const Peer__LeaseReply *reply)
{
	size_t count = reply->n_numbers;
	bool whole = reply->n_outcomes == count && reply->n_ttls_s == count && reply->n_lefts_ms == count;
	if (reply->nonce != loop->nonce || !whole)
		return; /* to an earlier start of this node */
	for (size_t i = 0; i < count; i++) {
		/* What a later version might say is no answer yet. */
		uint32_t code = reply->outcomes[i];
		const struct replica_lease_outcome outcome = {.err = code < LEASE_OUTCOMES ? lease_outcomes[code]
		                                                                           : ERR_BUSY,
		                                              .ttl_s = reply->ttls_s[i],
		                                              .left_ms = reply->lefts_ms[i]};
		inquiries_answered(loop->leases.inquiries, reply->numbers[i], &outcome, loop->now_ns);
	}
}

/* ---- at the leader: what was asked ---- */

static void leases_wait(struct loop *loop, struct lease_wait *wait, uint64_t index)
{
	wait->index = index;
	STAILQ_INSERT_TAIL(&loop->leases.waits, wait, next);
	loop->leases.wait_count++;
}

static struct lease_wait *leases_take(struct leases *leases)
{
	struct lease_wait *wait = STAILQ_FIRST(&leases->waits);
	STAILQ_REMOVE_HEAD(&leases->waits, next);
	leases->wait_count--;
	return wait;
}

/* Not before all is applied that was committed when it was asked, and so all that was acknowledged to anybody. */
static void leases_asked(struct loop *loop, const struct lease_wait *from)
{
	struct raft_status status;
	raft_status(loop->core, &status);
	bool leads = status.role == RAFT_LEADER;
	if (!leads || loop->leases.wait_count == LOOP_LEASE_WAITS_MAX) {
		leases_answer(loop, from, &(struct replica_lease_outcome){.err = leads ? ERR_BUSY : ERR_NOT_LEADER});
		return;
	}
	struct lease_wait *wait = memory_new(sizeof *wait);
	*wait = *from;
	leases_wait(loop, wait, status.commit);
}

void loop_on_lease_ask(struct loop *loop, uint64_t from, const Peer__LeaseAsk *ask)
{
	size_t count = ask->n_numbers;
	if (ask->n_kinds != count || ask->n_ids != count || count > INQUIRIES_TAKE_MAX)
		return;
	for (size_t i = 0; i < count; i++) {
		if (ask->kinds[i] != REPLICA_LEASE_KEEP_ALIVE && ask->kinds[i] != REPLICA_LEASE_LOOK)
			continue; /* of a later version */
		const struct lease_wait wait = {.from = from,
		                                .nonce = ask->nonce,
		                                .asked = {.number = ask->numbers[i],
		                                          .kind = (enum replica_lease_ask)ask->kinds[i],
		                                          .id = ask->ids[i]}};
		leases_asked(loop, &wait);
	}
}

static enum lessor_answer leases_ask_lessor(struct loop *loop, const struct inquiry_try *asked,
                                            struct lessor_time *ret_time)
{
	struct lessor *lessor = loop->leases.lessor;
	if (asked->kind == REPLICA_LEASE_KEEP_ALIVE)
		return lessor_keep_alive(lessor, asked->id, loop->now_ns, ret_time);
	return lessor_look(lessor, asked->id, loop->now_ns, ret_time);
}

static void leases_answer_one(struct loop *loop, struct lease_wait *wait)
{
	struct lessor_time time = {0};
	enum lessor_answer answer = leases_ask_lessor(loop, &wait->asked, &time);
	if (answer == LESSOR_LATER) {
		leases_wait(loop, wait, loop->applied + 1);
		return;
	}
	enum err err = answer == LESSOR_ALIVE ? ERR_OK : ERR_LEASE_NOT_FOUND;
	leases_answer(loop, wait,
	              &(struct replica_lease_outcome){.err = err, .ttl_s = time.ttl_s, .left_ms = time.left_ms});
	free(wait);
}

/* Only while nobody else can lead: see raft/lease.h. */
static bool leases_surely_lead(const struct loop *loop)
{
	return loop->now_ns / CLOCK_NS_PER_MS < atomic_load(&loop->shown->lease_until_ms);
}

static void leases_answer_waits(struct loop *loop)
{
	struct leases *leases = &loop->leases;
	for (size_t i = leases->wait_count; i > 0 && STAILQ_FIRST(&leases->waits)->index <= loop->applied; i--)
		leases_answer_one(loop, leases_take(leases));
}

/* ---- at the leader: what time brings ---- */

static struct blob *leases_encode(struct loop *loop, struct kv_command *command)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, LIMIT_ENTRY_BYTES);
	command->proposer = loop->member;
	enum err err = kv_command_encode(command, &buffer);
	check(err == ERR_OK);
	return blob_new(buffer_bytes(&buffer));
}

/* One command for all checkpoints, and one for each end. Returns how many. */
static size_t leases_prepare(struct loop *loop, const struct lessor_step *steps, size_t step_count)
{
	struct kv_lease_left lefts[LESSOR_STEPS_MAX];
	uint64_t term = loop->leases.term;
	size_t left_count = 0, count = 0;
	for (size_t i = 0; i < step_count; i++) {
		struct kv_command command = {.kind = KV_COMMAND_LEASE_EXPIRE, .lease_expire = {steps[i].id, term}};
		if (steps[i].ends)
			loop->tries[count++].command = leases_encode(loop, &command);
		else
			lefts[left_count++] = (struct kv_lease_left){steps[i].id, steps[i].left_ms};
	}
	struct kv_command command = {.kind = KV_COMMAND_LEASE_CHECKPOINT,
	                             .lease_checkpoint = {term, lefts, left_count}};
	if (left_count != 0)
		loop->tries[count++].command = leases_encode(loop, &command);
	return count;
}

/* False: there is nothing more to do, now. */
static bool leases_propose_some(struct loop *loop)
{
	struct lessor_step steps[LESSOR_STEPS_MAX];
	size_t step_count = lessor_next(loop->leases.lessor, loop->now_ns, steps);
	if (step_count == 0)
		return false;
	uint64_t index = 0;
	size_t count = leases_prepare(loop, steps, step_count);
	enum err err = loop_append(loop, count, &index);
	for (size_t i = 0; i < count; i++)
		blob_unref(loop->tries[i].command);
	if (err == ERR_OK)
		return step_count == LESSOR_STEPS_MAX;
	lessor_refused(loop->leases.lessor, steps, step_count);
	loop->leases.pause_until_ns = loop->now_ns + LOOP_REFUSED_PAUSE_MS * CLOCK_NS_PER_MS;
	return false;
}

/* ---- at the leader: beginning ---- */

static void leases_stop_counting(struct loop *loop)
{
	struct leases *leases = &loop->leases;
	while (!STAILQ_EMPTY(&leases->waits))
		free(leases_take(leases)); /* whoever asked asks the next leader */
	lessor_clear(leases->lessor);
	leases->standing = LEASES_IDLE;
}

static void leases_follow(struct loop *loop)
{
	struct leases *leases = &loop->leases;
	struct raft_status status;
	raft_status(loop->core, &status);
	bool leads = status.role == RAFT_LEADER;
	if (leases->standing != LEASES_IDLE && (!leads || status.term != leases->term))
		leases_stop_counting(loop);
	if (leads && leases->standing == LEASES_IDLE) {
		leases->standing = LEASES_WAITING;
		leases->term = status.term;
		leases->first_index = status.last_index; /* a leader begins with an entry of its own */
		leases->pause_until_ns = 0;
	}
	/* What older leaders have decided comes before that entry, if it comes at all: it is not outrun by an answer of this one. */
	if (leases->standing == LEASES_WAITING && loop->applied >= leases->first_index) {
		leases->standing = LEASES_READING;
		leases->read_after = 0;
		lessor_begin(leases->lessor, loop->election_timeout_ms);
	}
}

static void leases_read_some(struct loop *loop)
{
	struct leases *leases = &loop->leases;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_lease_list list = {0};
	enum err err =
	    loop->world.leases(loop->world.argument, leases->read_after, LOOP_LEASES_READ_MAX, &arena, &list);
	if (err != ERR_OK) {
		leases->pause_until_ns = loop->now_ns + LEASES_READ_AGAIN_MS * CLOCK_NS_PER_MS;
		log_error("leases_unreadable",
		          "condition=%s reason=\"until they can be read, none is kept alive or ends\"", err_name(err));
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		lessor_add(leases->lessor, &list.leases[i], loop->now_ns);
	if (list.count != 0)
		leases->read_after = list.leases[list.count - 1].id;
	if (list.count < LOOP_LEASES_READ_MAX) {
		leases->standing = LEASES_COUNTING;
		log_debug("leases", "term=%" PRIu64 " count=%zu", leases->term, lessor_count(leases->lessor));
	}
}

void loop_leased(struct loop *loop, const struct kv_lease_event *event)
{
	if (loop->leases.standing >= LEASES_READING)
		lessor_event(loop->leases.lessor, event, loop->now_ns);
}

/* ---- asking ---- */

void loop_inquire(struct loop *loop, struct inquiry *inquiry)
{
	inquiries_add(loop->leases.inquiries, inquiry);
	loop->review_at_ns = 0;
}

static bool leases_send_asks(struct loop *loop, uint64_t leader, const struct inquiry_try *tries, size_t count)
{
	uint64_t numbers[INQUIRIES_TAKE_MAX];
	uint32_t kinds[INQUIRIES_TAKE_MAX];
	int64_t ids[INQUIRIES_TAKE_MAX];
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__LeaseAsk ask = PEER__LEASE_ASK__INIT;
	for (size_t i = 0; i < count; i++) {
		numbers[i] = tries[i].number;
		kinds[i] = tries[i].kind;
		ids[i] = tries[i].id;
	}
	ask.nonce = loop->nonce;
	ask.n_numbers = ask.n_kinds = ask.n_ids = count;
	ask.numbers = numbers;
	ask.kinds = kinds;
	ask.ids = ids;
	envelope.body_case = PEER__ENVELOPE__BODY_LEASE_ASK;
	envelope.lease_ask = &ask;
	return loop_send(loop, leader, &envelope, 0);
}

static void leases_ask(struct loop *loop, uint64_t leader, const struct inquiry_try *tries, size_t count)
{
	static const struct replica_lease_outcome not_now = {.err = ERR_BUSY};
	bool self = leader == loop->member, sent = self || leases_send_asks(loop, leader, tries, count);
	for (size_t i = 0; i < count; i++) {
		const struct lease_wait wait = {.from = loop->member, .nonce = loop->nonce, .asked = tries[i]};
		if (self)
			leases_asked(loop, &wait);
		else if (!sent)
			inquiries_answered(loop->leases.inquiries, tries[i].number, &not_now, loop->now_ns);
	}
}

static void leases_ask_some(struct loop *loop)
{
	struct inquiry_try tries[INQUIRIES_TAKE_MAX];
	size_t count = INQUIRIES_TAKE_MAX;
	uint64_t leader = atomic_load(&loop->shown->leader);
	while (leader != 0 && count == INQUIRIES_TAKE_MAX) {
		count = inquiries_next(loop->leases.inquiries, loop->now_ns, tries);
		if (count != 0)
			leases_ask(loop, leader, tries, count);
	}
}

/* ---- a run ---- */

void loop_count_leases(struct loop *loop)
{
	struct leases *leases = &loop->leases;
	leases_follow(loop);
	leases_ask_some(loop);
	if (leases->standing == LEASES_READING && loop->now_ns >= leases->pause_until_ns)
		leases_read_some(loop);
	if (leases->standing == LEASES_COUNTING && leases_surely_lead(loop)) {
		leases_answer_waits(loop);
		while (loop->now_ns >= leases->pause_until_ns && leases_propose_some(loop)) {
		}
	}
	while (leases->answer_count != 0)
		leases_send_some(loop);
}

uint64_t loop_leases_wake_ns(const struct loop *loop)
{
	const struct leases *leases = &loop->leases;
	uint64_t wake_ns = UINT64_MAX;
	if (leases->standing == LEASES_READING)
		wake_ns = loop->now_ns;
	else if (leases->standing == LEASES_COUNTING && leases_surely_lead(loop))
		wake_ns = lessor_wake_ns(leases->lessor);
	return wake_ns < leases->pause_until_ns ? leases->pause_until_ns : wake_ns;
}

/* ---- life ---- */

void loop_leases_init(struct loop *loop)
{
	loop->leases.inquiries = inquiries_new();
	loop->leases.lessor = lessor_new();
	STAILQ_INIT(&loop->leases.waits);
}

void loop_leases_fini(struct loop *loop)
{
	leases_stop_counting(loop);
	inquiries_free(loop->leases.inquiries);
	lessor_free(loop->leases.lessor);
	free(loop->leases.answers);
}

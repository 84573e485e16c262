/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/pending.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/bug.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/random.h"

enum { PENDING_TRY_BITS = 16 }; /* an attempt is a sequence, and the low bits of the number of its tries */

enum proposal_state { PROPOSAL_PREPARING, PROPOSAL_QUEUED, PROPOSAL_TRIED };

struct proposal {
	TAILQ_ENTRY(proposal) in_order, in_queue;
	enum proposal_state state;
	bool opens_session;
	uint64_t sequence, session; /* session: as encoded in the command */
	struct blob *command;
	uint64_t deadline_ns;
	replica_proposed done;
	void *argument;
	uint64_t tries, tried_at_ns;
	bool accepted; /* the last try: stands at (index, term) in the leader's log */
	uint64_t index, term;
	bool doubtful; /* an earlier try may still be applied */
};
TAILQ_HEAD(proposal_list, proposal);

struct pending {
	uint64_t member, nonce_base;
	pthread_mutex_t mutex;         /* guards all below; a leaf */
	struct map by_sequence;        /* all */
	struct proposal_list in_order; /* all, ascending by sequence */
	struct proposal_list queue;    /* those in PROPOSAL_QUEUED */
	uint64_t last_sequence, session;
	bool session_asked, stopped;
	size_t size_bytes;
};

struct pending *pending_new(uint64_t member)
{
	struct pending *pending = memory_new(sizeof *pending);
	pending->member = member;
	pending->nonce_base = random_from_system();
	pthread_mutex_init(&pending->mutex, NULL);
	map_init(&pending->by_sequence);
	TAILQ_INIT(&pending->in_order);
	TAILQ_INIT(&pending->queue);
	return pending;
}

void pending_free(struct pending *pending)
{
	if (pending == NULL)
		return;
	check(TAILQ_EMPTY(&pending->in_order));
	map_fini(&pending->by_sequence);
	pthread_mutex_destroy(&pending->mutex);
	free(pending);
}

static uint64_t proposal_attempt(const struct proposal *proposal)
{
	return proposal->sequence << PENDING_TRY_BITS | (proposal->tries & ((1 << PENDING_TRY_BITS) - 1));
}

/* The mutex is held. */
static void pending_enqueue(struct pending *pending, struct proposal *proposal)
{
	check(proposal->state != PROPOSAL_QUEUED);
	proposal->state = PROPOSAL_QUEUED;
	TAILQ_INSERT_TAIL(&pending->queue, proposal, in_queue);
}

/* The mutex is held. Then the proposal is the caller's alone. */
static void pending_remove(struct pending *pending, struct proposal *proposal)
{
	if (proposal->state == PROPOSAL_QUEUED)
		TAILQ_REMOVE(&pending->queue, proposal, in_queue);
	TAILQ_REMOVE(&pending->in_order, proposal, in_order);
	map_remove(&pending->by_sequence, proposal->sequence);
	pending->size_bytes -= blob_bytes(proposal->command).size;
}

static void proposal_free(struct proposal *proposal)
{
	blob_unref(proposal->command);
	free(proposal);
}

/* What is known of a proposal that ends without having been applied here: invariant 2. */
static enum err proposal_verdict(const struct proposal *proposal, enum err why_not)
{
	return proposal->doubtful || proposal->state == PROPOSAL_TRIED ? ERR_UNKNOWN_OUTCOME : why_not;
}

static void proposals_answer(struct proposal_list *list, enum err why_not)
{
	struct proposal *proposal;
	while ((proposal = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, proposal, in_order);
		proposal->done(proposal->argument, proposal_verdict(proposal, why_not), NULL);
		proposal_free(proposal);
	}
}

/* ---- adding ---- */

/* Registers a proposal in PROPOSAL_PREPARING, and fills the command's session fields. The mutex is held. */
static struct proposal *pending_register(struct pending *pending, struct kv_command *command,
                                         const struct proposal *from)
{
	struct proposal *proposal = memory_dup(from, sizeof *from);
	proposal->sequence = ++pending->last_sequence;
	proposal->session = pending->session;
	TAILQ_INSERT_TAIL(&pending->in_order, proposal, in_order);
	map_set(&pending->by_sequence, proposal->sequence, proposal);
	command->session = proposal->session;
	command->sequence = proposal->sequence;
	command->done_below = TAILQ_FIRST(&pending->in_order)->sequence;
	command->proposer = pending->member;
	return proposal;
}

static enum err command_blob(const struct kv_command *command, struct blob **ret_blob)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, LIMIT_ENTRY_BYTES);
	enum err err = kv_command_encode(command, &buffer);
	if (err == ERR_OK)
		*ret_blob = blob_new(buffer_bytes(&buffer));
	return err;
}

/* Queues what was registered, now that it is encoded; drops it otherwise. */
static enum err pending_queue(struct pending *pending, struct proposal *proposal, enum err err, struct blob *blob)
{
	pthread_mutex_lock(&pending->mutex);
	if (err == ERR_OK && pending->stopped)
		err = ERR_STOPPED;
	if (err == ERR_OK && pending->size_bytes + blob_bytes(blob).size > PENDING_BYTES_MAX)
		err = ERR_BUSY;
	if (err == ERR_OK) {
		proposal->command = blob;
		pending->size_bytes += blob_bytes(blob).size;
		pending_enqueue(pending, proposal);
	} else {
		pending_remove(pending, proposal);
	}
	pthread_mutex_unlock(&pending->mutex);
	if (err != ERR_OK) {
		blob_unref(blob);
		proposal_free(proposal);
	}
	return err;
}

enum err pending_add(struct pending *pending, const struct kv_command *command, uint64_t deadline_ns,
                     replica_proposed done, void *argument)
{
	const struct proposal from = {.deadline_ns = deadline_ns, .done = done, .argument = argument};
	struct kv_command filled = *command;
	struct proposal *proposal = NULL;
	enum err err = ERR_OK;
	pthread_mutex_lock(&pending->mutex);
	if (pending->stopped)
		err = ERR_STOPPED;
	else if (pending->by_sequence.count >= PENDING_COUNT_MAX)
		err = ERR_BUSY;
	else
		proposal = pending_register(pending, &filled, &from);
	pthread_mutex_unlock(&pending->mutex);
	if (err != ERR_OK)
		return err;
	struct blob *blob = NULL;
	err = command_blob(&filled, &blob);
	return pending_queue(pending, proposal, err, blob);
}

/* ---- the session ---- */

uint64_t pending_session(struct pending *pending)
{
	pthread_mutex_lock(&pending->mutex);
	uint64_t session = pending->session;
	pthread_mutex_unlock(&pending->mutex);
	return session;
}

void pending_session_ask(struct pending *pending, replica_proposed done, void *argument)
{
	const struct proposal from = {
	    .opens_session = true, .deadline_ns = UINT64_MAX, .done = done, .argument = argument};
	struct kv_command command = {.kind = KV_COMMAND_SESSION};
	struct proposal *proposal = NULL;
	pthread_mutex_lock(&pending->mutex);
	if (pending->session == 0 && !pending->session_asked && !pending->stopped) {
		pending->session_asked = true;
		proposal = pending_register(pending, &command, &from);
	}
	pthread_mutex_unlock(&pending->mutex);
	if (proposal == NULL)
		return;
	command.session_open.member = pending->member;
	command.session_open.nonce = pending->nonce_base + proposal->sequence;
	command.sequence = 0;
	struct blob *blob = NULL;
	enum err err = command_blob(&command, &blob);
	err = pending_queue(pending, proposal, err, blob);
	check(err == ERR_OK || err == ERR_STOPPED || err == ERR_BUSY);
	if (err == ERR_BUSY) {
		pthread_mutex_lock(&pending->mutex);
		pending->session_asked = false;
		pthread_mutex_unlock(&pending->mutex);
	}
}

void pending_session_opened(struct pending *pending, uint64_t session)
{
	pthread_mutex_lock(&pending->mutex);
	pending->session = session;
	pending->session_asked = false;
	pthread_mutex_unlock(&pending->mutex);
}

void pending_session_stale(struct pending *pending, uint64_t session)
{
	pthread_mutex_lock(&pending->mutex);
	if (pending->session == session)
		pending->session = 0;
	pthread_mutex_unlock(&pending->mutex);
}

/* The same command in the present session. */
static struct blob *command_in_session(const struct blob *command, uint64_t session)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_command decoded;
	struct blob *again = NULL;
	enum err err = kv_command_decode(blob_bytes(command), &arena, &decoded);
	check(err == ERR_OK);
	decoded.session = session;
	err = command_blob(&decoded, &again);
	check(err == ERR_OK);
	return again;
}

/* ---- tries ---- */

/* The first one that can be tried now, in PROPOSAL_PREPARING if it must get the present session first. The mutex is held. */
static struct proposal *pending_next(struct pending *pending)
{
	struct proposal *proposal;
	TAILQ_FOREACH(proposal, &pending->queue, in_queue)
	{
		if (proposal->opens_session || pending->session != 0)
			break;
	}
	if (proposal != NULL)
		TAILQ_REMOVE(&pending->queue, proposal, in_queue);
	return proposal;
}

/* The mutex is held, and let go meanwhile: a proposal in PROPOSAL_PREPARING is touched by nobody else. */
static void pending_rebind(struct pending *pending, struct proposal *proposal)
{
	proposal->state = PROPOSAL_PREPARING;
	uint64_t session = pending->session;
	pthread_mutex_unlock(&pending->mutex);
	struct blob *again = command_in_session(proposal->command, session);
	pthread_mutex_lock(&pending->mutex);
	pending->size_bytes += blob_bytes(again).size;
	pending->size_bytes -= blob_bytes(proposal->command).size;
	blob_unref(proposal->command);
	proposal->command = again;
	proposal->session = session;
}

size_t pending_take(struct pending *pending, uint64_t now_ns, struct pending_try tries[PENDING_TAKE_MAX])
{
	size_t count = 0, size_bytes = 0;
	struct proposal *proposal;
	pthread_mutex_lock(&pending->mutex);
	while (count < PENDING_TAKE_MAX && size_bytes < PENDING_TAKE_BYTES_MAX &&
	       (proposal = pending_next(pending)) != NULL) {
		if (!proposal->opens_session && proposal->session != pending->session)
			pending_rebind(pending, proposal);
		proposal->state = PROPOSAL_TRIED;
		proposal->tries++;
		proposal->tried_at_ns = now_ns;
		proposal->accepted = false;
		tries[count++] = (struct pending_try){proposal_attempt(proposal), blob_ref(proposal->command)};
		size_bytes += blob_bytes(proposal->command).size;
	}
	pthread_mutex_unlock(&pending->mutex);
	return count;
}

/* The proposal whose try under way this is, or NULL. The mutex is held. */
static struct proposal *pending_tried(struct pending *pending, uint64_t attempt)
{
	uint64_t sequence = attempt >> PENDING_TRY_BITS;
	struct proposal *proposal = sequence != 0 ? map_find(&pending->by_sequence, sequence) : NULL;
	bool under_way = proposal != NULL && proposal->state == PROPOSAL_TRIED && !proposal->accepted &&
	                 proposal_attempt(proposal) == attempt;
	return under_way ? proposal : NULL;
}

void pending_accepted(struct pending *pending, uint64_t attempt, uint64_t index, uint64_t term)
{
	pthread_mutex_lock(&pending->mutex);
	struct proposal *proposal = pending_tried(pending, attempt);
	if (proposal != NULL) {
		proposal->accepted = true;
		proposal->index = index;
		proposal->term = term;
	}
	pthread_mutex_unlock(&pending->mutex);
}

void pending_refused(struct pending *pending, uint64_t attempt)
{
	pthread_mutex_lock(&pending->mutex);
	struct proposal *proposal = pending_tried(pending, attempt);
	if (proposal != NULL)
		pending_enqueue(pending, proposal);
	pthread_mutex_unlock(&pending->mutex);
}

/* The mutex is held. */
static void pending_doubt(struct pending *pending, struct proposal *proposal)
{
	proposal->doubtful = !HAS_BUG(NEVER_IN_DOUBT);
	pending_enqueue(pending, proposal);
}

void pending_leader_changed(struct pending *pending, uint64_t term)
{
	struct proposal *proposal;
	pthread_mutex_lock(&pending->mutex);
	TAILQ_FOREACH(proposal, &pending->in_order, in_order)
	{
		bool kept = proposal->accepted && proposal->term == term;
		if (proposal->state == PROPOSAL_TRIED && !kept)
			pending_doubt(pending, proposal);
	}
	pthread_mutex_unlock(&pending->mutex);
}

/* The mutex is held. */
static void pending_review_one(struct pending *pending, struct proposal *proposal, uint64_t unanswered_since_ns,
                               uint64_t applied)
{
	if (proposal->state != PROPOSAL_TRIED)
		return;
	if (proposal->accepted && proposal->index <= applied)
		pending_enqueue(pending, proposal); /* another entry stands there: this try is dead */
	else if (!proposal->accepted && proposal->tried_at_ns <= unanswered_since_ns)
		pending_doubt(pending, proposal);
}

uint64_t pending_review(struct pending *pending, uint64_t now_ns, uint64_t unanswered_since_ns, uint64_t applied,
                        enum err why_not)
{
	struct proposal_list over = TAILQ_HEAD_INITIALIZER(over);
	uint64_t next_ns = UINT64_MAX;
	struct proposal *proposal, *after;
	pthread_mutex_lock(&pending->mutex);
	for (proposal = TAILQ_FIRST(&pending->in_order); proposal != NULL; proposal = after) {
		after = TAILQ_NEXT(proposal, in_order);
		pending_review_one(pending, proposal, unanswered_since_ns, applied);
		if (proposal->deadline_ns <= now_ns && proposal->state != PROPOSAL_PREPARING) {
			pending_remove(pending, proposal);
			TAILQ_INSERT_TAIL(&over, proposal, in_order);
		} else if (proposal->deadline_ns < next_ns) {
			next_ns = proposal->deadline_ns;
		}
	}
	pthread_mutex_unlock(&pending->mutex);
	proposals_answer(&over, why_not);
	return next_ns;
}

void pending_stop(struct pending *pending)
{
	struct proposal_list over = TAILQ_HEAD_INITIALIZER(over);
	struct proposal *proposal, *after;
	pthread_mutex_lock(&pending->mutex);
	pending->stopped = true;
	for (proposal = TAILQ_FIRST(&pending->in_order); proposal != NULL; proposal = after) {
		after = TAILQ_NEXT(proposal, in_order);
		if (proposal->state == PROPOSAL_PREPARING)
			continue; /* pending_queue() sees that it came too late */
		pending_remove(pending, proposal);
		TAILQ_INSERT_TAIL(&over, proposal, in_order);
	}
	pthread_mutex_unlock(&pending->mutex);
	proposals_answer(&over, ERR_STOPPED);
}

/* ---- outcomes ---- */

bool pending_is_empty(struct pending *pending)
{
	return pending_count(pending) == 0;
}

size_t pending_count(struct pending *pending)
{
	pthread_mutex_lock(&pending->mutex);
	size_t count = pending->by_sequence.count;
	pthread_mutex_unlock(&pending->mutex);
	return count;
}

static uint64_t pending_match_as(struct pending *pending, bool opens_session, uint64_t session, uint64_t sequence)
{
	if (sequence == 0)
		return 0;
	pthread_mutex_lock(&pending->mutex);
	struct proposal *proposal = map_find(&pending->by_sequence, sequence);
	bool ours = proposal != NULL && proposal->state != PROPOSAL_PREPARING &&
	            proposal->opens_session == opens_session && (opens_session || proposal->session == session);
	pthread_mutex_unlock(&pending->mutex);
	return ours ? sequence : 0;
}

uint64_t pending_match(struct pending *pending, uint64_t session, uint64_t sequence)
{
	return session != 0 ? pending_match_as(pending, false, session, sequence) : 0;
}

uint64_t pending_match_session(struct pending *pending, uint64_t nonce)
{
	return pending_match_as(pending, true, 0, nonce - pending->nonce_base);
}

/* A command of a session that is gone had no effect and can have none: it is made again. The mutex is held. */
static bool pending_again(struct pending *pending, struct proposal *proposal, const struct kv_result *result)
{
	if (result->err != ERR_STALE_SESSION || proposal->opens_session)
		return false;
	if (pending->session == proposal->session)
		pending->session = 0;
	if (proposal->state == PROPOSAL_TRIED)
		pending_enqueue(pending, proposal);
	return true;
}

void pending_finish(struct pending *pending, uint64_t sequence, struct kv_result *result)
{
	pthread_mutex_lock(&pending->mutex);
	struct proposal *proposal = map_find(&pending->by_sequence, sequence);
	bool answered = proposal != NULL && !pending_again(pending, proposal, result);
	if (answered)
		pending_remove(pending, proposal);
	pthread_mutex_unlock(&pending->mutex);
	if (!answered) {
		kv_result_free(result);
		return;
	}
	proposal->done(proposal->argument, ERR_OK, result);
	proposal_free(proposal);
}

/* The tried proposals as they are now: at most PENDING_COUNT_MAX pairs. */
static size_t pending_list_tried(struct pending *pending, uint64_t (*pairs)[2])
{
	size_t count = 0;
	struct proposal *proposal;
	pthread_mutex_lock(&pending->mutex);
	TAILQ_FOREACH(proposal, &pending->in_order, in_order)
	{
		bool may_be_applied = proposal->tries != 0 && !proposal->opens_session;
		if (may_be_applied && count < PENDING_COUNT_MAX) {
			pairs[count][0] = proposal->session;
			pairs[count++][1] = proposal->sequence;
		}
	}
	pthread_mutex_unlock(&pending->mutex);
	return count;
}

/* Nobody can tell any more whether it was applied. */
static void pending_give_up(struct pending *pending, uint64_t sequence)
{
	pthread_mutex_lock(&pending->mutex);
	struct proposal *proposal = map_find(&pending->by_sequence, sequence);
	if (proposal != NULL)
		pending_remove(pending, proposal);
	pthread_mutex_unlock(&pending->mutex);
	if (proposal == NULL)
		return;
	proposal->done(proposal->argument, ERR_UNKNOWN_OUTCOME, NULL);
	proposal_free(proposal);
}

void pending_skipped(struct pending *pending, pending_outcome fn, void *argument)
{
	AUTO_FREE uint64_t(*pairs)[2] = memory_new_array(PENDING_COUNT_MAX, sizeof *pairs);
	size_t count = pending_list_tried(pending, pairs);
	for (size_t i = 0; i < count; i++) {
		struct kv_result *result = NULL;
		enum err err = fn(argument, pairs[i][0], pairs[i][1], &result);
		if (err == ERR_OK)
			pending_finish(pending, pairs[i][1], result);
		else if (err != ERR_NOT_FOUND)
			pending_give_up(pending, pairs[i][1]);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, the apply role, owns everything that changes; whoever wants something posts a letter to it. Letters that wait
 * (held, or without a quorum) stand in their order until they can be answered or their deadline passes.
 */
#include "tests/support/solo.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mailbox.h"
#include "base/memory.h"
#include "base/role.h"
#include "store/store.h"

enum { LETTERS_MAX = 65536, TERM = 1 };

enum letter_kind {
	LETTER_PROPOSAL,
	LETTER_BARRIER,
	LETTER_CHANGE,
	LETTER_LEASE,
	LETTER_REMOTE,
	LETTER_PRECEDE,
	LETTER_WEATHER,
	LETTER_HELD
};

/* Wakes the one who waits for a letter's end. */
struct gate {
	pthread_mutex_t mutex;
	pthread_cond_t opened;
	bool open; /* below here: under the mutex */
	enum err err;
	struct kv_result *result;
};

struct letter {
	struct mailbox_letter letter;
	enum letter_kind kind;
	uint64_t deadline_ns;
	struct buffer command; /* encoded */
	replica_proposed proposed;
	replica_ready ready;
	replica_changed changed;
	struct replica_change_outcome outcome;
	replica_leased leased;
	int64_t lease;
	void *argument;
	struct gate *gate; /* for the kinds without a callback */
	enum solo_weather weather;
	bool held;
};

struct replica {
	char *name;
	uint64_t quota_bytes;
	struct store *store;
	struct mailbox *mailbox;
	pthread_t thread;
	bool started;
	solo_decides decides; /* NULL: nobody does */
	_Atomic uint64_t session, sequence, proposals;
	_Atomic enum solo_weather weather_now; /* a copy for those who only look */
	_Atomic bool unpublished;
	_Atomic bool held_now;
	/* of the apply thread */
	enum solo_weather weather;
	bool held;
	struct letter *preceding;
	struct letter *first, **last; /* waiting */
};

/* ---- gates ---- */

static void gate_init(struct gate *gate)
{
	*gate = (struct gate){.err = ERR_OK};
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_cond_init(&gate->opened, NULL);
}

static void gate_open(struct gate *gate, enum err err, struct kv_result *result)
{
	pthread_mutex_lock(&gate->mutex);
	check(!gate->open);
	gate->open = true;
	gate->err = err;
	gate->result = result;
	pthread_cond_signal(&gate->opened);
	pthread_mutex_unlock(&gate->mutex);
}

static enum err gate_wait(struct gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	while (!gate->open)
		pthread_cond_wait(&gate->opened, &gate->mutex);
	enum err err = gate->err;
	pthread_mutex_unlock(&gate->mutex);
	pthread_cond_destroy(&gate->opened);
	pthread_mutex_destroy(&gate->mutex);
	return err;
}

static void gate_proposed(void *argument, enum err err, struct kv_result *result)
{
	gate_open(argument, err, result);
}

static void gate_ready(void *argument, enum err err)
{
	gate_open(argument, err, NULL);
}

/* ---- letters ---- */

static struct letter *letter_new(enum letter_kind kind)
{
	struct letter *letter = memory_new(sizeof(*letter));
	letter->kind = kind;
	buffer_init(&letter->command, LIMIT_ENTRY_BYTES);
	return letter;
}

static void letter_free(struct letter *letter)
{
	buffer_fini(&letter->command);
	free(letter);
}

static void letter_answer_change(struct letter *letter, enum err err)
{
	struct replica_change_outcome failed = {.err = err, .why = ""};
	letter->changed(letter->argument, err == ERR_OK ? &letter->outcome : &failed);
}

/* As the state has it: no time passes for leases here. */
static void letter_answer_lease(struct replica *replica, struct letter *letter)
{
	struct kv_lease lease = {0};
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_lease(view, letter->lease, &lease);
	kv_view_close(view);
	letter->leased(letter->argument,
	               &(struct replica_lease_outcome){.err = err, .ttl_s = lease.ttl_s, .left_ms = lease.left_ms});
	letter_free(letter);
}

static void letter_answer(struct letter *letter, enum err err, struct kv_result *result)
{
	if (letter->kind == LETTER_PROPOSAL)
		letter->proposed(letter->argument, err, result);
	else if (letter->kind == LETTER_BARRIER)
		letter->ready(letter->argument, err);
	else if (letter->kind == LETTER_CHANGE)
		letter_answer_change(letter, err);
	else if (letter->kind == LETTER_LEASE)
		letter->leased(letter->argument, &(struct replica_lease_outcome){.err = err});
	else
		gate_open(letter->gate, err, result);
	letter_free(letter);
}

static enum err letter_post(struct replica *replica, struct letter *letter)
{
	enum err err = mailbox_post(replica->mailbox, &letter->letter);
	if (err != ERR_OK)
		letter_free(letter);
	return err;
}

/* ---- the apply thread ---- */

static struct kv_result *command_apply(struct replica *replica, struct bytes command)
{
	struct store_entry entry = {
	    .index = store_applied(replica->store) + 1,
	    .term = TERM,
	    .time_ns = clock_wall_ns(),
	    .payload = command,
	};
	struct kv_result *result = NULL;
	store_apply(replica->store, &entry, 1, &(bool){true}, &result);
	check(result != NULL);
	return result;
}

static void preceding_apply(struct replica *replica)
{
	struct letter *letter = replica->preceding;
	if (letter == NULL)
		return;
	replica->preceding = NULL;
	kv_result_free(command_apply(replica, buffer_bytes(&letter->command)));
	letter_free(letter);
}

/* True once the letter is answered and freed. */
static bool proposal_handle(struct replica *replica, struct letter *letter, uint64_t now_ns)
{
	bool late = now_ns >= letter->deadline_ns, applied = letter->command.size == 0;
	if (!applied && !replica->held && replica->weather != SOLO_NO_QUORUM) {
		preceding_apply(replica);
		struct kv_result *result = command_apply(replica, buffer_bytes(&letter->command));
		atomic_fetch_add(&replica->proposals, 1);
		if (replica->weather == SOLO_FAIR) {
			letter_answer(letter, ERR_OK, result);
			return true;
		}
		kv_result_free(result);
		buffer_clear(&letter->command); /* applied, and waits for an answer that never comes */
		applied = true;
	}
	if (late)
		letter_answer(letter, applied ? ERR_UNKNOWN_OUTCOME : ERR_TIMEOUT, NULL);
	return late;
}

static bool barrier_handle(struct replica *replica, struct letter *letter, uint64_t now_ns)
{
	bool passes = !replica->held && replica->weather == SOLO_FAIR, late = now_ns >= letter->deadline_ns;
	if (passes && letter->kind == LETTER_LEASE)
		letter_answer_lease(replica, letter);
	else if (passes || late)
		letter_answer(letter, passes ? ERR_OK : ERR_TIMEOUT, NULL);
	return passes || late;
}

static void waiting_handle(struct replica *replica, uint64_t now_ns)
{
	struct letter **at = &replica->first, *letter;
	while ((letter = *at) != NULL) {
		struct letter *next = (struct letter *)letter->letter.next;
		bool answered = letter->kind == LETTER_PROPOSAL ? proposal_handle(replica, letter, now_ns)
		                                                : barrier_handle(replica, letter, now_ns);
		if (answered)
			*at = next;
		else
			at = (struct letter **)&letter->letter.next;
	}
	replica->last = at;
}

static void precede_set(struct replica *replica, struct letter *letter)
{
	struct gate *gate = letter->gate;
	check(replica->preceding == NULL);
	replica->preceding = letter;
	gate_open(gate, ERR_OK, NULL);
}

static void letter_handle(struct replica *replica, struct letter *letter)
{
	switch (letter->kind) {
	case LETTER_PROPOSAL:
	case LETTER_BARRIER:
	case LETTER_CHANGE:
	case LETTER_LEASE:
		letter->letter.next = NULL;
		*replica->last = letter;
		replica->last = (struct letter **)&letter->letter.next;
		break;
	case LETTER_REMOTE:
		letter_answer(letter, ERR_OK, command_apply(replica, buffer_bytes(&letter->command)));
		break;
	case LETTER_PRECEDE:
		precede_set(replica, letter);
		break;
	case LETTER_WEATHER:
		replica->weather = letter->weather;
		atomic_store(&replica->weather_now, letter->weather);
		letter_answer(letter, ERR_OK, NULL);
		break;
	case LETTER_HELD:
		replica->held = letter->held;
		atomic_store(&replica->held_now, letter->held);
		letter_answer(letter, ERR_OK, NULL);
		break;
	}
}

static uint64_t waiting_deadline(const struct replica *replica)
{
	uint64_t deadline_ns = UINT64_MAX;
	for (struct letter *letter = replica->first; letter; letter = (struct letter *)letter->letter.next)
		deadline_ns = letter->deadline_ns < deadline_ns ? letter->deadline_ns : deadline_ns;
	return deadline_ns;
}

static void waiting_stop(struct replica *replica)
{
	for (struct letter *letter = replica->first, *next; letter; letter = next) {
		next = (struct letter *)letter->letter.next;
		letter_answer(letter, ERR_STOPPED, NULL);
	}
	replica->first = NULL;
	replica->last = &replica->first;
	if (replica->preceding)
		letter_free(replica->preceding);
	replica->preceding = NULL;
}

static void *apply_run(void *argument)
{
	struct replica *replica = argument;
	role_take(&role_apply);
	while (true) {
		struct mailbox_letter *all = mailbox_drain(replica->mailbox, waiting_deadline(replica));
		bool stopped = all == NULL && mailbox_is_stopped(replica->mailbox);
		while (all != NULL) {
			struct letter *letter = (struct letter *)all;
			all = all->next;
			letter_handle(replica, letter);
			waiting_handle(replica, clock_steady_ns());
		}
		waiting_handle(replica, clock_steady_ns());
		if (stopped)
			break;
	}
	waiting_stop(replica);
	return NULL;
}

/* ---- replica/replica.h ---- */

enum err replica_open(const struct replica_options *options, struct replica **ret_replica)
{
	struct kv_member member = {
	    .id = SOLO_MEMBER,
	    .name = options->name,
	    .peer_urls = options->listen_peer_url ? options->listen_peer_url : "",
	    .client_urls = options->client_urls ? options->client_urls : "",
	};
	struct store_options store_options = {
	    .directory = options->data_directory,
	    .memory_bytes = options->memory_bytes,
	    .initial_members = &member,
	    .initial_member_count = 1,
	};
	struct store *store;
	enum err err = store_open(&store_options, &store);
	if (err != ERR_OK)
		return err;
	struct replica *replica = memory_new(sizeof(*replica));
	replica->name = memory_dup_string(options->name);
	replica->quota_bytes = options->quota_bytes;
	replica->store = store;
	replica->mailbox = mailbox_new(LETTERS_MAX);
	replica->last = &replica->first;
	*ret_replica = replica;
	return ERR_OK;
}

void replica_observe(struct replica *replica, const struct kv_observer *observer)
{
	check(!replica->started);
	store_observe(replica->store, observer);
}

enum err replica_start(struct replica *replica)
{
	check(!replica->started);
	check(pthread_create(&replica->thread, NULL, apply_run, replica) == 0);
	replica->started = true;
	struct kv_command command = {
	    .kind = KV_COMMAND_SESSION,
	    .proposer = SOLO_MEMBER,
	    .session_open = {.member = SOLO_MEMBER, .nonce = (uint64_t)clock_wall_ns()},
	};
	struct kv_result *result = solo_apply_remote(replica, &command);
	check(result->err == ERR_OK && result->session != 0);
	atomic_store(&replica->session, result->session);
	kv_result_free(result);
	return ERR_OK;
}

void replica_stop(struct replica *replica)
{
	mailbox_stop(replica->mailbox);
	if (replica->started)
		pthread_join(replica->thread, NULL);
	replica->started = false;
}

void replica_close(struct replica *replica)
{
	check(!replica->started);
	mailbox_free(replica->mailbox);
	store_close(replica->store);
	free(replica->name);
	free(replica);
}

struct kv *replica_kv(struct replica *replica)
{
	return store_kv(replica->store);
}

enum err replica_propose(struct replica *replica, const struct kv_command *command, uint64_t deadline_ns,
                         replica_proposed done, void *argument)
{
	struct kv_command stamped = *command;
	stamped.quota_bytes = replica->quota_bytes;
	enum err err = store_admit(replica->store, &stamped);
	if (err != ERR_OK)
		return err;
	stamped.proposer = SOLO_MEMBER;
	stamped.session = atomic_load(&replica->session);
	stamped.sequence = atomic_fetch_add(&replica->sequence, 1) + 1;
	stamped.done_below = stamped.sequence > LETTERS_MAX ? stamped.sequence - LETTERS_MAX : 0;
	struct letter *letter = letter_new(LETTER_PROPOSAL);
	letter->deadline_ns = deadline_ns;
	letter->proposed = done;
	letter->argument = argument;
	err = kv_command_encode(&stamped, &letter->command);
	if (err == ERR_OK)
		return letter_post(replica, letter);
	letter_free(letter);
	return err;
}

enum err replica_propose_wait(struct replica *replica, const struct kv_command *command, uint64_t deadline_ns,
                              struct kv_result **ret_result)
{
	struct gate gate;
	gate_init(&gate);
	enum err err = replica_propose(replica, command, deadline_ns, gate_proposed, &gate);
	if (err != ERR_OK)
		return err;
	err = gate_wait(&gate);
	if (err == ERR_OK)
		*ret_result = gate.result;
	return err;
}

uint64_t replica_session(struct replica *replica)
{
	return atomic_load(&replica->session);
}

enum err replica_barrier(struct replica *replica, uint64_t deadline_ns, replica_ready ready, void *argument,
                         bool *ret_pending)
{
	*ret_pending = atomic_load(&replica->held_now) || atomic_load(&replica->weather_now) != SOLO_FAIR;
	if (!*ret_pending)
		return mailbox_is_stopped(replica->mailbox) ? ERR_STOPPED : ERR_OK;
	struct letter *letter = letter_new(LETTER_BARRIER);
	letter->deadline_ns = deadline_ns;
	letter->ready = ready;
	letter->argument = argument;
	return letter_post(replica, letter);
}

enum err replica_barrier_wait(struct replica *replica, uint64_t deadline_ns)
{
	struct gate gate;
	gate_init(&gate);
	bool pending;
	enum err err = replica_barrier(replica, deadline_ns, gate_ready, &gate, &pending);
	return err == ERR_OK && pending ? gate_wait(&gate) : err;
}

static enum err change_post(struct replica *replica, const struct replica_change *change, uint64_t deadline_ns,
                            replica_changed done, void *argument)
{
	struct letter *letter = letter_new(LETTER_CHANGE);
	letter->deadline_ns = deadline_ns;
	letter->changed = done;
	letter->argument = argument;
	letter->outcome = replica->decides != NULL ? replica->decides(change)
	                                           : (struct replica_change_outcome){.err = ERR_UNSUPPORTED, .why = ""};
	return letter_post(replica, letter);
}

enum err replica_change(struct replica *replica, const struct replica_change *change, uint64_t deadline_ns,
                        replica_changed done, void *argument)
{
	return change_post(replica, change, deadline_ns, done, argument);
}

enum err replica_lead(struct replica *replica, uint64_t member, uint64_t deadline_ns, replica_changed done,
                      void *argument)
{
	struct replica_change lead = {.id = member, .name = "", .peer_urls = "", .client_urls = ""};
	return change_post(replica, &lead, deadline_ns, done, argument);
}

enum err replica_lease(struct replica *replica, enum replica_lease_ask ask, int64_t id, uint64_t deadline_ns,
                       replica_leased done, void *argument)
{
	(void)ask;
	struct letter *letter = letter_new(LETTER_LEASE);
	letter->deadline_ns = deadline_ns;
	letter->leased = done;
	letter->lease = id;
	letter->argument = argument;
	return letter_post(replica, letter);
}

struct replica_place replica_place(struct replica *replica)
{
	bool leads = atomic_load(&replica->weather_now) == SOLO_FAIR;
	return (struct replica_place){
	    .cluster_id = 1, .member_id = SOLO_MEMBER, .leader_id = leads ? SOLO_MEMBER : 0, .term = TERM};
}

void replica_status(struct replica *replica, struct arena *arena, struct replica_status *ret_status)
{
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	uint64_t applied = kv_view_index(view);
	struct replica_member_status *self = arena_zero(arena, 1, sizeof(*self));
	*self = (struct replica_member_status){
	    .id = SOLO_MEMBER,
	    .name = arena_dup_string(arena, bytes_of_string(replica->name)),
	    .role = "leader",
	    .peer_urls = "",
	    .client_urls = "",
	    .version = "",
	    .self = true,
	    .reachable = true,
	    .is_voter = true,
	    .term = TERM,
	    .commit = applied,
	    .applied = applied,
	    .last_index = applied,
	    .revision = kv_view_revision(view),
	    .heard_ns = clock_wall_ns(),
	};
	*ret_status = (struct replica_status){
	    .cluster_id = 1,
	    .member_id = SOLO_MEMBER,
	    .leader_id = SOLO_MEMBER,
	    .term = TERM,
	    .commit = applied,
	    .applied = applied,
	    .revision = self->revision,
	    .compacted = kv_view_compacted(view),
	    .name = self->name,
	    .has_quorum = atomic_load(&replica->weather_now) == SOLO_FAIR,
	    .published = !atomic_load(&replica->unpublished),
	    .members = self,
	    .member_count = 1,
	    .quota_bytes = replica->quota_bytes,
	};
	check(kv_alarms(view, arena, &ret_status->alarms) == ERR_OK);
	kv_view_close(view);
}

enum err replica_metrics(struct replica *replica, struct buffer *buffer)
{
	return buffer_append(buffer, BYTES_LITERAL("etcd_server_has_leader 1\n"));
}

/* ---- switches ---- */

void solo_decide(struct replica *replica, solo_decides decides)
{
	replica->decides = decides;
}

static struct kv_result *letter_send(struct replica *replica, struct letter *letter)
{
	struct gate gate;
	gate_init(&gate);
	letter->gate = &gate;
	mailbox_post_always(replica->mailbox, &letter->letter);
	check(gate_wait(&gate) == ERR_OK);
	return gate.result;
}

static struct letter *letter_of_remote(enum letter_kind kind, const struct kv_command *command)
{
	struct letter *letter = letter_new(kind);
	struct kv_command stamped = *command;
	if (stamped.proposer == 0)
		stamped.proposer = SOLO_OTHER_MEMBER;
	check(kv_command_encode(&stamped, &letter->command) == ERR_OK);
	return letter;
}

void solo_set_weather(struct replica *replica, enum solo_weather weather)
{
	struct letter *letter = letter_new(LETTER_WEATHER);
	letter->weather = weather;
	letter_send(replica, letter);
}

void solo_unpublish(struct replica *replica)
{
	atomic_store(&replica->unpublished, true);
}

void solo_hold(struct replica *replica)
{
	struct letter *letter = letter_new(LETTER_HELD);
	letter->held = true;
	letter_send(replica, letter);
}

void solo_release(struct replica *replica)
{
	letter_send(replica, letter_new(LETTER_HELD));
}

struct kv_result *solo_apply_remote(struct replica *replica, const struct kv_command *command)
{
	return letter_send(replica, letter_of_remote(LETTER_REMOTE, command));
}

void solo_precede_next(struct replica *replica, const struct kv_command *command)
{
	letter_send(replica, letter_of_remote(LETTER_PRECEDE, command));
}

uint64_t solo_proposals(struct replica *replica)
{
	return atomic_load(&replica->proposals);
}

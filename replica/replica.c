/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/replica.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/wait.h"
#include "replica/asks.h"
#include "replica/decision.h"
#include "replica/inquiries.h"
#include "replica/node.h"
#include "replica/recovery.h"
#include "replica/snapshots.h"

/* ---- waiting for a completion ---- */

struct replica_wait {
	pthread_mutex_t mutex; /* guards all below */
	pthread_cond_t finished;
	bool done;
	enum err err;
	struct kv_result *result;
};

static void replica_wait_init(struct replica_wait *wait)
{
	*wait = (struct replica_wait){0};
	pthread_mutex_init(&wait->mutex, NULL);
	wait_cond_init(&wait->finished);
}

static void replica_wait_finish(struct replica_wait *wait, enum err err, struct kv_result *result)
{
	pthread_mutex_lock(&wait->mutex);
	wait->done = true;
	wait->err = err;
	wait->result = result;
	pthread_cond_signal(&wait->finished);
	pthread_mutex_unlock(&wait->mutex);
}

static void replica_wait_until_done(struct replica_wait *wait)
{
	pthread_mutex_lock(&wait->mutex);
	while (!wait->done)
		pthread_cond_wait(&wait->finished, &wait->mutex);
	pthread_mutex_unlock(&wait->mutex);
	pthread_cond_destroy(&wait->finished);
	pthread_mutex_destroy(&wait->mutex);
}

/* ---- life ---- */

static char *replica_string(struct replica *replica, const char *string)
{
	return arena_dup_string(&replica->arena, bytes_of_string(string != NULL ? string : ""));
}

static void replica_options_copy(struct replica *replica, const struct replica_options *options)
{
	struct replica_options *own = &replica->options;
	struct replica_peer *peers = arena_zero(&replica->arena, options->initial_count, sizeof *peers);
	*own = *options;
	own->name = replica_string(replica, options->name);
	own->data_directory = replica_string(replica, options->data_directory);
	own->listen_peer_url = replica_string(replica, options->listen_peer_url);
	own->client_urls = replica_string(replica, options->client_urls);
	own->cluster_token = replica_string(replica, options->cluster_token);
	own->version = replica_string(replica, options->version);
	own->join_url = options->join_url != NULL ? replica_string(replica, options->join_url) : NULL;
	own->replace = options->replace != NULL ? replica_string(replica, options->replace) : NULL;
	for (size_t i = 0; i < options->initial_count; i++) {
		peers[i].name = replica_string(replica, options->initial_cluster[i].name);
		peers[i].url = replica_string(replica, options->initial_cluster[i].url);
	}
	own->initial_cluster = peers;
}

static struct replica *replica_new(const struct replica_options *options)
{
	struct replica *replica = memory_new(sizeof *replica);
	arena_init(&replica->arena);
	replica_options_copy(replica, options);
	replica->lock = -1;
	replica->started_ns = clock_wall_ns();
	replica->compactor = (struct compactor){.kind = options->compaction,
	                                        .retention = options->compaction_retention,
	                                        .quota_bytes = options->quota_bytes};
	pthread_mutex_init(&replica->jobs_mutex, NULL);
	pthread_mutex_init(&replica->facts_mutex, NULL);
	node_leases_init(replica);
	STAILQ_INIT(&replica->writes);
	STAILQ_INIT(&replica->applies);
	raft_config_init(&replica->config);
	replica->inbox = mailbox_new(NODE_INBOX_MAX);
	replica->keeper_bell = mailbox_new(1);
	replica->barriers = barriers_new();
	replica->reports = reports_new();
	return replica;
}

static enum err replica_open_transport(struct replica *replica)
{
	struct transport_options options = {
	    .cluster = replica->identity.cluster,
	    .member = replica->identity.member,
	    .incarnation = replica->identity.boot,
	    .directory = replica->identity.directory,
	    .election_timeout_ms = replica->options.election_timeout_ms,
	    .name = replica->identity.name,
	    .listen_url = replica->options.listen_peer_url,
	    .received = node_received,
	    .unreachable = node_unreachable,
	    .is_fresh = node_is_fresh,
	    .judge = node_judge,
	    .judged = node_judged,
	    .speaks = node_speaks,
	    .asked = node_asked,
	    .argument = replica,
	};
	return transport_open(&options, &replica->transport);
}

static enum err replica_recover(struct replica *replica)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct raftlog_state state = {0};
	struct raft_start start = {0};
	enum err err = recovery_open(replica, &state);
	if (err == ERR_OK) {
		struct kv_observer leases = node_lease_observer(replica);
		store_observe(replica->store, &leases);
	}
	if (err == ERR_OK)
		err = recovery_start(replica, &state, &arena, &start);
	if (err == ERR_OK)
		err = replica_open_transport(replica);
	if (err != ERR_OK)
		return err;
	static const crew_work work[CREW_DUTIES] = {
	    [CREW_LOG] = node_log, [CREW_RAFT] = node_raft, [CREW_APPLY] = node_apply};
	replica->crew = crew_new(work, replica);
	replica->pending = pending_new(replica->identity.member);
	replica->snapshots = snapshots_new(replica);
	atomic_store(&replica->applied, start.applied);
	atomic_store(&replica->confirmed, replica->identity.confirmed);
	replica->opened_ns = clock_steady_ns();
	err = node_loop_new(replica, &start, &replica->loop);
	if (err == ERR_OK)
		node_config_set(replica, raft_config_now(loop_core(replica->loop)));
	return err;
}

enum err replica_open(const struct replica_options *options, struct replica **ret_replica)
{
	check(options->election_timeout_ms > options->heartbeat_interval_ms && options->heartbeat_interval_ms > 0);
	struct replica *replica = replica_new(options);
	enum err err = replica_recover(replica);
	if (err != ERR_OK) {
		replica_close(replica);
		return err;
	}
	log_info("opened", "name=%s member=%016" PRIx64 " cluster=%016" PRIx64 " boot=%" PRIu64 " applied=%" PRIu64,
	         replica->identity.name, replica->identity.member, replica->identity.cluster, replica->identity.boot,
	         store_applied(replica->store));
	*ret_replica = replica;
	return ERR_OK;
}

void replica_observe(struct replica *replica, const struct kv_observer *observer)
{
	check(!atomic_load(&replica->running));
	store_observe(replica->store, observer);
}

enum err replica_start(struct replica *replica)
{
	atomic_store(&replica->running, true);
	crew_start(replica->crew);
	node_peers_refresh(replica);
	transport_start(replica->transport);
	snapshots_start(replica->snapshots);
	node_keeper_start(replica);
	crew_want(replica->crew, CREW_RAFT);
	return ERR_OK;
}

static void replica_wait_led(void *argument, const struct replica_change_outcome *outcome)
{
	replica_wait_finish(argument, outcome->err, NULL);
}

/* A leader that just went would leave the others without one until they notice, which takes them an election timeout. It goes once
 * another one leads, or when that takes as long. */
static void replica_hand_over(struct replica *replica)
{
	uint64_t began_ns = clock_steady_ns();
	uint64_t deadline_ns = began_ns + replica->options.election_timeout_ms * CLOCK_NS_PER_MS;
	struct replica_wait wait;
	if (atomic_load(&replica->shown.leader) != replica->identity.member)
		return;
	replica_wait_init(&wait);
	enum err err = replica_lead(replica, 0, deadline_ns, replica_wait_led, &wait);
	if (err != ERR_OK)
		return;
	replica_wait_until_done(&wait);
	if (wait.err == ERR_OK)
		log_info("handed_over", "leader=%016" PRIx64 " ms=%" PRIu64, atomic_load(&replica->shown.leader),
		         (clock_steady_ns() - began_ns) / CLOCK_NS_PER_MS);
	else if (wait.err != ERR_NOT_FOUND)
		log_warn("not_handed_over", "condition=%s reason=\"the others elect a leader once they miss this one\"",
		         err_name(wait.err));
}

/* New work is refused first; then what could give work to another is stopped before it. */
void replica_stop(struct replica *replica)
{
	if (atomic_load(&replica->running))
		replica_hand_over(replica);
	if (!atomic_exchange(&replica->running, false))
		return;
	node_keeper_stop(replica);
	transport_stop(replica->transport);
	snapshots_stop(replica->snapshots);
	crew_stop(replica->crew);
	node_drop_letters(mailbox_drain(replica->inbox, 0));
	loop_stop(replica->loop);
	pending_stop(replica->pending);
	barriers_stop(replica->barriers, ERR_STOPPED);
}

static void replica_drop_work(struct replica *replica)
{
	struct write_job *write;
	struct apply_job *apply;
	while ((write = STAILQ_FIRST(&replica->writes)) != NULL) {
		STAILQ_REMOVE_HEAD(&replica->writes, next);
		write_job_free(write);
	}
	while ((apply = STAILQ_FIRST(&replica->applies)) != NULL) {
		STAILQ_REMOVE_HEAD(&replica->applies, next);
		apply_job_free(apply);
	}
	node_drop_letters(mailbox_drain(replica->inbox, 0));
}

void replica_close(struct replica *replica)
{
	if (replica == NULL)
		return;
	check(!atomic_load(&replica->running));
	replica_drop_work(replica);
	if (replica->transport != NULL)
		transport_close(replica->transport);
	snapshots_free(replica->snapshots);
	loop_free(replica->loop);
	pending_free(replica->pending);
	barriers_free(replica->barriers);
	reports_free(replica->reports);
	crew_free(replica->crew);
	recovery_close(replica);
	mailbox_free(replica->inbox);
	mailbox_free(replica->keeper_bell);
	raft_config_fini(&replica->config);
	node_leases_fini(replica);
	pthread_mutex_destroy(&replica->facts_mutex);
	pthread_mutex_destroy(&replica->jobs_mutex);
	arena_fini(&replica->arena);
	free(replica);
}

enum err replica_verdict(struct replica *replica)
{
	return (enum err)atomic_load(&replica->verdict);
}

struct kv *replica_kv(struct replica *replica)
{
	return store_kv(replica->store);
}

void replica_transfer(struct replica *replica, uint64_t member)
{
	if (!atomic_load(&replica->running))
		return;
	struct letter *letter = letter_new(LETTER_TRANSFER);
	letter->peer = member;
	node_post(replica, letter);
}

static enum err replica_refuses(struct replica *replica)
{
	if (!atomic_load(&replica->running) || atomic_load(&replica->verdict) != ERR_OK)
		return ERR_STOPPED;
	return atomic_load(&replica->differs) ? ERR_DAMAGED : ERR_OK;
}

/* ---- proposing ---- */

enum err replica_propose(struct replica *replica, const struct kv_command *command, uint64_t deadline_ns,
                         replica_proposed done, void *argument)
{
	struct kv_command own = *command;
	own.quota_bytes = replica->options.quota_bytes;
	enum err err = replica_refuses(replica);
	if (err == ERR_OK)
		err = store_admit(replica->store, &own);
	if (err == ERR_OK)
		err = pending_add(replica->pending, &own, deadline_ns, done, argument);
	if (err == ERR_OK)
		crew_want(replica->crew, CREW_RAFT);
	return err;
}

static void replica_wait_proposed(void *argument, enum err err, struct kv_result *result)
{
	replica_wait_finish(argument, err, result);
}

enum err replica_propose_wait(struct replica *replica, const struct kv_command *command, uint64_t deadline_ns,
                              struct kv_result **ret_result)
{
	struct replica_wait wait;
	replica_wait_init(&wait);
	enum err err = replica_propose(replica, command, deadline_ns, replica_wait_proposed, &wait);
	if (err != ERR_OK)
		return err;
	replica_wait_until_done(&wait);
	if (wait.err == ERR_OK)
		*ret_result = wait.result;
	return wait.err;
}

uint64_t replica_session(struct replica *replica)
{
	return pending_session(replica->pending);
}

/* ---- leases ---- */

enum err replica_lease(struct replica *replica, enum replica_lease_ask ask, int64_t id, uint64_t deadline_ns,
                       replica_leased done, void *argument)
{
	enum err err = replica_refuses(replica);
	if (err != ERR_OK)
		return err;
	struct letter *letter = letter_new(LETTER_LEASE);
	letter->inquiry = inquiry_new(ask, id, deadline_ns, done, argument);
	err = mailbox_post(replica->inbox, &letter->link);
	if (err == ERR_OK) {
		crew_want(replica->crew, CREW_RAFT);
		return ERR_OK;
	}
	inquiry_free(letter->inquiry);
	letter->inquiry = NULL;
	letter_free(letter);
	return err;
}

/* ---- members ---- */

static void replica_ask(struct replica *replica, const struct replica_change *change, uint64_t deadline_ns,
                        replica_changed done, void *argument)
{
	struct letter *letter = letter_new(LETTER_CHANGE);
	letter->ask = ask_new(change, deadline_ns, done, argument);
	node_post(replica, letter);
}

enum err replica_change(struct replica *replica, const struct replica_change *change, uint64_t deadline_ns,
                        replica_changed done, void *argument)
{
	enum err err = replica_refuses(replica);
	if (err == ERR_OK)
		err = decision_check(change);
	if (err == ERR_OK)
		replica_ask(replica, change, deadline_ns, done, argument);
	return err;
}

/* Voters before learners, and those that answer before those that do not: of whoever cannot lead the leader says why. 0: there is
 * nobody else. */
static uint64_t replica_furthest(struct replica *replica)
{
	AUTO_ARENA struct arena arena;
	struct replica_status status;
	arena_init(&arena);
	replica_status(replica, &arena, &status);
	const struct replica_member_status *best = NULL;
	for (size_t i = 0; i < status.member_count; i++) {
		const struct replica_member_status *member = &status.members[i];
		if (member->id == status.leader_id)
			continue;
		bool better = best == NULL || member->is_voter > best->is_voter;
		if (!better && member->is_voter == best->is_voter)
			better = member->reachable > best->reachable ||
			         (member->reachable == best->reachable && member->last_index > best->last_index);
		if (better)
			best = member;
	}
	return best != NULL ? best->id : 0;
}

enum err replica_lead(struct replica *replica, uint64_t member, uint64_t deadline_ns, replica_changed done,
                      void *argument)
{
	enum err err = replica_refuses(replica);
	if (err != ERR_OK)
		return err;
	/* A leader knows better than its reports who is furthest: the loop looks. */
	bool leads = atomic_load(&replica->shown.leader) == replica->identity.member;
	if (member == 0 && !leads)
		member = replica_furthest(replica);
	if (member == 0 && !leads)
		return ERR_NOT_FOUND;
	replica_ask(replica, &(struct replica_change){.kind = REPLICA_LEAD, .id = member}, deadline_ns, done, argument);
	return ERR_OK;
}

/* ---- reading ---- */

/* A leader with its lease: the state at its commit index will do (thesis §6.4.1). The clock is read first, the lease after it
 * and the commit index last, against the order in which loop.c publishes them. Where the reader is paused does not matter, if only
 * its view is opened after this: docs/architecture.md, the way of a read. */
bool node_lease_index(struct replica *replica, uint64_t *ret_index)
{
	uint64_t now_ms = clock_steady_ms();
	uint64_t lease_until_ms = atomic_load(&replica->shown.lease_until_ms);
	if (now_ms >= lease_until_ms && !(HAS_BUG(LEASE_WITHOUT_CLOCK) && lease_until_ms != 0))
		return false;
	*ret_index = atomic_load(&replica->shown.commit);
	return true;
}

enum err replica_barrier(struct replica *replica, uint64_t deadline_ns, replica_ready ready, void *argument,
                         bool *ret_pending)
{
	struct barriers_waiter waiter = {.deadline_ns = deadline_ns, .ready = ready, .argument = argument};
	uint64_t index = 0;
	enum err err = replica_refuses(replica);
	if (err != ERR_OK)
		return err;
	bool leased = node_lease_index(replica, &index);
	if (leased && store_applied(replica->store) >= index) {
		*ret_pending = false;
		return ERR_OK;
	}
	if (!leased)
		waiter.came_ns = clock_steady_ns();
	err = leased ? barriers_add_at(replica->barriers, &waiter, index) : barriers_add(replica->barriers, &waiter);
	if (err != ERR_OK)
		return err;
	/* It may have been applied meanwhile: the apply role looks. Else it is the raft role's turn to ask the leader. */
	crew_want(replica->crew, leased ? CREW_APPLY : CREW_RAFT);
	*ret_pending = true;
	return ERR_OK;
}

static void replica_wait_ready(void *argument, enum err err)
{
	replica_wait_finish(argument, err, NULL);
}

enum err replica_barrier_wait(struct replica *replica, uint64_t deadline_ns)
{
	struct replica_wait wait;
	bool pending = false;
	replica_wait_init(&wait);
	enum err err = replica_barrier(replica, deadline_ns, replica_wait_ready, &wait, &pending);
	if (err != ERR_OK || !pending)
		return err;
	replica_wait_until_done(&wait);
	return wait.err;
}

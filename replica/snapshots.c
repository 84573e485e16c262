/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/snapshots.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/memory.h"
#include "replica/fetch.h"
#include "replica/node.h"
#include "replica/shelf.h"

enum { SNAPSHOTS_REVIEW_MS = 5000 };

enum order_kind { ORDER_MAKE, ORDER_FETCH, ORDER_MESSAGE };

struct order {
	struct mailbox_letter link;
	enum order_kind kind;
	uint64_t peer, index, term;
	struct arena arena;
	Peer__Envelope *envelope;
};

struct snapshots {
	struct replica *replica;
	struct mailbox *inbox;
	pthread_t thread;
	bool started;
	char *directory;
	struct shelf *shelf;
	struct fetch fetch;
	uint64_t installs;
	uint64_t leftovers_until_ns; /* what a fetch has left is kept until then; UINT64_MAX: there is nothing */
	struct buffer frame;
	atomic_bool busy;
	atomic_uint_fast64_t done_bytes, total_bytes;
};

/* ---- the directory ---- */

static const char snapshots_fetched[] = "in-"; /* what fetches have left begins so */

static bool snapshots_is_fetched(const char *name)
{
	return strncmp(name, snapshots_fetched, strlen(snapshots_fetched)) == 0;
}

/* Removes what fetches have left, or everything else; but for one path. */
static void snapshots_sweep(const struct snapshots *snapshots, bool (*wanted)(const char *name), const char *but)
{
	DIR *directory = opendir(snapshots->directory);
	const struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		AUTO_FREE char *path = memory_format("%s/%s", snapshots->directory, entry->d_name);
		if (entry->d_name[0] == '.' || !wanted(entry->d_name) || (but != NULL && strcmp(path, but) == 0))
			continue;
		log_info("snapshot_leftover_removed", "path=%s", path);
		enum err err = file_remove_tree(path);
		(void)err; /* logged */
	}
	if (directory != NULL)
		closedir(directory);
}

/* What was handed out, and what was to be installed and was not. */
static bool snapshots_is_stale(const char *name)
{
	return !snapshots_is_fetched(name);
}

struct snapshots *snapshots_new(struct replica *replica)
{
	struct snapshots *snapshots = memory_new(sizeof *snapshots);
	snapshots->replica = replica;
	snapshots->inbox = mailbox_new(SNAPSHOT_INBOX_MAX);
	snapshots->directory = memory_format("%s/snapshots", replica->options.data_directory);
	snapshots->shelf = shelf_new(replica->store, snapshots->directory);
	fetch_init(&snapshots->fetch);
	buffer_init(&snapshots->frame, FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX);
	snapshots_sweep(snapshots, snapshots_is_stale, NULL);
	snapshots->leftovers_until_ns = clock_steady_ns() + SNAPSHOT_KEEP_MS * CLOCK_NS_PER_MS;
	return snapshots;
}

static void order_free(struct order *order)
{
	arena_fini(&order->arena);
	free(order);
}

void snapshots_free(struct snapshots *snapshots)
{
	if (snapshots == NULL)
		return;
	struct mailbox_letter *letters = mailbox_drain(snapshots->inbox, 0);
	while (letters != NULL) {
		struct order *order = (struct order *)letters;
		letters = letters->next;
		order_free(order);
	}
	mailbox_free(snapshots->inbox);
	shelf_free(snapshots->shelf);
	fetch_leave(&snapshots->fetch);
	buffer_fini(&snapshots->frame);
	free(snapshots->directory);
	free(snapshots);
}

/* ---- orders ---- */

static struct order *order_new(enum order_kind kind)
{
	struct order *order = memory_new(sizeof *order);
	order->kind = kind;
	arena_init(&order->arena);
	return order;
}

void snapshots_make(struct snapshots *snapshots, uint64_t peer)
{
	struct order *order = order_new(ORDER_MAKE);
	order->peer = peer;
	mailbox_post_always(snapshots->inbox, &order->link); /* one per member at a time: raft.h */
}

void snapshots_fetch(struct snapshots *snapshots, uint64_t from, uint64_t index, uint64_t term)
{
	struct order *order = order_new(ORDER_FETCH);
	order->peer = from;
	order->index = index;
	order->term = term;
	atomic_store(&snapshots->busy, true);
	mailbox_post_always(snapshots->inbox, &order->link); /* one at a time: raft.h */
}

bool snapshots_received(struct snapshots *snapshots, struct arena *arena, Peer__Envelope *envelope)
{
	struct order *order = memory_new(sizeof *order);
	order->kind = ORDER_MESSAGE;
	order->arena = *arena;
	order->envelope = envelope;
	if (mailbox_post(snapshots->inbox, &order->link) == ERR_OK)
		return true;
	free(order); /* what is lost is asked for again */
	return false;
}

/* ---- doing them ---- */

static void snapshots_send(struct snapshots *snapshots, uint64_t to, Peer__Envelope *envelope)
{
	struct replica *replica = snapshots->replica;
	envelope->cluster = replica->identity.cluster;
	envelope->from = replica->identity.member;
	envelope->to = to;
	buffer_clear(&snapshots->frame);
	enum err err = frame_pack(envelope, &snapshots->frame);
	check(err == ERR_OK);
	err = transport_send(replica->transport, to, buffer_bytes(&snapshots->frame));
	(void)err; /* what is lost is asked for again */
	transport_flush(replica->transport);
}

static void snapshots_do_make(struct snapshots *snapshots, const struct order *order)
{
	struct letter *letter = letter_new(LETTER_SNAPSHOT_FAILED);
	struct store_snapshot snapshot = {0};
	letter->peer = order->peer;
	if (shelf_make(snapshots->shelf, clock_steady_ns(), &letter->arena, &snapshot) == ERR_OK) {
		letter->kind = LETTER_SNAPSHOT_READY;
		letter->index = snapshot.index;
		letter->term = snapshot.term;
		letter->config = snapshot.config_payload;
		log_info("snapshot_made", "for=%016" PRIx64 " index=%" PRIu64, order->peer, snapshot.index);
	}
	node_post(snapshots->replica, letter);
}

static void snapshots_fetch_failed(struct snapshots *snapshots, uint64_t index, uint64_t term)
{
	struct letter *letter = letter_new(LETTER_SNAPSHOT_FAILED);
	letter->index = index;
	letter->term = term;
	node_post(snapshots->replica, letter);
}

static void snapshots_do_fetch(struct snapshots *snapshots, const struct order *order)
{
	struct fetch *fetch = &snapshots->fetch;
	bool same = fetch->state != FETCH_NONE && fetch->from == order->peer && fetch->index == order->index &&
	            fetch->term == order->term;
	if (same)
		return;
	/* The name says what it is, so that it is known again. */
	AUTO_FREE char *directory = memory_format("%s/%s%016" PRIx64 "-%" PRIu64 "-%" PRIu64, snapshots->directory,
	                                          snapshots_fetched, order->peer, order->index, order->term);
	fetch_end(fetch);
	snapshots_sweep(snapshots, snapshots_is_fetched, directory);
	if (file_make_directory(snapshots->directory, 0700) == ERR_OK)
		fetch_begin(fetch, order->peer, order->index, order->term, directory, clock_steady_ns());
	else
		snapshots_fetch_failed(snapshots, order->index, order->term);
}

/* The core offers it to this peer no longer, and asks for another one. */
static void snapshots_not_there(struct snapshots *snapshots, uint64_t peer, uint64_t index, uint64_t term)
{
	struct letter *letter = letter_new(LETTER_SNAPSHOT_FAILED);
	letter->peer = peer;
	letter->index = index;
	letter->term = term;
	node_post(snapshots->replica, letter);
}

/* A peer could make nothing of it. If this node's state is to blame, no snapshot from here will do, but one of another leader. */
static void snapshots_refuted(struct snapshots *snapshots, uint64_t peer, const Peer__SnapshotAsk *ask)
{
	log_warn("snapshot_refuted", "by=%016" PRIx64 " index=%" PRIu64, peer, ask->index);
	if (shelf_refuted(snapshots->shelf, ask->index, ask->term) != ERR_CORRUPT)
		return;
	log_error("state_damaged", "path=%s remedy=\"this node's copy is damaged: replace this member\"",
	          snapshots->replica->options.data_directory);
	replica_transfer(snapshots->replica, 0);
}

static void snapshots_do_ask(struct snapshots *snapshots, struct order *order, Peer__Envelope *answer)
{
	const Peer__SnapshotAsk *ask = order->envelope->snapshot_ask;
	if (ask->broken)
		snapshots_refuted(snapshots, order->envelope->from, ask);
	answer->body_case = PEER__ENVELOPE__BODY_SNAPSHOT_OFFER;
	answer->snapshot_offer = shelf_offer(snapshots->shelf, clock_steady_ns(), ask, &order->arena);
}

static void snapshots_do_ask_chunk(struct snapshots *snapshots, struct order *order, Peer__Envelope *answer)
{
	const Peer__ChunkAsk *ask = order->envelope->chunk_ask;
	Peer__SnapshotAsk whole = PEER__SNAPSHOT_ASK__INIT;
	whole.index = ask->index;
	whole.term = ask->term;
	if (!shelf_has(snapshots->shelf, ask->index, ask->term)) {
		answer->body_case = PEER__ENVELOPE__BODY_SNAPSHOT_OFFER;
		answer->snapshot_offer = shelf_offer(snapshots->shelf, 0, &whole, &order->arena);
		return;
	}
	answer->chunk = shelf_read(snapshots->shelf, clock_steady_ns(), ask, &order->arena);
	if (answer->chunk != NULL)
		answer->body_case = PEER__ENVELOPE__BODY_CHUNK;
}

static void snapshots_answer(struct snapshots *snapshots, uint64_t to, Peer__Envelope *answer)
{
	if (answer->body_case == PEER__ENVELOPE__BODY__NOT_SET)
		return;
	snapshots_send(snapshots, to, answer);
	if (answer->body_case == PEER__ENVELOPE__BODY_SNAPSHOT_OFFER && answer->snapshot_offer->n_files == 0)
		snapshots_not_there(snapshots, to, answer->snapshot_offer->index, answer->snapshot_offer->term);
}

static void snapshots_do_message(struct snapshots *snapshots, struct order *order)
{
	const Peer__Envelope *message = order->envelope;
	Peer__Envelope answer = PEER__ENVELOPE__INIT;
	switch ((int)message->body_case) {
	case PEER__ENVELOPE__BODY_SNAPSHOT_ASK:
		snapshots_do_ask(snapshots, order, &answer);
		break;
	case PEER__ENVELOPE__BODY_CHUNK_ASK:
		snapshots_do_ask_chunk(snapshots, order, &answer);
		break;
	case PEER__ENVELOPE__BODY_SNAPSHOT_OFFER:
		fetch_offered(&snapshots->fetch, message->from, message->snapshot_offer, clock_steady_ns());
		break;
	case PEER__ENVELOPE__BODY_CHUNK:
		fetch_came(&snapshots->fetch, message->from, message->chunk, clock_steady_ns());
		break;
	default:
		break;
	}
	snapshots_answer(snapshots, message->from, &answer);
}

static void snapshots_do(struct snapshots *snapshots, struct order *order)
{
	switch (order->kind) {
	case ORDER_MAKE:
		snapshots_do_make(snapshots, order);
		break;
	case ORDER_FETCH:
		snapshots_do_fetch(snapshots, order);
		break;
	case ORDER_MESSAGE:
		snapshots_do_message(snapshots, order);
		break;
	}
	order_free(order);
}

/* ---- the fetch goes on ---- */

static bool snapshots_is_stopping(void *argument)
{
	const struct snapshots *snapshots = argument;
	return mailbox_is_stopped(snapshots->inbox);
}

/* Its files are what the sender has; is that a state? Its disk may have changed it long ago. */
static bool snapshots_check(struct snapshots *snapshots)
{
	struct fetch *fetch = &snapshots->fetch;
	const struct store_snapshot_claim claim = {.directory = fetch->directory,
	                                           .index = fetch->index,
	                                           .term = fetch->term,
	                                           .give_up = snapshots_is_stopping,
	                                           .argument = snapshots};
	enum err err = store_snapshot_check(snapshots->replica->store, &claim);
	if (err != ERR_OK && err != ERR_CANCELED)
		fetch_refute(fetch);
	return err == ERR_OK;
}

/* All is here: the apply role installs it after what was handed to it before. Under another name, so that no later fetch takes it
 * for its own. */
static void snapshots_install(struct snapshots *snapshots)
{
	struct fetch *fetch = &snapshots->fetch;
	uint64_t index = fetch->index, term = fetch->term;
	char *ready = memory_format("%s/ready-%" PRIu64, snapshots->directory, ++snapshots->installs);
	AUTO_FREE char *directory = fetch_take(fetch);
	if (rename(directory, ready) != 0) {
		log_error("file_failed", "call=rename path=%s error=\"%s\"", directory, strerror(errno));
		free(ready);
		snapshots_fetch_failed(snapshots, index, term);
		return;
	}
	struct letter *letter = letter_new(LETTER_SNAPSHOT_INSTALLED);
	letter->index = index;
	letter->term = term;
	struct apply_job *job = apply_job_new(index, index, 0);
	job->install = letter;
	job->directory = ready;
	node_apply_later(snapshots->replica, job);
}

static void snapshots_tell_broken(struct snapshots *snapshots, struct arena *arena)
{
	const struct fetch *fetch = &snapshots->fetch;
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__SnapshotAsk *ask = arena_take(arena, sizeof *ask);
	peer__snapshot_ask__init(ask);
	ask->index = fetch->index;
	ask->term = fetch->term;
	ask->broken = true;
	envelope.body_case = PEER__ENVELOPE__BODY_SNAPSHOT_ASK;
	envelope.snapshot_ask = ask;
	snapshots_send(snapshots, fetch->from, &envelope);
}

static void snapshots_give_up(struct snapshots *snapshots, struct arena *arena)
{
	struct fetch *fetch = &snapshots->fetch;
	snapshots_fetch_failed(snapshots, fetch->index, fetch->term);
	if (fetch->is_broken)
		snapshots_tell_broken(snapshots, arena);
	if (fetch->is_silent)
		snapshots->leftovers_until_ns = clock_steady_ns() + SNAPSHOT_KEEP_MS * CLOCK_NS_PER_MS;
	fetch_end(fetch);
}

static void snapshots_go_on(struct snapshots *snapshots)
{
	struct fetch *fetch = &snapshots->fetch;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	while (fetch_next(fetch, clock_steady_ns(), &arena, &envelope))
		snapshots_send(snapshots, fetch->from, &envelope);
	atomic_store(&snapshots->done_bytes, fetch->done_bytes);
	atomic_store(&snapshots->total_bytes, fetch->total_bytes);
	if (fetch->state == FETCH_DONE && snapshots_check(snapshots))
		snapshots_install(snapshots);
	if (fetch->state == FETCH_FAILED)
		snapshots_give_up(snapshots, &arena);
	atomic_store(&snapshots->busy, fetch->state != FETCH_NONE);
}

static void snapshots_review(struct snapshots *snapshots)
{
	uint64_t now_ns = clock_steady_ns();
	shelf_review(snapshots->shelf, now_ns);
	if (snapshots->fetch.state != FETCH_NONE || now_ns < snapshots->leftovers_until_ns)
		return;
	snapshots->leftovers_until_ns = UINT64_MAX;
	snapshots_sweep(snapshots, snapshots_is_fetched, NULL);
}

static void *snapshots_main(void *argument)
{
	struct snapshots *snapshots = argument;
	pthread_setname_np(pthread_self(), "etcfs-snapshots");
	while (!mailbox_is_stopped(snapshots->inbox)) {
		uint64_t review_ns = clock_steady_ns() + SNAPSHOTS_REVIEW_MS * CLOCK_NS_PER_MS;
		uint64_t fetch_ns = fetch_wake_ns(&snapshots->fetch);
		struct mailbox_letter *letters =
		    mailbox_drain(snapshots->inbox, fetch_ns < review_ns ? fetch_ns : review_ns);
		while (letters != NULL) {
			struct order *order = (struct order *)letters;
			letters = letters->next;
			snapshots_do(snapshots, order);
			snapshots_go_on(snapshots);
		}
		snapshots_go_on(snapshots);
		snapshots_review(snapshots);
	}
	return NULL;
}

void snapshots_start(struct snapshots *snapshots)
{
	int failed = pthread_create(&snapshots->thread, NULL, snapshots_main, snapshots);
	check(failed == 0);
	snapshots->started = true;
}

void snapshots_stop(struct snapshots *snapshots)
{
	if (!snapshots->started)
		return;
	mailbox_stop(snapshots->inbox);
	pthread_join(snapshots->thread, NULL);
	snapshots->started = false;
}

void snapshots_progress(struct snapshots *snapshots, struct snapshots_progress *ret_progress)
{
	*ret_progress = (struct snapshots_progress){
	    .busy = atomic_load(&snapshots->busy),
	    .done_bytes = atomic_load(&snapshots->done_bytes),
	    .total_bytes = atomic_load(&snapshots->total_bytes),
	};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/snapshots.h"

#include <inttypes.h>
#include <stdlib.h>

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
	uint64_t fetches;
	struct buffer frame;
	atomic_bool busy;
	atomic_uint_fast64_t done_bytes, total_bytes;
};

struct snapshots *snapshots_new(struct replica *replica)
{
	struct snapshots *snapshots = memory_new(sizeof *snapshots);
	snapshots->replica = replica;
	snapshots->inbox = mailbox_new(SNAPSHOT_INBOX_MAX);
	snapshots->directory = memory_format("%s/snapshots", replica->options.data_directory);
	snapshots->shelf = shelf_new(replica->store, snapshots->directory);
	fetch_init(&snapshots->fetch);
	buffer_init(&snapshots->frame, FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX);
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
	fetch_end(&snapshots->fetch);
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
	AUTO_FREE char *directory = memory_format("%s/in-%" PRIu64, snapshots->directory, ++snapshots->fetches);
	fetch_end(fetch);
	if (file_make_directory(snapshots->directory, 0700) == ERR_OK)
		fetch_begin(fetch, order->peer, order->index, order->term, directory, clock_steady_ns());
	else
		snapshots_fetch_failed(snapshots, order->index, order->term);
}

static void snapshots_do_message(struct snapshots *snapshots, struct order *order)
{
	const Peer__Envelope *message = order->envelope;
	Peer__Envelope answer = PEER__ENVELOPE__INIT;
	uint64_t now_ns = clock_steady_ns();
	switch ((int)message->body_case) {
	case PEER__ENVELOPE__BODY_SNAPSHOT_ASK:
		answer.body_case = PEER__ENVELOPE__BODY_SNAPSHOT_OFFER;
		answer.snapshot_offer = shelf_offer(snapshots->shelf, now_ns, message->snapshot_ask, &order->arena);
		snapshots_send(snapshots, message->from, &answer);
		break;
	case PEER__ENVELOPE__BODY_CHUNK_ASK:
		answer.body_case = PEER__ENVELOPE__BODY_CHUNK;
		answer.chunk = shelf_read(snapshots->shelf, now_ns, message->chunk_ask, &order->arena);
		if (answer.chunk != NULL)
			snapshots_send(snapshots, message->from, &answer);
		break;
	case PEER__ENVELOPE__BODY_SNAPSHOT_OFFER:
		fetch_offered(&snapshots->fetch, message->from, message->snapshot_offer, now_ns);
		break;
	case PEER__ENVELOPE__BODY_CHUNK:
		fetch_came(&snapshots->fetch, message->from, message->chunk, now_ns);
		break;
	default:
		break;
	}
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

/* All is here: the apply role installs it after what was handed to it before. */
static void snapshots_install(struct snapshots *snapshots)
{
	struct fetch *fetch = &snapshots->fetch;
	struct letter *letter = letter_new(LETTER_SNAPSHOT_INSTALLED);
	letter->index = fetch->index;
	letter->term = fetch->term;
	struct apply_job *job = apply_job_new(fetch->index, fetch->index, 0);
	job->install = letter;
	job->directory = fetch_take(fetch);
	node_apply_later(snapshots->replica, job);
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
	if (fetch->state == FETCH_DONE) {
		snapshots_install(snapshots);
	} else if (fetch->state == FETCH_FAILED) {
		snapshots_fetch_failed(snapshots, fetch->index, fetch->term);
		fetch_end(fetch);
	}
	atomic_store(&snapshots->busy, fetch->state != FETCH_NONE);
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
		shelf_review(snapshots->shelf, clock_steady_ns());
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

/* SPDX-License-Identifier: Apache-2.0 */
/* What both ends of a connection share: the library's conditions as ours, hellos, and the table of peers. */
#pragma once

#include <nng/nng.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "replica/transport.h"

struct link;
struct inbound;
LIST_HEAD(inbound_list, inbound);

/* What is known of a peer whether or not we dial it. */
struct stream_peer {
	uint64_t id, incarnation; /* the highest that said hello */
	uint64_t heard_ns;        /* of any frame */
};

/* Who asked to join, and waits for the answer. */
struct stream_ask {
	uint64_t ticket; /* 0: the place is free */
	struct inbound *inbound;
};

struct transport {
	struct transport_options options;
	nng_stream_listener *listener;
	nng_aio *accepting;
	pthread_mutex_t mutex; /* guards the tables below; taken before no other */
	pthread_cond_t inbound_gone;
	struct inbound_list inbounds;
	size_t inbound_count;
	struct stream_peer peers[LIMIT_MEMBERS];
	size_t peer_count;
	struct stream_ask asks[TRANSPORT_ASKS_MAX];
	uint64_t ticket; /* the last one given */
	uint64_t complained_ns;
	struct link *links[TRANSPORT_LINKS_MAX]; /* the first link_count are set and stay */
	atomic_size_t link_count;
	atomic_bool started, stopping;
	atomic_uint turn; /* of `accepting` */
	atomic_uint_fast64_t frames_sent, bytes_sent, frames_received, bytes_received, frames_dropped, connections_made;
};

enum err stream_err(int error);

/* The library calls back on one of its threads after another, each call after what the last one did; these two say so in the
 * language's own terms, at the end of each and at the beginning of the next. */
static inline void stream_give(atomic_uint *turn)
{
	atomic_fetch_add_explicit(turn, 1, memory_order_release);
}

static inline void stream_take(atomic_uint *turn)
{
	(void)atomic_load_explicit(turn, memory_order_acquire);
}

/* The frame of a hello to this member, replacing what the buffer holds. verdict: of an answer; else TRANSPORT_WELCOME. */
void stream_hello(const struct transport *transport, uint64_t to, enum transport_verdict verdict,
                  struct buffer *buffer);
/* What is made of a good hello. Complaints are logged as below. */
enum transport_verdict stream_judge(struct transport *transport, const Peer__Hello *hello);
/* Is it a hello to us, of this protocol and cluster? peer: who it must be of; 0: anybody. Complaints are logged, at most one
 * in some seconds. */
bool stream_hello_is_good(struct transport *transport, const Peer__Envelope *envelope, uint64_t peer);

/* One line about strangers in a while, so that none of them can fill the log: is it time for it? */
bool stream_may_complain(struct transport *transport);

/* A hello of this incarnation came: false if a later one was here before. */
bool stream_peer_hello(struct transport *transport, uint64_t peer, uint64_t incarnation);
void stream_peer_heard(struct transport *transport, uint64_t peer);
uint64_t stream_peer_heard_ns(struct transport *transport, uint64_t peer);
void stream_peer_forget(struct transport *transport, uint64_t peer);

/* ---- link.c: to a peer ---- */
struct link *link_new(struct transport *transport, uint64_t peer, const char *name);
/* ERR_ADDRESS_INVALID. Dials there from now on. */
enum err link_direct(struct link *link, const char *url) MUST_USE;
/* Dials nobody until link_direct() is called again. */
void link_rest(struct link *link);
bool link_is_resting(struct link *link);
void link_stop(struct link *link);
void link_free(struct link *link);
uint64_t link_peer(const struct link *link);
enum err link_send(struct link *link, struct bytes frame) MUST_USE;
void link_flush(struct link *link);
void link_review(struct link *link, uint64_t now_ns);
bool link_is_up(struct link *link);

/* ---- inbound.c: from a peer ---- */
/* Takes the stream. */
void inbound_accept(struct transport *transport, nng_stream *stream);
/* Closes all, or only those of one peer but for the given one. The transport's mutex is held. */
void inbound_close_all(struct transport *transport, uint64_t peer, const struct inbound *but);
/* Takes the asker out of the table; NULL: it is not there. It is for inbound_answer() or inbound_dismiss(). */
struct inbound *inbound_take_asker(struct transport *transport, uint64_t ticket);
void inbound_answer(struct inbound *inbound, const Peer__JoinAnswer *answer);
void inbound_dismiss(struct inbound *inbound);

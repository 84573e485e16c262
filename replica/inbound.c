/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that was accepted: heard only, but for the answer to what it begins with.
 *
 *     stranger --hello--> heard --any failure--> gone
 *        |  \--hello that is turned away--> answered --sent--> gone
 *        \-----ask to join--> asking --transport_answer()--> answered --sent--> gone
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "replica/join.h"
#include "replica/stream.h"

enum {
	/* Read at once of a frame that is known to be large. */
	INBOUND_READ_BYTES_MAX = 4 << 20,
};

enum inbound_next {
	INBOUND_HEAR,   /* more */
	INBOUND_SILENT, /* nothing: what is left to do is to answer */
	INBOUND_END,
};

struct inbound {
	LIST_ENTRY(inbound) next;
	struct transport *transport;
	nng_stream *stream;
	nng_aio *hearing, *answering;
	atomic_uint turn;
	/* What keeps it alive: the receive, the answer while it is sent, and the place of who waits for one. */
	atomic_uint operations;
	atomic_bool closing;
	atomic_bool answers_last; /* it ends with its answer */
	uint64_t peer;            /* 0: has not said hello. Written by `hearing` with the transport's mutex */
	uint64_t directory;       /* of the peer, as its hello said */
	bool speaks;              /* something came after the hello */
	struct buffer in, answer;
	size_t answer_done;
	size_t wanted; /* size of the frame that `in` begins with, as far as it is known */
};

/* One of its operations has ended; with the last one it goes. Called by callbacks of its own. */
static void inbound_unref(struct inbound *inbound)
{
	struct transport *transport = inbound->transport;
	if (atomic_fetch_sub(&inbound->operations, 1) != 1)
		return;
	stream_take(&inbound->turn);
	pthread_mutex_lock(&transport->mutex);
	LIST_REMOVE(inbound, next);
	pthread_mutex_unlock(&transport->mutex);
	nng_stream_close(inbound->stream);
	nng_stream_free(inbound->stream);
	nng_aio_reap(inbound->hearing);
	nng_aio_reap(inbound->answering);
	buffer_fini(&inbound->in);
	buffer_fini(&inbound->answer);
	free(inbound);
	pthread_mutex_lock(&transport->mutex);
	transport->inbound_count--;
	pthread_cond_signal(&transport->inbound_gone);
	pthread_mutex_unlock(&transport->mutex);
}

/* From any thread. */
static void inbound_close(struct inbound *inbound)
{
	atomic_store(&inbound->closing, true);
	nng_stream_close(inbound->stream);
}

/* A receive on a stream that is closed already never ends (nng 1.5, tcp_doread): so whoever hands one over looks after it whether
 * the stream was closed meanwhile. */
static void inbound_hear(struct inbound *inbound)
{
	uint8_t *room = NULL;
	size_t size = TRANSPORT_READ_BYTES,
	       missing = inbound->wanted > inbound->in.size ? inbound->wanted - inbound->in.size : 0;
	if (missing > size)
		size = missing < INBOUND_READ_BYTES_MAX ? missing : INBOUND_READ_BYTES_MAX;
	enum err err = buffer_extend(&inbound->in, size, &room);
	check(err == ERR_OK);
	inbound->in.size -= size; /* until something came */
	nng_iov iov = {.iov_buf = room, .iov_len = size};
	nng_aio_set_iov(inbound->hearing, 1, &iov);
	nng_stream *stream = inbound->stream;
	nng_aio *hearing = inbound->hearing;
	atomic_fetch_add(&inbound->operations, 1); /* for the look */
	stream_give(&inbound->turn);
	nng_stream_recv(stream, hearing);
	if (atomic_load(&inbound->closing))
		nng_aio_cancel(hearing);
	inbound_unref(inbound);
}

/* ---- answering ---- */

/* The rest of the answer. An operation is counted for it. Of a stream that is closed already see inbound_hear(). */
static void inbound_send_rest(struct inbound *inbound)
{
	nng_iov iov = {.iov_buf = inbound->answer.data + inbound->answer_done,
	               .iov_len = inbound->answer.size - inbound->answer_done};
	nng_aio_set_iov(inbound->answering, 1, &iov);
	nng_stream *stream = inbound->stream;
	nng_aio *answering = inbound->answering;
	atomic_fetch_add(&inbound->operations, 1); /* for the look */
	stream_give(&inbound->turn);
	nng_stream_send(stream, answering);
	if (atomic_load(&inbound->closing))
		nng_aio_cancel(answering);
	inbound_unref(inbound);
}

static void inbound_answered(void *argument)
{
	struct inbound *inbound = argument;
	stream_take(&inbound->turn);
	bool sent = nng_aio_result(inbound->answering) == 0;
	inbound->answer_done += sent ? nng_aio_count(inbound->answering) : 0;
	if (sent && inbound->answer_done < inbound->answer.size) {
		inbound_send_rest(inbound);
		return;
	}
	if (!sent || atomic_load(&inbound->answers_last))
		inbound_close(inbound);
	inbound_unref(inbound);
}

static void inbound_answer_hello(struct inbound *inbound, uint64_t to, enum transport_verdict verdict)
{
	stream_hello(inbound->transport, to, verdict, &inbound->answer);
	atomic_fetch_add(&inbound->operations, 1);
	inbound_send_rest(inbound);
}

/* Takes the count that was held for the answer. */
void inbound_answer(struct inbound *inbound, const Peer__JoinAnswer *answer)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	envelope.body_case = PEER__ENVELOPE__BODY_JOIN_ANSWER;
	envelope.join_answer = (Peer__JoinAnswer *)answer;
	atomic_store(&inbound->answers_last, true);
	enum err err = frame_pack(&envelope, &inbound->answer);
	check(err == ERR_OK); /* so many members there cannot be */
	inbound_send_rest(inbound);
}

void inbound_dismiss(struct inbound *inbound)
{
	inbound_close(inbound);
	inbound_unref(inbound);
}

struct inbound *inbound_take_asker(struct transport *transport, uint64_t ticket)
{
	struct inbound *inbound = NULL;
	pthread_mutex_lock(&transport->mutex);
	for (size_t i = 0; i < TRANSPORT_ASKS_MAX && inbound == NULL; i++) {
		if (transport->asks[i].ticket != ticket)
			continue;
		inbound = transport->asks[i].inbound;
		transport->asks[i] = (struct stream_ask){0};
	}
	pthread_mutex_unlock(&transport->mutex);
	return inbound;
}

/* ---- hearing ---- */

static enum inbound_next inbound_hello(struct inbound *inbound, const Peer__Hello *hello)
{
	struct transport *transport = inbound->transport;
	enum transport_verdict verdict = stream_judge(transport, hello);
	if (verdict != TRANSPORT_WELCOME) {
		atomic_store(&inbound->answers_last, true);
		inbound_answer_hello(inbound, hello->from, verdict);
		return INBOUND_SILENT;
	}
	if (!stream_peer_hello(transport, hello->from, hello->incarnation)) {
		if (stream_may_complain(transport))
			log_warn("peer_refused", "reason=\"it is an earlier start of that member\" name=%.64s",
			         hello->name);
		return INBOUND_END;
	}
	pthread_mutex_lock(&transport->mutex);
	inbound->peer = hello->from;
	inbound_close_all(transport, inbound->peer, inbound);
	pthread_mutex_unlock(&transport->mutex);
	inbound->directory = hello->directory;
	nng_aio_set_timeout(inbound->hearing, NNG_DURATION_INFINITE);
	inbound_answer_hello(inbound, inbound->peer, TRANSPORT_WELCOME);
	return INBOUND_HEAR;
}

/* 0: all places are taken. */
static uint64_t inbound_take_ticket(struct inbound *inbound)
{
	struct transport *transport = inbound->transport;
	uint64_t ticket = 0;
	pthread_mutex_lock(&transport->mutex);
	for (size_t i = 0; i < TRANSPORT_ASKS_MAX && ticket == 0; i++) {
		if (transport->asks[i].ticket != 0)
			continue;
		ticket = ++transport->ticket;
		transport->asks[i] = (struct stream_ask){.ticket = ticket, .inbound = inbound};
	}
	pthread_mutex_unlock(&transport->mutex);
	return ticket;
}

static enum inbound_next inbound_ask(struct inbound *inbound, const Peer__Join *join)
{
	struct transport *transport = inbound->transport;
	if (join->magic != TRANSPORT_MAGIC)
		return INBOUND_END;
	atomic_fetch_add(&inbound->operations, 1); /* until it is answered */
	uint64_t ticket = inbound_take_ticket(inbound);
	if (ticket != 0) {
		transport->options.asked(transport->options.argument, ticket, join);
		return INBOUND_SILENT;
	}
	Peer__JoinAnswer answer = PEER__JOIN_ANSWER__INIT;
	answer.outcome = JOIN_LATER;
	answer.why = (char *)"many others are joining";
	inbound_answer(inbound, &answer);
	return INBOUND_SILENT;
}

static enum inbound_next inbound_first(struct inbound *inbound, const Peer__Envelope *envelope)
{
	if (envelope->body_case == PEER__ENVELOPE__BODY_JOIN)
		return inbound_ask(inbound, envelope->join);
	if (!stream_hello_is_good(inbound->transport, envelope, 0))
		return INBOUND_END;
	return inbound_hello(inbound, envelope->hello);
}

/* Status says nothing that a member could be held to. */
static bool inbound_may_speak(struct inbound *inbound, const Peer__Envelope *envelope)
{
	struct transport *transport = inbound->transport;
	if (inbound->speaks || envelope->body_case == PEER__ENVELOPE__BODY_STATUS)
		return true;
	inbound->speaks = transport->options.speaks(transport->options.argument, inbound->peer, inbound->directory);
	return inbound->speaks;
}

/* A frame of a peer that said hello. */
static enum inbound_next inbound_message(struct inbound *inbound, struct arena *arena, Peer__Envelope *envelope,
                                         bool *ret_taken)
{
	struct transport *transport = inbound->transport;
	atomic_fetch_add(&transport->frames_received, 1);
	bool ours = envelope->cluster == transport->options.cluster && envelope->from == inbound->peer &&
	            envelope->to == transport->options.member;
	if (!ours || envelope->body_case == PEER__ENVELOPE__BODY_HELLO)
		return INBOUND_HEAR;
	if (!inbound_may_speak(inbound, envelope))
		return INBOUND_END;
	*ret_taken = transport->options.received(transport->options.argument, arena, envelope);
	return INBOUND_HEAR;
}

static enum inbound_next inbound_frame(struct inbound *inbound, struct bytes body)
{
	struct arena arena;
	Peer__Envelope *envelope = NULL;
	arena_init(&arena);
	enum inbound_next next = INBOUND_END;
	bool taken = false;
	if (frame_unpack(body, &arena, &envelope) == ERR_OK)
		next = inbound->peer == 0 ? inbound_first(inbound, envelope)
		                          : inbound_message(inbound, &arena, envelope, &taken);
	if (!taken)
		arena_fini(&arena);
	return next;
}

/* All whole frames that came. */
static enum inbound_next inbound_frames(struct inbound *inbound)
{
	size_t done = 0;
	for (;;) {
		struct bytes rest = bytes_from(buffer_bytes(&inbound->in), done), body = BYTES_NONE;
		size_t size = 0;
		enum err err = frame_split(rest, &body, &size);
		if (err == ERR_NOT_FOUND) {
			inbound->wanted = size;
			break;
		}
		if (err != ERR_OK || (inbound->peer == 0 && body.size > TRANSPORT_STRANGER_BYTES_MAX))
			return INBOUND_END;
		enum inbound_next next = inbound_frame(inbound, body);
		if (next != INBOUND_HEAR)
			return next;
		done += size;
	}
	buffer_consume(&inbound->in, done);
	if (inbound->in.size == 0 && inbound->in.capacity > TRANSPORT_KEEP_BYTES) {
		size_t size_max = inbound->in.size_max;
		buffer_fini(&inbound->in);
		buffer_init(&inbound->in, size_max);
	}
	bool good = inbound->peer != 0 || inbound->wanted <= FRAME_HEADER_BYTES + TRANSPORT_STRANGER_BYTES_MAX;
	return good ? INBOUND_HEAR : INBOUND_END;
}

static void inbound_heard(void *argument)
{
	struct inbound *inbound = argument;
	stream_take(&inbound->turn);
	enum inbound_next next = INBOUND_END;
	if (nng_aio_result(inbound->hearing) == 0 && !atomic_load(&inbound->transport->stopping)) {
		size_t count = nng_aio_count(inbound->hearing);
		inbound->in.size += count;
		atomic_fetch_add(&inbound->transport->bytes_received, count);
		next = inbound_frames(inbound);
	}
	if (next == INBOUND_HEAR && inbound->peer != 0)
		stream_peer_heard(inbound->transport, inbound->peer);
	if (next == INBOUND_HEAR) {
		inbound_hear(inbound);
		return;
	}
	if (next == INBOUND_END)
		inbound_close(inbound);
	inbound_unref(inbound);
}

/* Hangs up on the stranger who is here for longest when there are too many. The mutex is held. */
static void inbound_thin_out(struct transport *transport)
{
	struct inbound *inbound, *oldest = NULL;
	size_t strangers = 0;
	LIST_FOREACH(inbound, &transport->inbounds, next)
	{
		if (inbound->peer != 0 || atomic_load(&inbound->closing))
			continue;
		strangers++;
		oldest = inbound; /* the newest is at the head */
	}
	if (strangers >= TRANSPORT_STRANGERS_MAX)
		inbound_close(oldest);
}

void inbound_accept(struct transport *transport, nng_stream *stream)
{
	pthread_mutex_lock(&transport->mutex);
	bool room = transport->inbound_count < TRANSPORT_INBOUND_MAX && !atomic_load(&transport->stopping);
	transport->inbound_count += room;
	inbound_thin_out(transport);
	pthread_mutex_unlock(&transport->mutex);
	if (!room) {
		nng_stream_close(stream);
		nng_stream_free(stream);
		return;
	}
	struct inbound *inbound = memory_new(sizeof *inbound);
	inbound->transport = transport;
	inbound->stream = stream;
	inbound->wanted = FRAME_HEADER_BYTES;
	atomic_init(&inbound->operations, 1);
	buffer_init(&inbound->in, FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX + TRANSPORT_READ_BYTES);
	buffer_init(&inbound->answer, TRANSPORT_ANSWER_BYTES_MAX);
	int failed = nng_aio_alloc(&inbound->hearing, inbound_heard, inbound) |
	             nng_aio_alloc(&inbound->answering, inbound_answered, inbound);
	check(failed == 0); /* memory alone */
	nng_aio_set_timeout(inbound->hearing, TRANSPORT_HELLO_TIMEOUT_MS);
	nng_aio_set_timeout(inbound->answering, TRANSPORT_ANSWER_TIMEOUT_MS);
	pthread_mutex_lock(&transport->mutex);
	LIST_INSERT_HEAD(&transport->inbounds, inbound, next);
	pthread_mutex_unlock(&transport->mutex);
	inbound_hear(inbound);
}

void inbound_close_all(struct transport *transport, uint64_t peer, const struct inbound *but)
{
	struct inbound *inbound;
	LIST_FOREACH(inbound, &transport->inbounds, next)
	{
		if (inbound != but && (peer == 0 || inbound->peer == peer))
			inbound_close(inbound);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that was accepted: heard only, but for the answer to its hello. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "replica/stream.h"

enum {
	INBOUND_HELLO_BYTES_MAX = 4096, /* of what a stranger may say before we know it */
	/* Read at once of a frame that is known to be large. */
	INBOUND_READ_BYTES_MAX = 4 << 20,
};

struct inbound {
	LIST_ENTRY(inbound) next;
	struct transport *transport;
	nng_stream *stream;
	nng_aio *hearing, *answering;
	atomic_uint turn;
	atomic_uint operations; /* what keeps it alive: the receive, and the answer while it is sent */
	atomic_bool closing;
	uint64_t peer; /* 0: has not said hello. Written by `hearing` with the transport's mutex */
	struct buffer in, answer;
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

static void inbound_answered(void *argument)
{
	struct inbound *inbound = argument;
	stream_take(&inbound->turn);
	/* A hello is smaller than any socket's buffer: it went whole, or the connection is gone. */
	if (nng_aio_result(inbound->answering) != 0 || nng_aio_count(inbound->answering) != inbound->answer.size)
		inbound_close(inbound);
	inbound_unref(inbound);
}

static bool inbound_hello(struct inbound *inbound, const Peer__Envelope *envelope)
{
	struct transport *transport = inbound->transport;
	if (!stream_hello_is_good(transport, envelope, 0))
		return false;
	if (!stream_peer_hello(transport, envelope->hello->from, envelope->hello->incarnation)) {
		log_warn("peer_refused", "reason=\"it is an earlier start of that member\" name=%.64s",
		         envelope->hello->name);
		return false;
	}
	pthread_mutex_lock(&transport->mutex);
	inbound->peer = envelope->hello->from;
	inbound_close_all(transport, inbound->peer, inbound);
	pthread_mutex_unlock(&transport->mutex);
	nng_aio_set_timeout(inbound->hearing, NNG_DURATION_INFINITE);
	stream_hello(transport, inbound->peer, &inbound->answer);
	nng_iov iov = {.iov_buf = inbound->answer.data, .iov_len = inbound->answer.size};
	nng_aio_set_iov(inbound->answering, 1, &iov);
	atomic_fetch_add(&inbound->operations, 1);
	nng_stream *stream = inbound->stream;
	nng_aio *answering = inbound->answering;
	stream_give(&inbound->turn);
	nng_stream_send(stream, answering);
	return true;
}

/* One frame; false: the connection is not to be heard any longer. */
static bool inbound_frame(struct inbound *inbound, struct bytes body)
{
	struct transport *transport = inbound->transport;
	struct arena arena;
	Peer__Envelope *envelope = NULL;
	arena_init(&arena);
	bool good = frame_unpack(body, &arena, &envelope) == ERR_OK, taken = false;
	if (good && inbound->peer == 0) {
		good = inbound_hello(inbound, envelope);
	} else if (good) {
		atomic_fetch_add(&transport->frames_received, 1);
		bool ours = envelope->cluster == transport->options.cluster && envelope->from == inbound->peer &&
		            envelope->to == transport->options.member;
		taken = ours && envelope->body_case != PEER__ENVELOPE__BODY_HELLO &&
		        transport->options.received(transport->options.argument, &arena, envelope);
	}
	if (!taken)
		arena_fini(&arena);
	return good;
}

/* All whole frames that came; false: as inbound_frame(). */
static bool inbound_frames(struct inbound *inbound)
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
		if (err != ERR_OK || !inbound_frame(inbound, body))
			return false;
		done += size;
	}
	buffer_consume(&inbound->in, done);
	if (inbound->in.size == 0 && inbound->in.capacity > TRANSPORT_KEEP_BYTES) {
		size_t size_max = inbound->in.size_max;
		buffer_fini(&inbound->in);
		buffer_init(&inbound->in, size_max);
	}
	return inbound->peer != 0 || inbound->wanted <= INBOUND_HELLO_BYTES_MAX;
}

static void inbound_heard(void *argument)
{
	struct inbound *inbound = argument;
	stream_take(&inbound->turn);
	bool good = nng_aio_result(inbound->hearing) == 0 && !atomic_load(&inbound->transport->stopping);
	if (good) {
		size_t count = nng_aio_count(inbound->hearing);
		inbound->in.size += count;
		atomic_fetch_add(&inbound->transport->bytes_received, count);
		good = inbound_frames(inbound);
	}
	if (good && inbound->peer != 0)
		stream_peer_heard(inbound->transport, inbound->peer);
	if (good) {
		inbound_hear(inbound);
		return;
	}
	nng_stream_close(inbound->stream);
	inbound_unref(inbound);
}

void inbound_accept(struct transport *transport, nng_stream *stream)
{
	pthread_mutex_lock(&transport->mutex);
	bool room = transport->inbound_count < TRANSPORT_INBOUND_MAX && !atomic_load(&transport->stopping);
	transport->inbound_count += room;
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
	buffer_init(&inbound->answer, INBOUND_HELLO_BYTES_MAX);
	int failed = nng_aio_alloc(&inbound->hearing, inbound_heard, inbound) |
	             nng_aio_alloc(&inbound->answering, inbound_answered, inbound);
	check(failed == 0); /* memory alone */
	nng_aio_set_timeout(inbound->hearing, TRANSPORT_HELLO_TIMEOUT_MS);
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

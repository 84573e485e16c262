/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that this node dials, and sends on. The diagram of its states is in replica/transport.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "replica/stream.h"

enum link_state { LINK_IDLE, LINK_DIALLING, LINK_GREETING, LINK_UP, LINK_WAITING };

enum { LINK_ANSWER_BYTES_MAX = 4096 }; /* a hello; nothing else is said on the way back */

/* One is kept until the link goes: a dial may be using it. */
struct dialer {
	SLIST_ENTRY(dialer) next;
	nng_stream_dialer *dialer;
};

struct link {
	struct transport *transport;
	uint64_t peer;
	char *name;
	atomic_uint turn;
	nng_aio *dialling, *sending, *hearing; /* dialling: also the wait before it */
	nng_aio *trying;                       /* has no callback: whoever sends waits for it, for no time */
	pthread_mutex_t mutex;                 /* guards all below; a leaf: the library is called without it */
	enum link_state state;
	char *url;
	SLIST_HEAD(, dialer) dialers; /* the first is in use, the others are closed */
	nng_stream *stream;
	unsigned operations; /* under way on the stream: sends and receives */
	bool failed;         /* the stream was closed: gone when no operation is under way */
	bool busy;           /* a send is under way */
	bool resting;        /* it is not to be dialled */
	unsigned flushing;   /* calls of link_flush() that have a send under way */
	pthread_cond_t flushed;
	struct buffer queue, out;
	size_t queue_frames, out_frames;
	size_t out_done;
	struct buffer answer;
	uint64_t backoff_ms, up_since_ns;
	struct random random;
};

uint64_t link_peer(const struct link *link)
{
	return link->peer;
}

/* ---- dialling ---- */

/* The mutex is held; the library is called after it was let go: true. */
static bool link_may_dial(struct link *link)
{
	if (atomic_load(&link->transport->stopping) || link->resting || SLIST_EMPTY(&link->dialers))
		return false;
	link->state = LINK_DIALLING;
	return true;
}

/* The mutex is held. The time to wait before the next try: doubled each time, with jitter. */
static nng_duration link_pause_ms(struct link *link)
{
	uint64_t pause_ms = link->backoff_ms / 2 + random_below(&link->random, link->backoff_ms / 2 + 1);
	link->backoff_ms =
	    link->backoff_ms * 2 < TRANSPORT_BACKOFF_MAX_MS ? link->backoff_ms * 2 : TRANSPORT_BACKOFF_MAX_MS;
	link->state = LINK_WAITING;
	return (nng_duration)pause_ms;
}

/* The stream is gone or was never made. The mutex is held; it is let go. */
static void link_wait_and_dial(struct link *link)
{
	bool stopping = atomic_load(&link->transport->stopping);
	nng_duration pause_ms = link_pause_ms(link);
	if (stopping)
		link->state = LINK_IDLE;
	pthread_mutex_unlock(&link->mutex);
	nng_aio *dialling = link->dialling;
	stream_give(&link->turn);
	if (!stopping)
		nng_sleep_aio(pause_ms, dialling);
}

/* Ends the connection: by whoever sees its failure first. The mutex is held; true: the peer is to be reported. */
static bool link_fail(struct link *link)
{
	if (link->stream == NULL || link->failed)
		return false;
	link->failed = true;
	bool was_up = link->state == LINK_UP;
	nng_stream_close(link->stream);
	return was_up;
}

/* An operation on the stream has ended. When it was the last one of a failed stream, the next is dialled. Takes the mutex
 * held, and lets it go. */
static void link_operation_ended(struct link *link, bool report)
{
	struct transport *transport = link->transport;
	uint64_t peer = link->peer;
	check(link->operations > 0);
	link->operations--;
	if (link->failed && link->operations == 0) {
		nng_stream *stream = link->stream;
		link->stream = NULL;
		link->failed = link->busy = false;
		atomic_fetch_add(&transport->frames_dropped, link->queue_frames + link->out_frames);
		link->queue_frames = link->out_frames = 0;
		buffer_fini(&link->queue);
		buffer_fini(&link->out);
		buffer_init(&link->queue, TRANSPORT_QUEUE_BYTES_MAX);
		buffer_init(&link->out, TRANSPORT_QUEUE_BYTES_MAX);
		link_wait_and_dial(link);
		nng_stream_free(stream);
	} else {
		pthread_mutex_unlock(&link->mutex);
		stream_give(&link->turn);
	}
	if (report) {
		transport->options.unreachable(transport->options.argument, peer);
		stream_give(&link->turn);
	}
}

/* An operation on a stream that is closed already never ends (nng 1.5, tcp_doread and tcp_dowrite): so whoever hands one over
 * looks after it whether the stream was closed meanwhile. The look is an operation itself, so that the stream stays until
 * then. */
static void link_begin_look(struct link *link)
{
	pthread_mutex_lock(&link->mutex);
	link->operations++;
	pthread_mutex_unlock(&link->mutex);
}

static void link_look(struct link *link, nng_aio *handed_over)
{
	pthread_mutex_lock(&link->mutex);
	if (link->failed)
		nng_aio_cancel(handed_over);
	link_operation_ended(link, false);
}

/* ---- sending ---- */

static void link_send_rest(struct link *link)
{
	nng_iov iov = {.iov_buf = link->out.data + link->out_done, .iov_len = link->out.size - link->out_done};
	nng_aio_set_iov(link->sending, 1, &iov);
	nng_stream *stream = link->stream;
	nng_aio *sending = link->sending;
	link_begin_look(link);
	stream_give(&link->turn);
	nng_stream_send(stream, sending);
	link_look(link, sending);
}

/* What waits becomes what is being sent. The mutex is held; true: link_send_rest() follows, without it. */
static bool link_begin_send(struct link *link)
{
	if (link->state != LINK_UP || link->failed || link->busy || link->queue.size == 0)
		return false;
	struct buffer empty = link->out;
	link->out = link->queue;
	link->queue = empty;
	buffer_clear(&link->queue);
	if (link->queue.capacity > TRANSPORT_KEEP_BYTES) {
		buffer_fini(&link->queue);
		buffer_init(&link->queue, TRANSPORT_QUEUE_BYTES_MAX);
	}
	link->out_frames = link->queue_frames;
	link->queue_frames = 0;
	link->out_done = 0;
	link->busy = true;
	link->operations++;
	return true;
}

/* What was being sent went out in part or whole, or not at all. */
static void link_send_ended(struct link *link, int error, size_t size)
{
	pthread_mutex_lock(&link->mutex);
	if (error != 0 || link->failed) {
		bool report = link_fail(link);
		link_operation_ended(link, report);
		return;
	}
	link->out_done += size;
	atomic_fetch_add(&link->transport->bytes_sent, size);
	bool more = link->out_done < link->out.size;
	if (!more) {
		atomic_fetch_add(&link->transport->frames_sent, link->out_frames);
		link->out_frames = 0;
		link->busy = false;
		link->operations--;
		more = link_begin_send(link);
	}
	pthread_mutex_unlock(&link->mutex);
	if (more)
		link_send_rest(link);
	else
		stream_give(&link->turn);
}

static void link_sent(void *argument)
{
	struct link *link = argument;
	stream_take(&link->turn);
	int error = nng_aio_result(link->sending);
	link_send_ended(link, error, error == 0 ? nng_aio_count(link->sending) : 0);
}

/* Mostly the socket takes at once what it is given: then nobody needs to be called back, which would wake a thread of the
 * library for nothing. What it does not take is withdrawn, whole, and sent in the other way. */
static void link_try_send(struct link *link)
{
	stream_take(&link->turn);
	nng_iov iov = {.iov_buf = link->out.data, .iov_len = link->out.size};
	nng_aio_set_iov(link->trying, 1, &iov);
	nng_stream_send(link->stream, link->trying);
	nng_aio_cancel(link->trying);
	nng_aio_wait(link->trying);
	int error = nng_aio_result(link->trying);
	if (error == NNG_ECANCELED)
		link_send_rest(link);
	else
		link_send_ended(link, error, error == 0 ? nng_aio_count(link->trying) : 0);
}

enum err link_send(struct link *link, struct bytes frame)
{
	pthread_mutex_lock(&link->mutex);
	enum err err = link->state == LINK_UP && !link->failed ? ERR_OK : ERR_UNREACHABLE;
	if (err == ERR_OK && link->queue_frames >= TRANSPORT_QUEUE_FRAMES_MAX)
		err = ERR_BUSY;
	if (err == ERR_OK && buffer_append(&link->queue, frame) != ERR_OK)
		err = ERR_BUSY;
	if (err == ERR_OK)
		link->queue_frames++;
	pthread_mutex_unlock(&link->mutex);
	if (err != ERR_OK)
		atomic_fetch_add(&link->transport->frames_dropped, 1);
	return err;
}

void link_flush(struct link *link)
{
	pthread_mutex_lock(&link->mutex);
	bool begun = link_begin_send(link);
	link->flushing += begun;
	pthread_mutex_unlock(&link->mutex);
	if (!begun)
		return;
	link_try_send(link);
	pthread_mutex_lock(&link->mutex);
	link->flushing--;
	pthread_cond_signal(&link->flushed);
	pthread_mutex_unlock(&link->mutex);
}

/* ---- the answer ---- */

static void link_hear(struct link *link)
{
	uint8_t *room = NULL;
	size_t size = LINK_ANSWER_BYTES_MAX - link->answer.size;
	enum err err = buffer_extend(&link->answer, size, &room);
	check(err == ERR_OK);
	link->answer.size -= size; /* until something came */
	nng_iov iov = {.iov_buf = room, .iov_len = size};
	nng_aio_set_iov(link->hearing, 1, &iov);
	nng_stream *stream = link->stream;
	nng_aio *hearing = link->hearing;
	link_begin_look(link);
	stream_give(&link->turn);
	nng_stream_recv(stream, hearing);
	link_look(link, hearing);
}

/* Is the answer there, and is it good? ERR_NOT_FOUND: not yet. */
static enum err link_read_answer(struct link *link)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes body = BYTES_NONE;
	size_t size = 0;
	Peer__Envelope *envelope = NULL;
	enum err err = frame_split(buffer_bytes(&link->answer), &body, &size);
	if (err == ERR_NOT_FOUND && size > LINK_ANSWER_BYTES_MAX)
		err = ERR_PROTOCOL;
	if (err == ERR_OK)
		err = frame_unpack(body, &arena, &envelope);
	if (err != ERR_OK)
		return err;
	struct transport *transport = link->transport;
	if (!stream_hello_is_good(transport, envelope, link->peer))
		return ERR_WRONG_MEMBER;
	enum transport_verdict verdict = stream_judge(transport, envelope->hello);
	if (verdict == TRANSPORT_WELCOME)
		transport->options.judged(transport->options.argument, envelope->hello);
	return verdict == TRANSPORT_WELCOME && envelope->hello->verdict == TRANSPORT_WELCOME ? ERR_OK
	                                                                                     : ERR_WRONG_MEMBER;
}

/* The mutex is held. */
static void link_is_greeted(struct link *link)
{
	link->state = LINK_UP;
	link->backoff_ms = TRANSPORT_BACKOFF_MIN_MS;
	link->up_since_ns = clock_steady_ns();
	buffer_clear(&link->answer);
	nng_aio_set_timeout(link->hearing, NNG_DURATION_INFINITE);
	atomic_fetch_add(&link->transport->connections_made, 1);
	log_info("peer_connected", "name=%s peer=%016" PRIx64 " url=%s", link->name, link->peer, link->url);
}

static void link_heard(void *argument)
{
	struct link *link = argument;
	stream_take(&link->turn);
	int error = nng_aio_result(link->hearing);
	/* Only this callback touches the answer, and only between two receives. */
	enum err err = error != 0 ? stream_err(error) : ERR_OK;
	if (err == ERR_OK) {
		link->answer.size += nng_aio_count(link->hearing);
		err = link_read_answer(link);
	}
	pthread_mutex_lock(&link->mutex);
	bool greeting = link->state == LINK_GREETING;
	bool good = greeting ? err == ERR_OK || err == ERR_NOT_FOUND : false; /* nothing is said after the hello */
	if (link->failed || !good) {
		bool report = link_fail(link);
		link_operation_ended(link, report);
		return;
	}
	if (err == ERR_OK)
		link_is_greeted(link);
	pthread_mutex_unlock(&link->mutex);
	link_hear(link);
}

/* ---- dialled ---- */

/* The stream stands: say hello, and hear the answer. The mutex is held; it is let go. */
static void link_greet(struct link *link, nng_stream *stream)
{
	link->stream = stream;
	link->state = LINK_GREETING;
	link->operations = 2;
	link->busy = true;
	link->out_done = link->out_frames = 0;
	stream_hello(link->transport, link->peer, TRANSPORT_WELCOME, &link->out);
	buffer_clear(&link->answer);
	pthread_mutex_unlock(&link->mutex);
	nng_aio_set_timeout(link->hearing, TRANSPORT_HELLO_TIMEOUT_MS);
	link_send_rest(link);
	link_hear(link);
}

static void link_dialled(void *argument)
{
	struct link *link = argument;
	stream_take(&link->turn);
	int error = nng_aio_result(link->dialling);
	pthread_mutex_lock(&link->mutex);
	if (link->state == LINK_WAITING) { /* the pause is over */
		bool dial = error == 0 && link_may_dial(link);
		if (!dial)
			link->state = LINK_IDLE;
		nng_stream_dialer *dialer = dial ? SLIST_FIRST(&link->dialers)->dialer : NULL;
		pthread_mutex_unlock(&link->mutex);
		nng_aio *dialling = link->dialling;
		stream_give(&link->turn);
		if (dial)
			nng_stream_dialer_dial(dialer, dialling);
		return;
	}
	nng_stream *stream = error == 0 ? nng_aio_get_output(link->dialling, 0) : NULL;
	if (stream != NULL && (link->resting || atomic_load(&link->transport->stopping))) {
		link->state = LINK_IDLE;
		pthread_mutex_unlock(&link->mutex);
		nng_stream_close(stream);
		nng_stream_free(stream);
	} else if (stream != NULL) {
		link_greet(link, stream);
	} else {
		link_wait_and_dial(link);
	}
}

/* ---- life ---- */

struct link *link_new(struct transport *transport, uint64_t peer, const char *name)
{
	struct link *link = memory_new(sizeof *link);
	link->transport = transport;
	link->peer = peer;
	link->name = memory_dup_string(name);
	link->backoff_ms = TRANSPORT_BACKOFF_MIN_MS;
	random_init(&link->random, random_from_system());
	pthread_mutex_init(&link->mutex, NULL);
	pthread_cond_init(&link->flushed, NULL);
	buffer_init(&link->queue, TRANSPORT_QUEUE_BYTES_MAX);
	buffer_init(&link->out, TRANSPORT_QUEUE_BYTES_MAX);
	buffer_init(&link->answer, LINK_ANSWER_BYTES_MAX);
	int failed = nng_aio_alloc(&link->dialling, link_dialled, link) |
	             nng_aio_alloc(&link->sending, link_sent, link) | nng_aio_alloc(&link->hearing, link_heard, link) |
	             nng_aio_alloc(&link->trying, NULL, NULL);
	check(failed == 0); /* memory alone */
	return link;
}

enum err link_direct(struct link *link, const char *url)
{
	nng_stream_dialer *dialer = NULL;
	pthread_mutex_lock(&link->mutex);
	bool same = !link->resting && link->url != NULL && strcmp(link->url, url) == 0;
	pthread_mutex_unlock(&link->mutex);
	if (same)
		return ERR_OK;
	int error = nng_stream_dialer_alloc(&dialer, url);
	/* The library's default leaves Nagle's algorithm on, which holds a small frame back until the last one is acknowledged:
	 * 40 ms, when that waits for company too. */
	if (error == 0)
		error = nng_stream_dialer_set_bool(dialer, NNG_OPT_TCP_NODELAY, true);
	if (error == 0)
		error = nng_stream_dialer_set_bool(dialer, NNG_OPT_TCP_KEEPALIVE, true);
	if (error != 0) {
		if (dialer != NULL)
			nng_stream_dialer_free(dialer);
		log_error("peer_address_invalid", "name=%s url=%s error=\"%s\"", link->name, url, nng_strerror(error));
		return ERR_ADDRESS_INVALID;
	}
	pthread_mutex_lock(&link->mutex);
	struct dialer *old = SLIST_FIRST(&link->dialers), *new = memory_new(sizeof *new);
	new->dialer = dialer;
	SLIST_INSERT_HEAD(&link->dialers, new, next);
	free(link->url);
	link->url = memory_dup_string(url);
	link->resting = false;
	bool report = link_fail(link), dial = link->state == LINK_IDLE && link_may_dial(link);
	pthread_mutex_unlock(&link->mutex);
	if (old != NULL)
		nng_stream_dialer_close(old->dialer); /* a dial under way fails, and is made again with the new one */
	stream_give(&link->turn);
	if (dial)
		nng_stream_dialer_dial(dialer, link->dialling);
	if (report)
		link->transport->options.unreachable(link->transport->options.argument, link->peer);
	return ERR_OK;
}

void link_review(struct link *link, uint64_t now_ns)
{
	uint64_t heard_ns = stream_peer_heard_ns(link->transport, link->peer);
	uint64_t silence_ns = TRANSPORT_SILENCE_MS * CLOCK_NS_PER_MS;
	pthread_mutex_lock(&link->mutex);
	bool silent =
	    link->state == LINK_UP && now_ns > link->up_since_ns + silence_ns && now_ns > heard_ns + silence_ns;
	bool report = silent && link_fail(link);
	pthread_mutex_unlock(&link->mutex);
	if (report) {
		log_warn("peer_silent", "name=%s peer=%016" PRIx64 " ms=%d", link->name, link->peer,
		         TRANSPORT_SILENCE_MS);
		link->transport->options.unreachable(link->transport->options.argument, link->peer);
	}
}

void link_rest(struct link *link)
{
	pthread_mutex_lock(&link->mutex);
	bool report = !link->resting && link_fail(link);
	link->resting = true;
	pthread_mutex_unlock(&link->mutex);
	if (report)
		link->transport->options.unreachable(link->transport->options.argument, link->peer);
}

bool link_is_resting(struct link *link)
{
	pthread_mutex_lock(&link->mutex);
	bool resting = link->resting;
	pthread_mutex_unlock(&link->mutex);
	return resting;
}

bool link_is_up(struct link *link)
{
	pthread_mutex_lock(&link->mutex);
	bool up = link->state == LINK_UP && !link->failed;
	pthread_mutex_unlock(&link->mutex);
	return up;
}

/* transport->stopping is set: no operation is begun any more. */
void link_stop(struct link *link)
{
	pthread_mutex_lock(&link->mutex);
	if (link->stream != NULL && !link->failed)
		link_fail(link);
	while (link->flushing != 0) /* it may still hand over to `sending`, so that is stopped after it */
		pthread_cond_wait(&link->flushed, &link->mutex);
	pthread_mutex_unlock(&link->mutex);
	nng_aio_stop(link->dialling);
	nng_aio_stop(link->trying);
	nng_aio_stop(link->sending);
	nng_aio_stop(link->hearing);
	stream_take(&link->turn);
	check(link->operations == 0);
}

void link_free(struct link *link)
{
	struct dialer *dialer;
	while ((dialer = SLIST_FIRST(&link->dialers)) != NULL) {
		SLIST_REMOVE_HEAD(&link->dialers, next);
		nng_stream_dialer_close(dialer->dialer);
		nng_stream_dialer_free(dialer->dialer);
		free(dialer);
	}
	nng_aio_free(link->dialling);
	nng_aio_free(link->sending);
	nng_aio_free(link->trying);
	nng_aio_free(link->hearing);
	buffer_fini(&link->queue);
	buffer_fini(&link->out);
	buffer_fini(&link->answer);
	pthread_cond_destroy(&link->flushed);
	pthread_mutex_destroy(&link->mutex);
	free(link->url);
	free(link->name);
	free(link);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/dialogue.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/wait.h"
#include "replica/stream.h"

struct dialogue {
	struct dialogue_options options;
	struct buffer answer;
	const char *why;
	nng_aio *aio;
	pthread_mutex_t mutex; /* guards `done` */
	pthread_cond_t woken;
	bool done;
};

/* ---- waiting ---- */

static void dialogue_done(void *argument)
{
	struct dialogue *dialogue = argument;
	pthread_mutex_lock(&dialogue->mutex);
	dialogue->done = true;
	pthread_cond_signal(&dialogue->woken);
	pthread_mutex_unlock(&dialogue->mutex);
}

/* Until the operation has ended; it is canceled when it is given up. The library's condition. */
static int dialogue_wait(struct dialogue *dialogue)
{
	const struct dialogue_options *options = &dialogue->options;
	bool given_up = false;
	pthread_mutex_lock(&dialogue->mutex);
	while (!dialogue->done) {
		wait_until(&dialogue->woken, &dialogue->mutex, clock_steady_ns() + DIALOGUE_LOOK_MS * CLOCK_NS_PER_MS);
		if (dialogue->done)
			break;
		pthread_mutex_unlock(&dialogue->mutex);
		bool cancel = options->look(options->argument) && !given_up;
		if (cancel)
			nng_aio_cancel(dialogue->aio);
		given_up = given_up || cancel;
		pthread_mutex_lock(&dialogue->mutex);
	}
	dialogue->done = false;
	pthread_mutex_unlock(&dialogue->mutex);
	nng_aio_wait(dialogue->aio);
	int error = nng_aio_result(dialogue->aio);
	if (error != 0)
		dialogue->why = nng_strerror(error);
	return error;
}

void dialogue_pause(struct dialogue *dialogue, uint64_t pause_ms)
{
	nng_aio_set_timeout(dialogue->aio, NNG_DURATION_INFINITE);
	nng_sleep_aio((nng_duration)pause_ms, dialogue->aio);
	dialogue_wait(dialogue);
}

/* ---- asking ---- */

static enum err dialogue_dial(struct dialogue *dialogue, const char *url, nng_stream **ret_stream)
{
	nng_stream_dialer *dialer = NULL;
	int error = nng_stream_dialer_alloc(&dialer, url);
	if (error != 0)
		return ERR_ADDRESS_INVALID;
	nng_aio_set_timeout(dialogue->aio, DIALOGUE_DIAL_TIMEOUT_MS);
	nng_stream_dialer_dial(dialer, dialogue->aio);
	error = dialogue_wait(dialogue);
	if (error == 0)
		*ret_stream = nng_aio_get_output(dialogue->aio, 0);
	nng_stream_dialer_close(dialer);
	nng_stream_dialer_free(dialer);
	return error == 0 ? ERR_OK : ERR_UNREACHABLE;
}

static enum err dialogue_send(struct dialogue *dialogue, nng_stream *stream, struct bytes frame)
{
	while (frame.size != 0) {
		nng_iov iov = {.iov_buf = (void *)frame.data, .iov_len = frame.size};
		nng_aio_set_iov(dialogue->aio, 1, &iov);
		nng_aio_set_timeout(dialogue->aio, DIALOGUE_DIAL_TIMEOUT_MS);
		nng_stream_send(stream, dialogue->aio);
		int error = dialogue_wait(dialogue);
		if (error != 0)
			return stream_err(error);
		frame = bytes_from(frame, nng_aio_count(dialogue->aio));
	}
	return ERR_OK;
}

/* ERR_NOT_FOUND: more bytes are needed. */
static enum err dialogue_read(const struct dialogue *dialogue, struct arena *arena, Peer__Envelope **ret_answer)
{
	struct bytes body = BYTES_NONE;
	size_t size = 0;
	enum err err = frame_split(buffer_bytes(&dialogue->answer), &body, &size);
	if (err == ERR_NOT_FOUND && size > FRAME_HEADER_BYTES + dialogue->options.answer_bytes_max)
		return ERR_PROTOCOL;
	return err == ERR_OK ? frame_unpack(body, arena, ret_answer) : err;
}

static enum err dialogue_hear(struct dialogue *dialogue, nng_stream *stream, struct arena *arena,
                              Peer__Envelope **ret_answer)
{
	enum err err = ERR_NOT_FOUND;
	buffer_clear(&dialogue->answer);
	while (err == ERR_NOT_FOUND) {
		uint8_t *room = NULL;
		err = buffer_extend(&dialogue->answer, TRANSPORT_READ_BYTES, &room);
		check(err == ERR_OK);
		dialogue->answer.size -= TRANSPORT_READ_BYTES; /* until something came */
		nng_iov iov = {.iov_buf = room, .iov_len = TRANSPORT_READ_BYTES};
		nng_aio_set_iov(dialogue->aio, 1, &iov);
		nng_aio_set_timeout(dialogue->aio, (nng_duration)dialogue->options.answer_timeout_ms);
		nng_stream_recv(stream, dialogue->aio);
		int error = dialogue_wait(dialogue);
		if (error != 0)
			return stream_err(error);
		dialogue->answer.size += nng_aio_count(dialogue->aio);
		err = dialogue_read(dialogue, arena, ret_answer);
	}
	return err;
}

enum err dialogue_ask(struct dialogue *dialogue, const char *url, struct bytes frame, struct arena *arena,
                      Peer__Envelope **ret_answer)
{
	nng_stream *stream = NULL;
	dialogue->why = "";
	enum err err = dialogue_dial(dialogue, url, &stream);
	if (err != ERR_OK)
		return err;
	err = dialogue_send(dialogue, stream, frame);
	if (err == ERR_OK)
		err = dialogue_hear(dialogue, stream, arena, ret_answer);
	nng_stream_close(stream);
	nng_stream_free(stream);
	return err;
}

const char *dialogue_why(const struct dialogue *dialogue)
{
	return dialogue->why;
}

/* ---- life ---- */

struct dialogue *dialogue_new(const struct dialogue_options *options)
{
	struct dialogue *dialogue = memory_new(sizeof *dialogue);
	dialogue->options = *options;
	dialogue->why = "";
	buffer_init(&dialogue->answer, FRAME_HEADER_BYTES + options->answer_bytes_max + TRANSPORT_READ_BYTES);
	pthread_mutex_init(&dialogue->mutex, NULL);
	wait_cond_init(&dialogue->woken);
	int failed = nng_aio_alloc(&dialogue->aio, dialogue_done, dialogue);
	check(failed == 0); /* memory alone */
	return dialogue;
}

void dialogue_free(struct dialogue *dialogue)
{
	nng_aio_free(dialogue->aio);
	pthread_cond_destroy(&dialogue->woken);
	pthread_mutex_destroy(&dialogue->mutex);
	buffer_fini(&dialogue->answer);
	free(dialogue);
}

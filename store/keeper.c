/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keeper.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	/* RocksDB also flushes by itself, when its memtables are full: looked for this often. */
	LOOK_MS = 1000,
	REQUESTS_MAX = 16, /* more of them would say the same */
	/* Cleaning up can wait, those who read and write cannot: for each moment that a step takes, it rests so many. */
	SWEEP_REST = 2,
};

enum keeper_request_kind { KEEPER_FLUSH, KEEPER_SWEEP };

struct keeper_request {
	struct mailbox_letter letter;
	enum keeper_request_kind kind;
};

/* It never goes back: the database that is looked at may have been replaced meanwhile. */
void keeper_found_flushed(struct keeper *keeper, uint64_t index)
{
	uint64_t known = atomic_load(&keeper->flushed);
	while (known < index && !atomic_compare_exchange_weak(&keeper->flushed, &known, index))
		;
}

static void keeper_look(struct keeper *keeper, struct kv_view *view)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes row;
	struct state state;
	enum err err = database_get_flushed(view->database, &arena, &row);
	if (err == ERR_OK)
		err = row_state_decode(row, &state);
	if (err == ERR_OK)
		keeper_found_flushed(keeper, state.index);
	else if (err != ERR_NOT_FOUND)
		log_warn("flushed_unknown", "path=%s condition=%s", view->database->path, err_name(err));
}

/* True: there is more to do. */
static bool keeper_sweep_step(struct keeper *keeper, struct kv_view *view)
{
	enum sweep_outcome sweep = sweep_step(view);
	if (sweep == SWEEP_DONE)
		atomic_store(&keeper->kv->swept, view->state.compacted);
	return sweep == SWEEP_MORE;
}

static void keeper_work(struct keeper *keeper, bool flush, bool *sweep)
{
	struct kv_view *view = kv_view_open(keeper->kv);
	bool dirty = atomic_load(&keeper->flushed) < view->state.index;
	if (flush && dirty)
		database_flush(view->database);
	if (*sweep)
		*sweep = keeper_sweep_step(keeper, view);
	if (dirty)
		keeper_look(keeper, view);
	kv_view_close(view);
}

static void keeper_read(struct mailbox_letter *letters, bool *flush, bool *sweep)
{
	for (struct mailbox_letter *next; letters != NULL; letters = next) {
		next = letters->next;
		struct keeper_request *request = (struct keeper_request *)letters;
		*flush |= request->kind == KEEPER_FLUSH;
		*sweep |= request->kind == KEEPER_SWEEP;
		free(request);
	}
}

static uint64_t keeper_rest_ns(uint64_t took_ns)
{
	uint64_t most_ns = LOOK_MS * CLOCK_NS_PER_MS;
	return took_ns < most_ns / SWEEP_REST ? took_ns * SWEEP_REST : most_ns;
}

static void *keeper_run(void *argument)
{
	struct keeper *keeper = argument;
	pthread_setname_np(pthread_self(), "keeper");
	bool sweep = true; /* what a stop left */
	uint64_t rest_ns = 0;
	while (!mailbox_is_stopped(keeper->mailbox)) {
		bool flush = false;
		uint64_t pause_ns = sweep ? rest_ns : LOOK_MS * CLOCK_NS_PER_MS;
		keeper_read(mailbox_drain(keeper->mailbox, clock_steady_ns() + pause_ns), &flush, &sweep);
		uint64_t began_ns = clock_steady_ns();
		keeper_work(keeper, flush, &sweep);
		rest_ns = keeper_rest_ns(clock_steady_ns() - began_ns);
	}
	return NULL;
}

void keeper_start(struct keeper *keeper, struct kv *kv)
{
	keeper->kv = kv;
	struct kv_view *view = kv_view_open(kv);
	atomic_store(&keeper->flushed, view->state.index); /* nothing was written since it was read from the disk */
	kv_view_close(view);
	keeper->mailbox = mailbox_new(REQUESTS_MAX);
	int error = pthread_create(&keeper->thread, NULL, keeper_run, keeper);
	check(error == 0);
}

void keeper_stop(struct keeper *keeper)
{
	bool unused = false;
	mailbox_stop(keeper->mailbox);
	pthread_join(keeper->thread, NULL);
	keeper_read(mailbox_drain(keeper->mailbox, 0), &unused, &unused);
	mailbox_free(keeper->mailbox);
}

static void keeper_post(struct keeper *keeper, enum keeper_request_kind kind)
{
	struct keeper_request *request = memory_new(sizeof *request);
	request->kind = kind;
	if (mailbox_post(keeper->mailbox, &request->letter) != ERR_OK)
		free(request); /* as many wait already, or it is stopping */
}

void keeper_flush(struct keeper *keeper)
{
	keeper_post(keeper, KEEPER_FLUSH);
}

void keeper_sweep(struct keeper *keeper)
{
	keeper_post(keeper, KEEPER_SWEEP);
}

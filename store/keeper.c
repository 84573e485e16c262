/* SPDX-License-Identifier: Apache-2.0 */
#include "store/keeper.h"

#include <errno.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	/* RocksDB also flushes by itself, when its memtables are full: looked for this often. */
	LOOK_MS = 1000,
};

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
		atomic_store(&keeper->flushed, state.index);
	else if (err != ERR_NOT_FOUND)
		log_warn("flushed_unknown", "path=%s condition=%s", view->database->path, err_name(err));
}

static void keeper_work(struct keeper *keeper, bool flush, bool *sweep)
{
	struct kv_view *view = kv_view_open(keeper->kv);
	if (flush && atomic_load(&keeper->flushed) < view->state.index)
		database_flush(view->database);
	if (*sweep)
		*sweep = sweep_step(view);
	keeper_look(keeper, view);
	kv_view_close(view);
}

/* Under the lock. False: stop. */
static bool keeper_wait(struct keeper *keeper)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_MS / 1000;
	int error = 0;
	while (!keeper->stopping && !keeper->flush_wanted && !keeper->sweep_wanted && error == 0)
		error = pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
	return !keeper->stopping;
}

static void *keeper_run(void *argument)
{
	struct keeper *keeper = argument;
	pthread_setname_np(pthread_self(), "keeper");
	pthread_mutex_lock(&keeper->lock);
	while (keeper_wait(keeper)) {
		bool flush = keeper->flush_wanted, sweep = keeper->sweep_wanted;
		keeper->flush_wanted = keeper->sweep_wanted = false;
		pthread_mutex_unlock(&keeper->lock);
		keeper_work(keeper, flush, &sweep);
		pthread_mutex_lock(&keeper->lock);
		keeper->sweep_wanted |= sweep;
	}
	pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

void keeper_start(struct keeper *keeper, struct kv *kv)
{
	keeper->kv = kv;
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	keeper->sweep_wanted = true; /* what a stop left */
	struct kv_view *view = kv_view_open(kv);
	atomic_store(&keeper->flushed, view->state.index); /* nothing was written since it was read from the disk */
	kv_view_close(view);
	int error = pthread_create(&keeper->thread, NULL, keeper_run, keeper);
	check(error == 0);
	keeper->started = true;
}

void keeper_stop(struct keeper *keeper)
{
	if (!keeper->started)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->stopping = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
	pthread_join(keeper->thread, NULL);
	pthread_cond_destroy(&keeper->wake);
	pthread_mutex_destroy(&keeper->lock);
}

void keeper_flush(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->flush_wanted = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
}

void keeper_sweep(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->sweep_wanted = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
}

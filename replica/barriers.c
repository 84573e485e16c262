/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/barriers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/memory.h"

struct reader {
	STAILQ_ENTRY(reader) next;
	struct barriers_waiter waiter;
	uint64_t index; /* in `indexed` */
};
STAILQ_HEAD(reader_list, reader);

struct round {
	uint64_t read_id, begun_ns; /* read_id 0: free */
	struct reader_list readers;
};

struct barriers {
	pthread_mutex_t mutex;      /* guards all below; a leaf */
	struct reader_list fresh;   /* wait for a round to begin */
	struct reader_list indexed; /* know their index, wait for the state */
	struct round rounds[BARRIERS_ROUNDS_MAX];
	size_t count;
	bool stopped;
};

struct barriers *barriers_new(void)
{
	struct barriers *barriers = memory_new(sizeof *barriers);
	pthread_mutex_init(&barriers->mutex, NULL);
	STAILQ_INIT(&barriers->fresh);
	STAILQ_INIT(&barriers->indexed);
	for (int i = 0; i < BARRIERS_ROUNDS_MAX; i++)
		STAILQ_INIT(&barriers->rounds[i].readers);
	return barriers;
}

void barriers_free(struct barriers *barriers)
{
	if (barriers == NULL)
		return;
	check(barriers->count == 0);
	pthread_mutex_destroy(&barriers->mutex);
	free(barriers);
}

static void readers_answer(struct reader_list *list, enum err err)
{
	struct reader *reader;
	while ((reader = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		reader->waiter.ready(reader->waiter.argument, err);
		free(reader);
	}
}

static enum err barriers_enter(struct barriers *barriers, struct reader_list *list,
                               const struct barriers_waiter *waiter, uint64_t index)
{
	struct reader *reader = memory_new(sizeof *reader);
	*reader = (struct reader){.waiter = *waiter, .index = index};
	enum err err = ERR_OK;
	pthread_mutex_lock(&barriers->mutex);
	if (barriers->stopped)
		err = ERR_STOPPED;
	else if (barriers->count >= BARRIERS_WAITERS_MAX)
		err = ERR_BUSY;
	if (err == ERR_OK) {
		STAILQ_INSERT_TAIL(list, reader, next);
		barriers->count++;
	}
	pthread_mutex_unlock(&barriers->mutex);
	if (err != ERR_OK)
		free(reader);
	return err;
}

enum err barriers_add(struct barriers *barriers, const struct barriers_waiter *waiter)
{
	return barriers_enter(barriers, &barriers->fresh, waiter, 0);
}

enum err barriers_add_at(struct barriers *barriers, const struct barriers_waiter *waiter, uint64_t index)
{
	return barriers_enter(barriers, &barriers->indexed, waiter, index);
}

/* The round of that id (0: a free one), or NULL. The mutex is held. */
static struct round *barriers_round(struct barriers *barriers, uint64_t read_id)
{
	for (int i = 0; i < BARRIERS_ROUNDS_MAX; i++)
		if (barriers->rounds[i].read_id == read_id)
			return &barriers->rounds[i];
	return NULL;
}

bool barriers_want_round(struct barriers *barriers, uint64_t now_ns)
{
	const struct reader *reader;
	pthread_mutex_lock(&barriers->mutex);
	STAILQ_FOREACH(reader, &barriers->fresh, next)
	{
		if (reader->waiter.came_ns <= now_ns)
			break;
	}
	bool want = reader != NULL && barriers_round(barriers, 0) != NULL;
	pthread_mutex_unlock(&barriers->mutex);
	return want;
}

void barriers_begin(struct barriers *barriers, uint64_t read_id, uint64_t now_ns)
{
	check(read_id != 0);
	pthread_mutex_lock(&barriers->mutex);
	struct round *round = barriers_round(barriers, 0);
	check(round != NULL);
	round->read_id = read_id;
	round->begun_ns = now_ns;
	struct reader_list all = STAILQ_HEAD_INITIALIZER(all);
	struct reader *reader;
	STAILQ_CONCAT(&all, &barriers->fresh);
	while ((reader = STAILQ_FIRST(&all)) != NULL) {
		STAILQ_REMOVE_HEAD(&all, next);
		if (reader->waiter.came_ns <= now_ns)
			STAILQ_INSERT_TAIL(&round->readers, reader, next);
		else
			STAILQ_INSERT_TAIL(&barriers->fresh, reader, next);
	}
	pthread_mutex_unlock(&barriers->mutex);
}

void barriers_resolved(struct barriers *barriers, uint64_t read_id, enum err err, uint64_t index)
{
	struct reader *reader;
	pthread_mutex_lock(&barriers->mutex);
	struct round *round = barriers_round(barriers, read_id);
	if (round != NULL) {
		if (HAS_BUG(BARRIER_JOINS_ROUND))
			STAILQ_CONCAT(&round->readers, &barriers->fresh);
		STAILQ_FOREACH(reader, &round->readers, next)
		reader->index = index;
		if (err == ERR_OK)
			STAILQ_CONCAT(&barriers->indexed, &round->readers);
		else
			STAILQ_CONCAT(&barriers->fresh, &round->readers);
		round->read_id = 0;
	}
	pthread_mutex_unlock(&barriers->mutex);
}

/* Moves the readers that are past their deadline; returns the next deadline of the others. The mutex is held. */
static uint64_t readers_expire(struct barriers *barriers, struct reader_list *list, uint64_t now_ns,
                               struct reader_list *over)
{
	struct reader_list kept = STAILQ_HEAD_INITIALIZER(kept);
	struct reader *reader;
	uint64_t next_ns = UINT64_MAX;
	while ((reader = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		if (reader->waiter.deadline_ns <= now_ns) {
			STAILQ_INSERT_TAIL(over, reader, next);
			barriers->count--;
			continue;
		}
		STAILQ_INSERT_TAIL(&kept, reader, next);
		if (reader->waiter.deadline_ns < next_ns)
			next_ns = reader->waiter.deadline_ns;
	}
	STAILQ_CONCAT(list, &kept);
	return next_ns;
}

uint64_t barriers_review(struct barriers *barriers, uint64_t now_ns, uint64_t begun_ns)
{
	struct reader_list over = STAILQ_HEAD_INITIALIZER(over);
	pthread_mutex_lock(&barriers->mutex);
	uint64_t next_ns = readers_expire(barriers, &barriers->indexed, now_ns, &over);
	for (int i = 0; i < BARRIERS_ROUNDS_MAX; i++) {
		struct round *round = &barriers->rounds[i];
		if (round->read_id != 0 && round->begun_ns <= begun_ns) {
			STAILQ_CONCAT(&barriers->fresh, &round->readers);
			round->read_id = 0;
		}
		uint64_t round_ns = readers_expire(barriers, &round->readers, now_ns, &over);
		next_ns = round_ns < next_ns ? round_ns : next_ns;
	}
	uint64_t fresh_ns = readers_expire(barriers, &barriers->fresh, now_ns, &over);
	pthread_mutex_unlock(&barriers->mutex);
	readers_answer(&over, ERR_TIMEOUT);
	return fresh_ns < next_ns ? fresh_ns : next_ns;
}

void barriers_stop(struct barriers *barriers, enum err why)
{
	struct reader_list over = STAILQ_HEAD_INITIALIZER(over);
	pthread_mutex_lock(&barriers->mutex);
	barriers->stopped = true;
	STAILQ_CONCAT(&over, &barriers->fresh);
	STAILQ_CONCAT(&over, &barriers->indexed);
	for (int i = 0; i < BARRIERS_ROUNDS_MAX; i++) {
		STAILQ_CONCAT(&over, &barriers->rounds[i].readers);
		barriers->rounds[i].read_id = 0;
	}
	barriers->count = 0;
	pthread_mutex_unlock(&barriers->mutex);
	readers_answer(&over, why);
}

void barriers_applied(struct barriers *barriers, uint64_t applied)
{
	struct reader_list over = STAILQ_HEAD_INITIALIZER(over), kept = STAILQ_HEAD_INITIALIZER(kept);
	struct reader *reader;
	pthread_mutex_lock(&barriers->mutex);
	while ((reader = STAILQ_FIRST(&barriers->indexed)) != NULL) {
		STAILQ_REMOVE_HEAD(&barriers->indexed, next);
		bool done = reader->index <= applied || HAS_BUG(BARRIER_IGNORES_APPLIED);
		barriers->count -= done;
		if (done)
			STAILQ_INSERT_TAIL(&over, reader, next);
		else
			STAILQ_INSERT_TAIL(&kept, reader, next);
	}
	STAILQ_CONCAT(&barriers->indexed, &kept);
	pthread_mutex_unlock(&barriers->mutex);
	readers_answer(&over, ERR_OK);
}

size_t barriers_count(struct barriers *barriers)
{
	pthread_mutex_lock(&barriers->mutex);
	size_t count = barriers->count;
	pthread_mutex_unlock(&barriers->mutex);
	return count;
}

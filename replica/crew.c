/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/crew.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/wait.h"

/* One per duty: then a blocked one never leaves another undone. */
enum { CREW_THREADS = CREW_DUTIES };

/* Of each thread: where it sleeps. */
struct seat {
	struct crew *crew;
	pthread_t thread;
	pthread_cond_t wake;
	uint64_t until_ns;
};

struct crew {
	crew_work work[CREW_DUTIES];
	void *argument;
	struct seat seats[CREW_THREADS];
	pthread_mutex_t mutex; /* guards all below; a leaf */
	bool wanted[CREW_DUTIES], busy[CREW_DUTIES];
	bool called[CREW_DUTIES];      /* wanted, and one who slept was woken for it */
	pthread_t holder[CREW_DUTIES]; /* while busy */
	/* The last one to fall asleep is woken first: its core is warm, and the others keep the time undisturbed. */
	struct seat *asleep[CREW_THREADS];
	size_t asleep_count;
	uint64_t wake_at_ns;
	bool running, stopping;
};

struct crew *crew_new(const crew_work work[CREW_DUTIES], void *argument)
{
	struct crew *crew = memory_new(sizeof *crew);
	memcpy(crew->work, work, sizeof crew->work);
	crew->argument = argument;
	crew->wake_at_ns = UINT64_MAX;
	pthread_mutex_init(&crew->mutex, NULL);
	for (int i = 0; i < CREW_THREADS; i++) {
		crew->seats[i].crew = crew;
		wait_cond_init(&crew->seats[i].wake);
	}
	return crew;
}

void crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	check(!crew->running);
	for (int i = 0; i < CREW_THREADS; i++)
		pthread_cond_destroy(&crew->seats[i].wake);
	pthread_mutex_destroy(&crew->mutex);
	free(crew);
}

/* The mutex is held. CREW_DUTIES when there is nothing to do. */
static enum crew_duty crew_pick(const struct crew *crew)
{
	for (enum crew_duty duty = 0; duty < CREW_DUTIES; duty++)
		if (crew->wanted[duty] && !crew->busy[duty])
			return duty;
	return CREW_DUTIES;
}

/* Is the calling thread one of the crew's? The mutex is held. */
static bool crew_is_mine(const struct crew *crew)
{
	pthread_t self = pthread_self();
	for (int i = 0; crew->running && i < CREW_THREADS; i++)
		if (pthread_equal(crew->seats[i].thread, self))
			return true;
	return false;
}

/* Takes the sleeper at this place of the stack out of it, to be woken. The mutex is held. */
static struct seat *crew_rouse(struct crew *crew, size_t at)
{
	check(at < crew->asleep_count);
	struct seat *seat = crew->asleep[at];
	crew->asleep_count--;
	memmove(&crew->asleep[at], &crew->asleep[at + 1], (crew->asleep_count - at) * sizeof(struct seat *));
	return seat;
}

/* Who is to be woken for a duty, or NULL: then somebody is awake who will look. The mutex is held. */
static struct seat *crew_call(struct crew *crew, enum crew_duty duty)
{
	if (crew->called[duty] || crew->asleep_count == 0)
		return NULL;
	crew->called[duty] = true;
	return crew_rouse(crew, crew->asleep_count - 1);
}

/* After the mutex was let go, or the woken one would run into it. */
static void seat_wake(struct seat *seat)
{
	if (seat != NULL)
		pthread_cond_signal(&seat->wake);
}

/* Waits until something may have changed. The mutex is held. */
static void crew_sleep(struct crew *crew, struct seat *seat)
{
	uint64_t now_ns = clock_steady_ns(), until_ns = crew->wake_at_ns;
	if (now_ns >= until_ns) {
		crew->wake_at_ns = UINT64_MAX;
		crew->wanted[CREW_RAFT] = true;
		return;
	}
	seat->until_ns = until_ns;
	crew->asleep[crew->asleep_count++] = seat;
	wait_until(&seat->wake, &crew->mutex, until_ns);
	for (size_t i = 0; i < crew->asleep_count; i++)
		if (crew->asleep[i] == seat)
			crew_rouse(crew, i); /* nobody else did */
}

/* Another thread is needed when more than what the caller is about to do can be done, or when nobody would keep the time. The
 * mutex is held. */
static struct seat *crew_call_another(struct crew *crew)
{
	enum crew_duty duty = crew_pick(crew);
	if (duty != CREW_DUTIES)
		return crew_call(crew, duty);
	for (size_t i = 0; i < crew->asleep_count; i++)
		if (crew->asleep[i]->until_ns <= crew->wake_at_ns)
			return NULL;
	return crew->asleep_count != 0 ? crew_rouse(crew, 0) : NULL;
}

static void crew_do(struct crew *crew, enum crew_duty duty)
{
	crew->wanted[duty] = crew->called[duty] = false;
	crew->busy[duty] = true;
	crew->holder[duty] = pthread_self();
	struct seat *another = crew_call_another(crew);
	pthread_mutex_unlock(&crew->mutex);
	seat_wake(another);
	crew->work[duty](crew->argument);
	pthread_mutex_lock(&crew->mutex);
	crew->busy[duty] = false;
}

static void *crew_main(void *argument)
{
	struct seat *seat = argument;
	struct crew *crew = seat->crew;
	pthread_setname_np(pthread_self(), "etcfs-replica");
	pthread_mutex_lock(&crew->mutex);
	while (!crew->stopping) {
		enum crew_duty duty = crew_pick(crew);
		if (duty != CREW_DUTIES)
			crew_do(crew, duty);
		else
			crew_sleep(crew, seat);
	}
	pthread_mutex_unlock(&crew->mutex);
	return NULL;
}

void crew_start(struct crew *crew)
{
	check(!crew->running);
	pthread_mutex_lock(&crew->mutex); /* none of them goes on before all are known */
	for (int i = 0; i < CREW_THREADS; i++) {
		int failed = pthread_create(&crew->seats[i].thread, NULL, crew_main, &crew->seats[i]);
		check(failed == 0);
	}
	crew->running = true;
	pthread_mutex_unlock(&crew->mutex);
}

void crew_stop(struct crew *crew)
{
	if (!crew->running)
		return;
	pthread_mutex_lock(&crew->mutex);
	crew->stopping = true;
	for (int i = 0; i < CREW_THREADS; i++)
		pthread_cond_signal(&crew->seats[i].wake);
	pthread_mutex_unlock(&crew->mutex);
	for (int i = 0; i < CREW_THREADS; i++)
		pthread_join(crew->seats[i].thread, NULL);
	crew->running = false;
}

void crew_want(struct crew *crew, enum crew_duty duty)
{
	pthread_mutex_lock(&crew->mutex);
	crew->wanted[duty] = true;
	/* One of the crew looks again when its duty is done, and calls another if there is more than it can do. */
	struct seat *seat = !crew->busy[duty] && !crew_is_mine(crew) ? crew_call(crew, duty) : NULL;
	pthread_mutex_unlock(&crew->mutex);
	seat_wake(seat);
}

void crew_wake_at(struct crew *crew, uint64_t time_ns)
{
	pthread_mutex_lock(&crew->mutex);
	crew->wake_at_ns = time_ns;
	pthread_mutex_unlock(&crew->mutex);
}

void crew_check(struct crew *crew, enum crew_duty duty)
{
	pthread_mutex_lock(&crew->mutex);
	bool held = !crew->running || (crew->busy[duty] && pthread_equal(crew->holder[duty], pthread_self()));
	pthread_mutex_unlock(&crew->mutex);
	check(held);
}

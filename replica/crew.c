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

struct crew {
	crew_work work[CREW_DUTIES];
	void *argument;
	pthread_t threads[CREW_THREADS];
	pthread_mutex_t mutex; /* guards all below; a leaf */
	pthread_cond_t wake;
	bool wanted[CREW_DUTIES], busy[CREW_DUTIES];
	pthread_t holder[CREW_DUTIES]; /* while busy */
	unsigned sleepers;
	uint64_t wake_at_ns, slept_until_ns; /* slept_until_ns: the latest time that a sleeper waits for */
	bool running, stopping;
};

/* The crew that the calling thread belongs to. */
static _Thread_local const struct crew *crew_mine;

struct crew *crew_new(const crew_work work[CREW_DUTIES], void *argument)
{
	struct crew *crew = memory_new(sizeof *crew);
	memcpy(crew->work, work, sizeof crew->work);
	crew->argument = argument;
	crew->wake_at_ns = UINT64_MAX;
	pthread_mutex_init(&crew->mutex, NULL);
	wait_cond_init(&crew->wake);
	return crew;
}

void crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	check(!crew->running);
	pthread_cond_destroy(&crew->wake);
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

/* Waits until something may have changed. The mutex is held. */
static void crew_sleep(struct crew *crew)
{
	uint64_t now_ns = clock_steady_ns(), until_ns = crew->wake_at_ns;
	if (now_ns >= until_ns) {
		crew->wake_at_ns = UINT64_MAX;
		crew->wanted[CREW_RAFT] = true;
		return;
	}
	crew->slept_until_ns = until_ns;
	crew->sleepers++;
	wait_until(&crew->wake, &crew->mutex, until_ns);
	crew->sleepers--;
}

/* Another thread is needed when more than what the caller is about to do can be done, or when nobody would keep the time. The
 * mutex is held. */
static void crew_call_another(struct crew *crew)
{
	if (crew->sleepers != 0 && (crew_pick(crew) != CREW_DUTIES || crew->wake_at_ns < crew->slept_until_ns))
		pthread_cond_signal(&crew->wake);
}

static void crew_do(struct crew *crew, enum crew_duty duty)
{
	crew->wanted[duty] = false;
	crew->busy[duty] = true;
	crew->holder[duty] = pthread_self();
	crew_call_another(crew);
	pthread_mutex_unlock(&crew->mutex);
	crew->work[duty](crew->argument);
	pthread_mutex_lock(&crew->mutex);
	crew->busy[duty] = false;
}

static void *crew_main(void *argument)
{
	struct crew *crew = argument;
	pthread_setname_np(pthread_self(), "etcfs-replica");
	crew_mine = crew;
	pthread_mutex_lock(&crew->mutex);
	while (!crew->stopping) {
		enum crew_duty duty = crew_pick(crew);
		if (duty != CREW_DUTIES)
			crew_do(crew, duty);
		else
			crew_sleep(crew);
	}
	pthread_cond_broadcast(&crew->wake);
	pthread_mutex_unlock(&crew->mutex);
	return NULL;
}

void crew_start(struct crew *crew)
{
	check(!crew->running);
	crew->running = true;
	for (int i = 0; i < CREW_THREADS; i++) {
		int failed = pthread_create(&crew->threads[i], NULL, crew_main, crew);
		check(failed == 0);
	}
}

void crew_stop(struct crew *crew)
{
	if (!crew->running)
		return;
	pthread_mutex_lock(&crew->mutex);
	crew->stopping = true;
	pthread_cond_broadcast(&crew->wake);
	pthread_mutex_unlock(&crew->mutex);
	for (int i = 0; i < CREW_THREADS; i++)
		pthread_join(crew->threads[i], NULL);
	crew->running = false;
}

void crew_want(struct crew *crew, enum crew_duty duty)
{
	pthread_mutex_lock(&crew->mutex);
	crew->wanted[duty] = true;
	/* One of the crew looks again when its duty is done, and calls another if there is more than it can do. */
	if (!crew->busy[duty] && crew->sleepers != 0 && crew_mine != crew)
		pthread_cond_signal(&crew->wake);
	pthread_mutex_unlock(&crew->mutex);
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

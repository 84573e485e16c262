/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wait.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

void wait_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

bool wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
	if (deadline_ns == UINT64_MAX) {
		pthread_cond_wait(cond, mutex);
		return true;
	}
	uint64_t now_ns = clock_steady_ns();
	if (now_ns >= deadline_ns)
		return false;
	struct timespec until; /* condition variables know no CLOCK_BOOTTIME: wait by the difference */
	clock_gettime(CLOCK_MONOTONIC, &until);
	uint64_t until_ns = (uint64_t)until.tv_nsec + (deadline_ns - now_ns);
	until.tv_sec += (time_t)(until_ns / CLOCK_NS_PER_S);
	until.tv_nsec = (long)(until_ns % CLOCK_NS_PER_S);
	return pthread_cond_timedwait(cond, mutex, &until) != ETIMEDOUT;
}

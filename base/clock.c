/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

#include "base/check.h"

static struct timespec clock_read(clockid_t id)
{
	struct timespec now;
	int failed = clock_gettime(id, &now);
	check(failed == 0);
	return now;
}

uint64_t clock_steady_ns(void)
{
	struct timespec now = clock_read(CLOCK_BOOTTIME);
	return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_steady_ms(void)
{
	return clock_steady_ns() / CLOCK_NS_PER_MS;
}

int64_t clock_wall_ns(void)
{
	struct timespec now = clock_read(CLOCK_REALTIME);
	return (int64_t)now.tv_sec * (int64_t)CLOCK_NS_PER_S + now.tv_nsec;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/ticks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

struct ticks {
	struct reactor_source source;
	struct reactor *reactor;
	TAILQ_HEAD(, tick) all;
	struct tick *following; /* while they run: the one after the one that runs */
};

static void ticks_arm(struct ticks *ticks, unsigned every_ms)
{
	const struct timespec every = {.tv_sec = every_ms / 1000, .tv_nsec = (long)(every_ms % 1000) * 1000 * 1000};
	int failed =
	    timerfd_settime(ticks->source.fd, 0, &(struct itimerspec){.it_interval = every, .it_value = every}, NULL);
	check(failed == 0);
}

static void ticks_ready(struct reactor_source *source, uint32_t events)
{
	struct ticks *ticks = (struct ticks *)source;
	uint64_t count, now_ns = clock_steady_ns();
	if (read(source->fd, &count, sizeof count) != sizeof count)
		return;
	for (struct tick *tick = TAILQ_FIRST(&ticks->all); tick != NULL; tick = ticks->following) {
		ticks->following = TAILQ_NEXT(tick, next);
		tick->run(tick, now_ns);
	}
}

enum err ticks_new(struct reactor *reactor, struct ticks **ret_ticks)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0) {
		log_error("api_timer_failed", "reason=\"%s\" remedy=\"raise the limit of open files\"",
		          strerror(errno));
		return ERR_LIMIT;
	}
	struct ticks *ticks = memory_new(sizeof *ticks);
	ticks->source = (struct reactor_source){.fd = fd, .ready = ticks_ready};
	ticks->reactor = reactor;
	TAILQ_INIT(&ticks->all);
	enum err err = reactor_add(reactor, &ticks->source, EPOLLIN);
	if (err != ERR_OK) {
		close(fd);
		free(ticks);
		return err;
	}
	*ret_ticks = ticks;
	return ERR_OK;
}

void ticks_free(struct ticks *ticks)
{
	check(TAILQ_EMPTY(&ticks->all));
	reactor_remove(ticks->reactor, &ticks->source);
	close(ticks->source.fd);
	free(ticks);
}

void ticks_add(struct ticks *ticks, struct tick *tick)
{
	if (TAILQ_EMPTY(&ticks->all))
		ticks_arm(ticks, TICKS_EVERY_MS);
	TAILQ_INSERT_TAIL(&ticks->all, tick, next);
}

void ticks_remove(struct ticks *ticks, struct tick *tick)
{
	if (ticks->following == tick)
		ticks->following = TAILQ_NEXT(tick, next);
	TAILQ_REMOVE(&ticks->all, tick, next);
	if (TAILQ_EMPTY(&ticks->all))
		ticks_arm(ticks, 0);
}

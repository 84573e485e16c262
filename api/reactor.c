/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reactor.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	REACTOR_EVENTS_MAX = 64, /* of one wait: others come with the next */
};

struct reactor {
	int epoll;
	struct reactor_source wake;
	struct mailbox *posted;
	atomic_bool woken; /* the eventfd is already raised */
	atomic_bool stopped;
	struct reactor_task *deferred; /* newest first */
	pthread_t thread;
};

/* ---- tasks ---- */

static void reactor_run_letters(struct mailbox_letter *letter)
{
	while (letter != NULL) {
		struct mailbox_letter *next = letter->next;
		struct reactor_task *task = (struct reactor_task *)letter;
		task->run(task);
		letter = next;
	}
}

static void reactor_run_deferred(struct reactor *reactor)
{
	while (reactor->deferred != NULL) {
		struct reactor_task *task = reactor->deferred;
		reactor->deferred = (struct reactor_task *)task->letter.next;
		task->run(task);
	}
}

void reactor_defer(struct reactor *reactor, struct reactor_task *task)
{
	task->letter.next = (struct mailbox_letter *)reactor->deferred;
	reactor->deferred = task;
}

static void reactor_wake(struct reactor *reactor)
{
	if (atomic_exchange(&reactor->woken, true))
		return;
	uint64_t one = 1;
	ssize_t written = write(reactor->wake.fd, &one, sizeof one);
	check(written == (ssize_t)sizeof one);
}

void reactor_post(struct reactor *reactor, struct reactor_task *task)
{
	mailbox_post_always(reactor->posted, &task->letter);
	reactor_wake(reactor);
}

static void reactor_woken(struct reactor_source *source, uint32_t events)
{
	struct reactor *reactor = (struct reactor *)((char *)source - offsetof(struct reactor, wake));
	uint64_t count;
	ssize_t size = read(source->fd, &count, sizeof count);
	check(size == (ssize_t)sizeof count);
	atomic_store(&reactor->woken, false); /* before the drain: a post after it wakes again */
	reactor_run_letters(mailbox_drain(reactor->posted, 0));
}

/* ---- sources ---- */

static void reactor_control(struct reactor *reactor, int operation, struct reactor_source *source)
{
	struct epoll_event event = {.events = source->events, .data.ptr = source};
	int result = epoll_ctl(reactor->epoll, operation, source->fd, &event);
	check(result == 0); /* the descriptors are ours and open */
}

/* epoll_ctl(2): memory, and the user's share of watches, are not ours to count on. */
enum err reactor_add(struct reactor *reactor, struct reactor_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};
	source->events = events;
	if (epoll_ctl(reactor->epoll, EPOLL_CTL_ADD, source->fd, &event) == 0)
		return ERR_OK;
	int error = errno;
	log_error("api_watch_failed", "reason=\"%s\" remedy=\"free memory, or raise fs.epoll.max_user_watches\"",
	          strerror(error));
	check(error == ENOMEM || error == ENOSPC); /* the descriptor is ours and open */
	return ERR_LIMIT;
}

void reactor_change(struct reactor *reactor, struct reactor_source *source, uint32_t events)
{
	if (source->events == events)
		return;
	source->events = events;
	reactor_control(reactor, EPOLL_CTL_MOD, source);
}

void reactor_remove(struct reactor *reactor, struct reactor_source *source)
{
	reactor_control(reactor, EPOLL_CTL_DEL, source);
}

/* ---- the loop ---- */

enum err reactor_new(struct reactor **ret_reactor)
{
	struct reactor *reactor = memory_new(sizeof *reactor);
	reactor->epoll = epoll_create1(EPOLL_CLOEXEC);
	reactor->wake = (struct reactor_source){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = reactor_woken};
	bool opened = reactor->epoll >= 0 && reactor->wake.fd >= 0;
	if (!opened)
		log_error("api_loop_failed", "reason=\"%s\"", strerror(errno));
	if (!opened || reactor_add(reactor, &reactor->wake, EPOLLIN) != ERR_OK) {
		close(reactor->epoll);
		close(reactor->wake.fd);
		free(reactor);
		return ERR_LIMIT;
	}
	reactor->posted = mailbox_new(SIZE_MAX); /* reactor_post() says what bounds it */
	*ret_reactor = reactor;
	return ERR_OK;
}

void reactor_free(struct reactor *reactor)
{
	struct mailbox_letter *letters;
	while ((letters = mailbox_drain(reactor->posted, 0)) != NULL || reactor->deferred != NULL) {
		reactor_run_letters(letters);
		reactor_run_deferred(reactor);
	}
	mailbox_free(reactor->posted);
	close(reactor->wake.fd);
	close(reactor->epoll);
	free(reactor);
}

static void *reactor_main(void *argument)
{
	struct reactor *reactor = argument;
	role_take(&role_api);
	while (!atomic_load(&reactor->stopped)) {
		struct epoll_event events[REACTOR_EVENTS_MAX];
		int count = epoll_wait(reactor->epoll, events, REACTOR_EVENTS_MAX, -1);
		check(count >= 0 || errno == EINTR);
		for (int at = 0; at < count; at++) {
			struct reactor_source *source = events[at].data.ptr;
			source->ready(source, events[at].events);
		}
		reactor_run_deferred(reactor);
	}
	return NULL;
}

enum err reactor_start(struct reactor *reactor)
{
	int error = pthread_create(&reactor->thread, NULL, reactor_main, reactor);
	if (error == 0)
		return ERR_OK;
	log_error("thread_failed", "role=api reason=\"%s\"", strerror(error));
	return ERR_LIMIT;
}

void reactor_stop(struct reactor *reactor)
{
	atomic_store(&reactor->stopped, true);
	reactor_wake(reactor);
	pthread_join(reactor->thread, NULL);
}

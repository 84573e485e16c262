/* SPDX-License-Identifier: Apache-2.0 */
#include "api/loop.h"

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
	LOOP_EVENTS_MAX = 64, /* of one wait: others come with the next */
};

struct loop {
	int epoll;
	struct loop_source wake;
	struct mailbox *posted;
	atomic_bool woken; /* the eventfd is already raised */
	atomic_bool stopped;
	struct loop_task *deferred; /* newest first */
	pthread_t thread;
};

/* ---- tasks ---- */

static void loop_run_letters(struct mailbox_letter *letter)
{
	while (letter != NULL) {
		struct mailbox_letter *next = letter->next;
		struct loop_task *task = (struct loop_task *)letter;
		task->run(task);
		letter = next;
	}
}

static void loop_run_deferred(struct loop *loop)
{
	while (loop->deferred != NULL) {
		struct loop_task *task = loop->deferred;
		loop->deferred = (struct loop_task *)task->letter.next;
		task->run(task);
	}
}

void loop_defer(struct loop *loop, struct loop_task *task)
{
	task->letter.next = (struct mailbox_letter *)loop->deferred;
	loop->deferred = task;
}

static void loop_wake(struct loop *loop)
{
	if (atomic_exchange(&loop->woken, true))
		return;
	uint64_t one = 1;
	ssize_t written = write(loop->wake.fd, &one, sizeof one);
	check(written == (ssize_t)sizeof one);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
	mailbox_post_always(loop->posted, &task->letter);
	loop_wake(loop);
}

static void loop_woken(struct loop_source *source, uint32_t events)
{
	struct loop *loop = (struct loop *)((char *)source - offsetof(struct loop, wake));
	uint64_t count;
	ssize_t size = read(source->fd, &count, sizeof count);
	check(size == (ssize_t)sizeof count);
	atomic_store(&loop->woken, false); /* before the drain: a post after it wakes again */
	loop_run_letters(mailbox_drain(loop->posted, 0));
}

/* ---- sources ---- */

static void loop_control(struct loop *loop, int operation, struct loop_source *source)
{
	struct epoll_event event = {.events = source->events, .data.ptr = source};
	int result = epoll_ctl(loop->epoll, operation, source->fd, &event);
	check(result == 0); /* the descriptors are ours and open */
}

void loop_add(struct loop *loop, struct loop_source *source, uint32_t events)
{
	source->events = events;
	loop_control(loop, EPOLL_CTL_ADD, source);
}

void loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	if (source->events == events)
		return;
	source->events = events;
	loop_control(loop, EPOLL_CTL_MOD, source);
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	loop_control(loop, EPOLL_CTL_DEL, source);
}

/* ---- the loop ---- */

enum err loop_new(struct loop **ret_loop)
{
	struct loop *loop = memory_new(sizeof *loop);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->wake = (struct loop_source){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = loop_woken};
	if (loop->epoll < 0 || loop->wake.fd < 0) {
		log_error("api_loop_failed", "reason=\"%s\"", strerror(errno));
		close(loop->epoll);
		close(loop->wake.fd);
		free(loop);
		return ERR_LIMIT;
	}
	loop->posted = mailbox_new(SIZE_MAX); /* loop_post() says what bounds it */
	loop_add(loop, &loop->wake, EPOLLIN);
	*ret_loop = loop;
	return ERR_OK;
}

void loop_free(struct loop *loop)
{
	loop_run_letters(mailbox_drain(loop->posted, 0));
	loop_run_deferred(loop);
	mailbox_free(loop->posted);
	close(loop->wake.fd);
	close(loop->epoll);
	free(loop);
}

static void *loop_main(void *argument)
{
	struct loop *loop = argument;
	role_take(&role_api);
	while (!atomic_load(&loop->stopped)) {
		struct epoll_event events[LOOP_EVENTS_MAX];
		int count = epoll_wait(loop->epoll, events, LOOP_EVENTS_MAX, -1);
		check(count >= 0 || errno == EINTR);
		for (int at = 0; at < count; at++) {
			struct loop_source *source = events[at].data.ptr;
			source->ready(source, events[at].events);
		}
		loop_run_deferred(loop);
	}
	return NULL;
}

enum err loop_start(struct loop *loop)
{
	int error = pthread_create(&loop->thread, NULL, loop_main, loop);
	if (error == 0)
		return ERR_OK;
	log_error("thread_failed", "role=api reason=\"%s\"", strerror(error));
	return ERR_LIMIT;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopped, true);
	loop_wake(loop);
	pthread_join(loop->thread, NULL);
}

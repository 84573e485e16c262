/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of the api role: one thread, epoll, and tasks that other threads post.
 *
 * A source may be removed and its memory given up while the events of one wait are being handled: reactor_defer() runs a task
 * after all of them.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/mailbox.h"
#include "base/role.h"

struct reactor;

/* Something with a descriptor; a member of what it belongs to. */
struct reactor_source {
	int fd;
	uint32_t events; /* EPOLLIN …: what is waited for now; kept by reactor_add() and reactor_change() */
	void (*ready)(struct reactor_source *source, uint32_t events);
};

/* Something to do on the loop's thread; a member of what it is about, and the poster's until it has run. */
struct reactor_task {
	struct mailbox_letter letter;
	void (*run)(struct reactor_task *task);
};

enum err reactor_new(struct reactor **ret_reactor) MUST_USE; /* ERR_LIMIT: no descriptors */
/* Runs what was posted, and what that posts; its thread has ended. */
void reactor_free(struct reactor *reactor);

enum err reactor_start(struct reactor *reactor) MUST_USE; /* a thread with the api role */
void reactor_stop(struct reactor *reactor);               /* waits for it to end */

/* On the loop's thread, or while there is none. */
/* ERR_LIMIT: the kernel watches no more for us; logged with the remedy. */
enum err reactor_add(struct reactor *reactor, struct reactor_source *source, uint32_t events) MUST_USE;
void reactor_change(struct reactor *reactor, struct reactor_source *source, uint32_t events);
void reactor_remove(struct reactor *reactor, struct reactor_source *source); /* before its descriptor is closed */
void reactor_defer(struct reactor *reactor, struct reactor_task *task);

/* Never fails: the number of tasks is bounded by what posts them (calls under way). ON_ANY_THREAD */
void reactor_post(struct reactor *reactor, struct reactor_task *task);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of the api role: one thread, epoll, and tasks that other threads post.
 *
 * A source may be removed and its memory given up while the events of one wait are being handled: loop_defer() runs a task
 * after all of them.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/mailbox.h"
#include "base/role.h"

struct loop;

/* Something with a descriptor; a member of what it belongs to. */
struct loop_source {
	int fd;
	uint32_t events; /* EPOLLIN …: what is waited for now; kept by loop_add() and loop_change() */
	void (*ready)(struct loop_source *source, uint32_t events);
};

/* Something to do on the loop's thread; a member of what it is about, and the poster's until it has run. */
struct loop_task {
	struct mailbox_letter letter;
	void (*run)(struct loop_task *task);
};

enum err loop_new(struct loop **ret_loop) MUST_USE; /* ERR_LIMIT: no descriptors */
void loop_free(struct loop *loop);                  /* runs what was posted; its thread has ended */

enum err loop_start(struct loop *loop) MUST_USE; /* a thread with the api role */
void loop_stop(struct loop *loop);               /* waits for it to end */

/* On the loop's thread, or while there is none. */
void loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
void loop_change(struct loop *loop, struct loop_source *source, uint32_t events);
void loop_remove(struct loop *loop, struct loop_source *source); /* before its descriptor is closed */
void loop_defer(struct loop *loop, struct loop_task *task);

/* Never fails: the number of tasks is bounded by what posts them (calls under way). ON_ANY_THREAD */
void loop_post(struct loop *loop, struct loop_task *task);

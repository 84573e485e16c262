/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that does what no request does: answers interrupted calls, commits what has been staged for a second, and notices that the
 * mount was taken away. */
#pragma once

#include "base/err.h"
#include "fs/call.h"

struct warden;

struct warden *warden_new(struct fs *fs);
enum err warden_start(struct warden *warden) MUST_USE;
void warden_stop(struct warden *warden);
void warden_free(struct warden *warden);

/* The call was interrupted; a reference of it is taken. ON_ANY_THREAD */
void warden_cancel(struct warden *warden, struct call *call);
/* The stage has something to commit. ON_ANY_THREAD */
void warden_add(struct warden *warden, struct stage *stage);
/* It has no more, unless it was written to meanwhile. */
void warden_remove(struct warden *warden, struct stage *stage);
/* Begins to commit everything that is staged. */
void warden_commit_all(struct warden *warden);
/* Until nothing is staged, or the deadline of clock_steady_ns(). */
void warden_wait(struct warden *warden, uint64_t deadline_ns);

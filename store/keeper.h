/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's own thread: flushes when asked, knows what is on disk, and cleans up behind compaction in small steps. It works
 * on views, as any reader does, and holds nothing that the apply role waits for.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "store/view.h"

struct keeper {
	pthread_t thread;
	struct kv *kv;
	_Atomic uint64_t flushed; /* see store_flushed() */
	struct mailbox *mailbox;
};

void keeper_start(struct keeper *keeper, struct kv *kv);
/* Waits for the step that it is in. */
void keeper_stop(struct keeper *keeper);
void keeper_flush(struct keeper *keeper); /* ON_ANY_THREAD */
void keeper_sweep(struct keeper *keeper); /* the compacted revision was raised; ON_ANY_THREAD */

/* All up to here is on disk. */
void keeper_found_flushed(struct keeper *keeper, uint64_t index);

enum sweep_outcome { SWEEP_MORE, SWEEP_DONE, SWEEP_FAILED };
/* One step of the clean-up: see sweep.c. DONE: all that the view's compaction has left behind is gone. */
enum sweep_outcome sweep_step(struct kv_view *view);

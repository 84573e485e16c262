/* SPDX-License-Identifier: Apache-2.0 */
/* The replay's own state: for replay*.c alone. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "fs/helper_process.h"
#include "fs/replay.h"
#include "fs/step_queue.h"

struct prepared;

struct replay {
	struct replay_options options;
	char *root;                 /* the key of the root directory */
	int stop;                   /* an eventfd */
	pthread_mutex_t stop_mutex; /* held while it ends */
	pthread_t thread;
	bool is_started;
	struct helper_process helper; /* by the notify role; its pid by all */
	_Atomic size_t pending;       /* steps that wait or run */
	_Atomic uint64_t phantoms;    /* that were given an id */

	pthread_mutex_t mutex; /* a leaf; protects what follows up to the blank line */
	pthread_cond_t wake;
	bool is_stopping;
	bool is_off;       /* no helper any more: what comes is dropped */
	bool all_stale;    /* tell the kernel to forget all that it cached */
	bool is_collapsed; /* the queue was full, and is not empty yet */
	bool root_seen;    /* the helper asked this mount for its root */
	struct map stale;  /* node ids that the kernel is to be told of */
	struct step_queue queue;
	struct step *current; /* what the helper does; its requests are answered from it */
	bool is_hit;          /* the request that makes the change has come and was answered */
	struct replay_counts counts;

	struct prepared *prepared; /* by the apply role, between replay_changing() and replay_changed() */
	int64_t prepared_revision;
};

enum {
	REPLAY_STALE_MAX = 65536, /* more nodes to invalidate than that, and all are */
};

/* Stands for what is gone and was never known, or must not be touched: only its type matters. */
struct step_object replay_phantom_new(struct replay *replay, bool is_directory);
struct stat replay_phantom(uint64_t id, bool is_directory);
/* With the mutex held, after each change of the queue. */
void replay_count_pending(struct replay *replay);
void step_free(struct replay *replay, struct step *step);
/* Frees a list. */
void step_free_all(struct replay *replay, struct step *first);

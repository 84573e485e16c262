/* SPDX-License-Identifier: Apache-2.0 */
/* The store as its own files see it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "store/batch.h"
#include "store/keeper.h"
#include "store/session.h"
#include "store/store.h"
#include "store/view.h"

enum { OBSERVERS_MAX = 8 };

struct store {
	struct kv kv;
	struct database_memory memory;
	char *directory;
	struct kv_observer observers[OBSERVERS_MAX];
	size_t observer_count;
	/* Of the apply role. */
	struct batch batch;
	struct kv_change *changes; /* of the batch, to be shown to the observers */
	size_t change_count, change_capacity;
	struct kv_lease_event *lease_events; /* likewise */
	size_t lease_event_count, lease_event_capacity;
	struct arena *results; /* of the entry under way; NULL: its result is not wanted */
	bool write_next;       /* what is pending must be written before the next entry looks at it */
	struct sessions sessions;
	/* Published for any thread. */
	_Atomic uint64_t applied, applied_term;
	struct keeper keeper;
};

/* Freed with kv_result_free(). */
struct kv_result *result_of_outcome(const struct row_outcome *outcome);

/* Writes what is pending, makes it visible, calls the observers. ON_APPLY_THREAD */
void store_write(struct store *store);
/* What is published, and the batch, stand on this database from now on. The reference is taken. */
enum err store_stand_on(struct store *store, struct database *database) MUST_USE;

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel holds of `.etcfs/at/`: for each object that it was told of, an id, a revision and a key. Such an object never changes; it is
 * forgotten when the kernel forgets it.
 *
 * All functions: ON_ANY_THREAD; one leaf mutex inside.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

/* Ids of the objects: the store counts its own up from 4096, bit 63 marks those of mounts, and from bit 62 on the replay counts its phantoms. */
#define HISTORY_ID (UINT64_C(1) << 61)

static inline bool history_is(uint64_t id)
{
	return id >> 61 == 1;
}

struct history_place {
	int64_t revision, time_ns;
	struct bytes key; /* a directory's ends in '/' */
};

struct history_table;
struct history_table *history_table_new(void);
void history_table_free(struct history_table *table);

/* Its id, counted as looked up once more. */
uint64_t history_look_up(struct history_table *table, const struct history_place *place);
void history_forget(struct history_table *table, uint64_t id, uint64_t count);
/* False: there is none. The key lives in the arena. */
bool history_find(struct history_table *table, uint64_t id, struct arena *arena, struct history_place *ret_place);
/* The time of a place that is held: then it need not be looked up in the change log, where it stands beside all that the revision changed. */
bool history_knows_time(struct history_table *table, int64_t revision, struct bytes key, int64_t *ret_time_ns);
/* How many are held. */
size_t history_count(struct history_table *table);

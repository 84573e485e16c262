/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of `head` that were written last, by key, so that what is replaced soon after is not read again. It holds what the
 * newest state of one database says, and must be told of each write to it. Of the apply role; bounded: a key has one place, by
 * its hash, and the last one written there is remembered.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum {
	RECALL_PLACES = 4096,        /* a power of two */
	RECALL_ROW_BYTES_MAX = 2048, /* key and row; what is larger is read */
};

struct recall {
	struct recall_place *places;
};

void recall_init(struct recall *recall);
void recall_fini(struct recall *recall);
/* As hash table_hash(key). An empty row: there is none. */
void recall_keep(struct recall *recall, struct bytes key, uint64_t hash, struct bytes row);
/* False: not known. The row is good until the next call of another function. */
bool recall_find(const struct recall *recall, struct bytes key, uint64_t hash, struct bytes *ret_row);
void recall_forget_all(struct recall *recall);

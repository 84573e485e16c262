/* SPDX-License-Identifier: Apache-2.0 */
#include "store/recall.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct recall_place {
	uint8_t *bytes; /* the key, and the row */
	size_t capacity;
	uint64_t hash;
	uint32_t key_size, row_size;
	bool known;
};

void recall_init(struct recall *recall)
{
	recall->places = memory_new_array(RECALL_PLACES, sizeof *recall->places);
}

void recall_fini(struct recall *recall)
{
	for (size_t at = 0; at < RECALL_PLACES; at++)
		free(recall->places[at].bytes);
	free(recall->places);
	recall->places = NULL;
}

static struct recall_place *recall_place(const struct recall *recall, uint64_t hash)
{
	return &recall->places[hash & (RECALL_PLACES - 1)];
}

static bool recall_is(const struct recall_place *place, struct bytes key, uint64_t hash)
{
	return place->known && place->hash == hash && bytes_equal(bytes_of(place->bytes, place->key_size), key);
}

void recall_keep(struct recall *recall, struct bytes key, uint64_t hash, struct bytes row)
{
	struct recall_place *place = recall_place(recall, hash);
	size_t size = key.size + row.size;
	if (size > RECALL_ROW_BYTES_MAX) {
		/* Another key may stay: it is still what was said of it. */
		place->known = place->known && !recall_is(place, key, hash);
		return;
	}
	if (size > place->capacity) {
		free(place->bytes);
		place->bytes = memory_new(size);
		place->capacity = size;
	}
	memcpy(place->bytes, key.data, key.size);
	if (row.size != 0)
		memcpy(place->bytes + key.size, row.data, row.size);
	place->hash = hash;
	place->key_size = (uint32_t)key.size;
	place->row_size = (uint32_t)row.size;
	place->known = true;
}

bool recall_find(const struct recall *recall, struct bytes key, uint64_t hash, struct bytes *ret_row)
{
	const struct recall_place *place = recall_place(recall, hash);
	if (!recall_is(place, key, hash))
		return false;
	*ret_row = bytes_of(place->bytes + place->key_size, place->row_size);
	return true;
}

void recall_forget_all(struct recall *recall)
{
	for (size_t at = 0; at < RECALL_PLACES; at++)
		recall->places[at].known = false;
}

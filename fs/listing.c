/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/listing.h"

#include <stdlib.h>

#include "base/memory.h"

void listing_init(struct listing *listing)
{
	*listing = (struct listing){0};
	pthread_mutex_init(&listing->mutex, NULL);
}

void listing_fini(struct listing *listing)
{
	free(listing->places);
	free(listing->names);
	pthread_mutex_destroy(&listing->mutex);
}

void listing_rewind(struct listing *listing)
{
	listing->count = 0;
	listing->names_size = 0;
}

bool listing_child(struct listing *listing, size_t number, struct bytes *ret_segment, bool *ret_is_directory)
{
	if (number < LISTING_FIRST || number - LISTING_FIRST >= listing->count)
		return false;
	const struct listing_place *place = &listing->places[number - LISTING_FIRST];
	*ret_segment = bytes_of(listing->names + place->start, place->size);
	*ret_is_directory = place->is_directory;
	return true;
}

size_t listing_number(struct listing *listing, size_t before, struct bytes segment, bool is_directory)
{
	struct bytes next;
	bool next_is_directory;
	size_t number = before < LISTING_FIRST ? LISTING_FIRST : before + 1;
	if (listing_child(listing, number, &next, &next_is_directory) && bytes_equal(next, segment) &&
	    next_is_directory == is_directory)
		return number;
	if (listing->count == listing->capacity) {
		listing->capacity = listing->capacity ? listing->capacity * 2 : 64;
		listing->places = memory_resize(listing->places, listing->capacity, sizeof *listing->places);
	}
	if (listing->names_size + segment.size > listing->names_capacity) {
		listing->names_capacity = (listing->names_size + segment.size) * 2;
		listing->names = memory_resize(listing->names, listing->names_capacity, 1);
	}
	listing->places[listing->count] = (struct listing_place){listing->names_size, segment.size, is_directory};
	if (segment.size != 0)
		memcpy(listing->names + listing->names_size, segment.data, segment.size);
	listing->names_size += segment.size;
	return LISTING_FIRST + listing->count++;
}

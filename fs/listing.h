/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The positions of one open directory. A listing is in the order of the keys, and a position is a key that was shown: so whatever is created or
 * removed meanwhile, what stays is shown exactly once. The kernel holds a number for a position; the numbers are given here, and each
 * goes on meaning the key that it was given for.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum { LISTING_START = 0, LISTING_DOT = 1, LISTING_DOT_DOT = 2, LISTING_FIRST = 3 };

struct listing_place {
	size_t start, size; /* in names */
	bool is_directory;
};

struct listing {
	pthread_mutex_t mutex; /* protects all */
	struct listing_place *places;
	size_t count, capacity;
	char *names;
	size_t names_size, names_capacity;
};

void listing_init(struct listing *listing);
void listing_fini(struct listing *listing);
/* A new look from the start: the numbers begin again. */
void listing_rewind(struct listing *listing);
/* The number of the position of this child, shown after the position `before`. */
size_t listing_number(struct listing *listing, size_t before, struct bytes segment, bool is_directory);
/* The child of a number >= LISTING_FIRST; valid until listing_number() is called. False: it was never given. */
bool listing_child(struct listing *listing, size_t number, struct bytes *ret_segment, bool *ret_is_directory);

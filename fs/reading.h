/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one handle is reading. A file that is replaced in place between two reads would be seen half old and half new; so a reading that
 * began at the start of the file goes on in the content that it began with, up to and including the end that it is told once. Then, or
 * when it reads elsewhere, it sees what is there now: `tail -f` and a program that reads its file again do.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"

enum { READING_BYTES_MAX = 1 << 20 }; /* of a content that is kept for it; a larger one is read as it comes */

struct reading {
	pthread_mutex_t mutex; /* protects all */
	bool active;
	uint8_t *content; /* ours; NULL when all of it was read */
	size_t size, next;
};

void reading_init(struct reading *reading);
void reading_fini(struct reading *reading);
/* True: it goes on there; *ret_data is in the arena, and empty at the end. */
bool reading_continue(struct reading *reading, size_t offset, size_t size, struct arena *arena, struct bytes *ret_data);
/* It begins: `served` bytes of the content were given. */
void reading_begin(struct reading *reading, struct bytes content, size_t served);

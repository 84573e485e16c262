/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was done to a file's content since the base that it was read from: the content as the writer sees it, and which of it is his. So when
 * somebody else committed a newer content meanwhile, the writer's changes can be laid on that one.
 *
 * Invariants: extents are sorted, do not touch, and end within the content; appended_from <= content size, or EDIT_NOTHING_APPENDED.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { EDIT_EXTENTS_MAX = 1024 }; /* then the two nearest become one, with what lies between */

#define EDIT_NOTHING_APPENDED SIZE_MAX

struct extent {
	size_t start, end;
};

struct edit {
	uint8_t *content;
	size_t size, capacity;
	struct extent *extents; /* what was written at a place of its own choice */
	size_t extent_count, extent_capacity;
	size_t kept;          /* bytes of the base from here on were cut off */
	bool resized;         /* the size is the writer's, not the base's */
	size_t appended_from; /* what was appended, to whatever the base's end is */
};

void edit_init(struct edit *edit, struct bytes base);
void edit_fini(struct edit *edit);
/* The content stays, and is the base of what follows. */
void edit_settle(struct edit *edit);
bool edit_is_clean(const struct edit *edit);
/* Nothing but appends. */
bool edit_is_append(const struct edit *edit);

/* The caller has checked the limits. */
void edit_write(struct edit *edit, size_t offset, struct bytes data);
void edit_append(struct edit *edit, struct bytes data);
void edit_resize(struct edit *edit, size_t size);

struct bytes edit_content(const struct edit *edit);
/* The same changes on another base; memory: the arena. */
struct bytes edit_lay(const struct edit *edit, struct bytes base, struct arena *arena);

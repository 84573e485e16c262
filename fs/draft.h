/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was done to a file's content since the base that it was read from: the content as the writer sees it, and which of it is his. So when
 * somebody else committed a newer content meanwhile, the writer's changes can be laid on that one.
 *
 * Invariants: extents are sorted, do not touch, and end within the content; appended_from <= content size, or DRAFT_NOTHING_APPENDED.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

enum { DRAFT_EXTENTS_MAX = 1024 }; /* then the two nearest become one, with what lies between */

#define DRAFT_NOTHING_APPENDED SIZE_MAX

struct extent {
	size_t start, end;
};

struct draft {
	uint8_t *content;
	size_t size, capacity;
	struct extent *extents; /* what was written at a place of its own choice */
	size_t extent_count, extent_capacity;
	size_t kept;          /* bytes of the base from here on were cut off */
	bool resized;         /* the size is the writer's, not the base's */
	size_t appended_from; /* what was appended, to whatever the base's end is */
};

void draft_init(struct draft *draft, struct bytes base);
void draft_fini(struct draft *draft);
/* The content stays, and is the base of what follows. */
void draft_settle(struct draft *draft);
bool draft_is_clean(const struct draft *draft);
/* Nothing but appends. */
bool draft_is_append(const struct draft *draft);

/* The caller has checked the limits. */
void draft_write(struct draft *draft, size_t offset, struct bytes data);
void draft_append(struct draft *draft, struct bytes data);
void draft_resize(struct draft *draft, size_t size);

struct bytes draft_content(const struct draft *draft);
/* The same changes on another base; memory: the arena. */
struct bytes draft_lay(const struct draft *draft, struct bytes base, struct arena *arena);

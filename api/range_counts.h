/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many keys are left behind a page. Who reads a range page by page, at one revision, is told with each page how many there are from
 * it on: etcd counts them again each time, which makes reading all of them a square. What is left after a page is the count of the
 * next one, and at a revision it never changes. On the api role.
 */
#pragma once

#include <stdint.h>

#include "base/bytes.h"

enum { RANGE_COUNTS_MAX = 64 }; /* readers at once; the one that was longest ago is forgotten, and counted anew */

struct range_counts;
struct range_counts *range_counts_new(void);
void range_counts_free(struct range_counts *counts);
/* From `start` to `end` at the revision there are so many: at least one. Copied. */
void range_counts_note(struct range_counts *counts, struct bytes start, struct bytes end, int64_t revision,
                       int64_t count);
/* 0: it is not known. */
int64_t range_counts_find(struct range_counts *counts, struct bytes start, struct bytes end, int64_t revision);

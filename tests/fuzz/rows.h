/* SPDX-License-Identifier: Apache-2.0 */
/* A target that is many: the first byte of an input chooses the row. The target brings the table, rows.c the rest of fuzz.h. */
#pragma once

#include "base/arena.h"
#include "tests/fuzz/fuzz.h"

struct fuzz_row {
	void (*read)(struct bytes input);
	void (*seed)(struct random *random, struct buffer *buffer);
};
extern const struct fuzz_row fuzz_rows[];
extern const size_t fuzz_row_count;

/* Of one input, or of one seed. */
extern struct arena fuzz_arena;
